"""What `ops` gives to the core: settings, and arrays where the core does not take them as they are.

The core returns None for what it cannot read in place; the functions here then raise what is wrong
with it, or return arrays that it takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shallowcore import _core
from shallowcore._arrays import (
    Numbers,
    as_array,
    check_number_type,
    to_floats,
    weights_of_samples,
)
from shallowcore._targets import target_range, targets
from shallowcore.activations import Activation
from shallowcore.losses import Loss

Floats: TypeAlias = NDArray[np.floating[Any]]

# Losses whose predictions are probabilities unless they are logits.
_PROBABILITIES = frozenset(
    {"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"}
)


def _float_type(*arrays: Numbers | None) -> np.dtype[Any]:
    """Dtype of a computation on these arrays: float32 if every float is of that size or less."""
    sizes = [a.dtype.itemsize for a in arrays if a is not None and a.dtype.kind == "f"]
    return np.dtype(np.float32 if sizes and max(sizes) <= 4 else np.float64)


def _array(value: Any, argument: str, ndim: int | None = None) -> Numbers:
    """Array of real numbers, not empty, of a rank."""
    array = check_number_type(as_array(value, argument), argument)
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{argument} must have {ndim} dimensions, got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{argument} is empty, shape {array.shape}; expected at least one value")
    return array


# --- settings, made once for each name ------------------------------------------------------------
def _activation(name: str | Activation, params: dict[str, float]) -> Activation:
    """Activation by name with parameters, or an object, which has its own."""
    if isinstance(name, Activation):
        if params:
            raise TypeError(f"parameters {sorted(params)} were given beside the object {name!r}")
        return name
    return Activation(name, **params)


@dataclass(frozen=True)
class LossSettings:
    """A loss, the core's object of it, and the limits of targets and predictions."""

    loss: Loss
    core: _core.Loss
    limits: tuple[float, float, float, float]

    @staticmethod
    def of(loss: Loss) -> LossSettings:
        """Settings of this loss as it is now."""
        return LossSettings(loss, loss.to_core(), (*target_range(loss), *_prediction_range(loss)))


@cache
def _known_loss(name: str, from_logits: bool) -> LossSettings:
    return LossSettings.of(Loss(name, from_logits=from_logits))


def loss_settings(name: str | Loss, from_logits: bool, params: dict[str, Any]) -> LossSettings:
    """Loss by name with parameters, or an object, which has its own settings."""
    if type(name) is str and type(from_logits) is bool and not params:
        return _known_loss(name, from_logits)
    if isinstance(name, Loss) and params:
        raise TypeError(f"parameters {sorted(params)} were given beside the object {name!r}")
    loss = name if isinstance(name, Loss) else Loss(name, from_logits=from_logits, **params)
    if from_logits and not loss.from_logits:
        raise ValueError(f"from_logits=True was given, but {loss!r} has from_logits=False")
    return LossSettings.of(loss)


def _prediction_range(loss: Loss) -> tuple[float, float]:
    """Return the least and the greatest prediction that a loss takes."""
    if loss.name == "poisson" and not loss.from_logits:
        return 0.0, math.inf
    if loss.from_logits or loss.name not in _PROBABILITIES:
        return -math.inf, math.inf
    return 0.0, 1.0 if loss.name == "binary_crossentropy" else math.inf


# --- arrays, where the core does not take the caller's as they are --------------------------------
def dense(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None,
    activation: str | Activation,
    params: dict[str, float],
) -> tuple[Floats, Floats, Floats | None, _core.Activation]:
    """Arguments of `_core.dense`."""
    function = _activation(activation, params).to_core()
    x, w = _array(x, "x", 2), _array(w, "w", 2)
    b = None if b is None else _array(b, "b", 1)
    _check_shape(w, "w", (x.shape[1], w.shape[1]), f"x has {x.shape[1]} columns")
    if b is not None:
        _check_shape(b, "b", (w.shape[1],), f"w has {w.shape[1]} columns")
    dtype = _float_type(x, w, b)
    bias = None if b is None else np.ascontiguousarray(to_floats(b, dtype, "b"))
    return to_floats(x, dtype, "x"), to_floats(w, dtype, "w"), bias, function


def dense_grad(x: ArrayLike, w: ArrayLike, dz: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Arrays for `_core.dense_grad`."""
    x, w, dz = _array(x, "x", 2), _array(w, "w", 2), _array(dz, "dz", 2)
    _check_shape(w, "w", (x.shape[1], w.shape[1]), f"x has {x.shape[1]} columns")
    _check_shape(dz, "dz", (x.shape[0], w.shape[1]), "x has its rows, w its columns")
    dtype = _float_type(x, w, dz)
    return to_floats(x, dtype, "x"), to_floats(w, dtype, "w"), to_floats(dz, dtype, "dz")


def activation(
    z: ArrayLike, name: str | Activation, params: dict[str, float]
) -> tuple[Floats, _core.Activation]:
    """Arguments of `_core.activation`."""
    function = _activation(name, params)
    array = _array(z, "z")
    if not function.elementwise and array.ndim == 0:
        raise ValueError(f"z must have at least 1 dimension for {function.name}, got shape ()")
    return _floats(array, "z"), function.to_core()


def activation_grad(
    z: ArrayLike, name: str | Activation, params: dict[str, float]
) -> tuple[Floats, _core.Activation]:
    """Arguments of `_core.activation_grad`."""
    function = _activation(name, params)
    if not function.elementwise:
        raise ValueError(
            f"{function.name} works on whole rows: its derivative is a matrix for each row; "
            "expected an elementwise activation"
        )
    return _floats(_array(z, "z"), "z"), function.to_core()


def loss(
    loss: Loss, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Numbers, Floats, Floats | None]:
    """Arrays for `_core.loss`."""
    prediction = _array(y_pred, "y_pred")
    if prediction.ndim not in (1, 2):
        raise ValueError(
            f"y_pred must have shape (n_samples, n_outputs) or (n_samples,), got {prediction.shape}"
        )
    outputs = _floats(prediction, "y_pred")
    n_samples, n_outputs = outputs.shape if outputs.ndim == 2 else (outputs.size, 1)
    _check_probabilities(outputs, loss)
    y = targets(y_true, loss, n_samples, n_outputs, outputs.dtype, "y_true")
    if sample_weight is None:
        return y, outputs, None
    return y, outputs, weights_of_samples(sample_weight, n_samples, outputs.dtype)


def _floats(array: Numbers, argument: str) -> Floats:
    """Contiguous finite floats of the array's shape."""
    floats = to_floats(array, _float_type(array), argument)
    return floats if array.ndim == 0 else np.ascontiguousarray(floats)


def _check_shape(array: Numbers, argument: str, shape: tuple[int, ...], because: str) -> None:
    """Raise ValueError unless the shape is the one expected."""
    if array.shape != shape:
        raise ValueError(f"{argument} must have shape {shape} ({because}), got {array.shape}")


def _check_probabilities(outputs: Floats, loss: Loss) -> None:
    """Raise ValueError for predictions that are out of range where the loss has one."""
    least, most = _prediction_range(loss)
    low, high = outputs.min(), outputs.max()
    if low < least or high > most:
        wanted = "rates >= 0" if loss.name == "poisson" else "probabilities in [0, 1]"
        raise ValueError(
            f"y_pred must be {wanted} for {loss.name}, "
            f"got {low if low < least else high:g}; for logits say from_logits=True"
        )
