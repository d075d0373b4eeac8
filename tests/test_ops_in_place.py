"""shallowcore.ops on arrays that the core takes as they are: results and errors of any others."""

import numpy as np
import pytest
from shallowcore import _core, activations, ops

DTYPES = ["float32", "float64"]
SHAPES = [(1, 1, 1), (3, 2, 5), (40, 3, 50), (3, 70, 2), (1, 300, 40), (200, 1, 1)]  # m, k, n
PLAIN = _core.Activation("identity")


def draw(dtype, *shapes):
    rng = np.random.default_rng(5)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def spoilt(array, value):
    """The array with one other number, in its middle."""
    other = array.copy()
    other.reshape(-1)[array.size // 2] = value
    return other


def slow(array):
    """The same numbers as something that has to be converted."""
    return array.astype(array.dtype.newbyteorder())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_both_ways_give_the_same_bits(shape, dtype):
    m, k, n = shape
    x, w, b, dz = draw(dtype, (m, k), (k, n), (n,), (m, n))
    assert _core.dense(x, w, b, PLAIN) is not None
    assert _core.dense(slow(x), w, b, PLAIN) is None
    pairs = [
        (ops.dense(x, w, b, "tanh"), ops.dense(slow(x), w, b, "tanh")),
        (ops.activation(x, "softmax"), ops.activation(slow(x), "softmax")),
        (ops.activation_grad(x, "elu"), ops.activation_grad(slow(x), "elu")),
        *zip(ops.dense_grad(x, w, dz), ops.dense_grad(x, slow(w), dz), strict=True),
        *zip(ops.loss("mse", dz, dz - b), ops.loss("mse", slow(dz), dz - b), strict=True),
    ]
    for quick, other in pairs:
        np.testing.assert_array_equal(quick, other)
        assert np.asarray(quick).dtype == np.asarray(other).dtype


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_not_finite_is_found_wherever_it_is(shape, dtype, value):
    """Zeros in the other factor do not hide it, nor does relu."""
    m, k, n = shape
    x, w, b, dz = draw(dtype, (m, k), (k, n), (n,), (m, n))
    for others in (x, w, dz):
        others[...] = 0
    calls = {
        "x": lambda: ops.dense(spoilt(x, value), w, b, "relu"),
        "w": lambda: ops.dense(x, spoilt(w, value), b, "relu"),
        "b": lambda: ops.dense(x, w, spoilt(b, value), "relu"),
        "z": lambda: ops.activation(spoilt(x, value), "tanh"),
        "dz": lambda: ops.dense_grad(x, w, spoilt(dz, value)),
        "y_true": lambda: ops.loss("mse", spoilt(dz, value), dz),
        "y_pred": lambda: ops.loss("mse", dz, spoilt(dz, value)),
        "sample_weight": lambda: ops.loss("mse", dz, dz, sample_weight=spoilt(dz[:, 0], value)),
    }
    for argument, call in calls.items():
        with pytest.raises(ValueError, match=rf"^{argument} holds NaN or infinity in 1 of"):
            call()
    for need_dx in (True, False):
        with pytest.raises(ValueError, match=r"^x holds NaN"):
            ops.dense_grad(spoilt(x, value), w, dz, need_dx=need_dx)
    with pytest.raises(ValueError, match=r"^w holds NaN"):
        ops.dense_grad(x, spoilt(w, value), dz)


@pytest.mark.parametrize("n", [1, 8, 4095, 4096, 4097, 20000])
def test_long_arrays_are_looked_at_to_their_ends(n):
    z = np.zeros(n, "f4")
    np.testing.assert_array_equal(ops.activation(z, "sigmoid"), np.full(n, 0.5, "f4"))
    for place in {0, n // 2, n - 1}:
        z[place] = np.nan
        with pytest.raises(ValueError, match=rf"the first at \({place},\)"):
            ops.activation(z, "sigmoid")
        z[place] = 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [1, 8, 9, 70])
@pytest.mark.parametrize("n", [1, 2, 5, 16, 17, 37, 128])
def test_a_row_has_the_same_bits_among_any_others(n, k, dtype):
    """Kernels are read where they lie for few rows, copied for many."""
    x, w, b = draw(dtype, (60, k), (k, n), (n,))
    whole = ops.dense(x, w, b)
    for rows in (1, 2, 6, 12, 13, 24, 25, 59):
        np.testing.assert_array_equal(ops.dense(x[:rows], w, b), whole[:rows])
        np.testing.assert_array_equal(ops.dense(x[-rows:], w, b), whole[-rows:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 15, 16, 17, 40, 1000])
def test_numbers_do_not_depend_on_where_they_lie(n, dtype):
    """Loops go on from a border of the result: no number may be left out or come twice."""
    z = draw(dtype, 1100)[0]
    for name in ("identity", "tanh", "elu"):
        whole, slopes = ops.activation(z, name), ops.activation_grad(z, name)
        for first in range(20):
            part = slice(first, first + n)
            np.testing.assert_array_equal(ops.activation(z[part], name), whole[part])
            np.testing.assert_array_equal(ops.activation_grad(z[part], name), slopes[part])


def test_spellings_and_objects_are_names_too():
    z = draw("float32", (3, 4))[0]
    for name in ("ReLU", activations.relu, activations.ReLU()):
        np.testing.assert_array_equal(ops.activation(z, name), ops.activation(z, "relu"))
    np.testing.assert_array_equal(ops.activation(z, "linear"), z)
    with pytest.raises(TypeError, match="activation must be a name"):
        ops.activation(z, ["relu"])
    with pytest.raises(ValueError, match="did you mean 'tanh'"):
        ops.activation(z, "tanhh")


@pytest.mark.parametrize("shape", SHAPES)
def test_finite_numbers_may_overflow(shape):
    m, k, n = shape
    large = np.full((m, k), 1e200), np.full((k, n), 1e200)
    assert np.isposinf(ops.dense(*large)).all()
    assert np.isposinf(ops.dense_grad(*large, np.full((m, n), 1e200))[1]).all()


@pytest.mark.parametrize("shape", [(), (7,), (2, 3), (4, 1), (2, 3, 4), (2, 1, 3, 2)])
def test_activations_of_any_rank(shape):
    z = np.asarray(np.random.default_rng(0).standard_normal(shape))
    for found in (ops.activation(z, "tanh"), ops.activation(slow(z), "tanh")):
        assert found.shape == shape
        np.testing.assert_allclose(found, np.tanh(z), rtol=1e-13)
    if shape:
        np.testing.assert_allclose(ops.softmax(z).sum(axis=-1), np.ones(shape[:-1]), rtol=1e-13)
    else:
        with pytest.raises(ValueError, match="z must have at least 1 dimension for softmax"):
            ops.softmax(z)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "categorical_crossentropy"])
@pytest.mark.parametrize("bad", [-0.01, 1.01])
def test_predictions_out_of_range_in_arrays_taken_as_they_are(loss, bad):
    p, y = np.full((300, 1), 0.5, "f4"), np.ones((300, 1), "f4")
    p[250] = bad
    if loss == "categorical_crossentropy" and bad > 1:
        assert ops.loss(loss, y, p)[1].shape == (300, 1)
        return
    with pytest.raises(ValueError, match=rf"^y_pred must be probabilities .* got {bad:g}"):
        ops.loss(loss, y, p)
    with pytest.raises(ValueError, match=r"^y_true must"):
        ops.loss(loss, -y, np.abs(y - 0.5))


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "int64", "uint64", "float32"])
def test_labels_of_any_type(dtype):
    z = np.random.default_rng(0).standard_normal((30, 3))
    labels = (np.arange(30) % 3).astype(dtype)
    expected = ops.loss(
        "categorical_crossentropy", np.eye(3)[np.arange(30) % 3], z, from_logits=True
    )
    for y in (labels, labels[:, np.newaxis], labels.tolist()):
        found = ops.loss("sparse_categorical_crossentropy", y, z, from_logits=True)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-13)
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-13, atol=1e-15)
    with pytest.raises(ValueError, match=r"labels from 0 to 2 .*, got 3"):
        ops.loss("sparse_categorical_crossentropy", labels + 1, z, from_logits=True)


def test_predictions_of_one_dimension():
    y, p = np.ones(4), np.arange(4.0)
    for targets in (y, y[:, np.newaxis]):
        value, gradient = ops.loss("mse", targets, p)
        assert value == 1.5
        np.testing.assert_array_equal(gradient, (p - 1) / 2)
    assert ops.loss("mse", y, p[:, np.newaxis])[1].shape == (4, 1)
