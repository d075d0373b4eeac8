"""Trainings whose results are compared to the last bit: every plan, optimizer and dtype.

Large enough that the threads asked for have work, small enough for thousands of runs.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shallowcore as sc
from bits import hash_of
from go_on import state_of
from numpy.typing import NDArray
from shallowcore import _core, layers, models, optimizers

FORCE_PLAN = "SHALLOWCORE_FORCE_PLAN"
DTYPES = ("float32", "float64")
# Settings with further state or passes over the gradient, for the optimizers that have them.
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"momentum": 0.9, "nesterov": True},
    {"centered": True, "momentum": 0.5},
    {"amsgrad": True, "weight_decay": 0.01},
)


@dataclass(frozen=True)
class Case:
    """One training: a plan is forced on it."""

    plan: str
    optimizer: str
    dtype: str
    settings: dict[str, Any] = field(default_factory=dict)
    sizes: tuple[int, ...] = (40, 96, 70, 5)
    n_samples: int = 620
    batch_size: int = 250
    epochs: int = 3
    dropout: float = 0.3
    order: str = "C"
    hidden: str = "tanh"

    def __str__(self) -> str:
        settings = "".join(f" {name}={value}" for name, value in self.settings.items())
        return f"{self.plan} {self.optimizer}{settings} {self.dtype} {self.order}"

    def data(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Inputs and targets for it."""
        rng = np.random.default_rng(7)
        x = rng.normal(size=(self.n_samples, self.sizes[0])).astype(self.dtype)
        y = np.sin(x[:, :1] * np.arange(1, self.sizes[-1] + 1)).astype(self.dtype)
        return np.asarray(x, order="F" if self.order == "F" else "C"), y

    def model(self) -> models.Sequential:
        """A new model, the same one each time."""
        stack: list[layers.Layer] = [layers.Input((self.sizes[0],))]
        for units in self.sizes[1:-1]:
            stack.append(layers.Dense(units, self.hidden))
            if self.dropout:
                stack.append(layers.Dropout(self.dropout))
        stack.append(layers.Dense(self.sizes[-1]))
        model = models.Sequential(stack, dtype=self.dtype, seed=5)
        model.compile(optimizers.Optimizer(self.optimizer, **self.settings), "mse", ["mae"])
        return model

    def result(self) -> dict[str, str]:
        """Hashes of all that comes out of it."""
        x, y = self.data()
        model = self.model()
        weight = np.linspace(0.5, 1.5, len(x))
        with forced(self.plan), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a solver that is done says so
            history = model.fit(
                x,
                y,
                batch_size=self.batch_size,
                epochs=self.epochs,
                sample_weight=weight,
                validation_data=(x[::7], y[::7]),
                verbose=0,
            ).history
        assert f"plan: {self.plan}" in model.plan_summary()
        loss, gradients = model.gradients(x, y)
        return {
            "weights and state": state_of(model),
            "history": hash_of(*(history[name] for name in sorted(history))),
            "predictions": hash_of(model.predict(x)),
            "gradients": hash_of(loss, *gradients),
            "digest": model.digest(),
        }


@contextmanager
def forced(plan: str) -> Iterator[None]:
    """Trainings get this plan."""
    before = os.environ.get(FORCE_PLAN)
    os.environ[FORCE_PLAN] = plan
    try:
        yield
    finally:
        if before is None:
            del os.environ[FORCE_PLAN]
        else:
            os.environ[FORCE_PLAN] = before


def first_order() -> list[tuple[str, dict[str, Any]]]:
    """Optimizers for batches, and the settings they take."""
    return [
        (info.name, settings)
        for info in _core.optimizer_table()
        if not info.full_batch
        for settings in SETTINGS
        if set(settings) - {"weight_decay"} <= set(info.parameters)
    ]


def cases() -> list[Case]:
    """Every plan with every optimizer that it takes, in both dtypes."""
    found = []
    for dtype in DTYPES:
        for name, settings in first_order():
            for plan in ("lanes", "panels", "blocks"):
                hidden = "gelu" if plan == "panels" else "tanh"  # a slope that is stored
                found.append(Case(plan, name, dtype, settings, hidden=hidden))
            wide: dict[str, Any] = {"sizes": (3000, 1), "n_samples": 400, "batch_size": 400}
            order = "F" if settings else "C"
            found.append(Case("tiles", name, dtype, settings, order=order, **wide))
        found.append(Case("blocks", "adam", dtype, {"global_clipnorm": 0.01}))
        found.append(Case("blocks", "sgd", dtype, {"clipnorm": 0.01, "momentum": 0.9}))
        for order in "CF":
            few: dict[str, Any] = {"sizes": (900, 60, 3), "n_samples": 200, "batch_size": 200}
            found.append(Case("gram", "sgd", dtype, {"learning_rate": 1e-3}, order=order, **few))
            flat: dict[str, Any] = {"dropout": 0.0, "order": order, "epochs": 4}
            found.append(Case("solver", "lbfgs", dtype, **flat))
            found.append(Case("solver", "gradient_descent", dtype, **flat))
            found.append(Case("solver", "newton_cg", dtype, sizes=(40, 60, 5), **flat))
            found.append(Case("solver", "newton_cg", dtype, sizes=(90, 5), **flat))
            small: dict[str, Any] = {"sizes": (20, 12, 2), "n_samples": 1000}
            found.append(Case("solver", "levenberg_marquardt", dtype, **small, **flat))
    return found


def results(threads: int, chosen: list[Case]) -> dict[str, dict[str, str]]:
    """Of each case on so many threads."""
    with sc.num_threads(threads):
        return {f"{case} {case.sizes}": case.result() for case in chosen}
