"""Whether two trainings agree: results come before times.

Over a short training losses and weights have to agree to rounding.  Longer float32 runs drift apart
whatever the code, so of the timed ones losses are compared, and how closely depends on how far
NumPy's own runs drift apart if every initial weight moves by one ulp, up or down.  Measured on
`shallow`, the workload that drifts most (twelve runs of 12,000 steps, relative to each other):

    loss of an epoch within the first 2000 steps   1e-5 (shallowcore, JAX, scikit-learn: 7e-6)
    loss of an epoch after 4000, 6000, 12,000      2 %, 13 %, 35 %
    mean loss of all epochs after 2000 steps       3.5 %, whatever the end

Over 2000 steps `planar` and `cat` stay within 4e-6.  What a wrong learning rate does to the first
2000 steps, at most: 0.1 % of it 0.16 %, 10 % of it 7 to 13 %, half of it 124 %, twice it 39 %.  A
training of `shallow` that learns nothing more after 2000 steps has a mean 10 % too high.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shallowcore.bench.workload import Data, Floats, Workload

# Each step adds its own rounding: 8 epsilon a step leave room for two implementations that round.
GROWTH = 8
# How far the losses of an epoch of two trainings may lie apart that shuffle by generators of their
# own: RMSprop's first steps are so large that another shuffle makes 6 % on synthetic digits.
LOSS_TOLERANCE = 0.1
# In the same order: over so many steps each epoch's loss has to agree, a hundred times as closely
# as it does; later the mean loss of the epochs, to twice the drift of NumPy's runs.
SAME_STEPS, SAME_TOLERANCE, LATER_TOLERANCE = 2000, 1e-3, 0.07


def tolerance(workload: Workload, data: Data) -> float:
    """Relative tolerance of losses and weights after the short training: 8 epsilon (steps + 8)."""
    n_samples = len(data.first(workload.check.n_samples).x)
    steps = workload.steps(n_samples) * workload.check.epochs
    return GROWTH * float(np.finfo(workload.dtype).eps) * (steps + 8)


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
    return _differs(f"loss of epoch {last + 1}", losses[last], right[last], rtol)


def curve_differs(losses: Sequence[float], right: Sequence[float], steps: int) -> str:
    """Whether trainings in the same order learn otherwise, in words; empty if not.

    steps: of an epoch; only epochs that both trainings have are compared.
    """
    n_epochs = min(len(losses), len(right))
    n_same = min(n_epochs, max(1, SAME_STEPS // steps))
    for i in range(n_same):
        found = _differs(f"loss of epoch {i + 1}", losses[i], right[i], SAME_TOLERANCE)
        if found:
            return found
    if n_epochs == n_same:
        return ""
    mean, right_mean = (float(np.mean(values[n_same:n_epochs])) for values in (losses, right))
    what = f"mean loss of epochs {n_same + 1} to {n_epochs}"
    return _differs(what, mean, right_mean, LATER_TOLERANCE)


def _differs(what: str, value: float, right: float, rtol: float) -> str:
    if abs(value - right) <= rtol * abs(right):
        return ""
    return f"{what} {value:.6g}, expected {right:.6g}"  # NaN, too
