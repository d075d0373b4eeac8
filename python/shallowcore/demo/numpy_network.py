"""The digits classifier in plain NumPy: what `shallowcore demo` compares itself with.

n_features-n_hidden-n_outputs, relu and softmax, categorical cross-entropy, stochastic gradient
descent with momentum.  Vectorised over each batch and updated in place, as a good user of NumPy
would write it; arrays keep the dtype of x.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def train(
    x: Floats,
    one_hot: Floats,
    weights: list[Floats],
    orders: Sequence[NDArray[np.int64]],
    *,
    learning_rate: float,
    momentum: float,
    batch_size: int,
) -> list[float]:
    """Train in place and return the mean loss of each epoch.

    Parameters
    ----------
    x : ndarray, shape (n_samples, n_features)
    one_hot : ndarray, shape (n_samples, n_outputs)
        One-hot labels.
    weights : list of ndarray
        [w1, b1, w2, b2], updated in place.
    orders : sequence of ndarray, shape (n_samples,)
        For each epoch the order in which samples are visited.
    learning_rate, momentum : float
    batch_size : int

    Returns
    -------
    list of float
    """
    velocities = [np.zeros_like(w) for w in weights]
    history = []
    for order in orders:
        total = 0.0
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            loss, gradients = _gradients(x[batch], one_hot[batch], weights)
            total += loss * len(batch)
            for w, velocity, gradient in zip(weights, velocities, gradients, strict=True):
                velocity *= momentum
                gradient *= learning_rate
                velocity -= gradient
                w += velocity
        history.append(total / len(x))
    return history


def predict(x: Floats, weights: list[Floats]) -> Floats:
    """Probabilities of the classes, shape (n_samples, n_outputs)."""
    return _forward(x, weights)[1]


def _forward(x: Floats, weights: list[Floats]) -> tuple[Floats, Floats]:
    """Hidden activations and probabilities."""
    w1, b1, w2, b2 = weights
    hidden = x @ w1
    hidden += b1
    np.maximum(hidden, 0, out=hidden)
    z = hidden @ w2
    z += b2
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return hidden, z


def _gradients(x: Floats, one_hot: Floats, weights: list[Floats]) -> tuple[float, list[Floats]]:
    """Mean loss of a batch and the gradients [dw1, db1, dw2, db2]."""
    hidden, probabilities = _forward(x, weights)
    right = np.einsum("ij,ij->i", probabilities, one_hot)
    loss = -float(np.log(right).mean())
    dz = probabilities
    dz -= one_hot
    dz /= len(x)
    dhidden = dz @ weights[2].T
    dhidden *= hidden > 0
    return loss, [x.T @ dhidden, dhidden.sum(axis=0), hidden.T @ dz, dz.sum(axis=0)]
