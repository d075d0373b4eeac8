"""Steps of train_on_batch without the looks that most batches do not need.

The core keeps a trainer from step to step and takes arrays that are what it wants already: of the
model's dtype, C-contiguous, of the right width, every number finite and in the range of the loss;
targets may be whole numbers of a common type, too.
"""

from __future__ import annotations

from typing import Any

from shallowcore import _core
from shallowcore._compiled import Compiled
from shallowcore._targets import target_range
from shallowcore.optimizers._base import OptimizerLink


class Steps:
    """Single steps of one network with one optimizer, loss and metrics."""

    def __init__(self, link: OptimizerLink, compiled: Compiled) -> None:
        self._link = link
        self._compiled = compiled
        self._stepper = _core.Stepper(
            link.network,
            link.native,
            compiled.core_loss,
            compiled.core_metrics,
            compiled.loss.integer_labels,
            *target_range(compiled.loss),
        )

    def are_of(self, network: _core.Network, compiled: Compiled) -> bool:
        """Whether they are steps of this network, compiled like this."""
        return self._link.network is network and self._compiled is compiled

    def step(self, x: Any, y: Any) -> list[float] | None:
        """Return loss and metrics before the step, [] if it diverged; None: nothing was done."""
        self._link.sync()
        return self._stepper.step(x, y)
