"""Ctrl-C, and exceptions in callbacks, at random moments of trainings.

`python -m bench.reliability.interruption --times 1000`: another process sends SIGINT while a model
is made and trained, over optimizers, plans, sizes and ways to give data.  KeyboardInterrupt has to
come within 0.2 s; the weights have to be those after a whole number of steps, which a second model
repeats without interruption, and both have to go on to the same bits.  A latency counts as too long
where the process itself has computed for longer: on a busy machine the clock shows what others did.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import math
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from shallowcore import callbacks, models

from bench.reliability import interrupted as scenes
from bench.reliability.interrupted import Case

LIMIT = 0.2  # seconds

SENDER = """
import os, signal, sys, time
process = int(sys.argv[1])
cpu_clock = (~process << 3) | 2  # CLOCK_PROCESS_CPUTIME_ID of another process, as Linux numbers it
for line in sys.stdin:
    time.sleep(float(line))
    if os.getppid() != process:
        break
    now, cpu = time.monotonic(), time.clock_gettime(cpu_clock)
    os.kill(process, signal.SIGINT)
    print(now, cpu, flush=True)
"""


class Sender:
    """A process that sends SIGINT to this one, and notes when."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", SENDER, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(self, delay: float) -> None:
        """Ask for a signal after so many seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{delay}\n")
        self._process.stdin.flush()

    def sent(self) -> tuple[float, float]:
        """When it was sent: the clock, and this process's seconds of computing."""
        assert self._process.stdout is not None
        now, cpu = self._process.stdout.readline().split()
        return float(now), float(cpu)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass
class Figures:
    """What the trials found."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    steps: int = 0
    between: int = 0
    exceptions: int = 0
    wrong: list[str] = field(default_factory=list)

    def check(self, right: bool, case: scenes.AnyCase, what: str) -> None:
        if not right:
            self.wrong.append(f"{case.name}: {what}")
            print(f"WRONG  {self.wrong[-1]}", flush=True)

    def came(self, case: scenes.AnyCase, wall: float, cpu: float) -> None:
        """Note how long the answer took."""
        self.wall.append(wall)
        self.cpu.append(cpu)
        late = min(wall, cpu) > LIMIT
        self.check(not late, case, f"{wall:.3f} s, {cpu:.3f} s of them computing")


# --- what an uninterrupted model does -------------------------------------------------------------
class StopAfter(callbacks.Callback):
    """Ends a training after some batches."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self._left = batches

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._left -= 1
        if self._left == 0:
            self.model.stop_training = True


def repeated(case: Case, steps: int) -> models.Sequential:
    """A model that has done so many steps, and was never interrupted."""
    model = case.model()
    epochs, batches = divmod(steps, case.n_batches)
    while epochs > 0:
        now = min(epochs, case.epochs)
        case.fit(model, initial_epoch=case.epochs - now)
        epochs -= now
    if batches > 0:
        case.fit(model, extra=[StopAfter(batches)])
    return model


def check_model(case: Case, model: models.Sequential, figures: Figures) -> None:
    """Weights of a whole step, a lock that is open, and a future without surprises."""
    steps = model.optimizer.iterations
    figures.steps += steps
    finite = all(np.isfinite(w).all() for w in model.get_weights())
    figures.check(finite, case, "weights are not finite")
    other = repeated(case, steps)
    right = other.digest() == model.digest()
    figures.check(right, case, f"weights are not those after {steps} steps")
    with ThreadPoolExecutor(1) as pool:
        try:
            twin = pool.submit(copy.deepcopy, model).result()
        except RuntimeError as error:
            figures.check(False, case, f"locked: {error}")
            return
    other.note_epochs(model._epochs_started)  # an epoch may have begun without a step
    trio = (model, twin, other)
    for one in trio:
        case.fit(one, initial_epoch=case.epochs - 1)
    same = len({one.digest() for one in trio}) == 1
    figures.check(same or not right, case, f"the next epoch after {steps} steps differs")


# --- trials ---------------------------------------------------------------------------------------
def interrupted(
    case: scenes.AnyCase,
    delay: float,
    sender: Sender,
    work: Callable[[list[Any]], None],
    figures: Figures,
) -> Any:
    """What was worked on when the signal came."""
    subject: list[Any] = [None]
    try:
        sender.send(delay)
        work(subject)
        time.sleep(delay + 60)
        figures.check(False, case, "no KeyboardInterrupt")
    except KeyboardInterrupt:
        now, cpu = time.monotonic(), time.process_time()
    sent, sent_cpu = sender.sent()
    figures.came(case, now - sent, cpu - sent_cpu)
    return subject[0]


def interrupt_fit(case: Case, delay: float, sender: Sender, figures: Figures) -> None:
    case.data()  # is drawn before time counts

    def work(subject: list[Any]) -> None:
        while True:  # until the signal comes
            model = case.model()
            subject[0] = model
            for _ in range(case.fits):
                case.fit(model)

    model = interrupted(case, delay, sender, work, figures)
    if model is None:
        figures.between += 1
    else:
        check_model(case, model, figures)


def interrupt_call(case: scenes.Call, delay: float, sender: Sender, figures: Figures) -> None:
    """Predictions and the like: what they give afterwards is what they gave before."""
    call, before = case.prepare()

    def work(_: list[Any]) -> None:
        while True:
            call()

    interrupted(case, delay, sender, work, figures)
    figures.check(bool(np.array_equal(call(), before)), case, "another result")


def interrupt_estimator(
    case: scenes.Estimator, delay: float, sender: Sender, figures: Figures
) -> None:
    """scikit-learn's way: a warning, and the estimator keeps what it has; solvers raise."""
    estimator, x, y = case.estimator(), case.x, case.y
    try:
        sender.send(delay)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator.fit(x, y)
            now, cpu = time.monotonic(), time.process_time()
            if not any("interrupted by user" in str(one.message) for one in caught):
                time.sleep(delay + 60)
    except KeyboardInterrupt:
        now, cpu = time.monotonic(), time.process_time()
        early = not hasattr(estimator, "coefs_") or not case.warns
        figures.check(early or not estimator._optimizer.iterations, case, "raised, did not warn")
    sent, sent_cpu = sender.sent()
    figures.came(case, now - sent, cpu - sent_cpu)
    if not hasattr(estimator, "coefs_"):
        figures.between += 1
        return
    steps = estimator._optimizer.iterations
    figures.steps += steps
    other = case.repeated(steps)
    pairs = zip(
        (*estimator.coefs_, *estimator.intercepts_),
        (*other.coefs_, *other.intercepts_),
        strict=True,
    )
    same = all(np.array_equal(a, b) for a, b in pairs)
    figures.check(same, case, f"weights are not those after {steps} steps")
    figures.check(np.isfinite(estimator.predict(case.x[:100])).all(), case, "cannot predict")


class Own(Exception):
    """What a callback raises."""


def raise_in_callback(case: Case, draw: random.Random, figures: Figures) -> None:
    """An exception in any hook."""
    hook = draw.choice([name for name in scenes.HOOKS if name != "on_train_end"])
    left = draw.randrange(1, 40)

    def fail(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left <= 0 or hook == "on_train_begin":
            raise Own

    class Failing(callbacks.Callback):
        pass

    setattr(Failing, hook, fail)
    model = case.model()
    with contextlib.suppress(Own):
        while True:
            case.fit(model, extra=[Failing()])
    figures.exceptions += 1
    check_model(case, model, figures)


# --- program --------------------------------------------------------------------------------------
def report(figures: Figures, seconds: float) -> Iterator[str]:
    wall, cpu = np.sort(figures.wall), np.sort(figures.cpu)
    yield f"interruptions              {len(wall)}, {figures.between} before a model was there"
    for name, values in (("latency", wall), ("of that, computing", cpu)):
        if len(values):
            p99 = values[math.ceil(0.99 * len(values)) - 1]
            yield (
                f"{name:<26} median {1e3 * np.median(values):.1f} ms, 99 % {1e3 * p99:.1f} ms, "
                f"worst {1e3 * values[-1]:.1f} ms"
            )
    yield f"above {LIMIT} s by the clock   {int((wall > LIMIT).sum())}"
    yield f"exceptions in callbacks    {figures.exceptions}"
    yield f"steps before they came     {figures.steps}"
    yield f"wrong                      {len(figures.wrong)}"
    yield f"seconds                    {seconds:.0f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Interrupt and print; returns the exit status."""
    parser = argparse.ArgumentParser(
        "python -m bench.reliability.interruption", description="Ctrl-C at random moments."
    )
    parser.add_argument("--times", type=int, default=1000, help="SIGINTs; default 1000")
    parser.add_argument("--exceptions", type=int, help="in callbacks; default a fifth of --times")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="cases whose names contain this")
    chosen = parser.parse_args(arguments)
    if sys.platform != "linux":
        parser.error("it reads clocks of Linux")
    draw = random.Random(chosen.seed)
    figures, start = Figures(), time.perf_counter()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells ignore it in the background
    sender = Sender()
    warnings.filterwarnings("ignore", message=".*stopped after")
    with scenes.all_cases() as cases:
        cases = [one for one in cases if chosen.only in one.name]
        for i in range(chosen.times):
            if time.perf_counter() - start > 60 * chosen.minutes:
                break
            case = cases[i % len(cases)]
            delay = draw.uniform(0, case.longest)
            if isinstance(case, scenes.Call):
                interrupt_call(case, delay, sender, figures)
            elif isinstance(case, scenes.Estimator):
                interrupt_estimator(case, delay, sender, figures)
            else:
                interrupt_fit(case, delay, sender, figures)
        exceptions = chosen.times // 5 if chosen.exceptions is None else chosen.exceptions
        fits = [one for one in cases if type(one) is Case]
        for i in range(exceptions if fits else 0):
            if time.perf_counter() - start > 60 * chosen.minutes:
                break
            raise_in_callback(fits[i % len(fits)], draw, figures)
    sender.close()
    print("\n".join(report(figures, time.perf_counter() - start)))
    return int(bool(figures.wrong))


if __name__ == "__main__":
    sys.exit(main())
