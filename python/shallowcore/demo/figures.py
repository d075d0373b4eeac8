"""One figure of a lecture: what it is, what is expected of it, what came out, and whether it holds.

A row of the lectures is a function that returns a list of Figure.  The table printer, the command
line and the tests all read the same list.  Text is plain ASCII, so any terminal or file takes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

_EXPECTED_WIDTH = 26
_GOT_WIDTH = 26


class NotAvailable(Exception):
    """A row cannot run here: its data or an optional package is missing; says how to get it."""


class Criterion(Protocol):
    """What is expected of a number."""

    def holds(self, got: float) -> bool:
        """Whether `got` meets the expectation."""

    def expected(self) -> str:
        """Return the expectation, in print."""

    def show(self, got: float) -> str:
        """`got` with as many digits as the expectation has."""


@dataclass(frozen=True)
class Near:
    """A number known to its last printed digit.

    Parameters
    ----------
    value : float
        The expected number; its printed digits decide how a result is shown.
    tolerance : float or None
        Largest absolute difference; None allows half a unit of the last printed digit.
    decimals : int or None
        Digits after the point, where trailing zeros are part of the figure.
    """

    value: float
    tolerance: float | None = None
    decimals: int | None = None

    def holds(self, got: float) -> bool:
        """Whether `got` is within the tolerance of the value."""
        tolerance = self.tolerance
        if tolerance is None:
            tolerance = 0.5 * 10.0 ** -self._decimals()
        return abs(got - self.value) <= tolerance

    def expected(self) -> str:
        """Return the expected number as it is written in the lecture."""
        return self.show(self.value)

    def show(self, got: float) -> str:
        """`got` with the digits of the expected number."""
        return f"{got:.{self._decimals()}f}"

    def _decimals(self) -> int:
        if self.decimals is not None:
            return self.decimals
        exponent = Decimal(repr(self.value)).as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else 0


@dataclass(frozen=True)
class Equals:
    """A whole number, or a number that must come out exactly."""

    value: int

    def holds(self, got: float) -> bool:
        """Whether `got` is the number."""
        return got == self.value

    def expected(self) -> str:
        """Return the number."""
        return self.show(self.value)

    def show(self, got: float) -> str:
        """`got`, whole numbers with separators for thousands."""
        return f"{int(got):,}" if math.isfinite(got) and got == int(got) else f"{got:.3g}"


@dataclass(frozen=True)
class Between:
    """A number between two bounds, both allowed; a bound may be infinite."""

    low: float
    high: float
    decimals: int = 3

    def holds(self, got: float) -> bool:
        """Whether `got` lies between the bounds."""
        return self.low <= got <= self.high

    def expected(self) -> str:
        """Return the bounds."""
        if math.isinf(self.low):
            return f"<= {self._bound(self.high)}"
        if math.isinf(self.high):
            return f">= {self._bound(self.low)}"
        return f"{self._bound(self.low)} to {self._bound(self.high)}"

    def show(self, got: float) -> str:
        """`got`, small numbers by their order of magnitude."""
        if 0.0 < abs(got) < 10.0**-self.decimals:
            return f"{got:.2g}"
        return f"{got:.{self.decimals}f}"

    def _bound(self, bound: float) -> str:
        return f"{bound:g}" if 0.0 < abs(bound) < 1e-3 else f"{bound:.{self.decimals}f}"


def at_least(low: float, decimals: int = 3) -> Between:
    """Any number from `low` upwards."""
    return Between(low, math.inf, decimals)


def at_most(high: float, decimals: int = 3) -> Between:
    """Any number up to `high`."""
    return Between(-math.inf, high, decimals)


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Parameters
    ----------
    what : str
        What the number is.
    criterion : Criterion
        What is expected of it.
    got : float
        What shallowcore's core computed.
    """

    what: str
    criterion: Criterion
    got: float

    @property
    def ok(self) -> bool:
        """Whether the number meets the expectation; NaN never does."""
        return not math.isnan(self.got) and self.criterion.holds(self.got)

    def line(self, what_width: int) -> str:
        """Return the line as printed: what, expected, got, and ok or OFF."""
        expected = self.criterion.expected()
        got = self.criterion.show(self.got)
        if got == expected and not self.ok:
            got = repr(self.got)
        verdict = "ok" if self.ok else "OFF"
        return (
            f"  {self.what:<{what_width}}  {expected:>{_EXPECTED_WIDTH}}"
            f"  {got:>{_GOT_WIDTH}}  {verdict}"
        )


def near_all(what: str, expected: Sequence[float], got: Iterable[float]) -> list[Figure]:
    """One figure a number, for a short list of numbers known to their last printed digit."""
    return [
        Figure(f"{what} {index}", Near(number), float(result))
        for index, (number, result) in enumerate(zip(expected, got, strict=True), start=1)
    ]


def format_table(figures: Sequence[Figure]) -> str:
    """Return the figures below a line of headings, one line each."""
    width = max([len(figure.what) for figure in figures] + [len("figure")])
    heading = (
        f"  {'figure':<{width}}  {'expected':>{_EXPECTED_WIDTH}}  {'shallowcore':>{_GOT_WIDTH}}"
    )
    return "\n".join([heading, *(figure.line(width) for figure in figures)])
