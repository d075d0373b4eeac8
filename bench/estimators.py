"""Estimators against scikit-learn's, default settings: time of fit, and scores over seeds.

    python -m bench.estimators [--rounds N] [--seeds N] [--json FILE]

Each pair fits the same data in turn, on as many threads as it takes by itself; the ratio is
scikit-learn's time over shallowcore's, median over rounds.  MNIST takes part where SHALLOWCORE_DATA
names a folder that has it, in float32 and for a few epochs.  Scores are means on held-out samples,
with their standard errors, and come first: exit status 1 where ours is worse by more than one, or a
ratio is below 1; 2 for a debug build.
"""

import argparse
import math
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from shallowcore import datasets
from shallowcore import sklearn as ours
from sklearn import linear_model, neural_network
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.model_selection import GridSearchCV, train_test_split

from bench import growth


@dataclass(frozen=True)
class Pair:
    """The same estimator of both, and data for it."""

    name: str
    mine: Callable[[int], Any]  # from a seed
    theirs: Callable[[int], Any]
    data: Callable[[], tuple[Any, Any]]


def both(name: str, kind: str, data: Callable[[], tuple[Any, Any]], **settings: Any) -> Pair:
    """A pair of the class of that name."""
    module: Any = linear_model if kind == "LogisticRegression" else neural_network
    return Pair(
        name,
        lambda seed: getattr(ours, kind)(random_state=seed, **settings),
        lambda seed: getattr(module, kind)(random_state=seed, **settings),
        data,
    )


def search(estimator: Any) -> Any:
    """Cross-validation of 24 candidates."""
    grid = {
        "hidden_layer_sizes": [(10,), (30,), (100,)],
        "alpha": [1e-4, 1e-2, 1.0, 10.0],
        "learning_rate_init": [1e-3, 1e-2],
    }
    return GridSearchCV(estimator.set_params(max_iter=50), grid, cv=5)


def classification() -> tuple[Any, Any]:
    """4000 samples of 20 features."""
    x, y = make_classification(4000, 20, n_informative=10, random_state=0)
    return x, y


def loaded(load: Callable[..., Any]) -> Callable[[], tuple[Any, Any]]:
    """Samples of one of scikit-learn's loaders."""
    return lambda: load(return_X_y=True)


def mnist(n_samples: int) -> Callable[[], tuple[Any, Any]]:
    """So many of the training images, pixels from 0 to 1."""

    def load() -> tuple[Any, Any]:
        (images, labels), _ = datasets.load_mnist(download=False)
        return images[:n_samples].reshape(-1, 784).astype(np.float32) / 255, labels[:n_samples]

    return load


def has_mnist() -> bool:
    """Whether the folder of SHALLOWCORE_DATA has MNIST."""
    folder = os.environ.get("SHALLOWCORE_DATA")
    return folder is not None and any(Path(folder).glob("train-images-idx3-ubyte*"))


TIMED = [
    both("MLPClassifier, digits", "MLPClassifier", loaded(load_digits)),
    both("MLPClassifier, 4000 x 20", "MLPClassifier", classification),
    both("MLPRegressor, diabetes", "MLPRegressor", loaded(load_diabetes)),
    both("LogisticRegression, digits", "LogisticRegression", loaded(load_digits)),
    both(
        "LogisticRegression, breast_cancer unscaled",
        "LogisticRegression",
        loaded(load_breast_cancer),
    ),
    Pair(
        "GridSearchCV of 24, iris",
        lambda seed: search(ours.MLPClassifier(random_state=seed)),
        lambda seed: search(neural_network.MLPClassifier(random_state=seed)),
        loaded(load_iris),
    ),
]
SCORED = [
    *(
        both(f"MLPClassifier, {load.__name__[5:]}", "MLPClassifier", loaded(load))
        for load in (load_digits, load_breast_cancer, load_wine, load_iris)
    ),
    both("MLPRegressor, diabetes", "MLPRegressor", loaded(load_diabetes), max_iter=1000),
    *(
        both(f"LogisticRegression, {load.__name__[5:]}", "LogisticRegression", loaded(load))
        for load in (load_digits, load_breast_cancer, load_wine, load_iris)
    ),
]
if has_mnist():
    TIMED.append(both("MLPClassifier, MNIST, 2 epochs", "MLPClassifier", mnist(60000), max_iter=2))
    SCORED.append(
        both("MLPClassifier, MNIST, 10 epochs", "MLPClassifier", mnist(10000), max_iter=10)
    )


@dataclass(frozen=True)
class Timing:
    """Seconds of a fit: medians over rounds, as the ratio is."""

    name: str
    mine: float
    theirs: float
    ratio: float


@dataclass(frozen=True)
class Scores:
    """Means over seeds, and the standard error of scikit-learn's."""

    name: str
    mine: float
    theirs: float
    error: float


def timed(pair: Pair, rounds: int) -> Timing:
    """Fit in turn."""
    x, y = pair.data()
    seconds: tuple[list[float], list[float]] = ([], [])
    for seed in range(rounds):
        for make, kept in zip((pair.mine, pair.theirs), seconds, strict=True):
            estimator = make(seed)
            start = time.perf_counter()
            estimator.fit(x, y)
            kept.append(time.perf_counter() - start)
    ratio = statistics.median(b / a for a, b in zip(*seconds, strict=True))
    return Timing(pair.name, statistics.median(seconds[0]), statistics.median(seconds[1]), ratio)


def scored(pair: Pair, seeds: int) -> Scores:
    """Scores of held-out samples, the same ones for both."""
    x, y = pair.data()
    scores: tuple[list[float], list[float]] = ([], [])
    for seed in range(seeds):
        x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=seed)
        for make, kept in zip((pair.mine, pair.theirs), scores, strict=True):
            kept.append(float(make(seed).fit(x_train, y_train).score(x_test, y_test)))
    error = float(np.std(scores[1], ddof=1)) / math.sqrt(seeds)
    return Scores(pair.name, statistics.mean(scores[0]), statistics.mean(scores[1]), error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser("python -m bench.estimators", description="Estimators.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    chosen = parser.parse_args(arguments)
    if growth.is_debug_build():
        return 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = [scored(pair, chosen.seeds) for pair in SCORED]
        timings = [timed(pair, chosen.rounds) for pair in TIMED]
    found_at = growth.conditions()
    print("\n".join(f"{name}: {value}" for name, value in found_at.items()), end="\n\n")
    rows: list[Sequence[object]] = [("score on held-out samples", "ours", "theirs", "error")]
    rows += [(s.name, f"{s.mine:.4f}", f"{s.theirs:.4f}", f"{s.error:.4f}") for s in scores]
    print(growth.table(rows), end="\n\n")
    rows = [("fit", "ms", "scikit-learn", "ratio")]
    for t in timings:
        rows.append((t.name, f"{1e3 * t.mine:.1f}", f"{1e3 * t.theirs:.1f}", f"{t.ratio:.1f}"))
    print(growth.table(rows))
    growth.write(
        chosen.json,
        conditions=found_at,
        scores=[asdict(s) for s in scores],
        timings=[asdict(t) for t in timings],
    )
    worse = any(s.mine < s.theirs - s.error for s in scores)
    return int(worse or any(t.ratio < 1 for t in timings))


if __name__ == "__main__":
    sys.exit(main())
