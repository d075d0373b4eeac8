"""Layers of a Sequential model, under Keras' names: settings, shapes, and views on the weights.

A layer belongs to one model at most.  Its weights live in the core once the model is built; the
arrays `kernel` and `bias` are views on that memory, so writing to them changes the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shallowcore import _core, activations, initializers, regularizers
from shallowcore._checks import batch_shape, check_bool, check_float, check_int, check_shape
from shallowcore._initializer import Draw, Shape

if TYPE_CHECKING:
    from shallowcore._model_base import LayerModel

__all__ = ["Activation", "Dense", "Flatten", "Input", "InputLayer", "Layer", "Rescaling"]


class Layer:
    """Base class of all layers.

    Parameters
    ----------
    name : str, optional
        Name in summaries; by default the class's, numbered within the model.
    input_shape : tuple of int, optional
        Shape of one sample, for the first layer of a model without `Input`.

    Attributes
    ----------
    name : str or None
        None until the layer is in a model, unless it was given.

    Examples
    --------
    >>> from shallowcore import layers
    >>> layers.Flatten(input_shape=(28, 28)).input_shape
    (28, 28)
    """

    def __init__(self, name: str | None = None, input_shape: Any = None) -> None:
        if name is not None and (not isinstance(name, str) or not name):
            raise TypeError(f"name must be a non-empty string, got {name!r}")
        self.name = name
        self.input_shape = None if input_shape is None else check_shape(input_shape, "input_shape")
        self._model: ReferenceType[LayerModel] | None = None

    @property
    def model(self) -> LayerModel | None:
        """The model that the layer is in, or None."""
        return None if self._model is None else self._model()

    def join(self, model: LayerModel | None) -> None:
        """Note the model that the layer is in."""
        self._model = None if model is None else ref(model)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of one output sample, or raise ValueError if the input does not fit."""
        return input_shape

    def to_core(self) -> _core.Layer | None:
        """Return the core's description of this layer, None where it has nothing to compute."""
        return None

    def parameter_shapes(self, input_shape: Shape) -> list[Shape]:
        """Shapes of the arrays that this layer learns, in order."""
        return []

    def count_params(self) -> int:
        """Return the number of weights; RuntimeError before the model is built."""
        return sum(weights.size for weights in self.get_weights())

    def _views(self) -> list[NDArray[np.floating[Any]]]:
        """Writable views on this layer's weights in the core."""
        model = self.model
        if model is None:
            raise RuntimeError(f"layer {self!r} is in no model yet: it has no weights")
        return model.views_of(self)

    def get_weights(self) -> list[NDArray[np.floating[Any]]]:
        """Return copies of the layer's weights, [kernel, bias] for Dense."""
        return [view.copy() for view in self._views()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set the layer's weights from arrays of the shapes that `get_weights` returns.

        Nothing is changed where one of them does not fit (TypeError, ValueError).
        """
        from shallowcore._weights import assign

        assign(self._views(), weights)

    def settings(self) -> dict[str, Any]:
        """Return the arguments that tell this layer from another, for its representation."""
        return {}

    def __repr__(self) -> str:
        inner = ", ".join(
            str(v) if k == "units" else f"{k}={v!r}" for k, v in self.settings().items()
        )
        return f"{type(self).__name__}({inner})"


class InputLayer(Layer):
    """The shape of one sample; `Input` is the usual name.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, without the number of samples.
    name : str, optional
        Name of the layer.

    Examples
    --------
    >>> from shallowcore import layers
    >>> layers.Input((784,))
    InputLayer(shape=(784,))
    """

    def __init__(self, shape: Any, name: str | None = None) -> None:
        super().__init__(name, check_shape(shape, "shape"))

    @property
    def shape(self) -> Shape:
        """Shape of one sample."""
        assert self.input_shape is not None
        return self.input_shape

    def settings(self) -> dict[str, Any]:
        """See Layer."""
        return {"shape": self.input_shape}


def Input(shape: Any, name: str | None = None) -> InputLayer:
    """Return the layer that fixes the shape of one sample, as the first of a model.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, without the number of samples.
    name : str, optional
        Name of the layer.

    Returns
    -------
    InputLayer
        The layer; `model.layers` does not list it.

    Raises
    ------
    TypeError, ValueError
        If `shape` is not a tuple of positive integers.

    Examples
    --------
    >>> from shallowcore import layers
    >>> layers.Input((28, 28)).shape
    (28, 28)
    """
    return InputLayer(shape, name)


class Dense(Layer):
    """A fully connected layer: a = g(x w + b).

    Parameters
    ----------
    units : int
        Outputs, >= 1.
    activation : str or activations.Activation, optional
        g; the identity by default.
    use_bias : bool, default True
        Whether there is a b.
    kernel_initializer, bias_initializer : str, array-like or callable
        Initial w and b: a name, an object of `initializers`, an array, or (shape, rng) -> array.
    kernel_regularizer, bias_regularizer : str or regularizers.Regularizer, optional
        Penalties on w and b, added to the loss.
    name : str, optional
        Name of the layer.
    input_shape : tuple of int, optional
        Shape of one sample, on the first layer of a model.
    input_dim : int, optional
        The same for vectors: input_shape=(input_dim,).

    Raises
    ------
    TypeError, ValueError
        For arguments out of range or unknown names.

    Examples
    --------
    >>> from shallowcore import layers, models
    >>> model = models.Sequential([layers.Input((3,)), layers.Dense(4, activation="tanh")])
    >>> model.layers[0].kernel.shape, model.layers[0].bias.shape
    ((3, 4), (4,))
    """

    def __init__(
        self,
        units: int,
        activation: str | activations.Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: str | ArrayLike | Draw = "glorot_uniform",
        bias_initializer: str | ArrayLike | Draw = "zeros",
        kernel_regularizer: str | regularizers.Regularizer | None = None,
        bias_regularizer: str | regularizers.Regularizer | None = None,
        *,
        name: str | None = None,
        input_shape: Any = None,
        input_dim: int | None = None,
    ) -> None:
        if input_dim is not None:
            if input_shape is not None:
                raise ValueError("input_shape and input_dim were both given; expected one of them")
            input_shape = (check_int(input_dim, "input_dim", 1),)
        super().__init__(name, input_shape)
        self.units = check_int(units, "units", 1)
        self.activation = activations.get(activation)
        self.use_bias = check_bool(use_bias, "use_bias")
        self.kernel_initializer = initializers.get(kernel_initializer, "kernel_initializer")
        self.bias_initializer = initializers.get(bias_initializer, "bias_initializer")
        self.kernel_regularizer = regularizers.get(kernel_regularizer, "kernel_regularizer")
        self.bias_regularizer = regularizers.get(bias_regularizer, "bias_regularizer")

    @property
    def kernel(self) -> NDArray[np.floating[Any]]:
        """The weights w, (n_in, n_out): a writable view on the core's memory."""
        return self._views()[0]

    @property
    def bias(self) -> NDArray[np.floating[Any]] | None:
        """The bias b, (n_out,): a writable view on the core's memory; None without one."""
        views = self._views()
        return views[1] if self.use_bias else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (units,); the input must be a vector."""
        if len(input_shape) != 1:
            raise ValueError(
                f"Dense({self.units}) takes vectors, but its input has shape "
                f"{batch_shape(input_shape)}: put a Flatten() before it"
            )
        return (self.units,)

    def parameter_shapes(self, input_shape: Shape) -> list[Shape]:
        """Return [(n_in, n_out), (n_out,)], the second with a bias only."""
        kernel = (input_shape[0], self.units)
        return [kernel, (self.units,)] if self.use_bias else [kernel]

    def to_core(self) -> _core.Layer:
        """Return the core's description of this layer."""
        return _core.Layer.dense(
            self.units,
            use_bias=self.use_bias,
            activation=self.activation.to_core(),
            kernel_l1=self.kernel_regularizer.l1,
            kernel_l2=self.kernel_regularizer.l2,
            bias_l1=self.bias_regularizer.l1,
            bias_l2=self.bias_regularizer.l2,
        )

    def settings(self) -> dict[str, Any]:
        """See Layer."""
        return {"units": self.units, "activation": self.activation.name}


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
        self.activation = activations.get(activation)

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
        self.scale = check_float(scale, "scale")
        self.offset = check_float(offset, "offset")

    def to_core(self) -> _core.Layer:
        """Return the core's description of this layer."""
        return _core.Layer.rescaling(self.scale, self.offset)

    def settings(self) -> dict[str, Any]:
        """See Layer."""
        return {"scale": self.scale, "offset": self.offset}
