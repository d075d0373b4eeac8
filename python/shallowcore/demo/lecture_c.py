"""Lecture C, one hidden layer: slopes, counting, vectorising, symmetry, saturation.

The single row has a group of figures for each of C1 to C5.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import datasets, layers, models, ops, optimizers
from shallowcore.demo.figures import Equals, Figure, Near, at_least, at_most

Floats = NDArray[np.floating[Any]]

# (activation, z, g(z), g'(z)), from the formulas by hand.
_SLOPES = (
    ("sigmoid", -1.0, 0.2689414213699951, 0.19661193324148185),
    ("sigmoid", 0.0, 0.5, 0.25),
    ("sigmoid", 1.0, 0.7310585786300049, 0.19661193324148185),
    ("tanh", -1.0, -0.7615941559557649, 0.41997434161402614),
    ("tanh", 0.0, 0.0, 1.0),
    ("tanh", 1.0, 0.7615941559557649, 0.41997434161402614),
    ("relu", -1.0, 0.0, 0.0),
    ("relu", 0.0, 0.0, 0.0),
    ("relu", 1.0, 1.0, 1.0),
    ("leaky_relu", -1.0, -0.01, 0.01),
    ("leaky_relu", 0.0, 0.0, 0.01),
    ("leaky_relu", 1.0, 1.0, 1.0),
)


def row_c() -> list[Figure]:
    """C1 activations and slopes, C2 parameters, C3 vectorised pass, C4 symmetry, C5 saturation."""
    return [*_slopes(), *_counting(), *_vectorised(), *_symmetry(), *_saturation()]


def _slopes() -> list[Figure]:
    figures = []
    for name, z, value, slope in _SLOPES:
        at = np.array([[z]])
        got = float(ops.activation(at, name)[0, 0])
        got_slope = float(ops.activation_grad(at, name)[0, 0])
        figures.append(Figure(f"C1 {name}({z:g})", Near(value, 4e-16), got))
        figures.append(Figure(f"C1 {name}'({z:g})", Near(slope, 4e-16), got_slope))
    return figures


def _counting() -> list[Figure]:
    model = models.Sequential(
        [layers.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1, "sigmoid")]
    )
    return [Figure("C2 parameters of a 3-4-1 network", Equals(21), model.count_params())]


def _vectorised() -> list[Figure]:
    """Compare the pass over all samples with a loop over single samples."""
    random = np.random.default_rng(0)
    x = random.standard_normal((200, 3))
    y = (x.sum(axis=1) > 0).astype(np.float64)
    model = _network(3, 4)
    loss, gradients = model.gradients(x, y)
    single = [model.gradients(x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    outputs = np.vstack([model.predict(x[i : i + 1], verbose=0) for i in range(len(x))])
    by_loop = [np.mean([one[1][k] for one in single], axis=0) for k in range(len(gradients))]
    return [
        Figure(
            "C3 outputs, all at once - one by one",
            at_most(1e-15),
            _distance([outputs], [model.predict(x, verbose=0)]),
        ),
        Figure(
            "C3 loss, all at once - one by one",
            at_most(1e-15),
            abs(loss - float(np.mean([one[0] for one in single]))),
        ),
        Figure(
            "C3 gradients, all at once - one by one",
            at_most(1e-15),
            _distance(by_loop, gradients),
        ),
    ]


def _symmetry() -> list[Figure]:
    """Zero weights: all hidden units stay the same for ever, and the user is told."""
    x, y = datasets.make_flower()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = _network(2, 4, zeros=True)
        model.fit(x, y, batch_size=len(x), epochs=100, verbose=0)
    told = any("symmetr" in str(one.message) for one in caught)
    hidden = model.get_weights()[0]
    return [
        Figure("C4 warnings that symmetry stays", Equals(1), float(told)),
        Figure(
            "C4 hidden units apart after 100 steps",
            Equals(0),
            float(np.abs(hidden - hidden[:, :1]).max()),
        ),
    ]


def _saturation() -> list[Figure]:
    """Draw a tanh network 1000 times too large: gradients vanish, and are never NaN."""
    x, y = datasets.make_flower()
    usual, large = _network(2, 32), _network(2, 32)
    large.set_weights([1000.0 * usual.get_weights()[0], *usual.get_weights()[1:]])
    gradients = large.gradients(x, y)[1]
    ratio = np.median(np.abs(gradients[0])) / np.median(np.abs(usual.gradients(x, y)[1][0]))
    n_bad = sum(int(np.count_nonzero(~np.isfinite(one))) for one in gradients)
    return [
        Figure("C5 gradients that are not finite", Equals(0), n_bad),
        Figure("C5 hidden gradient, too large / usual", at_most(0.01), float(ratio)),
        Figure("C5 hidden weights moved, usual", at_least(0.1), _movement(usual)),
        Figure("C5 hidden weights moved, too large", at_most(0.01), _movement(large)),
    ]


def _movement(model: models.Sequential) -> float:
    """Change of the hidden weights in 100 steps on the flower, relative to their size."""
    x, y = datasets.make_flower()
    before = model.get_weights()[0]
    model.fit(x, y, batch_size=len(x), epochs=100, verbose=0)
    return float(np.linalg.norm(model.get_weights()[0] - before) / np.linalg.norm(before))


def _network(
    n_features: int, n_hidden: int, seed: int = 0, zeros: bool = False
) -> models.Sequential:
    """n_features-n_hidden-1, tanh and sigmoid, float64, gradient descent at rate 1.2."""
    start = "zeros" if zeros else "glorot_uniform"
    model = models.Sequential(
        [
            layers.Input((n_features,)),
            layers.Dense(n_hidden, "tanh", kernel_initializer=start),
            layers.Dense(1, "sigmoid", kernel_initializer=start),
        ],
        dtype="float64",
        seed=seed,
    )
    model.compile(optimizers.SGD(1.2), "binary_crossentropy")
    return model


def _distance(one: Sequence[Floats], other: Sequence[Floats]) -> float:
    """Largest absolute difference between two lists of arrays."""
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))
