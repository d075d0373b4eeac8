"""Objects whose protocols fail, lie or return nonsense, where arrays and numbers belong."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# What exceptions of the callers' own objects say.
BY_OBJECT = "raised by the object"


class Hostile(Exception):
    """Raised by the callers' own code; has to come through as it is."""


class _Raises:
    """Its conversions raise what was asked for."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def _raise(self, *_: Any, **__: Any) -> Any:
        raise self.error

    __array__ = __len__ = __getitem__ = __iter__ = _raise
    __float__ = __index__ = __fspath__ = _raise

    def __repr__(self) -> str:
        return f"_Raises({self.error!r})"


class _Lies:
    """A sequence whose length is not true."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, int) and i < 3:
            return float(i)
        raise IndexError(i)


class _Interface:
    """What it says of its memory is no valid description."""

    def __init__(self, interface: Any) -> None:
        self.__array_interface__ = interface


class Gives:
    """Its `__array__` returns what it was given."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.value


class _Frame:
    """Its `to_numpy` returns what it was given."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def to_numpy(self, **_: Any) -> Any:
        return self.value


class Lent:
    """An array that shows itself by DLPack only."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


# Lies that NumPy sees through; it believes an address and strides, and then nobody is safe.
_BUFFER = b"\0" * 64
_INTERFACES: tuple[Any, ...] = (
    None,
    {},
    {"shape": (2,), "typestr": "<f8", "version": 3},
    {"shape": (-1, 3), "typestr": "<f8", "data": _BUFFER, "version": 3},
    {"shape": (2**62, 2**62), "typestr": "<f8", "data": _BUFFER, "version": 3},
    {"shape": (100, 100), "typestr": "<f8", "data": _BUFFER, "version": 3},
    {"shape": (2, 2), "typestr": "zz", "data": _BUFFER, "version": 3},
    {"shape": (2, 2), "strides": (8,), "typestr": "<f8", "data": _BUFFER, "version": 3},
    {"shape": "ab", "typestr": 3, "data": 4, "version": "x"},
)
_ERRORS = (ValueError, TypeError, RuntimeError, BufferError, Hostile, KeyError, MemoryError)


def hostile_object(rng: Random) -> Any:
    """An object whose protocols fail, lie, or return nonsense."""
    kind = rng.randrange(6)
    if kind == 0:
        return _Raises(rng.choice(_ERRORS)(BY_OBJECT))
    if kind == 1:
        return _Lies(rng.choice((0, 1, 5, 2**31, 2**62)))
    if kind == 2:
        return _Interface(rng.choice(_INTERFACES))
    if kind == 3:
        return _Raises(Hostile("no"))
    inner: Any = rng.choice((None, 3, "a", np.zeros((2, 3)), np.zeros(4, "O"), [[1.0]], b"\0\0"))
    return (Gives if kind == 4 else _Frame)(inner)
