"""Numbers, arrays and objects that callers should not pass in, mixed with those that they do."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from bench.reliability.fuzzing.objects import Gives, Lent, hostile_object

Array = NDArray[Any]
Shape = tuple[int, ...]

SIZES = (1, 2, 3, 5, 7, 8, 13, 17)
# More than any machine has memory for: nothing here ever fills one.
HUGE = (2**50, 2**60, 2**62, 2**63 - 1, 2**63, 2**64, 10**30)
SPECIAL = (0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 5e-324, 1e-310, 1.8e308, 3.5e38, 1e-46)
FLOATS = ("f4", "f8", "f4", "f8", "f2", "g", ">f4", ">f8")
INTEGERS = ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4", ">u2", "?")
OTHERS = ("c8", "c16", "O", "U3", "S2", "M8[s]", "m8[us]", "V3")
STRUCTURED = np.dtype([("a", "f4"), ("b", "i2")])


# --- plain arguments ------------------------------------------------------------------------------
def scalar(rng: Random) -> Any:
    """Anything at all as a plain argument."""
    return rng.choice(_SCALARS)(rng)


_SCALARS: tuple[Callable[[Random], Any], ...] = (
    lambda r: r.choice(SPECIAL),
    lambda r: r.choice(SPECIAL),
    lambda r: r.uniform(-2.0, 2.0),
    lambda r: r.uniform(0.0, 1.0),
    lambda r: r.randrange(-3, 20),
    lambda r: r.randrange(1, 9),
    lambda r: r.choice((-1, 1)) * r.choice(HUGE),
    lambda r: r.choice((True, False, None)),
    lambda r: r.choice(("", "relu", "nan", "1", "x" * 300, "\0", "\ud800", "\u00e9", "mse")),
    lambda r: r.choice((b"", b"relu", bytearray(3), memoryview(b"ab"))),
    lambda r: r.choice(([], (), {}, set(), [1, 2], (3,), {"a": 1}, [[1.0], [2.0, 3.0]])),
    lambda r: r.choice((object(), int, len, Random, range(3), slice(2), ..., NotImplemented)),
    lambda r: r.choice((np.float32, np.int8, np.bool_, np.float16, np.longdouble))(1),
    lambda r: r.choice((np.float64(np.nan), np.array(2), np.array([1.0]), np.array("a"))),
    lambda r: complex(r.uniform(-1, 1), r.choice((0.0, 1.0))),
    lambda r: hostile_object(r),
)


def near(rng: Random, value: Any) -> Any:
    """A plain argument: often the right one, else anything."""
    return value if rng.random() < 0.5 else scalar(rng)


# --- arrays ---------------------------------------------------------------------------------------
def shape(rng: Random, right: Shape) -> Shape:
    """The right shape in most cases, else one near it, or an absurd one."""
    if rng.random() < 0.75:
        return right
    sizes = list(right)
    change = rng.randrange(8)
    if change == 0 or not sizes:
        sizes.insert(rng.randrange(len(sizes) + 1), rng.choice((0, 1, 2)))
    elif change == 1:
        sizes.pop(rng.randrange(len(sizes)))
    elif change == 2:
        rng.shuffle(sizes)
    elif change == 3:
        sizes = [rng.choice((0, 1, 2, 3)) for _ in range(rng.randrange(5))]
    else:
        at = rng.randrange(len(sizes))
        sizes[at] = rng.choice((0, 1, sizes[at] + 1, max(0, sizes[at] - 1), 2 * sizes[at]))
    return tuple(sizes)


def tame(rng: Random, wanted: Shape, dtype: Any = "f8") -> Array:
    """Numbers from -4 to 4, as the oracle is compared on."""
    count = int(np.prod(wanted, dtype=np.int64)) if wanted else 1
    raw = np.frombuffer(rng.randbytes(max(1, count)), np.int8)[:count]
    found: Array = (raw / 32.0).astype(dtype).reshape(wanted)
    return found


def content(rng: Random, wanted: Shape) -> Array:
    """An array of any dtype with tame, extreme or random bits."""
    dtype = np.dtype(rng.choice(_families(rng)))
    count = int(np.prod(wanted, dtype=np.int64)) if wanted else 1
    if dtype.kind in "OUSMmVc" or rng.random() < 0.6:
        with np.errstate(all="ignore"):
            return _cast(tame(rng, wanted), dtype)
    if dtype.kind == "f" and rng.random() < 0.5:
        array = tame(rng, wanted)
        flat = array.reshape(-1)
        for _ in range(rng.randrange(3) if count else 0):
            flat[rng.randrange(count)] = rng.choice(SPECIAL)
        with np.errstate(all="ignore"):
            cast: Array = array.astype(dtype)
        return cast
    if dtype.kind == "b" or dtype.char == "g":  # bits that are no value of these types
        return _cast(tame(rng, wanted), dtype)
    found: Array = np.frombuffer(rng.randbytes(count * dtype.itemsize), dtype).reshape(wanted)
    copied: Array = found.copy()
    return copied


def _families(rng: Random) -> tuple[Any, ...]:
    draw = rng.random()
    if draw < 0.7:
        return FLOATS
    return INTEGERS if draw < 0.92 else (*OTHERS, STRUCTURED)


def _cast(array: Array, dtype: np.dtype[Any]) -> Array:
    if dtype.kind in "MmV":
        return np.zeros(array.shape, dtype)
    return array.astype(dtype)


def lay_out(rng: Random, array: Array) -> Any:
    """The same numbers in some other layout, or as another kind of object."""
    if rng.random() < 0.35:
        return array
    return rng.choice(_LAYOUTS)(rng, array)


def _reversed(rng: Random, a: Array) -> Array:
    return a[tuple(slice(None, None, -1) for _ in a.shape)] if a.ndim else a


def _stepped(rng: Random, a: Array) -> Array:
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype) if a.ndim else a
    if a.ndim:
        wide[..., ::2] = a
        return wide[..., ::2]
    return a


def _repeated(rng: Random, a: Array) -> Array:
    return np.broadcast_to(a[:1], a.shape) if a.ndim and a.shape[0] else a


def _endless(rng: Random, a: Array) -> Array:
    if a.ndim == 0 or a.shape[0] == 0 or a.dtype.hasobject:
        return a
    return np.broadcast_to(a[:1], (2**50, *a.shape[1:]))


def _overlapping(rng: Random, a: Array) -> Array:
    if a.ndim != 2 or a.size == 0 or a.dtype.hasobject:
        return a
    flat = np.resize(a.reshape(-1), a.shape[0] + a.shape[1])
    return as_strided(flat, a.shape, (a.itemsize, a.itemsize))


def _unaligned(rng: Random, a: Array) -> Array:
    if a.dtype.hasobject or a.size == 0:
        return a
    room = np.zeros(a.nbytes + 1, np.uint8)
    odd = room[1:].view(a.dtype).reshape(a.shape)
    odd[...] = a
    return odd


def _odd_steps(rng: Random, a: Array) -> Array:
    """A field of packed records: strides are no multiples of the size."""
    if a.dtype.hasobject or a.dtype.kind == "V":
        return a
    packed = np.zeros(a.shape, np.dtype([("pad", "u1"), ("a", a.dtype)]))
    packed["a"] = a
    found: Array = packed["a"]
    return found


def _read_only(rng: Random, a: Array) -> Array:
    a = a.copy()
    a.setflags(write=False)
    return a


def _swapped(rng: Random, a: Array) -> Array:
    return a.astype(a.dtype.newbyteorder()) if a.dtype.kind in "fiuc" else a


@cache
def _mapped_file() -> str:
    """A file of numbers for memory maps, one for each process."""
    handle, path = tempfile.mkstemp(prefix="shallowcore-fuzz-", suffix=".bin")
    with os.fdopen(handle, "wb") as file:
        file.write(tame(Random(0), (4096,), "f4").tobytes())
    return path


def forget_files() -> None:
    """Remove what `memory_map` made."""
    if _mapped_file.cache_info().currsize:
        Path(_mapped_file()).unlink(missing_ok=True)
        _mapped_file.cache_clear()


def _mapped(rng: Random, a: Array) -> Array:
    if a.size == 0 or a.ndim == 0 or a.nbytes > 8192 or a.dtype.kind not in "fiu":
        return a
    mode: Any = rng.choice("rc")
    found: Array = np.memmap(_mapped_file(), a.dtype, mode, 4 * rng.randrange(4), a.shape)
    return found


class Subclass(np.ndarray[Any, Any]):
    """An array that is none of NumPy's own."""


def _masked(rng: Random, a: Array) -> Any:
    return np.ma.MaskedArray(a, mask=bool(rng.randrange(2)) and a.size > 0 and _some(rng, a))


def _some(rng: Random, a: Array) -> Array:
    mask = np.zeros(a.shape, bool)
    mask.reshape(-1)[rng.randrange(a.size)] = True
    return mask


def _frame(rng: Random, a: Array) -> Any:
    import pandas as pd

    if a.dtype.kind not in "fiubO" or a.dtype.char in "ge" or not a.dtype.isnative:
        return a
    if a.ndim == 1:
        return pd.Series(a)
    return pd.DataFrame(a) if a.ndim == 2 else a


def _as_list(rng: Random, a: Array) -> Any:
    return a.tolist() if a.dtype.kind != "V" else a


def _ragged(rng: Random, a: Array) -> Any:
    rows = a.tolist() if a.dtype.kind != "V" else [1.0]
    if isinstance(rows, list) and rows and isinstance(rows[-1], list):
        rows[-1] = rows[-1][:-1]
    return rows


def _lent(rng: Random, a: Array) -> Any:
    usable = a.dtype.kind in "fiu" and a.dtype.isnative and a.dtype.char != "g"
    return Lent(a) if usable and a.flags.writeable else a


_LAYOUTS: tuple[Callable[[Random, Array], Any], ...] = (
    lambda r, a: np.asfortranarray(a),
    lambda r, a: np.asfortranarray(a),
    _reversed,
    _reversed,
    _stepped,
    _stepped,
    lambda r, a: np.moveaxis(a, 0, -1).copy().transpose(np.roll(range(a.ndim), 1)) if a.ndim else a,
    _repeated,
    _endless,
    _overlapping,
    _unaligned,
    _odd_steps,
    _read_only,
    _read_only,
    _swapped,
    _mapped,
    lambda r, a: a.view(Subclass),
    lambda r, a: a.view(np.matrix) if a.ndim == 2 and a.dtype.kind == "f" else a,
    _masked,
    _frame,
    _as_list,
    _as_list,
    _ragged,
    _lent,
    lambda r, a: Gives(a),
    lambda r, a: a.reshape(-1)[0] if a.size else a,
    lambda r, a: a[..., np.newaxis],
    lambda r, a: iter(a) if a.ndim else a,
    lambda r, a: np.ascontiguousarray(a).data if a.dtype.kind in "fiu" else a,
)


def array(rng: Random, right: Shape) -> Any:
    """An argument that should be an array of this shape."""
    if rng.random() < 0.04:
        return scalar(rng)
    if rng.random() < 0.4:
        return lay_out(rng, tame(rng, right, rng.choice(("f4", "f8"))))
    return lay_out(rng, content(rng, shape(rng, right)))


def labels(rng: Random, n_samples: int, n_classes: int) -> Any:
    """Labels, in most cases from 0 to n_classes - 1."""
    if rng.random() < 0.2:
        return array(rng, (n_samples,))
    low, high = (0, n_classes) if rng.random() < 0.8 else rng.choice(((-1, 2), (0, 300), (-9, 99)))
    found = np.array([rng.randrange(low, high) for _ in range(n_samples)])
    dtype = rng.choice(("i8", "i8", "i4", "u1", "i1", "f4", "f8", ">i4", "?", "u8", "O", "U3"))
    wanted = shape(rng, (n_samples,))
    with np.errstate(all="ignore"):
        return lay_out(rng, np.resize(found, wanted).astype(dtype))
