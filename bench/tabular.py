"""tabular: 54-256-7, relu and softmax, Adam, 100,000 shuffled samples in batches of 256."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.plain_numpy import batches, softmax_gradients
from bench.workload import SEED, Data, Floats, Order, Workload

LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


def load() -> Data:
    """Seven classes by the largest of seven random linear forms, with noise."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(100_000, 54)).astype(np.float32)
    scores = x @ rng.normal(size=(54, 7)) + rng.normal(size=(len(x), 7))
    return Data(x, scores.argmax(axis=1).astype(np.int32), "synthetic")


def train_numpy(
    x: Floats, y: NDArray[Any], weights: list[Floats], orders: Iterable[Order], batch_size: int
) -> list[float]:
    """Adam as Keras defines it."""
    means = [np.zeros_like(w) for w in weights]
    squares = [np.zeros_like(w) for w in weights]
    right = np.empty(len(x), np.float32)
    losses, step = [], 0
    for order in orders:
        for place, xb, labels in batches(x, y, order, batch_size):
            step += 1
            rate = LEARNING_RATE * math.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
            gradients = softmax_gradients(xb, labels, weights, right[place])
            for w, m, v, g in zip(weights, means, squares, gradients, strict=True):
                m *= BETA_1
                m += (1 - BETA_1) * g
                v *= BETA_2
                g *= g
                g *= 1 - BETA_2
                v += g
                root = np.sqrt(v)
                root += EPSILON
                np.divide(m, root, out=root)
                root *= rate
                w -= root
        losses.append(-float(right.mean()))
    return losses


WORKLOAD = Workload(
    name="tabular",
    sizes=(54, 256, 7),
    activations=("relu", "softmax"),
    loss="sparse_categorical_crossentropy",
    optimizer="adam",
    load=load,
    train_numpy=train_numpy,
    batch_size=256,
    epochs=4,
    shuffle=True,
    quick_epochs=1,
    quick_samples=25_600,
    check_epochs=2,
    check_samples=20 * 256 + 100,
)
