"""The oracle's losses: printed figures, the ends, both label forms, weights, finite differences."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import losses
from oracle.activations import activation_backward, sigmoid, softmax
from oracle.lectures import SOFTMAX_COSTS, SOFTMAX_LOGITS
from oracle.losses import loss
from oracle.tolerances import FINITE_DIFFERENCE, assert_close, single

DTYPES = [np.float32, np.float64]
CASES = [
    ("mean_squared_error", {}),
    ("mean_squared_error", {"scale": 0.5}),
    ("mean_absolute_error", {"scale": 2.0}),
    ("huber", {}),
    ("huber", {"delta": 0.3, "scale": 0.5}),
    ("log_cosh", {}),
    ("quantile", {}),
    ("quantile", {"quantile": (0.1, 0.5, 0.7, 0.95)}),
    ("poisson", {}),
    ("poisson", {"from_logits": True}),
    ("hinge", {}),
    ("binary_crossentropy", {}),
    ("binary_crossentropy", {"from_logits": True}),
    ("binary_crossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("binary_crossentropy", {"label_smoothing": 0.2, "scale": 3.0}),
    ("categorical_crossentropy", {}),
    ("categorical_crossentropy", {"from_logits": True}),
    ("categorical_crossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("categorical_crossentropy", {"label_smoothing": 0.2, "scale": 3.0}),
    ("sparse_categorical_crossentropy", {}),
    ("sparse_categorical_crossentropy", {"from_logits": True, "scale": 0.5}),
]


def example(name: str, options: dict[str, Any], n_samples: int = 6) -> tuple[Any, Any]:
    """Targets and predictions of a fitting kind: rows of targets do not sum to 1 on purpose."""
    draw = np.random.default_rng(11)
    y: Any = draw.uniform(0, 1, (n_samples, 4))
    if name == "sparse_categorical_crossentropy":
        y = draw.integers(0, 4, n_samples)
    if name == "hinge":
        y = draw.choice([-1.0, 0.0, 1.0], (n_samples, 4))
    probabilities = name.endswith("crossentropy") or name == "poisson"
    logits = not probabilities or options.get("from_logits", False)
    return y, draw.normal(0, 2, (n_samples, 4)) if logits else draw.uniform(
        0.1, 0.9, (n_samples, 4)
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_gradient_by_central_differences(
    name: str, options: dict[str, Any], weighted: bool
) -> None:
    """Every entry of the gradient, from logits and from probabilities."""
    y, pred = example(name, options)
    weight = np.array([0.0, 1.0, 2.5, 0.3, 1.0, 7.0]) if weighted else None
    _, gradient = loss(name, y, pred, sample_weight=weight, **options)
    expected = np.empty_like(pred)
    h = 6e-6
    for index in np.ndindex(pred.shape):
        step = np.zeros_like(pred)
        step[index] = h
        above = loss(name, y, pred + step, sample_weight=weight, **options)[0]
        below = loss(name, y, pred - step, sample_weight=weight, **options)[0]
        expected[index] = (above - below) / (2 * h)
    assert_close(gradient, expected, FINITE_DIFFERENCE)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_weights_multiply_and_samples_divide(name: str, options: dict[str, Any]) -> None:
    """J = sum_i w_i J_i / m, from the losses of single samples."""
    y, pred = example(name, options)
    weight = np.array([0.0, 1.0, 2.5, 0.3, 1.0, 7.0])
    singles = [loss(name, y[i : i + 1], pred[i : i + 1], **options)[0] for i in range(6)]
    value, _ = loss(name, y, pred, sample_weight=weight, **options)
    assert value == pytest.approx(np.dot(weight, singles) / 6, rel=1e-14)
    assert loss(name, y, pred, **options)[0] == pytest.approx(np.mean(singles), rel=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_single_precision(name: str, options: dict[str, Any], dtype: Any) -> None:
    """The gradient has the predictions' dtype, and float32 agrees with float64."""
    y, pred = example(name, options)
    value64, gradient64 = loss(name, y, pred, **options)
    y_cast = y if y.dtype.kind == "i" else y.astype(dtype)
    value, gradient = loss(name, y_cast, pred.astype(dtype), **options)
    assert gradient.dtype == dtype
    assert_close(gradient, gradient64.astype(dtype), 4 * single(dtype))
    assert value == pytest.approx(value64, rel=4 * single(dtype))


def test_cross_entropy_of_the_lecture() -> None:
    """softmax([6, -2, 3]) costs 0.04890685 for class 0 and 3.04890685 for class 2."""
    z = np.array([SOFTMAX_LOGITS])
    for label, cost in SOFTMAX_COSTS.items():
        y = np.array([label])
        for pred, from_logits in ((z, True), (softmax(z), False)):
            value, _ = losses.sparse_categorical_crossentropy(y, pred, from_logits=from_logits)
            assert value == pytest.approx(cost, abs=5e-9)


@pytest.mark.parametrize("dtype", DTYPES)
def test_saturated_right_predictions_cost_nothing(dtype: Any) -> None:
    """Exactly 0, from probabilities and from logits, with no warning."""
    y = np.array([[1.0, 0.0]], dtype=dtype)
    z = np.array([[2000.0, -2000.0]], dtype=dtype)
    for name in ("binary_crossentropy", "categorical_crossentropy"):
        assert loss(name, y, y)[0] == 0.0
        value, gradient = loss(name, y, z, from_logits=True)
        assert value == 0.0
        assert not gradient.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_saturated_wrong_predictions_cost_a_large_finite_number(dtype: Any) -> None:
    """-ln of the smallest normal number from probabilities; the logit itself from logits."""
    y, wrong = np.array([[1.0, 0.0]], dtype=dtype), np.array([[0.0, 1.0]], dtype=dtype)
    z = np.array([[-2000.0, 2000.0]], dtype=dtype)
    largest = -math.log(np.finfo(dtype).tiny)
    for name, cost in (("binary_crossentropy", 2000.0), ("categorical_crossentropy", 4000.0)):
        value, gradient = loss(name, y, wrong)
        assert value == pytest.approx(largest, rel=single(dtype))
        assert np.isfinite(gradient).all()
        assert gradient[0, 0] < -1e30
        assert loss(name, y, z, from_logits=True)[0] == cost


def test_binary_from_logits_keeps_small_costs() -> None:
    """A right prediction at z = 40 costs e^-40, not 0; its gradient is -e^-40."""
    value, gradient = losses.binary_crossentropy(
        np.ones((1, 1)), np.full((1, 1), 40.0), from_logits=True
    )
    assert value == pytest.approx(math.exp(-40), rel=1e-14)
    assert gradient[0, 0] == pytest.approx(-math.exp(-40), rel=1e-14)


def test_logits_and_probabilities_agree() -> None:
    """Value; and gradient from probabilities pulled back through the activation."""
    draw = np.random.default_rng(5)
    z, y = draw.normal(size=(2, 8, 3))
    y = np.abs(y) / 4
    pairs = (("binary_crossentropy", "sigmoid"), ("categorical_crossentropy", "softmax"))
    for name, activation in pairs:
        a = sigmoid(z) if activation == "sigmoid" else softmax(z)
        value, dz = loss(name, y, z, from_logits=True)
        value_p, da = loss(name, y, a)
        assert value == pytest.approx(value_p, rel=1e-14)
        assert_close(activation_backward(a, a, da, activation), dz, 1e-13)


def test_lecture_gradients() -> None:
    """(A - Y) / m for the fused pairs, 2 (A - Y) / (m n_y) for mean squared error."""
    draw = np.random.default_rng(6)
    z = draw.normal(size=(5, 3))
    y = np.eye(3)[draw.integers(0, 3, 5)]
    binary = losses.binary_crossentropy(y[:, :1], z[:, :1], from_logits=True)[1]
    assert_close(binary, (sigmoid(z[:, :1]) - y[:, :1]) / 5, 1e-15)
    categorical = losses.categorical_crossentropy(y, z, from_logits=True)[1]
    assert_close(categorical, (softmax(z) - y) / 5, 1e-15)
    assert_close(losses.mean_squared_error(y, z)[1], 2 * (z - y) / 15, 1e-15)


def test_integer_labels_equal_one_hot() -> None:
    """Both label forms, both sources."""
    labels, pred = example("sparse_categorical_crossentropy", {})
    for from_logits in (False, True):
        sparse = losses.sparse_categorical_crossentropy(labels, pred, from_logits=from_logits)
        full = losses.categorical_crossentropy(np.eye(4)[labels], pred, from_logits=from_logits)
        assert sparse[0] == full[0]
        assert np.array_equal(sparse[1], full[1])


def test_categorical_probabilities_are_normalised() -> None:
    """A row and any multiple of it cost the same, as in Keras."""
    y, pred = example("categorical_crossentropy", {})
    one = losses.categorical_crossentropy(y, pred)[0]
    assert losses.categorical_crossentropy(y, 7 * pred)[0] == pytest.approx(one, rel=1e-14)


def test_label_smoothing_is_keras() -> None:
    """Binary: towards 1/2; categorical: towards 1/n."""
    y = np.array([[1.0, 0.0, 0.0]])
    assert_close(losses.smooth_binary(y, 0.1), np.array([[0.95, 0.05, 0.05]]), 1e-15)
    thirds = np.array([[0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3]])
    assert_close(losses.smooth_categorical(y, 0.1), thirds, 1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_cross_entropies_are_finite_and_not_negative(dtype: Any, data: st.DataObject) -> None:
    """Any logits to 1e30, any probabilities: no NaN, no warning, nothing below 0."""
    width: Any = 32 if dtype is np.float32 else 64
    logit = st.floats(-(2.0**100), 2.0**100, width=width)
    z = np.array(data.draw(st.lists(logit, min_size=3, max_size=3)), dtype=dtype)[None, :]
    p = np.array(data.draw(st.lists(st.floats(0, 1, width=width), min_size=3, max_size=3)))
    p = p.astype(dtype)[None, :]
    y = np.eye(3, dtype=dtype)[[data.draw(st.integers(0, 2))]]
    for name in ("binary_crossentropy", "categorical_crossentropy"):
        for pred, from_logits in ((z, True), (p, False)):
            value, gradient = loss(name, y, pred, from_logits=from_logits)
            assert np.isfinite(value)
            assert value >= -single(dtype)
            assert np.isfinite(gradient).all()


# --- losses of real targets -----------------------------------------------------------------------


def test_losses_by_hand() -> None:
    """Errors -2, 0.5 and 0, one output."""
    y, a = np.array([[3.0], [1.0], [2.0]]), np.array([[1.0], [1.5], [2.0]])
    figures = {
        "mean_absolute_error": (2.5 / 3, [-1, 1, 0]),
        "huber": ((1.5 + 0.125) / 3, [-1, 0.5, 0]),
        "log_cosh": (
            math.log(math.cosh(2) * math.cosh(0.5)) / 3,
            [-math.tanh(2), math.tanh(0.5), 0],
        ),
        "quantile": ((1 + 0.25) / 3, [-0.5, 0.5, 0]),
    }
    for name, (value, slopes) in figures.items():
        got, gradient = loss(name, y, a)
        assert got == pytest.approx(value, rel=1e-14)
        assert_close(gradient, np.array(slopes, dtype=np.float64)[:, None] / 3, 1e-14)
    value, gradient = loss("quantile", y, a, quantile=0.9)
    assert value == pytest.approx((0.9 * 2 + 0.1 * 0.5) / 3, rel=1e-14)
    assert_close(gradient, np.array([[-0.9], [0.1], [0.0]]) / 3, 1e-14)


def test_poisson_by_hand() -> None:
    """a - y ln a, nearly, from rates; the same from their logarithms."""
    y, a = np.array([[2.0, 0.0]]), np.array([[4.0, 0.5]])
    exact = (4 - 2 * math.log(4) + 0.5) / 2
    assert loss("poisson", y, a)[0] == pytest.approx(exact, abs=1e-7)
    value, gradient = loss("poisson", y, np.log(a), from_logits=True)
    assert value == pytest.approx(exact, rel=1e-14)
    assert_close(gradient, np.array([[1.0, 0.25]]), 1e-14)


def test_hinge_by_hand() -> None:
    """Margins 0.5 short, 1 beyond, and a 0 that stands for -1."""
    y, a = np.array([[1.0, -1.0, 0.0]]), np.array([[0.5, -2.0, 3.0]])
    value, gradient = loss("hinge", y, a)
    assert value == pytest.approx((0.5 + 0 + 4) / 3, rel=1e-15)
    assert_close(gradient, np.array([[-1.0, 0.0, 1.0]]) / 3, 1e-15)


def test_log_cosh_of_small_and_large_errors() -> None:
    """e^2 / 2 - e^4 / 12 to all digits, |e| - ln 2 without overflow."""
    zero = np.zeros((1, 1))
    for e in (1e-12, 1e-6, 1e-3):
        value, _ = loss("log_cosh", zero, zero + e)
        assert value == pytest.approx(e**2 / 2 - e**4 / 12, rel=1e-12)
    assert loss("log_cosh", zero, zero - 1e5)[0] == pytest.approx(1e5 - math.log(2), rel=1e-15)


def test_the_pinball_loss_is_least_at_the_quantile() -> None:
    """Over all constants, for each quantile of a sample."""
    y = np.sort(np.random.default_rng(7).normal(size=(101, 1)), axis=0)
    for q in (0.1, 0.5, 0.9):
        costs = [loss("quantile", y, np.full_like(y, c), quantile=q)[0] for c in y[:, 0]]
        assert int(np.argmin(costs)) == int(100 * q)
