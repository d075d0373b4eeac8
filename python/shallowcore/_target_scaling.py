"""Standardised targets: every output with mean 0 and variance 1 while a regression is trained.

The scaling is found once, from the training targets of the first fit, and belongs to the model from
then on: losses are of standardised targets, predictions come in the targets' own units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import _core
from shallowcore._arrays import Numbers
from shallowcore._targets import target_range
from shallowcore.layers import Activation, Dense, Layer
from shallowcore.losses import Loss

# Losses whose targets are classes, though any number would do.
_CLASSIFYING = frozenset({"hinge"})


@dataclass(frozen=True)
class TargetScaling:
    """Target = output * scale + mean, for each output; scale is 1 where all targets are equal."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, y: Numbers) -> TargetScaling:
        """Find the scaling of targets (n_samples, n_outputs)."""
        means, variances = _core.column_moments(y)
        return cls(means, np.where(variances > 0.0, np.sqrt(variances), 1.0))

    def standardized(self, y: Numbers) -> Numbers:
        """Return targets in units of the loss, a new array of their dtype."""
        return ((y - self.mean) / self.scale).astype(y.dtype)


def check_allowed(loss: Loss, layers: Sequence[Layer]) -> None:
    """Raise ValueError unless standardised targets suit this loss and the last of the layers."""
    unbounded = target_range(loss) == (-np.inf, np.inf) and not loss.integer_labels
    if not unbounded or loss.name in _CLASSIFYING:
        raise ValueError(
            f"standardize_targets=True is for regression, got the loss {loss.name}; expected one "
            "whose targets are any numbers, such as mean_squared_error"
        )
    last: Any = layers[-1] if layers else None
    linear = isinstance(last, (Dense, Activation)) and last.activation.name == "identity"
    if last is not None and not linear:
        raise ValueError(
            "standardize_targets=True needs a linear last layer, got "
            f"{last!r}; expected Dense without an activation"
        )
