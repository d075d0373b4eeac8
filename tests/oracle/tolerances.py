"""Every tolerance of the tests: epsilon times a stated growth factor; and the comparisons.

A comparison rejects wrong shapes and dtypes and anything not finite before it looks at numbers, and
then measures the largest error against the size of the expected array (or a given scale, where the
answer is the small difference of large terms): cancellation in one entry is not an error, while an
array of zeros, a transposed or a slightly wrong one is.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

# A formula of a few operations and one library function (exp, log, tanh) within 2 ulp, on both
# sides of the comparison.
SINGLE_GROWTH = 16
# Sums in another order: the rounding errors of n terms add like a random walk, sqrt(n), with room.
REDUCTION_GROWTH = 4
# Training from weights of ordinary size (standard deviation 1 / sqrt(n_in)): each step adds its own
# rounding.  Measured in float32 against float64 over 100 steps of every optimizer: 3 to 53 epsilon;
# 8 a step leaves room for two implementations that both round.  Weights of 0.01 under Adam or
# RMSprop can exceed it: steps of fixed size along gradients that are rounding errors.
TRAJECTORY_GROWTH = 8
# Finite differences in float64, as the project promises.
FINITE_DIFFERENCE = 1e-7


def epsilon(dtype: DTypeLike) -> float:
    """Distance from 1 to the next number of the dtype."""
    return float(np.finfo(dtype).eps)


def single(dtype: DTypeLike) -> float:
    """One operation on each element: 16 epsilon."""
    return SINGLE_GROWTH * epsilon(dtype)


def reduction(dtype: DTypeLike, n: int) -> float:
    """Sums and products over n terms: epsilon (16 + 4 sqrt n)."""
    return epsilon(dtype) * (SINGLE_GROWTH + REDUCTION_GROWTH * math.sqrt(n))


def trajectory(dtype: DTypeLike, steps: int) -> float:
    """Parameters after some optimizer steps from one start: 8 epsilon (steps + 8)."""
    return TRAJECTORY_GROWTH * epsilon(dtype) * (steps + 8)


def checked(actual: ArrayLike, expected: ArrayLike, name: str) -> tuple[Any, Any]:
    """Both as arrays, once they agree in shape and dtype and are finite."""
    a, e = np.asarray(actual), np.asarray(expected)
    assert a.shape == e.shape, f"{name}: shape {a.shape}, expected {e.shape}"
    assert a.dtype == e.dtype, f"{name}: dtype {a.dtype}, expected {e.dtype}"
    assert np.isfinite(e).all(), f"{name}: the expected array is not finite"
    assert np.isfinite(a).all(), f"{name}: {np.sum(~np.isfinite(a))} entries are not finite"
    return a.astype(np.float64), e.astype(np.float64)


def relative_error(actual: ArrayLike, expected: ArrayLike, scale: float | None = None) -> float:
    """max |actual - expected| / scale, scale = max |expected| unless given; 0 / 0 = 0."""
    a, e = np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    error = float(np.max(np.abs(a - e), initial=0.0))
    size = float(np.max(np.abs(e), initial=0.0)) if scale is None else scale
    if error == 0.0:
        return 0.0
    return error / size if size else float("inf")


def assert_close(
    actual: ArrayLike,
    expected: ArrayLike,
    rtol: float,
    *,
    scale: float | None = None,
    name: str = "array",
) -> None:
    """max |actual - expected| <= rtol max |expected| (or rtol scale); same shape and dtype."""
    a, e = checked(actual, expected, name)
    error = relative_error(a, e, scale)
    assert error <= rtol, f"{name}: relative error {error:.3g} is above {rtol:.3g}"


def assert_close_elementwise(
    actual: ArrayLike,
    expected: ArrayLike,
    rtol: float,
    *,
    atol: float = 0.0,
    name: str = "array",
) -> None:
    """|actual - expected| <= rtol |expected| + atol for every entry; same shape and dtype."""
    a, e = checked(actual, expected, name)
    excess = np.abs(a - e) - (rtol * np.abs(e) + atol)
    worst = int(np.argmax(excess)) if excess.size else 0
    assert not (excess > 0).any(), (
        f"{name}: entry {worst} is {a.ravel()[worst]:.17g}, expected {e.ravel()[worst]:.17g}, "
        f"{np.sum(excess > 0)} of {a.size} entries are off"
    )


def assert_all_close(
    actual: Any, expected: Any, rtol: float, *, scale: float | None = None, name: str = "arrays"
) -> None:
    """`assert_close` for two lists of arrays, one by one."""
    assert len(actual) == len(expected), f"{name}: {len(actual)} arrays, expected {len(expected)}"
    for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
        assert_close(a, e, rtol, scale=scale, name=f"{name}[{i}]")


def assert_same_bits(actual: ArrayLike, expected: ArrayLike, name: str = "array") -> None:
    """Equal to the last bit, sign of zero included."""
    a, e = np.asarray(actual), np.asarray(expected)
    assert a.shape == e.shape, f"{name}: shape {a.shape}, expected {e.shape}"
    assert a.dtype == e.dtype, f"{name}: dtype {a.dtype}, expected {e.dtype}"
    same = np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(e).tobytes()
    assert same, f"{name}: {np.sum(a != e)} of {a.size} entries differ"
