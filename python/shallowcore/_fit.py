"""The loop of `fit`: lets the core train, comes back by the clock, and tells whoever listens.

Without hooks for epochs the core runs all of them, and returns every 50 ms for the progress display
and for Ctrl-C; with hooks it also returns after each epoch.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shallowcore import _core, _progress
from shallowcore._checks import check_bool, check_int
from shallowcore._compiled import Compiled
from shallowcore.callbacks import CallbackList, History

if TYPE_CHECKING:
    from shallowcore.models import Sequential

# Seconds that the core may keep the interpreter away: short enough for Ctrl-C and a moving bar.
SLICE = 0.05

DEFAULT_BATCH_SIZE = 32

# Reasons for stopping that are worth a warning, in words.
_NO_BETTER_POINT = {
    "line search failed": "the line search found no better point",
    "mu at its limit": "no step lowered the loss, however large mu became",
}


@dataclass(frozen=True)
class Settings:
    """Checked plain arguments of `fit`."""

    batch_size: int
    epochs: int
    initial_epoch: int
    shuffle: bool
    verbose: int

    @property
    def n_epochs(self) -> int:
        """Epochs to train in this call."""
        return max(0, self.epochs - self.initial_epoch)


def check_batch_size(batch_size: Any) -> int:
    """Return the batch size; None is Keras' 32."""
    if batch_size is None:
        return DEFAULT_BATCH_SIZE
    return check_int(batch_size, "batch_size", 1)


def check_settings(
    batch_size: Any, epochs: Any, initial_epoch: Any, shuffle: Any, verbose: Any
) -> Settings:
    """Check the plain arguments of `fit`."""
    return Settings(
        check_batch_size(batch_size),
        check_int(epochs, "epochs", 0),
        check_int(initial_epoch, "initial_epoch", 0),
        check_bool(shuffle, "shuffle"),
        _progress.resolve_verbose(verbose),
    )


class Training:
    """One call of `fit` under way."""

    def __init__(
        self,
        model: Sequential,
        compiled: Compiled,
        trainer: _core.Trainer,
        sync: Callable[[], Any],
        settings: Settings,
        callbacks: CallbackList,
    ) -> None:
        self._model = model
        self._compiled = compiled
        self._trainer = trainer
        self._sync = sync
        self._settings = settings
        self._callbacks = callbacks
        self._history = History()
        self._display = _progress.Progress()

    def run(self) -> History:
        """Train to the end; exceptions of hooks and KeyboardInterrupt pass through."""
        settings = self._settings
        self._model.stop_training = False
        self._model.history = self._history
        self._history.set_model(self._model)
        self._history.set_params(self._callbacks.params)
        self._callbacks.begin()
        self._display = _progress.make(
            settings.verbose, settings.initial_epoch, settings.epochs, self._trainer.n_batches
        )
        try:
            self._epochs()
        finally:
            self._display.close()
        self._callbacks.end(self._last_logs())
        return self._history

    def _epochs(self) -> None:
        """All epochs, or fewer where training stops by itself or is told to."""
        total = self._settings.n_epochs
        stepwise = self._callbacks.need_epochs
        done = 0
        while done < total and not self._model.stop_training:
            if stepwise:
                self._callbacks.epoch_begin(self._settings.initial_epoch + done)
            self._sync()
            self._run_until(done + 1 if stepwise else total)
            before, done = done, self._trainer.epoch
            if stepwise and done > before:
                epoch = self._settings.initial_epoch + before
                logs = self._last_logs()
                self._callbacks.epoch_end(epoch, logs)
                self._history.add_figures(logs)
            if self._trainer.stop_reason:
                break
        self._tell_reason()

    def _run_until(self, epoch: int) -> None:
        """Let the core train until `epoch` epochs are done, coming back by the clock."""
        finished = False
        while not finished:
            finished = self._trainer.run(epoch, SLICE)
            self._record()
        self._model.note_epochs(self._trainer.epoch_counter)

    def _record(self) -> None:
        """Take over the figures of epochs that ended, and show how far it is."""
        seen, done = len(self._history.epoch), self._trainer.epoch
        first = self._settings.initial_epoch + seen
        if done > seen:
            history = self._trainer.history(seen)
            columns = self._compiled.columns(history)
            if "lr" in history:
                columns["lr"] = history["lr"]
            self._history.extend(first, columns)
            self._display.epochs_done(first, columns)
        if self._settings.verbose == _progress.BAR:
            running = self._compiled.named(self._trainer.running) if self._trainer.batch else {}
            self._display.update(done, self._trainer.batch, running)

    def _last_logs(self) -> dict[str, float]:
        """Figures of the last finished epoch, a new dict."""
        done = len(self._history.epoch)
        figures = self._history.history.items()
        return {name: values[-1] for name, values in figures if values and len(values) == done}

    def _tell_reason(self) -> None:
        """Warn where training did not end as it should."""
        reason = self._trainer.stop_reason
        if reason == "diverged":
            epoch = self._settings.initial_epoch + self._trainer.epoch + 1
            warn_diverged(f"in epoch {epoch} of {self._settings.epochs}", self._compiled)
        elif reason in _NO_BETTER_POINT:
            warnings.warn(
                f"{self._compiled.optimizer.name} stopped after {self._trainer.epoch} epochs: "
                f"{_NO_BETTER_POINT[reason]}; the norm of the gradient is "
                f"{self._trainer.gradient_norm:.3g}",
                RuntimeWarning,
                stacklevel=5,
            )


def warn_diverged(where: str, compiled: Compiled) -> None:
    """Warn that training met NaN or infinity, and what was done about it."""
    rate = compiled.optimizer.parameters.get("learning_rate")
    advice = "scale the inputs"
    if rate is not None:
        advice = f"lower the learning rate (now {rate:g}) or {advice}"
    warnings.warn(
        f"training diverged {where}: the loss or a weight became NaN or infinite. The weights are "
        f"those of the last finite epoch, the optimizer's state is cleared; {advice}",
        RuntimeWarning,
        stacklevel=6,
    )
