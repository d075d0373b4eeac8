"""What a Keras model of dense layers is made of.

Layers and activations are known by their names, and only those that Keras defines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import _registry, activations
from shallowcore.layers import Activation, Dense, Dropout, Flatten, Layer, Normalization, Rescaling

Parts = tuple[tuple[int, ...], list[Layer], list[Any]]

# Keras' defaults where they are not those of the core's table.
_DEFAULTS: dict[str, dict[str, float]] = {"leaky_relu": {"negative_slope": 0.2}}


def parts(model: Any) -> Parts:
    """Shape of a sample, layers and their weights."""
    if type(model).__name__ != "Sequential" or not _is_keras(type(model)):
        raise TypeError(f"model must be a keras.Sequential, got {type(model).__name__}")
    if not model.built:
        raise ValueError("the Keras model has no weights yet: call its build first")
    stack: list[Layer] = []
    weights: list[Any] = []
    for layer in model.layers:
        if not _is_keras(type(layer)):
            raise _no_counterpart(layer)
        if type(layer).__name__ == "InputLayer":
            continue
        stack.append(_layer(layer))
        if isinstance(stack[-1], Dense):
            weights += map(_float, layer.get_weights())
    return tuple(model.input_shape[1:]), stack, weights


def _is_keras(kind: Any) -> bool:
    """Whether Keras defines this class or function."""
    return str(getattr(kind, "__module__", "")).split(".")[0] in ("keras", "tf_keras")


def _no_counterpart(layer: Any, why: str = "") -> TypeError:
    return TypeError(
        f"layer {layer.name!r} has no counterpart: it is a {type(layer).__name__}{why}"
    )


def _float(array: Any) -> NDArray[Any]:
    """An array of float32, or of float64 if it is that."""
    found = np.asarray(array)
    return found if found.dtype == np.float64 else found.astype(np.float32)


def _layer(layer: Any) -> Layer:
    """Return the counterpart of a layer, without weights."""
    kind = type(layer).__name__
    if kind == "Dense":
        if getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None):
            raise _no_counterpart(layer, " with LoRA or quantized weights")
        return Dense(layer.units, _activation(layer, layer.activation), use_bias=layer.use_bias)
    if kind == "Activation":
        return Activation(_activation(layer, layer.activation))
    if kind == "Dropout":
        return Dropout(layer.rate)
    if kind == "Flatten":
        return Flatten()
    if kind == "Rescaling":
        return Rescaling(layer.scale, layer.offset)
    if kind == "Normalization":
        return _normalization(layer)
    return Activation(_layer_of_activation(layer, layer))


def _activation(layer: Any, function: Any) -> activations.Activation:
    """Return the activation that a layer's function, or layer of an activation, is."""
    if function is None:
        return activations.Activation("identity")
    if not _is_keras(function):
        raise _no_counterpart(layer, f" with the activation {function!r}")
    name = getattr(function, "__name__", None)
    if not isinstance(name, str):
        return _layer_of_activation(layer, function)
    if name not in {*_registry.activations(), *_registry.activation_aliases()}:
        raise _no_counterpart(layer, f" with the activation {name}")
    return activations.Activation(name, **_DEFAULTS.get(name, {}))


def _layer_of_activation(layer: Any, function: Any) -> activations.Activation:
    """Return the activation of a ReLU, LeakyReLU, ELU or Softmax layer."""
    kind = type(function).__name__
    if kind == "ReLU" and function.max_value is None and not function.threshold:
        slope = float(function.negative_slope)
        if slope == 0.0:
            return activations.Activation("relu")
        return activations.Activation("leaky_relu", negative_slope=slope)
    if kind == "LeakyReLU":
        return activations.Activation("leaky_relu", negative_slope=float(function.negative_slope))
    if kind == "ELU":
        return activations.Activation("elu", alpha=float(function.alpha))
    if kind == "Softmax" and function.axis in (-1, 1):
        return activations.Activation("softmax")
    raise _no_counterpart(layer, "" if kind == type(layer).__name__ else f" with {kind}")


def _normalization(layer: Any) -> Normalization:
    """Return the layer with mean and variance as settings."""
    if getattr(layer, "invert", False):
        raise _no_counterpart(layer, " with invert=True")
    axis = tuple(layer.axis)
    figures = [np.asarray(one, dtype=np.float64) for one in (layer.mean, layer.variance)]
    n_axes = figures[0].ndim  # (1, ...), 1 also where an axis is not kept
    kept = sorted(one + n_axes if one < 0 else one for one in axis)
    mean, variance = (one.reshape([one.shape[a] for a in kept]) for one in figures)
    return Normalization(axis or None, mean, variance)
