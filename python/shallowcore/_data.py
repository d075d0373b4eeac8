"""Samples of one call: arrays checked against a model, ready for the core."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from shallowcore import _core
from shallowcore._arrays import Numbers, features, is_large_map, weights_of_samples
from shallowcore._checks import check_float
from shallowcore._initializer import Shape
from shallowcore._target_scaling import TargetScaling
from shallowcore._targets import class_weights, targets
from shallowcore.losses import Loss


@dataclass(frozen=True)
class Spec:
    """What a model expects of its samples."""

    feature_shape: Shape
    n_outputs: int
    dtype: np.dtype[Any]
    loss: Loss


@dataclass(frozen=True)
class Samples:
    """Inputs (n_samples, n_features), targets and weights as the core reads them."""

    x: Numbers
    y: Numbers
    weight: Numbers | None

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return int(self.x.shape[0])

    def rows(self, start: int, stop: int) -> Samples:
        """Slice of the samples; copies nothing."""
        weight = None if self.weight is None else self.weight[start:stop]
        return Samples(self.x[start:stop], self.y[start:stop], weight)

    def weighted(self, class_weight: Any, spec: Spec) -> Samples:
        """Weigh each sample by its class as well."""
        if class_weight is None:
            return self
        weight = class_weights(class_weight, self.y, spec.n_outputs, spec.dtype)
        if self.weight is not None:
            weight = weight * self.weight
        return Samples(self.x, self.y, weight)

    def standardized(self, scaling: TargetScaling | None) -> Samples:
        """Give the targets in the units of the loss."""
        if scaling is None:
            return self
        return Samples(self.x, scaling.standardized(self.y), self.weight)

    def to_core(self) -> _core.Dataset:
        """Lend the arrays to the core."""
        return lend(self.x, self.y, self.weight)


def lend(x: Any, y: Numbers | None = None, weight: Numbers | None = None) -> _core.Dataset:
    """Lend checked arrays to the core; `x` may be a CSR matrix, its values of the model's dtype."""
    return _core.Dataset(x, y, weight, mapped=isinstance(x, np.ndarray) and is_large_map(x))


def samples(spec: Spec, x: Any, y: Any, sample_weight: Any, prefix: str = "") -> Samples:
    """Check inputs, targets and weights; `prefix` goes before argument names in messages."""
    inputs = features(x, spec.feature_shape, spec.dtype, prefix + "x")
    n_samples = inputs.shape[0]
    outputs = targets(y, spec.loss, n_samples, spec.n_outputs, spec.dtype, prefix + "y")
    weight = None
    if sample_weight is not None:
        weight = weights_of_samples(sample_weight, n_samples, spec.dtype, prefix + "sample_weight")
    return Samples(inputs, outputs, weight)


def validation_samples(spec: Spec, data: Any) -> Samples:
    """Check validation_data, (x, y) or (x, y, sample_weight)."""
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise ValueError(
            "validation_data must be a tuple (x, y) or (x, y, sample_weight), got "
            + (f"{len(data)} items" if isinstance(data, (tuple, list)) else type(data).__name__)
        )
    x, y, *weight = data
    return samples(spec, x, y, weight[0] if weight else None, "validation_data: ")


def split(every: Samples, fraction: Any) -> tuple[Samples, Samples | None]:
    """Split off this fraction of the samples, from the end, for validation, as Keras does."""
    fraction = check_float(fraction, "validation_split", 0.0, 1.0)
    if fraction == 0.0:
        return every, None
    n_training = math.floor(every.n_samples * (1.0 - fraction))
    if not 0 < n_training < every.n_samples:
        raise ValueError(
            f"validation_split must leave samples on both sides, got {fraction:g} of "
            f"{every.n_samples} samples"
        )
    return every.rows(0, n_training), every.rows(n_training, every.n_samples)
