"""Learning rates by the number t of the step, 0 first: Keras' schedules, PyTorch's one cycle."""

import math
from collections.abc import Callable, Sequence
from typing import Any


def parts(t: float, steps: float, staircase: bool) -> float:
    """t / steps, rounded down with staircase."""
    return math.floor(t / steps) if staircase else t / steps


def exponential_decay(
    t: int,
    initial_learning_rate: float,
    decay_steps: float,
    decay_rate: float,
    staircase: bool = False,
) -> float:
    """r decay_rate^(t / decay_steps)."""
    return float(initial_learning_rate * decay_rate ** parts(t, decay_steps, staircase))


def inverse_time_decay(
    t: int,
    initial_learning_rate: float,
    decay_steps: float,
    decay_rate: float,
    staircase: bool = False,
) -> float:
    """r / (1 + decay_rate t / decay_steps)."""
    return initial_learning_rate / (1 + decay_rate * parts(t, decay_steps, staircase))


def piecewise_constant_decay(t: int, boundaries: Sequence[float], values: Sequence[float]) -> float:
    """values[i], i = the number of boundaries below t."""
    return values[sum(b < t for b in boundaries)]


def cosine_decay(
    t: float,
    initial_learning_rate: float,
    decay_steps: float,
    alpha: float = 0.0,
    warmup_target: float | None = None,
    warmup_steps: float = 0,
) -> float:
    """r (alpha + (1 - alpha) (1 + cos(pi t / decay_steps)) / 2), after a line up to r."""
    top = initial_learning_rate
    if warmup_target is not None:
        if t < warmup_steps:
            return top + (warmup_target - top) * t / warmup_steps
        top, t = warmup_target, t - warmup_steps
    part = min(t / decay_steps, 1)
    return top * (alpha + (1 - alpha) * (1 + math.cos(math.pi * part)) / 2)


def one_cycle(
    t: int,
    max_learning_rate: float,
    total_steps: int,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> float:
    """Half cosines: max / div_factor, max at pct_start total_steps - 1, the least at the end."""
    first = max_learning_rate / div_factor
    peak, end = pct_start * total_steps - 1, total_steps - 1
    if t <= peak:
        start, stop, part = first, max_learning_rate, t / peak
    else:
        start, stop = max_learning_rate, first / final_div_factor
        part = min((t - peak) / (end - peak), 1)
    return stop + (start - stop) / 2 * (1 + math.cos(math.pi * part))


SCHEDULES: dict[str, Callable[..., float]] = {
    "exponential_decay": exponential_decay,
    "piecewise_constant_decay": piecewise_constant_decay,
    "cosine_decay": cosine_decay,
    "inverse_time_decay": inverse_time_decay,
    "one_cycle": one_cycle,
}


def schedule(name: str, **arguments: Any) -> Callable[[int], float]:
    """Schedule by name as a function of t."""
    return lambda t: SCHEDULES[name](t, **arguments)
