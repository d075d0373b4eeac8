"""Lecture A: logistic regression on shirt sizes, one neuron and two linear layers on apartments.

Each function computes one row in float64 through `shallowcore` and returns its figures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shallowcore import datasets, layers, models, optimizers, regularizers
from shallowcore.demo.figures import Equals, Figure, Near, near_all
from shallowcore.demo.measure import confusion_matrix, loss_of

_REGRESSION_PRICES = (1.48509426, 3.16055536, 3.18794636, 2.65746327, 2.53638594)
_RANDOM_NETWORK_LOSSES = (
    21.318364917457647,
    58.190236579106184,
    4.770288142049728,
    0.2093294704434788,
)


def row_a1() -> list[Figure]:
    """Logistic regression by Newton's method, the slope penalised by a^2 / 2 on the summed loss."""
    x, y = datasets.make_shirts()
    n_samples = x.shape[0]
    # The model averages over samples, so its objective is the lecture's divided by n_samples.
    penalty = regularizers.L2(1.0 / (2 * n_samples))
    model = models.Sequential(
        [
            layers.Input((1,)),
            layers.Dense(1, "sigmoid", kernel_initializer="zeros", kernel_regularizer=penalty),
        ],
        dtype="float64",
    )
    model.compile(optimizers.NewtonCG(tolerance=1e-12), "binary_crossentropy")
    model.fit(x, y, epochs=100, verbose=0)
    slope, offset = (float(parameter.item()) for parameter in model.get_weights())
    objective = loss_of(model, x, y) * n_samples
    counts = confusion_matrix(y, model.predict(x, verbose=0) >= 0.5, 2)
    precision = counts[1, 1] / (counts[1, 1] + counts[0, 1])
    recall = counts[1, 1] / (counts[1, 1] + counts[1, 0])
    return [
        Figure("loss at a = 1.7, b = -172", Near(0.33846089021766784, 1e-14), _loss_by_hand(x, y)),
        Figure("a (slope)", Near(1.41360887), slope),
        Figure("b (offset)", Near(-147.39660558), offset),
        Figure("objective at the optimum", Near(3.0085924650716436, 1e-9), objective),
        Figure("class 0 taken for 0", Equals(22), float(counts[0, 0])),
        Figure("class 0 taken for 1", Equals(0), float(counts[0, 1])),
        Figure("class 1 taken for 0", Equals(0), float(counts[1, 0])),
        Figure("class 1 taken for 1", Equals(28), float(counts[1, 1])),
        Figure("precision", Near(1.0, decimals=2), float(precision)),
        Figure("recall", Near(1.0, decimals=2), float(recall)),
        Figure("F1", Near(1.0, decimals=2), float(2 * precision * recall / (precision + recall))),
    ]


def row_a2() -> list[Figure]:
    """One linear neuron with given weights on the apartments."""
    x, y = datasets.make_apartments()
    model = models.Sequential([layers.Input((2,)), layers.Dense(1)], dtype="float64")
    model.compile("sgd", "mse")
    model.set_weights([np.array([[0.014373], [-0.001286]]), np.array([1.386])])
    prices = model.predict(x[:5], verbose=0)[:, 0]
    return [
        *near_all("price of apartment", _REGRESSION_PRICES, prices),
        Figure(
            "mean squared error",
            Near(0.024469052004118513, 1e-15),
            loss_of(model, x, y),
        ),
    ]


def row_a3() -> list[Figure]:
    """Two linear layers: four networks drawn at random, then one trained to the optimum."""
    x, y = datasets.make_apartments()
    model = models.Sequential(
        [layers.Input((2,)), layers.Dense(4), layers.Dense(1)], dtype="float64", seed=0
    )
    model.compile(optimizers.SGD(0.1), "mse")
    initial = model.get_weights()
    random = np.random.RandomState(963)
    figures = []
    for number, expected in enumerate(_RANDOM_NETWORK_LOSSES, start=1):
        model.set_weights([random.randn(*weights.shape) * 0.1 for weights in initial])
        loss = loss_of(model, x, y)
        figures.append(
            Figure(f"error of random network {number}", Near(expected, 1e-13 * expected), loss)
        )
    model.set_weights(initial)
    standardised = (x - x.mean(axis=0)) / x.std(axis=0)
    model.fit(standardised, y, batch_size=x.shape[0], epochs=500, verbose=0)
    trained = loss_of(model, standardised, y)
    figures.append(Figure("error after training", Near(0.02350027), trained))
    return figures


def _loss_by_hand(x: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """Return the log-loss of p = s(a x + b) for the lecture's guess, a = 1.7 and b = -172."""
    model = models.Sequential([layers.Input((1,)), layers.Dense(1, "sigmoid")], dtype="float64")
    model.compile("sgd", "binary_crossentropy")
    model.set_weights([np.array([[1.7]]), np.array([-172.0])])
    return loss_of(model, x, y)
