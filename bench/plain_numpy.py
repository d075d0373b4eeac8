"""What the NumPy scripts share: batches, and the steps that two workloads have in common.

Written as a careful user of NumPy would: whole batches at a time, one dtype throughout, in place
where that saves a temporary, nothing computed twice, the loss taken once an epoch.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.workload import Floats, Order


def batches(
    x: Floats, y: NDArray[Any], order: Order, batch_size: int
) -> Iterator[tuple[slice, Floats, NDArray[Any]]]:
    """(place in the epoch, rows of x, rows of y), one after another."""
    for start in range(0, len(x), batch_size):
        place = slice(start, start + batch_size)
        rows = place if order is None else order[place]
        yield place, x[rows], y[rows]


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + exp(-z)), in place; exp may overflow to infinity on the way to 0."""
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    return np.reciprocal(z, out=z)


def train_tanh_sigmoid(
    x: Floats,
    y: NDArray[Any],
    weights: list[Floats],
    orders: Iterable[Order],
    batch_size: int,
    learning_rate: float,
) -> list[float]:
    """One tanh layer and a sigmoid output, binary cross-entropy, plain gradient descent."""
    w1, b1, w2, b2 = weights
    margin = np.empty_like(y)  # z of the right class minus z of the other
    losses = []
    for order in orders:
        for place, xb, yb in batches(x, y, order, batch_size):
            h = xb @ w1
            h += b1
            np.tanh(h, out=h)
            z = h @ w2
            z += b2
            margin[place] = z * (2 * yb - 1)
            with np.errstate(over="ignore"):
                dz = sigmoid(z)
            dz -= yb
            dz *= learning_rate / len(xb)
            dh = dz @ w2.T
            dh *= 1 - h * h
            w2 -= h.T @ dz
            b2 -= dz.sum(axis=0)
            w1 -= xb.T @ dh
            b1 -= dh.sum(axis=0)
        losses.append(float(np.logaddexp(0, -margin).mean()))
    return losses


def softmax_gradients(
    xb: Floats, labels: NDArray[Any], weights: list[Floats], right: Floats
) -> list[Floats]:
    """Gradients of a relu layer and a softmax output under cross-entropy.

    right (n_samples,) receives the log-probability of each sample's class.
    """
    w1, b1, w2, b2 = weights
    h = xb @ w1
    h += b1
    np.maximum(h, 0, out=h)
    z = h @ w2
    z += b2
    z -= z.max(axis=1, keepdims=True)
    samples = np.arange(len(xb))
    right[:] = z[samples, labels]
    np.exp(z, out=z)
    total = z.sum(axis=1, keepdims=True)
    right -= np.log(total[:, 0])
    dz = z
    dz /= total
    dz[samples, labels] -= 1
    dz /= len(xb)
    dh = dz @ w2.T
    dh *= h > 0
    return [xb.T @ dh, dh.sum(axis=0), h.T @ dz, dz.sum(axis=0)]
