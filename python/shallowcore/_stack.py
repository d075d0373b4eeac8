"""The layers of a model: which may follow which, their names and shapes, and the core's network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from shallowcore import _core, _weights
from shallowcore._checks import batch_shape, check_shape
from shallowcore._initializer import Shape
from shallowcore._weights import Floats
from shallowcore.layers import Dense, Flatten, InputLayer, Layer, Normalization, Rescaling

if TYPE_CHECKING:
    from shallowcore._model_base import LayerModel

Views = dict[Layer, list[Floats]]


def _leaves_room(layer: Layer) -> bool:
    """Whether a normalization may stand after this layer."""
    return isinstance(layer, (Rescaling, Flatten))


class Stack:
    """The layers of one model, without `Input`, and the shape of a sample once it is known."""

    def __init__(self, model: LayerModel) -> None:
        self._model = ref(model)
        self._input_given = False
        self.layers: list[Layer] = []
        self.input_shape: Shape | None = None

    # --- changes ----------------------------------------------------------------------------------
    def extend(self, layers: Sequence[Layer]) -> None:
        """Append layers, all or none of them."""
        before = list(self.layers), self.input_shape, self._input_given
        named = [layer for layer in layers if isinstance(layer, Layer) and layer.name is None]
        try:
            for layer in layers:
                self._append(layer)
            if self.input_shape is not None and self.layers:
                self._chain(self.input_shape)
        except BaseException:
            for layer in self.layers[len(before[0]) :]:
                layer.join(None)
            for layer in named:
                layer.name = None
            self.layers, self.input_shape, self._input_given = before
            raise
        self._forget_network()

    def _append(self, layer: Layer) -> None:
        """Append one layer after checking that it may stand there."""
        if not isinstance(layer, Layer):
            hint = "; give an object, not its class" if isinstance(layer, type) else ""
            raise TypeError(f"expected a layer such as layers.Dense(10), got {layer!r}{hint}")
        if isinstance(layer, InputLayer):
            if self.layers or self._input_given:
                raise ValueError(f"{layer!r} must be the first layer of a model, and the only one")
            self.input_shape, self._input_given = layer.shape, True
            return
        if layer.model is not None:
            raise ValueError(f"layer {layer!r} is in a model already: make a new one")
        if layer.name in [other.name for other in self.layers]:
            raise ValueError(f"names of layers must differ, got {layer.name!r} twice")
        if not self.layers and self.input_shape is None:
            self.input_shape = layer.input_shape
        if isinstance(layer, Normalization) and not all(map(_leaves_room, self.layers)):
            raise ValueError(
                f"{layer!r} must stand before all layers but Rescaling and Flatten, got it after "
                f"{self.layers[-1]!r}"
            )
        if layer.name is None:
            layer.name = self._free_name(type(layer).__name__.lower())
        layer.join(self._model())
        self.layers.append(layer)

    def _free_name(self, base: str) -> str:
        """First of dense, dense_1, dense_2, ... that no layer has."""
        taken = {layer.name for layer in self.layers}
        name, number = base, 0
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        return name

    def pop(self) -> Layer:
        """Remove the last layer and return it."""
        if not self.layers:
            raise ValueError("the model has no layer to remove")
        layer = self.layers.pop()
        layer.join(None)
        self._forget_network()
        return layer

    def _forget_network(self) -> None:
        """Tell the model that its layers have changed."""
        model = self._model()
        if model is not None:
            model.forget_network()

    # --- shapes -----------------------------------------------------------------------------------
    def shapes(self, input_shape: Shape | None = None) -> list[Shape]:
        """Shapes of a sample before the first and after every layer; RuntimeError if unknown."""
        if not self.layers:
            raise RuntimeError("the model has no layers: add one first")
        shape = self.input_shape if input_shape is None else input_shape
        if shape is None:
            raise RuntimeError(
                "the model has no weights yet, the shape of its input is not known: put "
                "layers.Input(shape) first, or call build((None, n_features)) or fit"
            )
        shapes = self._chain(shape)
        if len(shapes[-1]) != 1:
            raise ValueError(
                f"the model's output has shape {batch_shape(shapes[-1])}; expected vectors: "
                "add a Flatten()"
            )
        return shapes

    def _chain(self, shape: Shape) -> list[Shape]:
        """Shapes through all layers, or ValueError where a layer does not fit."""
        shapes = [shape]
        for layer in self.layers:
            shapes.append(layer.compute_output_shape(shapes[-1]))
        return shapes

    def shape_to_build(self, input_shape: Any) -> Shape:
        """Shape of one sample from Keras' batch shape (None, 784), or the one known."""
        if input_shape is None:
            return self.shapes()[0]
        if not isinstance(input_shape, (tuple, list)) or len(input_shape) < 2:
            raise ValueError(
                f"input_shape must be a tuple such as (None, 784), got {input_shape!r}"
            )
        shape = check_shape(input_shape[1:], "input_shape")
        if self.input_shape not in (None, shape):
            raise ValueError(
                f"input_shape must be {batch_shape(self.input_shape or ())}, the model's, "
                f"got {input_shape!r}"
            )
        self.shapes(shape)
        return shape

    def normalization_to_adapt(self) -> Normalization | None:
        """Return the layer that takes its figures from the first fit, if there is one."""
        for layer in self.layers:
            if isinstance(layer, Normalization) and not layer.is_adapted:
                return layer
        return None

    def rescaling_before(self, layer: Layer) -> tuple[float, float]:
        """Scale and offset of what stands before a normalization, taken together."""
        scale, offset = 1.0, 0.0
        for one in self.layers[: self.layers.index(layer)]:
            if isinstance(one, Rescaling):
                scale, offset = scale * one.scale, offset * one.scale + one.offset
        return scale, offset

    # --- the core ---------------------------------------------------------------------------------
    def make_network(
        self,
        input_shape: Shape,
        dtype: np.dtype[Any],
        seed: int,
        kept: Mapping[Layer, list[Floats]],
    ) -> tuple[_core.Network, Views]:
        """Network with first weights, and views on them; `kept` weights of layers stay."""
        shapes = self.shapes(input_shape)
        dense = [
            (layer, shape)
            for layer, shape in zip(self.layers, shapes, strict=False)
            if isinstance(layer, Dense)
        ]
        fitting: Views = {
            layer: kept[layer]
            for layer, shape in dense
            if layer in kept and [v.shape for v in kept[layer]] == layer.parameter_shapes(shape)
        }
        values = _weights.initial_values(dense, seed, dtype, fitting)
        for layer, shape in zip(self.layers, shapes, strict=False):
            layer.prepare(shape)
        described = [layer.to_core() for layer in self.layers]
        network = _core.Network(
            math.prod(input_shape), [one for one in described if one is not None], dtype.name
        )
        views: Views = {}
        remaining = iter(network.parameters())
        for (layer, _), arrays in zip(dense, values, strict=True):
            views[layer] = [next(remaining) for _ in arrays]
            for view, array in zip(views[layer], arrays, strict=True):
                view[...] = array
        return network, views
