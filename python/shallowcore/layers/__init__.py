"""Layers of a Sequential model, under Keras' names: settings, shapes, and views on the weights."""

from shallowcore.layers._base import Input, InputLayer, Layer
from shallowcore.layers._dense import Dense
from shallowcore.layers._dropout import Dropout
from shallowcore.layers._normalization import Normalization
from shallowcore.layers._simple import Activation, Flatten, Rescaling

__all__ = [
    "Activation",
    "Dense",
    "Dropout",
    "Flatten",
    "Input",
    "InputLayer",
    "Layer",
    "Normalization",
    "Rescaling",
]
