"""Check and time the workloads: shallowcore in three thread settings, NumPy and its rivals in two.

    python -m bench [--workload NAME ...] [--rivals [NAME ...]] [--rounds N] [--quick]
                    [--json FILE] [--plot FILE]

Contenders take turns in rounds, so that a busy machine slows them all alike.  Exit status 1 if a
result is off (times of such a workload are not taken, or not to be trusted), 2 if there is nothing
worth timing: a debug build.
"""

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shallowcore.bench.report import conditions, header, is_debug_build
from shallowcore.bench.short import SETTLE
from shallowcore.bench.training import Outcome
from shallowcore.bench.workload import Workload
from shallowcore.bench.workloads import WORKLOADS

from bench import checks, contenders, floors, goals, latency, plot, report
from bench.contenders import RIVALS
from bench.worker import Worker, alone

ROUNDS, QUICK_ROUNDS = 7, 3


def run_rounds(workers: Sequence[Worker], rounds: int) -> list[list[Outcome]]:
    """Outcomes by worker; every round begins with another one."""
    outcomes: list[list[Outcome]] = [[] for _ in workers]
    for i in range(rounds):
        for j in range(len(workers)):
            which = (i + j) % len(workers)
            time.sleep(SETTLE)
            outcomes[which].append(workers[which].ask("time"))
    return outcomes


def final_failures(workload: Workload, steps: int, times: Sequence[report.Times]) -> list[str]:
    """Contenders whose losses are not NumPy's; steps: of an epoch."""
    right = next(t.losses for t in times if t.contender.library == "numpy")
    found: list[str] = []
    for t in times:
        found += checks.final_failure(t.contender, workload, steps, t.losses, right)
    return found


def run_workload(
    workload: Workload, machine: floors.Floors, chosen: argparse.Namespace
) -> tuple[list[report.Row], list[str]]:
    """The workload's rows of the table, and what was off."""
    data = workload.load()
    timed = data.first((workload.quick if chosen.quick else workload.full).n_samples)
    off: list[str] = []
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(contender, workload.name, chosen.quick))
            for contender in contenders.contenders(workload, data, chosen.rivals)
        ]
        oracle = checks.Oracle(workload, data)
        for worker in workers:
            off += oracle.failures(worker.contender, worker.ask("check"))
        if off:
            return [], off
        for worker in workers:
            worker.ask("warm up")
        outcomes = run_rounds(workers, chosen.rounds)
    times = [
        report.Times(
            contender=worker.contender,
            seconds=[outcome.seconds for outcome in found],
            processor_seconds=[outcome.processor_seconds for outcome in found],
            epochs=len(found[-1].losses),
            losses=found[-1].losses,
        )
        for worker, found in zip(workers, outcomes, strict=True)
    ]
    off = final_failures(workload, workload.steps(len(timed.x)), times)
    return report.rows(workload, timed, times, machine), off


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--workload", choices=WORKLOADS, nargs="+", default=list(WORKLOADS))
    parser.add_argument(
        "--rivals",
        choices=RIVALS,
        nargs="*",
        default=list(RIVALS),
        help="besides NumPy; default: all, none if no name follows",
    )
    parser.add_argument("--rounds", type=int, help=f"default {ROUNDS}; {QUICK_ROUNDS} with --quick")
    parser.add_argument("--quick", action="store_true", help="less data, fewer epochs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw bars (needs matplotlib)")
    chosen = parser.parse_args(arguments)
    if chosen.rounds is None:
        chosen.rounds = QUICK_ROUNDS if chosen.quick else ROUNDS
    if chosen.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {chosen.rounds}")
    for file in (chosen.json, chosen.plot):
        if file is not None and not file.parent.is_dir():
            parser.error(f"there is no folder {file.parent}")
    if chosen.plot is not None and importlib.util.find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib")
    return chosen


def run_conditions(chosen: argparse.Namespace) -> dict[str, Any]:
    """What the figures depend on."""
    found = conditions()
    found |= {RIVALS[name].label: RIVALS[name].version() for name in chosen.rivals}
    return found | {"rounds": chosen.rounds, "length": "quick" if chosen.quick else "full"}


def print_tables(rows: Sequence[report.Row], notes: Sequence[str], off: Sequence[str]) -> None:
    """Everything about the workloads."""
    print(report.table(rows), goals.versus(rows), report.LEGEND, sep="\n\n", end="\n\n")
    for note in (*notes, report.disturbance(rows)):
        if note:
            print(note)
    print(f"\n{goals.verdict_table(goals.verdicts(rows))}\n\n{goals.LEGEND}")
    for failure in off:
        print(f"WRONG  {failure}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    chosen = parse(arguments)
    if is_debug_build():
        print("shallowcore was built for debugging: its times say nothing", file=sys.stderr)
        return 2
    chosen.rivals, notes = contenders.available(chosen.rivals)
    notes += contenders.formula_notes(chosen.rivals, [WORKLOADS[name] for name in chosen.workload])
    found = run_conditions(chosen)
    print(header(found), end="\n\n")
    machine = alone(
        floors.measure,
        found["available processors"],
        chosen.quick,
        variables=contenders.ONE_BLAS_THREAD,
    )
    print(*machine.lines(), "", sep="\n")
    rows: list[report.Row] = []
    off: list[str] = []
    for name in chosen.workload:
        print(f"{name} ...", file=sys.stderr)
        new_rows, new_off = run_workload(WORKLOADS[name], machine, chosen)
        rows += new_rows
        off += new_off
    print_tables(rows, notes, off)
    single, fits = alone(latency.measure, chosen.quick, variables={})
    print(f"\n{goals.latency_table(single)}\n")
    print(f"networks of `shallow` trained one after another: {fits:.1f} a second")
    if chosen.json is not None:
        figures = {
            "conditions": found,
            "notes": notes,
            "floors": asdict(machine),
            "rows": [asdict(row) for row in rows],
            "goals": [asdict(verdict) for verdict in goals.verdicts(rows)],
            "one row": [asdict(one) for one in single],
            "networks a second": fits,
            "wrong": off,
        }
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")
    if chosen.plot is not None and rows:
        plot.draw(rows, f"{found['processor']}, {found['instruction set']}", chosen.plot)
    return int(bool(off))


if __name__ == "__main__":
    sys.exit(main())
