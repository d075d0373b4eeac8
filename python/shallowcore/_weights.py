"""Weights of a network: first values, checked assignment, and the warning about symmetry."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shallowcore._arrays import as_array, check_number_type, to_floats
from shallowcore._initializer import Draw, Shape, generator
from shallowcore.layers import Dense, Layer

Floats: TypeAlias = NDArray[np.floating[Any]]


def checked(value: Any, shape: Shape, dtype: np.dtype[Any], what: str) -> Floats:
    """Finite array of this shape and dtype, or an error that names `what`."""
    array = check_number_type(as_array(value, what), what)
    if array.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got {array.shape}")
    return to_floats(array, dtype, what)


def assign(views: Sequence[Floats], weights: Any) -> None:
    """Copy arrays into views, all of them or, where one does not fit, none."""
    scalar = getattr(weights, "ndim", 1) == 0
    if isinstance(weights, (str, bytes)) or not hasattr(weights, "__len__") or scalar:
        raise TypeError(f"weights must be a list of arrays, got {weights!r}")
    if len(weights) != len(views):
        shapes = ", ".join(str(view.shape) for view in views)
        raise ValueError(
            f"weights must be a list of {len(views)} arrays with shapes {shapes}, "
            f"got {len(weights)}"
        )
    new = [
        checked(value, view.shape, view.dtype, f"weights[{i}]")
        for i, (view, value) in enumerate(zip(views, weights, strict=True))
    ]
    for view, array in zip(views, new, strict=True):
        view[...] = array


def initial_values(
    layers: Sequence[tuple[Dense, Shape]],
    seed: int,
    dtype: np.dtype[Any],
    kept: Mapping[Layer, list[Floats]],
) -> list[list[Floats]]:
    """First weights of each Dense layer, given with its input shape; those in `kept` stay.

    Parameter k of the model draws from the generator keyed (seed, k).
    """
    values: list[list[Floats]] = []
    index = 0
    for layer, input_shape in layers:
        draws: list[tuple[str, Draw]] = [
            ("kernel_initializer", layer.kernel_initializer),
            ("bias_initializer", layer.bias_initializer),
        ]
        arrays = []
        shapes = layer.parameter_shapes(input_shape)
        if layer in kept:
            values.append(kept[layer])
            index += len(shapes)
            continue
        for (argument, draw), shape in zip(draws, shapes, strict=False):
            what = f"{argument} of layer {layer.name!r}"
            if math.prod(shape) * dtype.itemsize >= 2**63:
                raise MemoryError(f"{what} cannot make an array of shape {shape}: it is too large")
            arrays.append(checked(_call(draw, shape, seed, index, what), shape, dtype, what))
            index += 1
        values.append(arrays)
    return values


def _call(draw: Draw, shape: Shape, seed: int, index: int, what: str) -> Any:
    """Value of an initializer; TypeError where it does not take (shape, rng)."""
    rng = generator(seed, index)
    make: Callable[..., Any] = draw
    try:
        return make(shape, rng)
    except TypeError as error:
        raise TypeError(
            f"{what} must be a name, an array or a callable (shape, rng) -> array, "
            f"got {draw!r}: {error}"
        ) from error


def symmetric_layer(layers: Sequence[Dense]) -> str | None:
    """Name of the first hidden layer whose units are all alike, and stay so for ever, or None.

    Units with the same incoming weights, bias and outgoing weights get the same gradients.
    """
    for layer, following in pairwise(layers):
        kernel, bias, outgoing = layer.kernel, layer.bias, following.kernel
        if layer.units < 2 or not np.all(kernel[0] == kernel[0, 0]):
            continue
        alike_in = bool(np.all(kernel == kernel[:, :1])) and bool(
            bias is None or np.all(bias == bias[0])
        )
        if alike_in and np.all(outgoing == outgoing[:1]):
            return layer.name
    return None
