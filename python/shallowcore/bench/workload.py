"""What a workload is: one training, described once, that every contender runs.

All contenders start from `initial_weights` and visit samples in the same order while results are
checked; while they are timed each shuffles by its own generator, as its users would.
Weights are listed as [w1, b1, w2, b2, ...], w (n_in, n_out), b (n_out,).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shallowcore import _core, layers, models, optimizers

Floats: TypeAlias = NDArray[np.floating[Any]]
# The order in which an epoch visits its samples; None where they are taken as they lie.
Order: TypeAlias = NDArray[np.int64] | None
# (x, y, weights, orders, batch_size, settings) -> loss of each epoch; trains the weights in place.
NumpyTraining: TypeAlias = Callable[
    [Floats, NDArray[Any], list[Floats], Iterable[Order], int, Mapping[str, float]], list[float]
]

SEED = 0
OPTIMIZERS: dict[str, Callable[..., optimizers.Optimizer]] = {
    "sgd": optimizers.SGD,
    "rmsprop": optimizers.RMSprop,
    "adam": optimizers.Adam,
}


@dataclass(frozen=True)
class Data:
    """Samples of a workload.

    Parameters
    ----------
    x : ndarray of float32, shape (n_samples, n_features)
        Features.
    y : ndarray
        (n_samples, 1) float32, or (n_samples,) int32 labels.
    source : str
        Where they are from.
    raw : ndarray of uint8, shape (n_samples, n_features), optional
        255 x, where the samples are images.
    """

    x: Floats
    y: NDArray[Any]
    source: str
    raw: NDArray[np.uint8] | None = None

    def first(self, n_samples: int | None) -> Data:
        """Return the first samples, or all of them."""
        raw = None if self.raw is None else self.raw[:n_samples]
        return Data(self.x[:n_samples], self.y[:n_samples], self.source, raw)


@dataclass(frozen=True)
class Length:
    """How long a training is: epochs, over the first samples or all of them (None)."""

    epochs: int
    n_samples: int | None = None


@dataclass(frozen=True)
class Workload:
    """Network, data, settings and NumPy script of one training.

    Parameters
    ----------
    name, sizes, activations, loss, optimizer, settings, batch_size, shuffle
        The training, in shallowcore's words; settings are the optimizer's.
    load : callable
        Loads or makes the data.
    train_numpy : callable
        The same training in NumPy.
    full, quick, check : Length
        What is timed, what is timed in a hurry, what is compared: losses and weights.
    bound : str
        "compute", or "memory" where x is too large for the caches near the processor.
    dtype : str
        Of the parameters and of floating-point data.
    """

    name: str
    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str
    optimizer: str
    settings: Mapping[str, float]
    batch_size: int
    load: Callable[[], Data]
    train_numpy: NumpyTraining
    full: Length
    quick: Length
    check: Length
    shuffle: bool = False
    bound: str = "compute"
    dtype: str = "float32"

    def model(self, scale: float | None = None) -> models.Sequential:
        """Return the shallowcore model, compiled, with the initial weights; scale: of the input."""
        stack: list[layers.Layer] = [layers.Input((self.sizes[0],))]
        if scale is not None:
            stack.append(layers.Rescaling(scale))
        for units, name in zip(self.sizes[1:], self.activations, strict=True):
            stack.append(layers.Dense(units, activation=name))
        model = models.Sequential(stack, dtype=self.dtype, seed=SEED)
        model.set_weights(self.initial_weights())
        model.compile(OPTIMIZERS[self.optimizer](**self.settings), self.loss)
        return model

    def initial_weights(self) -> list[Floats]:
        """Return normal weights of standard deviation 1 / sqrt(n_in), and small biases."""
        rng = np.random.default_rng(SEED)
        weights: list[Floats] = []
        for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False):
            weights.append((rng.normal(size=(n_in, n_out)) / np.sqrt(n_in)).astype(self.dtype))
            weights.append((0.1 * rng.normal(size=n_out)).astype(self.dtype))
        return weights

    def steps(self, n_samples: int) -> int:
        """Optimizer steps in an epoch."""
        return -(-n_samples // self.batch_size)

    def flops(self, n_samples: int) -> float:
        """Operations in the dense products of an epoch: the rest is not counted.

        2 n_in n_out a sample for z, as many for dw, and for dx in every layer but the first.
        """
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        weights = [float(n_in * n_out) for n_in, n_out in pairs]
        return n_samples * (4.0 * sum(weights) + 2.0 * sum(weights[1:]))


@dataclass(frozen=True)
class Orders:
    """Orders of the epochs of a training: shallowcore's own ones (replayed), or NumPy's shuffles.

    All are None where the workload does not shuffle.
    """

    shuffle: bool
    n_samples: int
    epochs: int
    replayed: bool

    def __iter__(self) -> Iterator[Order]:
        rng = np.random.default_rng(SEED)
        for epoch in range(self.epochs):
            if not self.shuffle:
                yield None
            elif self.replayed:
                yield _core.permutation(self.n_samples, SEED, epoch)
            else:
                yield rng.permutation(self.n_samples)
