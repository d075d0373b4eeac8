"""One network twice: the oracle's, and the model with the same layers, weights and loss.

Weights are drawn with standard deviation 1 / sqrt(n_in), which `oracle.tolerances` counts on.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from oracle.losses import one_hot
from oracle.network import Activation, Dense, Dropout, Layer, Loss, Network, Rescaling
from shallowcore import activations, layers, losses, models, regularizers

SPARSE = "sparse_categorical_crossentropy"


def dense(
    rng: np.random.Generator, n_in: int, n_out: int, activation: str = "identity", **options: Any
) -> Dense:
    """Oracle's layer with random weights; `use_bias` and the layer's other fields as options."""
    w = rng.normal(size=(n_in, n_out)) / np.sqrt(n_in)
    b = 0.3 * rng.normal(size=n_out) if options.pop("use_bias", True) else None
    return Dense(w, b, activation, **options)


def chain(
    rng: np.random.Generator, sizes: Sequence[int], names: Sequence[str], dtype: Any = np.float64
) -> Network:
    """Dense layers one after another."""
    pairs = zip(sizes, sizes[1:], names, strict=False)
    return cast(Network([dense(rng, n_in, n_out, name) for n_in, n_out, name in pairs]), dtype)


def cast(network: Network, dtype: Any) -> Network:
    """A copy of dtype; rounded to float32 on the way, so that every dtype has the same weights."""
    copies: list[Layer] = []
    for layer in network.layers:
        copy = type(layer)(**vars(layer))
        if isinstance(copy, Dense):
            copy.w = copy.w.astype(np.float32).astype(dtype)
            copy.b = None if copy.b is None else copy.b.astype(np.float32).astype(dtype)
        copies.append(copy)
    return Network(copies, dtype)


def to_layer(layer: Layer) -> layers.Layer:
    """The model's layer for one of the oracle's."""
    if isinstance(layer, Rescaling):
        return layers.Rescaling(layer.scale, layer.offset)
    if isinstance(layer, Dropout):
        return layers.Dropout(layer.rate, layer.seed)
    g = activations.Activation(layer.activation, **layer.parameters)
    if isinstance(layer, Activation):
        return layers.Activation(g)
    return layers.Dense(
        layer.w.shape[1],
        g,
        use_bias=layer.b is not None,
        kernel_regularizer=regularizers.L1L2(layer.kernel_l1, layer.kernel_l2),
        bias_regularizer=regularizers.L1L2(layer.bias_l1, layer.bias_l2),
    )


def to_loss(loss: Loss) -> losses.Loss:
    """The model's loss for one of the oracle's."""
    options = {"from_logits": loss.from_logits, "label_smoothing": loss.label_smoothing}
    given: dict[str, Any] = {name: value for name, value in options.items() if value}
    return losses.Loss(loss.name, scale=loss.scale, **given, **loss.parameters)


def model_of(
    network: Network,
    n_features: int,
    loss: Loss,
    optimizer: Any = "sgd",
    metrics: Sequence[str] = (),
    seed: int = 0,
) -> models.Sequential:
    """The compiled model with the network's layers and weights."""
    stack = [layers.Input((n_features,)), *(to_layer(layer) for layer in network.layers)]
    model = models.Sequential(stack, dtype=np.dtype(network.dtype).name, seed=seed)
    model.set_weights(network.parameters())
    model.compile(optimizer, to_loss(loss), list(metrics))
    return model


def targets_of(
    loss: Loss, rng: np.random.Generator, n_samples: int, n_outputs: int, dtype: Any
) -> Any:
    """Targets that the loss takes: labels, one-hot rows, zeros and ones, or any numbers."""
    labels = rng.integers(0, n_outputs, n_samples)
    if loss.name == SPARSE:
        return labels
    if loss.name == "categorical_crossentropy":
        return one_hot(labels, n_outputs, dtype)
    if loss.name in ("binary_crossentropy", "hinge"):
        return (rng.random((n_samples, n_outputs)) > 0.5).astype(dtype)
    if loss.name == "poisson":
        return rng.poisson(2.0, (n_samples, n_outputs)).astype(dtype)
    return rng.normal(size=(n_samples, n_outputs)).astype(dtype)
