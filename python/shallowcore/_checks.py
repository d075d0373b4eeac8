"""Checks of plain arguments: each returns the value in its plain form or raises.

A wrong type is a TypeError, a wrong value a ValueError; the message names the argument, what was
given and what was expected.  Arrays are checked in _arrays and _targets.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

# No count in the core goes beyond a signed 64-bit integer.
_LARGEST = 2**63 - 1

_NOT_NUMBERS = (bool, np.bool_, str, bytes)


def check_int(value: Any, argument: str, minimum: int, maximum: int = _LARGEST) -> int:
    """Return `value` as an int in [minimum, maximum]; booleans and floats are refused."""
    expected = f"an integer >= {minimum}"
    if maximum < _LARGEST:
        expected = f"an integer from {minimum} to {maximum}"
    if isinstance(value, _NOT_NUMBERS):
        raise TypeError(f"{argument} must be {expected}, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{argument} must be {expected}, got {value!r}") from None
    if not minimum <= number <= maximum:
        raise ValueError(f"{argument} must be {expected}, got {value!r}")
    return number


def check_float(
    value: Any, argument: str, minimum: float = -math.inf, maximum: float = math.inf
) -> float:
    """Return `value` as a finite float in [minimum, maximum]; booleans and strings are refused."""
    expected = "a finite number"
    if minimum > -math.inf and maximum < math.inf:
        expected += f" from {minimum:g} to {maximum:g}"
    elif minimum > -math.inf:
        expected += f" >= {minimum:g}"
    if isinstance(value, (*_NOT_NUMBERS, complex)) or getattr(value, "ndim", 0) != 0:
        raise TypeError(f"{argument} must be {expected}, got {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{argument} must be {expected}, got {value!r}") from None
    if not math.isfinite(number) or not minimum <= number <= maximum:
        raise ValueError(f"{argument} must be {expected}, got {value!r}")
    return number


def check_bool(value: Any, argument: str) -> bool:
    """Return `value` as a bool; only booleans are accepted."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{argument} must be True or False, got {value!r}")
    return bool(value)


@lru_cache(maxsize=1024)
def plain(name: str) -> str:
    """Return a name as it is compared: lower case, letters and digits only."""
    return "".join(c for c in name.lower() if c.isalnum())


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'relu'?" where a known name is near, else an empty string."""
    spellings = {plain(k): k for k in known}
    near = difflib.get_close_matches(plain(name), spellings, n=1)
    return f"; did you mean {spellings[near[0]]!r}?" if near else ""


def check_name(
    name: Any, argument: str, known: Iterable[str], aliases: dict[str, str] | None = None
) -> str:
    """Return the known name that `name` spells, whatever its case and underscores.

    `aliases` maps further spellings to known names.
    """
    known = list(known)
    if not isinstance(name, str):
        raise TypeError(
            f"{argument} must be a name such as {known[0]!r}, or an object, got {name!r}"
        )
    if name in known:
        return name
    spellings = {plain(alias): target for alias, target in (aliases or {}).items()}
    spellings |= {plain(k): k for k in known}
    found = spellings.get(plain(name))
    if found is None:
        candidates = [*known, *(aliases or {})]
        raise ValueError(
            f"{argument} {name!r} is not known{did_you_mean(name, candidates) or '.'} "
            f"Expected one of: {', '.join(known)}"
        )
    return found


def check_shape(value: Any, argument: str) -> tuple[int, ...]:
    """Shape of one sample as a tuple of positive integers; a single integer is a vector."""
    if isinstance(value, (int, np.integer)):
        value = (value,)
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise TypeError(f"{argument} must be a tuple such as (784,), got {value!r}")
    shape = tuple(check_int(size, f"each size in {argument}", 1) for size in value)
    if math.prod(shape) > _LARGEST:
        raise ValueError(f"{argument} must have less than 2**63 places, got {value!r}")
    if not shape:
        raise ValueError(f"{argument} must have at least one size, such as (784,), got ()")
    return shape


def batch_shape(shape: tuple[int, ...]) -> str:
    """Shape with the number of samples left open: "(None, 512)"."""
    return f"(None, {', '.join(map(str, shape))})"
