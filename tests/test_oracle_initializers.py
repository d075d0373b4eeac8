"""Bounds and deviations of the initializers against samples of the distributions."""

import numpy as np
import pytest
from oracle.initializers import standard_deviation, truncated_normal_bound, uniform_bound

CASES = [("glorot", 2 / 90), ("he", 2 / 50), ("lecun", 1 / 50)]


@pytest.mark.parametrize(("family", "variance"), CASES)
def test_uniform_and_truncated_normal_have_the_variance(family: str, variance: float) -> None:
    """For a (50, 40) kernel; the normal is redrawn beyond two of its own sigmas."""
    draw = np.random.default_rng(0)
    assert standard_deviation(family, 50, 40) == pytest.approx(variance**0.5, rel=1e-15)
    bound = uniform_bound(family, 50, 40)
    assert np.var(draw.uniform(-bound, bound, 200_000)) == pytest.approx(variance, rel=0.01)
    cut = truncated_normal_bound(family, 50, 40)
    normal = draw.normal(0, cut / 2, 200_000)
    assert np.var(normal[np.abs(normal) <= cut]) == pytest.approx(variance, rel=0.01)
