"""The oracle's normalization against figures worked by hand and against its definition."""

import numpy as np
from oracle.normalization import moments, normalize, standardize, target_scaling, to_units


def test_moments_by_hand() -> None:
    """2, 4, 9: mean 5, squares 9 + 1 + 16, a third of them; a constant has none."""
    mean, variance = moments(np.array([[2.0, 7.0], [4.0, 7.0], [9.0, 7.0]]))
    assert mean.tolist() == [5.0, 7.0]
    assert variance.tolist() == [26.0 / 3.0, 0.0]


def test_moments_of_large_numbers_that_differ_little() -> None:
    mean, variance = moments(1e12 + np.array([[0.0], [1.0], [2.0]]))
    assert mean[0] == 1e12 + 1.0
    assert abs(variance[0] - 2.0 / 3.0) < 1e-15


def test_normalized_features_have_mean_0_and_variance_1() -> None:
    x = np.random.default_rng(0).normal(3.0, 7.0, (500, 4))
    found_mean, found_variance = moments(normalize(x, *moments(x)))
    assert np.abs(found_mean).max() < 1e-14
    assert np.abs(found_variance - 1.0).max() < 1e-14


def test_constant_features_become_zeros() -> None:
    x = np.full((5, 1), 0.1)
    assert not normalize(x, *moments(x)).any()
    assert normalize([[0.1 + 1e-7]], *moments(x))[0, 0] - 1.0 < 1e-9


def test_targets_there_and_back() -> None:
    y = np.array([[1.0, 5.0], [3.0, 5.0]])
    mean, scale = target_scaling(y)
    assert (mean.tolist(), scale.tolist()) == ([2.0, 5.0], [1.0, 1.0])
    assert standardize(y, mean, scale).tolist() == [[-1.0, 0.0], [1.0, 0.0]]
    assert (to_units(standardize(y, mean, scale), mean, scale) == y).all()
