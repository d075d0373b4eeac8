"""Checks how many instructions a training step takes: a gate on speed that no other load disturbs.

    python tools/check_instructions.py STEPS [--update]

STEPS is the program built from tests/native/steps.cpp.  Each workload is run twice under valgrind,
on one thread and one instruction set; the difference is that of the epochs in between, so start-up
does not count.  The figures stand in tools/instruction_counts.json, by instruction set and
compiler.  A count more than 5 % above its figure fails, one more than 5 % below asks for --update,
which writes what was counted.  For a compiler without figures nothing is checked.

To see where the instructions go: valgrind --tool=callgrind STEPS WORKLOAD EPOCHS
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

Counts: TypeAlias = dict[str, int]

TABLE = Path(__file__).with_name("instruction_counts.json")
TOLERANCE = 0.05
# The epochs of the two runs; slowest first, because valgrind computes fused multiply-adds in
# software and the runs share the processors.
EPOCHS = {
    "mnist": (1, 2),
    "cat": (20, 60),
    "tabular": (1, 2),
    "shallow": (2, 6),
    "planar": (100, 300),
}
# Preferred first; valgrind knows no AVX-512.
INSTRUCTION_SETS = ("avx2", "neon", "baseline")

MISSING = "valgrind is not installed: it is a system package (apt-get install valgrind)"


def environment(**changes: str) -> dict[str, str]:
    """The environment without what would choose another path through the core."""
    kept = {name: value for name, value in os.environ.items() if "SHALLOWCORE" not in name}
    return kept | changes


def describe(program: Path) -> tuple[str, str]:
    """The compiler of `program`, and the instruction set to count on."""
    command = [str(program)]
    done = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True)
    compiler, *runnable = done.stdout.splitlines()
    return compiler, next(isa for isa in INSTRUCTION_SETS if isa in runnable)


def run(program: Path, isa: str, workload: str, epochs: int) -> tuple[int, int]:
    """Steps and instructions of one run."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command += [str(program), workload, str(epochs)]
    env = environment(SHALLOWCORE_FORCE_ISA=isa, SHALLOWCORE_NUM_THREADS="1")
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    total = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if done.returncode != 0 or total is None:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return int(done.stdout), int(total[1].replace(",", ""))


def count(program: Path, isa: str) -> Counts:
    """Instructions of a step of every workload."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {
            name: [pool.submit(run, program, isa, name, epochs) for epochs in reversed(pair)]
            for name, pair in EPOCHS.items()
        }
    counts = {}
    for name, futures in runs.items():
        (more_steps, more), (fewer_steps, fewer) = (future.result() for future in futures)
        counts[name] = round((more - fewer) / (more_steps - fewer_steps))
    return counts


def compare(counts: Counts, figures: Counts) -> tuple[list[str], bool]:
    """A line for each workload, and whether all are as good as the figures say."""
    lines, good = [], True
    for name, counted in counts.items():
        line = f"{name:<8} {counted:>12,}"
        if name not in figures:
            lines.append(f"{line}  FAILED: not in the table, add it with --update")
            good = False
            continue
        figure = figures[name]
        change = counted - figure
        line += f" {figure:>12,} {change / figure:>+8.1%}"
        if change > TOLERANCE * figure:
            line += f"  FAILED: more than {TOLERANCE:.0%} above the table"
            good = False
        elif change < -TOLERANCE * figure:
            line += "  better than the table: update it with --update"
        lines.append(line)
    return lines, good


def check(counts: Counts, table: Mapping[str, Counts], key: str) -> bool:
    """Print counts beside the table's; false if one has grown."""
    print(f"instructions a step ({key}), table, change")
    if key not in table:
        for name, counted in counts.items():
            print(f"{name:<8} {counted:>12,}")
        print(f"NOT CHECKED: the table has figures for {'; '.join(table)} only")
        return True
    lines, good = compare(counts, table[key])
    print("\n".join(lines))
    return good


def main() -> int:
    """Command line; 0 when no count has grown."""
    parser = argparse.ArgumentParser(description="Instructions of a training step.")
    parser.add_argument("program", type=Path, help="built from tests/native/steps.cpp")
    parser.add_argument("--update", action="store_true", help="write the table anew")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print(MISSING, file=sys.stderr)
        return 2
    compiler, isa = describe(options.program.resolve())
    key = f"{isa}, {compiler}"
    counts = count(options.program.resolve(), isa)
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    if options.update:
        TABLE.write_text(json.dumps(table | {key: counts}, indent=2, sort_keys=True) + "\n")
        table = json.loads(TABLE.read_text())
    return 0 if check(counts, table, key) else 1


if __name__ == "__main__":
    sys.exit(main())
