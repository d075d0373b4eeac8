"""One training by shallowcore or by NumPy, on the clock.

What comes before the training itself is not timed: data in the library's own form, the model, its
initial weights.  For shallowcore what is timed is the whole of `fit`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from shallowcore.bench.workload import Data, Floats, Orders, Workload


@dataclass(frozen=True)
class Training:
    """A training made ready.

    Parameters
    ----------
    run : callable
        Trains once and returns the loss of each epoch.
    weights : callable
        Returns the weights that it ended with.
    """

    run: Callable[[], list[float]]
    weights: Callable[[], list[Floats]]


@dataclass(frozen=True)
class Outcome:
    """Of one training: losses by epoch, weights, seconds by the clock and of processor time."""

    losses: list[float]
    weights: list[Floats]
    seconds: float
    processor_seconds: float


Preparation: TypeAlias = Callable[[Workload, Data, Orders], Training]


def timed(training: Training) -> Outcome:
    """Train, and return what came out and how long it took."""
    start, busy = time.perf_counter(), time.process_time()
    losses = training.run()
    busy, seconds = time.process_time() - busy, time.perf_counter() - start
    return Outcome(losses, training.weights(), seconds, busy)


def prepare_shallowcore(workload: Workload, data: Data, orders: Orders) -> Training:
    """`fit` on the features; it shuffles by the model's seed, as replayed orders repeat."""
    return _fit(workload, data.x, None, data, orders)


def prepare_shallowcore_8bit(workload: Workload, data: Data, orders: Orders) -> Training:
    """`fit` on the images as they are, 8 bits a value."""
    assert data.raw is not None
    return _fit(workload, data.raw, 1 / 255, data, orders)


def _fit(
    workload: Workload, x: NDArray[Any], scale: float | None, data: Data, orders: Orders
) -> Training:
    model = workload.model(scale)

    def run() -> list[float]:
        history = model.fit(
            x,
            data.y,
            batch_size=workload.batch_size,
            epochs=orders.epochs,
            shuffle=workload.shuffle,
            verbose=0,
        )
        losses: list[float] = history.history["loss"]
        return losses

    return Training(run, model.get_weights)


def prepare_numpy(workload: Workload, data: Data, orders: Orders) -> Training:
    """The workload's script."""
    weights = workload.initial_weights()

    def run() -> list[float]:
        return workload.train_numpy(
            data.x, data.y, weights, orders, workload.batch_size, workload.settings
        )

    return Training(run, lambda: weights)


PREPARATIONS: Mapping[str, Preparation] = {
    "shallowcore": prepare_shallowcore,
    "shallowcore_8bit": prepare_shallowcore_8bit,
    "numpy": prepare_numpy,
}
