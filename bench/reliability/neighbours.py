"""shallowcore by turns with libraries that bring OpenMP runtimes of their own.

Run in a process of its own by forks.py: `neighbours.main(imports, uses)` imports and first uses
them in these orders, lets them work by turns, and prints a line for each round, then results and
seconds of each as JSON.
"""

import importlib
import importlib.util
import itertools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

ROUNDS = 30
MODULES = {"shallowcore": "shallowcore", "torch": "torch", "sklearn": "sklearn.cluster"}

Found = dict[str, tuple[str, float]]  # name -> result, seconds


def samples() -> Any:
    """The same for all of them."""
    import numpy as np

    return np.random.default_rng(0).normal(size=(2000, 300)).astype(np.float32)


def train_shallowcore() -> str:
    from bench.reliability.workers import digest

    return digest(0)


def multiply_in_torch() -> str:
    import torch

    torch.set_num_threads(2)
    x = torch.from_numpy(samples())
    return f"{float((torch.tanh(x) @ x.T).abs().mean()):.3f}"


def cluster_in_sklearn() -> str:
    from sklearn.cluster import KMeans

    return f"{KMeans(4, n_init=1, max_iter=5, tol=0, random_state=0).fit(samples()).inertia_:.0f}"


WORK: dict[str, Callable[[], str]] = {
    "shallowcore": train_shallowcore,
    "torch": multiply_in_torch,
    "sklearn": cluster_in_sklearn,
}


def installed() -> list[str]:
    """shallowcore, and the others where they are."""
    return [name for name in WORK if importlib.util.find_spec(name) is not None]


def orders(names: Sequence[str]) -> list[tuple[Sequence[str], Sequence[str]]]:
    """Every order of imports, with first uses in the same order and backwards."""
    imports = list(itertools.permutations(names))
    return [(order, uses) for order in imports for uses in (order, order[::-1])]


def main(imports: Sequence[str], uses: Sequence[str], rounds: int = ROUNDS) -> None:
    """Import in one order, use for the first time in another, then by turns."""
    for name in imports:
        importlib.import_module(MODULES[name])
    results = {name: {WORK[name]()} for name in uses}
    seconds: dict[str, list[float]] = {name: [] for name in uses}
    for _ in range(rounds):
        for name in uses:
            start = time.perf_counter()
            results[name].add(WORK[name]())
            seconds[name].append(time.perf_counter() - start)
        print("round", flush=True)
    # The lower quartile: what they do to each other is there every time, other jobs are not.
    found: Found = {
        name: (" ".join(sorted(results[name])), statistics.quantiles(seconds[name], n=4)[0])
        for name in uses
    }
    print(json.dumps(found))
