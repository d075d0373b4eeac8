"""Sphinx's settings for this site; `nox -s docs` builds it into build/docs."""

import os
from importlib.metadata import version as version_of
from typing import Any

os.environ.setdefault("MPLBACKEND", "Agg")

project = "shallowcore"
author = "The shallowcore developers"
copyright = author
version = release = version_of(project)

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_templates", "examples/README.rst"]

# --- Markdown -------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# --- reference ------------------------------------------------------------------------------------

# Docstrings write `name`: a link where there is such a thing, else plain emphasis.
default_role = "autolink"
# A module's page shows what its __all__ names, wherever it is defined.
autosummary_ignore_module_all = False
# Docstrings give types with shapes and defaults.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
# Nothing is fetched from other sites while this one is built.
nitpick_ignore = [("py:obj", "numpy.show_config")]

# What the package's modules ask of each other's objects: not for users.
INTERNAL = """
adapt_to add_figures arguments conclude extend for_core forget_network is_adapted is_score join
learns needed_figures norm_of_gradient note_epochs on_divergence prepare refresh restore_state
rule save_with settings state take_state to_core unit_ranges views_of weights_changed
"""


def skips_internal(app: Any, what: str, name: str, *_: Any) -> bool | None:
    """Leave methods of INTERNAL out of the reference; None: as Sphinx thinks."""
    return True if name in INTERNAL.split() else None


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", skips_internal)


# --- gallery --------------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

# --- pages ----------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": {"**": ["page-toc"], "coming_from": [], "registry": []},
    "footer_start": ["copyright"],
    "footer_end": [],
}
# Pages without siblings need no list of them.
html_sidebars = {page: [] for page in ("index", "tour", "fast", "performance")}
html_show_sourcelink = False
html_copy_source = False
