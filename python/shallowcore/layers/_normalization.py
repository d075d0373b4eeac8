"""Normalization: every feature with mean 0 and variance 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shallowcore import _core
from shallowcore._arrays import (
    as_array,
    check_number_type,
    feature_shape_of,
    features,
    is_large_map,
)
from shallowcore._checks import batch_shape, check_int
from shallowcore._initializer import Shape
from shallowcore.layers._base import Layer

Floats = NDArray[np.float64]

# Keras' epsilon: no standard deviation counts as less, so constant features become zeros.
_LEAST_DEVIATION = 1e-7


class Normalization(Layer):
    """a = (x - mean) / max(sqrt(variance), 1e-7), one mean and variance for each feature.

    Mean and variance are those given, those of the data that `adapt` has seen, or, where neither
    is there, those of the training inputs of the first `fit` (validation samples left aside);
    until then the layer changes nothing.  `train_on_batch` adapts nothing.

    It stands before every layer that computes, `Rescaling` and `Flatten` excepted.  The core
    applies it while it reads inputs, in float64 before the result is rounded to the model's dtype:
    no normalized copy of the data is made, whatever its type and size.

    Parameters
    ----------
    axis : int, tuple of int or None, default -1
        Axes of a batch that keep figures of their own; the others, and that of the samples, are
        averaged over.  None: one mean and one variance for everything.
    mean, variance : array-like, optional
        Figures to use, of the shape that `axis` gives, or that broadcast to it; both or none.
        They are then settings, not weights.
    name : str, optional
        Name of the layer.
    input_shape : tuple of int, optional
        Shape of one sample, on the first layer of a model.

    Raises
    ------
    TypeError, ValueError
        For one of mean and variance without the other, numbers that are not finite, variances
        below 0, axes that are twice there or that of the samples.

    Notes
    -----
    Weights, as in Keras: [mean, variance, count]; none is trained.  Mean and variance are float64
    whatever the model's dtype; count is the number of samples adapted to, 0 before that.

    Examples
    --------
    >>> import numpy as np
    >>> from shallowcore import layers, models
    >>> layer = layers.Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> layer.mean, layer.variance
    (array([ 2., 20.]), array([  1., 100.]))
    >>> models.Sequential([layer]).predict(np.array([[3.0, 10.0]]))
    array([[ 1., -1.]], dtype=float32)
    """

    weight_names: ClassVar[tuple[str, ...]] = ("mean", "variance", "count")
    learns = False

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        *,
        name: str | None = None,
        input_shape: Any = None,
    ) -> None:
        super().__init__(name, input_shape)
        self.axis: int | tuple[int, ...] | None = _check_axis(axis)
        if (mean is None) != (variance is None):
            raise ValueError("mean and variance must be given both or not at all, got one of them")
        self._given = mean is not None
        self._figures: list[NDArray[Any]] = []
        self._sample_shape: Shape | None = None
        if mean is not None and variance is not None:
            self._figures = [_figure(mean, "mean"), _figure(variance, "variance")]

    @property
    def mean(self) -> Floats | None:
        """Means, a copy; None before they are known."""
        return self._figures[0].copy() if self._figures else None

    @property
    def variance(self) -> Floats | None:
        """Variances, of all samples, a copy; None before they are known."""
        return self._figures[1].copy() if self._figures else None

    @property
    def is_adapted(self) -> bool:
        """Whether mean and variance were given, adapted to data, or set as weights."""
        if self._given or not self._figures:
            return self._given
        mean, variance, count = self._figures
        return bool(count > 0 or np.any(mean != 0.0) or np.any(variance != 1.0))

    # --- shapes -----------------------------------------------------------------------------------
    def _figure_shape(self, sample_shape: Shape) -> Shape:
        """Shape of mean and variance; ValueError where `axis` does not fit the samples."""
        if self.axis is None:
            return ()
        return tuple(sample_shape[axis - 1] for axis in _kept(self.axis, sample_shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return `input_shape`; ValueError where mean and variance do not fit it."""
        shape = self._figure_shape(input_shape)
        for figure in self._figures[:2]:
            try:
                fits = np.broadcast_shapes(figure.shape, shape) == shape
            except ValueError:
                fits = False
            if not fits:
                raise ValueError(
                    f"{self!r} has means and variances of shape {figure.shape}, but its input has "
                    f"shape {batch_shape(input_shape)}; expected shape {shape}"
                )
        return input_shape

    def parameter_shapes(self, input_shape: Shape) -> list[Shape]:
        """Return the shapes of mean, variance and count; none where they were given."""
        shape = self._figure_shape(input_shape)
        return [] if self._given else [shape, shape, ()]

    def prepare(self, input_shape: Shape) -> None:
        """See Layer."""
        self._sample_shape = input_shape
        if not self._figures:
            shape = self._figure_shape(input_shape)
            self._figures = [np.zeros(shape), np.ones(shape), np.zeros((), dtype=np.int64)]

    # --- figures ----------------------------------------------------------------------------------
    def adapt(self, data: ArrayLike) -> None:
        """Take mean and variance of these samples, in float64, reading them block by block.

        Parameters
        ----------
        data : array-like, (n_samples, ...)
            As the layer would see it; memory maps and integers are read in place.

        Raises
        ------
        TypeError, ValueError
            For data that is not finite or does not fit, or where mean and variance were given.
        """
        if self._given:
            raise ValueError("adapt was called, but mean and variance were given: leave them out")
        shape = self._sample_shape or self.input_shape or feature_shape_of(data, "data")
        self._figure_shape(shape)
        found = np.asarray(as_array(data, "data"))
        dtype = found.dtype if found.dtype.name in ("float32", "float64") else np.dtype(float)
        self.adapt_to(features(check_number_type(found, "data"), shape, dtype, "data"), shape)

    def adapt_to(
        self, x: NDArray[Any], shape: Shape, scale: float = 1.0, offset: float = 0.0
    ) -> None:
        """Take the figures of scale x + offset, x checked and (n_samples, n_features)."""
        means, variances = _core.column_moments(x, is_large_map(x))
        means, variances = _grouped(means, variances, self.axis, shape)
        count = np.array(x.shape[0], dtype=np.int64)
        with np.errstate(over="ignore", invalid="ignore"):
            means, variances = means * scale + offset, variances * scale**2
        if not (np.isfinite(means).all() and np.isfinite(variances).all()):
            raise ValueError("the data (x) hold numbers whose variance is too large for float64")
        self._sample_shape = shape
        self._figures = [means, variances, count]
        self.weights_changed()

    def state(self) -> Any:
        """Return what `restore_state` goes back to."""
        return self._sample_shape, [figure.copy() for figure in self._figures]

    def restore_state(self, state: Any) -> None:
        """Go back to what `state` returned."""
        self._sample_shape, self._figures = state
        self.weights_changed()

    def _views(self) -> list[NDArray[Any]]:
        """The arrays themselves; RuntimeError where the shape of a sample is not known."""
        if not self._given and not self._figures:
            super()._views()
        return [] if self._given else self._figures

    def for_core(self) -> tuple[list[float], list[float]]:
        """Mean of every feature, and what its difference from that is multiplied by."""
        shape = self._sample_shape
        assert shape is not None
        mean, variance = (_spread(figure, self.axis, shape) for figure in self._figures[:2])
        factors = 1.0 / np.maximum(np.sqrt(np.maximum(variance, 0.0)), _LEAST_DEVIATION)
        return mean.tolist(), factors.tolist()

    def to_core(self) -> _core.Layer:
        """Return the core's description of this layer."""
        return _core.Layer.normalization(*self.for_core())

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments; figures that are weights are none."""
        mean, variance = self._figures[:2] if self._given else (None, None)
        return {
            "axis": self.axis,
            "mean": mean,
            "variance": variance,
            "name": self.name,
            "input_shape": self.input_shape,
        }

    def settings(self) -> dict[str, Any]:
        """See Layer."""
        return {} if self.axis == -1 else {"axis": self.axis}


def _check_axis(axis: Any) -> int | tuple[int, ...] | None:
    """Axis as None, an int or a tuple of ints, none of them 0."""
    if axis is None:
        return None
    if isinstance(axis, Sequence) and not isinstance(axis, (str, bytes)):
        axes = tuple(check_int(one, "each axis", -64, 64) for one in axis)
    else:
        axes = (check_int(axis, "axis", -64, 64),)
    if 0 in axes or len(set(axes)) < len(axes):
        raise ValueError(f"axis must be different axes other than 0, the samples', got {axis!r}")
    return axes if isinstance(axis, Sequence) else axes[0]


def _kept(axis: int | tuple[int, ...], sample_shape: Shape) -> list[int]:
    """Axes of a batch (n_samples, *sample_shape) that are kept, in order, counted from 0."""
    n_axes = 1 + len(sample_shape)
    axes = [a + n_axes if a < 0 else a for a in (axis if isinstance(axis, tuple) else (axis,))]
    if any(not 0 < a < n_axes for a in axes) or len(set(axes)) < len(axes):
        raise ValueError(
            f"axis must be different axes of inputs of shape {batch_shape(sample_shape)} other "
            f"than that of the samples, got {axis!r}"
        )
    return sorted(axes)


def _figure(value: ArrayLike, argument: str) -> Floats:
    """Means or variances that were given, a copy."""
    array = check_number_type(as_array(value, argument), argument).astype(np.float64)
    if not np.isfinite(array).all() or (argument == "variance" and np.any(array < 0.0)):
        expected = "finite numbers" + (" >= 0" if argument == "variance" else "")
        raise ValueError(f"{argument} must be {expected}, got {value!r}")
    return array


def _grouped(means: Floats, variances: Floats, axis: Any, shape: Shape) -> tuple[Floats, Floats]:
    """Mean and variance over the axes that are not kept, from those of each feature."""
    kept = [] if axis is None else [a - 1 for a in _kept(axis, shape)]
    others = tuple(a for a in range(len(shape)) if a not in kept)
    means, variances = means.reshape(shape), variances.reshape(shape)
    if not others or math.prod(shape[a] for a in others) == 1:
        return means.mean(axis=others), variances.mean(axis=others)
    whole = means.mean(axis=others, keepdims=True)
    between = np.square(means - whole).mean(axis=others)
    return whole.mean(axis=others), variances.mean(axis=others) + between


def _spread(figure: NDArray[Any], axis: Any, shape: Shape) -> Floats:
    """One value for each feature, (n_features,), from figures of the kept axes."""
    kept = [] if axis is None else [a - 1 for a in _kept(axis, shape)]
    figure = np.broadcast_to(figure, tuple(shape[a] for a in kept))
    full = tuple(shape[a] if a in kept else 1 for a in range(len(shape)))
    return np.broadcast_to(figure.reshape(full), shape).reshape(-1)
