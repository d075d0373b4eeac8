"""Penalties on parameters, as Keras' regularizers: added once to the loss, not averaged.

Each function takes one parameter array and returns (value, gradient).
"""

import numpy as np

from oracle.activations import Array


def l1(w: Array, rate: float) -> tuple[float, Array]:
    """rate sum |w|, gradient rate sign(w), 0 at w = 0."""
    return rate * float(np.sum(np.abs(w), dtype=np.float64)), rate * np.sign(w)


def l2(w: Array, rate: float) -> tuple[float, Array]:
    """rate sum w^2, gradient 2 rate w."""
    return rate * float(np.sum(w * w, dtype=np.float64)), 2 * rate * w


def l1_l2(w: Array, rate1: float, rate2: float) -> tuple[float, Array]:
    """Both together."""
    value1, gradient1 = l1(w, rate1)
    value2, gradient2 = l2(w, rate2)
    return value1 + value2, gradient1 + gradient2
