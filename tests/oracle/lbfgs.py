"""BFGS with limited memory on all samples: Nocedal and Wright, 2006, algorithms 7.4 and 7.5.

p = -H g, H the inverse Hessian that the last pairs s = w_new - w_old, y = g_new - g_old make of
gamma I, gamma = s^T y / y^T y of the newest pair; a step t along p by `line_search`, at first
min(1, 1 / |p|) without pairs and 1 with them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from oracle.activations import Array
from oracle.line_search import Point, wolfe_search
from oracle.network import Loss, Network
from oracle.newton_cg import Result, flatten, unflatten

EPSILON = float(np.finfo(np.float64).eps)
Function = Callable[[Array], tuple[float, Array]]  # value and gradient
Pairs = list[tuple[Array, Array]]


def two_loops(g: Array, pairs: Pairs) -> Array:
    """-H g; pairs (s, y), newest first."""
    p, alphas = -g, []
    for s, y in pairs:
        alphas.append((s @ p) / (s @ y))
        p = p - alphas[-1] * y
    if pairs:
        s, y = pairs[0]
        p = p * ((s @ y) / (y @ y))
    for (s, y), alpha in zip(pairs[::-1], alphas[::-1], strict=True):
        p = p + (alpha - (y @ p) / (s @ y)) * s
    return p


class Lbfgs:
    """The state of one run: where it stands, loss and gradient there, the pairs."""

    def __init__(self, f: Function, w: Array, memory: int = 10, max_line_search: int = 20) -> None:
        self.f, self.w = f, w
        self.memory, self.max_line_search = memory, max_line_search
        self.loss, self.g = f(w)
        self.pairs: Pairs = []

    def search(self) -> bool:
        """A step along the direction; False, and nothing changed, if none lowers the loss."""
        w, p = self.w, two_loops(self.g, self.pairs)
        slope = float(self.g @ p)
        if not slope < 0:
            return False

        def at(step: float) -> Point:
            loss, g = self.f(w + step * p)
            return Point(step, loss, float(g @ p))

        first_step = 1.0 if self.pairs else min(1.0, 1 / float(np.linalg.norm(p)))
        noise = 8 * EPSILON * abs(self.loss)
        start = Point(0.0, self.loss, slope)
        found = wolfe_search(at, start, first_step, noise, self.max_line_search)
        if found is None:
            return False
        old = self.g
        self.w = w + found.step * p
        self.loss, self.g = self.f(self.w)
        s, y = self.w - w, self.g - old
        if s @ y > EPSILON * (y @ y):
            self.pairs = [(s, y), *self.pairs][: self.memory]
        return True

    def step(self) -> bool:
        """One iteration; straight down if the pairs mislead.  False if no step lowers the loss."""
        if self.search():
            return True
        if not self.pairs:
            return False
        self.pairs = []
        return self.search()


def minimise(f: Function, w: Array, tol: float, max_iterations: int, **options: Any) -> Lbfgs:
    """Run until |g| <= tol, no step lowers the loss, or the iterations are spent."""
    run = Lbfgs(f, w, **options)
    for _ in range(max_iterations):
        if np.linalg.norm(run.g) <= tol or not run.step():
            break
    return run


def objective(network: Network, x: Any, y: Any, loss: Loss, weight: Array | None) -> Function:
    """Loss and gradient of a network as a function of all its parameters in one vector."""
    parameters = network.parameters()

    def f(w: Array) -> tuple[float, Array]:
        for old, new in zip(parameters, unflatten(w, parameters), strict=True):
            old[...] = new
        value, gradients = network.gradients(x, y, loss, weight)
        return value, flatten(gradients)

    return f


def lbfgs(
    network: Network,
    x: Any,
    y: Any,
    loss: Loss,
    *,
    max_iterations: int = 200,
    tol: float = 1e-10,
    sample_weight: Array | None = None,
    **options: Any,
) -> Result:
    """Train in place until |g| <= tol max(1, |g at the start|)."""
    f = objective(network, x, y, loss, sample_weight)
    w = flatten(network.parameters())
    goal = tol * max(1.0, float(np.linalg.norm(f(w)[1])))
    run = Lbfgs(f, w, **options)
    iterations, moved = 0, True
    while np.linalg.norm(run.g) > goal and iterations < max_iterations and moved:
        moved = run.step()
        iterations += moved
    f(run.w)
    norm = float(np.linalg.norm(run.g))
    return Result(run.loss, norm, iterations, norm <= goal)
