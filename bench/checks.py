"""Results come before times: every contender is compared with the oracle of the tests.

The oracle trains in float64, by code that shares nothing with shallowcore, the NumPy scripts or the
rivals, from the same weights and in the same order.
"""

import numpy as np
from oracle.network import Dense, Layer, Loss, Network
from oracle.optimizers import OPTIMIZERS
from oracle.train import train
from shallowcore.bench.agreement import (
    LOSS_TOLERANCE,
    curve_differs,
    differences,
    loss_differs,
    tolerance,
)
from shallowcore.bench.training import Outcome
from shallowcore.bench.workload import SEED, Data, Floats, Workload

from bench.contenders import LIBRARIES, Contender, checked


def expected(workload: Workload, data: Data) -> tuple[list[float], list[Floats]]:
    """Losses by epoch and weights after the short training, by the oracle in float64."""
    few = data.first(workload.check.n_samples)
    weights = [w.astype(np.float64) for w in workload.initial_weights()]
    pairs = zip(weights[0::2], weights[1::2], workload.activations, strict=True)
    stack: list[Layer] = [Dense(w, b, activation) for w, b, activation in pairs]
    network = Network(stack)
    history = train(
        network,
        OPTIMIZERS[workload.optimizer](network.parameters(), **workload.settings),
        Loss(workload.loss),
        few.x,
        few.y,
        epochs=workload.check.epochs,
        batch_size=workload.batch_size,
        shuffle=workload.shuffle,
        seed=SEED,
    )
    return history["loss"], network.parameters()


class Oracle:
    """What comes out of a workload's short training."""

    def __init__(self, workload: Workload, data: Data) -> None:
        self._workload, self._data = workload, data
        self._expected: dict[str, tuple[list[float], list[Floats]]] = {}  # by optimizer

    def failures(self, contender: Contender, outcome: Outcome) -> list[str]:
        """What is off in a contender's short training, in words."""
        workload = checked(contender, self._workload)
        if workload.optimizer not in self._expected:
            self._expected[workload.optimizer] = expected(workload, self._data)
        losses, weights = self._expected[workload.optimizer]
        rtol = tolerance(workload, self._data)
        found = differences(outcome.losses, outcome.weights, losses, weights, rtol)
        return [f"{workload.name}: {contender.label}: {difference}" for difference in found]


def final_failure(
    contender: Contender, workload: Workload, steps: int, losses: list[float], right: list[float]
) -> list[str]:
    """What is off in the losses of a timed training, against NumPy's, in words.

    Trainings in the same order learn the same for 2000 steps, and much the same afterwards:
    agreement.py has the figures.  Shuffles of one's own, or another formula for the optimizer,
    leave the last loss to compare.  steps: of an epoch.
    """
    other = LIBRARIES[contender.library].other_optimizers
    if workload.optimizer in other:
        found = loss_differs(losses, right, other[workload.optimizer][0])
    elif workload.shuffle:
        found = loss_differs(losses, right, LOSS_TOLERANCE)
    else:
        found = curve_differs(losses, right, steps)
    return [f"{workload.name}: {contender.label}: {found}"] if found else []
