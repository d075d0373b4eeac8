"""Whether two trainings agree: results come before times.

Over a short training losses and weights have to agree to float32's rounding.  Longer float32 runs
drift apart whatever the code, so the timed ones have to agree in the loss of an epoch only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shallowcore.bench.workload import Data, Floats, Workload

# Each step adds its own rounding: 8 epsilon a step leave room for two implementations that round.
GROWTH = 8
# How far the losses of an epoch of two long trainings may lie apart: RMSprop's first steps are so
# large that another shuffle alone makes 6 % on synthetic digits.
LOSS_TOLERANCE = 0.1


def tolerance(workload: Workload, data: Data) -> float:
    """Relative tolerance of losses and weights after the short training: 8 epsilon (steps + 8)."""
    n_samples = len(data.first(workload.check.n_samples).x)
    steps = workload.steps(n_samples) * workload.check.epochs
    return GROWTH * float(np.finfo(np.float32).eps) * (steps + 8)


def differences(
    losses: Sequence[float],
    weights: Sequence[Floats],
    right_losses: Sequence[float],
    right_weights: Sequence[Floats],
    rtol: float,
) -> list[str]:
    """What is off in a short training, in words; nothing where all is well.

    The error of an array is its largest one, relative to the largest entry of the right array.
    """
    pairs = [("losses", np.asarray(losses), np.asarray(right_losses))]
    for i, (actual, right) in enumerate(zip(weights, right_weights, strict=True)):
        pairs.append((f"{'b' if i % 2 else 'w'}{i // 2 + 1}", actual, right))
    found = []
    for name, actual, right in pairs:
        if actual.shape != right.shape:
            found.append(f"{name}: shape {actual.shape}, expected {right.shape}")
            continue
        error = float(np.abs(actual - right).max() / np.abs(right).max())
        if not error <= rtol:  # NaN is off, too
            found.append(f"{name}: relative error {error:.2g}, allowed {rtol:.2g}")
    return found


def loss_differs(losses: Sequence[float], right: Sequence[float], rtol: float) -> str:
    """Whether the last epoch that both trainings have has another loss, in words; empty if not."""
    last = min(len(losses), len(right)) - 1
    if abs(losses[last] - right[last]) <= rtol * abs(right[last]):
        return ""
    return f"loss of epoch {last + 1} {losses[last]:.6g}, expected {right[last]:.6g}"
