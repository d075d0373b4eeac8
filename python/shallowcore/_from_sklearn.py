"""What a fitted estimator's network is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from shallowcore.activations import Activation
from shallowcore.layers import Dense, Layer

Parts = tuple[tuple[int, ...], list[Layer], list[Any]]

# scikit-learn's names of activations.
_NAMES = {"logistic": "sigmoid", "exp": "exponential"}


def parts(estimator: Any) -> Parts:
    """Shape of a sample, layers and their weights."""
    kinds = {
        kind.__name__
        for kind in type(estimator).__mro__
        if kind.__module__.startswith(("sklearn.", "shallowcore.sklearn"))
    }
    if kinds & {"MLPClassifier", "MLPRegressor"}:
        return _perceptron(estimator)
    if "LogisticRegression" in kinds:
        return _logistic(estimator)
    raise TypeError(
        "estimator must be an MLPClassifier, MLPRegressor or LogisticRegression, got "
        f"{type(estimator).__name__}"
    )


def _fitted(estimator: Any, attribute: str) -> Any:
    if not hasattr(estimator, attribute):
        raise ValueError(f"this {type(estimator).__name__} is not fitted yet: call fit first")
    return getattr(estimator, attribute)


def _perceptron(estimator: Any) -> Parts:
    kernels = _fitted(estimator, "coefs_")
    given, n_hidden = estimator.activation, len(kernels) - 1
    several = not isinstance(given, (str, Activation)) and isinstance(given, Iterable)
    hidden = list(given) if several else [given] * n_hidden
    stack: list[Layer] = [
        Dense(kernel.shape[1], _NAMES.get(g, g) if isinstance(g, str) else g)
        for kernel, g in zip(kernels, [*hidden, estimator.out_activation_], strict=True)
    ]
    pairs = zip(kernels, estimator.intercepts_, strict=True)
    return (kernels[0].shape[0],), stack, [array for pair in pairs for array in pair]


def _logistic(estimator: Any) -> Parts:
    coef = _fitted(estimator, "coef_")
    coef = np.asarray(coef.toarray() if hasattr(coef, "toarray") else coef)
    n_outputs, n_features = coef.shape
    multi_class = getattr(estimator, "multi_class", "auto")
    rest = multi_class == "ovr" or getattr(estimator, "solver", "") == "liblinear"
    if (n_outputs > 1 and rest) or (n_outputs == 1 and multi_class == "multinomial"):
        raise ValueError(
            f"LogisticRegression with multi_class={multi_class!r}, "
            f"solver={getattr(estimator, 'solver', '')!r} and {len(estimator.classes_)} classes "
            "has no network; expected a sigmoid for two classes, a softmax for more"
        )
    layer = Dense(n_outputs, "sigmoid" if n_outputs == 1 else "softmax")
    intercept = np.broadcast_to(estimator.intercept_, n_outputs).astype(coef.dtype)
    return (n_features,), [layer], [coef.T, intercept]
