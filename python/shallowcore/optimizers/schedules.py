"""Learning rates that depend on the number of the step: Keras' schedules, and one cycle.

Given as `learning_rate=`; the core evaluates them before each step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from shallowcore import _core, _registry
from shallowcore._checks import check_bool, check_float, check_int

__all__ = [
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "OneCycle",
    "PiecewiseConstantDecay",
]

_POSITIVE = math.nextafter(0.0, 1.0)


class LearningRateSchedule:
    """What all schedules share; made by the classes below.

    Called with the number of a step, 0 first, it returns the learning rate of that step.
    """

    def __init__(
        self,
        name: str,
        parameters: dict[str, float],
        boundaries: Sequence[float] = (),
        values: Sequence[float] = (),
    ) -> None:
        self.name = name
        self._core = _core.Schedule(name, parameters, list(boundaries), list(values))
        self._config: dict[str, Any] = {}

    def __call__(self, step: int) -> float:
        """Return the learning rate of step number `step`, 0 first."""
        return self._core(check_int(step, "step", 0))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this schedule."""
        return dict(self._config)

    def to_core(self) -> _core.Schedule:
        """Return the core's object of this schedule."""
        return self._core

    @property
    def formula(self) -> str:
        """The formula in words, from the core's table."""
        return _registry.schedules()[self.name].formula

    def __getattr__(self, attribute: str) -> Any:
        config = self.__dict__.get("_config", {})
        if attribute not in config:
            raise AttributeError(f"{type(self).__name__} object has no attribute {attribute!r}")
        return config[attribute]

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.get_config() == self.get_config()

    def __hash__(self) -> int:
        return hash(repr(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(self._config.values())

    def __repr__(self) -> str:
        inner = ", ".join(f"{k}={v!r}" for k, v in self._config.items())
        return f"{type(self).__name__}({inner})"


class _Decay(LearningRateSchedule):
    """A decay from an initial rate by a rate for every `decay_steps` steps."""

    def __init__(
        self,
        name: str,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool,
    ) -> None:
        config = {
            "initial_learning_rate": check_float(
                initial_learning_rate, "initial_learning_rate", 0.0
            ),
            "decay_steps": check_float(decay_steps, "decay_steps", _POSITIVE),
            "decay_rate": check_float(decay_rate, "decay_rate", 0.0),
            "staircase": check_bool(staircase, "staircase"),
        }
        super().__init__(name, {k: float(v) for k, v in config.items()})
        self._config = config


class ExponentialDecay(_Decay):
    """initial_learning_rate x decay_rate^(step / decay_steps).

    Parameters
    ----------
    initial_learning_rate : float
        Of step 0, >= 0.
    decay_steps : float
        Steps in which the rate is multiplied by `decay_rate`, > 0.
    decay_rate : float
        >= 0.
    staircase : bool, default False
        Round step / decay_steps down.

    Raises
    ------
    TypeError, ValueError
        For values out of range.

    Examples
    --------
    >>> from shallowcore.optimizers import schedules
    >>> schedules.ExponentialDecay(0.1, 100, 0.5)(200)
    0.025
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        super().__init__(
            "exponential_decay", initial_learning_rate, decay_steps, decay_rate, staircase
        )


class InverseTimeDecay(_Decay):
    """initial_learning_rate / (1 + decay_rate x step / decay_steps).

    Parameters
    ----------
    initial_learning_rate : float
        Of step 0, >= 0.
    decay_steps : float
        > 0.
    decay_rate : float
        >= 0.
    staircase : bool, default False
        Round step / decay_steps down.

    Raises
    ------
    TypeError, ValueError
        For values out of range.

    Examples
    --------
    >>> from shallowcore.optimizers import schedules
    >>> schedules.InverseTimeDecay(0.1, 100, 1.0)(100)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        super().__init__(
            "inverse_time_decay", initial_learning_rate, decay_steps, decay_rate, staircase
        )


def _numbers(value: Any, argument: str, minimum: float = -math.inf) -> list[float]:
    """A sequence of numbers as a list, checked."""
    scalar = isinstance(value, str) or getattr(value, "ndim", 1) == 0
    if scalar or not isinstance(value, Iterable):
        raise TypeError(f"{argument} must be a sequence of numbers, got {value!r}")
    return [check_float(one, f"each of {argument}", minimum) for one in value]


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and with step boundaries[0], values[1] up to boundaries[1], and so on.

    Parameters
    ----------
    boundaries : sequence of float
        Numbers of steps, rising.
    values : sequence of float
        One more than boundaries, >= 0.

    Raises
    ------
    TypeError, ValueError
        For values out of range or order, or a wrong number of them.

    Examples
    --------
    >>> from shallowcore.optimizers import schedules
    >>> schedule = schedules.PiecewiseConstantDecay([10, 20], [0.1, 0.05, 0.01])
    >>> [schedule(step) for step in (10, 11, 21)]
    [0.1, 0.05, 0.01]
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float]) -> None:
        bounds = _numbers(boundaries, "boundaries")
        rates = _numbers(values, "values", 0.0)
        if bounds != sorted(set(bounds)):
            raise ValueError(f"boundaries must rise, got {bounds}")
        if len(rates) != len(bounds) + 1:
            raise ValueError(
                f"values must be one more than boundaries, {len(bounds) + 1}, got {len(rates)}"
            )
        super().__init__("piecewise_constant_decay", {}, bounds, rates)
        self._config = {"boundaries": bounds, "values": rates}


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate to alpha times that, after a warm-up where there is one.

    r (alpha + (1 - alpha) (1 + cos(pi step / decay_steps)) / 2), r = initial_learning_rate; with
    `warmup_target` first `warmup_steps` steps on a line from there to r = warmup_target.

    Parameters
    ----------
    initial_learning_rate : float
        Of step 0, >= 0.
    decay_steps : float
        Steps of the decay, > 0; afterwards the rate stays.
    alpha : float, default 0.0
        The last rate as a fraction of the highest, >= 0.
    warmup_target : float, optional
        Rate at the end of the warm-up; None: there is none.
    warmup_steps : float, default 0
        Steps of the warm-up.

    Raises
    ------
    TypeError, ValueError
        For values out of range.

    Examples
    --------
    >>> from shallowcore.optimizers import schedules
    >>> schedules.CosineDecay(0.1, 100, alpha=0.5)(100)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        initial = check_float(initial_learning_rate, "initial_learning_rate", 0.0)
        steps = check_float(decay_steps, "decay_steps", _POSITIVE)
        alpha = check_float(alpha, "alpha", 0.0)
        warmup = check_float(warmup_steps, "warmup_steps", 0.0)
        target = warmup_target
        if target is not None:
            target = check_float(target, "warmup_target", 0.0)
        warms_up = target is not None and warmup > 0
        core = {
            "initial_learning_rate": initial if target is None or warms_up else target,
            "decay_steps": steps,
            "alpha": alpha,
            "warmup_target": 0.0 if target is None else target,
            "warmup_steps": warmup if warms_up else 0.0,
        }
        super().__init__("cosine_decay", core)
        self._config = {
            "initial_learning_rate": initial,
            "decay_steps": steps,
            "alpha": alpha,
            "warmup_target": target,
            "warmup_steps": warmup,
        }


class OneCycle(LearningRateSchedule):
    """Up along half a cosine from max / div_factor, then down to that / final_div_factor.

    Smith and Topin, "Super-convergence", 2018, as PyTorch's OneCycleLR has it.  The peak is at step
    pct_start x total_steps - 1, the end at step total_steps - 1; afterwards the rate stays.

    Parameters
    ----------
    max_learning_rate : float
        >= 0.
    total_steps : int
        Steps of the whole training: epochs times batches in an epoch.
    pct_start : float, default 0.3
        Part of the steps on the way up, in [0, 1].
    div_factor : float, default 25.0
        > 0.
    final_div_factor : float, default 1e4
        > 0.

    Raises
    ------
    TypeError, ValueError
        For values out of range.

    Examples
    --------
    >>> from shallowcore.optimizers import schedules
    >>> schedule = schedules.OneCycle(0.1, total_steps=100, div_factor=10.0)
    >>> [round(schedule(step), 6) for step in (0, 29, 99)]
    [0.01, 0.1, 1e-06]
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        config = {
            "max_learning_rate": check_float(max_learning_rate, "max_learning_rate", 0.0),
            "total_steps": check_int(total_steps, "total_steps", 1, 2**53),
            "pct_start": check_float(pct_start, "pct_start", 0.0, 1.0),
            "div_factor": check_float(div_factor, "div_factor", _POSITIVE),
            "final_div_factor": check_float(final_div_factor, "final_div_factor", _POSITIVE),
        }
        super().__init__("one_cycle", {k: float(v) for k, v in config.items()})
        self._config = config
