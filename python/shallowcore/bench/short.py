"""`shallowcore bench`: the workloads by shallowcore and by NumPy, checked, then timed in turns.

Both run in this process on their default threads.  Short trainings, so that all of it takes some
seconds; the long form is `python -m bench` in a checkout.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shallowcore.bench import agreement, report
from shallowcore.bench.training import PREPARATIONS, Outcome, timed
from shallowcore.bench.workload import Data, Length, Orders, Workload
from shallowcore.bench.workloads import WORKLOADS

ROUNDS = 5
CONTENDERS = {"shallowcore": "shallowcore", "numpy": "NumPy"}
COLUMNS = ("workload", "data", "contender", "us/step", "spread", "GFLOP/s", "x NumPy")
# Seconds between turns: threads of the one before that wait by spinning go to sleep meanwhile.
SETTLE = 0.05


def run(names: Sequence[str], rounds: int, file: Path | None) -> int:
    """Check, time and print.

    Parameters
    ----------
    names : sequence of str
        Workloads.
    rounds : int
        Rounds of timing.
    file : Path, optional
        JSON file to write all figures to.

    Returns
    -------
    int
        Exit status: 0, or 1 if a result is off or nothing is worth timing (a debug build).
    """
    if report.is_debug_build():
        print("shallowcore was built for debugging: its times say nothing", file=sys.stderr)
        return 1
    conditions = report.conditions() | {"rounds": rounds}
    print(report.header(conditions), end="\n\n", flush=True)
    rows: list[dict[str, Any]] = []
    off: list[str] = []
    for name in names:
        workload = WORKLOADS[name]
        data = workload.load()
        found = failures(workload, data)
        off += found
        if not found:
            rows += time_workload(workload, data, rounds)
    print(report.text_table(COLUMNS, [cells(row) for row in rows]))
    for failure in off:
        print(f"WRONG  {failure}")
    if not off:
        print(
            "\nBefore they were timed, both gave the same losses and weights after a short "
            "training (relative error\nat most 8 epsilon a step). us/step: median over rounds of "
            "`fit` over its steps. Spread: slowest minus\nfastest round, over the median. GFLOP/s: "
            "dense products only. Both on their default threads."
        )
    if file is not None:
        file.write_text(json.dumps({"conditions": conditions, "rows": rows}, indent=1) + "\n")
    return int(bool(off))


def train(
    contender: str, workload: Workload, data: Data, length: Length, replayed: bool
) -> Outcome:
    """One training of that length."""
    used = data.first(length.n_samples)
    orders = Orders(workload.shuffle, len(used.x), length.epochs, replayed)
    return timed(PREPARATIONS[contender](workload, used, orders))


def failures(workload: Workload, data: Data) -> list[str]:
    """What is off between short trainings from the same weights in the same order."""
    core, numpy = (train(name, workload, data, workload.check, True) for name in CONTENDERS)
    rtol = agreement.tolerance(workload, data)
    found = agreement.differences(core.losses, core.weights, numpy.losses, numpy.weights, rtol)
    return [f"{workload.name}: {difference}" for difference in found]


def time_workload(workload: Workload, data: Data, rounds: int) -> list[dict[str, Any]]:
    """The workload's rows: contenders take turns, every round begins with the other one."""
    seconds: dict[str, list[float]] = {contender: [] for contender in CONTENDERS}
    for i in range(rounds):
        for contender in list(CONTENDERS)[:: -1 if i % 2 else 1]:
            time.sleep(SETTLE)
            outcome = train(contender, workload, data, workload.quick, False)
            seconds[contender].append(outcome.seconds)
    epochs, n_samples = workload.quick.epochs, len(data.first(workload.quick.n_samples).x)
    rows = []
    for contender, label in CONTENDERS.items():
        pace = report.pace(
            seconds[contender],
            workload.steps(n_samples) * epochs,
            workload.flops(n_samples) * epochs,
        )
        row = {"workload": workload.name, "data": data.source, "contender": label}
        ratio = report.ratio(seconds["numpy"], seconds[contender])
        rows.append(row | vars(pace) | {"ratio": ratio, "seconds": seconds[contender]})
    return rows


def cells(row: dict[str, Any]) -> list[str]:
    """The row as printed."""
    return [
        row["workload"],
        row["data"],
        row["contender"],
        report.microseconds(row["us_per_step"]),
        f"{row['spread']:.0%}",
        f"{row['gflops']:.2f}",
        f"{row['ratio']:.2f}",
    ]
