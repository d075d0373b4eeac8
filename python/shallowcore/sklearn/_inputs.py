"""Weights of samples and random states, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

Array = NDArray[Any]


def sample_weights(sample_weight: Any, X: Any) -> Array | None:
    """Return checked weights (n_samples,), of the inputs' dtype."""
    if sample_weight is None:
        return None
    n_samples = X.shape[0]
    if np.isscalar(sample_weight):
        return np.full(n_samples, sample_weight, dtype=X.dtype)
    weight = np.asarray(sample_weight, dtype=X.dtype)
    if weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight.shape == {weight.shape}, expected {(n_samples,)}: sample_weight "
            "must be 1D array or scalar with one weight a sample"
        )
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("sample_weight must be finite and >= 0")
    if not weight.sum() > 0:
        raise ValueError("sample_weight is zero everywhere: expected a weight above 0")
    return weight


def random_state(seed: Any) -> np.random.RandomState:
    """Return a RandomState; a numpy Generator lends its bits to one."""
    if isinstance(seed, np.random.Generator):
        return np.random.RandomState(seed.bit_generator)
    state: np.random.RandomState = check_random_state(seed)
    return state
