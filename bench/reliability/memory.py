"""Thousands of trainings and a million predictions in one process: memory has to stay where it is.

`python -m bench.reliability.memory` counts the resident bytes after a tenth of the calls of each
kind and after all of them.
"""

from __future__ import annotations

import argparse
import copy
import gc
import io
import os
import pickle
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from shallowcore import callbacks, layers, models
from shallowcore.bench import report as common
from shallowcore.sklearn import LogisticRegression, MLPClassifier

MOST = 2.0  # MiB that a kind may grow by after its first tenth


def resident() -> float:
    """MiB of this process."""
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


@dataclass(frozen=True)
class Kind:
    """Calls of one kind; `share` of the fits or of the predictions."""

    name: str
    call: Callable[[], Any]
    share: float
    predicts: bool = False


def model_of(units: int = 16, optimizer: str = "adam") -> models.Sequential:
    stack = [layers.Input((8,)), layers.Dense(units, "tanh"), layers.Dense(1)]
    model = models.Sequential(stack, seed=0)
    model.compile(optimizer, "mse", ["mae"])
    return model


def kinds(folder: Path) -> list[Kind]:
    """All kinds of calls, on small data."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 8), np.float32)
    y, labels = x[:, :1] * x[:, 1:2], (x[:, 0] > 0).astype(int)
    one, wide = model_of(), model_of(64)
    solver = model_of(4, "lbfgs")
    path = folder / "m.safetensors"
    model_of().save(path)

    class Hooks(callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert logs is not None

    def interrupted() -> None:
        class Failing(callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                raise KeyError(epoch)

        try:
            one.fit(x, y, callbacks=[Failing()], verbose=0)
        except KeyError:
            return
        raise AssertionError

    def saved() -> None:
        models.load_model(path).fit(x, y, verbose=0)
        wide.save(path)

    def estimator(make: Callable[[], Any]) -> Callable[[], Any]:
        def call() -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return make().fit(x, labels).predict(x)

        return call

    steps = [callbacks.EarlyStopping("val_loss", restore_best_weights=True)]
    halves = [(x[:32], y[:32]), (x[32:], y[32:])]
    single, classes = x[:1].copy(), MLPClassifier((4,), max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classes.fit(x, labels)
    return [
        Kind("fit, one model", lambda: one.fit(x, y, epochs=2, verbose=0), 0.2),
        Kind("fit, wide model", lambda: wide.fit(x, y, epochs=2, verbose=0), 0.1),
        Kind("fit, new models", lambda: model_of().fit(x, y, verbose=0), 0.1),
        Kind("fit, solver", lambda: solver.fit(x, y, epochs=3, verbose=0), 0.1),
        Kind("fit, hooks", lambda: one.fit(x, y, callbacks=[Hooks()], verbose=0), 0.05),
        Kind(
            "fit, validation",
            lambda: one.fit(x, y, validation_split=0.3, callbacks=steps, verbose=0),
            0.1,
        ),
        Kind("fit, stream", lambda: one.fit(halves, verbose=0), 0.05),
        Kind("fit, broken off", interrupted, 0.05),
        Kind("save, load, fit", saved, 0.05),
        Kind("pickle and copy", lambda: copy.deepcopy(reloaded(one)).fit(x, y, verbose=0), 0.05),
        Kind("train_on_batch", lambda: one.train_on_batch(x, y), 0.5),
        Kind("MLPClassifier", estimator(lambda: MLPClassifier((4,), max_iter=3)), 0.05),
        Kind("LogisticRegression", estimator(LogisticRegression), 0.05),
        Kind("predict, a row", lambda: one.predict(single), 0.6, True),
        Kind("predict, rows", lambda: one.predict(x), 0.3, True),
        Kind("predict, estimator", lambda: classes.predict(single), 0.1, True),
        Kind("evaluate", lambda: one.evaluate(x, y, verbose=0), 0.05, True),
    ]


def reloaded(model: models.Sequential) -> models.Sequential:
    """Through a pickle."""
    file = io.BytesIO()
    pickle.dump(model, file)
    loaded: models.Sequential = pickle.loads(file.getvalue())
    return loaded


def rows(fits: int, predicts: int) -> Iterator[tuple[Kind, int, float, float]]:
    """Kind, calls, MiB after a tenth of them and after all."""
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*stopped after.*")
        for kind in kinds(Path(name)):
            n = max(10, round(kind.share * (predicts if kind.predicts else fits)))
            for _ in range(n // 10):
                kind.call()
            before = resident()
            for _ in range(n - n // 10):
                kind.call()
            yield kind, n, before, resident()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(
        "python -m bench.reliability.memory", description="Resident memory of many calls."
    )
    parser.add_argument("--fits", type=int, default=10_000)
    parser.add_argument("--predicts", type=int, default=1_000_000)
    chosen = parser.parse_args(arguments)
    if sys.platform != "linux":
        parser.error("it reads figures of Linux")
    start, cells, worst = time.perf_counter(), [], -np.inf
    calls = {False: 0, True: 0}
    first = last = 0.0
    for kind, n, before, after in rows(chosen.fits, chosen.predicts):
        grown = after - before
        worst, last = max(worst, grown), after
        first = first or before
        calls[kind.predicts] += n
        mark = "GROWS" if grown > MOST else ""
        cells.append([kind.name, str(n), f"{before:.1f}", f"{after:.1f}", f"{grown:+.2f}", mark])
    columns = ("calls of a kind", "number", "MiB after a tenth", "at the end", "growth", "")
    print(common.text_table(columns, cells, 1, spaced=False))
    print(
        f"\n{calls[False]} fits and steps, {calls[True]} predictions: {first:.1f} MiB to {last:.1f}"
    )
    print(f"seconds: {time.perf_counter() - start:.0f}")
    return int(worst > MOST)


if __name__ == "__main__":
    sys.exit(main())
