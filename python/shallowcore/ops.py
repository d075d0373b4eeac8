"""The core's kernels in the open: dense layers, activations, softmax and losses on plain arrays.

Floats are float32 where every floating argument is, else float64 (integers and half precision are
converted); C- and F-ordered arrays, slices and transposes of two dimensions are read in place.
Nothing that is passed in is written to; results are new arrays.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shallowcore import _core, _ops_arguments
from shallowcore._checks import check_bool
from shallowcore._ops_arguments import loss_settings
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
_Result = TypeVar("_Result")


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
    a = None if params else _core.dense(x, w, b, activation)
    if a is None:
        a = _certain(_core.dense(*_ops_arguments.dense(x, w, b, activation, params)))
    return a


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
        Whether dx is wanted.  Without it the values of `w` are not looked at.

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
    gradients = _core.dense_grad(x, w, dz, need_dx)
    if gradients is None:
        arrays = _ops_arguments.dense_grad(x, w, dz)
        gradients = _certain(_core.dense_grad(*arrays, need_dx))
    return gradients


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
    a = None if params else _core.activation(z, name)
    if a is None:
        a = _certain(_core.activation(*_ops_arguments.activation(z, name, params)))
    return a


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
    slope = None if params else _core.activation_grad(z, name)
    if slope is None:
        slope = _certain(_core.activation_grad(*_ops_arguments.activation_grad(z, name, params)))
    return slope


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
    **params: Any,
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
    **params : float or sequence of float
        Settings of a loss by name: `delta` of huber, `quantile` of quantile (one, or one for each
        column), `label_smoothing`, `scale`.

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
    settings = loss_settings(name, from_logits, params)
    found = _core.loss(settings.core, y_true, y_pred, sample_weight, settings.limits)
    if found is None:
        arrays = _ops_arguments.loss(settings.loss, y_true, y_pred, sample_weight)
        found = _certain(_core.loss(settings.core, *arrays, settings.limits))
    return found


def _certain(result: _Result | None) -> _Result:
    """What the core made of arrays that had been checked."""
    if result is None:
        raise RuntimeError("an array was changed by another thread while it was read")
    return result
