"""First-order optimizers, as Keras 3 defines them, Rprop as PyTorch does.

An optimizer is made for a list of parameters and updates them in place by `step(gradients)`.
State has the parameters' dtype and starts at zero; t counts steps from 1.  Step sizes that depend
on t alone are worked out in float64 and rounded once.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

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
    AMSGrad: the largest v so far in the denominator; Reddi, Kale, Kumar, 2018.
    """

    def __init__(
        self,
        parameters: Sequence[Array],
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
    ) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self.iterations = 0
        self.mean = zeros(parameters)
        self.velocity = zeros(parameters)
        self.largest = zeros(parameters)

    def alpha(self, t: int) -> float:
        """Step size of step t, bias corrections included."""
        return self.learning_rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)

    def step(self, gradients: Sequence[Array]) -> None:
        """One update of every parameter."""
        self.iterations += 1
        alpha = self.alpha(self.iterations)
        state = zip(self.parameters, self.mean, self.velocity, self.largest, gradients, strict=True)
        for w, m, v, top, g in state:
            m += (1 - self.beta_1) * (g - m)
            v += (1 - self.beta_2) * (g**2 - v)
            top[...] = np.maximum(top, v)
            w -= alpha * m / (np.sqrt(top if self.amsgrad else v) + self.epsilon)


class AdamW(Adam):
    """Adam; `Shared` does the decay, by 0.004 unless told otherwise."""


class Adagrad:
    """v += g^2 from v = initial_accumulator_value, w -= lr g / sqrt(v + epsilon)."""

    def __init__(
        self,
        parameters: Sequence[Array],
        learning_rate: float = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
    ) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.epsilon = epsilon
        self.sums = [np.full_like(p, initial_accumulator_value) for p in parameters]

    def step(self, gradients: Sequence[Array]) -> None:
        """One update of every parameter."""
        for w, v, g in zip(self.parameters, self.sums, gradients, strict=True):
            v += g**2
            w -= self.learning_rate * g / np.sqrt(v + self.epsilon)


class Nadam:
    """Adam with Nesterov's momentum: Dozat, 2016, with his schedule of the momentum.

    u_t = beta1 (1 - 0.96^t / 2), U_t = u_1 ... u_t, m and v as in Adam,
    w -= lr (u_t+1 m / (1 - U_t+1) + (1 - u_t) g / (1 - U_t)) / (sqrt(v / (1 - beta2^t)) + epsilon).
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
        self.product = 1.0
        self.mean = zeros(parameters)
        self.velocity = zeros(parameters)

    def momentum(self, t: int) -> float:
        """u_t."""
        return self.beta_1 * (1 - 0.5 * 0.96**t)

    def step(self, gradients: Sequence[Array]) -> None:
        """One update of every parameter."""
        self.iterations += 1
        t, lr = self.iterations, self.learning_rate
        now, following = self.momentum(t), self.momentum(t + 1)
        self.product *= now
        of_mean = lr * following / (1 - self.product * following)
        of_gradient = lr * (1 - now) / (1 - self.product)
        correction = 1 / math.sqrt(1 - self.beta_2**t)
        for w, m, v, g in zip(self.parameters, self.mean, self.velocity, gradients, strict=True):
            m += (1 - self.beta_1) * (g - m)
            v += (1 - self.beta_2) * (g**2 - v)
            w -= (of_mean * m + of_gradient * g) / (correction * np.sqrt(v) + self.epsilon)


class Rprop:
    """w -= d sign(g), each weight with its own d; iRprop- of Igel and Huesken, 2000.

    d grows by eta_plus where the sign of g is that of the last step, shrinks by eta_minus where it
    has changed; there g counts as 0, now and in the next comparison.
    """

    def __init__(
        self,
        parameters: Sequence[Array],
        learning_rate: float = 0.01,
        eta_minus: float = 0.5,
        eta_plus: float = 1.2,
        step_min: float = 1e-6,
        step_max: float = 50.0,
    ) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.etas = (eta_minus, eta_plus)
        self.range = (step_min, step_max)
        self.sizes: list[Array] = []
        self.last = zeros(parameters)

    def step(self, gradients: Sequence[Array]) -> None:
        """One update of every parameter."""
        if not self.sizes:
            self.sizes = [np.full_like(p, self.learning_rate) for p in self.parameters]
        for w, d, last, g in zip(self.parameters, self.sizes, self.last, gradients, strict=True):
            sign = np.sign(g)
            turn = sign * last
            d *= np.where(turn > 0, self.etas[1], np.where(turn < 0, self.etas[0], 1))
            d[...] = np.clip(d, *self.range)
            last[...] = np.where(turn < 0, 0, sign)
            w -= d * last


OPTIMIZERS: dict[str, type] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "adagrad": Adagrad,
    "nadam": Nadam,
    "rprop": Rprop,
}
WEIGHT_DECAY = {"adamw": 0.004}


# --- what all of them share -----------------------------------------------------------------------
def norm(arrays: Sequence[Array]) -> float:
    """Euclidean norm of all elements together."""
    return math.sqrt(sum(float(np.sum(a.astype(np.float64) ** 2)) for a in arrays))


def clip_by_norm(gradients: Sequence[Array], most: float) -> list[Array]:
    """All times most / max(norm, most), the norm that of all together."""
    factor = most / max(norm(gradients), most)
    return [g * factor for g in gradients]


def clipped(
    gradients: Sequence[Array],
    clipnorm: float | None,
    clipvalue: float | None,
    global_clipnorm: float | None,
) -> list[Array]:
    """clipnorm: each array by its norm; clipvalue: each element; global_clipnorm: all together."""
    if clipnorm:
        return [clip_by_norm([g], clipnorm)[0] for g in gradients]
    if global_clipnorm:
        return clip_by_norm(gradients, global_clipnorm)
    if clipvalue:
        return [np.clip(g, -clipvalue, clipvalue) for g in gradients]
    return list(gradients)


class Shared:
    """An optimizer with clipping, decoupled weight decay and a schedule.

    Before each step: lr = schedule(step number, 0 first), g clipped, w -= lr weight_decay w.
    """

    def __init__(
        self,
        optimizer: Any,
        schedule: Callable[[int], float] | None = None,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.clips = (clipnorm, clipvalue, global_clipnorm)
        self.iterations = 0

    def step(self, gradients: Sequence[Array]) -> None:
        """One update of every parameter."""
        if self.schedule is not None:
            self.optimizer.learning_rate = self.schedule(self.iterations)
        self.iterations += 1
        for w in self.optimizer.parameters:
            w -= w * ((self.weight_decay or 0.0) * self.optimizer.learning_rate)
        self.optimizer.step(clipped(gradients, *self.clips))


SHARED = ("schedule", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm")


def optimizer(name: str, parameters: Sequence[Array], **settings: Any) -> Shared:
    """Optimizer by name with its settings and those that all share."""
    own = {key: value for key, value in settings.items() if key not in SHARED}
    shared: dict[str, Any] = {"weight_decay": WEIGHT_DECAY.get(name)}
    shared |= {key: value for key, value in settings.items() if key in SHARED}
    return Shared(OPTIMIZERS[name](parameters, **own), **shared)
