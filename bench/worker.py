"""Contenders, each in a process of its own: thread settings and thread pools never meet.

A worker loads the workload once, then answers requests: "check" trains shortly and returns losses
and weights; "warm up" trains until everything is compiled and cached, and chooses how many epochs a
round has; "time" trains for that many and returns the clock.
"""

import importlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, TypeVar

from shallowcore.bench.training import PREPARATIONS, Outcome, Preparation, timed
from shallowcore.bench.workload import Length, Orders, Workload
from shallowcore.bench.workloads import WORKLOADS

from bench.contenders import Contender, checked

# Seconds of a round: what is slower trains for fewer epochs, at least one.
BUDGET = 0.5
# The pace is felt on this part of the epochs.
TRIAL = 50

T = TypeVar("T")


def preparation(name: str) -> Preparation:
    """What makes a contender's trainings: one of the package's, or of rivals/LIBRARY.py."""
    if name in PREPARATIONS:
        return PREPARATIONS[name]
    library, _, form = name.partition("_")
    module = importlib.import_module(f"bench.rivals.{library}")
    found: Preparation = getattr(module, f"prepare_{form}" if form else "prepare")
    return found


class Trainer:
    """What a worker does, on its side."""

    def __init__(self, contender: Contender, name: str, quick: bool) -> None:
        self._workload = WORKLOADS[name]
        self._checked = checked(contender, self._workload)
        self._length = self._workload.quick if quick else self._workload.full
        self._data = self._workload.load()
        self._prepare = preparation(contender.preparation)
        self._epochs = self._length.epochs

    def answer(self, request: str) -> Outcome:
        """Train as requested."""
        if request == "check":
            return self._train(self._checked, self._checked.check, replayed=True)
        if request == "warm up":
            return self._warm_up()
        return self._train(self._workload, Length(self._epochs, self._length.n_samples))

    def _train(self, workload: Workload, length: Length, replayed: bool = False) -> Outcome:
        data = self._data.first(length.n_samples)
        orders = Orders(workload.shuffle, len(data.x), length.epochs, replayed)
        return timed(self._prepare(workload, data, orders))

    def _warm_up(self) -> Outcome:
        trial = Length(max(1, self._length.epochs // TRIAL), self._length.n_samples)
        outcome = self._train(self._workload, trial)  # compiles, where the library does
        if trial.epochs < self._length.epochs:
            outcome = self._train(self._workload, trial)
            affordable = int(BUDGET * trial.epochs / outcome.seconds)
            self._epochs = max(trial.epochs, min(self._length.epochs, affordable))
        if trial.epochs < self._epochs:
            outcome = self.answer("time")  # compiles once more, for this number of epochs
        return outcome


def serve(connection: Connection, contender: Contender, name: str, quick: bool) -> None:
    """Answer requests until the other side is gone."""
    trainer = Trainer(contender, name, quick)
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        connection.send(trainer.answer(request))


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for processes started meanwhile."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def alone(function: Callable[..., T], *arguments: Any, variables: Mapping[str, str]) -> T:
    """Call the function in a process of its own, with these variables set."""
    context = multiprocessing.get_context("spawn")
    with environment(variables), ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


class Worker:
    """A contender's process, from the parent's side."""

    def __init__(self, contender: Contender, name: str, quick: bool) -> None:
        self.contender = contender
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(
            target=serve, args=(other, contender, name, quick), daemon=True
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
        """Have it train as requested; wait for the outcome."""
        try:
            self._connection.send(request)
            answer: Any = self._connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise RuntimeError(f"{self.contender.label}: the process has died") from None
        assert isinstance(answer, Outcome)
        return answer
