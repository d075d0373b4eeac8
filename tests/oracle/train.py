"""The training loop: shuffle, batches, one optimizer step a batch, one history entry an epoch.

Loss (penalties included) and metrics of a batch are those before its update; an epoch's figure is
their mean weighted by batch size.  The last batch may be short.  Orders come from `oracle.rng`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from oracle.activations import Array
from oracle.metrics import metric
from oracle.network import Loss, Network
from oracle.rng import permutation

History = dict[str, list[float]]


class Optimizer(Protocol):
    """Anything that updates its parameters in place from their gradients.

    `iterations`: steps done, where the network has dropout.
    """

    def step(self, gradients: Sequence[Array]) -> None:
        """One update."""


def train_on_batch(
    network: Network,
    optimizer: Optimizer,
    loss: Loss,
    x: Any,
    y: Any,
    sample_weight: Array | None = None,
    metrics: Sequence[str] = (),
) -> list[float]:
    """One step; [loss, metric, ...] of the batch before it."""
    outputs, pre_activations = network.forward(x, getattr(optimizer, "iterations", None))
    value, gradient = network.output_loss(outputs, pre_activations, y, loss, sample_weight)
    value += network.penalty()
    fused = network.fuses(loss)
    optimizer.step(network.backward(outputs, pre_activations, gradient, fused))
    return [value] + [metric(name, y, outputs[-1], loss.name) for name in metrics]


def epoch_order(n_samples: int, shuffle: bool, seed: int, epoch: int) -> Any:
    """Order of the samples in one epoch, (n_samples,) indices."""
    return permutation(n_samples, seed, epoch) if shuffle else np.arange(n_samples)


def train_epoch(
    network: Network,
    optimizer: Optimizer,
    loss: Loss,
    x: Any,
    y: Any,
    order: Any,
    batch_size: int,
    sample_weight: Array | None = None,
    metrics: Sequence[str] = (),
) -> list[float]:
    """All batches of one epoch; [loss, metric, ...] weighted by batch size."""
    totals = np.zeros(1 + len(metrics))
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        weight = None if sample_weight is None else sample_weight[rows]
        figures = train_on_batch(network, optimizer, loss, x[rows], y[rows], weight, metrics)
        totals += len(rows) * np.array(figures)
    return [float(total) / len(order) for total in totals]


def train(
    network: Network,
    optimizer: Optimizer,
    loss: Loss,
    x: Any,
    y: Any,
    *,
    epochs: int = 1,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    epoch_counter: int = 0,
    sample_weight: Array | None = None,
    metrics: Sequence[str] = (),
    validation: tuple[Any, ...] | None = None,
) -> History:
    """Train in place; returns {"loss": [...], metric: [...], "val_loss": [...], ...}.

    epoch_counter: epochs this network has started before; validation: (x, y) or (x, y, weight).
    """
    names = ["loss", *metrics]
    history: History = {name: [] for name in names}
    if validation is not None:
        history |= {"val_" + name: [] for name in names}
    for epoch in range(epoch_counter, epoch_counter + epochs):
        order = epoch_order(len(x), shuffle, seed, epoch)
        figures = train_epoch(
            network, optimizer, loss, x, y, order, batch_size, sample_weight, metrics
        )
        for name, figure in zip(names, figures, strict=True):
            history[name].append(figure)
        if validation is not None:
            x_val, y_val, *weight = validation
            val = network.evaluate(x_val, y_val, loss, metrics, weight[0] if weight else None)
            for name, figure in zip(names, val, strict=True):
                history["val_" + name].append(figure)
    return history
