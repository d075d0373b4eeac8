"""A day of use in some minutes: random models, by several threads and processes at once.

`python -m bench.reliability.soak --minutes 10`: every process has threads that draw a model, data
and an optimizer, train, save, load, copy and predict.  Steps, predictions, losses and gradients are
held against the oracle of the tests, and when a process's threads have finished a set of models, it
does the same again one by one: not a bit may differ.
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import os
import pickle
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from oracle.network import Loss, Network
from oracle.optimizers import optimizer as oracle_optimizer
from oracle.tolerances import reduction, relative_error, trajectory
from oracle.train import train
from shallowcore import models
from twins import SPARSE, cast, chain, model_of, targets_of

from bench.reliability.memory import resident

SMOOTH = ("tanh", "sigmoid", "softplus", "softsign", "silu", "gelu")
HIDDEN = (*SMOOTH, "elu", "selu", "relu", "leaky_relu")
FIRST_ORDER = ("sgd", "rmsprop", "adam", "adamw", "nadam", "adagrad", "rprop")
SOLVERS = ("lbfgs", "newton_cg", "levenberg_marquardt")  # whose loss never rises
ENDS = (
    ("identity", "mean_squared_error"),
    ("identity", "huber"),
    ("identity", "log_cosh"),
    ("sigmoid", "binary_crossentropy"),
    ("softmax", "categorical_crossentropy"),
    ("softmax", SPARSE),
    ("exponential", "poisson"),
)
# Drawn models are not as tame as those of the tests; a wrong step is off by far more.
ROOM = 32
TOGETHER = 8  # models of a thread before they are done again


@dataclass
class Counts:
    """What was done."""

    models: int = 0
    steps: int = 0
    predictions: int = 0
    checks: int = 0
    repeated: int = 0
    mib_first: float = 0.0
    mib_last: float = 0.0
    failures: list[str] = field(default_factory=list)

    def __iadd__(self, other: Counts) -> Counts:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        return self

    def check(self, right: bool, what: str) -> None:
        self.checks += 1
        if not right:
            self.failures.append(what)

    def close(self, found: Any, expected: Any, rtol: float, what: str) -> None:
        """Nowhere further apart than rtol of the largest expected number."""
        expected = np.asarray(expected, np.float64)
        if not np.isfinite(found).all():
            return self.check(False, f"{what}: not finite")
        scale = float(max(np.abs(expected).max(), 1e-3))
        error = relative_error(np.asarray(found, np.float64), expected, scale)
        return self.check(error <= rtol, f"{what}: off by {error:.3g}, allowed {rtol:.3g}")


# --- one model ------------------------------------------------------------------------------------
class Life:
    """A model's life, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        solves = rng.random() < 0.2
        self.seed, self.counts = seed, Counts(models=1)
        self.dtype = np.float64 if rng.random() < 0.5 else np.float32
        last, loss = ENDS[rng.integers(len(ENDS))]
        if solves:
            last, loss = ENDS[0]
        depth, one = int(rng.integers(0, 3)), loss == "binary_crossentropy"
        self.sizes = [int(2 ** rng.uniform(1, 5 if solves else 7.5)) for _ in range(depth + 1)]
        self.sizes.append(1 if one or solves else int(rng.integers(2, 9)))
        self.names = [str(rng.choice(SMOOTH if solves else HIDDEN)) for _ in range(depth)] + [last]
        self.optimizer = str(rng.choice(SOLVERS if solves else FIRST_ORDER))
        self.loss = Loss(loss)
        self.rows = int(2 ** rng.uniform(3, 9))
        self.batch = self.rows if solves or rng.random() < 0.3 else int(rng.integers(4, 65))
        self.network = chain(rng, self.sizes, self.names, self.dtype)
        x = rng.standard_normal((self.rows, self.sizes[0])).astype(np.float32)
        self.x = x.astype(self.dtype)
        self.y = targets_of(self.loss, rng, self.rows, self.sizes[-1], self.dtype)

    def __str__(self) -> str:
        shape = "-".join(map(str, self.sizes)) + " " + "/".join(self.names)
        return f"{self.seed}: {shape}, {self.loss.name}, {self.optimizer}, {self.dtype.__name__}"

    def note(self, what: str) -> str:
        return f"model {self}: {what}"

    def run(self, folder: Path) -> str:
        """All of it; returns a hash of what came out."""
        model = model_of(self.network, self.sizes[0], self.loss, self.optimizer, seed=self.seed)
        self.look(model)
        self.train(model)
        self.look(model)
        path = folder / f"{self.seed}-{os.getpid()}-{time.monotonic_ns()}.safetensors"
        model.save(path)
        others = [models.load_model(path), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
        path.unlink()
        before = model.predict(self.x)
        for other in others:
            same = np.array_equal(other.predict(self.x), before)
            self.counts.check(same and other.digest() == model.digest(), self.note("a copy"))
        for one in (model, *others):
            self.fit(one, 1)
        digests = {one.digest() for one in (model, *others)}
        self.counts.check(len(digests) == 1, self.note("copies train differently"))
        self.counts.predictions += 5 * self.rows
        return model.digest() + before.tobytes().hex()[:64]

    def fit(self, model: models.Sequential, epochs: int) -> None:
        model.fit(self.x, self.y, epochs=epochs, batch_size=self.batch, verbose=0)
        self.counts.steps += epochs * -(-self.rows // self.batch)

    def train(self, model: models.Sequential) -> None:
        """Some epochs; first-order steps that rounding does not turn are the oracle's."""
        steps = 2 * -(-self.rows // self.batch)
        smooth = all(name in (*SMOOTH, self.names[-1]) for name in self.names)
        tame = self.dtype == np.float64 or self.optimizer == "sgd"
        follows = smooth and tame and self.optimizer in FIRST_ORDER and steps <= 40
        before = model.evaluate(self.x, self.y, verbose=0)
        self.fit(model, 2)
        if self.optimizer in SOLVERS:
            after = model.evaluate(self.x, self.y, verbose=0)
            self.counts.check(after <= before, self.note(f"loss {before} to {after}"))
        if not follows:
            return
        other = cast(self.network, self.dtype)
        mine = oracle_optimizer(self.optimizer, other.parameters())
        options: dict[str, Any] = {"epochs": 2, "batch_size": self.batch, "seed": self.seed}
        options["shuffle"] = self.batch < self.rows
        train(other, mine, self.loss, self.x, self.y, **options)
        rtol = ROOM * trajectory(self.dtype, steps)
        pairs = zip(model.get_weights(), other.parameters(), strict=True)
        for i, (found, expected) in enumerate(pairs):
            self.counts.close(found, expected, rtol, self.note(f"weights {i} after {steps} steps"))

    def look(self, model: models.Sequential) -> None:
        """Predictions, loss and gradients where the model stands, by the oracle in float64."""
        exact = cast(self.network, np.float64)
        for array, value in zip(exact.parameters(), model.get_weights(), strict=True):
            array[...] = value
        y = self.y if self.loss.name == SPARSE else self.y.astype(np.float64)
        loss, gradients = exact.gradients(self.x.astype(np.float64), y, self.loss)
        rtol = ROOM * reduction(self.dtype, max(*self.sizes, self.rows))
        self.check_predictions(model, exact, rtol)
        found, found_gradients = model.gradients(self.x, self.y)
        self.counts.close(found, loss, rtol, self.note("loss"))
        scale = max(float(np.abs(g).max()) for g in gradients)
        for i, (ours, theirs) in enumerate(zip(found_gradients, gradients, strict=True)):
            ends = np.append(theirs.ravel(), scale), np.append(ours.ravel(), scale)
            self.counts.close(ends[1], ends[0], rtol, self.note(f"gradient {i}"))

    def check_predictions(self, model: models.Sequential, exact: Network, rtol: float) -> None:
        outputs = model.predict(self.x)
        expected = exact.predict(self.x.astype(np.float64))
        self.counts.close(outputs, expected, rtol, self.note("predictions"))
        self.counts.predictions += self.rows + 1
        row = model.predict(self.x[3:4])
        self.counts.check(np.array_equal(row[0], outputs[3]), self.note("a row alone"))


# --- a process ------------------------------------------------------------------------------------
def live(seed: int, folder: Path) -> tuple[str, Counts]:
    """One life; whatever it raises is a failure."""
    life = Life(seed)
    try:
        return life.run(folder), life.counts
    except Exception as error:
        life.counts.failures.append(life.note(f"{type(error).__name__}: {error}"))
        return "", life.counts


def work(process: int, n_threads: int, seconds: float, seed: int) -> Counts:
    """Models by several threads, then the same one by one, until the time is over."""
    warnings.filterwarnings("ignore", message=".*stopped after.*")
    due, counts, first = time.monotonic() + seconds, Counts(), seed + process * 10**7
    with ThreadPoolExecutor(n_threads) as pool, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        while time.monotonic() < due:
            seeds = range(first, first + TOGETHER * n_threads)
            first = seeds.stop
            at_once = list(pool.map(lambda one: live(one, folder), seeds))
            for one, (hashed, found) in zip(seeds, at_once, strict=True):
                again, _ = live(one, folder)
                counts += found
                counts.repeated += 1
                counts.check(again == hashed, f"model {Life(one)}: other bits when alone")
            counts.mib_first = counts.mib_first or resident()
    counts.mib_last = resident()
    return counts


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; returns the exit status."""
    parser = argparse.ArgumentParser(
        "python -m bench.reliability.soak", description="Random models, at once, checked."
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    start, total = time.perf_counter(), Counts()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(chosen.processes, spawn) as pool:
        jobs = [
            pool.submit(work, i, chosen.threads, 60 * chosen.minutes, chosen.seed)
            for i in range(chosen.processes)
        ]
        for job in jobs:
            total += job.result()
    for failure in total.failures[:50]:
        print(f"WRONG  {failure}")
    print(f"processes x threads   {chosen.processes} x {chosen.threads}")
    print(f"models                {total.models}, {total.repeated} of them again, alone")
    print(f"steps                 {total.steps}")
    print(f"predicted rows        {total.predictions}")
    print(f"checks                {total.checks}")
    print(f"failures              {len(total.failures)}")
    print(f"MiB of all processes  {total.mib_first:.0f} after the first set, {total.mib_last:.0f}")
    print(f"seconds               {time.perf_counter() - start:.0f}")
    return int(bool(total.failures))


if __name__ == "__main__":
    sys.exit(main())
