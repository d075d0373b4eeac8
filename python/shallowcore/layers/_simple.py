"""Layers without weights."""

from __future__ import annotations

import math
from typing import Any

from shallowcore import _core, activations
from shallowcore._checks import batch_shape, check_float
from shallowcore._initializer import Shape
from shallowcore.layers._base import Layer


class Activation(Layer):
    """An activation of its own: a = g(x).

    Parameters
    ----------
    activation : str or activations.Activation
        g.
    name : str, optional
        Name of the layer.
    input_shape : tuple of int, optional
        Shape of one sample, on the first layer of a model.

    Examples
    --------
    >>> from shallowcore import layers
    >>> layers.Activation("relu")
    Activation(activation='relu')
    """

    def __init__(
        self,
        activation: str | activations.Activation,
        *,
        name: str | None = None,
        input_shape: Any = None,
    ) -> None:
        super().__init__(name, input_shape)
        self.activation: activations.Activation = activations.get(activation)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return `input_shape`; softmax and log_softmax take vectors only."""
        if len(input_shape) != 1 and not self.activation.elementwise:
            raise ValueError(
                f"{self.activation.name} takes vectors, but its input has shape "
                f"{batch_shape(input_shape)}: put a Flatten() before it"
            )
        return input_shape

    def to_core(self) -> _core.Layer:
        """Return the core's description of this layer."""
        return _core.Layer.activation(self.activation.to_core())

    def settings(self) -> dict[str, Any]:
        """See Layer."""
        return {"activation": self.activation.name}


class Flatten(Layer):
    """Samples of any shape as vectors, in C order; images (m, 28, 28) become (m, 784).

    Parameters
    ----------
    name : str, optional
        Name of the layer.
    input_shape : tuple of int, optional
        Shape of one sample, on the first layer of a model.

    Examples
    --------
    >>> from shallowcore import layers
    >>> layers.Flatten().compute_output_shape((28, 28))
    (784,)
    """

    def __init__(self, *, name: str | None = None, input_shape: Any = None) -> None:
        super().__init__(name, input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the number of values in a sample."""
        return (math.prod(input_shape),)


class Rescaling(Layer):
    """a = scale x + offset, for example 8-bit pixels to [0, 1] with scale 1/255.

    As the first layer it is applied while the core reads its input: 8-bit images never become a
    float copy of the whole set.

    Parameters
    ----------
    scale : float
        Factor.
    offset : float, default 0.0
        Term.
    name : str, optional
        Name of the layer.
    input_shape : tuple of int, optional
        Shape of one sample, on the first layer of a model.

    Examples
    --------
    >>> from shallowcore import layers
    >>> layers.Rescaling(1 / 127.5, offset=-1)
    Rescaling(scale=0.00784313725490196, offset=-1.0)
    """

    def __init__(
        self,
        scale: float,
        offset: float = 0.0,
        *,
        name: str | None = None,
        input_shape: Any = None,
    ) -> None:
        super().__init__(name, input_shape)
        self.scale: float = check_float(scale, "scale")
        self.offset: float = check_float(offset, "offset")

    def to_core(self) -> _core.Layer:
        """Return the core's description of this layer."""
        return _core.Layer.rescaling(self.scale, self.offset)

    def settings(self) -> dict[str, Any]:
        """See Layer."""
        return {"scale": self.scale, "offset": self.offset}
