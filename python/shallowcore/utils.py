"""Small helpers around the models, with Keras' names and meanings.

Arguments are checked before anything is allocated, and only read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shallowcore._arrays import as_array, check_number_type, without_repeats
from shallowcore._checks import check_int

__all__ = ["to_categorical"]


def to_categorical(y: ArrayLike, num_classes: int | None = None) -> NDArray[np.float64]:
    """Turn integer labels into one-hot rows, as Keras' function of this name does.

    Entry j of a row is 1 where the label is j, else 0.  A last axis of length 1 is dropped first,
    so labels of shape (m,) and (m, 1) give the same matrix.

    Parameters
    ----------
    y : array-like of integers
        Labels 0 to num_classes - 1, of any shape; booleans count as 0 and 1, and floats are
        accepted if they are whole numbers.  Never written to.
    num_classes : int, optional
        Number of classes; the largest label plus 1 by default.

    Returns
    -------
    ndarray of shape (..., num_classes), float64
        A new array; the class axis is the last.

    Raises
    ------
    TypeError
        If `y` does not hold real numbers, or `num_classes` is not an integer.
    ValueError
        If `y` is empty or ragged, a label is negative, not a whole number or not below
        `num_classes`, or `num_classes` is less than 1.

    Examples
    --------
    >>> from shallowcore.utils import to_categorical
    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    >>> to_categorical([[1], [0]], num_classes=2).shape
    (2, 2)
    """
    labels = _as_labels(y)
    largest = int(without_repeats(labels).max())
    n_classes = largest + 1 if num_classes is None else check_int(num_classes, "num_classes", 1)
    if largest >= n_classes:
        raise ValueError(
            f"y must hold labels below num_classes = {n_classes}, got the label {largest}"
        )
    if labels.size * n_classes > 2**60:
        raise MemoryError(f"y has {labels.size} labels of {n_classes} classes: too many columns")
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    one_hot = np.zeros((labels.size, n_classes), dtype=np.float64)
    one_hot[np.arange(labels.size), labels.reshape(-1).astype(np.intp)] = 1.0
    return one_hot.reshape((*shape, n_classes))


def _as_labels(y: Any) -> NDArray[Any]:
    """Return `y` as an array of whole numbers >= 0, or raise saying what is wrong with it."""
    expected = "integer labels >= 0"
    labels = check_number_type(as_array(y, "y"), "y")
    if labels.size == 0:
        raise ValueError(f"y must hold {expected}, got an empty array of shape {labels.shape}")
    seen = without_repeats(labels)
    if seen.dtype.kind == "f":
        with np.errstate(invalid="ignore"):  # a signaling NaN
            wrong = seen[~np.isfinite(seen) | (seen != np.trunc(seen))]
        if wrong.size:
            raise ValueError(f"y must hold {expected}, got the value {wrong.flat[0]}")
    if seen.min() < 0:
        raise ValueError(f"y must hold {expected}, got the label {seen.min()}")
    return labels
