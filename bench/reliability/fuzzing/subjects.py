"""Small models that the calls of the fuzzer are made on."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from shallowcore import layers, models

from bench.reliability.fuzzing import values

SPARSE, CATEGORICAL, BINARY = (
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "binary_crossentropy",
)
_HIDDEN = ("relu", "tanh", "sigmoid", "gelu", "linear", "leaky_relu", "softplus")
FIRST_ORDER = ("sgd", "adam", "rmsprop", "adamw", "adagrad", "nadam", "rprop")
_FULL_BATCH = ("lbfgs", "newton_cg", "levenberg_marquardt", "gradient_descent")


class Subject:
    """A small model with what its calls need to know."""

    def __init__(self, rng: Random) -> None:
        self.n_features = rng.choice((1, 2, 3, 5, 8))
        self.loss = rng.choice((SPARSE, CATEGORICAL, BINARY, "mse", "mse", "huber", "poisson"))
        classes = self.loss in (SPARSE, CATEGORICAL)
        self.n_outputs = rng.choice((2, 3)) if classes else rng.choice((1, 1, 2))
        last = {SPARSE: "softmax", CATEGORICAL: "softmax", BINARY: "sigmoid"}
        last["poisson"] = "exponential"
        self.dtype = rng.choice(("float32", "float64"))
        stack: list[Any] = [layers.Input((self.n_features,))] if rng.random() < 0.85 else []
        if rng.random() < 0.15:
            stack.append(layers.Normalization())
        self.hidden = rng.choice(_HIDDEN) if rng.random() < 0.6 else ""
        if self.hidden:
            stack.append(layers.Dense(rng.choice((1, 3, 8)), self.hidden))
        if rng.random() < 0.1:
            stack.append(layers.Dropout(0.5, seed=1))
        stack.append(layers.Dense(self.n_outputs, last.get(self.loss)))
        second = rng.random() < 0.12
        self.optimizer = rng.choice(_FULL_BATCH if second else FIRST_ORDER)
        metrics = ["accuracy"] if self.loss in (SPARSE, CATEGORICAL, BINARY) else ["mae"]
        self.model = models.Sequential(stack, dtype=self.dtype, seed=rng.randrange(1000))
        standardize = self.loss in ("mse", "huber") and rng.random() < 0.15
        self.poisoned = False  # by a callback that wrote NaN into the weights
        self.model.compile(self.optimizer, self.loss, metrics, standardize_targets=standardize)

    def inputs(self, rng: Random, n: int) -> Any:
        """Inputs, good or bad."""
        return values.array(rng, (n, self.n_features))

    def targets(self, rng: Random, n: int) -> Any:
        """Targets, good or bad."""
        if rng.random() < 0.15:
            return values.array(rng, (n, self.n_outputs))
        if self.loss == SPARSE:
            return values.labels(rng, n, self.n_outputs)
        return values.lay_out(rng, self.good_targets(n))

    def good_inputs(self, rng: Random, n: int) -> Any:
        """Inputs that every call takes."""
        return values.tame(rng, (n, self.n_features), rng.choice((self.dtype, "f8", "f4")))

    def good_targets(self, n: int) -> Any:
        """Targets that the loss takes."""
        if self.loss == SPARSE:
            return np.arange(n) % self.n_outputs
        rows = np.eye(max(2, self.n_outputs))[np.arange(n) % 2]
        return rows[:, : self.n_outputs].astype(self.dtype)
