"""Lecture D: logistic regression on photographs of cats, and a two-layer network on a flower.

D1 needs the photographs and h5py; without them NotAvailable says what to do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import activations, datasets, initializers, layers, models, optimizers
from shallowcore.demo.figures import Between, Figure, Near, NotAvailable, at_least, at_most
from shallowcore.demo.measure import accuracy_of

# Printed at iterations 0, 100, ..., 1900.
_CAT_COSTS = (
    *(0.693147, 0.584508, 0.466949, 0.376007, 0.331463, 0.303273, 0.279880, 0.260042),
    *(0.242941, 0.228004, 0.214820, 0.203078, 0.192544, 0.183033, 0.174399, 0.166521),
    *(0.159305, 0.152667, 0.146542, 0.140872),
)


def row_d1() -> list[Figure]:
    """Logistic regression on 209 photographs, 12288 features, 2000 full-batch iterations."""
    try:
        (x, y), (x_test, y_test) = datasets.load_cats(download=False)
    except (FileNotFoundError, ImportError) as error:
        raise NotAvailable(str(error)) from error
    pixels, pixels_test = x.reshape(len(x), -1) / 255.0, x_test.reshape(len(x_test), -1) / 255.0
    model, costs = _cat_run(pixels, y, "float64")
    figures = [
        Figure(f"cost at iteration {100 * index}", Near(cost, decimals=6), costs[100 * index])
        for index, cost in enumerate(_CAT_COSTS)
    ]
    training = 100.0 * accuracy_of(model, pixels, y)
    figures.append(
        Figure("training accuracy, %", Near(99.04306220095694, tolerance=1e-10), training)
    )
    test = 100.0 * accuracy_of(model, pixels_test, y_test)
    figures.append(Figure("test accuracy, %", Near(70.0, tolerance=1e-10), test))
    costs_short = _cat_run(pixels.astype(np.float32), y, "float32")[1]
    figures.append(
        Figure(
            "largest difference, float32 costs",
            at_most(2e-6, decimals=7),
            float(np.abs(np.subtract(costs_short, costs)).max()),
        )
    )
    return figures


def _cat_run(
    pixels: NDArray[np.floating[Any]], y: NDArray[np.int64], dtype: str
) -> tuple[models.Sequential, list[float]]:
    """Trained model and the cost of each iteration, taken before its update."""
    model = models.Sequential(
        [
            layers.Input((pixels.shape[1],)),
            layers.Dense(1, "sigmoid", kernel_initializer="zeros"),
        ],
        dtype=dtype,
    )
    model.compile(optimizers.SGD(0.005), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(pixels, y, batch_size=len(pixels), epochs=2000, shuffle=False, verbose=0)
    return model, history.history["loss"]


def row_d2() -> list[Figure]:
    """Two-layer networks on the planar flower, 10000 full-batch steps at rate 1.2."""
    leaky = layers.Dense(20, activations.LeakyReLU(0.1))
    tanh = layers.Dense(4, "tanh", kernel_initializer=initializers.RandomNormal(stddev=0.01))
    return [
        Figure("logistic regression, accuracy", Between(0.42, 0.52), _flower_run()),
        Figure("2-4-1 tanh, accuracy", at_least(0.90), _flower_run(tanh)),
        Figure("2-20-1 leaky relu, slope 0.1, accuracy", at_least(0.70), _flower_run(leaky)),
    ]


def _flower_run(*hidden: layers.Dense) -> float:
    """Accuracy on the flower, with the given hidden layers."""
    x, y = datasets.make_flower()
    output = layers.Dense(1, "sigmoid", kernel_initializer=initializers.RandomNormal(stddev=0.01))
    model = models.Sequential([layers.Input((2,)), *hidden, output], dtype="float64", seed=0)
    model.compile(optimizers.SGD(1.2), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=len(x), epochs=10_000, shuffle=False, verbose=0)
    return accuracy_of(model, x, y)
