"""The workloads in NumPy.

Written as a careful user of NumPy would: whole batches at a time, one dtype throughout, in place
where that saves a temporary, nothing computed twice, the loss taken once an epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shallowcore.bench.workload import Floats, Order

# Updates the weights by their gradients, in place; overwrites the gradients.
Update: TypeAlias = Callable[[list[Floats], list[Floats]], None]


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
    with np.errstate(over="ignore"):
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        return np.reciprocal(z, out=z)


def logistic(
    x: Floats,
    y: NDArray[Any],
    weights: list[Floats],
    orders: Iterable[Order],
    batch_size: int,
    settings: Mapping[str, float],
) -> list[float]:
    """Logistic regression by gradient descent on the whole data.

    Vectors are 1-D, which is what BLAS is best at.
    """
    w, b = weights[0][:, 0], weights[1]
    y = y[:, 0]
    sign = 2 * y - 1
    losses = []
    for _ in orders:
        z = x @ w
        z += b
        losses.append(float(np.logaddexp(0, -sign * z).mean()))
        dz = sigmoid(z)
        dz -= y
        dz *= settings["learning_rate"] / len(x)
        w -= dz @ x
        b -= dz.sum()
    return losses


def tanh_sigmoid(
    x: Floats,
    y: NDArray[Any],
    weights: list[Floats],
    orders: Iterable[Order],
    batch_size: int,
    settings: Mapping[str, float],
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
            dz = sigmoid(z)
            dz -= yb
            dz *= settings["learning_rate"] / len(xb)
            dh = dz @ w2.T
            dh *= 1 - h * h
            w2 -= h.T @ dz
            b2 -= dz.sum(axis=0)
            w1 -= xb.T @ dh
            b1 -= dh.sum(axis=0)
        losses.append(float(np.logaddexp(0, -margin).mean()))
    return losses


def relu_softmax(
    x: Floats,
    y: NDArray[Any],
    weights: list[Floats],
    orders: Iterable[Order],
    batch_size: int,
    settings: Mapping[str, float],
    optimizer: Callable[[list[Floats], Mapping[str, float]], Update],
) -> list[float]:
    """One relu layer and a softmax output, cross-entropy."""
    update = optimizer(weights, settings)
    right = np.empty(len(x), np.float32)  # log-probability of each sample's class
    losses = []
    for order in orders:
        for place, xb, labels in batches(x, y, order, batch_size):
            update(weights, softmax_gradients(xb, labels, weights, right[place]))
        losses.append(-float(right.mean()))
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


def adam(weights: list[Floats], settings: Mapping[str, float]) -> Update:
    """Adam as Keras defines it."""
    beta_1, beta_2 = settings["beta_1"], settings["beta_2"]
    means = [np.zeros_like(w) for w in weights]
    squares = [np.zeros_like(w) for w in weights]
    step = 0

    def update(weights: list[Floats], gradients: list[Floats]) -> None:
        nonlocal step
        step += 1
        rate = settings["learning_rate"] * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        for w, m, v, g in zip(weights, means, squares, gradients, strict=True):
            m *= beta_1
            m += (1 - beta_1) * g
            v *= beta_2
            g *= g
            g *= 1 - beta_2
            v += g
            root = np.sqrt(v)
            root += settings["epsilon"]
            np.divide(m, root, out=root)
            root *= rate
            w -= root

    return update


def rmsprop(weights: list[Floats], settings: Mapping[str, float]) -> Update:
    """RMSprop as Keras defines it."""
    rho = settings["rho"]
    squares = [np.zeros_like(w) for w in weights]

    def update(weights: list[Floats], gradients: list[Floats]) -> None:
        for w, v, g in zip(weights, squares, gradients, strict=True):
            root = g * g
            root *= 1 - rho
            v *= rho
            v += root
            np.add(v, settings["epsilon"], out=root)
            np.sqrt(root, out=root)
            g *= settings["learning_rate"]
            g /= root
            w -= g

    return update
