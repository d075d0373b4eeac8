"""Losses: each returns (value, gradient with respect to y_pred or the logits).

y_pred (n_samples, n_outputs); value = scale / n_samples * sum_i weight_i L_i (Keras 3's
"sum_over_batch_size": the divisor is the number of samples, not the sum of the weights).
Mean squared error and binary cross-entropy average over the outputs of a sample too, as Keras does.
Logarithms of probabilities are taken of max(p, tiny), tiny the smallest normal number of the dtype:
a right and saturated prediction costs exactly 0, a wrong one a large finite number (Keras clips at
1e-7 instead, which costs 1e-7 where nothing is wrong).
"""

from collections.abc import Callable
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
    "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
}

# Output activation and loss that are computed together from the logits.
FUSED = {
    ("sigmoid", "binary_crossentropy"),
    ("softmax", "categorical_crossentropy"),
    ("softmax", "sparse_categorical_crossentropy"),
}


def loss(name: str, y_true: Any, y_pred: Array, **options: Any) -> Result:
    """Loss by name; options are those of its function."""
    return LOSSES[name](y_true, y_pred, **options)
