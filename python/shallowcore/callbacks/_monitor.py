"""Callbacks that watch one figure: early stopping, and the learning rate on plateaus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shallowcore import _core
from shallowcore._checks import check_bool, check_float, check_int
from shallowcore.callbacks._base import Callback, Logs

if TYPE_CHECKING:
    from shallowcore.models import Sequential

_MODES = ("auto", "min", "max")


def check_verbose(value: Any) -> int:
    """Return `verbose` of a callback, 0 or 1."""
    return int(value) if isinstance(value, bool) else check_int(value, "verbose", 0, 2)


class Monitor(Callback):
    """A callback that asks whether one figure got better; the base of the others."""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        super().__init__()
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of a figure, got {monitor!r}")
        if mode not in _MODES:
            raise ValueError(f"mode must be 'auto', 'min' or 'max', got {mode!r}")
        self.monitor = monitor
        self.mode = mode
        self.min_delta: float = abs(check_float(min_delta, "min_delta"))
        self.best: float | None = None
        self._up = mode == "max"

    def needed_figures(self) -> list[str]:
        """The figure to watch."""
        return [self.monitor]

    def set_model(self, model: Sequential) -> None:
        """Note the model, which says in "auto" mode which direction is better."""
        super().set_model(model)
        self._up = self.mode == "max" or (self.mode == "auto" and model.is_score(self.monitor))

    def improves(self, figure: float, reference: float | None) -> bool:
        """Whether a figure beats another by more than min_delta; it always beats None."""
        if reference is None:
            return True
        if self._up:
            return figure - self.min_delta > reference
        return figure + self.min_delta < reference


class EarlyStopping(Monitor):
    """Stops training when a figure has not got better for some epochs.

    As in Keras.  Where it is the only callback for epochs, the core follows the rule itself, and
    training does not come back to Python after each epoch; the results are the same.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Name of the figure in the history.
    min_delta : float, default 0
        Changes up to this size are none.
    patience : int, default 0
        Epochs without a better figure after which training stops.
    verbose : int, default 0
        1 prints when it stops, and which epoch's weights come back.
    mode : {"auto", "min", "max"}
        Which direction is better; "auto" takes accuracies up and everything else down.
    baseline : float, optional
        Figures that do not beat it count as no progress.
    restore_best_weights : bool, default False
        Return to the weights of the best epoch at the end, however the training ended.
    start_from_epoch : int, default 0
        Epochs before this one are not looked at.

    Attributes
    ----------
    stopped_epoch : int
        Epoch after which it stopped, 0 if it did not.
    best, best_epoch : float or None, int
        The best figure, and its epoch.
    best_weights : list of ndarray or None
        The weights of that epoch, with `restore_best_weights`.
    wait : int
        Epochs since then.

    Raises
    ------
    TypeError, ValueError
        For bad arguments; in `fit` for a figure that the epochs do not have.

    Examples
    --------
    >>> import numpy as np
    >>> from shallowcore import callbacks, layers, models
    >>> x = np.arange(8.0)[:, np.newaxis] / 8
    >>> model = models.Sequential([layers.Input((1,)), layers.Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> stop = callbacks.EarlyStopping("loss", min_delta=0.01, patience=2)
    >>> history = model.fit(x, x, epochs=1000, verbose=0, callbacks=[stop])
    >>> history.stop_reason, stop.stopped_epoch == len(history.epoch) - 1
    ('early stopping', True)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience: int = check_int(patience, "patience", 0)
        self.verbose: int = check_verbose(verbose)
        self.baseline: float | None = baseline
        if baseline is not None:
            self.baseline = check_float(baseline, "baseline")
        self.restore_best_weights: bool = check_bool(restore_best_weights, "restore_best_weights")
        self.start_from_epoch: int = check_int(start_from_epoch, "start_from_epoch", 0)
        self.wait: int = 0
        self.stopped_epoch: int = 0
        self.best_epoch: int = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget what an earlier training has shown."""
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the figure; stop the training if it has been no better for too long."""
        figure = (logs or {})[self.monitor]
        if epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.improves(figure, self.best):
            self.best, self.best_epoch = figure, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.improves(figure, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Return to the best weights if asked to."""
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)

    def rule(self, core_name: str) -> _core.StopRule:
        """Say the same to the core, which knows the figure by `core_name`."""
        return _core.StopRule(
            core_name,
            maximize=self._up,
            min_delta=self.min_delta,
            patience=self.patience,
            baseline=self.baseline,
            restore_best=self.restore_best_weights,
            start_from_epoch=self.start_from_epoch,
        )

    def take_state(self, state: Mapping[str, Any]) -> None:
        """Be as if `on_epoch_end` had seen what the core saw."""
        for name, value in state.items():
            setattr(self, name, value)


class ReduceLROnPlateau(Monitor):
    """Lowers the learning rate when a figure has not got better for some epochs.

    As in Keras: the rate is multiplied by `factor`, down to `min_lr`.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Name of the figure in the history.
    factor : float, default 0.1
        0 <= factor < 1.
    patience : int, default 10
        Epochs without a better figure after which the rate is lowered.
    verbose : int, default 0
        1 prints every change.
    mode : {"auto", "min", "max"}
        Which direction is better; "auto" takes accuracies up and everything else down.
    min_delta : float, default 1e-4
        Changes up to this size are none.
    cooldown : int, default 0
        Epochs after a change during which none is counted.
    min_lr : float, default 0.0
        The least rate.

    Raises
    ------
    TypeError, ValueError
        For bad arguments; in `fit` for a figure that the epochs do not have, and for optimizers
        without a learning rate that can be set.

    Examples
    --------
    >>> import numpy as np
    >>> from shallowcore import callbacks, layers, models
    >>> x = np.arange(8.0)[:, np.newaxis] / 8
    >>> model = models.Sequential([layers.Input((1,)), layers.Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> lower = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1.0)
    >>> history = model.fit(x, x, epochs=3, verbose=0, callbacks=[lower])
    >>> history.history["lr"]
    [0.01, 0.01, 0.005]
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor: float = check_float(factor, "factor", 0.0)
        if self.factor >= 1.0:
            raise ValueError(f"factor must be below 1, got {factor!r}")
        self.patience: int = check_int(patience, "patience", 0)
        self.verbose: int = check_verbose(verbose)
        self.cooldown: int = check_int(cooldown, "cooldown", 0)
        self.min_lr: float = check_float(min_lr, "min_lr", 0.0)
        self.wait: int = 0
        self.cooldown_counter: int = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget what an earlier training has shown."""
        learning_rate(self)
        self.best = None
        self.wait = self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the figure; lower the rate if it has been no better for too long."""
        figure = (logs or {})[self.monitor]
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(figure, self.best):
            self.best = figure
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def in_cooldown(self) -> bool:
        """Whether the rate was lowered less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def _reduce(self, epoch: int) -> None:
        """Lower the rate, unless it is as low as may be."""
        rate = learning_rate(self)
        if rate <= self.min_lr:
            return
        lower = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = lower
        self.cooldown_counter, self.wait = self.cooldown, 0
        if self.verbose:
            print(f"Epoch {epoch + 1}: ReduceLROnPlateau lowers the learning rate to {lower:g}")


def learning_rate(callback: Callback) -> float:
    """Return the learning rate of the model in training; ValueError if there is none to set."""
    optimizer = callback.model.optimizer
    rate = getattr(optimizer, "learning_rate", None)
    if not isinstance(rate, float):
        raise ValueError(
            f"{type(callback).__name__} needs an optimizer whose learning_rate is a number, "
            f"got {optimizer!r}"
        )
    return rate
