"""What a model is made of: its layers, its network in the core, and the weights of both."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import _core, _summary, _weights
from shallowcore._checks import check_int
from shallowcore._initializer import Shape
from shallowcore._stack import Stack
from shallowcore.layers import Layer, Normalization

_DTYPES = ("float32", "float64")


def _check_dtype(dtype: Any) -> np.dtype[Any]:
    """float32 or float64 as a dtype."""
    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError):  # the latter for text that is none, a lone surrogate
        found = np.dtype(object)
    if dtype is None or found.name not in _DTYPES or not found.isnative:
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    return found


class LayerModel:
    """Layers, network and weights of a model; `Sequential` adds training and prediction."""

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        name: str | None = None,
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string, got {name!r}")
        self.name: str = name or "sequential"
        self._dtype = _check_dtype(dtype)
        if seed is None:
            seed = int.from_bytes(os.urandom(8), "little") >> 1
        self.seed: int = check_int(seed, "seed", 0)
        self._network: _core.Network | None = None
        self._views: dict[Layer, list[NDArray[np.floating[Any]]]] = {}
        self._stack = Stack(self)
        self._exclusive = _core.Exclusive()
        if layers is not None:
            if not isinstance(layers, Sequence):
                raise TypeError(f"layers must be a list of layers, got {layers!r}")
            self._stack.extend(layers)

    # --- layers -----------------------------------------------------------------------------------
    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without `Input`, as in Keras."""
        return list(self._stack.layers)

    @property
    def dtype(self) -> str:
        """Of weights, computation and predictions: "float32" or "float64"."""
        return str(self._dtype.name)

    @property
    def built(self) -> bool:
        """Whether the shape of a sample is known, and so the model has weights."""
        return self._stack.input_shape is not None and bool(self._stack.layers)

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """(None, ...): shape of the inputs, the number of samples left open."""
        return (None, *self._stack.shapes()[0])

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """(None, n_outputs): shape of the predictions, the number of samples left open."""
        return (None, *self._stack.shapes()[-1])

    def add(self, layer: Layer) -> None:
        """Append a layer; weights that exist stay as they are.

        Parameters
        ----------
        layer : Layer
            An object of `layers` that is in no model yet.

        Raises
        ------
        TypeError, ValueError
            If it is no layer, is in a model already, or does not fit on the last one.
        RuntimeError
            While the model is being trained, from a callback too.
        """
        with self._exclusive:
            self._require_rest("layers are added")
            self._stack.extend([layer])

    def pop(self) -> Layer:
        """Remove the last layer and return it; the weights of the others stay as they are.

        Raises
        ------
        ValueError
            If there is no layer.
        RuntimeError
            While the model is being trained, from a callback too.
        """
        with self._exclusive:
            self._require_rest("layers are removed")
            return self._stack.pop()

    def _require_rest(self, change: str) -> None:
        """RuntimeError during a training, whose callbacks may not make the model another one."""
        if self._exclusive.nested():
            raise RuntimeError(f"the model is being trained: {change} before or after that")

    def build(self, input_shape: Any = None) -> None:
        """Make the weights, for samples of this shape.

        `fit`, `evaluate` and `predict` do that by themselves.

        Parameters
        ----------
        input_shape : tuple, optional
            Keras' batch shape, (None, 784); needed if no layer fixes the shape of a sample.

        Raises
        ------
        RuntimeError, ValueError
            If no shape is known, or it is not the one known.
        """
        self._build(self._stack.shape_to_build(input_shape))

    def views_of(self, layer: Layer) -> list[NDArray[np.floating[Any]]]:
        """Return writable views on the weights of one of the layers, [kernel, bias] for Dense."""
        self._build_known()
        return self._views.get(layer, [])

    def forget_network(self) -> None:
        """Leave the network aside after a change of layers; their weights go into the next one."""
        self._network = None

    def _build_known(self) -> _core.Network:
        """Build if the shape of a sample is known, else RuntimeError."""
        return self._network or self._build(self._stack.shapes()[0])

    def _build(self, shape: Shape) -> _core.Network:
        """Make the network with its first weights, unless it exists."""
        if self._network is None:
            stack = self._stack
            network, views = stack.make_network(shape, self._dtype, self.seed, self._views)
            self._equip(network)
            # Another thread may have been first: its network stays.  Threads change at calls and
            # loops only, so none comes between the question and the answer.
            if self._network is None:
                self._views, self._network, stack.input_shape = views, network, shape
        return self._network

    @contextmanager
    def _built_for(self, shape: Shape) -> Iterator[_core.Network]:
        """Build for samples of this shape; a model that knew none forgets it where that fails."""
        known = self._stack.input_shape
        normalizing = [one for one in self._stack.layers if isinstance(one, Normalization)]
        figures = [(one, one.state()) for one in normalizing]
        try:
            yield self._build(shape)
        except BaseException:
            if known is None:
                self._stack.input_shape, self._network, self._views = None, None, {}
                for layer, state in figures:
                    layer.restore_state(state)
            raise

    def _equip(self, network: _core.Network) -> None:
        """Tell a new network what it needs to know beside layers and weights."""

    def refresh(self, layer: Layer) -> None:
        """Hand the network the figures of a layer that have changed."""
        if self._network is not None and isinstance(layer, Normalization):
            self._network.normalize_inputs(*layer.for_core())

    # --- weights ----------------------------------------------------------------------------------
    def _all_views(self) -> list[NDArray[np.floating[Any]]]:
        """Writable views on all weights, in order."""
        self._build_known()
        return [view for layer in self._stack.layers for view in layer._views()]

    def get_weights(self) -> list[NDArray[np.floating[Any]]]:
        """Return copies of all weights, [kernel, bias, kernel, ...], in the order of the layers.

        Raises
        ------
        RuntimeError
            If the shape of a sample is not known yet.
        """
        return [view.copy() for view in self._all_views()]

    def set_weights(self, weights: Any) -> None:
        """Set all weights from arrays of the shapes that `get_weights` returns.

        Parameters
        ----------
        weights : list of array-like
            Copied into the model; finite.

        Raises
        ------
        TypeError, ValueError
            For a wrong number of arrays, wrong shapes, dtypes, NaN or infinity; then no weight has
            changed.
        """
        _weights.assign(self._all_views(), weights)
        for layer in self._stack.layers:
            if isinstance(layer, Normalization):
                layer.weights_changed()

    def count_params(self) -> int:
        """Return the number of weights; RuntimeError if the shape of a sample is not known yet."""
        shapes = self._stack.shapes()
        pairs = zip(self._stack.layers, shapes, strict=False)
        return sum(_summary.n_parameters(layer, shape) for layer, shape in pairs)

    def digest(self) -> str:
        """Return a hash of the trained weights' bits, to compare models and runs.

        FNV-1a (64 bits) over the bytes of all kernels and biases, in the order of `get_weights`.
        Equal bits give equal digests, in every process and on every machine of the same byte order,
        and any other bit another one, but for chance; 0.0 and -0.0 differ.  Not in it: figures of a
        `Normalization`, the optimizer's state, names and settings.  It is no protection against
        forgery.

        Returns
        -------
        str
            16 hexadecimal digits.

        Raises
        ------
        RuntimeError
            If the shape of a sample is not known yet.

        Examples
        --------
        >>> from shallowcore import layers, models
        >>> stack = [layers.Input((2,)), layers.Dense(1, kernel_initializer="ones")]
        >>> models.Sequential(stack).digest()
        '909f512e2703b745'
        """
        return self._build_known().digest()

    # --- for people -------------------------------------------------------------------------------
    def summary(self, print_fn: Any = None) -> None:
        """Print the layers with their output shapes and numbers of weights, and the totals.

        Parameters
        ----------
        print_fn : callable (text), optional
            Called with the whole text instead of `print`.
        """
        text = _summary.table(self.name, *self._described)
        (print if print_fn is None else print_fn)(text)

    @property
    def _described(self) -> tuple[list[Layer], list[Shape] | None, int]:
        """What summaries need: layers, shapes if they are known, bytes of a weight."""
        shapes = self._stack.shapes() if self.built else None
        return self._stack.layers, shapes, self._dtype.itemsize

    def __repr__(self) -> str:
        chain = _summary.one_line(*self._described[:2])
        count = f"{self.count_params():,} weights, " if self.built else ""
        return f"<{type(self).__name__} {self.name!r}: {chain}; {count}{self.dtype}>"
