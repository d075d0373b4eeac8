"""What all layers share, and the shape of a sample.

A layer belongs to one model at most.  Its weights live in the core once the model is built; the
arrays `kernel` and `bias` are views on that memory, so writing to them changes the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import ReferenceType, ref

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shallowcore import _core
from shallowcore._checks import check_shape
from shallowcore._initializer import Shape

if TYPE_CHECKING:
    from shallowcore._model_base import LayerModel


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

    # Names of the layer's arrays, in the order of get_weights, and whether training changes them.
    weight_names: ClassVar[tuple[str, ...]] = ()
    learns: ClassVar[bool] = True

    def __init__(self, name: str | None = None, input_shape: Any = None) -> None:
        if name is not None and (not isinstance(name, str) or not name):
            raise TypeError(f"name must be a non-empty string, got {name!r}")
        self.name = name
        self.input_shape: tuple[int, ...] | None = None
        if input_shape is not None:
            self.input_shape = check_shape(input_shape, "input_shape")
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
        """Shapes of the arrays that `get_weights` returns, in order."""
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
        self.weights_changed()

    def prepare(self, input_shape: Shape) -> None:
        """Make ready for samples of this shape: the model is about to build its network."""

    def weights_changed(self) -> None:
        """Tell the model that arrays which are not views on the core's memory have changed."""
        if self.model is not None:
            self.model.refresh(self)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the model: a copied layer is in none."""
        return {**vars(self), "_model": None}

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
