# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""A user's program for the type checkers: clean under mypy --strict and pyright's strict mode.

It also runs.  The lines that are wrong on purpose carry a comment to ignore them, and both checkers
complain about such a comment where there is nothing to ignore: the types are known, not Any.
"""

from pathlib import Path

import numpy as np
import shallowcore
from numpy.typing import NDArray
from shallowcore import (
    callbacks,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    regularizers,
)
from shallowcore.optimizers import schedules
from shallowcore.sklearn import LogisticRegression, MLPClassifier


def build(n_features: int, n_classes: int) -> models.Sequential:
    """A model with something of every kind in it."""
    model = models.Sequential(
        [
            layers.Input((n_features,)),
            layers.Rescaling(1 / 16),
            layers.Dense(
                16,
                activation="relu",
                kernel_initializer=initializers.HeNormal(seed=1),
                kernel_regularizer=regularizers.L2(1e-4),
            ),
            layers.Dropout(0.1),
            layers.Dense(n_classes),
        ],
        seed=0,
    )
    model.compile(
        optimizer=optimizers.Adam(schedules.ExponentialDecay(1e-2, 100, 0.9)),
        loss=losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[metrics.Accuracy()],
    )
    return model


def with_the_model(folder: Path) -> float:
    """Train, evaluate, save and load a model; return its accuracy."""
    (x_train, y_train), (x_test, y_test) = datasets.load_digits(dtype="uint8").split()
    model = build(x_train.shape[1], 10)
    stop = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    history = model.fit(
        x_train, y_train, epochs=5, validation_data=(x_test, y_test), verbose=0, callbacks=[stop]
    )
    first: float = history.history["loss"][0]
    best: int = stop.best_epoch
    figures: dict[str, float] = model.evaluate(x_test, y_test, return_dict=True)
    print(first, best, history.stop_reason.upper(), figures)
    model.save(folder / "model.safetensors")
    loaded = models.load_model(folder / "model.safetensors")
    with shallowcore.num_threads(1):
        probabilities: NDArray[np.floating] = ops.softmax(loaded.predict(x_test))
    loss, gradients = model.gradients(x_test, y_test)
    largest = [float(abs(gradient).max()) for gradient in gradients]
    print(loss + sum(largest), [layer.name for layer in loaded.layers], loaded.count_params())
    print(probabilities.shape, loaded.dtype.upper())
    return figures["accuracy"]


def with_estimators() -> list[NDArray[np.floating]]:
    """The same with estimators."""
    x, y = datasets.load_digits(return_X_y=True)
    perceptron = MLPClassifier(hidden_layer_sizes=(8,), n_iter_no_change=2, tol=1.0)
    perceptron.fit(x, y)
    logistic = LogisticRegression(C=0.1).fit(x, y)
    print(perceptron.n_iter_ + 1, perceptron.coefs_[0].shape, logistic.classes_.tolist())
    return [perceptron.predict_proba(x), logistic.predict_proba(x)]


def wrong_on_purpose() -> None:
    """Never called."""
    layers.Dense("16")  # type: ignore[arg-type]
    optimizers.Adam(beta_1="0.9")  # type: ignore[arg-type]
    models.Sequential(3)  # type: ignore[arg-type]
    build(4, 2).forecast(0)  # type: ignore[attr-defined]
    callbacks.EarlyStopping(patience=None)  # type: ignore[arg-type]
    shallowcore.set_num_threads("two")  # type: ignore[arg-type]
