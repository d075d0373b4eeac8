"""Contenders, each in a process of its own: thread settings and thread pools never meet.

A worker loads the workload once, then answers requests: "check" trains shortly and returns losses
and weights, "time" trains at full length and returns the clock.  Only the training itself is timed;
for shallowcore that is the whole of `fit`.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

import numpy as np

from bench.checks import replayed_orders
from bench.workload import SEED, Data, Floats, Order, Workload
from bench.workloads import WORKLOADS

ONE_BLAS_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}


@dataclass(frozen=True)
class Contender:
    """A library in one thread setting, made by environment variables."""

    label: str
    library: str
    environment: dict[str, str] = field(default_factory=dict)


CONTENDERS = (
    Contender("shallowcore, default", "shallowcore"),
    Contender("shallowcore, 1 thread", "shallowcore", {"SHALLOWCORE_NUM_THREADS": "1"}),
    Contender("shallowcore, 2 threads", "shallowcore", {"SHALLOWCORE_NUM_THREADS": "2"}),
    Contender("NumPy, default", "numpy"),
    Contender("NumPy, 1 BLAS thread", "numpy", ONE_BLAS_THREAD),
)


@dataclass(frozen=True)
class Outcome:
    """Of one training: losses by epoch, weights, seconds by the clock and of processor time."""

    losses: list[float]
    weights: list[Floats]
    seconds: float
    processor_seconds: float


def train_shallowcore(workload: Workload, data: Data, epochs: int) -> Outcome:
    """Train by `fit`; it shuffles by the model's seed."""
    model = workload.model()
    start, busy = time.perf_counter(), time.process_time()
    history = model.fit(
        data.x,
        data.y,
        batch_size=workload.batch_size,
        epochs=epochs,
        shuffle=workload.shuffle,
        verbose=0,
    )
    busy, seconds = time.process_time() - busy, time.perf_counter() - start
    return Outcome(history.history["loss"], model.get_weights(), seconds, busy)


def train_numpy(workload: Workload, data: Data, orders: Iterator[Order]) -> Outcome:
    """Train by the workload's script."""
    weights = workload.initial_weights()
    start, busy = time.perf_counter(), time.process_time()
    losses = workload.train_numpy(data.x, data.y, weights, orders, workload.batch_size)
    busy, seconds = time.process_time() - busy, time.perf_counter() - start
    return Outcome(losses, weights, seconds, busy)


def numpy_orders(workload: Workload, n_samples: int, epochs: int) -> Iterator[Order]:
    """NumPy's own shuffles."""
    rng = np.random.default_rng(SEED)
    for _ in range(epochs):
        yield rng.permutation(n_samples) if workload.shuffle else None


def serve(connection: Connection, library: str, name: str, quick: bool) -> None:
    """Answer requests until the other side is gone."""
    workload = WORKLOADS[name]
    data = workload.load()
    epochs = workload.quick_epochs if quick else workload.epochs
    timed = data.first(workload.quick_samples) if quick else data
    checked = data.first(workload.check_samples)
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        used, n = (checked, workload.check_epochs) if request == "check" else (timed, epochs)
        if library == "shallowcore":
            outcome = train_shallowcore(workload, used, n)
        else:
            orders = replayed_orders if request == "check" else numpy_orders
            outcome = train_numpy(workload, used, orders(workload, len(used.x), n))
        connection.send(outcome)


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Set variables for processes started meanwhile."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Worker:
    """A contender's process, from the parent's side."""

    def __init__(self, contender: Contender, name: str, quick: bool) -> None:
        self.contender = contender
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(
            target=serve, args=(other, contender.library, name, quick), daemon=True
        )
        with environment(contender.environment):
            self._process.start()
        other.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._process.join()

    def ask(self, request: str) -> Outcome:
        """Have it train, "check" or "time"; wait for the outcome."""
        try:
            self._connection.send(request)
            answer: Any = self._connection.recv()
        except (EOFError, BrokenPipeError):
            raise RuntimeError(f"{self.contender.label}: the process has died") from None
        assert isinstance(answer, Outcome)
        return answer
