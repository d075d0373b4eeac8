"""mnist: 784-512-10, relu and softmax, RMSprop, 60,000 shuffled images in batches of 128."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shallowcore import datasets

from bench.plain_numpy import batches, softmax_gradients
from bench.workload import SEED, Data, Floats, Order, Workload

LEARNING_RATE, RHO, EPSILON = 1e-3, 0.9, 1e-7
N_SAMPLES, N_FEATURES = 60_000, 28 * 28


def load() -> Data:
    """MNIST, values from 0 to 1, where it is on this machine."""
    try:
        (images, labels), _ = datasets.load_mnist(download=False)
    except FileNotFoundError:
        return synthetic()
    x = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    return Data(x, labels.astype(np.int32), "MNIST")


def synthetic() -> Data:
    """Ten random patterns, and noise."""
    rng = np.random.default_rng(SEED)
    labels = rng.integers(0, 10, N_SAMPLES).astype(np.int32)
    patterns = rng.random((10, N_FEATURES), dtype=np.float32)
    x = rng.random((N_SAMPLES, N_FEATURES), dtype=np.float32)
    x += patterns[labels]
    x /= 2
    return Data(x, labels, "synthetic")


def train_numpy(
    x: Floats, y: NDArray[Any], weights: list[Floats], orders: Iterable[Order], batch_size: int
) -> list[float]:
    """RMSprop as Keras defines it."""
    squares = [np.zeros_like(w) for w in weights]
    right = np.empty(len(x), np.float32)
    losses = []
    for order in orders:
        for place, xb, labels in batches(x, y, order, batch_size):
            gradients = softmax_gradients(xb, labels, weights, right[place])
            for w, v, g in zip(weights, squares, gradients, strict=True):
                root = g * g
                root *= 1 - RHO
                v *= RHO
                v += root
                np.add(v, EPSILON, out=root)
                np.sqrt(root, out=root)
                g *= LEARNING_RATE
                g /= root
                w -= g
        losses.append(-float(right.mean()))
    return losses


WORKLOAD = Workload(
    name="mnist",
    sizes=(N_FEATURES, 512, 10),
    activations=("relu", "softmax"),
    loss="sparse_categorical_crossentropy",
    optimizer="rmsprop",
    load=load,
    train_numpy=train_numpy,
    batch_size=128,
    epochs=1,
    shuffle=True,
    quick_epochs=1,
    quick_samples=6_400,
    check_epochs=2,
    check_samples=10 * 128 + 50,
)
