"""What the generators' common arguments, `labels` and `seed`, mean, and the checks on them.

Errors are as in _checks: TypeError or ValueError naming argument, value and expectation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore._checks import check_int

_MAX_SEED = 2**32 - 1


def check_labels(labels: Sequence[float]) -> NDArray[Any]:
    """Return the pair (negative, positive) as an array of two different finite numbers."""
    expected = "two different finite numbers such as (0, 1) or (-1, 1)"
    try:
        pair = np.asarray(labels)
    except (TypeError, ValueError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"labels must be {expected}, got {labels!r}") from None
    if pair.dtype.kind not in "iuf":
        raise TypeError(f"labels must be {expected}, got {labels!r}")
    if pair.shape != (2,) or not np.isfinite(pair).all() or pair[0] == pair[1]:
        raise ValueError(f"labels must be {expected}, got {labels!r}")
    return pair


def random_state(seed: int | None) -> np.random.RandomState:
    """Return NumPy's legacy generator seeded with `seed`, or unpredictably for None."""
    if seed is None:
        return np.random.RandomState()
    return np.random.RandomState(check_int(seed, "seed", 0, _MAX_SEED))
