"""Dense arrays, weights of samples and random states, checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from shallowcore._targets import class_weights

Array = NDArray[Any]


# What the core reads in place; other types become float64.
DTYPES = tuple(
    np.dtype(name)
    for name in (
        *("float64", "float32", "bool", "uint8", "int8", "uint16", "int16"),
        *("uint32", "int32", "uint64", "int64"),
    )
)

# From so many numbers that are not zero on, of all in the inputs, dense products are faster.
_DENSE_FROM = 0.2


def float_dtype(X: Any) -> np.dtype[Any]:
    """Return the type to compute in for inputs of any."""
    return X.dtype if X.dtype in (np.float32, np.float64) else np.dtype(np.float64)


def readable(X: Any, dtype: np.dtype[Any]) -> Any:
    """Return checked inputs as the core reads them: an array, or a CSR matrix of that dtype."""
    if not hasattr(X, "toarray"):
        return X
    if X.nnz >= _DENSE_FROM * X.shape[0] * X.shape[1]:
        X = X.toarray()
    return X.astype(dtype, copy=False)


def plain_labels(y: Any) -> bool:
    """Whether these are labels (n_samples,) that need no look: integers, booleans or strings."""
    return type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "biuU" and y.size > 0


def to_dense(X: Any) -> Any:
    """Return an array as it is, a sparse matrix or array as an ndarray."""
    return X.toarray() if hasattr(X, "toarray") else X


def sample_weights(sample_weight: Any, X: Any) -> Array | None:
    """Return checked weights (n_samples,), of the type to compute in."""
    if sample_weight is None:
        return None
    n_samples, dtype = X.shape[0], float_dtype(X)
    weight = np.asarray(sample_weight)
    if weight.dtype.kind not in "biufO":
        raise ValueError(f"sample_weight must hold real numbers, got dtype {weight.dtype}")
    with np.errstate(over="ignore"):
        weight = weight.astype(dtype)
    if weight.ndim == 0:
        weight = np.full(n_samples, weight)
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


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """Leave an estimator as it was where an error ends the block; a warning is none."""
    before = vars(estimator).copy()
    try:
        yield
    except Exception as error:
        if not isinstance(error, Warning):
            vars(estimator).clear()
            vars(estimator).update(before)
        raise


def random_state(seed: Any) -> np.random.RandomState:
    """Return a RandomState; a numpy Generator lends its bits to one."""
    if isinstance(seed, np.random.Generator):
        return np.random.RandomState(seed.bit_generator)
    state: np.random.RandomState = check_random_state(seed)
    return state
