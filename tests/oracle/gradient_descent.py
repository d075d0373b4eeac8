"""Gradient descent whose steps follow the curvature met so far: no search along the line.

Malitsky, Mishchenko, "Adaptive proximal gradient method for convex optimization", 2024, algorithm 1
without the proximal part.  Full batch, float64.
"""

import math

import numpy as np

from oracle.activations import Array
from oracle.lbfgs import Function


def gradient_descent(f: Function, w: Array, iterations: int) -> tuple[Array, list[float]]:
    """Return the point after so many steps, and the loss after each.

    t = t_before min(sqrt(2/3 + theta), 1 / sqrt(max(0, 2 t_before^2 L^2 - 1))) with theta the last
    ratio of two steps and L = |g - g_before| / |w - w_before|; the first step is 1 / max(1, |g|),
    halved until the loss falls by t / 2 |g|^2.
    """
    (value, g), ratio, losses = f(w), 1 / 3, []
    step = 1 / max(1.0, float(np.linalg.norm(g)))
    while f(w - step * g)[0] > value - step / 2 * float(g @ g):
        step /= 2
    for _ in range(iterations):
        new = w - step * g
        value, g_new = f(new)
        losses.append(value)
        curvature = float(np.linalg.norm(g_new - g) / np.linalg.norm(new - w))
        most = math.sqrt(2 / 3 + ratio)
        over = 2 * (step * curvature) ** 2 - 1
        ratio = min(most, 1 / math.sqrt(over)) if over > 0 else most
        w, g, step = new, g_new, step * ratio
    return w, losses
