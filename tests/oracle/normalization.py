"""Features and targets with mean 0 and variance 1, as Keras' Normalization and scikit-learn do it.

Sums are of the differences from the first sample, in long double: large numbers that differ little
lose nothing.
"""

from typing import Any

import numpy as np

from oracle.activations import Array

LEAST_DEVIATION = 1e-7


def moments(x: Any) -> tuple[Array, Array]:
    """Mean and variance over samples of each feature; x (n_samples, ...), both of shape (...)."""
    x = np.asarray(x).astype(np.longdouble)
    differences = x - x[0]
    mean = differences.mean(axis=0)
    variance = ((differences - mean) ** 2).mean(axis=0)
    return (x[0] + mean).astype(np.float64), variance.astype(np.float64)


def normalize(x: Any, mean: Array, variance: Array) -> Array:
    """(x - mean) / max(sqrt(variance), 1e-7): a constant feature becomes zeros."""
    x = np.asarray(x).astype(np.float64)
    return np.asarray((x - mean) / np.maximum(np.sqrt(variance), LEAST_DEVIATION))


def target_scaling(y: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of each output, 1 where all its targets are equal."""
    mean, variance = moments(y)
    return mean, np.where(variance > 0, np.sqrt(variance), 1.0)


def standardize(y: Array, mean: Array, scale: Array) -> Array:
    """Targets in the units of the loss: (y - mean) / scale."""
    return (y - mean) / scale


def to_units(outputs: Array, mean: Array, scale: Array) -> Array:
    """Outputs of the network in the targets' own units."""
    return outputs * scale + mean
