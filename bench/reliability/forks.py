"""Forked, spawned and threaded work: no hang, and the bits of work done alone.

    python -m bench.reliability.forks [--rounds N] [--only NAME ...] [--patience S] [--json FILE]

Each way of starting workers is tried in a process of its own, N rounds (200): the parent trains on
two threads, starts workers, and these train, too.  A watchdog ends a process that prints nothing
for S seconds (120), after it has shown where its threads stand, and reports it.  Then shallowcore
works by turns with PyTorch and scikit-learn, imported and first used in every order: right
results, and how much longer than alone.  Exit status 1 for a hang, a crash, a wrong bit, or a
slowdown beyond LIMIT.
"""

import argparse
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from bench.growth import conditions, table, write
from bench.reliability import neighbours, workers

ROOT = Path(__file__).parents[2]
LIMIT = 1.5
BESIDE = "beside"
CHOICES = (*workers.WAYS, BESIDE)


def lines_of(process: "subprocess.Popen[str]") -> "queue.Queue[str | None]":
    """What it prints, line by line as it comes; None at the end."""
    found: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                found.put(line.rstrip("\n"))
        found.put(None)

    threading.Thread(target=read, daemon=True).start()
    return found


def watched(arguments: Sequence[str], patience: float) -> tuple[str, list[str]]:
    """Run a Python; end it if it prints nothing for so long.  Outcome, and the lines it printed."""
    command = [sys.executable, "-X", "faulthandler", "-W", "ignore::DeprecationWarning", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    coming, lines = lines_of(process), []
    try:
        while (line := coming.get(timeout=patience)) is not None:
            lines.append(line)
    except queue.Empty:
        if hasattr(os, "killpg"):
            process.send_signal(signal.SIGABRT)  # faulthandler shows every thread
            time.sleep(1)
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        return "HANGS", lines
    status = process.wait()
    return ("ok" if status == 0 else f"ENDS WITH {status}"), lines


def try_workers(names: Sequence[str], rounds: int, patience: float) -> tuple[str, list[str]]:
    """Outcome of one process that starts workers in these ways, and a name for each round done."""
    code = f"from bench.reliability import workers; workers.main({list(names)!r}, {rounds})"
    return watched(["-c", code], patience)


def try_neighbours(
    imports: Sequence[str],
    uses: Sequence[str],
    patience: float,
    rounds: int = neighbours.ROUNDS,
) -> tuple[str, neighbours.Found]:
    """Outcome, and what each library computed and how long it took."""
    call = f"neighbours.main({list(imports)!r}, {list(uses)!r}, {rounds})"
    code = f"from bench.reliability import neighbours; {call}"
    outcome, lines = watched(["-c", code], patience)
    return outcome, json.loads(lines[-1]) if outcome == "ok" else {}


def compare_neighbours(patience: float) -> tuple[bool, list[Sequence[object]]]:
    """Whether all is well in every order, and a table of how much longer than alone each took."""
    names = neighbours.installed()
    lines: list[Sequence[object]] = [("imports, then first uses", *names, "")]
    good = True
    for imports, uses in neighbours.orders(names):
        alone = {name: try_neighbours([name], [name], patience)[1][name] for name in names}
        outcome, found = try_neighbours(imports, uses, patience)
        ratios = {name: found[name][1] / alone[name][1] for name in names if name in found}
        if any(found[name][0] != alone[name][0] for name in found):
            outcome = "WRONG RESULT"
        elif ratios.get("shallowcore", 0) > LIMIT:
            outcome = "SLOW"
        good &= outcome == "ok"
        text = f"{' '.join(imports)}, {' '.join(uses)}"
        lines.append((text, *(f"{ratios.get(n, 0):.2f}" for n in names), outcome))
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
