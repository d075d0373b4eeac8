"""Activations z G(z) with a gate G that rises from 0 to 1: silu and gelu.

Their derivatives do not follow from the output, so all functions here take z.  Tails keep their
relative precision: small exponentials are taken as the product of two, and squares in two parts.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

GELU_CUBIC = 0.044715
SPLIT = 2.0**27 + 1

erfc = np.vectorize(math.erfc, otypes=[np.float64])


# --- silu ----------------------------------------------------------------------------------------
def gate_parts(v: Array) -> tuple[Array, Array]:
    """(e^(-|v| / 2), s(|v|)): s(-|v|) is the square of the first times the second."""
    half: Array = np.exp(-np.abs(v) / 2)
    return half, 1 / (1 + half * half)


def silu(z: Array) -> Array:
    """g(z) = z s(z), s the sigmoid: z e / (1 + e) with e = e^z for negative z."""
    half, share = gate_parts(z)
    return np.where(z < 0, z * half * share * half, z * share)


def silu_grad(z: Array) -> Array:
    """g'(z) = s(z) (1 + z s(-z)); g'(z) = 1 - g'(-z)."""
    half, share = gate_parts(z)
    below = half * (1 - np.abs(z) * share) * share * half
    return np.where(z < 0, below, 1 - below)


def silu_second(z: Array) -> Array:
    """g''(z) = s(z) s(-z) (2 + z (1 - 2 s(z)))."""
    half, share = gate_parts(z)
    tanh = (1 - half * half) * share  # of |z| / 2
    return half * share * (2 - np.abs(z) * tanh) * share * half


# --- gelu ----------------------------------------------------------------------------------------
def square_parts(x: Array) -> tuple[Array, Array]:
    """x^2 rounded, and the rest of it (Dekker, 1971).  |x| < 2^480."""
    upper = x * SPLIT - (x * SPLIT - x)
    lower = x - upper
    square = x * x
    return square, ((upper * upper - square) + 2 * upper * lower) + lower * lower


def normal_cdf(z: Array) -> Array:
    """F(z) = erfc(q) / 2 at q = -z / sqrt 2; what rounding q costs is made good by the slope."""
    x = np.clip(z.astype(np.float64), -40, 40)
    q = -x * math.sqrt(0.5)
    (x_square, x_rest), (q_square, q_rest) = square_parts(x), square_parts(q)
    twice_excess = (q_square - x_square / 2) + (q_rest - x_rest / 2)  # (q - exact) 2 q
    excess = twice_excess / np.where(q == 0, 1, 2 * q)
    value: Array = erfc(q) / 2 + np.exp(-q_square) / math.sqrt(math.pi) * excess
    return value


def normal_density(z: Array) -> Array:
    """f(z) = e^(-z^2 / 2) / sqrt(2 pi)."""
    square, rest = square_parts(np.clip(z.astype(np.float64), -40, 40))
    density: Array = np.exp(-square / 2) * (1 - rest / 2) / math.sqrt(2 * math.pi)
    return density


def tanh_gate(z: Array) -> tuple[Array, Array, Array]:
    """(v, v', v'') with (1 + tanh(v / 2)) / 2 the approximate gate, v = 2 sqrt(2 / pi) (z + c z^3).

    |z| is cut at 30, where the gate is 0 or 1.
    """
    x = np.clip(z, -30, 30)
    twice = 2 * math.sqrt(2 / math.pi)
    v = twice * (x + GELU_CUBIC * x**3)
    return v, twice * (1 + 3 * GELU_CUBIC * x * x), twice * 6 * GELU_CUBIC * x


def gelu(z: Array, approximate: float = 0.0) -> Array:
    """g(z) = z F(z), F the normal distribution function; approximate: z s(v)."""
    if not approximate:
        return (z * normal_cdf(z)).astype(z.dtype)
    v, _, _ = tanh_gate(z)
    half, share = gate_parts(v)
    return np.where(z < 0, z * half * share * half, z * share)


def gelu_grad(z: Array, approximate: float = 0.0) -> Array:
    """g'(z) = F(z) + z f(z); approximate: s(v) (1 + z v' s(-v))."""
    if not approximate:
        x = np.clip(z.astype(np.float64), -40, 40)
        return (normal_cdf(z) + x * normal_density(z)).astype(z.dtype)
    v, dv, _ = tanh_gate(z)
    half, share = gate_parts(v)
    below = half * (1 - np.abs(np.clip(z, -30, 30)) * dv * share) * share * half
    return np.where(z < 0, below, 1 - below)


def gelu_second(z: Array, approximate: float = 0.0) -> Array:
    """g''(z) = f(z) (2 - z^2); approximate: s(v) s(-v) (2 v' + z v'' + z v'^2 (1 - 2 s(v)))."""
    if not approximate:
        x = np.clip(z.astype(np.float64), -40, 40)
        return (normal_density(z) * (2 - x * x)).astype(z.dtype)
    v, dv, ddv = tanh_gate(z)
    half, share = gate_parts(v)
    x = np.clip(z, -30, 30)
    tanh = (1 - half * half) * share
    bend = 2 * dv + x * ddv - np.abs(x) * dv * dv * tanh
    return half * share * bend * share * half
