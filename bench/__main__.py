"""Check and time the workloads: shallowcore in three thread settings and NumPy in two.

    python -m bench [--workload NAME ...] [--rounds N] [--quick] [--json FILE]

Contenders take turns in rounds, so that a busy machine slows them all alike.  Exit status 1 if a
result is off (times of such a workload are not taken, or not to be trusted), 2 if there is nothing
worth timing: a debug build.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import shallowcore

from bench import checks, report
from bench.worker import CONTENDERS, Outcome, Worker
from bench.workload import Data, Workload
from bench.workloads import WORKLOADS

ROUNDS, QUICK_ROUNDS = 7, 3
# Seconds between turns: threads of the one before that wait by spinning go to sleep meanwhile.
SETTLE = 0.05


def failures(workers: Sequence[Worker], workload: Workload, data: Data) -> list[str]:
    """What is off in the short trainings of the workers."""
    losses, weights = checks.expected(workload, data)
    rtol = checks.tolerance(workload, data)
    off = []
    for worker in workers:
        outcome = worker.ask("check")
        found = checks.differences(outcome.losses, outcome.weights, losses, weights, rtol)
        off += [f"{workload.name}: {worker.contender.label}: {difference}" for difference in found]
    return off


def run_rounds(workers: Sequence[Worker], rounds: int) -> list[list[Outcome]]:
    """Outcomes by worker; every round begins with another one."""
    outcomes: list[list[Outcome]] = [[] for _ in workers]
    for i in range(rounds):
        for j in range(len(workers)):
            which = (i + j) % len(workers)
            time.sleep(SETTLE)
            outcomes[which].append(workers[which].ask("time"))
    return outcomes


def final_failures(workload: Workload, times: Sequence[report.Times]) -> list[str]:
    """Contenders whose last loss is not NumPy's."""
    right = next(t for t in times if t.library == "numpy")
    return [
        f"{workload.name}: {t.contender}: last loss {t.loss:.6g}, NumPy's {right.loss:.6g}"
        for t in times
        if checks.final_loss_differs(t.loss, right.loss, workload.loss_tolerance)
    ]


def run_workload(
    workload: Workload, rounds: int, quick: bool
) -> tuple[list[report.Row], list[str]]:
    """The workload's rows of the table, and what was off."""
    data = workload.load()
    timed = data.first(workload.quick_samples) if quick else data
    epochs = workload.quick_epochs if quick else workload.epochs
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(c, workload.name, quick)) for c in CONTENDERS]
        off = failures(workers, workload, data)
        if off:
            return [], off
        outcomes = run_rounds(workers, rounds)
    times = [
        report.Times(
            contender=contender.label,
            library=contender.library,
            seconds=[outcome.seconds for outcome in found],
            processor_seconds=[outcome.processor_seconds for outcome in found],
            loss=found[-1].losses[-1],
        )
        for contender, found in zip(CONTENDERS, outcomes, strict=True)
    ]
    steps, flops = workload.steps(len(timed.x), epochs), workload.flops(len(timed.x), epochs)
    rows = report.rows(workload.name, data.source, times, steps, flops)
    return rows, final_failures(workload, times)


def is_debug_build() -> bool:
    """Whether the core was built without optimisation or with its assertions."""
    config = shallowcore.show_config(mode="dicts")
    assert config is not None
    return "debug" in config["compiler"]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--workload", choices=WORKLOADS, nargs="+", default=list(WORKLOADS))
    parser.add_argument("--rounds", type=int, help=f"default {ROUNDS}; {QUICK_ROUNDS} with --quick")
    parser.add_argument("--quick", action="store_true", help="less data, fewer epochs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    chosen = parser.parse_args(arguments)
    if chosen.rounds is None:
        chosen.rounds = QUICK_ROUNDS if chosen.quick else ROUNDS
    if chosen.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {chosen.rounds}")
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    chosen = parse(arguments)
    if is_debug_build():
        print("shallowcore was built for debugging: its times say nothing", file=sys.stderr)
        return 2
    conditions = report.conditions(chosen.rounds, chosen.quick)
    print(report.header(conditions), end="\n\n")
    rows: list[report.Row] = []
    off: list[str] = []
    for name in chosen.workload:
        print(f"{name} ...", file=sys.stderr)
        new_rows, new_off = run_workload(WORKLOADS[name], chosen.rounds, chosen.quick)
        rows += new_rows
        off += new_off
    print(report.table(rows))
    if note := report.disturbance(rows):
        print(f"\n{note}")
    for failure in off:
        print(f"WRONG  {failure}")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(report.as_json(conditions, rows), indent=1) + "\n")
    return int(bool(off))


if __name__ == "__main__":
    sys.exit(main())
