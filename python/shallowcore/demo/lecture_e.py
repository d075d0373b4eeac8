"""Lecture E: a forward pass by hand, the halved gradient, softmax, more activations, playground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shallowcore import datasets, layers, losses, models, ops, optimizers
from shallowcore.demo.figures import Equals, Figure, Near, at_least, at_most, near_all
from shallowcore.demo.measure import accuracy_of, loss_of

_LOGITS = (6.0, -2.0, 3.0)
_PROBABILITIES = (0.952269826, 0.000319451, 0.047410723)


def row_e1() -> list[Figure]:
    """Forward pass by hand: 3-3-1, sigmoid everywhere."""
    x = np.array([[0.2, 0.5, -0.9]])
    hidden = np.array([[1.2, 0.9, 0.3], [0.2, 0.3, 0.1], [1.3, 1.9, 0.1]]).T
    output = np.array([[0.2], [0.6], [0.2]])
    bias = np.full(3, 0.1)
    z = ops.dense(x, hidden, bias)[0]
    a = ops.dense(x, hidden, bias, activation="sigmoid")[0]
    model = models.Sequential(
        [layers.Input((3,)), layers.Dense(3, "sigmoid"), layers.Dense(1, "sigmoid")],
        dtype="float64",
    )
    model.set_weights([hidden, bias, output, np.array([0.1])])
    return [
        *(
            Figure(f"hidden z {unit}", Near(expected, 1e-15, decimals=2), float(got))
            for unit, expected, got in zip((1, 2, 3), (0.52, 0.20, 1.22), z, strict=True)
        ),
        *near_all("hidden a", (0.62714777, 0.549834, 0.77206355), a),
        Figure("output", Near(0.67034429), float(model.predict(x, verbose=0)[0, 0])),
    ]


def row_e2() -> list[Figure]:
    """Dividing the gradient by 2m is halving the learning rate, to the last bit."""
    x, y = datasets.make_flower()
    halved = _regression(losses.BinaryCrossentropy(scale=0.5), 0.1)
    slower = _regression(losses.BinaryCrossentropy(), 0.05)
    for model in (halved, slower):
        model.fit(x, y, batch_size=len(x), epochs=100, verbose=0)
    distance = max(
        float(np.abs(a - b).max())
        for a, b in zip(halved.get_weights(), slower.get_weights(), strict=True)
    )
    moved = float(np.abs(halved.get_weights()[0]).max())
    return [
        Figure("weights apart after 100 steps", Equals(0), distance),
        Figure("largest weight after 100 steps", at_least(1e-3), moved),
    ]


def _regression(loss: losses.BinaryCrossentropy, rate: float) -> models.Sequential:
    model = models.Sequential(
        [layers.Input((2,)), layers.Dense(1, "sigmoid", kernel_initializer="zeros")],
        dtype="float64",
    )
    model.compile(optimizers.SGD(rate), loss)
    return model


def row_e3() -> list[Figure]:
    """Softmax and its cross-entropy, then the digits with no to three hidden layers."""
    probabilities = ops.softmax(np.array([_LOGITS]))
    far = ops.softmax(np.array([[1000.0, 1001.0]]))
    costs = [
        ops.loss("categorical_crossentropy", np.eye(3)[[label]], probabilities)[0]
        for label in (0, 2)
    ]
    figures = [
        *near_all("softmax of (6, -2, 3),", _PROBABILITIES, probabilities[0]),
        Figure("sum of the row", Near(1.0, 4e-16, decimals=15), float(probabilities.sum())),
        Figure("softmax of (1000, 1001), second", Near(0.731058578630), float(far[0, 1])),
        Figure("cost of class 0", Near(0.04890685), costs[0]),
        Figure("cost of class 2", Near(3.04890685), costs[1]),
    ]
    (x, y), (x_test, y_test) = datasets.load_digits(dtype="float32").split()
    x, x_test = x / 16, x_test / 16
    for n_hidden_layers in range(4):
        model = _softmax_classifier(n_hidden_layers)
        model.fit(x, y, epochs=30, verbose=0)
        figures.append(
            Figure(
                f"digits, {n_hidden_layers} hidden layers, accuracy",
                at_least(0.93),
                accuracy_of(model, x_test, y_test),
            )
        )
    return figures


def _softmax_classifier(n_hidden_layers: int) -> models.Sequential:
    hidden = [layers.Dense(32, "relu") for _ in range(n_hidden_layers)]
    model = models.Sequential([layers.Input((64,)), *hidden, layers.Dense(10, "softmax")], seed=0)
    model.compile(
        optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def row_e5() -> list[Figure]:
    """Playground: circle, 2-8-8-1, half squared error, rate 0.1, batch 10, 229 epochs."""
    x, y = datasets.make_circle(labels=(-1, 1))
    training, test = _playground_run(x, y, seed=0)
    return [
        Figure("test loss", at_most(0.030, decimals=4), test),
        Figure("training loss", at_most(0.010, decimals=4), training),
    ]


def _playground_run(
    x: NDArray[np.float64], y: NDArray[np.float64], seed: int
) -> tuple[float, float]:
    """Training and test loss, the first half of the samples for training."""
    half = len(x) // 2
    model = models.Sequential(
        [
            layers.Input((2,)),
            layers.Dense(8, "sigmoid"),
            layers.Dense(8, "sigmoid"),
            layers.Dense(1, "tanh"),
        ],
        seed=seed,
    )
    model.compile(optimizers.SGD(0.1), losses.MeanSquaredError(scale=0.5))
    model.fit(x[:half], y[:half], batch_size=10, epochs=229, verbose=0)
    return loss_of(model, x[:half], y[:half]), loss_of(model, x[half:], y[half:])
