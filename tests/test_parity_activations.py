"""Parity with Keras 3: activations, and what dropout means.

Same weights, same data, same order: after ten steps weights and loss agree to 1e-9 in float64.
"""

import importlib
import importlib.util
import itertools
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from shallowcore import _core, activations, layers, models, ops, optimizers

os.environ.setdefault("KERAS_BACKEND", "jax")

PARITY = 1e-9
SIZES = (5, 8, 6, 3)
RATE = 0.01

# Keras' functions are named as the core's but for those given here.
KERAS_NAMES = {"identity": "linear"}
NAMES = [info.name for info in _core.activation_table()]
PARAMETERS: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in NAMES]
PARAMETERS += [("leaky_relu", {"negative_slope": 0.2}), ("elu", {"alpha": 0.5})]
PARAMETERS += [("gelu", {"approximate": True})]

needs_keras = pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="needs keras")


def data() -> tuple[Any, Any, list[Any]]:
    """x (24, 5), y (24, 3), and weights of three dense layers."""
    rng = np.random.default_rng(1)
    weights: list[Any] = []
    for n_in, n_out in itertools.pairwise(SIZES):
        weights += [rng.normal(size=(n_in, n_out)) / n_in, 0.3 * rng.normal(size=n_out)]
    return rng.normal(size=(24, SIZES[0])), rng.normal(size=(24, SIZES[-1])), weights


def trained(name: str, parameters: dict[str, Any]) -> list[Any]:
    """Weights after ten steps of the core: two hidden layers, squared error, all samples."""
    x, y, weights = data()
    g = activations.Activation(name, **parameters)
    stack = [layers.Input((SIZES[0],)), *(layers.Dense(n, g) for n in SIZES[1:3])]
    model = models.Sequential([*stack, layers.Dense(SIZES[3])], dtype="float64", seed=0)
    model.set_weights(weights)
    model.compile(optimizers.SGD(RATE), "mse")
    model.fit(x, y, batch_size=12, epochs=5, shuffle=False, verbose=0)
    return model.get_weights()


def assert_parity(mine: list[Any], theirs: list[Any]) -> None:
    """Largest difference of each array relative to its largest entry."""
    for a, b in zip(mine, theirs, strict=True):
        assert a.shape == b.shape
        assert np.max(np.abs(a - b)) < PARITY * np.max(np.abs(b))


# --- Keras ----------------------------------------------------------------------------------------


@pytest.fixture
def keras(monkeypatch: Any) -> Any:
    """Keras on JAX, computing in float64, which it would turn into float32 in many places."""
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    module = pytest.importorskip("keras")
    dtypes = importlib.import_module("keras.src.backend.common.dtypes")
    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    floatx = module.config.floatx()
    module.config.set_floatx("float64")
    yield module
    module.config.set_floatx(floatx)
    jax.config.update("jax_enable_x64", before)


def keras_function(keras: Any, name: str, parameters: dict[str, Any]) -> Callable[[Any], Any]:
    """Keras' activation of that name, with the core's parameters."""
    function = getattr(keras.activations, KERAS_NAMES.get(name, name))
    given = activations.Activation(name, **parameters).parameters
    if name == "gelu":
        given = {"approximate": bool(given["approximate"])}
    return lambda z: function(z, **given)


@needs_keras
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("name", "parameters"), PARAMETERS, ids=str)
def test_ten_steps_of_keras(keras: Any, name: str, parameters: dict[str, Any]) -> None:
    x, y, weights = data()
    g = keras_function(keras, name, parameters)
    stack = [keras.layers.Input((SIZES[0],), dtype="float64")]
    stack += [keras.layers.Dense(n, activation=g, dtype="float64") for n in SIZES[1:3]]
    model = keras.Sequential([*stack, keras.layers.Dense(SIZES[3], dtype="float64")])
    model.set_weights(weights)
    model.compile(keras.optimizers.SGD(RATE), "mse")
    model.fit(x, y, batch_size=12, epochs=5, shuffle=False, verbose=0)
    assert_parity(trained(name, parameters), model.get_weights())


@needs_keras
@pytest.mark.parametrize(("name", "parameters"), PARAMETERS, ids=str)
def test_values_of_keras(keras: Any, name: str, parameters: dict[str, Any]) -> None:
    z = np.random.default_rng(2).normal(size=(40, 7)) * 3
    theirs = np.asarray(keras_function(keras, name, parameters)(z))
    np.testing.assert_allclose(ops.activation(z, name, **parameters), theirs, 1e-13, 1e-14)


@needs_keras
def test_defaults_of_keras(keras: Any) -> None:
    """gelu is exact unless asked otherwise."""
    z = np.linspace(-4, 4, 33)
    np.testing.assert_allclose(activations.gelu(z), np.asarray(keras.activations.gelu(z)), 1e-13)


@needs_keras
def test_dropout_means_what_it_does_in_keras(keras: Any) -> None:
    """Kept inputs are divided by 1 - rate, the others 0; nothing happens outside of training."""
    x = np.ones((200, 50))
    theirs = np.asarray(keras.layers.Dropout(0.2, seed=1, dtype="float64")(x, training=True))
    stack = [layers.Input((50,)), layers.Dropout(0.2), layers.Dense(50, None, False, np.eye(50))]
    model = models.Sequential(stack, dtype="float64", seed=1)
    model.compile(optimizers.SGD(0.0), "mse")
    mine = model.fit(x, 0 * x, batch_size=200, verbose=0).history["loss"][0]
    assert sorted(set(theirs.ravel())) == [0.0, 1.25]
    assert abs(mine - np.mean(theirs**2)) < 0.05
    np.testing.assert_array_equal(model.predict(x), x)
