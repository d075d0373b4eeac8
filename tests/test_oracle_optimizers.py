"""The oracle's optimizers against steps unrolled by hand in plain Python numbers."""

import math
from typing import Any

import numpy as np
import pytest
from oracle.optimizers import SGD, Adagrad, Adam, Nadam, RMSprop, Rprop, clipped, norm, optimizer
from oracle.tolerances import assert_close, epsilon

GRADIENTS = [0.5, -2.0, 0.25]


def run(optimizer_type: type, dtype: Any = np.float64, **settings: float) -> list[float]:
    """w after each of three steps from w = 1, gradients as listed."""
    w = np.array([1.0], dtype=dtype)
    optimizer = optimizer_type([w], **settings)
    path = []
    for g in GRADIENTS:
        optimizer.step([np.array([g], dtype=dtype)])
        path.append(float(w[0]))
    return path


def test_sgd() -> None:
    """w -= lr g: 1 - 0.05, + 0.2, - 0.025."""
    assert run(SGD, learning_rate=0.1) == pytest.approx([0.95, 1.15, 1.125], rel=1e-15)


def test_momentum() -> None:
    """v = -0.05, 0.155, 0.1145 for mu = 0.9, lr = 0.1."""
    expected = [0.95, 1.105, 1.2195]
    assert run(SGD, learning_rate=0.1, momentum=0.9) == pytest.approx(expected, rel=1e-15)


def test_nesterov() -> None:
    """w += 0.9 v - 0.1 g with the same v: -0.095, 0.3395, 0.07805."""
    path = run(SGD, learning_rate=0.1, momentum=0.9, nesterov=True)
    assert path == pytest.approx([0.905, 1.2445, 1.32255], rel=1e-15)


def test_rmsprop() -> None:
    """Epsilon inside the root, as Keras 3: v = 0.025, 0.4225, 0.3865."""
    w, expected = 1.0, []
    for g, v in zip(GRADIENTS, (0.025, 0.4225, 0.3865), strict=True):
        w -= 0.01 * g / math.sqrt(v + 1e-3)
        expected.append(w)
    assert run(RMSprop, learning_rate=0.01, epsilon=1e-3) == pytest.approx(expected, rel=1e-14)


def test_rmsprop_of_keras_docstring() -> None:
    """lr 0.1 on w^2 / 2 from 10: 10 - 1 / sqrt(10 + 1e-7) = 9.683772."""
    w = np.array([10.0])
    RMSprop([w], 0.1).step([w.copy()])
    assert w[0] == pytest.approx(9.683772, abs=5e-7)


def test_rmsprop_with_momentum_and_centered() -> None:
    """u = 0.5 u + step; centered subtracts the square of m = 0.05, -0.155, -0.1145."""
    w, u, expected = 1.0, 0.0, []
    state = zip(GRADIENTS, (0.025, 0.4225, 0.3865), (0.05, -0.155, -0.1145), strict=True)
    for g, v, m in state:
        u = 0.5 * u + 0.01 * g / math.sqrt(v - m * m + 1e-7)
        w -= u
        expected.append(w)
    path = run(RMSprop, learning_rate=0.01, momentum=0.5, centered=True)
    assert path == pytest.approx(expected, rel=1e-14)


def test_adam() -> None:
    """m and v unrolled; epsilon outside the root of the uncorrected v, as Keras 3."""
    w, expected = 1.0, []
    moments = zip((0.05, -0.155, -0.1145), (0.00025, 0.00424975, 0.00430800025), strict=True)
    for t, (m, v) in enumerate(moments, start=1):
        alpha = 0.01 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        w -= alpha * m / (math.sqrt(v) + 1e-3)
        expected.append(w)
    assert run(Adam, learning_rate=0.01, epsilon=1e-3) == pytest.approx(expected, rel=1e-13)


def test_adam_first_step_is_the_learning_rate() -> None:
    """Whatever the size of the gradient, to epsilon / (sqrt(1 - beta2) |g|)."""
    for g in (1e-2, 1.0, 1e4):
        w = np.array([0.0])
        Adam([w], 0.01).step([np.array([g])])
        assert w[0] == pytest.approx(-0.01, rel=4e-6 / g)


@pytest.mark.parametrize(
    ("optimizer_type", "settings"),
    [(SGD, {}), (SGD, {"momentum": 0.9}), (RMSprop, {}), (RMSprop, {"momentum": 0.5}), (Adam, {})],
)
def test_float32_follows_float64(optimizer_type: type, settings: dict[str, float]) -> None:
    """State and parameters keep their dtype; three steps stay within a few epsilon."""
    single = np.array(run(optimizer_type, np.float32, **settings))
    assert_close(single, np.array(run(optimizer_type, **settings)), 8 * epsilon(np.float32))


def test_parameters_are_updated_in_place_and_independently() -> None:
    """A parameter with gradient 0 stays; shapes may differ."""
    w, b = np.ones((2, 3)), np.ones(3)
    for optimizer_type in (SGD, RMSprop, Adam):
        optimizer = optimizer_type([w, b])
        optimizer.step([np.ones((2, 3)), np.zeros(3)])
    assert (w < 1).all()
    assert (b == 1).all()


def test_adagrad() -> None:
    """Sums 0.35, 4.35, 4.4125 from 0.1, epsilon under the root."""
    w, expected = 1.0, []
    for g, v in zip(GRADIENTS, (0.35, 4.35, 4.4125), strict=True):
        w -= 0.01 * g / math.sqrt(v + 1e-3)
        expected.append(w)
    assert run(Adagrad, learning_rate=0.01, epsilon=1e-3) == pytest.approx(expected, rel=1e-14)


def test_nadam() -> None:
    """Keras' formulas: u_t = 0.9 (1 - 0.96^t / 2), with m and v of Adam corrected."""
    w, m, v, product, expected = 1.0, 0.0, 0.0, 1.0, []
    for t, g in enumerate(GRADIENTS, start=1):
        u, following = (0.9 * (1 - 0.5 * 0.96**i) for i in (t, t + 1))
        product *= u
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        m_hat = following * m / (1 - product * following) + (1 - u) * g / (1 - product)
        w -= 0.01 * m_hat / (math.sqrt(v / (1 - 0.999**t)) + 1e-7)
        expected.append(w)
    assert run(Nadam, learning_rate=0.01) == pytest.approx(expected, rel=1e-14)


def test_amsgrad_does_not_forget() -> None:
    """After the large gradient the denominator stays."""
    path = run(Adam, learning_rate=0.01, beta_2=0.5, epsilon=0.0, amsgrad=True)
    m = 0.1 * 0.25 + 0.9 * (0.1 * -2 + 0.9 * 0.05)
    top = 0.5 * 4 + 0.5 * 0.125
    alpha = 0.01 * math.sqrt(1 - 0.5**3) / (1 - 0.9**3)
    assert path[2] - path[1] == pytest.approx(-alpha * m / math.sqrt(top), rel=1e-12)


def test_rprop() -> None:
    """Sizes 0.1; halved and no step at the change of sign; 0.05 again, then 0.06 and 0.05."""
    w = np.array([1.0])
    optimizer_ = Rprop([w], learning_rate=0.1, step_max=0.055)
    path = []
    for g in (2.0, -1.0, -3.0, -0.1):
        optimizer_.step([np.array([g])])
        path.append(float(w[0]))
    assert path == pytest.approx([0.945, 0.945, 0.9725, 1.0055], rel=1e-14)


# --- what all share -------------------------------------------------------------------------------


def test_norms() -> None:
    """3, 4 and 12: each by its own norm, all by 13, elements by their size."""
    g = [np.array([3.0, 4.0]), np.array([-12.0])]
    assert norm(g) == 13.0
    each = clipped(g, 2.5, None, None)
    assert_close(each[0], np.array([1.5, 2.0]), 1e-15)
    assert_close(each[1], np.array([-2.5]), 1e-15)
    together = clipped(g, None, None, 6.5)
    assert_close(np.concatenate(together), np.array([1.5, 2.0, -6.0]), 1e-15)
    cut = clipped(g, None, 3.5, None)
    assert_close(np.concatenate(cut), np.array([3.0, 3.5, -3.5]), 1e-15)
    for same in (clipped(g, 100.0, None, None), clipped(g, None, None, 100.0)):
        assert_close(np.concatenate(same), np.concatenate(g), 1e-15)


def test_decay_and_schedule() -> None:
    """w -= lr decay w before the step, lr of the step: 1, 0.5, 0.25."""
    w, expected = np.array([2.0]), 2.0
    shared = optimizer("sgd", [w], schedule=lambda t: 0.5**t, weight_decay=0.1)
    for t, g in enumerate(GRADIENTS):
        shared.step([np.array([g])])
        expected -= 0.5**t * 0.1 * expected
        expected -= 0.5**t * g
    assert w[0] == pytest.approx(expected, rel=1e-15)


def test_adamw_decays_by_default() -> None:
    """Without a gradient nothing but 0.004 of the rate."""
    w = np.array([1.0])
    optimizer("adamw", [w], learning_rate=0.1).step([np.array([0.0])])
    assert w[0] == pytest.approx(1 - 0.0004, rel=1e-15)
