"""Metrics of a batch of predictions, unweighted means over samples (and outputs), as Keras 3.

y_pred (n_samples, n_outputs) are the network's outputs, activation applied.
"""

from typing import Any

import numpy as np

from oracle.activations import Array


def binary_accuracy(y_true: Array, y_pred: Array) -> float:
    """Share of outputs with (a > 0.5) = y; exactly 0.5 counts as class 0."""
    return float(np.mean((y_pred > 0.5).astype(y_true.dtype) == y_true))


def categorical_accuracy(y_true: Array, y_pred: Array) -> float:
    """Share of rows with argmax a = argmax y; the first of equal maxima wins."""
    return float(np.mean(np.argmax(y_pred, axis=1) == np.argmax(y_true, axis=1)))


def sparse_categorical_accuracy(y_true: Any, y_pred: Array) -> float:
    """Share of rows with argmax a = label.  y_true (n_samples,) integers."""
    return float(np.mean(np.argmax(y_pred, axis=1) == y_true))


def mean_squared_error(y_true: Array, y_pred: Array) -> float:
    """Mean of (a - y)^2."""
    return float(np.mean((y_pred - y_true) ** 2, dtype=np.float64))


def mean_absolute_error(y_true: Array, y_pred: Array) -> float:
    """Mean of |a - y|."""
    return float(np.mean(np.abs(y_pred - y_true), dtype=np.float64))


def accuracy(y_true: Any, y_pred: Array, loss_name: str) -> float:
    """Sparse, binary or categorical accuracy, as the loss (and one output or several) says."""
    if loss_name == "sparse_categorical_crossentropy":
        return sparse_categorical_accuracy(y_true, y_pred)
    if loss_name == "binary_crossentropy" or y_pred.shape[1] == 1:
        return binary_accuracy(y_true, y_pred)
    return categorical_accuracy(y_true, y_pred)


def metric(name: str, y_true: Any, y_pred: Array, loss_name: str) -> float:
    """Metric by name: "accuracy", "mse" or "mae"."""
    if name == "accuracy":
        return accuracy(y_true, y_pred, loss_name)
    return {"mse": mean_squared_error, "mae": mean_absolute_error}[name](y_true, y_pred)


def confusion_matrix(labels: Any, predicted: Any, n_classes: int) -> Any:
    """c_ij = number of samples of class i predicted as j; labels and predicted (n_samples,)."""
    matrix = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix
