"""Optimizers as objects, under Keras' names and with Keras' defaults: settings only.

The core holds the state and does the work; a model hands changed settings to it before it trains
on, so `model.optimizer.learning_rate = 1e-4` holds from the next epoch, also inside a callback.
"""

from shallowcore.optimizers import schedules
from shallowcore.optimizers._base import Optimizer, get
from shallowcore.optimizers._first_order import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Nadam,
    RMSprop,
    Rprop,
)
from shallowcore.optimizers._second_order import (
    LBFGS,
    GradientDescent,
    LevenbergMarquardt,
    NewtonCG,
)

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "GradientDescent",
    "LevenbergMarquardt",
    "Nadam",
    "NewtonCG",
    "Optimizer",
    "RMSprop",
    "Rprop",
    "get",
    "schedules",
]
