"""Levenberg and Marquardt's method for mean squared error.

Hagan and Menhaj, "Training feedforward networks with the Marquardt algorithm", 1994, with the mu
of MATLAB's trainlm: w - (J^T J + mu I)^-1 J^T e, where the loss is e^T e.  The errors carry the
averaging, sample weights and scale of the loss; penalties l2 w^2 are errors sqrt(l2) w.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from oracle.activations import Array, activation_backward
from oracle.network import Activation, Dense, Loss, Network, Rescaling
from oracle.newton_cg import flatten, unflatten

LEAST_MU = 1e-20
Errors = Callable[[Array], tuple[Array, Array]]  # e and its Jacobian


def output_jacobian(network: Network, x: Any) -> Array:
    """Derivatives of the outputs, (n_samples, n_outputs, n_parameters), by back-propagation."""
    outputs, pre_activations = network.forward(x)
    n_samples, n_outputs = outputs[-1].shape
    found = []
    for j in range(n_outputs):
        d = np.zeros((n_samples, n_outputs))
        d[:, j] = 1
        pieces: list[Array] = []
        for layer, a_in, z, a in zip(
            network.layers[::-1],
            outputs[-2::-1],
            pre_activations[::-1],
            outputs[:0:-1],
            strict=True,
        ):
            if isinstance(layer, Rescaling):
                d = d * layer.scale
                continue
            d = activation_backward(z, a, d, layer.activation, **layer.parameters)
            if isinstance(layer, Activation):
                continue
            if layer.b is not None:
                pieces.append(d)
            pieces.append((a_in[:, :, None] * d[:, None, :]).reshape(n_samples, -1))
            d = d @ layer.w.T
        found.append(np.concatenate(pieces[::-1], axis=1))
    return np.stack(found, axis=1)


def l2_rates(network: Network) -> Array:
    """Rate of each parameter's penalty, (n_parameters,)."""
    pieces: list[Array] = []
    for layer in network.layers:
        if isinstance(layer, Dense):
            pieces.append(np.full(layer.w.size, layer.kernel_l2))
            if layer.b is not None:
                pieces.append(np.full(layer.b.size, layer.bias_l2))
    return np.concatenate(pieces)


def errors_of(network: Network, x: Any, y: Any, loss: Loss, weight: Array | None) -> Errors:
    """e (n_samples n_outputs + n_parameters,) with e^T e the loss, and its Jacobian."""
    parameters = network.parameters()
    root_l2 = np.sqrt(l2_rates(network))

    def f(w: Array) -> tuple[Array, Array]:
        for old, new in zip(parameters, unflatten(w, parameters), strict=True):
            old[...] = new
        a = network.predict(x)
        share = np.full(len(a), loss.scale / a.size) if weight is None else weight / a.size
        root = np.sqrt(share if weight is None else share * loss.scale)
        e = root[:, None] * (a - y)
        j = root[:, None, None] * output_jacobian(network, x)
        return (
            np.concatenate([e.ravel(), root_l2 * w]),
            np.concatenate([j.reshape(e.size, -1), np.diag(root_l2)]),
        )

    return f


class LevenbergMarquardt:
    """The state of one run."""

    def __init__(
        self,
        f: Errors,
        w: Array,
        mu: float = 1e-3,
        mu_dec: float = 0.1,
        mu_inc: float = 10.0,
        mu_max: float = 1e10,
    ) -> None:
        self.f, self.w, self.mu = f, w, mu
        self.mu_dec, self.mu_inc, self.mu_max = mu_dec, mu_inc, mu_max
        self.e, self.j = f(w)

    @property
    def loss(self) -> float:
        """e^T e."""
        return float(self.e @ self.e)

    @property
    def gradient(self) -> Array:
        """2 J^T e."""
        return 2 * self.j.T @ self.e

    def step(self) -> bool:
        """One iteration; False, and nothing changed but mu, where mu would exceed mu_max."""
        matrix, right = self.j.T @ self.j, self.j.T @ self.e
        mu = self.mu
        while mu <= self.mu_max:
            w = self.w - np.linalg.solve(matrix + mu * np.eye(len(right)), right)
            e, j = self.f(w)
            if e @ e < self.e @ self.e:
                self.w, self.e, self.j = w, e, j
                self.mu = max(mu * self.mu_dec, LEAST_MU)
                return True
            mu *= self.mu_inc
        return False


def levenberg_marquardt(
    network: Network,
    x: Any,
    y: Any,
    loss: Loss,
    *,
    iterations: int,
    sample_weight: Array | None = None,
    **settings: float,
) -> LevenbergMarquardt:
    """Train in place for some iterations, fewer if none lowers the loss any more."""
    f = errors_of(network, x, y, loss, sample_weight)
    run = LevenbergMarquardt(f, flatten(network.parameters()), **settings)
    for _ in range(iterations):
        if not run.step():
            break
    f(run.w)
    return run
