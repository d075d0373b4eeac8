"""Results come before times: every contender is compared with the oracle of the tests.

The oracle trains in float64, by code that shares nothing with shallowcore or the NumPy scripts,
from the same weights and in the same order; losses and weights of all float32 contenders have to
agree with it.  Longer float32 runs drift apart whatever the code, so the timed ones have to agree
in the loss of their last epoch only.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from oracle import tolerances
from oracle.network import Dense, Layer, Loss, Network
from oracle.optimizers import OPTIMIZERS
from oracle.train import epoch_order, train

from bench.workload import SEED, Data, Floats, Order, Workload


def replayed_orders(workload: Workload, n_samples: int, epochs: int) -> Iterator[Order]:
    """The orders in which shallowcore visits samples, as the oracle replays them."""
    for epoch in range(epochs):
        yield epoch_order(n_samples, True, SEED, epoch) if workload.shuffle else None


def expected(workload: Workload, data: Data) -> tuple[list[float], list[Floats]]:
    """Losses by epoch and weights after the short training, by the oracle in float64."""
    checked = data.first(workload.check_samples)
    weights = [w.astype(np.float64) for w in workload.initial_weights()]
    pairs = zip(weights[0::2], weights[1::2], workload.activations, strict=True)
    stack: list[Layer] = [Dense(w, b, activation) for w, b, activation in pairs]
    network = Network(stack)
    history = train(
        network,
        OPTIMIZERS[workload.optimizer](network.parameters(), **workload.settings),
        Loss(workload.loss),
        checked.x,
        checked.y,
        epochs=workload.check_epochs,
        batch_size=workload.batch_size,
        shuffle=workload.shuffle,
        seed=SEED,
    )
    return history["loss"], network.parameters()


def tolerance(workload: Workload, data: Data) -> float:
    """Relative tolerance of float32 losses and weights after the short training."""
    n_samples = len(data.first(workload.check_samples).x)
    return tolerances.trajectory(np.float32, workload.steps(n_samples, workload.check_epochs))


def differences(
    losses: Sequence[float],
    weights: Sequence[Floats],
    right_losses: Sequence[float],
    right_weights: Sequence[Floats],
    rtol: float,
) -> list[str]:
    """What is off in a short training, in words; nothing where all is well."""
    pairs = [("losses", np.asarray(losses), np.asarray(right_losses))]
    for i, (actual, right) in enumerate(zip(weights, right_weights, strict=True)):
        pairs.append((f"{'b' if i % 2 else 'w'}{i // 2 + 1}", actual, right))
    found = []
    for name, actual, right in pairs:
        error = tolerances.relative_error(actual, right)
        if not error <= rtol:  # NaN is off, too
            found.append(f"{name}: relative error {error:.2g}, allowed {rtol:.2g}")
    return found


def final_loss_differs(loss: float, other: float, rtol: float) -> bool:
    """Whether two last losses are further apart than two float32 runs should be."""
    return not abs(loss - other) <= rtol * abs(other)
