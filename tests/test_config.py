"""The package's own front: threads, configuration, what importing it loads and costs."""

import subprocess
import sys

import numpy as np
import pytest
import shallowcore as sc


def in_a_new_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_threads_are_set_and_put_back():
    before = sc.get_num_threads()
    with sc.num_threads(1):
        assert sc.get_num_threads() == 1
        with sc.num_threads(1):
            assert sc.get_num_threads() == 1
    assert sc.get_num_threads() == before
    with pytest.raises(OSError, match="inside"), sc.num_threads(1):
        raise OSError("inside")
    assert sc.get_num_threads() == before
    sc.set_num_threads(before)


@pytest.mark.parametrize(
    ("n", "error"),
    [(0, ValueError), (-1, ValueError), (2000, ValueError), (1.0, TypeError), (True, TypeError)],
)
def test_bad_numbers_of_threads(n, error):
    before = sc.get_num_threads()
    for call in (sc.set_num_threads, sc.num_threads):
        with pytest.raises(error, match="n must be an integer from 1 to 1024"):
            call(n)
    assert sc.get_num_threads() == before


def test_show_config_prints_or_returns(capsys):
    assert sc.show_config() is None
    printed = capsys.readouterr().out
    figures = sc.show_config(mode="dicts")
    for name, value in figures.items():
        assert name in printed
        assert str(value if not isinstance(value, list) else value[0]) in printed
    assert figures["instruction set"] in figures["instruction sets of this machine"]
    assert figures["plans of trainings"][0] == "solver"
    assert figures["plans of trainings"][-1] == "blocks"
    assert figures["version"] == sc.__version__
    assert figures["numpy"] == np.__version__
    with pytest.raises(ValueError, match="mode must be"):
        sc.show_config(mode="json")


def test_submodules_are_attributes():
    for name in ("models", "layers", "ops", "losses", "optimizers", "activations", "callbacks"):
        assert getattr(sc, name).__name__ == f"shallowcore.{name}"
        assert name in dir(sc)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = sc.nonsense


def test_importing_loads_numpy_only():
    code = """
import sys
import shallowcore
from shallowcore import layers, models, optimizers, losses, callbacks, initializers, regularizers
from shallowcore import datasets, ops, utils
optional = {"sklearn", "matplotlib", "tqdm", "onnx", "safetensors", "h5py", "pandas", "scipy"}
print(*sorted(optional & set(sys.modules)))
"""
    assert in_a_new_process(code) == ""


def test_import_is_quick():
    code = """
import time, numpy
start = time.perf_counter()
import shallowcore
print(time.perf_counter() - start)
"""
    assert min(float(in_a_new_process(code)) for _ in range(3)) < 0.05


def test_a_missing_core_says_what_to_do():
    code = """
import sys
sys.modules["shallowcore._core"] = None
try:
    import shallowcore
except ImportError as error:
    print(error)
"""
    assert "did you build and install it?" in in_a_new_process(code)
