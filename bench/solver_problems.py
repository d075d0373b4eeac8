"""Problems of `bench.solvers`: data, network, goal; loss, gradient and Jacobian in plain NumPy.

The loss is the mean over samples; a penalty l2 |w|^2 on kernels comes on top.  Vectors hold kernels
and biases one after another, as `get_weights` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from oracle.network import Dense, Loss, Network
from shallowcore import datasets, layers, losses, models, regularizers

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Problem:
    """A network of at most one hidden layer of tanh, its data, and the loss to be reached.

    output: "identity" with mean_squared_error, "sigmoid" or "softmax" with cross-entropy.
    by_gradient: the goal is a norm of the gradient, relative to that at the start, not a loss.
    """

    name: str
    x: Floats
    y: NDArray[Any]  # (n_samples, n_outputs) for one output, else labels (n_samples,)
    sizes: tuple[int, ...]
    output: str
    goal: float
    l2: float = 0.0
    by_gradient: bool = False

    @property
    def loss(self) -> str:
        """The loss's name."""
        return {
            "identity": "mean_squared_error",
            "sigmoid": "binary_crossentropy",
            "softmax": "sparse_categorical_crossentropy",
        }[self.output]

    @property
    def activations(self) -> tuple[str, ...]:
        """One for each layer."""
        return (*["tanh"] * (len(self.sizes) - 2), self.output)

    def start(self, seed: int = 0) -> list[Floats]:
        """Initial weights: Glorot's; zeros without a hidden layer."""
        rng = np.random.default_rng(seed)
        weights: list[Floats] = []
        for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False):
            limit = np.sqrt(6 / (n_in + n_out)) if len(self.sizes) > 2 else 0.0
            weights += [limit * rng.uniform(-1, 1, (n_in, n_out)), np.zeros(n_out)]
        return weights

    def model(self, optimizer: Any) -> models.Sequential:
        """Of shallowcore, compiled."""
        penalty = regularizers.L2(self.l2)
        stack: list[layers.Layer] = [layers.Input((self.sizes[0],))]
        stack += [
            layers.Dense(units, activation, kernel_regularizer=penalty)
            for units, activation in zip(self.sizes[1:], self.activations, strict=True)
        ]
        model = models.Sequential(stack, dtype="float64", seed=0)
        model.compile(optimizer, losses.get(self.loss))
        return model

    def measure(self, weights: Sequence[Floats]) -> float:
        """What the goal is about, by the oracle."""

        def by_oracle(weights: Sequence[Floats]) -> tuple[float, float]:
            pairs = zip(weights[0::2], weights[1::2], self.activations, strict=True)
            network = Network([Dense(w, b, g, kernel_l2=self.l2) for w, b, g in pairs])
            value, gradients = network.gradients(self.x, self.y, Loss(self.loss))
            return value, float(np.linalg.norm(flat(gradients)))

        value, norm = by_oracle(weights)
        return norm / by_oracle(self.start())[1] if self.by_gradient else value


# --- NumPy ----------------------------------------------------------------------------------------
def split(problem: Problem, w: Floats) -> list[Floats]:
    """Views on the kernels and biases in a vector."""
    found, at = [], 0
    for n_in, n_out in zip(problem.sizes, problem.sizes[1:], strict=False):
        for shape in ((n_in, n_out), (n_out,)):
            size = int(np.prod(shape))
            found.append(w[at : at + size].reshape(shape))
            at += size
    return found


def flat(weights: Sequence[Floats]) -> Floats:
    """One vector."""
    return np.concatenate([w.ravel() for w in weights])


def output_loss(problem: Problem, z: Floats) -> tuple[float, Floats]:
    """Loss of the last layer's logits, and its gradient; may overwrite z."""
    m = len(z)
    if problem.output == "identity":
        z -= problem.y
        return float(np.vdot(z, z)) / z.size, z * (2 / z.size)
    if problem.output == "sigmoid":
        e = np.exp(-np.abs(z))
        value = float(np.sum(np.maximum(z, 0) - problem.y * z + np.log1p(e))) / m
        p: Floats = np.where(z >= 0, 1, e) / (1 + e)
        return value, (p - problem.y) / m
    rows = np.arange(m)
    z -= z.max(axis=1, keepdims=True)
    right = z[rows, problem.y].sum()
    np.exp(z, out=z)
    total = z.sum(axis=1, keepdims=True)
    z /= total
    z[rows, problem.y] -= 1
    z /= m
    return float(np.log(total).sum() - right) / m, z


def loss_and_gradient(problem: Problem, w: Floats) -> tuple[float, Floats]:
    """As fast as NumPy does it: every product once, no copies but the gradient."""
    weights = split(problem, w)
    gradient = np.empty_like(w)
    parts = split(problem, gradient)
    h = problem.x
    if len(weights) == 4:
        h = h @ weights[0]
        h += weights[1]
        np.tanh(h, out=h)
    z = h @ weights[-2]
    z += weights[-1]
    value, dz = output_loss(problem, z)
    np.matmul(h.T, dz, out=parts[-2])
    dz.sum(axis=0, out=parts[-1])
    if len(weights) == 4:
        dh = dz @ weights[2].T
        dh *= 1 - h * h
        np.matmul(problem.x.T, dh, out=parts[0])
        dh.sum(axis=0, out=parts[1])
    if problem.l2:
        for kernel, part in zip(weights[0::2], parts[0::2], strict=True):
            value += problem.l2 * float(np.vdot(kernel, kernel))
            part += 2 * problem.l2 * kernel
    return value, gradient


def residuals(problem: Problem, w: Floats) -> Floats:
    """Errors whose sum of squares is the loss; one output, hidden tanh."""
    w1, b1, w2, b2 = split(problem, w)
    h = problem.x @ w1
    h += b1
    np.tanh(h, out=h)
    errors: Floats = ((h @ w2 + b2) - problem.y).ravel() / np.sqrt(len(problem.x))
    return errors


def jacobian(problem: Problem, w: Floats) -> Floats:
    """Of the residuals, (n_samples, n_parameters)."""
    w1, b1, w2, _ = split(problem, w)
    m, n_in = problem.x.shape
    found = np.empty((m, w.size))
    h = problem.x @ w1
    h += b1
    np.tanh(h, out=h)
    dh = (1 - h * h) * w2.ravel()
    at = w1.size
    np.multiply(
        problem.x[:, :, None], dh[:, None, :], out=found[:, :at].reshape(m, n_in, w1.shape[1])
    )
    found[:, at : at + b1.size] = dh
    found[:, at + b1.size : -1] = h
    found[:, -1] = 1
    found /= np.sqrt(m)
    return found


def logistic_hessian(problem: Problem, w: Floats) -> Floats:
    """X^T diag(p (1 - p)) X / m with the penalty, for one sigmoid neuron."""
    kernel, bias = split(problem, w)
    z = problem.x @ kernel + bias
    e = np.exp(-np.abs(z))
    d = (e / (1 + e) ** 2) / len(z)
    design = np.column_stack([problem.x, np.ones(len(z))])
    found: Floats = design.T @ (d * design)
    found[np.arange(w.size - 1), np.arange(w.size - 1)] += 2 * problem.l2
    return found


# --- the problems ---------------------------------------------------------------------------------
def regression(n_hidden: int, goal: float) -> Problem:
    """The size of the Boston houses, 506 x 13: a smooth function of correlated features, noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(506, 13)) @ (np.eye(13) + 0.3 * rng.normal(size=(13, 13)))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = 2 * np.tanh(x @ rng.normal(size=13) / 3) + x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2])
    y += 0.3 * rng.normal(size=506)
    y = ((y - y.mean()) / y.std())[:, None]
    return Problem(f"regression 13-{n_hidden}-1", x, y, (13, n_hidden, 1), "identity", goal)


def digits(n_hidden: int, goal: float) -> Problem:
    """The packaged handwritten digits, pixels from 0 to 1."""
    x, y = datasets.load_digits(return_X_y=True)
    sizes = (64, n_hidden, 10)
    return Problem(f"digits 64-{n_hidden}-10", x / 16, y, sizes, "softmax", goal)


def logistic() -> Problem:
    """scikit-learn's breast cancer data as they are, with its penalty for C = 1."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    target = y.astype(np.float64)[:, None]
    name = "logistic 30-1, unscaled"
    return Problem(name, x, target, (30, 1), "sigmoid", 1e-8, 1 / (2 * len(x)), True)
