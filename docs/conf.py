"""Sphinx's settings for this site; `nox -s docs` builds it into build/docs."""

import os
from importlib.metadata import version as version_of

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
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_show_sourcelink = False
html_copy_source = False
