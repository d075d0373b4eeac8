"""shallowcore.ops: values against the oracle, arrays of every order in place, and the checks."""

import numpy as np
import pytest
from oracle import activations as reference_activations
from oracle import losses as reference_losses
from oracle import network as reference
from oracle.tolerances import assert_all_close, assert_close, assert_same_bits, reduction, single
from shallowcore import _core, activations, losses, ops

DTYPES = ("float32", "float64")
RNG = np.random.default_rng(0)
ELEMENTWISE = [info.name for info in _core.activation_table() if info.elementwise]
NAN = np.array([[1.0, np.nan]])


def orders(array):
    """The same numbers in every memory order."""
    padded = np.zeros((2 * array.shape[0], 3 * array.shape[1]), array.dtype)
    padded[::2, ::3] = array
    read_only = array.copy()
    read_only.setflags(write=False)
    misaligned = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    misaligned[...] = array
    return {
        "C": np.ascontiguousarray(array),
        "F": np.asfortranarray(array),
        "strided": padded[::2, ::3],
        "reversed": array[::-1, ::-1].copy()[::-1, ::-1],
        "read-only": read_only,
        "misaligned": misaligned,
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
    }


# --- dense ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 5, 3), (33, 17, 20), (2, 64, 1)])
def test_dense_and_its_gradients(dtype, shape):
    m, n_in, n_out = shape
    x, w, dz = (
        RNG.standard_normal(s).astype(dtype) for s in ((m, n_in), (n_in, n_out), (m, n_out))
    )
    b = RNG.standard_normal(n_out).astype(dtype)
    tolerance = reduction(dtype, max(shape))
    assert_close(ops.dense(x, w, b), reference.dense(x, w, b), tolerance)
    assert_close(ops.dense(x, w), reference.dense(x, w), tolerance)
    expected = reference_activations.activation(reference.dense(x, w, b), "elu", alpha=0.5)
    assert_close(ops.dense(x, w, b, "elu", alpha=0.5), expected, tolerance, scale=1.0)
    assert_close(ops.dense(x, w, b, activations.ELU(0.5)), expected, tolerance, scale=1.0)
    assert_all_close(ops.dense_grad(x, w, dz), reference.dense_grad(x, w, dz), tolerance)
    dx, dw, _ = ops.dense_grad(x, w, dz, need_dx=False)
    assert dx is None
    assert dw.shape == w.shape


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", list(orders(np.zeros((2, 2)))))
def test_memory_order_changes_no_bit_and_no_argument(dtype, order):
    x, w, dz = (RNG.standard_normal(s).astype(dtype) for s in ((9, 5), (5, 4), (9, 4)))
    shaped = [orders(a)[order] for a in (x, w, dz)]
    copies = [a.copy() for a in shaped]
    assert_same_bits(ops.dense(*shaped[:2]), ops.dense(x, w))
    for a, b in zip(ops.dense_grad(*shaped), ops.dense_grad(x, w, dz), strict=True):
        assert_same_bits(a, b)
    assert_same_bits(ops.activation(shaped[0], "tanh"), ops.activation(x, "tanh"))
    got, expected = (ops.loss("mse", a, b) for a, b in ((shaped[2], copies[2]), (dz, dz)))
    assert got[0] == expected[0] == 0
    for a, copy in zip(shaped, copies, strict=True):
        np.testing.assert_array_equal(a, copy)


def test_dtype_of_results():
    single_, double = np.ones((2, 2), "f4"), np.ones((2, 2))
    assert ops.dense(single_, single_).dtype == "float32"
    assert ops.dense(single_, double).dtype == "float64"
    assert ops.dense(single_, single_.astype(int)).dtype == "float32"
    assert ops.dense([[1, 2]], [[1], [2]]).dtype == "float64"
    assert ops.activation(np.ones(3, "f2"), "relu").dtype == "float32"


# --- activations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shape", [(5,), (4, 7), (2, 3, 4), (1,), ()])
def test_elementwise_activations_of_any_rank(dtype, name, shape):
    z = np.asarray(3 * RNG.standard_normal(shape)).astype(dtype)
    a, d = ops.activation(z, name), ops.activation_grad(z, name)
    assert a.shape == d.shape == shape
    expected = reference_activations.activation(z, name)
    assert_close(a, expected, single(dtype), scale=max(1.0, float(np.abs(expected).max())))
    h = 1e-6
    high, low = (ops.activation(z.astype("f8") + s * h, name) for s in (1, -1))
    np.testing.assert_allclose(d, (high - low) / (2 * h), atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_of_any_rank(dtype):
    z = (10 * RNG.standard_normal((3, 4, 5))).astype(dtype)
    a = ops.softmax(z)
    np.testing.assert_allclose(a.sum(axis=-1), 1, rtol=single(dtype))
    assert_close(ops.softmax(z[0, 0]), a[0, 0], single(dtype))
    np.testing.assert_allclose(ops.log_softmax(z), np.log(a), rtol=1e-4, atol=1e-5)
    figures = [0.952269826, 0.000319451, 0.047410723]
    np.testing.assert_allclose(ops.softmax([6.0, -2.0, 3.0]), figures, atol=5e-10)
    assert np.isfinite(ops.softmax([1000.0, 1001.0])).all()


def test_saturated_sigmoid_is_exact_and_silent():
    z = np.array([-1000.0, 0.0, 1000.0])
    np.testing.assert_array_equal(ops.activation(z, "sigmoid"), [0.0, 0.5, 1.0])


# --- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "from_logits"),
    [
        ("mean_squared_error", False),
        ("binary_crossentropy", False),
        ("binary_crossentropy", True),
        ("categorical_crossentropy", False),
        ("categorical_crossentropy", True),
        ("sparse_categorical_crossentropy", False),
        ("sparse_categorical_crossentropy", True),
    ],
)
def test_losses(dtype, weighted, name, from_logits):
    z = RNG.standard_normal((11, 4)).astype(dtype)
    labels = RNG.integers(0, 4, 11)
    y = np.eye(4, dtype=dtype)[labels]
    pred = z if from_logits or name == "mean_squared_error" else ops.softmax(z)
    weight = np.linspace(0, 2, 11).astype(dtype) if weighted else None
    options = {"sample_weight": weight}
    if name != "mean_squared_error":
        options["from_logits"] = from_logits
    target = labels if name.startswith("sparse") else y
    value, gradient = ops.loss(name, target, pred, **options)
    expected_value, expected = reference_losses.loss(name, target, pred, **options)
    assert value == pytest.approx(expected_value, rel=reduction(dtype, 44))
    assert_close(gradient, expected, reduction(dtype, 44))


def test_flat_predictions_give_flat_gradients():
    value, gradient = ops.loss("binary_crossentropy", [0, 1, 1], [0.5, 0.5, 0.5])
    assert value == pytest.approx(np.log(2))
    np.testing.assert_allclose(gradient, [2 / 3, -2 / 3, -2 / 3])


def test_figures_of_the_lectures():
    probabilities = ops.softmax([[6.0, -2.0, 3.0]])
    for label, cost in ((0, 0.04890685), (2, 3.04890685)):
        value, _ = ops.loss("sparse_categorical_crossentropy", [label], probabilities)
        assert value == pytest.approx(cost, abs=5e-9)


def test_saturated_predictions():
    right, gradient = ops.loss("binary_crossentropy", [0.0, 1.0], [0.0, 1.0])
    assert right == 0.0
    wrong, gradient = ops.loss("binary_crossentropy", [1.0, 0.0], [0.0, 1.0])
    assert 10 < wrong < np.inf
    assert np.isfinite(gradient).all()


def test_loss_objects_bring_their_settings():
    loss = losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2, scale=0.5)
    value, _ = ops.loss(loss, [1.0, 0.0], [2.0, -1.0])
    expected, _ = reference_losses.binary_crossentropy(
        np.array([[1.0], [0.0]]), np.array([[2.0], [-1.0]]), from_logits=True, label_smoothing=0.2
    )
    assert value == pytest.approx(expected / 2)


# --- checks ---------------------------------------------------------------------------------------

TWO = np.ones((2, 2))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: ops.dense(TWO[0], TWO), ValueError, r"x must have 2 dimensions, got shape \(2,\)"),
        (lambda: ops.dense(TWO, TWO[0]), ValueError, "w must have 2 dimensions"),
        (
            lambda: ops.dense(TWO, np.ones((3, 2))),
            ValueError,
            r"w must have shape \(2, 2\) \(x has",
        ),
        (lambda: ops.dense(TWO, TWO, np.ones(3)), ValueError, r"b must have shape \(2,\)"),
        (lambda: ops.dense(TWO, TWO, TWO), ValueError, "b must have 1 dimensions"),
        (lambda: ops.dense(NAN, TWO), ValueError, "x holds NaN"),
        (lambda: ops.dense(TWO, TWO * np.inf), ValueError, "w holds NaN or infinity"),
        (lambda: ops.dense(TWO, TWO, [1.0, np.nan]), ValueError, "b holds NaN"),
        (lambda: ops.dense(TWO + 1j, TWO), TypeError, "x has dtype complex128"),
        (lambda: ops.dense(TWO, [["a", "b"]] * 2), TypeError, "w has dtype"),
        (lambda: ops.dense(TWO[:0], TWO), ValueError, "x is empty"),
        (lambda: ops.dense(None, TWO), TypeError, "x must be an array, got None"),
        (lambda: ops.dense(TWO, TWO, None, "sigmoyd"), ValueError, "did you mean 'sigmoid'"),
        (lambda: ops.dense(TWO, TWO, None, "elu", a=1), TypeError, "no parameter 'a'"),
        (
            lambda: ops.dense(TWO, TWO, None, activations.elu, alpha=1),
            TypeError,
            "beside the object",
        ),
        (
            lambda: ops.dense_grad(TWO, TWO, np.ones((3, 2))),
            ValueError,
            r"dz must have shape \(2, 2",
        ),
        (lambda: ops.dense_grad(TWO, TWO, TWO, need_dx=1), TypeError, "need_dx must be True or F"),
        (lambda: ops.activation(NAN, "relu"), ValueError, "z holds NaN"),
        (lambda: ops.activation([], "relu"), ValueError, "z is empty"),
        (lambda: ops.activation(1.0, "softmax"), ValueError, "at least 1 dimension for softmax"),
        (lambda: ops.activation(1.0, 3), TypeError, "activation must be a name"),
        (lambda: ops.activation_grad(TWO, "softmax"), ValueError, "expected an elementwise"),
        (lambda: ops.softmax("abc"), TypeError, "z must be an array, got 'abc'"),
        (
            lambda: ops.loss("mze", TWO, TWO),
            ValueError,
            "loss 'mze' is not known; did you mean 'mse'",
        ),
        (lambda: ops.loss("mse", TWO, TWO, from_logits=True), ValueError, "takes no logits"),
        (lambda: ops.loss("mse", TWO[:1], TWO), ValueError, "y_true must have as many rows"),
        (lambda: ops.loss("mse", TWO, np.ones((2, 2, 2))), ValueError, "y_pred must have shape"),
        (
            lambda: ops.loss("mse", TWO, TWO, sample_weight=[1]),
            ValueError,
            "sample_weight must have",
        ),
        (
            lambda: ops.loss("bce", [1], [1.5]),
            ValueError,
            r"y_pred must be probabilities in \[0, 1\]",
        ),
        (lambda: ops.loss("bce", [2], [0.5]), ValueError, r"y_true must lie in \[0, 1\]"),
        (
            lambda: ops.loss(losses.MeanSquaredError(), TWO, TWO, from_logits=True),
            ValueError,
            "logits",
        ),
    ],
)
def test_ops_refuse(call, error, match):
    with pytest.raises(error, match=match):
        call()
