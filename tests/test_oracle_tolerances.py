"""The comparison helpers reject what a test must reject."""

from collections.abc import Callable

import numpy as np
import pytest
from oracle import tolerances
from oracle.tolerances import assert_all_close, assert_close, assert_close_elementwise

EXPECTED = np.random.default_rng(0).normal(size=(4, 4)) * 1e3
RTOL = 1e-12

WRONG = {
    "zeros": np.zeros_like(EXPECTED),
    "slightly wrong": EXPECTED * (1 + 3 * RTOL),
    "one entry wrong": EXPECTED + 1e-6 * np.eye(4)[0] * np.eye(4)[:, :1],
    "transposed": EXPECTED.T,
    "negated": -EXPECTED,
    "rows reversed": EXPECTED[::-1],
    "not a number": np.where(np.eye(4) == 1, np.nan, EXPECTED),
    "infinite": np.where(np.eye(4) == 1, np.inf, EXPECTED),
    "other shape": EXPECTED[:1],
    "broadcastable": EXPECTED[:, :1],
    "flat": EXPECTED.ravel(),
    "other dtype": EXPECTED.astype(np.float32),
    "empty": np.empty((0, 4)),
}


@pytest.mark.parametrize("compare", [assert_close, assert_close_elementwise])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_wrong_answers_are_rejected(wrong: np.ndarray, compare: Callable[..., None]) -> None:
    """By both helpers, and with the roles of the two exchanged."""
    with pytest.raises(AssertionError):
        compare(wrong, EXPECTED, RTOL)
    with pytest.raises(AssertionError):
        compare(EXPECTED, wrong, RTOL)


@pytest.mark.parametrize("compare", [assert_close, assert_close_elementwise])
def test_rounding_is_accepted(compare: Callable[..., None]) -> None:
    """The same, a third of the tolerance off, memory order, empty and scalar arrays."""
    compare(EXPECTED, EXPECTED.copy(), 0.0)
    compare(EXPECTED * (1 + RTOL / 3), EXPECTED, RTOL)
    compare(np.asfortranarray(EXPECTED), EXPECTED, 0.0)
    compare(np.empty((0, 3)), np.empty((0, 3)), 0.0)
    compare(1.0, 1.0 + 1e-15, RTOL)


@pytest.mark.parametrize("compare", [assert_close, assert_close_elementwise])
def test_equal_numbers_of_another_dtype_are_rejected(compare: Callable[..., None]) -> None:
    """A float64 answer for float32 input is an error, however exact."""
    with pytest.raises(AssertionError, match="dtype"):
        compare(np.ones(3), np.ones(3, np.float32), RTOL)


def test_zero_is_expected_exactly_unless_a_scale_is_given() -> None:
    """An all-zero answer has no size of its own."""
    with pytest.raises(AssertionError):
        assert_close(np.full(3, 1e-300), np.zeros(3), RTOL)
    assert_close(np.full(3, 1e-13), np.zeros(3), RTOL, scale=1.0)


def test_small_entries() -> None:
    """The scaled comparison forgives cancellation in one entry, the elementwise one does not."""
    expected, actual = np.array([1.0, 1e-20]), np.array([1.0, 2e-20])
    assert_close(actual, expected, RTOL)
    with pytest.raises(AssertionError, match="entry 1"):
        assert_close_elementwise(actual, expected, RTOL)
    assert_close_elementwise(actual, expected, RTOL, atol=1e-19)


def test_lists() -> None:
    """Lengths count; each array has its own scale."""
    assert_all_close([EXPECTED, np.ones(2)], [EXPECTED, np.ones(2)], 0.0)
    with pytest.raises(AssertionError, match="1 arrays, expected 2"):
        assert_all_close([EXPECTED], [EXPECTED, EXPECTED], RTOL)
    with pytest.raises(AssertionError, match=r"\[1\]"):
        assert_all_close([EXPECTED, np.ones(2)], [EXPECTED, np.ones(2) + 1e-9], RTOL)


def test_same_bits() -> None:
    """The last bit and the sign of zero count."""
    tolerances.assert_same_bits(EXPECTED, np.asfortranarray(EXPECTED))
    with pytest.raises(AssertionError):
        tolerances.assert_same_bits(np.nextafter(EXPECTED, np.inf), EXPECTED)
    with pytest.raises(AssertionError):
        tolerances.assert_same_bits(np.array([-0.0]), np.array([0.0]))


def test_tolerances_keep_the_projects_promises() -> None:
    """float64: 1e-12 for one operation, 1e-10 after 100 steps; everything grows with its count."""
    assert tolerances.single(np.float64) < 1e-12
    assert tolerances.reduction(np.float64, 100_000) < 1e-12
    assert tolerances.trajectory(np.float64, 100) < 1e-10
    assert tolerances.trajectory(np.float32, 100) < 2e-4
    assert tolerances.reduction(np.float32, 100) > tolerances.reduction(np.float32, 10)
    assert tolerances.single(np.float32) == 16 * 2.0**-23
