"""Checks of constructor arguments, made when `fit` is called, as scikit-learn does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

Check = Callable[[Any], bool]


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def real(
    low: float, high: float = math.inf, *, open_low: bool = False, open_high: bool = False
) -> Check:
    """Check for a real number between two limits."""

    def check(value: Any) -> bool:
        if not _is_real(value) or math.isnan(value):
            return False
        above = value > low if open_low else value >= low
        return bool(above and (value < high if open_high else value <= high))

    return check


def whole(low: int) -> Check:
    """Check for an integer from `low` on."""

    def check(value: Any) -> bool:
        return _is_real(value) and isinstance(value, Integral) and int(value) >= low

    return check


def one_of(*names: Any) -> Check:
    """Check for one of some strings."""
    return lambda value: isinstance(value, str) and value in names


def flag(value: Any) -> bool:
    """Check for a boolean."""
    return isinstance(value, (bool, np.bool_))


def number_or_flag(value: Any) -> bool:
    """Check for a verbosity."""
    return flag(value) or whole(0)(value)


def missing(value: Any) -> bool:
    """Check for None."""
    return value is None


def any_of(*checks: Check) -> Check:
    """Check that one of some checks holds."""
    return lambda value: any(check(value) for check in checks)


def solver_rule(names: Iterable[str]) -> tuple[str, Check, str]:
    """Rule for a solver, one of these."""
    return ("solver", one_of(*names), f"one of {', '.join(names)}")


def check_parameters(estimator: Any, rules: Iterable[tuple[str, Check, str]]) -> None:
    """Raise ValueError naming the first argument that is out of range."""
    for name, check, expected in rules:
        value = getattr(estimator, name)
        if not check(value):
            raise ValueError(
                f"The {name!r} parameter of {type(estimator).__name__} must be {expected}. "
                f"Got {value!r} instead."
            )


# Of the perceptrons, beside the solver.
RULES = (
    ("alpha", real(0), "a number >= 0"),
    ("batch_size", any_of(one_of("auto"), whole(1)), "'auto' or an integer >= 1"),
    (
        "learning_rate",
        one_of("constant", "invscaling", "adaptive"),
        "'constant', 'invscaling' or 'adaptive'",
    ),
    ("learning_rate_init", real(0, open_low=True), "a number > 0"),
    ("power_t", real(0), "a number >= 0"),
    ("max_iter", whole(1), "an integer >= 1"),
    ("shuffle", flag, "a bool"),
    ("tol", real(0), "a number >= 0"),
    ("verbose", number_or_flag, "a bool or an integer >= 0"),
    ("warm_start", flag, "a bool"),
    ("momentum", real(0, 1), "a number in [0, 1]"),
    ("nesterovs_momentum", flag, "a bool"),
    ("early_stopping", any_of(flag, one_of("score", "loss")), "a bool, 'score' or 'loss'"),
    ("validation_fraction", real(0, 1, open_high=True), "a number in [0, 1)"),
    ("beta_1", real(0, 1, open_high=True), "a number in [0, 1)"),
    ("beta_2", real(0, 1, open_high=True), "a number in [0, 1)"),
    ("epsilon", real(0, open_low=True), "a number > 0"),
    ("n_iter_no_change", any_of(whole(1), lambda v: v == np.inf), "an integer >= 1 or np.inf"),
    ("max_fun", whole(1), "an integer >= 1"),
    ("dropout", real(0, 1, open_high=True), "a number in [0, 1)"),
    ("l1", real(0), "a number >= 0"),
    ("dtype", any_of(missing, one_of("float32", "float64")), "None, 'float32' or 'float64'"),
    ("n_threads", any_of(missing, whole(1)), "None or an integer >= 1"),
)
