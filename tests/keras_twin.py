"""Keras 3 on JAX in float64, for comparisons: a model with the same weights, trained in order.

Keras runs eagerly: compiling each of these small models would take longer than training it.
"""

import itertools
import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

N_SAMPLES, N_FEATURES, BATCH_SIZE, EPOCHS = 40, 5, 20, 5
STEPS = EPOCHS * N_SAMPLES // BATCH_SIZE
# Two float64 trainings of the same steps after ten of them.
PARITY = 1e-9


def keras() -> Any:
    """Return Keras, set to float64; skips the test where it is not installed."""
    pytest.importorskip("jax")
    os.environ["KERAS_BACKEND"] = "jax"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jax

        jax.config.update("jax_enable_x64", True)
        found = pytest.importorskip("keras")
        found.backend.set_floatx("float64")
        # Keras turns float64 into float32 on JAX, whose default that is, wherever types meet.
        from keras.src.backend.common import dtypes

        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    return found


def weights_of(rng: np.random.Generator, sizes: Sequence[int]) -> list[Any]:
    """[kernel, bias, kernel, ...], random."""
    found: list[Any] = []
    for n_in, n_out in itertools.pairwise(sizes):
        found += [rng.normal(size=(n_in, n_out)) / np.sqrt(n_in), 0.3 * rng.normal(size=n_out)]
    return found


def trained(
    weights: Sequence[Any],
    activations: Sequence[str],
    optimizer: Any,
    loss: Any,
    x: Any,
    y: Any,
    sample_weight: Any = None,
) -> tuple[list[Any], list[float]]:
    """Weights and history of the loss after STEPS steps of Keras."""
    k = keras()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stack = [k.layers.Input((x.shape[1],))]
        for kernel, name in zip(weights[::2], activations, strict=True):
            stack.append(k.layers.Dense(kernel.shape[1], name))
        model = k.Sequential(stack)
        model.set_weights(weights)
        model.compile(optimizer, loss, run_eagerly=True, jit_compile=False)
        history = model.fit(
            x,
            y,
            batch_size=BATCH_SIZE,
            epochs=EPOCHS,
            shuffle=False,
            verbose=0,
            sample_weight=sample_weight,
        )
        return model.get_weights(), history.history["loss"]
