"""What users pass in becomes what the core reads in place, or an error that says what was wrong.

Arrays of any strides, row slices and memory maps pass through without a copy; what the core cannot
read (other byte orders, half precision, floats of the other dtype) is converted once.  Nothing the
caller passed in is written to.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shallowcore import _core

Numbers: TypeAlias = NDArray[Any]

_CPU = 1  # DLPack's kDLCPU
_LARGE_MAP = 1 << 26  # bytes of a mapped file from which on pages that were read are given back


def describe(array: Numbers) -> str:
    """Shape and dtype for messages."""
    return f"shape {array.shape} and dtype {array.dtype}"


def as_array(value: Any, argument: str) -> Numbers:
    """Return `value` as an ndarray, without a copy where it is one or can show its memory.

    Accepts arrays, sequences, and objects with `__array__`, `__dlpack__` or `to_numpy`.
    """
    if type(value) is np.ndarray:
        return value
    if value is None or isinstance(value, (str, bytes, dict, set)):
        raise TypeError(f"{argument} must be an array, got {value!r}")
    try:
        array = _convert(value, argument)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        kind = type(value).__name__
        wrong = ValueError if isinstance(error, ValueError) else TypeError
        raise wrong(f"{argument} must be an array, got {kind}: {error}") from error
    return array


def _convert(value: Any, argument: str) -> Numbers:
    """As as_array, with whatever NumPy or the object itself raises."""
    if isinstance(value, np.ma.MaskedArray) and np.any(value.mask):
        raise ValueError("it has masked values; expected none")
    if hasattr(value, "to_numpy"):
        return _from_frame(value)
    if hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray):
        if value.__dlpack_device__()[0] != _CPU:
            raise TypeError("its memory is not on the CPU; expected an array in main memory")
        if not hasattr(value, "__array__"):
            return np.from_dlpack(value)
    array = np.asarray(value)
    if array.dtype == object and hasattr(value, "toarray"):
        raise TypeError("it is sparse; expected a dense array, for example .toarray()")
    return array


def _from_frame(frame: Any) -> Numbers:
    """Array of a data frame or series; columns of mixed number types become float64."""
    array = np.asarray(frame.to_numpy())
    if array.dtype != object or any(isinstance(v, (str, bytes)) for v in array.ravel()):
        return array
    try:
        return np.asarray(frame.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError):
        return array


def memory_map(array: Any) -> np.memmap[Any, Any] | None:
    """Return the memory map that an array is or shows a part of, None if there is none.

    A copy of a map has its class, but no file.
    """
    while array is not None:
        if isinstance(array, np.memmap) and getattr(array, "_mmap", None) is not None:
            return array
        array = getattr(array, "base", None)
    return None


def is_large_map(array: Numbers) -> bool:
    """Whether an array is a large file on disk, whose pages may go once they were read.

    Not where a map keeps what is written to it in memory: that would be lost.
    """
    found = memory_map(array) if array.nbytes >= _LARGE_MAP else None
    return found is not None and getattr(found, "mode", None) in ("r", "r+", "w+")


def check_number_type(array: Numbers, argument: str) -> Numbers:
    """Raise TypeError unless `array` holds booleans, integers or real floats."""
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{argument} has dtype {array.dtype}; expected real numbers (float, integer or bool)"
        )
    return array


def without_repeats(array: Numbers) -> Numbers:
    """Return the view of an array that has every number of an axis of stride 0 once.

    A broadcast array may claim a million times the memory that there is: its numbers are looked at
    once each.
    """
    if 0 not in array.strides or array.size == 0:
        return array
    return array[tuple(slice(None, None if stride else 1) for stride in array.strides)]


def check_finite(array: Numbers, argument: str) -> Numbers:
    """Raise ValueError if `array`, native float32 or float64, holds NaN or infinity."""
    if array.dtype.kind != "f":
        return array
    seen = without_repeats(array)
    flat = seen if 0 < seen.ndim <= 2 else seen.reshape(-1)
    if not _core.all_finite(flat, is_large_map(flat)):
        bad, where = _bad_places(seen)
        bad *= array.size // seen.size
        raise ValueError(
            f"{argument} holds NaN or infinity in {bad} of {array.size} places, the first at "
            f"{where}: {array[where]!r}; expected finite numbers"
        )
    return array


def _bad_places(array: Numbers) -> tuple[int, tuple[int, ...]]:
    """Count NaN and infinity in an array, and find the first; looks at some rows at a time."""
    rows = max(1, (1 << 22) * len(array) // max(1, array.size)) if array.ndim else 1
    count = 0
    where: tuple[int, ...] = ()
    for first in range(0, len(array), rows) if array.ndim else ():
        wrong = np.argwhere(~np.isfinite(array[first : first + rows]))
        if len(wrong) and not count:
            where = (first + int(wrong[0, 0]), *(int(i) for i in wrong[0, 1:]))
        count += len(wrong)
    return (count, where) if array.ndim else (1, ())


def to_floats(array: Numbers, dtype: np.dtype[Any], argument: str) -> Numbers:
    """Return `array` as native floats of `dtype`, itself where it is that already; all finite."""
    check_number_type(array, argument)
    if array.dtype == dtype and array.dtype.isnative and _readable(array):
        return check_finite(array, argument)
    with np.errstate(over="ignore", invalid="ignore"):
        converted = array.astype(dtype)
    if array.dtype.kind == "f" and not _core.all_finite(converted.reshape(-1)):
        if np.isfinite(array).all():
            raise ValueError(f"{argument} holds numbers too large for {dtype}")
        with np.errstate(invalid="ignore"):
            check_finite(array.astype(np.float64), argument)
    return converted


def to_readable(array: Numbers, dtype: np.dtype[Any], argument: str) -> Numbers:
    """Return `array` as the core reads it: integers and booleans as they are, else `to_floats`."""
    if array.dtype.kind not in "biu":
        return to_floats(array, dtype, argument)
    if array.dtype.isnative and _readable(array):
        return array
    return array.astype(array.dtype.newbyteorder("="))


def _readable(array: Numbers) -> bool:
    """Whether every element lies at a multiple of its size from the first, aligned."""
    size = array.itemsize
    return array.flags.aligned and all(stride % size == 0 for stride in array.strides)


def check_features(array: Numbers, feature_shape: tuple[int, ...], argument: str) -> Numbers:
    """Return samples as rows, (n_samples, *feature_shape); one number a sample may come as 1-D."""
    check_number_type(array, argument)
    if array.ndim == 1 and feature_shape == (1,):
        array = array[:, np.newaxis]
    expected = "(n_samples, " + ", ".join(map(str, feature_shape)) + ")"
    if array.ndim != 1 + len(feature_shape):
        hint = ""
        if array.shape == feature_shape:
            hint = "; a single sample is a row: x[np.newaxis]"
        raise ValueError(f"{argument} must have shape {expected}, got {array.shape}{hint}")
    if array.shape[1:] != feature_shape:
        raise ValueError(f"{argument} must have shape {expected}, got {array.shape}")
    if array.shape[0] == 0:
        raise ValueError(f"{argument} is empty, shape {array.shape}; expected at least one sample")
    return array


def features(
    value: Any, feature_shape: tuple[int, ...], dtype: np.dtype[Any], argument: str = "x"
) -> Numbers:
    """Return inputs as the core reads them, (n_samples, n_features), without a copy if possible."""
    array = check_features(as_array(value, argument), feature_shape, argument)
    if array.ndim != 2:
        array = array.reshape(array.shape[0], math.prod(feature_shape))
    return to_readable(array, dtype, argument)


def feature_shape_of(value: Any, argument: str = "x") -> tuple[int, ...]:
    """Shape of one sample, for a model whose input shape is not known yet."""
    array = check_number_type(as_array(value, argument), argument)
    if array.ndim < 2 or 0 in array.shape:
        raise ValueError(
            f"{argument} must have shape (n_samples, n_features), got {array.shape}; "
            "a model of one input takes (n_samples,) once its input shape is given"
        )
    return array.shape[1:]


def weights_of_samples(
    value: Any, n_samples: int, dtype: np.dtype[Any], argument: str = "sample_weight"
) -> Numbers:
    """Return sample weights as the core reads them, (n_samples,), contiguous, >= 0."""
    array = check_number_type(as_array(value, argument), argument)
    if array.shape == (n_samples, 1):
        array = array[:, 0]
    if array.shape != (n_samples,):
        raise ValueError(
            f"{argument} must have shape ({n_samples},), one weight a sample, got {array.shape}"
        )
    array = np.ascontiguousarray(to_floats(array, dtype, argument))
    if array.min() < 0:
        raise ValueError(f"{argument} must be >= 0, got {array.min()!r}")
    return array
