"""shallowcore by turns with libraries that bring OpenMP runtimes of their own.

The libraries work by turns in one process, and each in a process of its own, round by round: a
machine that is slower for a while is slower for all.  Threads of the neighbours that go on spinning
after their turn slow whatever comes next, so a bystander, NumPy on one thread, has a turn in
shallowcore's place in a process without it.
"""

import importlib
import importlib.util
import itertools
import json
import operator
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from bench.reliability.programs import Program

STARTS, ROUNDS = 3, 12
TOGETHER, WITHOUT_US = "together", "without shallowcore"
OURS, BYSTANDER = "shallowcore", "numpy"
MODULES = {OURS: OURS, "torch": "torch", "sklearn": "sklearn.cluster", BYSTANDER: "numpy"}

Turn = dict[str, tuple[str, float]]  # name -> result, seconds
Orders = tuple[Sequence[str], Sequence[str]]  # of imports, of uses
Results = defaultdict[str, set[str]]  # name -> all results
Seconds = defaultdict[tuple[str, str], list[float]]  # group, name -> of each round


# --- in a process of its own ----------------------------------------------------------------------
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


def sort_in_numpy() -> str:
    import numpy as np

    rng = np.random.default_rng(0)
    return f"{sum(np.sort(rng.normal(size=4000))[1000] for _ in range(60)):.3f}"


WORK: dict[str, Callable[[], str]] = {
    OURS: train_shallowcore,
    "torch": multiply_in_torch,
    "sklearn": cluster_in_sklearn,
    BYSTANDER: sort_in_numpy,
}


def turn(uses: Sequence[str]) -> Turn:
    """Each once for the others to leave things as they do, and once more by the clock."""
    found: Turn = {}
    for name in (*uses, *uses):
        start = time.perf_counter()
        result = WORK[name]()
        found[name] = (result, time.perf_counter() - start)
    return found


def main(imports: Sequence[str], uses: Sequence[str]) -> None:
    """Import in one order, use in another: a turn for each line read, printed as JSON."""
    for name in imports:
        importlib.import_module(MODULES[name])
    for _ in sys.stdin:
        print(json.dumps(turn(uses)), flush=True)


# --- and seen from outside ------------------------------------------------------------------------
def installed() -> list[str]:
    """shallowcore, and its neighbours where they are."""
    names = [name for name in WORK if name != BYSTANDER]
    return [name for name in names if importlib.util.find_spec(name) is not None]


def orders(names: Sequence[str]) -> list[Orders]:
    """Every order of imports, with first uses in the same order and backwards."""
    imports = list(itertools.permutations(names))
    return [(order, uses) for order in imports for uses in (order, order[::-1])]


def started(imports: Sequence[str], uses: Sequence[str], patience: float) -> Program:
    """A process that works in such turns."""
    call = f"neighbours.main({list(imports)!r}, {list(uses)!r})"
    return Program(f"from bench.reliability import neighbours; {call}", patience)


def play(
    groups: dict[str, Orders], patience: float, rounds: int, results: Results, seconds: Seconds
) -> str:
    """A process for each group of libraries, round by round; the outcome."""
    programs = {group: started(*orders, patience) for group, orders in groups.items()}
    for _ in range(rounds):
        for group, program in programs.items():
            program.tell("a turn")
            for name, (result, took) in json.loads(program.line() or "{}").items():
                results[name].add(result)
                seconds[group, name].append(took)
    for program in programs.values():
        program.rest()
    return next((p.outcome for p in programs.values() if p.outcome != "ok"), "ok")


def compare(
    imports: Sequence[str],
    uses: Sequence[str],
    patience: float,
    rounds: int = ROUNDS,
    starts: int = STARTS,
) -> tuple[str, dict[str, float]]:
    """Outcome, and how much longer than alone each took: the median of all rounds' ratios.

    Of several starts, as threads that the system has put on one core may stay there.
    """
    groups: dict[str, Orders] = {name: ([name], [name]) for name in (*uses, BYSTANDER)}
    groups[TOGETHER] = (imports, uses)
    groups[WITHOUT_US] = (replaced(imports), replaced(uses))
    results: Results = defaultdict(set)
    seconds: Seconds = defaultdict(list)
    for _ in range(starts):
        if (outcome := play(groups, patience, rounds, results, seconds)) != "ok":
            return outcome, {}
    ratios = {}
    for name in (*uses, BYSTANDER):
        together = seconds[WITHOUT_US if name == BYSTANDER else TOGETHER, name]
        ratios[name] = statistics.median(map(operator.truediv, together, seconds[name, name]))
    right = all(len(found) == 1 for found in results.values())
    return ("ok" if right else "WRONG RESULT"), ratios


def replaced(names: Sequence[str]) -> list[str]:
    """The bystander in shallowcore's place."""
    return [BYSTANDER if name == OURS else name for name in names]
