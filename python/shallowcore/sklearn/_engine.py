"""The model behind an estimator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import _core, layers, losses, models, optimizers, regularizers
from shallowcore._data import Samples, lend
from shallowcore.sklearn._inputs import readable

Array = NDArray[Any]

# scikit-learn's names of activations.
_NAMES = {"logistic": "sigmoid", "exp": "exponential"}


class Engine:
    """A Sequential model, its weights in the order of coefs_ and intercepts_, and its optimizer."""

    def __init__(self, model: models.Sequential) -> None:
        self.model = model
        self.optimizer_name = ""
        self.optimizer: optimizers.Optimizer = optimizers.SGD()
        self._view()

    def _view(self) -> None:
        """Look at the weights where the core has them."""
        dense = [layer for layer in self.model.layers if isinstance(layer, layers.Dense)]
        self.kernels = [layer.kernel for layer in dense]
        self.biases: list[Any] = [layer.bias for layer in dense]

    def __getstate__(self) -> dict[str, Any]:
        """What copies are made of: not the views, which are the copy's own."""
        return {name: v for name, v in vars(self).items() if name not in ("kernels", "biases")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._view()

    @property
    def dtype(self) -> Any:
        """The dtype of weights and outputs."""
        return self.kernels[0].dtype

    def holds(self, coefs: Sequence[Any], intercepts: Sequence[Any]) -> bool:
        """Whether these are the arrays of the model itself, so that writing to them changes it."""
        pairs = (coefs, self.kernels), (intercepts, self.biases)
        return all(
            len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True)) for a, b in pairs
        )

    def get_weights(self) -> list[Array]:
        """Return copies of all weights."""
        return self.model.get_weights()

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Set all weights."""
        self.model.set_weights(weights)

    # --- training ---------------------------------------------------------------------------------
    def set_optimizer(self, name: str, optimizer: optimizers.Optimizer) -> None:
        """Take another optimizer, its state cleared."""
        self.optimizer_name = name
        self.optimizer = optimizer

    @property
    def learning_rate(self) -> float:
        """Of the optimizer."""
        return float(self.optimizer.learning_rate)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.optimizer.learning_rate = value
        self.model._sync_optimizer(self._network)

    @property
    def _network(self) -> _core.Network:
        network = self.model._network
        assert network is not None
        return network

    def trainer(
        self,
        X: Any,
        targets: Array,
        weight: Array | None,
        loss: losses.Loss,
        *,
        batch_size: int,
        shuffle: bool,
        seed: int,
        epochs: int,
    ) -> _core.Trainer:
        """Return a trainer of this model on checked arrays."""
        self.model.compile(self.optimizer, loss)
        self.model.seed = seed
        samples = Samples(readable(X, self.dtype), targets, self._weights(weight))
        return self.model._trainer(
            self._network,
            samples,
            None,
            batch_size,
            shuffle=shuffle,
            epochs=epochs,
            by_weight=True,
        )

    def _weights(self, weight: Array | None) -> Array | None:
        return None if weight is None else np.ascontiguousarray(weight, dtype=self.dtype)

    # --- what the model gives ---------------------------------------------------------------------
    def predict(self, X: Any) -> Array:
        """Return outputs (n_samples, n_outputs) for checked inputs."""
        return self._network.predict(lend(readable(X, self.dtype)))

    def predict_plain(self, X: Any) -> Array | None:
        """The same for an array that needs no look; None for any other."""
        return self._network.predict_plain(X)

    def loss(self, X: Any, targets: Array, weight: Array | None, loss: losses.Loss) -> float:
        """Return the loss on checked samples, penalties included."""
        data = lend(readable(X, self.dtype), targets, self._weights(weight))
        return self._network.evaluate(data, loss.to_core(), [])[0]


def _activation(name: Any) -> Any:
    return _NAMES.get(name, name) if isinstance(name, str) else name


def _per_layer(activation: Any, n_hidden: int) -> list[Any]:
    """One activation for each hidden layer."""
    if isinstance(activation, str) or not isinstance(activation, Iterable):
        return [activation] * n_hidden
    each = list(activation)
    if len(each) != n_hidden:
        raise ValueError(
            f"activation must be one, or one for each of the {n_hidden} hidden layers, got {each}"
        )
    return each


def make_engine(
    estimator: Any, sizes: Sequence[int], dtype: str, weights: Sequence[Array]
) -> Engine:
    """Return the engine for an estimator's arguments, with these weights."""
    penalty = regularizers.Regularizer(l1=estimator.l1, l2=estimator.alpha / 2)
    hidden = _per_layer(estimator.activation, len(sizes) - 2)
    stack: list[layers.Layer] = [layers.Input((sizes[0],))]
    for units, activation in zip(sizes[1:], [*hidden, estimator.out_activation_], strict=True):
        stack.append(layers.Dense(units, _activation(activation), kernel_regularizer=penalty))
        if estimator.dropout and len(stack) < len(sizes):
            stack.append(layers.Dropout(estimator.dropout))
    model = models.Sequential(stack, dtype=dtype, seed=0)
    dense = [layer for layer in stack if isinstance(layer, layers.Dense)]
    model._views = {layer: list(weights[2 * i : 2 * i + 2]) for i, layer in enumerate(dense)}
    model.build()  # with these weights, as layers keep theirs in a new network
    return Engine(model)
