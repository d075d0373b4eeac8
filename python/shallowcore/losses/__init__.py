"""Losses as objects, under Keras' names: what to minimise and how it is scaled.

A loss object holds settings only; the core computes.  Every entry of the core's table can be had by
name through `Loss` or `get`; the classes give Keras' signatures.
"""

from shallowcore.losses._base import Loss, get
from shallowcore.losses._crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from shallowcore.losses._regression import (
    Hinge,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
)

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Hinge",
    "Huber",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "Quantile",
    "SparseCategoricalCrossentropy",
    "get",
]
