"""Targets and weights of samples, checked against a loss and a number of outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from shallowcore._arrays import (
    Numbers,
    as_array,
    check_number_type,
    to_floats,
    without_repeats,
)
from shallowcore._checks import check_float, check_int
from shallowcore.losses import Loss

_MOST_CLASSES = 2**24  # float32 tells no more apart
_RANGES = {
    "binary_crossentropy": (0.0, 1.0),
    "categorical_crossentropy": (0.0, math.inf),
    "poisson": (0.0, math.inf),
    "hinge": (-1.0, 1.0),
}


def target_range(loss: Loss) -> tuple[float, float]:
    """Return the least and the greatest target that a loss takes."""
    return _RANGES.get(loss.name, (-math.inf, math.inf))


def targets(
    value: Any,
    loss: Loss,
    n_samples: int,
    n_outputs: int,
    dtype: np.dtype[Any],
    argument: str = "y",
) -> Numbers:
    """Return targets as the core reads them.

    Integer labels become (n_samples,) int32; anything else (n_samples, n_outputs) of `dtype`,
    C-contiguous.
    """
    array = as_array(value, argument)
    if array.dtype.kind in "USO":
        raise TypeError(
            f"{argument} has dtype {array.dtype}; expected numbers (classes by name become labels "
            "with np.unique(y, return_inverse=True))"
        )
    check_number_type(array, argument)
    if array.ndim == 0:
        raise ValueError(f"{argument} must have one row a sample, got a single number")
    if array.shape[0] != n_samples:
        raise ValueError(
            f"{argument} must have as many rows as x, {n_samples}, got {array.shape[0]}"
        )
    if loss.integer_labels:
        return _labels(array, loss, n_outputs, argument)
    return _dense_targets(array, loss, n_outputs, dtype, argument)


def _labels(array: Numbers, loss: Loss, n_outputs: int, argument: str) -> Numbers:
    """Labels 0 <= label < n_outputs as int32."""
    n_samples = array.shape[0]
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        hint = "; one-hot targets go with categorical_crossentropy" if array.ndim == 2 else ""
        raise ValueError(
            f"{argument} must have shape ({n_samples},), one integer label a sample, for "
            f"{loss.name}, got {array.shape}{hint}"
        )
    if array.dtype.kind == "f":
        to_floats(array, np.dtype(np.float64), argument)
        fractional = np.flatnonzero(array != np.trunc(array))
        if fractional.size:
            raise ValueError(
                f"{argument} must hold integer labels for {loss.name}, "
                f"got {array[fractional[0]]!r} at {int(fractional[0])}"
            )
    seen = without_repeats(array)
    low, high = seen.min(), seen.max()
    if low < 0 or high >= n_outputs:
        wrong = int(low) if low < 0 else int(high)
        raise ValueError(
            f"{argument} must hold labels from 0 to {n_outputs - 1} (the model has {n_outputs} "
            f"outputs), got {wrong}"
        )
    return np.require(array, np.int32, ["C", "A"])


def _dense_targets(
    array: Numbers, loss: Loss, n_outputs: int, dtype: np.dtype[Any], argument: str
) -> Numbers:
    """Targets (n_samples, n_outputs), in the range of the loss."""
    shape = (array.shape[0], n_outputs)
    if loss.n_outputs not in (1, n_outputs):
        raise ValueError(
            f"{loss!r} is for a model with {loss.n_outputs} outputs, this one has {n_outputs}"
        )
    if array.shape == shape[:1] and (n_outputs == 1 or loss.n_outputs == n_outputs):
        array = array[:, np.newaxis]
    if array.shape == (*shape[:1], 1) and loss.n_outputs == n_outputs:
        array = np.broadcast_to(array, shape)
    if array.shape != shape:
        labels = array.ndim == 1 or array.shape[1:] == (1,)
        hint = ""
        if labels and loss.name == "categorical_crossentropy":
            hint = (
                "; integer labels go with sparse_categorical_crossentropy, or become one-hot rows "
                "with utils.to_categorical"
            )
        raise ValueError(
            f"{argument} must have shape {shape} (the model has {n_outputs} outputs) for "
            f"{loss.name}, got {array.shape}{hint}"
        )
    result = np.ascontiguousarray(to_floats(array, dtype, argument))
    low, high = target_range(loss)
    if high < math.inf and (result.min() < low or result.max() > high):
        wrong = result.min() if result.min() < low else result.max()
        raise ValueError(
            f"{argument} must lie in [{low:g}, {high:g}] for {loss.name}, got {wrong:g}"
        )
    if low > -math.inf and result.min() < low:
        raise ValueError(f"{argument} must be >= {low:g} for {loss.name}, got {result.min():g}")
    return result


def class_weights(value: Any, y: Numbers, n_outputs: int, dtype: np.dtype[Any]) -> Numbers:
    """Return the weight of each sample by its class, (n_samples,).

    `y` as `targets` returns it.  `value` maps classes to weights (a class left out has weight 1, as
    in Keras), or is "balanced": n_samples / (number of classes present * samples of the class).
    """
    classes = _classes(y)
    n_classes = max(n_outputs, 2)
    table = np.ones(max(n_classes, int(classes.max()) + 1), dtype=np.float64)
    if isinstance(value, str) and value == "balanced":
        counts = np.bincount(classes, minlength=table.size)
        present = counts > 0
        table[present] = classes.size / (np.count_nonzero(present) * counts[present])
    elif isinstance(value, Mapping):
        for label, weight in value.items():
            index = check_int(label, "a class of class_weight", 0, table.size - 1)
            table[index] = check_float(weight, f"class_weight[{index}]", 0.0)
            if table[index] > np.finfo(dtype).max:
                raise ValueError(f"class_weight[{index}] is too large for {dtype}, got {weight!r}")
    else:
        raise TypeError(
            f"class_weight must be a dict from class to weight, or 'balanced', got {value!r}"
        )
    weights: Numbers = table[classes].astype(dtype)
    return weights


def _classes(y: Numbers) -> Numbers:
    """Class of each sample from checked targets, (n_samples,) integers."""
    if y.ndim == 1:
        return y
    if y.shape[1] > 1:
        return np.asarray(np.argmax(y, axis=1))
    labels = y[:, 0]
    if np.any((labels != np.trunc(labels)) | (labels < 0) | (labels >= _MOST_CLASSES)):
        raise ValueError(
            f"class_weight needs classes 0, 1, ... (fewer than {_MOST_CLASSES}) in y, got other "
            "numbers: leave class_weight out for regression, or use sample_weight"
        )
    return labels.astype(np.int64)
