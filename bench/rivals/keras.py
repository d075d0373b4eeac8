"""Keras 3 on JAX: `fit`, compiled; an epoch a call in a given order."""

import os
from functools import lru_cache
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from shallowcore.bench.training import Training
from shallowcore.bench.workload import Data, Orders, Workload
from shallowcore.bench.workloads import WORKLOADS

OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
}
LOSSES = {
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
}
# Several steps in one compiled call help where a step is short (measured: twice as fast on
# `shallow`), and hurt where it is long.
FEW_PARAMETERS, STEPS_AT_ONCE = 1000, 10


@lru_cache
def model_for(name: str) -> Any:
    """The model, compiled; a model keeps what JAX has compiled for it."""
    workload = WORKLOADS[name]
    activations = [*workload.activations[:-1], None]
    stack: list[Any] = [keras.Input((workload.sizes[0],))]
    for units, activation in zip(workload.sizes[1:], activations, strict=True):
        stack.append(keras.layers.Dense(units, activation=activation))
    model = keras.Sequential(stack)
    model.compile(
        OPTIMIZERS[workload.optimizer](**workload.settings),
        LOSSES[workload.loss](from_logits=True),
        jit_compile=True,
        steps_per_execution=STEPS_AT_ONCE if model.count_params() < FEW_PARAMETERS else 1,
    )
    return model


def reset(model: Any, workload: Workload) -> None:
    """Back to the start: weights, steps done and the optimizer's state."""
    model.set_weights(workload.initial_weights())
    for variable in model.optimizer.variables:
        if not variable.path.endswith("learning_rate"):
            variable.assign(np.zeros(variable.shape, variable.dtype))


def prepare(workload: Workload, data: Data, orders: Orders) -> Training:
    """Train from the initial weights."""
    model = model_for(workload.name)
    reset(model, workload)

    def fit(x: Any, y: Any, epochs: int, shuffle: bool) -> list[float]:
        history = model.fit(
            x, y, batch_size=workload.batch_size, epochs=epochs, shuffle=shuffle, verbose=0
        )
        losses: list[float] = history.history["loss"]
        return losses

    def run() -> list[float]:
        if not orders.replayed:
            return fit(data.x, data.y, orders.epochs, workload.shuffle)
        losses = []
        for order in orders:
            rows = slice(None) if order is None else order
            losses += fit(data.x[rows], data.y[rows], 1, False)
        return losses

    return Training(run, lambda: [np.asarray(w) for w in model.get_weights()])
