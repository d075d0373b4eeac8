"""shallow: 20-10-1, tanh and sigmoid, 4000 samples in batches of 100 as they lie: tiny products."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.plain_numpy import train_tanh_sigmoid
from bench.workload import SEED, Data, Floats, Order, Workload

LEARNING_RATE = 1.0


def load() -> Data:
    """Normal samples; the class is whether two of the features have the same sign."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(4000, 20)).astype(np.float32)
    y = (x[:, :1] * x[:, 1:2] > 0).astype(np.float32)
    return Data(x, y, "synthetic")


def train_numpy(
    x: Floats, y: NDArray[Any], weights: list[Floats], orders: Iterable[Order], batch_size: int
) -> list[float]:
    """Gradient descent."""
    return train_tanh_sigmoid(x, y, weights, orders, batch_size, LEARNING_RATE)


WORKLOAD = Workload(
    name="shallow",
    sizes=(20, 10, 1),
    activations=("tanh", "sigmoid"),
    loss="binary_crossentropy",
    optimizer="sgd",
    settings={"learning_rate": LEARNING_RATE},
    load=load,
    train_numpy=train_numpy,
    batch_size=100,
    epochs=300,
    quick_epochs=20,
    check_epochs=2,
)
