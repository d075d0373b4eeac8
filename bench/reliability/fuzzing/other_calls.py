"""Constructors, data sets, estimators and the small functions, with anything as their arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache, partial
from random import Random
from typing import Any

import numpy as np
import shallowcore as sc
from shallowcore import (
    activations,
    callbacks,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    utils,
)
from shallowcore.optimizers import schedules
from shallowcore.sklearn import LogisticRegression, MLPClassifier, MLPRegressor

from bench.reliability.fuzzing import values
from bench.reliability.fuzzing.calls import Call, finite

# Where a constructor's argument has no default, one that it takes.
_GOOD: dict[str, Any] = {
    "units": 2,
    "shape": (2,),
    "rate": 0.5,
    "scale": 0.5,
    "value": 0.5,
    "name": None,
    "activation": "relu",
    "initial_learning_rate": 0.1,
    "learning_rate": 0.1,
    "max_learning_rate": 0.1,
    "decay_steps": 3,
    "total_steps": 3,
    "decay_rate": 0.5,
    "boundaries": [1, 2],
    "values": [0.1, 0.01, 0.001],
    "schedule": lambda epoch: 0.1,
    "filepath": "/nonexistent/m.safetensors",
    "filename": "/nonexistent/log.csv",
    "identifier": "relu",
}
# The first argument of the general classes.
_FIRST = {"losses.Loss": "mse", "activations.Activation": "relu", "optimizers.Optimizer": "sgd"}
_FIRST |= {"metrics.Metric": "mae"}
_HINTS = ("metric", "rate", "activation", "loss", "optimizer", "regularizer", "initializer")
_BASES = {
    "CallbackList",
    "Layer",
    "Callback",
    "Initializer",
    "Regularizer",
    "LearningRateSchedule",
    "History",
}


@cache
def constructors() -> tuple[tuple[str, Any], ...]:
    """Every public class of these modules, and the functions that make their objects."""
    found: list[tuple[str, Any]] = []
    for module in (
        activations,
        callbacks,
        initializers,
        layers,
        losses,
        metrics,
        optimizers,
        schedules,
        regularizers,
    ):
        made = dir(module) if hasattr(module, "__getattr__") else []
        for name in sorted({*module.__all__, *made}):
            one = getattr(module, name)
            if name[0] != "_" and name not in _BASES and (isinstance(one, type) or name == "get"):
                found.append((f"{module.__name__.removeprefix('shallowcore.')}.{name}", one))
    return tuple(found)


def scenario(rng: Random) -> Iterator[Call]:
    """Some calls of one kind."""
    make = rng.choice((_construct, _construct, _construct, _construct, _small, _data))
    for _ in range(4):
        yield from make(rng)


def estimators(rng: Random) -> Iterator[Call]:
    """An estimator with odd settings, data and calls."""
    yield from _estimator(rng)


# --- constructors ---------------------------------------------------------------------------------
@cache
def _parameters(make: Any) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(make).parameters)


def _construct(rng: Random) -> Iterator[Call]:
    """Make an object with some arguments replaced; use it where that worked."""
    where, make = rng.choice(constructors())
    arguments: dict[str, Any] = {}
    known = _parameters(make)
    for name, parameter in known.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.default is parameter.empty:
            arguments[name] = _GOOD.get(name, "adam" if "optim" in where else "mse")
    if where in _FIRST:
        arguments["name"] = _FIRST[where]
    extra = ("learning_rate", "momentum", "clipnorm", "weight_decay", "delta", "negative_slope")
    open_ended = any(p.kind is p.VAR_KEYWORD for p in known.values())
    names = [n for n in known if n not in ("values", "parameters", "argument")]
    names += extra if open_ended else ()
    changed = rng.sample(names, min(len(names), rng.choice((1, 1, 2)))) if names else []
    for name in changed:
        arguments[name] = values.scalar(rng)
    made: list[Any] = []

    def run() -> Any:
        made.append(make(**arguments))
        return made[0]

    told = {name: arguments[name] for name in changed}
    general = where.endswith("get") or "name" in told or open_ended
    yield Call(where, run, told, hints=(*_HINTS, "parameter") if general else ())
    if made and where.split(".")[0] in ("optimizers", "losses", "layers", "activations"):
        yield from _use(where, made[0], told)


def _use(where: str, made: Any, told: dict[str, Any]) -> Iterator[Call]:
    """Train a small model with it: weights stay finite, or training says that it diverged."""
    stack: list[Any] = [layers.Input((2,)), layers.Dense(2), layers.Dense(1)]
    options: dict[str, Any] = {"optimizer": "sgd", "loss": "mse"}
    if isinstance(made, optimizers.Optimizer):
        options["optimizer"] = made
    elif isinstance(made, schedules.LearningRateSchedule):
        options["optimizer"] = optimizers.SGD(made)
    elif isinstance(made, losses.Loss):
        options["loss"] = made
        if made.integer_labels:
            return
    elif isinstance(made, activations.Activation):
        stack[1] = layers.Dense(2, made)
    elif isinstance(made, layers.Layer) and not isinstance(made, layers.InputLayer):
        stack = [made, layers.Flatten(), layers.Dense(1)]
    else:
        return
    x, y = np.array([[0.5, -0.5], [0.25, 1.0], [1.0, 0.0]]), np.array([0.0, 1.0, 1.0])

    def run() -> Any:
        model = models.Sequential(stack, seed=0)
        model.compile(**options)
        model.fit(x, y, epochs=2, verbose=0)
        return model.get_weights()

    yield Call(f"fit with {where}", run, told, named=False, check=finite)


# --- small functions ------------------------------------------------------------------------------
def _small(rng: Random) -> Iterator[Call]:
    kind = rng.randrange(5)
    if kind < 2:
        y, n = values.labels(rng, 5, 3), values.near(rng, 3)
        yield Call("to_categorical", lambda: utils.to_categorical(y, n), {"y": y, "num_classes": n})
    elif kind == 2:
        n = rng.choice((0, -1, 1.5, "2", None, True, 2**31, 2**63, 10**30, np.nan, [], b"1"))
        yield Call("num_threads", lambda: _with_threads(n), {"n": n})
    elif kind == 3:
        options: dict[str, Any] = {
            "layers": [layers.Dense(1)],
            "name": "a",
            "dtype": "float32",
            "seed": 1,
        }
        name = rng.choice(list(options))
        options[name] = values.scalar(rng)
        arguments = {name: options[name], "layer": None}
        yield Call("Sequential", lambda: models.Sequential(**options), arguments)
    else:
        sizes = [rng.choice((1, 2, 2**16, *values.HUGE)) for _ in range(rng.choice((1, 2, 3)))]
        run = lambda: _huge(sizes)  # noqa: E731
        yield Call("huge layers", run, {"units": sizes, "shape": None, "size": None})


def _with_threads(n: Any) -> None:
    with sc.num_threads(n):
        pass


def _huge(sizes: list[int]) -> Any:
    """A network of this many units, more than there is memory for where a product is huge."""
    stack = [layers.Flatten(input_shape=tuple(sizes[1:]) or (1,)), layers.Dense(sizes[0])]
    if np.prod([float(size) for size in sizes]) < 2**50:
        return None  # there may be memory for it
    model = models.Sequential([*stack, layers.Dense(sizes[0])], seed=0)
    return model.get_weights()


def _data(rng: Random) -> Iterator[Call]:
    name = rng.choice([one for one in datasets.__all__ if one.startswith("make_")])
    make: Callable[..., Any] = getattr(datasets, name)
    arguments: dict[str, Any] = {}
    for one in rng.sample(list(_parameters(make)), 1):
        arguments[one] = values.scalar(rng)
    if any(isinstance(v, int) and v > 10**4 for v in arguments.values()):
        arguments = dict.fromkeys(arguments, -1)

    def check(found: Any) -> str | None:
        return finite(list(found))

    yield Call(f"datasets.{name}", lambda: make(**arguments), arguments, check=check)


# --- estimators -----------------------------------------------------------------------------------
_KINDS = (MLPClassifier, MLPRegressor, LogisticRegression)
_SKLEARN_WARNS = (
    r"[Cc]onverge|column-vector y|iterations|Got `batch_size`|least populated|penalty|"
    r"Setting penalty|unique classes|feature names|n_jobs|early_stopping|partial_fit|"
    r"overflow encountered|divide by zero encountered in log|R\^2 score|C=|l1_ratio|"
    r"invalid value encountered in (cast|reduce)|number of unique"
)
_CALLS = ("predict", "predict_proba", "predict_log_proba", "score")


def _read_whole(value: Any) -> Any:
    """Nothing that has more numbers than can be read: scikit-learn's own checks look at each."""
    value = getattr(value, "value", value)
    return np.zeros((2, 2)) if isinstance(value, np.ndarray) and value.size > 2**30 else value


def _ask(estimator: Any, method: str, given: tuple[Any, ...]) -> Any:
    return getattr(estimator, method)(*given)


def _estimator(rng: Random) -> Iterator[Call]:
    kind = rng.choice(_KINDS)
    known = _parameters(kind)
    settings: dict[str, Any] = {"max_iter": 3, "random_state": 0}
    if "hidden_layer_sizes" in known:
        settings["hidden_layer_sizes"] = (3,)
    changed = rng.sample(list(known), rng.choice((0, 0, 1, 1, 2)))
    for name in changed:
        settings[name] = values.scalar(rng)
        limited = isinstance(settings[name], int) and settings[name] > 100
        if limited and name in ("max_iter", "n_iter_no_change", "max_fun", "n_threads"):
            settings[name] = 2
    estimator: list[Any] = []

    def make() -> Any:
        estimator.append(kind(**settings))

    yield Call(kind.__name__, make, settings, named=False)
    if not estimator:
        return
    n = rng.choice((6, 12))
    good = rng.random() < 0.5
    x = values.tame(rng, (n, 3)) if good else _read_whole(values.array(rng, (n, 3)))
    y: Any = np.arange(n) % 2 if rng.random() < 0.6 else _read_whole(values.labels(rng, n, 3))
    method = "partial_fit" if hasattr(kind, "partial_fit") and rng.random() < 0.2 else "fit"
    arguments = {**settings, "X": x, "y": y}
    options: dict[str, Any] = {}
    if rng.random() < 0.2:
        options["sample_weight"] = _read_whole(values.near(rng, np.ones(n)))
    # Some messages are scikit-learn's own, which name the estimator or the data in other words.
    yield Call(
        f"{kind.__name__}.{method}",
        lambda: getattr(estimator[0], method)(x, y, **options),
        {**arguments, **options},
        named=False,
        warns=_SKLEARN_WARNS,
        errors=(AttributeError,) if method == "partial_fit" else (),
    )
    for name in rng.sample(_CALLS, 2):
        if not hasattr(estimator[0], name):
            continue
        z = _read_whole(values.array(rng, (4, 3)))
        given = (z, np.arange(4) % 2) if name == "score" else (z,)
        yield Call(
            f"{kind.__name__}.{name}",
            partial(_ask, estimator[0], name, given),
            {"X": z},
            named=False,
            warns=_SKLEARN_WARNS,
        )
