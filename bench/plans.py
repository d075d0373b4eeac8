"""Whether the plan that `fit` chooses is the fastest of those that suit.

    python -m bench.plans [--workload NAME ...] [--rounds N] [--quick] [--json FILE]

Each workload, and shapes on which the choice is close, is trained with the chosen plan and with
every other (SHALLOWCORE_FORCE_PLAN), on default threads, in interleaved rounds of whole `fit`s, all
from the same weights; before that a short training by each plan has to agree with the oracle.
What is FAR times as slow in its first `fit` is not timed further.  Exit status 1 if a result is
wrong or a forced plan is more than 10 % faster than the chosen one, and still is in three times as
many rounds; 2 for a debug build.
"""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from shallowcore._core import plan_names
from shallowcore.bench import report as common
from shallowcore.bench.agreement import differences, tolerance
from shallowcore.bench.training import prepare_shallowcore, timed
from shallowcore.bench.workload import Data, Floats, Length, Orders, Workload
from shallowcore.bench.workloads import WORKLOADS

from bench import checks, growth
from bench.worker import environment

FORCE = "SHALLOWCORE_FORCE_PLAN"
LIMIT = 1.1  # times as fast as the chosen plan
FAR = 4.0
ROUNDS, QUICK_ROUNDS, MORE = 7, 3, 3
SAMPLE, QUICK_SAMPLE = 0.05, 0.01  # seconds, at least
ADAM = WORKLOADS["tabular"].settings


# --- what is trained ------------------------------------------------------------------------------
def no_script(*_: Any) -> list[float]:
    raise NotImplementedError("shapes of bench.plans have no NumPy script")


def shape_data(sizes: Sequence[int], n_samples: int, dtype: str) -> Data:
    """Random samples of random classes."""
    return Data(*growth.samples(n_samples, sizes[0], sizes[-1], dtype), "synthetic")


def shape(
    sizes: tuple[int, ...], batch_size: int, n_samples: int, epochs: int, hidden: str = "tanh"
) -> Workload:
    """A network of these sizes: sigmoid by gradient descent, or softmax by Adam and shuffled."""
    binary = sizes[-1] == 1
    few = None if batch_size >= n_samples else 2 * batch_size + batch_size // 2
    return Workload(
        name="-".join(map(str, sizes)) + f"/{batch_size}",
        sizes=sizes,
        activations=(*[hidden] * (len(sizes) - 2), "sigmoid" if binary else "softmax"),
        loss="binary_crossentropy" if binary else "sparse_categorical_crossentropy",
        optimizer="sgd" if binary else "adam",
        settings={"learning_rate": 0.1} if binary else ADAM,
        batch_size=batch_size,
        load=partial(shape_data, sizes, n_samples, "float32"),
        train_numpy=no_script,
        full=Length(epochs),
        quick=Length(max(1, epochs // 5)),
        check=Length(4, few),
        shuffle=not binary,
    )


def double(workload: Workload) -> Workload:
    """The workload in float64."""

    def load() -> Data:
        data = workload.load()
        y = data.y if data.y.dtype.kind == "i" else data.y.astype(np.float64)
        return Data(data.x.astype(np.float64), y, data.source)

    return replace(workload, name=f"{workload.name}/float64", load=load, dtype="float64")


SHAPES = (
    shape((20, 10, 1), 16, 4000, 50),
    shape((20, 10, 1), 1000, 4000, 300),
    shape((64, 64, 10), 32, 2000, 20, "relu"),
    shape((128, 1), 50, 50, 5000),
    shape((784, 10), 128, 5000, 10),
    shape((30, 30, 30, 1), 100, 2000, 60),
    shape((200, 32, 1), 64, 2000, 40, "relu"),
)
DOUBLE = (WORKLOADS["shallow"], WORKLOADS["cat"], *SHAPES[2:5])
ALL = {w.name: w for w in (*WORKLOADS.values(), *SHAPES, *map(double, DOUBLE))}


# --- how ------------------------------------------------------------------------------------------
class Trainer:
    """`fit` from the initial weights by one plan; "" is the one that it chooses."""

    def __init__(self, workload: Workload, data: Data, length: Length, plan: str) -> None:
        self._workload, self._epochs, self._plan = workload, length.epochs, plan
        self._data = data.first(length.n_samples)
        self._model, self._weights = workload.model(), workload.initial_weights()

    def __call__(self, n: int) -> None:
        """Train n times."""
        os.environ[FORCE] = self._plan
        for _ in range(n):
            self._model.set_weights(self._weights)
            self._model.fit(
                self._data.x,
                self._data.y,
                batch_size=self._workload.batch_size,
                epochs=self._epochs,
                shuffle=self._workload.shuffle,
                verbose=0,
            )

    def plan(self) -> str:
        """Name of the plan that trained."""
        found = re.search(r"^plan: (\w+)", self._model.plan_summary(), re.MULTILINE)
        assert found is not None
        return found[1]


def short_training(
    workload: Workload, data: Data, plan: str, right: tuple[list[float], list[Floats]]
) -> tuple[str, list[str]]:
    """Why the plan does not suit, or what is off in a short training by it; right: the oracle's."""
    few = data.first(workload.check.n_samples)
    orders = Orders(workload.shuffle, len(few.x), workload.check.epochs, replayed=True)
    try:
        with environment({FORCE: plan}):
            outcome = timed(prepare_shallowcore(workload, few, orders))
    except RuntimeError as error:
        _, refused, reason = str(error).partition("does not suit this training: ")
        if not refused:
            raise
        return reason, []
    rtol = tolerance(workload, data)
    return "", differences(outcome.losses, outcome.weights, right[0], right[1], rtol)


@dataclass(frozen=True)
class Row:
    """A plan on a workload.

    verdict: "chosen", "FASTER", why it is not timed, or nothing; x_chosen: how many times as fast
    as the chosen plan, median over rounds.
    """

    workload: str
    plan: str
    verdict: str
    seconds: Sequence[float] = ()
    us_per_step: float | None = None
    spread: float | None = None
    x_chosen: float | None = None

    def cells(self) -> list[str]:
        """As printed."""
        us = "" if self.us_per_step is None else common.microseconds(self.us_per_step)
        spread = "" if self.spread is None else f"{self.spread:.0%}"
        ratio = "" if self.x_chosen is None else f"{self.x_chosen:.2f}"
        return [self.workload, self.plan, self.verdict, us, spread, ratio]


def timed_rows(
    workload: Workload, steps: int, chosen: str, seconds: Mapping[str, Sequence[float]]
) -> list[Row]:
    """Rows of plans that took turns; steps: of a `fit`."""
    rows = []
    for plan, mine in seconds.items():
        pace = common.pace(mine, steps, 0)
        faster = common.ratio(seconds[chosen], mine)
        verdict = "chosen" if plan == chosen else "FASTER" if faster > LIMIT else ""
        rows.append(Row(workload.name, plan, verdict, mine, pace.us_per_step, pace.spread, faster))
    return rows


def time_plans(
    workload: Workload, data: Data, length: Length, plans: Sequence[str], rounds: int, sample: float
) -> list[Row]:
    """Rows of these plans, the chosen one first; once more in more rounds if one is faster."""
    steps = workload.steps(len(data.first(length.n_samples).x)) * length.epochs
    unforced = Trainer(workload, data, length, "")
    first = growth.seconds_of(unforced, 1)
    chosen = unforced.plan()
    runs, far = {chosen: unforced}, []
    for plan in (plan for plan in plans if plan != chosen):
        trainer = Trainer(workload, data, length, plan)
        took = growth.seconds_of(trainer, 1)
        if took > FAR * first:
            figures = (1e6 * took / steps, None, first / took)
            far.append(Row(workload.name, plan, "far slower", [took], *figures))
        else:
            runs[plan] = trainer
    rows: list[Row] = []
    for more in (1, MORE):
        seconds = growth.compare(list(runs.values()), more * sample, more * rounds)
        rows = timed_rows(workload, steps, chosen, dict(zip(runs, seconds, strict=True)))
        if all(row.verdict != "FASTER" for row in rows):
            break
    return [*rows, *far]


def run_workload(workload: Workload, rounds: int, quick: bool) -> tuple[list[Row], list[str]]:
    """All plans on a workload, and what was off; nothing is timed then."""
    data = workload.load()
    right = checks.expected(workload, data)
    suitable, refused, off = [], [], []
    for plan in plan_names():
        reason, wrong = short_training(workload, data, plan, right)
        off += [f"{workload.name}: {plan}: {difference}" for difference in wrong]
        if reason:
            refused.append(Row(workload.name, plan, reason))
        else:
            suitable.append(plan)
    if off:
        return refused, off
    length, sample = (workload.quick, QUICK_SAMPLE) if quick else (workload.full, SAMPLE)
    return [*time_plans(workload, data, length, suitable, rounds, sample), *refused], off


# --- program --------------------------------------------------------------------------------------
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser("python -m bench.plans", description="The choice of plans.")
    parser.add_argument("--workload", choices=ALL, nargs="+", default=list(ALL))
    parser.add_argument("--rounds", type=int, help=f"default {ROUNDS}; {QUICK_ROUNDS} with --quick")
    parser.add_argument("--quick", action="store_true", help="less data, fewer epochs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    chosen = parser.parse_args(arguments)
    rounds = chosen.rounds or (QUICK_ROUNDS if chosen.quick else ROUNDS)
    if rounds < 1:
        parser.error(f"--rounds must be at least 1, got {rounds}")
    if growth.is_debug_build():
        return 2
    found_at = common.conditions() | {
        "rounds": rounds,
        "length": "quick" if chosen.quick else "full",
    }
    print(common.header(found_at), end="\n\n", flush=True)
    rows: list[Row] = []
    off: list[str] = []
    with environment({FORCE: ""}):
        for name in chosen.workload:
            print(f"{name} ...", file=sys.stderr)
            new_rows, new_off = run_workload(ALL[name], rounds, chosen.quick)
            rows += new_rows
            off += new_off
    columns = ("workload", "plan", "", "us/step", "spread", "x chosen")
    print(common.text_table(columns, [row.cells() for row in rows]))
    for failure in off:
        print(f"WRONG  {failure}")
    growth.write(chosen.json, conditions=found_at, rows=[asdict(row) for row in rows], wrong=off)
    return int(bool(off) or any(row.verdict == "FASTER" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
