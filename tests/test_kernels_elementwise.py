"""Activations, softmax and losses of the core against the oracle, at ordinary and extreme numbers.

Expected values are the oracle's in float64 on the same inputs, unless the dtype itself decides
(where probabilities are clipped).  Each entry is held to 16 epsilon by itself: no large neighbour
hides a wrong small one.
"""

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from oracle import activations as reference
from oracle import losses as reference_losses
from oracle.gates import tanh_gate
from oracle.tolerances import (
    assert_close,
    assert_close_elementwise,
    assert_same_bits,
    epsilon,
    reduction,
    single,
)
from shallowcore import _core, losses, ops

DTYPES = (np.float32, np.float64)
TABLE = {info.name: info for info in _core.activation_table()}
LOSS_TABLE = {info.name: info for info in _core.loss_table()}
ELEMENTWISE = [name for name, info in TABLE.items() if info.elementwise]
ROWWISE = [name for name, info in TABLE.items() if not info.elementwise]
SPARSE = "sparse_categorical_crossentropy"

# What a network can be made of, with a parameter that is not the default where there is one.
PARAMETERS = [(name, {}) for name in ELEMENTWISE]
PARAMETERS += [("leaky_relu", {"negative_slope": 0.3}), ("leaky_relu", {"negative_slope": 0.0})]
PARAMETERS += [("elu", {"alpha": 0.3}), ("elu", {"alpha": 2.5})]
PARAMETERS += [("gelu", {"approximate": 1.0})]

same_every_time = settings(derandomize=True, deadline=None, max_examples=60)


def finite(dtype: Any, largest: float | None = None) -> Any:
    """Finite numbers of a dtype, the special ones often: zeros, denormals, huge, saturating."""
    info = np.finfo(dtype)
    top = float(info.max if largest is None else dtype(largest))
    ends = [0.0, float(info.smallest_subnormal), 7 * float(info.smallest_subnormal)]
    ends += [float(info.tiny), float(info.eps), 1.0, 16.0, 88.0, 104.0, 709.0, 746.0, 1e4, top]
    special = st.sampled_from([sign * end for end in ends for sign in (1.0, -1.0)])
    return special | st.floats(-top, top, width=info.bits) | st.floats(-120, 120, width=info.bits)


def rows_of(dtype: Any, largest: float | None = None) -> Any:
    """Matrices of up to 5 rows and 20 columns."""
    shapes = st.tuples(st.integers(1, 5), st.integers(1, 20))
    return arrays(dtype, shapes, elements=finite(dtype, largest), fill=finite(dtype, largest))


def assert_entries(a: Any, exact: Any, dtype: Any, rtol: Any, atol: float = 0.0) -> None:
    """Each entry within rtol or 16 of the smallest denormals; infinite where it must be."""
    with np.errstate(over="ignore"):
        expected = exact.astype(dtype)
    over = np.isinf(expected)
    assert_same_bits(a[over], expected[over], "infinite entries")
    least = 16 * float(np.finfo(dtype).smallest_subnormal)
    rtol = rtol if np.ndim(rtol) == 0 else rtol[~over]
    atol = atol if np.ndim(atol) == 0 else atol[~over]
    assert_close_elementwise(a[~over], expected[~over], rtol, atol=atol + least)


def allowed(z: Any, name: str, params: dict[str, float]) -> tuple[Any, Any]:
    """Relative error of g and g', and the absolute one of g', which is 0 where gates turn.

    e^v of the approximate gelu is as far off, relatively, as v is absolutely.
    """
    rtol = np.full(z.shape, single(z.dtype))
    if params.get("approximate"):
        rtol *= 1 + np.minimum(np.abs(tanh_gate(z.astype(np.float64))[0]), 1e3)
    turns = (name in ("gelu", "silu")) & (np.abs(z) < 3)
    return rtol, np.where(turns, single(z.dtype), 0.0)


def allowed_absolute(z: Any, name: str) -> Any:
    """What the oracle's erfc, a denormal number beyond 37, costs the exact gelu: half of it |z|."""
    least = float(np.finfo(np.float64).smallest_subnormal)
    return np.where((name == "gelu") & (np.abs(z) > 37), 64 * least, 0.0)


def assert_activation_right(z: Any, name: str, params: dict[str, float]) -> None:
    with np.errstate(over="ignore"):
        value = reference.activation(z.astype(np.float64), name, **params)
        slope = reference.activation_grad(z.astype(np.float64), name, **params)
    rtol, atol = allowed(z, name, params)
    far = allowed_absolute(z, name)
    assert_entries(ops.activation(z, name, **params), value, z.dtype, rtol, far)
    assert_entries(ops.activation_grad(z, name, **params), slope, z.dtype, rtol, atol + far)


def assert_softmax_right(z: Any) -> None:
    """e^d is as far off, relatively, as d = z - max z is absolutely: |d| epsilon more."""
    exact, eps, n = z.astype(np.float64), epsilon(z.dtype), z.shape[1]
    below = np.abs(reference.shifted(exact))
    rtol = reduction(z.dtype, n) + eps * np.minimum(below, 1e3)
    a = ops.softmax(z)
    assert_entries(a, reference.softmax(exact), z.dtype, rtol)
    assert_close(a.sum(axis=1), np.ones(len(z), z.dtype), reduction(z.dtype, n))
    # The oracle's ln(sum) near 1 errs by an epsilon of float64.
    rtol = reduction(z.dtype, n)
    assert_entries(ops.log_softmax(z), reference.log_softmax(exact), z.dtype, rtol, atol=4e-16 * n)


# --- tables ---------------------------------------------------------------------------------------


def test_the_core_knows_what_the_oracle_knows() -> None:
    """Nothing in the core's tables escapes the tests below."""
    assert set(ELEMENTWISE) == set(reference.ELEMENTWISE) - {"linear"}
    assert set(ROWWISE) == set(reference.ROWWISE)
    for name in ELEMENTWISE:
        assert TABLE[name].parameters == reference.ELEMENTWISE[name].parameters
    assert set(LOSS_TABLE) == set(reference_losses.LOSSES)
    for name, info in LOSS_TABLE.items():
        options = inspect.signature(reference_losses.LOSSES[name]).parameters
        assert info.has_logits == ("from_logits" in options)
        assert info.has_label_smoothing == ("label_smoothing" in options)
        assert info.integer_labels == (name == SPARSE)
        for parameter, default in info.parameters.items():
            assert options[parameter].default == default


# --- activations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "params"), PARAMETERS, ids=str)
def test_activation_and_its_derivative(name: str, params: dict[str, float], dtype: Any) -> None:
    z = np.random.default_rng(1).normal(size=(61, 37))
    for size in (1e-30, 1e-6, 0.1, 1, 5, 30, 500):
        assert_activation_right((size * z).astype(dtype), name, params)


@pytest.mark.parametrize(("name", "params"), PARAMETERS, ids=str)
def test_activation_at_extreme_numbers(name: str, params: dict[str, float]) -> None:
    @same_every_time
    @given(st.sampled_from(DTYPES).flatmap(rows_of))
    def holds(z: Any) -> None:
        assert_activation_right(z, name, params)

    holds()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activation_at_zero_and_at_the_ends(name: str, dtype: Any) -> None:
    """Both zeros, and what a saturated unit gives: exactly its limit, and no warning."""
    zeros = np.array([0.0, -0.0], dtype=dtype)
    values = {"sigmoid": 0.5, "hard_sigmoid": 0.5, "softplus": np.log(2), "exponential": 1.0}
    value = values.get(name, 0.0)
    assert_same_bits(np.abs(ops.activation(zeros, name)), np.full(2, value, dtype))
    slopes = {"relu": 0.0, "leaky_relu": 0.01, "sigmoid": 0.25, "hard_sigmoid": 1 / 6}
    slope = (slopes | dict.fromkeys(("gelu", "silu", "softplus"), 0.5)).get(name, 1.0)
    slope = reference.SELU_SCALE * reference.SELU_ALPHA if name == "selu" else slope
    assert_close(ops.activation_grad(zeros, name), np.full(2, slope, dtype), single(dtype))
    ends = np.array([-1000, 1000], dtype=dtype)
    limits = {"sigmoid": (0, 1), "tanh": (-1, 1), "relu": (0, 1000), "elu": (-1, 1000)}
    limits |= {"gelu": (-0.0, 1000), "silu": (-0.0, 1000), "softplus": (0, 1000)}
    limits |= {"hard_sigmoid": (0, 1)}
    if name in limits:
        assert_same_bits(ops.activation(ends, name), np.array(limits[name], dtype))
    if name in ("sigmoid", "tanh"):
        assert not ops.activation_grad(ends, name).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_element_does_not_depend_on_its_place(name: str, dtype: Any) -> None:
    """Whole vectors and their remainders compute the same bits."""
    z = np.random.default_rng(2).normal(size=67).astype(dtype) * 3
    for function in (ops.activation, ops.activation_grad):
        whole = function(z, name)
        for n in range(1, 67):
            assert_same_bits(function(z[:n], name), whole[:n])
            assert_same_bits(function(z[n:], name), whole[n:])


@pytest.mark.parametrize("name", TABLE)
def test_any_shape_and_layout(name: str) -> None:
    z = np.random.default_rng(3).normal(size=(5, 6, 7)).astype(np.float32)
    expected = ops.activation(z.reshape(30, 7), name).reshape(z.shape)
    z.flags.writeable = False
    for laid in (z, np.asfortranarray(z), z[:, ::-1].copy()[:, ::-1]):
        before = laid.copy()
        assert_same_bits(ops.activation(laid, name), expected)
        assert_same_bits(laid, before)
    assert_same_bits(ops.activation(z[0, 0], name), expected[0, 0])
    everywhere = np.broadcast_to(z[0, 0], (4, 7))
    assert_same_bits(ops.activation(everywhere, name), np.tile(expected[0, 0], (4, 1)))
    if name in ELEMENTWISE:
        assert_same_bits(ops.activation(z[0, 0, 0], name), expected[0, 0, 0])
        shape = ops.activation_grad(z, name).shape
        assert shape == z.shape
    else:
        with pytest.raises(ValueError, match="elementwise"):
            ops.activation_grad(z, name)


# --- softmax --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax(dtype: Any) -> None:
    rng = np.random.default_rng(4)
    for n in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 101, 1009):
        for size in (1e-3, 1, 20, 1000):
            assert_softmax_right((size * rng.normal(size=(7, n))).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_at_extreme_numbers(dtype: Any) -> None:
    @same_every_time
    @given(rows_of(dtype))
    def holds(z: Any) -> None:
        assert_softmax_right(z)

    holds()


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_figures_of_the_lectures(dtype: Any) -> None:
    a = ops.softmax(np.array([6, -2, 3], dtype=dtype))
    rtol = max(1e-9, single(dtype))
    assert_close(a, np.array([0.952269826, 0.000319451, 0.047410723], dtype), rtol)
    for label, cost in ((0, 0.04890685), (2, 3.04890685)):
        for y_pred, from_logits in ((a, False), (np.array([6, -2, 3], dtype), True)):
            value, _ = ops.loss(SPARSE, [label], y_pred[None], from_logits=from_logits)
            assert abs(value - cost) < max(1e-8, 4 * epsilon(dtype))
    assert np.isfinite(ops.softmax(np.array([1000, 1001], dtype=dtype))).all()


# --- losses ---------------------------------------------------------------------------------------


def options_of(name: str) -> list[dict[str, Any]]:
    """Settings to try: from outputs and from logits, with and without smoothing and scale."""
    info = LOSS_TABLE[name]
    logits = [{}, {"from_logits": True}] if info.has_logits else [{}]
    smoothing = [{}, {"label_smoothing": 0.2}] if info.has_label_smoothing else [{}]
    own = [{}, {"delta": 0.3}] if name == "huber" else [{}]
    own = [{}, {"quantile": 0.9}] if name == "quantile" else own
    return [
        {**a, **b, **c, "scale": scale}
        for a in logits
        for b in smoothing
        for c in own
        for scale in (1.0, 0.5)
    ]


CROSS_ENTROPIES = [name for name in LOSS_TABLE if name.endswith("crossentropy")]
LOSSES = [(name, options) for name in LOSS_TABLE for options in options_of(name)]


def loss_data(name: str, options: dict[str, Any], shape: tuple[int, int], dtype: Any) -> Any:
    """y_true, y_pred and sample weights; probabilities where the loss takes such."""
    rng = np.random.default_rng(shape[0] * 100 + shape[1])
    z = 4 * rng.normal(size=shape)
    if name == "poisson" and not options.get("from_logits"):
        z = np.abs(z)
    elif LOSS_TABLE[name].has_logits and not options.get("from_logits"):
        z = reference.sigmoid(z) if name == "binary_crossentropy" else reference.softmax(z)
    y: Any = rng.random(shape).astype(dtype)
    if name in ("binary_crossentropy", "hinge"):
        y[:, ::2] = y[:, ::2] > 0.5
    if name == "categorical_crossentropy":
        y[::2] = reference_losses.one_hot(rng.integers(0, shape[1], len(y[::2])), shape[1], dtype)
    if name == SPARSE:
        y = rng.integers(0, shape[1], shape[0])
    return y, z.astype(dtype), rng.random(shape[0]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "options"), LOSSES, ids=str)
def test_loss_and_its_gradient(name: str, options: dict[str, Any], dtype: Any) -> None:
    for shape in ((1, 1), (1, 2), (3, 1), (67, 1), (1031, 1), (5, 8), (40, 3), (17, 17), (9, 131)):
        y, pred, weight = loss_data(name, options, shape, dtype)
        exact_y = y if name == SPARSE else y.astype(np.float64)
        for w in (None, weight):
            exact_w = None if w is None else w.astype(np.float64)
            expected, slope = reference_losses.loss(
                name, exact_y, pred.astype(np.float64), sample_weight=exact_w, **options
            )
            value, gradient = ops.loss(losses.Loss(name, **options), y, pred, sample_weight=w)
            rtol = reduction(dtype, shape[0] * shape[1])
            assert abs(value - expected) <= rtol * max(abs(expected), 1.0 if shape[1] == 1 else 0)
            scale = None if slope.any() else 1.0
            assert_close(gradient, slope.astype(dtype), reduction(dtype, shape[1]), scale=scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_loss_from_logits_at_extreme_numbers(name: str, dtype: Any) -> None:
    @same_every_time
    @given(rows_of(dtype, 1e30), st.integers(0, 10**6))
    def holds(z: Any, seed: int) -> None:
        m, n = z.shape
        labels = np.random.default_rng(seed).integers(0, n, m)
        y = labels if name == SPARSE else reference_losses.one_hot(labels, n, dtype)
        exact_y = y if name == SPARSE else y.astype(np.float64)
        value, gradient = ops.loss(name, y, z, from_logits=True)
        expected, slope = reference_losses.loss(
            name, exact_y, z.astype(np.float64), from_logits=True
        )
        rtol = reduction(dtype, m * n)
        assert abs(value - expected) <= rtol * expected + 4e-16 * m * n
        assert_close(gradient, slope.astype(dtype), rtol, scale=1.0)

    holds()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_losses_at_the_ends(name: str, from_logits: bool, dtype: Any) -> None:
    """Right and saturated costs exactly 0, wrong and saturated a large finite number."""
    ends = np.array([[-1000, 1000, -1000]] if from_logits else [[0, 1, 0]], dtype=dtype)
    right = [1] if name == SPARSE else np.array([[0, 1, 0]], dtype)
    wrong = [2] if name == SPARSE else np.array([[0, 0, 1]], dtype)
    value, gradient = ops.loss(name, right, ends, from_logits=from_logits)
    assert value == 0.0
    if from_logits:
        assert not gradient.any()
    value, gradient = ops.loss(name, wrong, ends, from_logits=from_logits)
    assert 50 < value < np.inf
    assert np.isfinite(gradient).all()
    exact_wrong = np.array(wrong) if name == SPARSE else wrong
    expected, slope = reference_losses.loss(name, exact_wrong, ends, from_logits=from_logits)
    assert abs(value - expected) <= single(dtype) * expected
    assert_close(gradient, slope, single(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_binary_gradient_keeps_its_small_entries(dtype: Any) -> None:
    """s(z) - y without cancellation: nearly right logits have small gradients, all digits right."""
    z = np.linspace(-60, 60, 241, dtype=dtype)[:, None]
    for target in (0.0, 1.0):
        y = np.full_like(z, target)
        _, slope = reference_losses.loss(
            "binary_crossentropy", y.astype(np.float64), z.astype(np.float64), from_logits=True
        )
        _, gradient = ops.loss("binary_crossentropy", y, z, from_logits=True)
        assert_close_elementwise(gradient, slope.astype(dtype), single(dtype))


@pytest.mark.parametrize("name", LOSS_TABLE)
def test_losses_write_to_nothing_of_the_callers(name: str) -> None:
    y, pred, weight = loss_data(name, {}, (23, 9), np.float32)
    before = [a.copy() for a in (y, pred, weight)]
    for a in (y, pred, weight):
        a.flags.writeable = False
    value, gradient = ops.loss(name, y, pred, sample_weight=weight)
    for a, old in zip((y, pred, weight), before, strict=True):
        assert_same_bits(a, old)
        assert not np.shares_memory(a, gradient)
    again = ops.loss(
        name, y, np.asfortranarray(pred), sample_weight=np.broadcast_to(weight[:, None], (23, 1))
    )
    assert again[0] == value
    assert_same_bits(again[1], gradient)
