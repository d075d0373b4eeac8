"""cat: logistic regression on 12288 features, all 209 images in every step: bound by memory."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shallowcore import datasets

from bench.plain_numpy import sigmoid
from bench.workload import SEED, Data, Floats, Order, Workload

LEARNING_RATE = 0.005
N_SAMPLES, N_FEATURES = 209, 64 * 64 * 3


def load() -> Data:
    """The cat photographs, values from 0 to 1, where they are on this machine."""
    try:
        (images, labels), _ = datasets.load_cats(download=False)
    except (FileNotFoundError, ImportError):  # no data, or no h5py to read them
        rng = np.random.default_rng(SEED)
        x = rng.random((N_SAMPLES, N_FEATURES), dtype=np.float32)
        return Data(x, (x[:, :1] > 0.5).astype(np.float32), "synthetic")
    x = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    return Data(x, labels[:, np.newaxis].astype(np.float32), "cats")


def train_numpy(
    x: Floats, y: NDArray[Any], weights: list[Floats], orders: Iterable[Order], batch_size: int
) -> list[float]:
    """Gradient descent on the whole data; vectors are 1-D, which is what BLAS is best at."""
    w, b = weights[0][:, 0], weights[1]
    y = y[:, 0]
    sign = 2 * y - 1
    losses = []
    for _ in orders:
        z = x @ w
        z += b
        losses.append(float(np.logaddexp(0, -sign * z).mean()))
        with np.errstate(over="ignore"):
            dz = sigmoid(z)
        dz -= y
        dz *= LEARNING_RATE / len(x)
        w -= dz @ x
        b -= dz.sum()
    return losses


WORKLOAD = Workload(
    name="cat",
    sizes=(N_FEATURES, 1),
    activations=("sigmoid",),
    loss="binary_crossentropy",
    optimizer="sgd",
    settings={"learning_rate": LEARNING_RATE},
    load=load,
    train_numpy=train_numpy,
    batch_size=N_SAMPLES,
    epochs=2000,
    quick_epochs=50,
    check_epochs=50,
)
