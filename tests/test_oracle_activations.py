"""The oracle's activations against arithmetic in 50 decimal digits, and each other."""

from decimal import Decimal, getcontext, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import activations as act
from oracle.gates import GELU_CUBIC
from oracle.lectures import SOFTMAX, SOFTMAX_LOGITS
from oracle.tolerances import assert_close, assert_close_elementwise, single

DTYPES = [np.float32, np.float64]
POINTS = [-1000.0, -100.0, -40.0, -20.0, -5.5, -1.0, -0.3, -1e-3, -1e-9]
POINTS = [*POINTS, 0.0, *(-p for p in reversed(POINTS))]
PARAMETERS = [
    ("linear", {}),
    ("sigmoid", {}),
    ("tanh", {}),
    ("relu", {}),
    ("leaky_relu", {}),
    ("leaky_relu", {"negative_slope": 0.1}),
    ("elu", {}),
    ("elu", {"alpha": 0.5}),
    ("selu", {}),
    ("gelu", {}),
    ("gelu", {"approximate": 1.0}),
    ("silu", {}),
    ("softplus", {}),
    ("softsign", {}),
    ("hard_sigmoid", {}),
    ("exponential", {}),
]


def elu_exact(z: Decimal, alpha: Decimal) -> tuple[Decimal, Decimal]:
    """elu and its derivative."""
    return (z, Decimal(1)) if z > 0 else (alpha * (z.exp() - 1), alpha * z.exp())


def pi() -> Decimal:
    """In the current decimal precision, by Machin's formula."""

    def arctan_of_inverse(n: int) -> Decimal:
        power = total = Decimal(1) / n
        k, sign = 1, 1
        while power > Decimal(10) ** -getcontext().prec:
            power, k, sign = power / (n * n), k + 2, -sign
            total += sign * power / k
        return total

    return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))


def normal_exact(z: Decimal) -> tuple[Decimal, Decimal]:
    """Distribution function and density: 1/2 + f(z) (z + z^3 / 3 + z^5 / (3 5) + ...)."""
    if abs(z) > 41:
        return Decimal(z > 0), Decimal(0)
    density = (-z * z / 2).exp() / (2 * pi()).sqrt()
    term, total, n = z, z, 1
    while abs(term) > abs(total) * Decimal("1e-500") and term:
        n += 2
        term = term * z * z / n
        total += term
    return Decimal("0.5") + density * total, density


def gate_exact(name: str, z: Decimal, approximate: float) -> tuple[Decimal, Decimal]:
    """silu and gelu, and their derivatives."""
    if name == "gelu" and not approximate:
        share, density = normal_exact(z)
        return z * share, share + z * density
    twice = 2 * (2 / pi()).sqrt() if name == "gelu" else Decimal(1)
    cubic = Decimal(GELU_CUBIC) if name == "gelu" else Decimal(0)
    v, dv = twice * (z + cubic * z**3), twice * (1 + 3 * cubic * z * z)
    e = (-abs(v)).exp()
    up, down = 1 / (1 + e), e / (1 + e)
    s = up if z > 0 else down
    return z * s, s + z * dv * up * down


def softplus_exact(z: Decimal) -> tuple[Decimal, Decimal]:
    """ln(1 + e^z) and its derivative."""
    return (1 + z.exp()).ln(), 1 / (1 + (-z).exp())


def exact(name: str, z: Decimal, parameters: dict[str, float]) -> tuple[Decimal, Decimal]:
    """g(z) and g'(z) in the current decimal precision, from the textbook formulas."""
    one = Decimal(1)
    if name in ("gelu", "silu"):
        return gate_exact(name, z, parameters.get("approximate", 0.0))
    if name == "softplus":
        return softplus_exact(z)
    if name == "softsign":
        return z / (1 + abs(z)), 1 / (1 + abs(z)) ** 2
    if name == "hard_sigmoid":
        return min(max(z + 3, Decimal(0)), Decimal(6)) / 6, Decimal(abs(z) < 3) / 6
    if name == "exponential":
        return z.exp(), z.exp()
    if name == "sigmoid":
        a = one / (one + (-z).exp())
        return a, a * (one - a)
    if name == "tanh":
        a = ((2 * z).exp() - 1) / ((2 * z).exp() + 1)
        return a, (one + a) * (one - a)
    if name == "elu":
        return elu_exact(z, Decimal(parameters.get("alpha", 1.0)))
    if name == "selu":
        scale = Decimal(act.SELU_SCALE)
        a, slope = elu_exact(z, Decimal(act.SELU_ALPHA))
        return scale * a, scale * slope
    negative = {"linear": one, "relu": Decimal(0)}.get(
        name, Decimal(parameters.get("negative_slope", 0.01))
    )
    return (z, one) if z > 0 else (negative * z, negative)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "parameters"), PARAMETERS)
def test_values_and_derivatives(name: str, parameters: dict[str, float], dtype: Any) -> None:
    """g and g' keep nearly all digits from -1000 to 1000, down to the smallest normal number."""
    z = np.array(POINTS, dtype=dtype)
    if name == "exponential":
        z = z[np.abs(z) < 80]
    with localcontext() as context:
        context.prec = 1000
        pairs = [exact(name, Decimal(float(p)), parameters) for p in z]
    values, slopes = (np.array([float(p[i]) for p in pairs]).astype(dtype) for i in (0, 1))
    tiny = float(np.finfo(dtype).tiny)
    rtol = single(dtype)
    if "approximate" in parameters:  # e^v is as far off, relatively, as v is absolutely
        rtol *= 50
    assert_close_elementwise(act.activation(z, name, **parameters), values, rtol, atol=tiny)
    assert_close_elementwise(act.activation_grad(z, name, **parameters), slopes, rtol, atol=tiny)


def test_every_elementwise_activation_is_tried() -> None:
    assert {name for name, _ in PARAMETERS} == set(act.ELEMENTWISE) - {"identity"}


def test_decimal_precision_is_left_alone() -> None:
    """The exact arithmetic above stays local."""
    assert getcontext().prec == 28


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "parameters"), PARAMETERS)
def test_derivative_from_output(name: str, parameters: dict[str, float], dtype: Any) -> None:
    """Lecture E6: g' from a is g' from z, to rounding relative to 1."""
    z = np.linspace(-9, 9, 401).astype(dtype)
    g = act.ELEMENTWISE[name]
    if g.grad_from_output is None:
        assert g.curvature(z, z, **parameters).shape == z.shape
        return
    from_output = g.grad_from_output(g.value(z, **parameters), **parameters)
    assert_close(from_output, g.grad(z, **parameters), single(dtype), scale=2.0)


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS)
def test_second_derivative(name: str, parameters: dict[str, float]) -> None:
    """g'' is the central difference of g', away from the kinks."""
    z = np.linspace(-6, 6, 100)
    h = 1e-5
    g = act.ELEMENTWISE[name]
    slope = (g.grad(z + h, **parameters) - g.grad(z - h, **parameters)) / (2 * h)
    second = g.curvature(z, g.value(z, **parameters), **parameters)
    size = max(1.0, float(np.max(np.abs(second))))
    assert_close(second, slope, 1e-9, scale=size)


def test_lecture_c1_derivatives_at_zero() -> None:
    """Tables of lectures C and E: derivative at 0 of relu is 0, of leaky relu its slope."""
    zero = np.zeros(1)
    expected = {"sigmoid": 0.25, "tanh": 1.0, "relu": 0.0, "leaky_relu": 0.01, "elu": 1.0}
    for name, slope in expected.items():
        assert act.activation_grad(zero, name)[0] == slope
    assert act.activation_grad(zero, "leaky_relu", negative_slope=0.1)[0] == 0.1
    assert act.activation_grad(zero, "linear")[0] == 1.0
    assert act.activation_grad(zero, "selu")[0] == act.SELU_SCALE * act.SELU_ALPHA


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_saturates_exactly(dtype: Any) -> None:
    """0 and 1 to the last bit, without a warning, also at the largest numbers."""
    big = np.finfo(dtype).max
    z = np.array([-big, -1000, 1000, big], dtype=dtype)
    assert act.sigmoid(z).tolist() == [0, 0, 1, 1]
    assert act.sigmoid_grad(z).tolist() == [0, 0, 0, 0]
    assert act.tanh_grad(z).tolist() == [0, 0, 0, 0]


def test_softmax_of_the_lecture() -> None:
    """z = [6, -2, 3] and z = [1000, 1001]."""
    assert_close(act.softmax(np.array(SOFTMAX_LOGITS)), np.array(SOFTMAX), 6e-10)
    e = np.exp(1.0)
    assert_close(act.softmax(np.array([1000.0, 1001.0])), np.array([1, e]) / (1 + e), 1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_softmax_rows(dtype: Any, data: st.DataObject) -> None:
    """Rows sum to 1, order is kept, logarithm agrees; any finite logits."""
    width: Any = 32 if dtype is np.float32 else 64
    numbers = st.floats(allow_nan=False, allow_infinity=False, width=width)
    n_outputs = data.draw(st.integers(1, 12))
    z = np.array(data.draw(st.lists(numbers, min_size=n_outputs, max_size=n_outputs)), dtype=dtype)
    a = act.softmax(z[None, :])
    assert_close(np.sum(a, axis=1), np.ones(1, dtype), single(dtype))
    assert a[0, np.argmax(z)] == a.max()
    log_a = act.log_softmax(z[None, :])
    assert_close(np.exp(log_a), a, single(dtype), scale=1.0)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_rowwise_backward(name: str) -> None:
    """dz = J^T da with J by central differences."""
    draw = np.random.default_rng(3)
    z, da = draw.normal(size=(2, 5, 7))
    h = 1e-5
    expected = np.empty_like(z)
    for j in range(7):
        e = h * np.eye(7)[j]
        slope = (act.activation(z + e, name) - act.activation(z - e, name)) / (2 * h)
        expected[:, j] = np.sum(da * slope, axis=1)
    assert_close(act.activation_backward(z, act.activation(z, name), da, name), expected, 1e-8)
