"""First-order optimizers, as Keras 3 defines them.

An optimizer is made for a list of parameters and updates them in place by `step(gradients)`.
State has the parameters' dtype and starts at zero; t counts steps from 1.  Step sizes that depend
on t alone are worked out in float64 and rounded once.
"""

import math
from collections.abc import Sequence

import numpy as np

from oracle.activations import Array


def zeros(parameters: Sequence[Array]) -> list[Array]:
    """One zero array for each parameter."""
    return [np.zeros_like(p) for p in parameters]


class SGD:
    """Gradient descent: w -= lr g.

    With momentum mu: v = mu v - lr g, w += v; Nesterov: w += mu v - lr g with the new v.
    """

    def __init__(
        self,
        parameters: Sequence[Array],
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = nesterov
        self.velocity = zeros(parameters)
        self.iterations = 0

    def step(self, gradients: Sequence[Array]) -> None:
        """One update of every parameter."""
        self.iterations += 1
        mu, lr = self.momentum, self.learning_rate
        for w, v, g in zip(self.parameters, self.velocity, gradients, strict=True):
            v[...] = mu * v - lr * g
            w += mu * v - lr * g if self.nesterov else v


class RMSprop:
    """v = rho v + (1 - rho) g^2, w -= lr g / sqrt(v + epsilon).

    Centered: m = rho m + (1 - rho) g and max(v - m^2, 0) + epsilon under the root.
    With momentum mu: u = mu u + step, w -= u.
    """

    def __init__(
        self,
        parameters: Sequence[Array],
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
    ) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self.velocity = zeros(parameters)
        self.mean = zeros(parameters)
        self.update = zeros(parameters)

    def step(self, gradients: Sequence[Array]) -> None:
        """One update of every parameter."""
        state = zip(self.parameters, self.velocity, self.mean, self.update, gradients, strict=True)
        for w, v, m, u, g in state:
            v[...] = self.rho * v + (1 - self.rho) * g**2
            m[...] = self.rho * m + (1 - self.rho) * g
            variance = np.maximum(v - m**2, 0) if self.centered else v
            u[...] = self.momentum * u + self.learning_rate * g / np.sqrt(variance + self.epsilon)
            w -= u


class Adam:
    """m += (1 - beta1)(g - m), v += (1 - beta2)(g^2 - v), w -= alpha_t m / (sqrt(v) + epsilon).

    alpha_t = lr sqrt(1 - beta2^t) / (1 - beta1^t): Kingma and Ba, 2015, before section 2.1.
    """

    def __init__(
        self,
        parameters: Sequence[Array],
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
    ) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.iterations = 0
        self.mean = zeros(parameters)
        self.velocity = zeros(parameters)

    def alpha(self, t: int) -> float:
        """Step size of step t, bias corrections included."""
        return self.learning_rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)

    def step(self, gradients: Sequence[Array]) -> None:
        """One update of every parameter."""
        self.iterations += 1
        alpha = self.alpha(self.iterations)
        for w, m, v, g in zip(self.parameters, self.mean, self.velocity, gradients, strict=True):
            m += (1 - self.beta_1) * (g - m)
            v += (1 - self.beta_2) * (g**2 - v)
            w -= alpha * m / (np.sqrt(v) + self.epsilon)


OPTIMIZERS = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam}
