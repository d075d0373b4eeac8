"""Exports compute what the model does: ONNX in ONNX Runtime, C headers under strict compilers."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from shallowcore import _registry, activations, layers, models

from bench import exports

NAMES = sorted({*exports.ELEMENTWISE, *exports.ROWWISE} - {"linear"} | {"identity"})


def one_layer(g: Any, dtype: str = "float32") -> models.Sequential:
    """A network of one layer with this activation."""
    stack = [layers.Input((4,)), layers.Dense(3, g)]
    return models.Sequential(stack, dtype=dtype, seed=3)


def assert_exported(model: models.Sequential, x: Any, folder: Path, *ways: str) -> None:
    """Compare the exports, all unless some are named, with predict."""
    found = {
        "onnx": exports.onnx_outputs,
        "c": exports.header_outputs,
        "c++": lambda *given: exports.header_outputs(*given, "cpp"),
        "safetensors": exports.loaded_outputs,
    }
    expected = model.predict(x)
    for way in ways or found:
        worst = exports.difference(found[way](model, x, folder), expected)
        assert worst <= exports.allowed(model, way), way


def test_every_activation_is_drawn() -> None:
    assert sorted(_registry.activations()) == NAMES


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_activations_in_onnx(name: str, dtype: str, tmp_path: Path) -> None:
    """On the whole range of what they take, tails included."""
    parameters: Any = _registry.activations()[name].parameters
    choices = [parameters, {key: 1.0 if key == "approximate" else 0.3 for key in parameters}]
    for given in choices[: 1 + bool(parameters)]:
        g = activations.Activation(name, **given)
        model = models.Sequential([layers.Input((5,)), layers.Activation(g)], dtype=dtype)
        x = np.linspace(-30, 4 if name == "exponential" else 30, 200, dtype=dtype).reshape(-1, 5)
        assert_exported(model, x, tmp_path, "onnx")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_in_c(dtype: str, tmp_path: Path) -> None:
    """All in one header a dtype: a compiler takes its time."""
    stack: list[Any] = [layers.Input((4,))]
    for name in NAMES:
        stack += [layers.Dense(9, name)]
    stack += [layers.Dense(9, activations.GELU(True)), layers.Dense(9, activations.ELU(0.3))]
    model = models.Sequential(stack, dtype=dtype, seed=1)
    x = np.random.default_rng(1).normal(0.0, 3.0, (64, 4)).astype(dtype)
    assert_exported(model, x, tmp_path, "c", "c++")


@pytest.mark.parametrize("number", range(8))
def test_random_models(number: int, tmp_path: Path) -> None:
    model, x = exports.random_model(np.random.default_rng([7, number]), 2 * number)
    assert_exported(model, x, tmp_path, "onnx", "c", "safetensors")


def test_comparison_rejects_a_slight_difference(tmp_path: Path) -> None:
    """An export of other weights is found out."""
    model = one_layer("tanh")
    x = np.ones((2, 4), dtype=np.float32)
    expected = model.predict(x)
    model.layers[0].bias[1] += 1e-5
    assert exports.difference(exports.onnx_outputs(model, x, tmp_path), expected) > 2e-6
    assert exports.difference(exports.header_outputs(model, x, tmp_path), expected) > 2e-6


# --- normalization --------------------------------------------------------------------------------
@pytest.mark.parametrize("scale", [1.0, 1 / 255, 0.0])
def test_large_means_keep_their_digits(scale: float, tmp_path: Path) -> None:
    """float32, mean 1e5 times the deviation: folded into the kernel this would be 1e-2 off."""
    rng = np.random.default_rng(0)
    x = (1e5 * rng.uniform(1, 2, 6) + rng.normal(size=(64, 6))).astype(np.float32)
    normalization = layers.Normalization()
    stack = [layers.Input((6,)), layers.Rescaling(scale, 0.1), normalization, layers.Dense(3)]
    model = models.Sequential(stack, seed=0)
    normalization.adapt(scale * x.astype(np.float64) + 0.1 + (scale == 0) * rng.normal(size=6))
    assert_exported(model, x, tmp_path, "onnx", "c")


# --- files ----------------------------------------------------------------------------------------
def test_onnx_says_what_it_is(tmp_path: Path) -> None:
    stack = [layers.Input((3, 4)), layers.Flatten(), layers.Dense(2, "softmax")]
    models.Sequential(stack, name="eyes").export(tmp_path / "m.onnx")
    found = onnx.load(tmp_path / "m.onnx")
    assert (found.producer_name, found.graph.name) == ("shallowcore", "eyes")
    assert [(o.domain, o.version) for o in found.opset_import] == [("", 13)]
    dims = found.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in dims] == ["n_samples", 3, 4]


@pytest.mark.parametrize("stem", ["7 of-9.best", "float", "Überöl", "…", "_x"])
def test_header_of_any_name(stem: str, tmp_path: Path) -> None:
    model = one_layer("relu")
    model.name = "*/ int x; ??/ \\\n\u2713"
    x = np.ones((2, 4), dtype=np.float32)
    found = exports.header_outputs(model, x, tmp_path, stem=stem)
    assert exports.difference(found, model.predict(x)) <= exports.TOLERANCE["float32"]
    assert (tmp_path / f"{stem}.h").read_bytes().isascii()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_of_a_header_are_exact(dtype: str, tmp_path: Path) -> None:
    """Every kind of number comes back as the same bits."""
    info = np.finfo(dtype)
    values = [info.max, -info.tiny, info.smallest_subnormal, -0.0, 1.0, 1 / 3, 1e10, 123456789.0]
    kernel = np.array([values], dtype=dtype)
    model = models.Sequential(
        [layers.Input((1,)), layers.Dense(len(values), use_bias=False)], dtype=dtype
    )
    model.set_weights([kernel])
    x = np.ones((1, 1), dtype=dtype)
    assert np.array_equal(exports.header_outputs(model, x, tmp_path), kernel)


def test_two_headers_in_one_program(tmp_path: Path) -> None:
    for name in ("one", "two"):
        one_layer("relu").export(tmp_path / f"{name}.h")
    main = '#include "one.h"\n#include "two.h"\n#include "one.h"\n'
    main += "int main(void) { float x[4] = {0}; one_predict(x, x); two_predict(x, x); return 0; }\n"
    (tmp_path / "main.c").write_text(main)
    command = [*exports.compilers()[0], "-std=c99", *exports.STRICT, "main.c", "-o", "main.so"]
    subprocess.run([*command, "-lm"], check=True, cwd=tmp_path)


# --- refusals -------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["m.pb", "m", "m.onnx.txt"])
def test_other_suffixes_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end with '\.onnx' or '\.h'"):
        one_layer(None).export(tmp_path / name)


def test_model_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no weights yet"):
        models.Sequential([layers.Dense(2)]).export(tmp_path / "m.h")


@pytest.mark.parametrize("name", ["m.onnx", "m.h"])
def test_weights_that_are_not_finite_are_refused(name: str, tmp_path: Path) -> None:
    """And the file that is there stays."""
    model = one_layer(None)
    model.export(tmp_path / name)
    before = (tmp_path / name).read_bytes()
    model.layers[0].kernel[1, 1] = np.inf
    with pytest.raises(ValueError, match="must be finite in float32"):
        model.export(tmp_path / name)
    assert (tmp_path / name).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_missing_onnx_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"shallowcore\[onnx\]"):
        one_layer(None).export(tmp_path / "m.onnx")
    one_layer(None).export(tmp_path / "m.h")
