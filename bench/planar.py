"""planar: 2-4-1, tanh and sigmoid, all 400 samples in every step: next to no arithmetic."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shallowcore import datasets

from bench.plain_numpy import train_tanh_sigmoid
from bench.workload import Data, Floats, Order, Workload

LEARNING_RATE = 1.2


def load() -> Data:
    """The flower of the exercise on planar data."""
    x, y = datasets.make_flower(400)
    return Data(x.astype(np.float32), y[:, np.newaxis].astype(np.float32), "flower")


def train_numpy(
    x: Floats, y: NDArray[Any], weights: list[Floats], orders: Iterable[Order], batch_size: int
) -> list[float]:
    """Gradient descent."""
    return train_tanh_sigmoid(x, y, weights, orders, batch_size, LEARNING_RATE)


WORKLOAD = Workload(
    name="planar",
    sizes=(2, 4, 1),
    activations=("tanh", "sigmoid"),
    loss="binary_crossentropy",
    optimizer="sgd",
    settings={"learning_rate": LEARNING_RATE},
    load=load,
    train_numpy=train_numpy,
    batch_size=400,
    epochs=10_000,
    quick_epochs=500,
    check_epochs=100,
)
