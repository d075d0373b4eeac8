"""Second-order solvers: iterations and time to a goal, against SciPy, scikit-learn and PyTorch.

    python -m bench.solvers [--problem NAME ...] [--rounds N] [--quick] [--json FILE]

A regression of the size of the Boston houses and the packaged digits are trained to a given loss,
logistic regression on unscaled inputs to a given norm of the gradient; all contenders from the same
weights in float64, with exact gradients, Jacobians and Hessians in NumPy where they ask for
functions.  First the fewest iterations are found after which the goal is reached, as the tests'
oracle measures it; then trainings of so many are timed in interleaved rounds, models and optimizers
made anew.
Exit status 1 if a rival is ahead of shallowcore's best; 2 for a debug build.
"""

import argparse
import contextlib
import importlib.util
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import shallowcore
from shallowcore.bench import report as common

from bench import growth
from bench.solver_problems import Problem, digits, logistic, regression
from bench.solver_rivals import MAKERS, Contender

PROBLEMS: dict[str, Callable[[], Problem]] = {
    "regression": partial(regression, 10, 0.03),
    "wide": partial(regression, 20, 0.01),
    "digits": partial(digits, 30, 1e-2),
    "logistic": logistic,
}
MOST_ITERATIONS, QUICK_ITERATIONS = 20_000, 2_000
ROUNDS, QUICK_ROUNDS, SAMPLE = 5, 2, 0.02  # seconds, at least


def solve(contender: Contender, problem: Problem, n: int) -> list[Any]:
    """Weights after at most n iterations; on one thread of shallowcore, BLAS and OpenMP if so."""
    with contextlib.ExitStack() as stack:
        if contender.one_thread and contender.library == "shallowcore":
            stack.enter_context(shallowcore.num_threads(1))
        elif contender.one_thread and importlib.util.find_spec("threadpoolctl") is not None:
            from threadpoolctl import threadpool_limits

            stack.enter_context(threadpool_limits(1))
        return contender.solve(problem.start(), n)


def fewest_iterations(contender: Contender, problem: Problem, most: int) -> int | None:
    """After which the goal is reached, None if it is not: doubling, then halving the interval."""

    def reached(n: int) -> bool:
        return problem.measure(solve(contender, problem, n)) <= problem.goal

    high = 1
    while not reached(high):
        if high >= most:
            return None
        high = min(2 * high, most)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class Row:
    """A contender on a problem; iterations None: the goal was not reached."""

    problem: str
    library: str
    solver: str
    threads: str
    iterations: int | None = None
    milliseconds: float | None = None
    x_ours: float | None = None  # how many times as long as shallowcore's best

    def cells(self) -> list[str]:
        """As printed."""
        names = [self.problem, self.library, self.solver, self.threads]
        if self.iterations is None:
            return [*names, "not reached", "", ""]
        assert self.milliseconds is not None
        ratio = "" if self.x_ours is None else f"{self.x_ours:.2f}"
        return [*names, str(self.iterations), f"{self.milliseconds:.2f}", ratio]


def run_problem(problem: Problem, rounds: int, most: int) -> list[Row]:
    """All contenders that are installed."""
    found = [
        contender
        for module, (_, make) in MAKERS.items()
        if importlib.util.find_spec(module) is not None
        for contender in make(problem)
    ]
    iterations = [fewest_iterations(contender, problem, most) for contender in found]
    timed = [(c, n) for c, n in zip(found, iterations, strict=True) if n is not None]

    def repeat(contender: Contender, n: int, times: int) -> None:
        for _ in range(times):
            solve(contender, problem, n)

    runs = [partial(repeat, contender, n) for contender, n in timed]
    seconds = dict(
        zip((id(c) for c, _ in timed), growth.compare(runs, SAMPLE, rounds), strict=True)
    )
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    ours = [medians[id(c)] for c, _ in timed if c.library == "shallowcore"]
    rows = []
    for contender, n in zip(found, iterations, strict=True):
        threads = "1" if contender.one_thread else "default"
        names = (problem.name, contender.library, contender.label, threads)
        if n is None:
            rows.append(Row(*names))
            continue
        took = medians[id(contender)]
        rows.append(Row(*names, n, 1e3 * took, took / min(ours) if ours else None))
    return rows


def versions() -> dict[str, str]:
    """Of the rivals."""
    distributions = {"scipy": "scipy", "sklearn": "scikit-learn", "torch": "torch"}
    installed = {m: d for m, d in distributions.items() if importlib.util.find_spec(m) is not None}
    return {distribution: metadata.version(distribution) for distribution in installed.values()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser("python -m bench.solvers", description="Second-order solvers.")
    parser.add_argument("--problem", choices=PROBLEMS, nargs="+", default=list(PROBLEMS))
    parser.add_argument("--rounds", type=int, help=f"default {ROUNDS}; {QUICK_ROUNDS} with --quick")
    parser.add_argument("--quick", action="store_true", help="fewer iterations and rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    chosen = parser.parse_args(arguments)
    rounds = chosen.rounds or (QUICK_ROUNDS if chosen.quick else ROUNDS)
    if rounds < 1:
        parser.error(f"--rounds must be at least 1, got {rounds}")
    if growth.is_debug_build():
        return 2
    found_at = common.conditions() | versions() | {"rounds": rounds}
    print(common.header(found_at), end="\n\n", flush=True)
    rows: list[Row] = []
    for name in chosen.problem:
        print(f"{name} ...", file=sys.stderr)
        most = QUICK_ITERATIONS if chosen.quick else MOST_ITERATIONS
        rows += run_problem(PROBLEMS[name](), rounds, most)
    columns = ("problem", "library", "solver", "threads", "iterations", "ms", "x ours")
    print(common.text_table(columns, [row.cells() for row in rows], n_texts=4))
    growth.write(chosen.json, conditions=found_at, rows=[asdict(row) for row in rows])
    return int(any(row.x_ours is not None and row.x_ours < 1 for row in rows))


if __name__ == "__main__":
    sys.exit(main())
