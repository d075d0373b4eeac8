"""Data generators and packaged digits: the lectures' figures to the last digit, and seeds."""

import hashlib
import inspect

import numpy as np
import pytest
from shallowcore import datasets

PLAYGROUND = [
    datasets.make_circle,
    datasets.make_xor,
    datasets.make_gaussian,
    datasets.make_spiral,
]
DIGITS_SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
SEEDED = [datasets.make_shirts, datasets.make_apartments, datasets.make_flower, *PLAYGROUND]


def test_shirts_are_those_of_lecture_a():
    x, y = datasets.make_shirts()
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((50, 1), np.float64, (50,), np.int64)
    assert x[:5, 0].tolist() == [102.51, 110.29, 108.71, 111.36, 101.67]
    assert np.bincount(y).tolist() == [22, 28]
    np.testing.assert_array_equal(y, x[:, 0] >= 104)
    rng = np.random.RandomState(27)
    assert x[:, 0].tolist() == [round(rng.uniform(94, 114), 2) for _ in range(50)]


def test_apartments_are_those_of_lecture_a():
    x, y = datasets.make_apartments()
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((100, 2), np.float64, (100,), np.float64)
    assert x[:3].tolist() == [[58.16, 572.97], [195.92, 809.8], [156.6, 349.04]]
    assert y[:3].tolist() == [1.581913, 3.450274, 2.978769]
    rng = np.random.RandomState(47)
    surfaces = [round(rng.uniform(40, 200), 2) for _ in range(100)]
    distances = [round(rng.uniform(50, 1000), 2) for _ in range(100)]
    prices = [
        round((100000 + 14373 * s + (1000 - d) * 1286) * (1 + rng.uniform(-0.1, 0.1))) / 1e6
        for s, d in zip(surfaces, distances, strict=True)
    ]
    assert x.tolist() == [list(pair) for pair in zip(surfaces, distances, strict=True)]
    assert y.tolist() == prices


def test_one_neuron_on_the_apartments_gives_the_lectures_error():
    x, y = datasets.make_apartments()
    predicted = x[:, 0] * 0.014373 + x[:, 1] * -0.001286 + 1.386
    printed = [1.48509426, 3.16055536, 3.18794636, 2.65746327, 2.53638594]
    np.testing.assert_allclose(predicted[:5], printed, rtol=0, atol=5e-9)
    assert np.mean((predicted - y) ** 2) == pytest.approx(0.024469052004118513, rel=1e-14)


def flower_accuracy_of_a_line(x, y):
    """Accuracy of logistic regression, fitted by Newton's method."""
    a = np.column_stack([x, np.ones(len(x))])
    w = np.zeros(3)
    for _ in range(20):
        p = 1 / (1 + np.exp(-a @ w))
        w -= np.linalg.solve(a.T @ (a * (p * (1 - p))[:, None]), a.T @ (p - y))
    return np.mean((a @ w > 0) == y)


def flower_accuracy_of_a_network(x, y):
    """Accuracy of 2-4-1, tanh then sigmoid, after 10000 steps of full-batch descent at rate 1.2."""
    rng = np.random.RandomState(2)
    w1, b1, w2, b2 = rng.randn(2, 4) * 0.01, np.zeros(4), rng.randn(4) * 0.01, 0.0
    for _ in range(10000):
        a1 = np.tanh(x @ w1 + b1)
        dz2 = (1 / (1 + np.exp(-(a1 @ w2 + b2))) - y) / len(y)
        dz1 = np.outer(dz2, w2) * (1 - a1 * a1)
        w1 -= 1.2 * (x.T @ dz1)
        b1 -= 1.2 * dz1.sum(axis=0)
        w2 -= 1.2 * (a1.T @ dz2)
        b2 -= 1.2 * dz2.sum()
    return np.mean((np.tanh(x @ w1 + b1) @ w2 + b2 > 0) == y)


def test_flower_defeats_a_line_and_not_a_small_network():
    x, y = datasets.make_flower()
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((400, 2), np.float64, (400,), np.int64)
    assert np.bincount(y).tolist() == [200, 200]
    assert flower_accuracy_of_a_line(x, y) == pytest.approx(0.47, abs=0.01)
    assert flower_accuracy_of_a_network(x, y) >= 0.90


@pytest.mark.parametrize("make", SEEDED)
def test_a_seed_gives_the_same_bits_and_another_seed_others(make):
    x, y = make(seed=3)
    x_again, y_again = make(seed=3)
    assert x.tobytes() == x_again.tobytes()
    assert y.tobytes() == y_again.tobytes()
    assert x.tobytes() != make(seed=4)[0].tobytes()
    assert make(seed=None)[0].tobytes() != make(seed=None)[0].tobytes()
    assert x.flags.c_contiguous
    assert x.flags.writeable
    assert y.flags.writeable


@pytest.mark.parametrize("make", SEEDED)
def test_a_seed_leaves_numpys_global_generator_alone(make):
    before = repr(np.random.get_bit_generator().state)
    make()
    make(seed=None)
    assert repr(np.random.get_bit_generator().state) == before


@pytest.mark.parametrize(
    ("make", "point", "label"),
    [
        (datasets.make_flower, [0.03630856406497362, -0.8539528551255181], 0),
        (datasets.make_circle, [0.2446722301076176, -0.6987519971291738], 1),
        (datasets.make_xor, [3.373189587250107, 0.991007386145933], 1),
        (datasets.make_gaussian, [-2.287044148061556, -1.4877941181284875], 0),
        (datasets.make_spiral, [1.7047503618109177, 2.6130874849314836], 1),
    ],
)
def test_default_points_never_change(make, point, label):
    x, y = make()
    np.testing.assert_allclose(x[7], point, rtol=1e-12)
    assert y[7] == label


@pytest.mark.parametrize("make", PLAYGROUND)
@pytest.mark.parametrize("n_samples", [2, 3, 101, 500])
def test_playground_shapes_labels_and_balance(make, n_samples):
    x, y = make(n_samples, seed=1)
    assert (x.shape, x.dtype, y.shape, y.dtype) == (
        (n_samples, 2),
        np.float64,
        (n_samples,),
        np.int64,
    )
    assert set(y.tolist()) <= {0, 1}
    if make is not datasets.make_xor:
        assert y.sum() == n_samples - n_samples // 2


@pytest.mark.parametrize("make", PLAYGROUND)
def test_playground_defaults_are_500_points_shuffled(make):
    x, y = make()
    assert len(x) == len(y) == 500
    assert 75 < y[:250].sum() < 175


@pytest.mark.parametrize("make", PLAYGROUND)
def test_playground_labels_may_be_any_two_numbers(make):
    x, y = make(seed=2)
    for labels in [(-1, 1), (-1.0, 1.0), np.array([5, 7])]:
        x_other, y_other = make(seed=2, labels=labels)
        np.testing.assert_array_equal(x_other, x)
        np.testing.assert_array_equal(y_other, np.asarray(labels)[y])
        assert y_other.dtype.kind == np.asarray(labels).dtype.kind


def test_circle_is_a_disc_in_a_ring_and_noise_makes_labels_wrong():
    x, y = datasets.make_circle(2000)
    radius = np.hypot(x[:, 0], x[:, 1])
    assert radius[y == 1].max() < 2.5
    assert radius[y == 0].min() >= 3.5
    assert radius.max() < 5
    x_noisy, y_noisy = datasets.make_circle(2000, noise=0.5)
    np.testing.assert_array_equal(x_noisy, x)
    assert 0.1 < np.mean(y_noisy != (np.hypot(*x_noisy.T) < 2.5)) < 0.5


def test_xor_labels_by_sign_with_a_gap_at_the_axes():
    x, y = datasets.make_xor(2000)
    np.testing.assert_array_equal(y, x[:, 0] * x[:, 1] > 0)
    assert np.abs(x).min() >= 0.3
    assert np.abs(x).max() <= 5.3
    x_noisy, y_noisy = datasets.make_xor(2000, noise=0.5)
    assert 0.05 < np.mean(y_noisy != (x_noisy[:, 0] * x_noisy[:, 1] > 0)) < 0.5


@pytest.mark.parametrize(("noise", "variance"), [(0.0, 0.5), (0.25, 2.25), (0.5, 4.0)])
def test_gaussian_clouds_have_the_playgrounds_centres_and_variances(noise, variance):
    x, y = datasets.make_gaussian(20000, noise=noise)
    for label, centre in [(0, -2.0), (1, 2.0)]:
        cloud = x[y == label]
        np.testing.assert_allclose(cloud.mean(axis=0), centre, atol=0.1)
        np.testing.assert_allclose(cloud.var(axis=0), variance, rtol=0.06)


def test_spirals_are_half_a_turn_apart():
    x, y = datasets.make_spiral(400)
    arms = [x[y == label][np.argsort(np.hypot(*x[y == label].T))] for label in (0, 1)]
    np.testing.assert_allclose(arms[0], -arms[1], atol=1e-12)
    assert np.hypot(*arms[1].T)[-1] == pytest.approx(5 * 199 / 200)
    x_noisy, _ = datasets.make_spiral(400, noise=0.5)
    assert np.abs(x_noisy - x).max() > 0


@pytest.mark.parametrize("make", [datasets.make_flower, *PLAYGROUND])
@pytest.mark.parametrize(
    ("argument", "value", "error"),
    [
        ("n_samples", 1, ValueError),
        ("n_samples", -5, ValueError),
        ("n_samples", 10.0, TypeError),
        ("n_samples", True, TypeError),
        ("n_samples", "10", TypeError),
        ("noise", -0.1, ValueError),
        ("noise", float("nan"), ValueError),
        ("noise", float("inf"), ValueError),
        ("noise", "0.1", TypeError),
        ("noise", None, TypeError),
        ("seed", -1, ValueError),
        ("seed", 2**32, ValueError),
        ("seed", 1.0, TypeError),
        ("seed", "1", TypeError),
        ("labels", (1, 1), ValueError),
        ("labels", (0, 1, 2), ValueError),
        ("labels", (0, float("nan")), ValueError),
        ("labels", (0, [1, 2]), ValueError),
        ("labels", ("no", "yes"), TypeError),
        ("labels", None, TypeError),
    ],
)
def test_bad_arguments_are_named_with_value_and_expectation(make, argument, value, error):
    if argument not in inspect.signature(make).parameters:
        argument, value, error = "seed", 1.5, TypeError
    with pytest.raises(error, match=f"^{argument} must be .*, got ") as caught:
        make(**{argument: value})
    assert str(caught.value).endswith(f"got {value!r}")


@pytest.mark.parametrize("make", [datasets.make_shirts, datasets.make_apartments])
@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (0.5, TypeError), (True, TypeError)])
def test_lecture_seeds_are_checked(make, seed, error):
    with pytest.raises(error, match="seed must be an integer from 0 to 4294967295, got"):
        make(seed=seed)


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    theirs, ours = load_digits(), datasets.load_digits()
    for name in ["data", "target", "images", "target_names"]:
        np.testing.assert_array_equal(getattr(ours, name), theirs[name])
        assert ours[name].dtype == theirs[name].dtype
    assert ours.feature_names == theirs.feature_names
    x, y = datasets.load_digits(n_class=4, return_X_y=True)
    x_theirs, y_theirs = load_digits(n_class=4, return_X_y=True)
    np.testing.assert_array_equal(x, x_theirs)
    np.testing.assert_array_equal(y, y_theirs)


def test_digits_unpack_are_writable_and_carry_their_licence():
    digits = datasets.load_digits()
    x, y = digits
    assert x is digits.data is digits["data"]
    assert y is digits.target
    assert x.shape == (1797, 64)
    assert x.min() == 0
    assert x.max() == 16
    assert x.flags.c_contiguous
    assert x.flags.writeable
    assert np.shares_memory(x, digits.images)
    stored = x.astype(np.uint8).tobytes() + y.astype(np.uint8).tobytes()
    assert hashlib.sha256(stored).hexdigest() == DIGITS_SHA256
    for part in ["Alpaydin", "Kaynak", "10.24432/C50P49", "Creative Commons Attribution 4.0"]:
        assert part in digits.DESCR
    assert "(1797, 64)" in repr(digits)
    x[:] = -1
    assert datasets.load_digits().data.min() == 0
    with pytest.raises(KeyError, match="labels"):
        digits["labels"]


@pytest.mark.parametrize("dtype", ["uint8", "float32", np.float64])
def test_digits_come_in_the_asked_type(dtype):
    digits = datasets.load_digits(dtype=dtype)
    assert digits.data.dtype == digits.images.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(digits.data, datasets.load_digits().data)


def test_digits_split_is_fixed_disjoint_and_whole():
    digits = datasets.load_digits(dtype="uint8")
    (x_train, y_train), (x_test, y_test) = digits.split()
    assert (x_train.shape, y_train.shape) == ((1437, 64), (1437,))
    assert (x_test.shape, y_test.shape) == ((360, 64), (360,))
    rows = np.column_stack([np.concatenate([x_test, x_train]), np.concatenate([y_test, y_train])])
    everything = np.column_stack([digits.data, digits.target])
    np.testing.assert_array_equal(rows[np.lexsort(rows.T)], everything[np.lexsort(everything.T)])
    assert np.bincount(y_test, minlength=10).min() >= 25
    np.testing.assert_array_equal(digits.split()[1][0], x_test)
    assert not np.array_equal(digits.split(seed=1)[1][0], x_test)
    assert len(digits.split(n_test=1)[1][1]) == 1
    assert len(digits.split(n_test=1796)[0][1]) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_class": 0}, ValueError, "n_class must be an integer from 1 to 10, got 0"),
        ({"n_class": 11}, ValueError, "n_class must be an integer from 1 to 10, got 11"),
        ({"n_class": "3"}, TypeError, "n_class must be an integer from 1 to 10, got '3'"),
        ({"return_X_y": 1}, TypeError, "return_X_y must be True or False, got 1"),
        ({"dtype": "int64"}, ValueError, "dtype must be 'float64', 'float32' or 'uint8', got"),
        ({"dtype": ">f8"}, ValueError, "dtype must be 'float64', 'float32' or 'uint8', got '>f8'"),
        ({"dtype": "pixels"}, TypeError, "dtype must be 'float64', 'float32' or 'uint8', got"),
    ],
)
def test_bad_arguments_of_load_digits(arguments, error, message):
    with pytest.raises(error) as caught:
        datasets.load_digits(**arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize("n_test", [0, 1797, 10.0])
def test_bad_size_of_a_split(n_test):
    with pytest.raises((TypeError, ValueError), match="n_test must be an integer from 1 to 1796"):
        datasets.load_digits().split(n_test=n_test)
