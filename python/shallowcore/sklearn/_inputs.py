"""Dense arrays, weights of samples and random states, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from shallowcore._targets import class_weights

Array = NDArray[Any]


def to_dense(X: Any) -> Any:
    """Return an array as it is, a sparse matrix or array as an ndarray."""
    return X.toarray() if hasattr(X, "toarray") else X


def sample_weights(sample_weight: Any, X: Any) -> Array | None:
    """Return checked weights (n_samples,), of the inputs' dtype."""
    if sample_weight is None:
        return None
    n_samples = X.shape[0]
    if np.isscalar(sample_weight):
        return np.full(n_samples, sample_weight, dtype=X.dtype)
    weight = np.asarray(sample_weight, dtype=X.dtype)
    if weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight.shape == {weight.shape}, expected {(n_samples,)}: sample_weight "
            "must be 1D array or scalar with one weight a sample"
        )
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("sample_weight must be finite and >= 0")
    if not weight.sum() > 0:
        raise ValueError("sample_weight is zero everywhere: expected a weight above 0")
    return weight


def weights_by_class(chosen: Any, labels: Array, classes: Array) -> Array:
    """Return each sample's weight by its class, (n_samples,) float64.

    Labels are 0 .. n_classes - 1, the keys of a dict those of `classes`; others in it are passed
    over.
    """
    if isinstance(chosen, dict):
        index = {label: i for i, label in enumerate(classes.tolist())}
        chosen = {index[label]: w for label, w in chosen.items() if label in index}
    return class_weights(chosen, labels, len(classes), np.dtype(np.float64))


def random_state(seed: Any) -> np.random.RandomState:
    """Return a RandomState; a numpy Generator lends its bits to one."""
    if isinstance(seed, np.random.Generator):
        return np.random.RandomState(seed.bit_generator)
    state: np.random.RandomState = check_random_state(seed)
    return state
