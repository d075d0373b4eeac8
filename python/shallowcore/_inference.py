"""What `predict` computes, as a list of steps: what every export writes in its own language.

Samples are vectors throughout: the layers before a Flatten work on each number of its own.  Dropout
and steps that change nothing are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from shallowcore.activations import Activation
from shallowcore.layers import Activation as ActivationLayer
from shallowcore.layers import Dense, Dropout, Flatten, Layer, Normalization, Rescaling

if TYPE_CHECKING:
    from shallowcore._persistent_model import PersistentModel

Array = NDArray[np.floating[Any]]

# Value that changes nothing.
_NEUTRAL = {"add": 0.0, "sub": 0.0, "mul": 1.0}


@dataclass(frozen=True)
class Arithmetic:
    """a = x + values, x - values or x * values; one value for each unit, or () for all."""

    operation: Literal["add", "sub", "mul"]
    values: Array


@dataclass(frozen=True)
class Product:
    """a = x kernel + bias; kernel (n_in, n_out), bias (n_out,) or none."""

    kernel: Array
    bias: Array | None


Step = Arithmetic | Product | Activation


@dataclass(frozen=True)
class Inference:
    """Steps of a model in order, and the shape of its samples."""

    dtype: np.dtype[Any]
    input_shape: tuple[int, ...]
    n_outputs: int
    steps: list[Step]

    @property
    def n_inputs(self) -> int:
        """Numbers in a sample."""
        return math.prod(self.input_shape)


def inference_of(model: PersistentModel) -> Inference:
    """Steps of a model with weights; ValueError for what is not finite in its dtype."""
    model._build_known()
    shapes = model._stack.shapes()
    dtype = np.dtype(model.dtype)
    steps = [step for step in _steps(model) if not _does_nothing(step)]
    return Inference(dtype, shapes[0], shapes[-1][0], [_in_dtype(one, dtype) for one in steps])


def _steps(model: PersistentModel) -> Iterator[Step]:
    """Steps with figures in float64 where the layers have them so."""
    scale, offset = 1.0, 0.0
    for layer in model._stack.layers:
        if isinstance(layer, Rescaling):
            # Held back: a normalization may follow.
            scale, offset = scale * layer.scale, offset * layer.scale + layer.offset
        elif isinstance(layer, Normalization):
            yield from _normalization(layer, scale, offset, model.dtype)
            scale, offset = 1.0, 0.0
        elif not isinstance(layer, (Flatten, Dropout)):
            yield from _rescaling(scale, offset)
            scale, offset = 1.0, 0.0
            yield from _computed(layer)
    yield from _rescaling(scale, offset)
    scaling = model._target_scaling
    if scaling is not None:
        yield Arithmetic("mul", scaling.scale)
        yield Arithmetic("add", scaling.mean)


def _computed(layer: Layer) -> Iterator[Step]:
    """Steps of a layer that learns or bends; TypeError for one that is not known."""
    if isinstance(layer, Dense):
        yield Product(layer.kernel.copy(), None if layer.bias is None else layer.bias.copy())
    elif not isinstance(layer, ActivationLayer):
        raise TypeError(f"layer {layer.name!r} cannot be exported: it is a {type(layer).__name__}")
    if layer.activation.name != "identity":
        yield layer.activation


def _rescaling(scale: float, offset: float) -> Iterator[Step]:
    yield Arithmetic("mul", np.array(scale))
    yield Arithmetic("add", np.array(offset))


def _normalization(
    layer: Normalization, scale: float, offset: float, dtype: str
) -> Iterator[Arithmetic]:
    """((scale x + offset) - mean) factor, as x less a mean in two parts, times a factor.

    The core works in float64 here, so that features of large mean and small deviation keep their
    digits.  In float32 the same comes from taking away the mean rounded to float32 first, which is
    exact where much would cancel, and then what the rounding has left.  (Folded into the next
    kernel and bias, mean and deviation would cost mean / deviation epsilons.)
    """
    mean, factor = (np.array(figures) for figures in layer.for_core())
    if scale == 0.0:  # all inputs are alike to the layer
        yield from (Arithmetic("mul", np.zeros_like(mean)), Arithmetic("add", offset - mean))
    else:
        mean, factor = (mean - offset) / scale, factor * scale
        rounded = mean.astype(dtype).astype(np.float64)
        yield from (Arithmetic("sub", rounded), Arithmetic("sub", mean - rounded))
    yield Arithmetic("mul", factor)


def _does_nothing(step: Step) -> bool:
    return isinstance(step, Arithmetic) and bool(np.all(step.values == _NEUTRAL[step.operation]))


def _in_dtype(step: Step, dtype: np.dtype[Any]) -> Step:
    """The step with its arrays in the model's dtype; ValueError where they are not finite in it."""
    if isinstance(step, Arithmetic):
        return Arithmetic(step.operation, _finite(step.values, dtype))
    if isinstance(step, Product):
        bias = None if step.bias is None else _finite(step.bias, dtype)
        return Product(_finite(step.kernel, dtype), bias)
    return step


def _finite(values: Array, dtype: np.dtype[Any]) -> Array:
    with np.errstate(over="ignore"):
        cast: Array = np.asarray(values, dtype=dtype, order="C")
    if not np.isfinite(cast).all():
        raise ValueError(
            f"weights, scales and means must be finite in {dtype.name} to be exported, got "
            f"{values[~np.isfinite(cast)][0]}"
        )
    return cast
