"""layers.Normalization beside Keras 3's: figures, outputs, ten steps of training in float64."""

import os
from typing import Any

import numpy as np
import pytest
from oracle.tolerances import assert_all_close, assert_close
from shallowcore import layers, models, optimizers


def features() -> Any:
    """Features of different sizes and places, one of them constant."""
    x = np.random.default_rng(0).normal(5.0, [1.0, 20.0, 300.0, 1e-3], (50, 4))
    x[:, 1] = 0.1
    return x


def keras_module() -> Any:
    """Keras with JAX, in float64; skipped without them."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("jax").config.update("jax_enable_x64", True)
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("Keras runs on another backend in this process")
    keras.config.set_floatx("float64")
    return keras


@pytest.mark.parametrize("axis", [-1, None, 1])
def test_keras_adapts_and_normalizes_the_same(axis: Any) -> None:
    keras = keras_module()
    x = features()
    theirs = keras.layers.Normalization(axis=axis, dtype="float64")
    theirs.adapt(x)
    mine = layers.Normalization(axis)
    mine.adapt(x)
    model = models.Sequential([mine], dtype="float64")
    scale = np.abs(x).max()
    assert_close(mine.mean, np.asarray(theirs.mean).reshape(mine.mean.shape), 1e-9, scale=scale)
    assert_close(model.predict(x), np.asarray(theirs(x)), 1e-9)


def test_ten_steps_as_keras() -> None:
    keras = keras_module()
    rng = np.random.default_rng(8)
    x, y = rng.normal(5.0, [1.0, 20.0, 300.0], (64, 3)), rng.normal(size=(64, 1))
    w, b, v, c = rng.normal(size=(3, 8)), rng.normal(size=8), rng.normal(size=(8, 1)), np.zeros(1)
    normalization = keras.layers.Normalization(dtype="float64")
    normalization.adapt(x)
    theirs = keras.Sequential(
        [
            keras.layers.Input((3,)),
            normalization,
            keras.layers.Dense(8, activation="sigmoid", dtype="float64"),
            keras.layers.Dense(1, dtype="float64"),
        ]
    )
    theirs.layers[1].set_weights([w, b])
    theirs.layers[2].set_weights([v, c])
    theirs.compile(keras.optimizers.Adam(0.01), "mse")
    theirs.fit(x, y, batch_size=32, epochs=5, shuffle=False, verbose=0)
    mine = models.Sequential(
        [layers.Input((3,)), layers.Normalization(), layers.Dense(8, "sigmoid"), layers.Dense(1)],
        dtype="float64",
    )
    mine.set_weights([*mine.get_weights()[:3], w, b, v, c])
    mine.compile(optimizers.Adam(0.01), "mse")
    mine.fit(x, y, batch_size=32, epochs=5, shuffle=False, verbose=0)
    expected = [np.asarray(v.value) for layer in theirs.layers[1:] for v in layer.weights]
    assert_all_close(mine.get_weights()[3:], expected, 1e-9)
