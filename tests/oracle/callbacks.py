"""Rules of callbacks that watch one figure, on the list of its values: Keras' EarlyStopping and
ReduceLROnPlateau, written as loops over epochs.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Stopped:
    """What early stopping makes of a training."""

    epochs: int = 0  # that are trained
    best: float | None = None
    best_epoch: int = 0
    stopped_epoch: int = 0  # 0: it did not stop
    wait: int = 0


def better(figure: float, reference: float | None, mode: str, min_delta: float) -> bool:
    """figure < reference - min_delta (min), figure > reference + min_delta (max)."""
    if reference is None:
        return True
    if mode == "min":
        return figure + min_delta < reference
    return figure - min_delta > reference


def early_stopping(
    figures: Sequence[float],
    *,
    mode: str = "min",
    min_delta: float = 0.0,
    patience: int = 0,
    baseline: float | None = None,
    start_from_epoch: int = 0,
) -> Stopped:
    """Epochs from 0 on; the wait starts again at a best figure that beats the baseline, too."""
    state = Stopped()
    for epoch, figure in enumerate(figures):
        state.epochs = epoch + 1
        if epoch < start_from_epoch:
            continue
        state.wait += 1
        if better(figure, state.best, mode, min_delta):
            state.best, state.best_epoch = figure, epoch
            if baseline is None or better(figure, baseline, mode, min_delta):
                state.wait = 0
        elif state.wait >= patience and epoch > 0:
            state.stopped_epoch = epoch
            break
    return state


def plateau_rates(
    figures: Sequence[float],
    rate: float,
    *,
    factor: float = 0.1,
    patience: int = 10,
    mode: str = "min",
    min_delta: float = 1e-4,
    cooldown: int = 0,
    min_lr: float = 0.0,
) -> list[float]:
    """Rate after each epoch: times factor once `patience` epochs outside the cooldown were no
    better.
    """
    best, wait, cooling, rates = None, 0, 0, []
    for figure in figures:
        if cooling > 0:
            cooling, wait = cooling - 1, 0
        if better(figure, best, mode, min_delta):
            best, wait = figure, 0
        elif cooling == 0:
            wait += 1
            if wait >= patience and rate > min_lr:
                rate, cooling, wait = max(rate * factor, min_lr), cooldown, 0
        rates.append(rate)
    return rates
