"""What a workload is: one training, described once, that every contender runs.

All contenders start from `initial_weights` and visit samples in the same order while results are
checked; while they are timed each shuffles by its own generator, as its users would.
Weights are listed as [w1, b1, w2, b2, ...], w (n_in, n_out), b (n_out,).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from shallowcore import layers, models, optimizers

Floats: TypeAlias = NDArray[np.floating[Any]]
# The order in which an epoch visits its samples; None where they are taken as they lie.
Order: TypeAlias = NDArray[np.int64] | None
# (x, y, weights, orders, batch_size) -> loss of each epoch; trains the weights in place.
NumpyTraining: TypeAlias = Callable[
    [Floats, NDArray[Any], list[Floats], Iterable[Order], int], list[float]
]

SEED = 0
OPTIMIZERS = {
    "sgd": optimizers.SGD,
    "rmsprop": optimizers.RMSprop,
    "adam": optimizers.Adam,
}


@dataclass(frozen=True)
class Data:
    """x (n_samples, n_features) float32; y (n_samples, 1) float32, or (n_samples,) int32 labels."""

    x: Floats
    y: NDArray[Any]
    source: str

    def first(self, n_samples: int | None) -> "Data":
        """The first samples, or all of them."""
        return Data(self.x[:n_samples], self.y[:n_samples], self.source)


@dataclass(frozen=True)
class Workload:
    """Network, data, settings and NumPy script of one training.

    check_*: the short training whose losses and weights are compared; quick_*: the short timing.
    """

    name: str
    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str
    optimizer: str
    load: Callable[[], Data]
    train_numpy: NumpyTraining
    batch_size: int
    epochs: int
    quick_epochs: int
    check_epochs: int
    shuffle: bool = False
    settings: Mapping[str, float] = field(default_factory=dict)
    quick_samples: int | None = None
    check_samples: int | None = None
    # How far the last epoch's losses of two contenders may lie apart, relative.
    loss_tolerance: float = 0.02

    def model(self) -> models.Sequential:
        """The shallowcore model, compiled, with the initial weights."""
        stack: list[layers.Layer] = [layers.Input((self.sizes[0],))]
        for units, name in zip(self.sizes[1:], self.activations, strict=True):
            stack.append(layers.Dense(units, activation=name))
        model = models.Sequential(stack, seed=SEED)
        model.set_weights(self.initial_weights())
        model.compile(OPTIMIZERS[self.optimizer](**self.settings), self.loss)
        return model

    def initial_weights(self) -> list[Floats]:
        """Normal weights of standard deviation 1 / sqrt(n_in), and small biases."""
        rng = np.random.default_rng(SEED)
        weights: list[Floats] = []
        for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False):
            weights.append((rng.normal(size=(n_in, n_out)) / np.sqrt(n_in)).astype(np.float32))
            weights.append((0.1 * rng.normal(size=n_out)).astype(np.float32))
        return weights

    def steps(self, n_samples: int, epochs: int) -> int:
        """Optimizer steps in a training."""
        return -(-n_samples // self.batch_size) * epochs

    def flops(self, n_samples: int, epochs: int) -> float:
        """Operations in the dense products of a training: the rest is not counted.

        2 n_in n_out a sample for z, as many for dw, and for dx in every layer but the first.
        """
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        weights = [float(n_in * n_out) for n_in, n_out in pairs]
        return n_samples * epochs * (4.0 * sum(weights) + 2.0 * sum(weights[1:]))
