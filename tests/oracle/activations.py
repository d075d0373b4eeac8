"""Activations: value, derivative from z, first and second derivative from the output a.

Where those do not follow from a (gates.py), the second derivative is taken from z, too.

Elementwise functions take z or a of any shape and keep its dtype.  softmax and log_softmax work on
the last axis and have a backward product instead of an elementwise derivative.  No formula
overflows: exponentials are taken of non-positive numbers only.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oracle.gates import gelu, gelu_grad, gelu_second, silu, silu_grad, silu_second

Array = NDArray[np.floating[Any]]

SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


# --- identity ------------------------------------------------------------------------------------
def identity(z: Array) -> Array:
    """g(z) = z."""
    return np.array(z)


def identity_grad(z: Array) -> Array:
    """g'(z) = 1."""
    return np.ones_like(z)


def identity_grad_from_output(a: Array) -> Array:
    """g' = 1."""
    return np.ones_like(a)


def identity_second_from_output(a: Array) -> Array:
    """g'' = 0."""
    return np.zeros_like(a)


# --- sigmoid -------------------------------------------------------------------------------------
def sigmoid(z: Array) -> Array:
    """g(z) = 1 / (1 + e^-z), as e^z / (1 + e^z) for negative z."""
    e: Array = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_grad(z: Array) -> Array:
    """g'(z) = g(z) g(-z) = e / (1 + e)^2 with e = e^-|z|: no cancellation at either end."""
    e: Array = np.exp(-np.abs(z))
    return e / (1 + e) ** 2


def sigmoid_grad_from_output(a: Array) -> Array:
    """g' = a (1 - a)."""
    return a * (1 - a)


def sigmoid_second_from_output(a: Array) -> Array:
    """g'' = a (1 - a) (1 - 2 a)."""
    return a * (1 - a) * (1 - 2 * a)


# --- tanh ----------------------------------------------------------------------------------------
def tanh(z: Array) -> Array:
    """g(z) = tanh z."""
    return np.tanh(z)


def tanh_grad(z: Array) -> Array:
    """g'(z) = sech^2 z, sech z = 2 e / (1 + e^2) with e = e^-|z|."""
    e: Array = np.exp(-np.abs(z))
    return (2 * e / (1 + e * e)) ** 2


def tanh_grad_from_output(a: Array) -> Array:
    """g' = (1 + a) (1 - a)."""
    return (1 + a) * (1 - a)


def tanh_second_from_output(a: Array) -> Array:
    """g'' = -2 a (1 + a) (1 - a)."""
    return -2 * a * (1 + a) * (1 - a)


# --- relu and leaky relu -------------------------------------------------------------------------
def relu(z: Array) -> Array:
    """g(z) = max(0, z)."""
    return np.where(z > 0, z, np.zeros_like(z))


def relu_grad(z: Array) -> Array:
    """g'(z) = 1 if z > 0 else 0."""
    return (z > 0).astype(z.dtype)


def relu_grad_from_output(a: Array) -> Array:
    """g' = 1 if a > 0 else 0."""
    return (a > 0).astype(a.dtype)


def relu_second_from_output(a: Array) -> Array:
    """g'' = 0."""
    return np.zeros_like(a)


def leaky_relu(z: Array, negative_slope: float = 0.01) -> Array:
    """g(z) = z if z > 0 else s z."""
    return np.where(z > 0, z, negative_slope * z)


def leaky_relu_grad(z: Array, negative_slope: float = 0.01) -> Array:
    """g'(z) = 1 if z > 0 else s."""
    return np.where(z > 0, np.ones_like(z), np.full_like(z, negative_slope))


def leaky_relu_grad_from_output(a: Array, negative_slope: float = 0.01) -> Array:
    """g' = 1 if a > 0 else s; holds for s >= 0, where a has the sign of z."""
    return leaky_relu_grad(a, negative_slope)


def leaky_relu_second_from_output(a: Array, negative_slope: float = 0.01) -> Array:
    """g'' = 0, whatever the slope."""
    return np.zeros_like(a)


# --- elu and selu --------------------------------------------------------------------------------
def elu(z: Array, alpha: float = 1.0) -> Array:
    """g(z) = z if z > 0 else alpha (e^z - 1)."""
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def elu_grad(z: Array, alpha: float = 1.0) -> Array:
    """g'(z) = 1 if z > 0 else alpha e^z."""
    return np.where(z > 0, np.ones_like(z), alpha * np.exp(np.minimum(z, 0)))


def elu_grad_from_output(a: Array, alpha: float = 1.0) -> Array:
    """g' = 1 if a > 0 else a + alpha."""
    return np.where(a > 0, np.ones_like(a), a + alpha)


def elu_second_from_output(a: Array, alpha: float = 1.0) -> Array:
    """g'' = 0 if a > 0 else a + alpha."""
    return np.where(a > 0, np.zeros_like(a), a + alpha)


def selu(z: Array) -> Array:
    """g(z) = lambda elu(z, alpha); constants of Klambauer et al., 2017."""
    return SELU_SCALE * elu(z, SELU_ALPHA)


def selu_grad(z: Array) -> Array:
    """g'(z) = lambda (1 if z > 0 else alpha e^z)."""
    return SELU_SCALE * elu_grad(z, SELU_ALPHA)


def selu_grad_from_output(a: Array) -> Array:
    """g' = lambda if a > 0 else a + lambda alpha."""
    return np.where(a > 0, np.full_like(a, SELU_SCALE), a + SELU_SCALE * SELU_ALPHA)


def selu_second_from_output(a: Array) -> Array:
    """g'' = 0 if a > 0 else a + lambda alpha."""
    return np.where(a > 0, np.zeros_like(a), a + SELU_SCALE * SELU_ALPHA)


# --- softplus, softsign, hard_sigmoid, exponential -----------------------------------------------
def softplus(z: Array) -> Array:
    """g(z) = ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|)."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def softplus_grad_from_output(a: Array) -> Array:
    """g' = s(z) = 1 - e^-a."""
    return -np.expm1(-a)


def softplus_second_from_output(a: Array) -> Array:
    """g'' = e^-a (1 - e^-a)."""
    return -np.expm1(-a) * np.exp(-a)


def softsign(z: Array) -> Array:
    """g(z) = z / (1 + |z|)."""
    a: Array = z / (1 + np.abs(z))
    return a


def softsign_grad(z: Array) -> Array:
    """g'(z) = 1 / (1 + |z|)^2."""
    share: Array = 1 / (1 + np.abs(z))
    return share * share


def softsign_grad_from_output(a: Array) -> Array:
    """g' = (1 - |a|)^2."""
    share: Array = 1 - np.abs(a)
    return share * share


def softsign_second_from_output(a: Array) -> Array:
    """g'' = -2 sign(a) (1 - |a|)^3."""
    share: Array = 1 - np.abs(a)
    return -2 * np.sign(a) * share * share * share


def hard_sigmoid(z: Array) -> Array:
    """g(z) = min(max(z + 3, 0), 6) / 6."""
    return np.clip(z + 3, 0, 6) / 6


def hard_sigmoid_grad(z: Array) -> Array:
    """g'(z) = 1 / 6 if -3 < z < 3 else 0."""
    return np.where(np.abs(z) < 3, np.full_like(z, 1 / 6), np.zeros_like(z))


def hard_sigmoid_grad_from_output(a: Array) -> Array:
    """g' = 1 / 6 if 0 < a < 1 else 0."""
    return np.where((a > 0) & (a < 1), np.full_like(a, 1 / 6), np.zeros_like(a))


def hard_sigmoid_second_from_output(a: Array) -> Array:
    """g'' = 0."""
    return np.zeros_like(a)


def exponential(z: Array) -> Array:
    """g(z) = e^z = g'(z)."""
    return np.exp(z)


def exponential_from_output(a: Array) -> Array:
    """g' = g'' = a."""
    return np.array(a)


# --- softmax and log_softmax ---------------------------------------------------------------------
def row_sum(x: Array) -> Array:
    """sum_j x_ij as a column, (..., 1)."""
    total: Array = np.sum(x, axis=-1, keepdims=True)
    return total


def shifted(z: Array) -> Array:
    """z - max z, row by row; -inf is right where the difference is beyond the largest number."""
    with np.errstate(over="ignore"):
        difference: Array = z - np.max(z, axis=-1, keepdims=True)
    return difference


def softmax(z: Array) -> Array:
    """a_j = e^(z_j - max z) / sum_k e^(z_k - max z).  z (..., n_outputs)."""
    e: Array = np.exp(shifted(z))
    return e / row_sum(e)


def softmax_backward(a: Array, da: Array) -> Array:
    """dz_j = a_j (da_j - sum_k da_k a_k).  a, da (..., n_outputs)."""
    return a * (da - row_sum(da * a))


def log_softmax(z: Array) -> Array:
    """a_j = (z_j - max z) - ln sum_k e^(z_k - max z).  z (..., n_outputs)."""
    s = shifted(z)
    log_sum: Array = np.log(row_sum(np.exp(s)))
    return s - log_sum


def log_softmax_backward(a: Array, da: Array) -> Array:
    """dz_j = da_j - e^(a_j) sum_k da_k.  a, da (..., n_outputs)."""
    e: Array = np.exp(a)
    return da - e * row_sum(da)


# --- by name -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Elementwise:
    """The functions of one elementwise activation and its parameters' defaults.

    grad_from_output None: nothing follows from the output, and `second` takes z.
    """

    value: Callable[..., Array]
    grad: Callable[..., Array]
    grad_from_output: Callable[..., Array] | None
    second: Callable[..., Array]
    parameters: dict[str, float] = field(default_factory=dict)

    def slope(self, z: Array, a: Array, **parameters: float) -> Array:
        """g', from the output where that tells it."""
        if self.grad_from_output is None:
            return self.grad(z, **parameters)
        return self.grad_from_output(a, **parameters)

    def curvature(self, z: Array, a: Array, **parameters: float) -> Array:
        """g'', from the output where that tells it."""
        return self.second(z if self.grad_from_output is None else a, **parameters)


_IDENTITY = Elementwise(
    identity, identity_grad, identity_grad_from_output, identity_second_from_output
)

ELEMENTWISE = {
    "linear": _IDENTITY,
    "identity": _IDENTITY,
    "sigmoid": Elementwise(
        sigmoid, sigmoid_grad, sigmoid_grad_from_output, sigmoid_second_from_output
    ),
    "tanh": Elementwise(tanh, tanh_grad, tanh_grad_from_output, tanh_second_from_output),
    "relu": Elementwise(relu, relu_grad, relu_grad_from_output, relu_second_from_output),
    "leaky_relu": Elementwise(
        leaky_relu,
        leaky_relu_grad,
        leaky_relu_grad_from_output,
        leaky_relu_second_from_output,
        {"negative_slope": 0.01},
    ),
    "elu": Elementwise(elu, elu_grad, elu_grad_from_output, elu_second_from_output, {"alpha": 1.0}),
    "selu": Elementwise(selu, selu_grad, selu_grad_from_output, selu_second_from_output),
    "gelu": Elementwise(gelu, gelu_grad, None, gelu_second, {"approximate": 0.0}),
    "silu": Elementwise(silu, silu_grad, None, silu_second),
    "softplus": Elementwise(
        softplus, sigmoid, softplus_grad_from_output, softplus_second_from_output
    ),
    "softsign": Elementwise(
        softsign, softsign_grad, softsign_grad_from_output, softsign_second_from_output
    ),
    "hard_sigmoid": Elementwise(
        hard_sigmoid,
        hard_sigmoid_grad,
        hard_sigmoid_grad_from_output,
        hard_sigmoid_second_from_output,
    ),
    "exponential": Elementwise(
        exponential, exponential, exponential_from_output, exponential_from_output
    ),
}

ROWWISE = {
    "softmax": (softmax, softmax_backward),
    "log_softmax": (log_softmax, log_softmax_backward),
}


def activation(z: Array, name: str, **parameters: float) -> Array:
    """g(z) by name."""
    if name in ROWWISE:
        return ROWWISE[name][0](z)
    return ELEMENTWISE[name].value(z, **parameters)


def activation_grad(z: Array, name: str, **parameters: float) -> Array:
    """g'(z) by name; elementwise activations only."""
    return ELEMENTWISE[name].grad(z, **parameters)


def activation_backward(z: Array, a: Array, da: Array, name: str, **parameters: float) -> Array:
    """dz from da by name: da * g' with g' from the output a if it can be, or the row-wise product.

    z, a: the activation's input and output.
    """
    if name in ROWWISE:
        return ROWWISE[name][1](a, da)
    return da * ELEMENTWISE[name].slope(z, a, **parameters)
