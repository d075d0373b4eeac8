"""Calls of `Sequential`: one model a scenario, several calls on it, good and bad ones mixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
from oracle import network as oracle
from oracle import tolerances
from shallowcore import callbacks, layers, losses

from bench.reliability.fuzzing import values
from bench.reliability.fuzzing.callback_calls import hostile_callback
from bench.reliability.fuzzing.calls import Call, close, finite
from bench.reliability.fuzzing.ops_calls import plain
from bench.reliability.fuzzing.subjects import Subject

_STATES = r"no (loss and optimizer|weights|layers|plan) yet|has no layers|compile the model again"
_HINTS = ("takes vectors", "as in the first")  # words of messages about a layer or a batch


def scenario(rng: Random) -> Iterator[Call]:
    """Calls on one model, one after another."""
    subject = Subject(rng)
    if rng.random() < 0.7:
        yield _fit(rng, subject, good=True)
    for _ in range(8):
        yield rng.choice(_CALLS)(rng, subject)


def _call(
    subject: Subject, name: str, run: Callable[[], Any], arguments: Any, **options: Any
) -> Call:
    model = None if options.pop("in_steps", False) else subject.model
    return Call(
        f"Sequential.{name}", run, arguments, model, states=_STATES, hints=_HINTS, **options
    )


def _finite_weights(subject: Subject) -> str | None:
    return None if subject.poisoned else finite(subject.model.get_weights())


# --- what the model computes ----------------------------------------------------------------------
def _twin(model: Any) -> oracle.Network | None:
    """The oracle's network with the model's weights, None where it has none for a layer."""
    found: list[Any] = []
    for layer in model.layers:
        if isinstance(layer, layers.Dense):
            bias = None if layer.bias is None else layer.bias.astype(float)
            kernel = layer.kernel.astype(float)
            found.append(oracle.Dense(kernel, bias, layer.activation.name))
        elif not isinstance(layer, layers.Dropout):
            return None
    return oracle.Network(found, np.float64)


def _predict(rng: Random, subject: Subject) -> Call:
    model = subject.model
    x = subject.inputs(rng, rng.choice(values.SIZES))
    options = {"batch_size": values.near(rng, 32)} if rng.random() < 0.1 else {}

    def check(outputs: Any) -> str | None:
        xs = plain(x)
        if xs is None or model._target_scaling is not None or subject.poisoned:
            return None
        twin = _twin(model)
        if twin is None or max((np.abs(w).max() for w in model.get_weights()), default=0.0) > 4.0:
            return None
        expected = twin.predict(xs.reshape(len(xs), -1))
        size = 1e4 * tolerances.reduction(outputs.dtype, 64)
        scale = max(1.0, float(np.abs(expected).max()))
        if not scale < float(np.finfo(outputs.dtype).max):
            return None
        return finite(outputs) or close(outputs / scale, expected / scale, size)

    return _call(
        subject, "predict", lambda: model.predict(x, **options), {"x": x, **options}, check=check
    )


def _figures(rng: Random, subject: Subject) -> Call:
    """evaluate, test_on_batch, gradients and train_on_batch."""
    n = rng.choice(values.SIZES)
    x, y = subject.inputs(rng, n), subject.targets(rng, n)
    name = rng.choice(("evaluate", "test_on_batch", "gradients", "train_on_batch"))
    arguments: dict[str, Any] = {"x": x, "y": y}
    options: dict[str, Any] = {}
    if rng.random() < 0.3:
        weight = values.array(rng, (n,)) if rng.random() < 0.4 else np.ones(n)
        options["sample_weight"] = weight
    if name == "train_on_batch" and rng.random() < 0.2:
        options["class_weight"] = rng.choice(
            ({0: 2.0}, "balanced", {0: values.scalar(rng)}, {"a": 1}, values.scalar(rng))
        )
    function = getattr(subject.model, name)

    def run() -> Any:
        return function(x, y, **options)

    return _call(subject, name, run, {**arguments, **options})


def _fit(rng: Random, subject: Subject, good: bool = False) -> Call:
    n = rng.choice((4, 8, 13))
    good = good or rng.random() < 0.5
    x = subject.good_inputs(rng, n) if good else subject.inputs(rng, n)
    y = subject.good_targets(n) if good else subject.targets(rng, n)
    options: dict[str, Any] = {"epochs": rng.choice((0, 1, 2)), "verbose": 0}
    arguments: dict[str, Any] = {"x": x, "y": y}
    plainly = {
        "batch_size": lambda: values.near(rng, rng.choice((1, 4, 100))),
        "epochs": lambda: _few(values.near(rng, 2)),
        "initial_epoch": lambda: values.near(rng, 1),
        "shuffle": lambda: values.near(rng, "blocks"),
        "validation_split": lambda: values.near(rng, 0.5),
        "max_time": lambda: values.near(rng, 0.01),
        "steps_per_epoch": lambda: values.near(rng, None),
        "class_weight": lambda: values.near(rng, "balanced"),
        "sample_weight": lambda: values.array(rng, (n,)),
        "validation_data": lambda: _pair(rng, subject),
        "callbacks": lambda: values.near(rng, [callbacks.EarlyStopping("loss")]),
    }
    if rng.random() < 0.7:
        for name in rng.sample(list(plainly), rng.choice((1, 1, 2))):
            options[name] = plainly[name]()
    arguments |= {k: v for k, v in options.items() if k != "verbose"}

    def check(_: Any) -> str | None:
        return _finite_weights(subject)

    model = subject.model
    in_steps = isinstance(options.get("validation_data"), list)  # batches are checked in turn
    run = lambda: model.fit(x, y, **options)  # noqa: E731
    return _call(subject, "fit", run, arguments, check=check, in_steps=in_steps)


def _few(epochs: Any) -> Any:
    """Not so many epochs that a right answer takes for ever."""
    try:
        return epochs if not epochs > 50 else 3
    except Exception:
        return epochs


def _pair(rng: Random, subject: Subject) -> Any:
    n = rng.choice((1, 4))
    pair = (subject.inputs(rng, n), subject.targets(rng, n))
    return rng.choice((pair, pair, [pair], pair[:1], (*pair, 1.0), pair[0], values.scalar(rng)))


def _stream(rng: Random, subject: Subject) -> Call:
    """Training on batches, of which any may be bad: earlier ones count."""
    model, n = subject.model, rng.choice((1, 4))
    batches: Any = [(subject.good_inputs(rng, n), subject.good_targets(n)) for _ in range(3)]
    if rng.random() < 0.7:
        at = rng.randrange(3)
        whole = (subject.inputs(rng, n), subject.targets(rng, n))
        batches[at] = rng.choice((whole, whole, whole[:1], None, [], (*whole, None)))
    form = rng.choice((lambda b: b, iter, lambda b: (one for one in b), tuple))
    known = model.built

    def run() -> Any:
        try:
            return model.fit(form(batches), epochs=2, verbose=0, shuffle=False)
        finally:
            told = _finite_weights(subject) if known else None
            assert told is None, told

    pattern = "batches ran out"
    arguments = {"x": batches, "batch": batches, "standardize_targets": None}
    return Call(
        "Sequential.fit of batches", run, arguments, states=_STATES, hints=_HINTS, warns=pattern
    )


# --- weights and layers ---------------------------------------------------------------------------
def _set_weights(rng: Random, subject: Subject) -> Call:
    model = subject.model
    try:
        shapes = [w.shape for w in model.get_weights()]
    except RuntimeError:
        shapes = [(subject.n_features, subject.n_outputs)]
    weights: Any = [values.array(rng, one) for one in shapes]
    if shapes and rng.random() < 0.4:
        weights = [values.tame(rng, one) for one in shapes]
        weights[rng.randrange(len(weights))] = values.array(rng, shapes[0])
    weights = rng.choice((weights, weights, tuple(weights), weights[:-1], values.scalar(rng)))
    run = lambda: model.set_weights(weights)  # noqa: E731
    if rng.random() < 0.2 and model.layers:
        run = lambda: model.layers[-1].set_weights(weights)  # noqa: E731
    told = lambda _: _finite_weights(subject)  # noqa: E731
    return _call(subject, "set_weights", run, {"weights": weights}, check=told)


def _compile(rng: Random, subject: Subject) -> Call:
    model = subject.model
    options = {
        "optimizer": values.near(rng, subject.optimizer),
        "loss": values.near(rng, losses.Loss(subject.loss)),
        "metrics": values.near(rng, ["mae"]),
        "standardize_targets": values.near(rng, False),
    }
    for name in rng.sample(list(options), 2):
        options.pop(name)
    options.setdefault("loss", subject.loss)
    options.setdefault("optimizer", subject.optimizer)
    arguments = {"standardize_targets": None, **options, "metric": options.get("metrics")}
    return _call(subject, "compile", lambda: model.compile(**options), arguments)


def _change(rng: Random, subject: Subject) -> Call:
    """add, pop, build, and settings of the optimizer."""
    model = subject.model
    kind = rng.randrange(5)
    if kind == 0:
        layer = rng.choice((layers.Dense(subject.n_outputs), layers.Flatten(), *model.layers[:1]))
        layer = values.near(rng, layer)
        return _call(subject, "add", lambda: model.add(layer), {"layer": layer})
    if kind == 1:
        shape = values.near(rng, (None, subject.n_features))
        return _call(subject, "build", lambda: model.build(shape), {"input_shape": shape})
    if kind == 2:
        name, value = rng.choice(("learning_rate", "momentum", "rho", "clipnorm")), None
        value = values.scalar(rng)
        run = lambda: setattr(model.optimizer, name, value)  # noqa: E731
        return _call(subject, "optimizer setting", run, {name: value})
    if kind == 3 and len(model.layers) > 1 and rng.random() < 0.3:
        return _call(subject, "pop", model.pop, {})
    return _call(subject, "summary", lambda: model.summary(print_fn=str), {})


_CALLS = (
    _predict,
    _predict,
    _figures,
    _figures,
    _figures,
    _fit,
    _fit,
    _stream,
    _set_weights,
    _compile,
    _change,
    hostile_callback,
)
