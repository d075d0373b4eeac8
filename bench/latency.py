"""One row through a trained network, and many small trainings one after another."""

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from shallowcore.bench.numpy_scripts import sigmoid
from shallowcore.bench.workload import Data, Floats, Workload
from shallowcore.bench.workloads import WORKLOADS

Predict: TypeAlias = Callable[[Floats], Any]

WORKLOAD_NAMES = ("shallow", "mnist")
ROUNDS, QUICK_ROUNDS, SECONDS = 7, 2, 0.05  # rounds of so long for each contender
N_FITS, QUICK_FITS = 64, 4
RTOL = 1e-4


@dataclass(frozen=True)
class Latency:
    """us for one row."""

    workload: str
    contender: str
    us: float


def numpy_forward(workload: Workload) -> Predict:
    """The network in plain NumPy."""
    w1, b1, w2, b2 = workload.initial_weights()

    def predict(x: Floats) -> Floats:
        if workload.activations[0] == "tanh":
            h = np.tanh(x @ w1 + b1)
            return sigmoid(h @ w2 + b2)
        z: Floats = np.maximum(x @ w1 + b1, 0) @ w2 + b2
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)
        return z

    return predict


def sklearn_predict(workload: Workload, data: Data) -> Predict:
    """`predict_proba` of the class 1 or of all classes."""
    from bench.rivals import sklearn

    model = sklearn.with_weights(sklearn.classifier(workload), workload, data)
    if workload.sizes[-1] == 1:
        return lambda x: model.predict_proba(x)[:, 1:]
    found: Predict = model.predict_proba
    return found


def predictions(workload: Workload, data: Data) -> dict[str, Predict]:
    """Who predicts, by label."""
    model: Any = workload.model()
    found: dict[str, Predict] = {"shallowcore, predict": partial(model.predict, verbose=0)}
    if callable(model):
        found["shallowcore, model(x)"] = model
    found["NumPy"] = numpy_forward(workload)
    if importlib.util.find_spec("sklearn") is not None:
        found["scikit-learn"] = sklearn_predict(workload, data)
    return found


def us_per_call(predict: Predict, x: Floats) -> float:
    """Mean over a round."""
    calls, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < SECONDS:
        for _ in range(20):
            predict(x)
        calls += 20
    return elapsed / calls * 1e6


def one_row(name: str, quick: bool) -> list[Latency]:
    """All contenders in turns on one row; ValueError if they disagree."""
    workload = WORKLOADS[name]
    data = workload.load().first(workload.batch_size)
    x = data.x[:1]
    contenders = predictions(workload, data)
    right = contenders["NumPy"](x)
    for label, predict in contenders.items():
        if not np.allclose(predict(x), right, rtol=RTOL, atol=0):
            raise ValueError(f"{name}: {label} predicts {predict(x)}, NumPy {right}")
    times: dict[str, list[float]] = {label: [] for label in contenders}
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        for label, predict in contenders.items():
            times[label].append(us_per_call(predict, x))
    return [Latency(name, label, statistics.median(us)) for label, us in times.items()]


def measure(quick: bool) -> tuple[list[Latency], float]:
    """us of one row; networks of `shallow` trained in a second."""
    found = [latency for name in WORKLOAD_NAMES for latency in one_row(name, quick)]
    return found, fits_per_second(quick)


def fits_per_second(quick: bool) -> float:
    """Networks of `shallow` trained one after another: model, compilation and `fit`."""
    workload = WORKLOADS["shallow"]
    data = workload.load()
    n = QUICK_FITS if quick else N_FITS
    start = time.perf_counter()
    for _ in range(n):
        workload.model().fit(
            data.x,
            data.y,
            batch_size=workload.batch_size,
            epochs=(workload.quick if quick else workload.full).epochs,
            shuffle=workload.shuffle,
            verbose=0,
        )
    return n / (time.perf_counter() - start)
