"""Numbers about a model that several lecture rows need: its loss, its accuracy, its mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import models


def loss_of(model: models.Sequential, x: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the model's loss on (x, y), penalties included."""
    return float(np.ravel(model.evaluate(x, y, verbose=0))[0])


def accuracy_of(model: models.Sequential, x: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the accuracy of a model compiled with metrics=["accuracy"]."""
    return float(np.ravel(model.evaluate(x, y, verbose=0))[1])


def confusion_matrix(
    labels: NDArray[Any], predictions: NDArray[Any], n_classes: int
) -> NDArray[np.int64]:
    """Return counts of samples by true class (row) and predicted class (column).

    Parameters
    ----------
    labels, predictions : ndarray of int, shape (n_samples,) or (n_samples, 1)
        Classes from 0 to n_classes - 1.
    n_classes : int
        How many classes there are.

    Returns
    -------
    ndarray of int64, shape (n_classes, n_classes)
    """
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(counts, (np.ravel(labels).astype(int), np.ravel(predictions).astype(int)), 1)
    return counts
