"""Losses: each returns (value, gradient with respect to y_pred or the logits).

y_pred (n_samples, n_outputs); value = scale / n_samples * sum_i weight_i L_i (Keras 3's
"sum_over_batch_size": the divisor is the number of samples, not the sum of the weights).
All but the categorical ones average over the outputs of a sample too, as Keras does.
Logarithms of probabilities are taken of max(p, tiny), tiny the smallest normal number of the dtype:
a right and saturated prediction costs exactly 0, a wrong one a large finite number (Keras clips at
1e-7 instead, which costs 1e-7 where nothing is wrong).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oracle.activations import Array, log_softmax, row_sum, sigmoid, softmax

Result = tuple[float, Array]


# --- averaging -----------------------------------------------------------------------------------
def averaged(
    per_sample: Array, gradient: Array, sample_weight: Array | None, scale: float
) -> Result:
    """J = scale / m sum_i weight_i L_i and its gradient.

    per_sample (n_samples,), gradient (n_samples, n_outputs): dL_i / dy_pred_i.
    """
    n_samples = len(per_sample)
    weight = np.ones_like(per_sample) if sample_weight is None else sample_weight
    value = scale * np.sum(weight * per_sample, dtype=np.float64) / n_samples
    return float(value), gradient * (weight * (scale / n_samples))[:, None]


# --- mean squared error --------------------------------------------------------------------------
def mean_squared_error(
    y_true: Array, y_pred: Array, *, sample_weight: Array | None = None, scale: float = 1.0
) -> Result:
    """L = mean_j (a_j - y_j)^2, dL/da_j = 2 (a_j - y_j) / n_outputs."""
    difference = y_pred - y_true
    gradient = 2 * difference / y_pred.shape[1]
    return averaged(np.mean(difference**2, axis=1), gradient, sample_weight, scale)


# --- other losses of real targets ----------------------------------------------------------------
def mean_over_outputs(
    value: Array, slope: Array, sample_weight: Array | None, scale: float
) -> Result:
    """L = mean_j value_j, dL/da_j = slope_j / n_outputs."""
    return averaged(np.mean(value, axis=1), slope / value.shape[1], sample_weight, scale)


def mean_absolute_error(
    y_true: Array, y_pred: Array, *, sample_weight: Array | None = None, scale: float = 1.0
) -> Result:
    """L = mean_j |a_j - y_j|; slope sign(a_j - y_j), 0 at 0."""
    e = y_pred - y_true
    return mean_over_outputs(np.abs(e), np.sign(e), sample_weight, scale)


def huber(
    y_true: Array,
    y_pred: Array,
    *,
    delta: float = 1.0,
    sample_weight: Array | None = None,
    scale: float = 1.0,
) -> Result:
    """e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2; slope e cut off at +-delta."""
    e = y_pred - y_true
    value = np.where(np.abs(e) <= delta, e**2 / 2, delta * np.abs(e) - delta**2 / 2)
    return mean_over_outputs(value, np.clip(e, -delta, delta), sample_weight, scale)


def log_cosh(
    y_true: Array, y_pred: Array, *, sample_weight: Array | None = None, scale: float = 1.0
) -> Result:
    """ln cosh e, e = a - y; slope tanh e.

    ln(1 + 2 sinh^2(e / 2)) for small e, |e| + ln(1 + e^-2|e|) - ln 2 for others.
    """
    e = y_pred - y_true
    size = np.abs(e)
    near = np.log1p(2 * np.sinh(np.minimum(size, 1) / 2) ** 2)
    far = size + np.log1p(np.exp(-2 * size)) - math.log(2)
    return mean_over_outputs(np.where(size < 1, near, far), np.tanh(e), sample_weight, scale)


def quantile(
    y_true: Array,
    y_pred: Array,
    *,
    quantile: float | Sequence[float] = 0.5,
    sample_weight: Array | None = None,
    scale: float = 1.0,
) -> Result:
    """Pinball loss max(q e, (q - 1) e), e = y - a; q one number or one for each output."""
    e = y_true - y_pred
    q = np.asarray(quantile, dtype=y_pred.dtype)
    slope = np.where(e > 0, -q, 1 - q) * (e != 0)
    return mean_over_outputs(np.maximum(q * e, (q - 1) * e), slope, sample_weight, scale)


POISSON_EPSILON = 1e-7  # Keras'


def poisson(
    y_true: Array,
    y_pred: Array,
    *,
    from_logits: bool = False,
    sample_weight: Array | None = None,
    scale: float = 1.0,
) -> Result:
    """a - y ln(a + 1e-7), slope 1 - y / (a + 1e-7); from logits z = ln a: e^z - y z, e^z - y."""
    if from_logits:
        rate = np.exp(y_pred)
        return mean_over_outputs(rate - y_true * y_pred, rate - y_true, sample_weight, scale)
    rate = y_pred + POISSON_EPSILON
    value = y_pred - y_true * np.log(rate)
    return mean_over_outputs(value, 1 - y_true / rate, sample_weight, scale)


def hinge(
    y_true: Array, y_pred: Array, *, sample_weight: Array | None = None, scale: float = 1.0
) -> Result:
    """max(0, 1 - y a), y = 1 or -1, 0 stands for -1; slope -y where y a < 1."""
    y = np.where(y_true == 0, np.full_like(y_true, -1), y_true)
    margin = 1 - y * y_pred
    value = np.maximum(0, margin)
    return mean_over_outputs(value, np.where(margin > 0, -y, 0 * y), sample_weight, scale)


# --- binary cross-entropy ------------------------------------------------------------------------
def smooth_binary(y_true: Array, label_smoothing: float) -> Array:
    """y (1 - s) + s / 2."""
    return y_true * (1 - label_smoothing) + 0.5 * label_smoothing


def softplus(z: Array) -> Array:
    """ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|)."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def binary_from_logits(y: Array, z: Array) -> tuple[Array, Array]:
    """L = y softplus(-z) + (1 - y) softplus(z), dL/dz = (1 - y) s(z) - y s(-z) = s(z) - y.

    Elementwise, (n_samples, n_outputs) both; written so that nothing cancels.
    """
    value = y * softplus(-z) + (1 - y) * softplus(z)
    return value, (1 - y) * sigmoid(z) - y * sigmoid(-z)


def binary_from_probabilities(y: Array, p: Array) -> tuple[Array, Array]:
    """L = -(y ln p + (1 - y) ln(1 - p)), dL/dp = (1 - y) / (1 - p) - y / p; clipped at tiny."""
    tiny = np.finfo(p.dtype).tiny
    yes, no = np.maximum(p, tiny), np.maximum(1 - p, tiny)
    return -(y * np.log(yes) + (1 - y) * np.log(no)), (1 - y) / no - y / yes


def binary_crossentropy(
    y_true: Array,
    y_pred: Array,
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    sample_weight: Array | None = None,
    scale: float = 1.0,
) -> Result:
    """Mean over the outputs of the elementwise cross-entropy."""
    y = smooth_binary(y_true, label_smoothing)
    elementwise = binary_from_logits if from_logits else binary_from_probabilities
    value, gradient = elementwise(y, y_pred)
    n_outputs = y_pred.shape[1]
    return averaged(np.mean(value, axis=1), gradient / n_outputs, sample_weight, scale)


# --- categorical cross-entropy -------------------------------------------------------------------
def smooth_categorical(y_true: Array, label_smoothing: float) -> Array:
    """y (1 - s) + s / n_outputs."""
    uniform: float = label_smoothing / y_true.shape[1]
    return y_true * (1 - label_smoothing) + uniform


def one_hot(labels: NDArray[np.integer[Any]], n_outputs: int, dtype: Any) -> Array:
    """y_ij = 1 if labels_i = j else 0.  labels (n_samples,); returns (n_samples, n_outputs)."""
    return np.array(labels[:, None] == np.arange(n_outputs), dtype=dtype)


def categorical_from_logits(y: Array, z: Array) -> tuple[Array, Array]:
    """L = -sum_j y_j log_softmax(z)_j, dL/dz_j = softmax(z)_j sum_k y_k - y_j.

    Classes with y_j = 0 cost nothing even where ln a_j = -inf.
    """
    terms = np.where(y == 0, np.zeros_like(z), log_softmax(z))
    gradient = softmax(z) * row_sum(y) - y
    return -np.sum(y * terms, axis=1), gradient


def categorical_from_probabilities(y: Array, p: Array) -> tuple[Array, Array]:
    """L = -sum_j y_j (ln p_j - ln S), S = sum_k p_k; dL/dp_j = sum_k y_k / S - y_j / p_j.

    p is clipped below at tiny first; rows need not sum to 1, as in Keras.
    """
    clipped = np.maximum(p, np.finfo(p.dtype).tiny)
    total = row_sum(clipped)
    value = -np.sum(y * (np.log(clipped) - np.log(total)), axis=1)
    return value, row_sum(y) / total - y / clipped


def categorical_crossentropy(
    y_true: Array,
    y_pred: Array,
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    sample_weight: Array | None = None,
    scale: float = 1.0,
) -> Result:
    """Cross-entropy of one-hot (or any non-negative) targets, summed over classes."""
    y = smooth_categorical(y_true, label_smoothing)
    rowwise = categorical_from_logits if from_logits else categorical_from_probabilities
    value, gradient = rowwise(y, y_pred)
    return averaged(value, gradient, sample_weight, scale)


def sparse_categorical_crossentropy(
    y_true: NDArray[np.integer[Any]],
    y_pred: Array,
    *,
    from_logits: bool = False,
    sample_weight: Array | None = None,
    scale: float = 1.0,
) -> Result:
    """The same from integer labels (n_samples,)."""
    return categorical_crossentropy(
        one_hot(y_true, y_pred.shape[1], y_pred.dtype),
        y_pred,
        from_logits=from_logits,
        sample_weight=sample_weight,
        scale=scale,
    )


# --- by name -------------------------------------------------------------------------------------
LOSSES: dict[str, Callable[..., Result]] = {
    "mean_squared_error": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "huber": huber,
    "log_cosh": log_cosh,
    "quantile": quantile,
    "poisson": poisson,
    "hinge": hinge,
    "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
}

# Output activation and loss that are computed together from the logits.
FUSED = {
    ("sigmoid", "binary_crossentropy"),
    ("softmax", "categorical_crossentropy"),
    ("softmax", "sparse_categorical_crossentropy"),
    ("exponential", "poisson"),
}


def loss(name: str, y_true: Any, y_pred: Array, **options: Any) -> Result:
    """Loss by name; options are those of its function."""
    return LOSSES[name](y_true, y_pred, **options)
