"""What there is to say once a training has ended, and what to change if it went badly."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from shallowcore import _data

if TYPE_CHECKING:
    from shallowcore.callbacks import History
    from shallowcore.models import Sequential
    from shallowcore.optimizers import Optimizer

_REASONS = {
    "all epochs": "all epochs done",
    "early stopping": "early stopping: the figure watched got no better",
    "stop_training": "a callback set stop_training",
    "max_time": "max_time was over",
    "out of data": "the batches ran out",
    "converged": "converged: the gradient is as small as asked for",
    "diverged": "diverged: the loss or a weight became NaN or infinite",
    "line search failed": "the line search found no better point",
    "maximum evaluations": "max_evaluations was reached",
}

# Outputs of activations between bounds: beyond these a unit hardly answers to its inputs.
_SATURATED = {
    "sigmoid": (0.01, 0.99),
    "hard_sigmoid": (0.01, 0.99),
    "tanh": (-0.99, 0.99),
    "softsign": (-0.99, 0.99),
}


class DataSource:
    """The data of a training, as they were given and not kept alive."""

    def __init__(
        self, spec: _data.Spec, given: tuple[Any, Any, Any], class_weight: Any, n_samples: int
    ) -> None:
        self._spec = spec
        self._given = [_reference(one) for one in given]
        self._class_weight = (
            dict(class_weight) if isinstance(class_weight, Mapping) else class_weight
        )
        self._n_samples = n_samples

    def samples(self) -> _data.Samples | None:
        """Check them again; None if some are gone or have changed for the worse."""
        x, y, weight = (one() for one in self._given)
        if x is None or y is None:
            return None
        try:
            found = _data.samples(self._spec, x, y, weight).rows(0, self._n_samples)
            return found.weighted(self._class_weight, self._spec)
        except (TypeError, ValueError):
            return None


def _reference(value: Any) -> Callable[[], Any]:
    """A weak reference where there can be one: lists are small."""
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: value


@dataclass(frozen=True)
class Outcome:
    """How a training ended."""

    reason: str
    epochs: int  # that were asked for
    gradient_norm: float  # as the solver knows it, else NaN
    optimizer: Optimizer
    data: DataSource | None

    def headline(self, history: History) -> str:
        """Why training stopped, after how many epochs and how long."""
        what = _REASONS.get(self.reason, self.reason)
        done = f"{len(history.epoch)} of {self.epochs}"
        return f"stopped: {what} ({done}), {_seconds(history.seconds)}"

    def report(self, history: History) -> str:
        """Return the text of `History.report`."""
        lines = [self.headline(history)]
        lines += [_figure(name, history.history[name]) for name in _losses(history)]
        samples = None if self.data is None else self.data.samples()
        try:
            model = history.model
        except RuntimeError:
            samples, model = None, None
        norm = self.gradient_norm
        if math.isnan(norm) and samples is not None and model is not None:
            norm = model.norm_of_gradient(samples)
        if not math.isnan(norm):
            lines.append(f"gradient norm: {norm:.3g}")
        idle = [] if samples is None or model is None else idle_units(model, samples)
        lines += idle
        lines += ["to change: " + one for one in self.advice(history, idle)]
        return "\n".join(lines)

    def advice(self, history: History, idle: list[str]) -> list[str]:
        """Settings to change, most urgent first."""
        loss, val_loss = (history.history.get(name, []) for name in ("loss", "val_loss"))
        rate = getattr(self.optimizer, "learning_rate", None)
        now = f" (now {rate:g})" if isinstance(rate, float) else ""
        found = []
        if self.reason == "diverged":
            found.append(f"a lower learning rate{now}, or scaled inputs")
        if self.reason == "line search failed":
            found.append(
                "dtype='float64' or scaled inputs, if the gradient norm is not small enough"
            )
        if self.reason == "out of data":
            found.append("an iterable that can start again, or steps_per_epoch")
        if idle:
            found.append("a lower learning rate or another initializer, for units that are idle")
        if _rises(loss):
            found.append(f"a lower learning rate{now} or larger batches: the loss goes up and down")
        elif _rose_since(val_loss) is not None:
            found.append(
                f"less training or more regularization: val_loss rose since epoch "
                f"{history.epoch[_rose_since(val_loss) or 0] + 1}: EarlyStopping("
                "restore_best_weights=True), Dropout, L2 or more data"
            )
        elif self.reason in ("all epochs", "max_time") and _still_falls(loss):
            found.append("more epochs: the loss still falls")
        return found


def _losses(history: History) -> list[str]:
    return [name for name in ("loss", "val_loss") if history.history.get(name)]


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"


def _figure(name: str, values: list[float]) -> str:
    """One figure at its beginning, at its best and at its end."""
    best = min(range(len(values)), key=lambda i: values[i])
    text = f"{name}: {values[-1]:.4g}"
    if len(values) > 1:
        text += f", from {values[0]:.4g}"
    if values[-1] > values[best]:
        text += f", least {values[best]:.4g} {len(values) - 1 - best} epochs before the last"
    return text


def _recent(values: list[float]) -> int:
    """Epochs that say how a figure moves: a tenth of all, at least two."""
    return max(2, len(values) // 10)


def _rises(loss: list[float]) -> bool:
    """Whether the loss swings by more than a tenth and does not get better on average."""
    last = loss[-2 * _recent(loss) :]
    if len(last) < 8:
        return False
    half = len(last) // 2
    ups = sum(b > a for a, b in pairwise(last))
    swings = ups >= 0.3 * len(last) and max(last) > 1.1 * min(last)
    return swings and sum(last[-half:]) > 0.9 * sum(last[:half])


def _rose_since(val_loss: list[float]) -> int | None:
    """Place of the least validation loss, if it is well behind and well below the last one."""
    if len(val_loss) < 4:
        return None
    best = val_loss.index(min(val_loss))
    late = len(val_loss) - 1 - best >= _recent(val_loss)
    return best if late and val_loss[-1] > 1.01 * val_loss[best] else None


def _still_falls(loss: list[float]) -> bool:
    """Whether the last epochs took a per cent off the loss."""
    return len(loss) > 2 and loss[-1] < 0.99 * loss[-1 - _recent(loss)]


def idle_units(model: Sequential, samples: _data.Samples) -> list[str]:
    """Lines on hidden units that say nothing about any sample, layer by layer."""
    lines = []
    for name, activation, least, greatest in model.unit_ranges(samples):
        if activation == "relu":
            dead = int((greatest <= 0).sum())
            if dead:
                lines.append(f"dead units: {dead} of {len(least)} in {name!r} never fire (relu)")
        elif activation in _SATURATED:
            low, high = _SATURATED[activation]
            stuck = int(((greatest < low) | (least > high)).sum())
            if stuck:
                lines.append(
                    f"saturated units: {stuck} of {len(least)} in {name!r} stay at one end "
                    f"({activation})"
                )
    return lines
