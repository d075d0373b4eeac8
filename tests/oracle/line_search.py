"""A step along a descent direction that satisfies the strong Wolfe conditions.

Nocedal and Wright, "Numerical Optimization", 2006, algorithms 3.5 (bracket) and 3.6 (zoom), with
cubic interpolation kept a tenth of the bracket away from its ends.  Where the loss no longer
resolves the decrease, its slope decides: the approximate Wolfe condition of Hager and Zhang, 2005.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

DECREASE, CURVATURE = 1e-4, 0.9


@dataclass(frozen=True)
class Point:
    """A step, the loss there, and its slope along the direction."""

    step: float
    loss: float
    slope: float


def cubic_minimum(a: Point, b: Point) -> float:
    """Minimum of the cubic through both points with their slopes; NaN if it has none (3.59)."""
    width = b.step - a.step
    d1 = a.slope + b.slope - 3 * (b.loss - a.loss) / width
    root = d1 * d1 - a.slope * b.slope
    if not (root >= 0 and math.isfinite(root)):
        return math.nan
    d2 = math.copysign(math.sqrt(root), width)
    bottom = b.slope - a.slope + 2 * d2
    return b.step - width * (b.slope + d2 - d1) / bottom if bottom else math.nan


def between(low: Point, high: Point) -> float:
    """The cubic's minimum, at least a tenth of the bracket inside it; the middle without one."""
    width = high.step - low.step
    step = cubic_minimum(low, high)
    if not math.isfinite(step):
        return low.step + width / 2
    ends = sorted((low.step + 0.1 * width, high.step - 0.1 * width))
    return min(max(step, ends[0]), ends[1])


def beyond(before: Point, point: Point) -> float:
    """The cubic's minimum, between one and four times the last advance further on."""
    advance = point.step - before.step
    step = cubic_minimum(before, point)
    most = point.step + 4 * advance
    return min(max(step, point.step + advance), most) if math.isfinite(step) else most


class Search:
    """One line search."""

    def __init__(
        self, at: Callable[[float], Point], start: Point, noise: float, max_evaluations: int
    ) -> None:
        self.at, self.start, self.noise = at, start, noise
        self.left = max_evaluations
        self.best: Point | None = None

    def evaluate(self, step: float) -> Point:
        """The next point; remembers the best that decreases the loss."""
        self.left -= 1
        point = self.at(step)
        if self.decreases(point) and point.loss < (self.best or self.start).loss:
            self.best = point
        return point

    def decreases(self, p: Point) -> bool:
        """Armijo's condition, or where it is lost in the noise, a slope that fell enough."""
        decrease = -DECREASE * p.step * self.start.slope
        if p.loss < self.start.loss and p.loss <= self.start.loss - decrease:
            return True
        level = p.loss <= self.start.loss + self.noise and decrease <= self.noise
        return level and p.slope <= (2 * DECREASE - 1) * self.start.slope

    def is_flat(self, p: Point) -> bool:
        """|slope| <= c2 |slope at the start|."""
        return abs(p.slope) <= -CURVATURE * self.start.slope

    def bracket(self, step: float) -> Point | None:
        """Algorithm 3.5: longer and longer steps, until one is right or too long."""
        before = self.start
        while self.left > 0:
            point = self.evaluate(step)
            rises = before.step > 0 and point.loss > before.loss + self.noise
            if not self.decreases(point) or rises:
                return self.zoom(before, point)
            if self.is_flat(point):
                return point
            if point.slope >= 0:
                return self.zoom(point, before)
            before, step = point, beyond(before, point)
        return self.best

    def zoom(self, low: Point, high: Point) -> Point | None:
        """Algorithm 3.6: low has the lower loss, and slopes towards high."""
        while self.left > 0:
            point = self.evaluate(between(low, high))
            if not self.decreases(point) or point.loss > low.loss + self.noise:
                high = point
                continue
            if self.is_flat(point):
                return point
            if point.slope * (high.step - low.step) >= 0:
                high = low
            low = point
        return self.best


def wolfe_search(
    at: Callable[[float], Point],
    start: Point,
    first_step: float,
    noise: float = 0.0,
    max_evaluations: int = 20,
) -> Point | None:
    """The point found, or the best of those that lower the loss, or None."""
    return Search(at, start, noise, max_evaluations).bracket(first_step)
