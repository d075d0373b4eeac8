"""The same bits every time: how far that goes, tried at length.

    python -m bench.reliability.determinism [--seconds S] [--threads N ...] [--json FILE]

Trainings (every plan, optimizer and dtype, with dropout and shuffling) on each number of threads,
in processes of their own, on an idle and on a busy machine, on each instruction set that runs here:
weights, state of the optimizer, histories, predictions and gradients have to agree in every bit.
Random models predict rows alone and among others, from memory of any layout, for S seconds (60).
Last, how far results of different instruction sets are apart, which agree within rounding only.
Exit status 1 if a bit differs, or instruction sets differ by more than BOUND allows.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import shallowcore as sc
from oracle.tolerances import relative_error, trajectory
from shallowcore import _core, layers, models

from bench.growth import conditions, table, write
from bench.reliability import rows, trainings

ROOT = Path(__file__).parents[2]
THREADS = (1, 2, 3, 4, 8)
STEPS = (1, 10, 100)
BOUND = 2  # times what one training may be off the oracle's: both may round their own way
BUSY = "while True: pass"
AMPLIFY = ("lbfgs", "rmsprop")
ALONE = {"SHALLOWCORE_NUM_THREADS": "1"}
PROGRAM = "bench.reliability.determinism"

Hashes = dict[str, dict[str, str]]


# --- trainings ------------------------------------------------------------------------------------
def child(*arguments: str, **settings: str) -> str:
    """What another Python prints with these arguments."""
    command = [sys.executable, *arguments]
    environment = os.environ | settings
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def hashes_elsewhere(isa: str, threads: Sequence[int]) -> dict[int, Hashes]:
    """Results of all trainings in another process."""
    printed = child("-m", PROGRAM, "--hashes", *map(str, threads), SHALLOWCORE_FORCE_ISA=isa)
    return {int(n): found for n, found in json.loads(printed).items()}


@contextmanager
def busy_machine() -> Iterator[None]:
    """Meanwhile as many other processes as there are processors compute."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def compare_trainings(isa: str, threads: Sequence[int]) -> tuple[Counter[str], Counter[str]]:
    """Runs and differing runs by plan, against the first process on the first number of threads."""
    runs = hashes_elsewhere(isa, threads)
    expected = runs[threads[0]]
    again = [hashes_elsewhere(isa, threads[1:2])]
    with busy_machine():
        again.append(hashes_elsewhere(isa, (threads[1], threads[-1])))
    count: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for found in [*runs.values(), *(hashes for one in again for hashes in one.values())]:
        for name, result in found.items():
            plan = name.split()[0]
            count[plan] += 1
            if result != expected[name]:
                wrong[plan] += 1
                parts = [part for part in result if result[part] != expected[name][part]]
                print(f"differs on {isa}: {name}: {', '.join(parts)}", file=sys.stderr)
    return count, wrong


# --- rows -----------------------------------------------------------------------------------------
def count_rows(
    check: Callable[[np.random.Generator, Counter[tuple[str, bool]]], str], seconds: float
) -> Counter[tuple[str, bool]]:
    """Predictions tried, by layout and by whether they had the same bits."""
    found: Counter[tuple[str, bool]] = Counter()
    end = time.monotonic() + seconds
    for seed in range(1 << 31):
        if time.monotonic() >= end:
            break
        before = sum(n for (_, same), n in found.items() if not same)
        what = check(np.random.default_rng(seed), found)
        if sum(n for (_, same), n in found.items() if not same) > before:
            print(f"differs, seed {seed}: {what}", file=sys.stderr)
    return found


def show_rows(found: Counter[tuple[str, bool]]) -> bool:
    """Print the counts; whether none differs."""
    names = sorted({name for name, _ in found})
    lines = [(name, found[name, True] + found[name, False], found[name, False]) for name in names]
    total = ("all", sum(n for _, n, _ in lines), sum(n for *_, n in lines))
    print(table([("predictions", "tried", "differ"), *lines, total]), "\n")
    return total[2] == 0


# --- instruction sets -----------------------------------------------------------------------------
def workloads() -> dict[str, tuple[tuple[int, ...], str]]:
    """Sizes and optimizer of what is trained on every instruction set."""
    return {
        "20-10-1 sgd": ((20, 10, 1), "sgd"),
        "64-64-10 adam": ((64, 64, 10), "adam"),
        "60-100-20-5 rmsprop": ((60, 100, 20, 5), "rmsprop"),
        "30-20-3 lbfgs": ((30, 20, 3), "lbfgs"),
        "300-1 sgd": ((300, 1), "sgd"),
    }


def short_training(sizes: tuple[int, ...], optimizer: str, dtype: str, steps: int) -> list[Any]:
    """Weights and predictions after some full-batch steps."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, sizes[0])).astype(np.float32).astype(dtype)
    y = np.sin(x[:, :1] + np.arange(sizes[-1])).astype(np.float32).astype(dtype)
    stack: list[layers.Layer] = [layers.Input(sizes[:1])]
    stack += [layers.Dense(units, "tanh") for units in sizes[1:-1]]
    model = models.Sequential([*stack, layers.Dense(sizes[-1])], dtype=dtype)
    model.build()
    shapes = [w.shape for w in model.get_weights()]
    scales = [1 / np.sqrt(shape[0]) if len(shape) == 2 else 0.3 for shape in shapes]
    drawn = zip(scales, shapes, strict=True)
    model.set_weights([(s * rng.normal(size=shape)).astype(np.float32) for s, shape in drawn])
    model.compile(optimizer, "mse")
    model.fit(x, y, batch_size=len(x), epochs=steps, shuffle=False, verbose=0)
    return [*model.get_weights(), model.predict(x)]


def write_trainings(file: str) -> None:
    """All short trainings of the instruction set in use, for another process to compare."""
    arrays = {}
    for name, (sizes, optimizer) in workloads().items():
        for dtype in trainings.DTYPES:
            for steps in STEPS:
                found = short_training(sizes, optimizer, dtype, steps)
                for i, array in enumerate(found):
                    arrays[f"{name}|{dtype}|{steps}|{i}"] = array
    np.savez(file, **arrays)


def distances(first: str, second: str) -> dict[tuple[str, str], dict[int, float]]:
    """By workload and dtype, and by steps: the largest relative difference of weights and outputs.

    Of each array, relative to its largest entry, in units of the dtype's epsilon.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / f"{isa}.npz") for isa in (first, second)]
        for isa, file in zip((first, second), files, strict=True):
            child("-m", PROGRAM, "--write", file, SHALLOWCORE_FORCE_ISA=isa, **ALONE)
        one, other = np.load(files[0]), np.load(files[1])
        found: dict[tuple[str, str], dict[int, float]] = {}
        for key in one.files:
            name, dtype, steps, _ = key.split("|")
            by_steps = found.setdefault((name, dtype), {})
            error = relative_error(other[key], one[key]) / float(np.finfo(dtype).eps)
            by_steps[int(steps)] = max(by_steps.get(int(steps), 0.0), error)
    return found


def within_bound(name: str, dtype: str, steps: int, error: float) -> bool:
    """Whether instruction sets are as close as the tolerance of trainings says.

    A line search takes another step because of the last bit, and RMSprop's steps keep their size
    while gradients become rounding errors: for these the bound holds at first only.
    """
    if name.endswith(AMPLIFY) and steps > STEPS[1]:
        return True
    return bool(error * np.finfo(dtype).eps <= BOUND * trajectory(dtype, steps))


def show_distances(first: str, second: str) -> bool:
    """Print them; whether all are within the bound."""
    found = distances(first, second)
    head = [f"{first} and {second}, differ by (epsilon)", "", *(f"{n} steps" for n in STEPS)]
    lines = [
        (name, dtype, *(f"{by_steps[n]:.1f}" for n in STEPS))
        for (name, dtype), by_steps in found.items()
    ]
    allowed = [f"{BOUND * trajectory('float32', n) / np.finfo('f4').eps:.0f}" for n in STEPS]
    print(table([head, *lines, ("allowed", "", *allowed)], texts=2), "\n")
    return all(
        within_bound(name, dtype, n, error)
        for (name, dtype), by_steps in found.items()
        for n, error in by_steps.items()
    )


# --- program --------------------------------------------------------------------------------------
def main(arguments: Sequence[str] | None = None) -> int:
    """Try everything and print it; returns the exit status."""
    parser = argparse.ArgumentParser("python -m bench.reliability.determinism")
    parser.add_argument("--seconds", type=float, default=60, help="for random predictions")
    parser.add_argument("--threads", type=int, nargs="+", default=list(THREADS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    parser.add_argument("--hashes", type=int, nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--write", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.hashes:
        print(json.dumps({n: trainings.results(n, trainings.cases()) for n in chosen.hashes}))
        return 0
    if chosen.write:
        write_trainings(chosen.write)
        return 0
    if len(chosen.threads) < 2:
        parser.error("--threads: at least two numbers to compare")
    good, isas = True, _core.supported_isas()
    figures: dict[str, Any] = {}
    for isa in isas:
        count, wrong = compare_trainings(isa, chosen.threads)
        lines = [(plan, count[plan], wrong[plan]) for plan in count]
        print(table([(f"trainings on {isa}", "runs", "differ"), *lines]), "\n")
        figures[f"trainings on {isa}"] = lines
        good &= not any(wrong.values())
    for name, check in (("models", rows.check_model), ("estimators", rows.check_estimator)):
        found = count_rows(check, chosen.seconds / 2)
        figures[f"rows of {name}"] = [[*key, n] for key, n in sorted(found.items())]
        good &= show_rows(found)
    for first, second in itertools.pairwise(isas):
        good &= show_distances(first, second)
    print(f"shallowcore {sc.__version__}: {'every bit as promised' if good else 'DIFFERENT BITS'}")
    write(chosen.json, conditions=conditions(), **figures)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
