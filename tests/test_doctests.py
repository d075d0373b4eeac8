"""Every example in a docstring of the installed package runs and prints what it says."""

import doctest
import importlib
import pkgutil

import pytest
import shallowcore

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def module_names() -> list[str]:
    """All modules of the package but `__main__`, which would run."""
    found = pkgutil.walk_packages(shallowcore.__path__, "shallowcore.")
    names = [module.name for module in found if not module.name.endswith("__main__")]
    return ["shallowcore", *sorted(names)]


@pytest.mark.parametrize("name", module_names())
def test_examples_of_module(name: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)  # an example that writes a file writes it here
    monkeypatch.setenv("MPLBACKEND", "Agg")
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=OPTIONS)
    assert result.failed == 0


def test_package_has_examples() -> None:
    """The walk sees the examples: it would pass on an empty package, too."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [importlib.import_module(name) for name in module_names()]
    examples = [case for module in modules for case in finder.find(module) if case.examples]
    assert len(examples) >= 10
