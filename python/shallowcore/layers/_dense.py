"""Dense: the layer that learns."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shallowcore import _core, activations, initializers, regularizers
from shallowcore._checks import batch_shape, check_bool, check_int
from shallowcore._initializer import Draw, Shape
from shallowcore.layers._base import Layer


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

    weight_names: ClassVar[tuple[str, ...]] = ("kernel", "bias")

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
        self.units: int = check_int(units, "units", 1)
        self.activation: activations.Activation = activations.get(activation)
        self.use_bias: bool = check_bool(use_bias, "use_bias")
        self.kernel_initializer: Draw = initializers.get(kernel_initializer, "kernel_initializer")
        self.bias_initializer: Draw = initializers.get(bias_initializer, "bias_initializer")
        self.kernel_regularizer: regularizers.Regularizer = regularizers.get(
            kernel_regularizer, "kernel_regularizer"
        )
        self.bias_regularizer: regularizers.Regularizer = regularizers.get(
            bias_regularizer, "bias_regularizer"
        )

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
