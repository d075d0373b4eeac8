"""Trainings with a callback that does what it should not, to arrays, weights or the model."""

from __future__ import annotations

import warnings
from random import Random
from typing import Any

import numpy as np
from shallowcore import callbacks, layers

from bench.reliability.fuzzing import values
from bench.reliability.fuzzing.calls import Call
from bench.reliability.fuzzing.objects import Hostile
from bench.reliability.fuzzing.subjects import FIRST_ORDER, Subject


def hostile_callback(rng: Random, subject: Subject) -> Call:
    """Fit while a callback changes arrays, weights, settings or the model itself."""
    model = subject.model
    n = rng.choice((8, 40))
    x = np.array(subject.good_inputs(rng, n), subject.dtype)
    y = np.array(subject.good_targets(n))
    weight = np.ones(n, subject.dtype)
    action = rng.choice(_ACTIONS)
    hook = rng.choice(("on_epoch_begin", "on_epoch_end", "on_train_batch_end", "on_train_begin"))
    done: list[bool] = []

    def act(*_: Any) -> None:
        if len(done) < 3:
            done.append(True)
            action(rng, subject, x, y, weight)

    watcher = callbacks.LambdaCallback(**{hook: act})
    options: dict[str, Any] = {"sample_weight": weight} if rng.random() < 0.3 else {}
    if rng.random() < 0.3:
        options["validation_split"] = 0.25

    def run() -> Any:
        return model.fit(x, y, 4, epochs=3, verbose=0, callbacks=[watcher], **options)

    pattern = (
        "(being|is) train|not be changed|while|no weights|no layers|trains|is training"
        "|compile the model again"
    )
    return Call(
        f"Sequential.fit with {action.__name__}",
        run,
        {"x": None},
        states=pattern,
        named=False,
        warns="overflow|invalid|NotImplemented should not be used",
    )


def _writes_nan(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    x[rng.randrange(len(x))] = rng.choice((np.nan, np.inf, 1e30))


def _writes_labels(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    y[...] = 100


def _writes_weights_of_samples(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    weight[...] = rng.choice((np.nan, -1.0, 1e30))


def _resizes(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    for array in (x, y, weight):
        array.resize(rng.choice(((1,), (10**6,))), refcheck=False)


def _reshapes(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x.shape = (-1,)
        y.shape = (1, *y.shape)
        x.dtype = np.uint8


def _writes_weights(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    value = rng.choice((np.nan, np.inf, 1e30, 0.0))
    subject.poisoned = not np.isfinite(value)
    dense = [one for one in subject.model.layers if isinstance(one, layers.Dense)]
    if dense:
        dense[-1].kernel[...] = value


def _sets_weights(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    subject.model.set_weights(subject.model.get_weights())


def _trains(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    subject.model.fit(x, y, epochs=1, verbose=0)


def _steps(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    subject.model.train_on_batch(x, y)


def _adds(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    subject.model.add(layers.Dense(subject.n_outputs))


def _pops(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    subject.model.pop()


def _compiles(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    subject.model.compile(rng.choice(FIRST_ORDER), subject.loss)


def _sets_rate(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    subject.model.optimizer.learning_rate = values.scalar(rng)


def _stops(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    subject.model.stop_training = values.scalar(rng)


def _raises(rng: Random, subject: Subject, x: Any, y: Any, weight: Any) -> None:
    raise Hostile("of a callback")


_ACTIONS = (
    _writes_nan,
    _writes_labels,
    _writes_weights_of_samples,
    _resizes,
    _reshapes,
    _writes_weights,
    _sets_weights,
    _trains,
    _steps,
    _adds,
    _pops,
    _compiles,
    _sets_rate,
    _stops,
    _raises,
)
