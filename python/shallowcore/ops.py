"""The core's kernels in the open: dense layers, activations, softmax and losses on plain arrays.

Floats are float32 where every floating argument is, else float64 (integers and half precision are
converted); C- and F-ordered arrays, slices and transposes of two dimensions are read in place.
Nothing that is passed in is written to; results are new arrays.
"""

from __future__ import annotations

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
from shallowcore._checks import check_bool
from shallowcore._targets import targets
from shallowcore.activations import Activation
from shallowcore.losses import Loss

__all__ = [
    "activation",
    "activation_grad",
    "dense",
    "dense_grad",
    "log_softmax",
    "loss",
    "softmax",
]

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


def dense(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    activation: str | Activation = "identity",
    **params: float,
) -> Floats:
    """Return a = g(x w + b).

    Parameters
    ----------
    x : array-like, (n_samples, n_in)
        Inputs.
    w : array-like, (n_in, n_out)
        Kernel.
    b : array-like, (n_out,), optional
        Bias.
    activation : str or activations.Activation, default "identity"
        g.
    **params : float
        Parameters of g, such as negative_slope=0.1.

    Returns
    -------
    ndarray, (n_samples, n_out)
        float32 if every floating argument is, else float64.

    Raises
    ------
    TypeError, ValueError
        For wrong ranks, shapes or dtypes, NaN or infinity, or an unknown activation.

    Examples
    --------
    >>> from shallowcore import ops
    >>> ops.dense([[1.0, 2.0]], [[1.0], [-1.0]], [0.5], "relu")
    array([[0.]])
    """
    function = _activation(activation, params)
    x, w = _array(x, "x", 2), _array(w, "w", 2)
    b = None if b is None else _array(b, "b", 1)
    _check_shape(w, "w", (x.shape[1], w.shape[1]), f"x has {x.shape[1]} columns")
    if b is not None:
        _check_shape(b, "b", (w.shape[1],), f"w has {w.shape[1]} columns")
    dtype = _float_type(x, w, b)
    bias = None if b is None else np.ascontiguousarray(to_floats(b, dtype, "b"))
    return _core.dense(to_floats(x, dtype, "x"), to_floats(w, dtype, "w"), bias, function.to_core())


def dense_grad(
    x: ArrayLike, w: ArrayLike, dz: ArrayLike, *, need_dx: bool = True
) -> tuple[Floats | None, Floats, Floats]:
    """Return the gradients of z = x w + b from those of z.

    dx = dz w^T, dw = x^T dz, db = sum of dz over samples.  Nothing is averaged: where a loss is a
    mean over samples, `dz` carries the 1/n_samples.

    Parameters
    ----------
    x : array-like, (n_samples, n_in)
        Inputs.
    w : array-like, (n_in, n_out)
        Kernel.
    dz : array-like, (n_samples, n_out)
        Gradient of the loss by z.
    need_dx : bool, default True
        Whether dx is wanted.

    Returns
    -------
    dx : ndarray, (n_samples, n_in), or None
        None unless `need_dx`.
    dw : ndarray, (n_in, n_out)
    db : ndarray, (n_out,)

    Raises
    ------
    TypeError, ValueError
        For wrong ranks, shapes or dtypes, NaN or infinity.

    Examples
    --------
    >>> from shallowcore import ops
    >>> dx, dw, db = ops.dense_grad([[1.0, 2.0]], [[3.0], [4.0]], [[0.5]])
    >>> dw
    array([[0.5],
           [1. ]])
    """
    check_bool(need_dx, "need_dx")
    x, w, dz = _array(x, "x", 2), _array(w, "w", 2), _array(dz, "dz", 2)
    _check_shape(w, "w", (x.shape[1], w.shape[1]), f"x has {x.shape[1]} columns")
    _check_shape(dz, "dz", (x.shape[0], w.shape[1]), "x has its rows, w its columns")
    dtype = _float_type(x, w, dz)
    return _core.dense_grad(
        to_floats(x, dtype, "x"), to_floats(w, dtype, "w"), to_floats(dz, dtype, "dz"), need_dx
    )


def activation(z: ArrayLike, name: str | Activation, **params: float) -> Floats:
    """Return g(z), elementwise; softmax and log_softmax work along the last axis.

    Parameters
    ----------
    z : array-like of any shape
        Pre-activations.
    name : str or activations.Activation
        g.
    **params : float
        Parameters of g.

    Returns
    -------
    ndarray, shaped as z
        float32 if z is, else float64.

    Raises
    ------
    TypeError, ValueError
        For a wrong dtype, NaN or infinity, or an unknown activation.

    Examples
    --------
    >>> from shallowcore import ops
    >>> ops.activation([-2.0, 3.0], "leaky_relu", negative_slope=0.1)
    array([-0.2,  3. ])
    """
    function = _activation(name, params)
    array = _array(z, "z")
    if not function.elementwise and array.ndim == 0:
        raise ValueError(f"z must have at least 1 dimension for {function.name}, got shape ()")
    rows, shape = _rows(array)
    return _core.activation(rows, function.to_core()).reshape(shape)


def activation_grad(z: ArrayLike, name: str | Activation, **params: float) -> Floats:
    """Return g'(z), elementwise.

    Parameters
    ----------
    z : array-like of any shape
        Pre-activations; the derivative of relu at 0 is 0.
    name : str or activations.Activation
        g: any but softmax and log_softmax, whose derivatives are matrices.
    **params : float
        Parameters of g.

    Returns
    -------
    ndarray, shaped as z
        float32 if z is, else float64.

    Raises
    ------
    TypeError, ValueError
        For a wrong dtype, NaN or infinity, an unknown activation, or softmax.

    Examples
    --------
    >>> from shallowcore import ops
    >>> ops.activation_grad([-1.0, 0.0, 2.0], "relu")
    array([0., 0., 1.])
    """
    function = _activation(name, params)
    if not function.elementwise:
        raise ValueError(
            f"{function.name} works on whole rows: its derivative is a matrix for each row; "
            "expected an elementwise activation"
        )
    rows, shape = _rows(_array(z, "z"))
    return _core.activation_grad(rows, function.to_core()).reshape(shape)


def softmax(z: ArrayLike) -> Floats:
    """Return e^(z_j - max z) / sum along the last axis; finite for any finite z.

    Parameters
    ----------
    z : array-like, (..., n_outputs)
        Logits.

    Returns
    -------
    ndarray, shaped as z
        Rows that sum to 1.

    Raises
    ------
    TypeError, ValueError
        For a wrong dtype, a single number, NaN or infinity.

    Examples
    --------
    >>> from shallowcore import ops
    >>> ops.softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    return activation(z, "softmax")


def log_softmax(z: ArrayLike) -> Floats:
    """Return z_j - max z - ln sum e^(z_k - max z) along the last axis.

    Parameters
    ----------
    z : array-like, (..., n_outputs)
        Logits.

    Returns
    -------
    ndarray, shaped as z
        Logarithms of `softmax(z)`, without its rounding to 0.

    Raises
    ------
    TypeError, ValueError
        For a wrong dtype, a single number, NaN or infinity.

    Examples
    --------
    >>> from shallowcore import ops
    >>> ops.log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    return activation(z, "log_softmax")


def loss(
    name: str | Loss,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    from_logits: bool = False,
    sample_weight: ArrayLike | None = None,
) -> tuple[float, Floats]:
    """Return a loss and its gradient by `y_pred` (or by the logits), averaged over samples.

    Parameters
    ----------
    name : str or losses.Loss
        The loss; an object brings its own from_logits, label_smoothing and scale.
    y_true : array-like
        Targets: integer labels (n_samples,) for sparse_categorical_crossentropy, else shaped as
        `y_pred`.
    y_pred : array-like, (n_samples, n_outputs) or (n_samples,)
        Predictions, or logits.
    from_logits : bool, default False
        Whether `y_pred` are logits.
    sample_weight : array-like, (n_samples,), optional
        Factor on each sample's loss, >= 0; the mean still divides by n_samples.

    Returns
    -------
    value : float
    gradient : ndarray, shaped as y_pred
        float32 if y_pred is, else float64.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes or dtypes, labels or probabilities out of range, NaN or infinity, or an
        unknown loss.

    Examples
    --------
    >>> from shallowcore import ops
    >>> value, gradient = ops.loss("mse", [1.0, 2.0], [1.0, 4.0])
    >>> value, gradient
    (2.0, array([0., 2.]))
    """
    settings = name if isinstance(name, Loss) else Loss(name, from_logits=from_logits)
    if from_logits and not settings.from_logits:
        raise ValueError(f"from_logits=True was given, but {settings!r} has from_logits=False")
    prediction = _array(y_pred, "y_pred")
    if prediction.ndim not in (1, 2):
        raise ValueError(
            f"y_pred must have shape (n_samples, n_outputs) or (n_samples,), got {prediction.shape}"
        )
    shape = prediction.shape
    dtype = _float_type(prediction)
    outputs = np.ascontiguousarray(to_floats(prediction, dtype, "y_pred")).reshape(shape[0], -1)
    _check_probabilities(outputs, settings)
    y = targets(y_true, settings, shape[0], outputs.shape[1], dtype, "y_true")
    weight = None
    if sample_weight is not None:
        weight = weights_of_samples(sample_weight, shape[0], dtype)
    value, gradient = _core.loss(settings.to_core(), y, outputs, weight)
    return value, gradient.reshape(shape)


def _activation(name: str | Activation, params: dict[str, float]) -> Activation:
    """Activation by name with parameters, or an object, which has its own."""
    if isinstance(name, Activation):
        if params:
            raise TypeError(f"parameters {sorted(params)} were given beside the object {name!r}")
        return name
    return Activation(name, **params)


def _rows(array: Numbers) -> tuple[Floats, tuple[int, ...]]:
    """Contiguous floats of at most two dimensions, and the shape to give back."""
    floats = np.ascontiguousarray(to_floats(array, _float_type(array), "z"))
    width = array.shape[-1] if array.ndim else 1
    return floats if floats.ndim in (1, 2) else floats.reshape(-1, width), array.shape


def _check_shape(array: Numbers, argument: str, shape: tuple[int, ...], because: str) -> None:
    """Raise ValueError unless the shape is the one expected."""
    if array.shape != shape:
        raise ValueError(f"{argument} must have shape {shape} ({because}), got {array.shape}")


def _check_probabilities(outputs: Floats, settings: Loss) -> None:
    """Raise ValueError for predictions that are no probabilities where the loss takes such."""
    if settings.from_logits or settings.name not in _PROBABILITIES:
        return
    low, high = outputs.min(), outputs.max()
    if low < 0 or (high > 1 and settings.name == "binary_crossentropy"):
        wrong = low if low < 0 else high
        raise ValueError(
            f"y_pred must be probabilities in [0, 1] for {settings.name}, got {wrong:g}; "
            "for logits say from_logits=True"
        )
