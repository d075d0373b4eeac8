"""Initializers: Keras' distributions, reproducible draws, and what a layer accepts as one."""

import numpy as np
import pytest
from oracle import initializers as reference
from shallowcore import initializers

SHAPE = (300, 200)
FAMILIES = ("glorot", "he", "lecun")


@pytest.mark.parametrize("family", FAMILIES)
def test_uniform_families_fill_their_bounds(family):
    values = initializers.get(f"{family}_uniform")(SHAPE, np.random.default_rng(0))
    bound = reference.uniform_bound(family, *SHAPE)
    assert np.abs(values).max() <= bound
    assert np.abs(values).max() > 0.999 * bound
    assert abs(values.mean()) < 5 * bound / np.sqrt(values.size)


@pytest.mark.parametrize("family", FAMILIES)
def test_normal_families_are_cut_and_keep_the_variance(family):
    values = initializers.get(f"{family}_normal")(SHAPE, np.random.default_rng(0))
    bound = reference.truncated_normal_bound(family, *SHAPE)
    deviation = reference.standard_deviation(family, *SHAPE)
    assert np.abs(values).max() <= bound
    assert np.abs(values).max() > 0.999 * bound
    assert values.std() == pytest.approx(deviation, rel=5 / np.sqrt(values.size))
    assert abs(values.mean()) < 5 * deviation / np.sqrt(values.size)


def test_plain_distributions():
    rng = np.random.default_rng(0)
    normal = initializers.RandomNormal(1.0, 0.5)(SHAPE, rng)
    assert normal.mean() == pytest.approx(1.0, abs=0.02)
    assert normal.std() == pytest.approx(0.5, abs=0.02)
    assert np.abs(normal - 1).max() > 1.0
    cut = initializers.TruncatedNormal(1.0, 0.5)(SHAPE, rng)
    assert np.abs(cut - 1).max() <= 1.0
    uniform = initializers.RandomUniform(2.0, 3.0)(SHAPE, rng)
    assert uniform.min() >= 2
    assert uniform.max() < 3
    assert not initializers.Zeros()(SHAPE).any()
    assert (initializers.Ones()(SHAPE) == 1).all()
    assert (initializers.Constant(2.5)((3,)) == 2.5).all()


def test_keras_defaults():
    assert (initializers.RandomNormal().mean, initializers.RandomNormal().stddev) == (0.0, 0.05)
    uniform = initializers.RandomUniform()
    assert (uniform.minval, uniform.maxval) == (-0.05, 0.05)
    assert initializers.Constant().value == 0.0


def test_fan_modes_and_bias_shapes():
    for mode, n in (("fan_in", 300), ("fan_out", 200), ("fan_avg", 250)):
        values = initializers.VarianceScaling(3.0, mode, "untruncated_normal", seed=1)(SHAPE)
        assert values.std() == pytest.approx(np.sqrt(3 / n), rel=0.03)
    assert np.abs(initializers.GlorotUniform(seed=0)((50,))).max() <= np.sqrt(6 / 100)


def test_own_seed_gives_the_same_values_at_every_call():
    own = initializers.HeNormal(seed=4)
    a, b = own((3, 3), np.random.default_rng(0)), own((3, 3), np.random.default_rng(1))
    np.testing.assert_array_equal(a, b)
    free = initializers.HeNormal()
    rng = np.random.default_rng(0)
    assert not np.array_equal(free((3, 3), rng), free((3, 3), rng))


def test_everything_that_is_an_initializer():
    def draw(shape, rng):
        return np.zeros(shape)

    assert initializers.get(draw) is draw
    assert isinstance(initializers.get(initializers.HeNormal), initializers.HeNormal)
    assert isinstance(initializers.get("HeNormal"), initializers.HeNormal)
    values = np.arange(4.0)
    kept = initializers.get(values)
    values[...] = 0
    np.testing.assert_array_equal(kept((4,), None), [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: initializers.get("he"), ValueError, "initializer 'he' is not known"),
        (lambda: initializers.get(None), TypeError, "must be an array, got None"),
        (lambda: initializers.get([np.nan]), ValueError, "holds NaN"),
        (lambda: initializers.get(["a"]), TypeError, "dtype"),
        (lambda: initializers.RandomNormal(stddev=-1), ValueError, "stddev"),
        (lambda: initializers.RandomUniform(1, 0), ValueError, "minval must be <= maxval"),
        (lambda: initializers.VarianceScaling(0.0), ValueError, "scale must be > 0"),
        (lambda: initializers.VarianceScaling(mode="fan"), ValueError, "mode 'fan'"),
        (lambda: initializers.HeNormal(seed=-1), ValueError, "seed must be an integer >= 0"),
        (lambda: initializers.HeNormal(seed=1.0), TypeError, "seed"),
    ],
)
def test_initializers_refuse(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_representations():
    assert repr(initializers.HeNormal()) == "HeNormal()"
    assert repr(initializers.HeNormal(seed=3)) == "HeNormal(seed=3)"
    assert repr(initializers.RandomNormal(stddev=0.01)) == "RandomNormal(mean=0.0, stddev=0.01)"
