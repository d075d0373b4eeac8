"""Newton's method with exact Hessian-vector products and a conjugate-gradient inner solver.

The product H v is the derivative of the gradient in direction v: the operator R of Pearlmutter,
"Fast exact multiplication by the Hessian", Neural Computation 6, 1994.  Every line of the forward
and backward pass gets its derivative; names carry a leading r (rz = R{z}).  Forcing term of
Eisenstat and Walker, 1996; Armijo backtracking.  Full batch, float64, for small networks.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracle.activations import (
    ELEMENTWISE,
    Array,
    activation_backward,
    row_sum,
    sigmoid,
    softmax,
    softmax_backward,
)
from oracle.losses import POISSON_EPSILON, one_hot, smooth_binary, smooth_categorical
from oracle.network import Activation, Dense, Loss, Network, Rescaling

ARMIJO = 1e-4
ROUNDING = 8 * float(np.finfo(np.float64).eps)


# --- derivatives of the pieces --------------------------------------------------------------------
def activation_forward_r(z: Array, a: Array, rz: Array, name: str, **parameters: float) -> Array:
    """R{g(z)} = g'(z) rz; softmax: a (rz - <a, rz>); log_softmax: rz - <e^a, rz>."""
    if name == "softmax":
        return softmax_backward(a, rz)
    if name == "log_softmax":
        return rz - row_sum(np.exp(a) * rz)
    return rz * ELEMENTWISE[name].slope(z, a, **parameters)


def activation_backward_r(
    z: Array, a: Array, ra: Array, rz: Array, da: Array, rda: Array, name: str, **parameters: float
) -> Array:
    """R{dz}.

    Elementwise dz = da g': rda g' + da g'' rz.
    softmax dz = a (da - <da, a>): ra (da - <da, a>) + a (rda - <rda, a> - <da, ra>).
    log_softmax dz = da - e^a sum da: rda - e^a (ra sum da + sum rda).
    """
    if name == "softmax":
        return ra * (da - row_sum(da * a)) + a * (rda - row_sum(rda * a) - row_sum(da * ra))
    if name == "log_softmax":
        p: Array = np.exp(a)
        return rda - p * (ra * row_sum(da) + row_sum(rda))
    g = ELEMENTWISE[name]
    return rda * g.slope(z, a, **parameters) + da * rz * g.curvature(z, a, **parameters)


def binary_r(y: Array, pred: Array, rpred: Array, from_logits: bool) -> Array:
    """s(z) s(-z) rz from logits, (y / p^2 + (1 - y) / (1 - p)^2) rp from probabilities."""
    if from_logits:
        return sigmoid(pred) * sigmoid(-pred) * rpred
    return (y / pred**2 + (1 - y) / (1 - pred) ** 2) * rpred


def categorical_r(y: Array, pred: Array, rpred: Array, from_logits: bool) -> Array:
    """sum y R{softmax(z)} from logits, y rp / p^2 - sum y sum rp / S^2 from probabilities."""
    total = row_sum(y)
    if from_logits:
        return total * softmax_backward(softmax(pred), rpred)
    share = row_sum(rpred) / row_sum(pred) ** 2
    return y * rpred / pred**2 - total * share


def regression_r(name: str, y: Array, pred: Array, from_logits: bool, **parameters: float) -> Array:
    """Second derivative of a loss of real targets, elementwise."""
    if name == "huber":
        return np.where(np.abs(pred - y) <= parameters.get("delta", 1.0), 1.0, 0.0)
    if name == "log_cosh":
        return 1 / np.cosh(pred - y) ** 2
    if name == "poisson":
        return np.exp(pred) if from_logits else y / (pred + POISSON_EPSILON) ** 2
    return np.full_like(pred, 2)


def loss_r(
    loss: Loss, y: Any, pred: Array, rpred: Array, from_logits: bool, sample_weight: Array | None
) -> Array:
    """R of the loss gradient: the loss's own Hessian times rpred, averaged as the loss is."""
    n_samples, n_outputs = pred.shape
    if loss.name in ("mean_squared_error", "huber", "log_cosh", "poisson"):
        curvature = regression_r(loss.name, y, pred, from_logits, **loss.parameters)
        r = curvature * rpred / n_outputs
    elif loss.name == "binary_crossentropy":
        smooth = smooth_binary(y, loss.label_smoothing)
        r = binary_r(smooth, pred, rpred, from_logits) / n_outputs
    else:
        sparse = loss.name == "sparse_categorical_crossentropy"
        dense_y = one_hot(y, n_outputs, pred.dtype) if sparse else y
        smooth = smooth_categorical(dense_y, loss.label_smoothing)
        r = categorical_r(smooth, pred, rpred, from_logits)
    weight: Array = np.ones(n_samples) if sample_weight is None else sample_weight
    result: Array = r * (weight * (loss.scale / n_samples))[:, None]
    return result


# --- Hessian times vector -------------------------------------------------------------------------
def forward_r(
    network: Network, outputs: Sequence[Array], pre: Sequence[Array], v: Sequence[Array]
) -> tuple[list[Array], list[Array]]:
    """R of what `Network.forward` returns, for parameters moving in direction v."""
    direction = iter(v)
    routputs, rpre = [np.zeros_like(outputs[0])], []
    for layer, x, z, a in zip(network.layers, outputs, pre, outputs[1:], strict=False):
        rx = routputs[-1]
        if isinstance(layer, Rescaling):
            rz = ra = rx * layer.scale
        else:
            rz = rx
            if isinstance(layer, Dense):
                rz = rx @ layer.w + x @ next(direction)
                rz = rz if layer.b is None else rz + next(direction)
            ra = activation_forward_r(z, a, rz, layer.activation, **layer.parameters)
        rpre.append(rz)
        routputs.append(ra)
    return routputs, rpre


def kernel_directions(network: Network, v: Sequence[Array]) -> list[Array]:
    """The parts of v that belong to kernels, first layer first."""
    direction = iter(v)
    kernels: list[Array] = []
    for layer in network.layers:
        if isinstance(layer, Dense):
            kernels.append(next(direction))
            if layer.b is not None:
                next(direction)
    return kernels


def hessian_vector(
    network: Network,
    x: Any,
    y: Any,
    loss: Loss,
    v: Sequence[Array],
    sample_weight: Array | None = None,
) -> list[Array]:
    """H v, penalties included (l1 has none), for v shaped like the parameters."""
    outputs, pre = network.forward(x)
    routputs, rpre = forward_r(network, outputs, pre, v)
    kernels = kernel_directions(network, v)
    fused = network.fuses(loss)
    _, g = network.output_loss(outputs, pre, y, loss, sample_weight)
    pred, rpred = (pre[-1], rpre[-1]) if fused else (outputs[-1], routputs[-1])
    rg = loss_r(loss, y, pred, rpred, fused or loss.from_logits, sample_weight)
    products: list[Array] = []
    last = len(network.layers) - 1
    for i, layer in reversed(list(enumerate(network.layers))):
        if isinstance(layer, Rescaling):
            g, rg = g * layer.scale, rg * layer.scale
            continue
        a, ra, rz = outputs[i + 1], routputs[i + 1], rpre[i]
        if not (fused and i == last):
            name, parameters = layer.activation, layer.parameters
            rg = activation_backward_r(pre[i], a, ra, rz, g, rg, name, **parameters)
            g = activation_backward(pre[i], a, g, name, **parameters)
        if isinstance(layer, Activation):
            continue
        rw = routputs[i].T @ g + outputs[i].T @ rg
        if layer.b is not None:
            products.append(np.sum(rg, axis=0))
        products.append(rw)
        g, rg = g @ layer.w.T, rg @ layer.w.T + g @ kernels.pop().T
    return add_penalty_r(network, products[::-1], v)


def add_penalty_r(network: Network, hv: list[Array], v: Sequence[Array]) -> list[Array]:
    """H v + 2 rate v for parameters with an l2 penalty."""
    rates: list[float] = []
    for layer in network.layers:
        if isinstance(layer, Dense):
            rates += [layer.kernel_l2] if layer.b is None else [layer.kernel_l2, layer.bias_l2]
    return [h + 2 * rate * d for h, rate, d in zip(hv, rates, v, strict=True)]


def flatten(arrays: Sequence[Array]) -> Array:
    """All entries in one vector."""
    return np.concatenate([a.ravel() for a in arrays])


def unflatten(vector: Array, like: Sequence[Array]) -> list[Array]:
    """A vector cut into arrays shaped like `like`."""
    ends = np.cumsum([a.size for a in like])[:-1]
    return [p.reshape(a.shape) for p, a in zip(np.split(vector, ends), like, strict=True)]


def hessian(network: Network, x: Any, y: Any, loss: Loss) -> Array:
    """The whole Hessian, one product for each unit vector, (n_parameters, n_parameters)."""
    like = network.parameters()
    columns = [
        flatten(hessian_vector(network, x, y, loss, unflatten(unit, like)))
        for unit in np.eye(sum(p.size for p in like))
    ]
    return np.stack(columns, axis=1)


# --- solver ---------------------------------------------------------------------------------------
def conjugate_gradients(
    product: Callable[[Array], Array], g: Array, tolerance: float, max_iterations: int
) -> Array:
    """Direction p with |H p + g| <= tolerance; stops early where curvature is not positive.

    Then p so far, or -g at the very first step, is still a descent direction.
    """
    p, r = np.zeros_like(g), -g
    d = r.copy()
    for _ in range(max_iterations):
        hd = product(d)
        curvature = d @ hd
        if curvature <= ROUNDING * (d @ d) * 1e-3:
            return p if p.any() else -g
        step = (r @ r) / curvature
        p = p + step * d
        new_r = r - step * hd
        if np.linalg.norm(new_r) <= tolerance:
            break
        d = new_r + (new_r @ new_r) / (r @ r) * d
        r = new_r
    return p


def forcing_term(gradient_norm: float) -> float:
    """eta = min(0.5, sqrt |g|): how exactly the inner system is solved, relative to |g|."""
    return min(0.5, math.sqrt(gradient_norm))


def backtrack(
    objective: Callable[[Array], float], w: Array, p: Array, value: float, slope: float
) -> tuple[Array, float]:
    """First of w + p, w + p/2, w + p/4, ... with J <= J0 + c t slope, up to rounding in J."""
    t = 1.0
    for _ in range(60):
        candidate = objective(w + t * p)
        if candidate <= value + ARMIJO * t * slope + ROUNDING * abs(value):
            return w + t * p, candidate
        t *= 0.5
    return w, value


@dataclass
class Result:
    """What a run of Newton-CG ends with."""

    value: float
    gradient_norm: float
    iterations: int
    converged: bool


def newton_cg(
    network: Network,
    x: Any,
    y: Any,
    loss: Loss,
    *,
    max_iterations: int = 200,
    tol: float = 1e-10,
    sample_weight: Array | None = None,
) -> Result:
    """Train in place until |g| <= tol max(1, |g at the start|)."""
    parameters = network.parameters()

    def assign(w: Array) -> None:
        for old, new in zip(parameters, unflatten(w, parameters), strict=True):
            old[...] = new

    def objective(w: Array) -> float:
        assign(w)
        return network.loss(x, y, loss, sample_weight)

    def product(d: Array) -> Array:
        v = unflatten(d, parameters)
        return flatten(hessian_vector(network, x, y, loss, v, sample_weight))

    goal = None
    for iteration in range(max_iterations):
        w = flatten(parameters)
        value, gradients = network.gradients(x, y, loss, sample_weight)
        g = flatten(gradients)
        norm = float(np.linalg.norm(g))
        goal = tol * max(1.0, norm) if goal is None else goal
        if norm <= goal:
            return Result(value, norm, iteration, True)
        p = conjugate_gradients(product, g, forcing_term(norm) * norm, max(20, 4 * g.size))
        w, value = backtrack(objective, w, p, value, float(g @ p))
        assign(w)
    return Result(value, norm, max_iterations, False)
