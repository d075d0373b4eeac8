"""Models for the tests of files; `python saved_models.py` wrote those in tests/data.

A new format version gets new files beside them; those that are there stay as they are.
"""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from shallowcore import activations, initializers, layers, losses, models, optimizers


def regression() -> tuple[Any, Any]:
    """Data of the regression."""
    rng = np.random.default_rng(0)
    x = rng.normal(5.0, 3.0, (40, 4))
    return x, 100.0 * np.tanh(x[:, :2]) + 7.0


def images() -> tuple[Any, Any]:
    """Data of the classifier: 8-bit images and labels."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (40, 3, 4), dtype=np.uint8), rng.integers(0, 3, 40)


FIXTURES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "regression-1": regression,
    "images-1": images,
    "newton-1": regression,
}


def make_model(name: str) -> models.Sequential:
    """The model of one of the files, untrained."""
    stack: list[layers.Layer] = [
        layers.Input((4,)),
        layers.Normalization(),
        layers.Dense(6, activations.LeakyReLU(0.2), kernel_regularizer="l2"),
        layers.Dense(2, kernel_initializer=initializers.HeNormal(seed=3), name="last"),
    ]
    if name == "images-1":
        stack = [
            layers.Input((3, 4)),
            layers.Flatten(),
            layers.Rescaling(1 / 255),
            layers.Dense(5, use_bias=False),
            layers.Activation("tanh"),
            layers.Dense(3, "softmax"),
        ]
        model = models.Sequential(stack, name="images", seed=2)
        loss = losses.SparseCategoricalCrossentropy(scale=2.0)
        model.compile(optimizers.RMSprop(0.01, momentum=0.5, centered=True), loss, ["accuracy"])
        return model
    dtype = "float64" if name == "newton-1" else "float32"
    model = models.Sequential(stack, dtype=dtype, seed=1)
    optimizer = optimizers.NewtonCG() if name == "newton-1" else optimizers.Adam(amsgrad=True)
    model.compile(optimizer, "mse", ["mae"], standardize_targets=True)
    return model


def small(seed: int = 0) -> models.Sequential:
    """A model with weights and state, quickly."""
    rng = np.random.default_rng(seed)
    model = models.Sequential(
        [layers.Input((3,)), layers.Normalization(), layers.Dense(4, "relu"), layers.Dense(2)],
        seed=seed,
    )
    model.compile("adam", "mse", ["mae"], standardize_targets=True)
    model.fit(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)), epochs=2, verbose=0)
    return model


def raw(content: bytes) -> tuple[dict[str, Any], dict[str, str], bytes]:
    """Header without metadata, metadata, and the arrays' bytes."""
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    return header, header.pop("__metadata__"), content[8 + size :]


if __name__ == "__main__":
    folder = Path(__file__).parent / "data"
    for name, data in FIXTURES.items():
        model = make_model(name)
        model.fit(*data(), epochs=3, batch_size=16, verbose=0)
        model.save(folder / f"{name}.safetensors")
        np.savez(folder / f"{name}.npz", *model.get_weights())
