"""Forked, spawned and threaded work: no hang, and the bits of work done alone.

    python -m bench.reliability.forks [--rounds N] [--only NAME ...] [--patience S] [--json FILE]

Each way of starting workers is tried in a process of its own, N rounds (200): the parent trains on
two threads, starts workers, and these train, too.  A watchdog ends a process that prints nothing
for S seconds (120), after it has shown where its threads stand, and reports it.  Then shallowcore
works by turns with PyTorch and scikit-learn, imported and first used in every order: right
results, and how much longer each takes than in a process of its own, as does NumPy on one thread
in shallowcore's place.  Exit status 1 for a hang, a crash, a wrong bit, or a slowdown beyond LIMIT.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.growth import conditions, table, write
from bench.reliability import neighbours, workers
from bench.reliability.programs import Program

LIMIT = 1.5
BESIDE = "beside"
CHOICES = (*workers.WAYS, BESIDE)


def try_workers(names: Sequence[str], rounds: int, patience: float) -> tuple[str, list[str]]:
    """Outcome of one process that starts workers in these ways, and a name for each round done."""
    code = f"from bench.reliability import workers; workers.main({list(names)!r}, {rounds})"
    program = Program(code, patience)
    done = program.rest()
    return program.outcome, done


def compare_neighbours(patience: float) -> tuple[bool, list[Sequence[object]]]:
    """Whether all is well in every order, and a table of how much longer than alone each took."""
    names = neighbours.installed()
    shown = (*names, neighbours.BYSTANDER)
    lines: list[Sequence[object]] = [("imports, then first uses", *shown, "")]
    good = True
    for imports, uses in neighbours.orders(names):
        outcome, ratios = neighbours.compare(imports, uses, patience)
        if ratios.get(neighbours.OURS, 0) > LIMIT:
            outcome = "SLOW"
        good &= outcome == "ok"
        text = f"{' '.join(imports)}, {' '.join(uses)}"
        lines.append((text, *(f"{ratios.get(n, 0):.2f}" for n in shown), outcome))
        print(*lines[-1], file=sys.stderr)
    return good, lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Try everything and print it; returns the exit status."""
    parser = argparse.ArgumentParser("python -m bench.reliability.forks")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"of {', '.join(CHOICES)}")
    parser.add_argument(
        "--patience", type=float, default=120, help="seconds without a sign of life"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    chosen = parser.parse_args(arguments)
    names = chosen.only or CHOICES
    if unknown := set(names) - set(CHOICES):
        parser.error(f"--only: no {', '.join(sorted(unknown))}")
    good = True
    lines: list[Sequence[object]] = [("workers", "rounds", "ms a round", "")]
    for name in names:
        if name == BESIDE:
            continue
        start = time.perf_counter()
        outcome, done = try_workers([name], chosen.rounds, chosen.patience)
        ms = 1e3 * (time.perf_counter() - start) / max(1, len(done))
        lines.append((name, len(done), f"{ms:.0f}", outcome))
        print(*lines[-1], file=sys.stderr)
        good &= outcome == "ok" and len(done) == chosen.rounds
    print(table(lines), "\n")
    beside: list[Sequence[object]] = []
    if BESIDE in names:
        well, beside = compare_neighbours(chosen.patience)
        good &= well
        print(table(beside), "\n")
    print("no hang, every bit right" if good else "FAILED")
    write(chosen.json, conditions=conditions(), workers=lines, beside=beside)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
