"""The loop of `fit`: lets the core train, comes back by the clock, and tells whoever listens.

Without hooks for epochs the core runs all of them, and returns every 50 ms for the progress display
and for Ctrl-C; with hooks it also returns after each epoch, or after each batch.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shallowcore import _core, _progress, _report
from shallowcore._checks import check_bool, check_float, check_int
from shallowcore._compiled import Compiled
from shallowcore._fed import FedTrainer
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
    "maximum evaluations": "max_evaluations was reached",
}


@dataclass(frozen=True)
class Settings:
    """Checked plain arguments of `fit`."""

    batch_size: int
    epochs: int
    initial_epoch: int
    shuffle: bool
    shuffle_blocks: bool | None  # None: where x is a memory map
    verbose: int
    max_time: float

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
    batch_size: Any,
    epochs: Any,
    initial_epoch: Any,
    shuffle: Any,
    verbose: Any,
    max_time: Any,
) -> Settings:
    """Check the plain arguments of `fit`."""
    blocks = isinstance(shuffle, str) and shuffle == "blocks"
    if not blocks and isinstance(shuffle, str):
        raise ValueError(f"shuffle must be True or False or 'blocks', got {shuffle!r}")
    return Settings(
        check_batch_size(batch_size),
        check_int(epochs, "epochs", 0),
        check_int(initial_epoch, "initial_epoch", 0),
        blocks or check_bool(shuffle, "shuffle"),
        True if blocks else None,
        _progress.resolve_verbose(verbose),
        math.inf if max_time is None else check_float(max_time, "max_time", 0.0),
    )


class Training:
    """One call of `fit` under way."""

    def __init__(
        self,
        model: Sequential,
        compiled: Compiled,
        trainer: _core.Trainer | FedTrainer,
        sync: Callable[[], Any],
        settings: Settings,
        callbacks: CallbackList,
        validate: Callable[[], dict[str, float]] | None = None,
        data: _report.DataSource | None = None,
    ) -> None:
        self._model = model
        self._compiled = compiled
        self._trainer: Any = trainer
        self._sync = sync
        self._settings = settings
        self._callbacks = callbacks
        self._validate = validate
        self._data = data
        self._history = History()
        self._display = _progress.Progress()
        self._due = math.inf
        self._timed_out = False

    def pause(self) -> None:
        """Hand everything back to the model, wherever training stands."""
        self._trainer.pause()
        self._model.note_epochs(int(self._trainer.epoch_counter))

    def run(self) -> History:
        """Train to the end; exceptions of hooks and KeyboardInterrupt pass through."""
        start = time.perf_counter()
        self._due = start + self._settings.max_time
        self._model.stop_training = False
        self._model.history = self._history
        self._history.set_model(self._model)
        self._history.set_params(self._callbacks.params)
        reason = ""
        try:
            self._train()
            reason = self._reason()
            self._callbacks.end(self._last_logs())
        except BaseException as error:
            reason = type(error).__name__
            raise
        finally:
            outcome = _report.Outcome(
                reason,
                self._settings.epochs,
                self._trainer.gradient_norm,
                self._compiled.optimizer,
                self._data,
            )
            self._history.conclude(outcome, time.perf_counter() - start)
        return self._history

    def _train(self) -> None:
        """Tell that training begins, show it, and do all epochs."""
        settings = self._settings
        self._callbacks.begin()
        core_names = {} if self._validate else self._compiled.core_names(self._has_validation())
        rules = self._callbacks.rules(core_names)
        self._trainer.watch(rules, settings.initial_epoch)
        self._display = _progress.make(
            settings.verbose, settings.initial_epoch, settings.epochs, self._trainer.n_batches
        )
        try:
            self._epochs()
        finally:
            self._display.close()
            self._trainer.leave()
        self._callbacks.take_states(self._trainer)

    def _has_validation(self) -> bool:
        """Whether the core computes figures of validation."""
        return "val_loss" in self._trainer.history()

    def _epochs(self) -> None:
        """All epochs, or fewer where training stops by itself or is told to."""
        total = self._settings.n_epochs
        hooked = self._callbacks.need_epochs
        stepwise = hooked or self._validate is not None
        done = 0
        while done < total and not self._model.stop_training:
            if hooked:
                self._callbacks.epoch_begin(self._settings.initial_epoch + done)
            self._sync()
            self._run_until(done + 1 if stepwise else total)
            before, done = done, self._trainer.epoch
            if hooked and done > before:
                epoch = self._settings.initial_epoch + before
                logs = self._last_logs()
                self._callbacks.epoch_end(epoch, logs)
                self._history.add_figures(logs)
                self._look_at_clock()
            if self._trainer.stop_reason or self._timed_out:
                break
        self._trainer.leave()
        self._tell_reason()

    def _run_until(self, epoch: int) -> None:
        """Let the core train until `epoch` epochs are done, coming back by the clock."""
        finished = False
        while not finished and not self._timed_out:
            if self._callbacks.need_batches:
                finished = self._run_batch(epoch)
            else:
                left = self._due - time.perf_counter()
                finished = self._trainer.run(epoch, max(0.0, min(SLICE, left)))
            self._record()
            self._look_at_clock()
        self._model.note_epochs(self._trainer.epoch_counter)

    def _look_at_clock(self) -> None:
        """Note whether the time is over before all is done."""
        left = self._trainer.epoch < self._settings.n_epochs and not self._trainer.stop_reason
        self._timed_out = left and time.perf_counter() >= self._due

    def _run_batch(self, epoch: int) -> bool:
        """Do one batch for those who asked for it, or end the epoch; whether there is no more."""
        trainer, batch = self._trainer, self._trainer.batch
        fed = isinstance(trainer, FedTrainer)
        if not (trainer.pending() if fed else batch < trainer.n_batches):
            return bool(trainer.run(epoch, math.inf))
        self._callbacks.batch_begin(batch)
        self._sync()
        trainer.run(epoch, math.inf, 1)
        if trainer.stop_reason == "diverged":
            return True
        self._callbacks.batch_end(batch, self._compiled.named(trainer.running))
        if self._model.stop_training:
            trainer.end_epoch()
            return True
        return bool(trainer.stop_reason)

    def _record(self) -> None:
        """Take over the figures of epochs that ended, and show how far it is."""
        seen, done = len(self._history.epoch), self._trainer.epoch
        first = self._settings.initial_epoch + seen
        if done > seen:
            history = self._trainer.history(seen)
            columns = self._compiled.columns(history)
            if self._validate is not None:
                columns |= {name: [value] for name, value in self._validate().items()}
            if "lr" in history:
                columns["lr"] = history["lr"]
            self._history.extend(first, columns)
            self._display.epochs_done(first, columns)
        if self._settings.verbose == _progress.BAR:
            running = self._compiled.named(self._trainer.running) if self._trainer.batch else {}
            self._display.update(done, self._trainer.batch, running)

    def _reason(self) -> str:
        """Why training has ended."""
        reason = str(self._trainer.stop_reason)
        if reason == "early stopping":
            self._model.stop_training = True
        if reason:
            return reason
        if self._timed_out:
            return "max_time"
        if self._model.stop_training:
            return "early stopping" if self._callbacks.stopped_early else "stop_training"
        return "all epochs"

    def _last_logs(self) -> dict[str, float]:
        """Figures of the last finished epoch, a new dict."""
        done = len(self._history.epoch)
        figures = self._history.history.items()
        return {name: values[-1] for name, values in figures if values and len(values) == done}

    def _tell_reason(self) -> None:
        """Warn where training did not end as it should."""
        reason = self._trainer.stop_reason
        if reason == "diverged":
            self._callbacks.diverged(self._trainer.batch)
            epoch = self._settings.initial_epoch + self._trainer.epoch + 1
            warn_diverged(f"in epoch {epoch} of {self._settings.epochs}", self._compiled)
        elif reason in _NO_BETTER_POINT:
            warnings.warn(
                f"{self._compiled.optimizer.name} stopped after {self._trainer.epoch} epochs: "
                f"{_NO_BETTER_POINT[reason]}; the norm of the gradient is "
                f"{self._trainer.gradient_norm:.3g}",
                RuntimeWarning,
                stacklevel=6,
            )
        elif reason == "out of data":
            warnings.warn(
                f"the batches ran out after {self._trainer.epoch} of {self._settings.n_epochs} "
                "epochs: give an iterable that can start again, or steps_per_epoch",
                UserWarning,
                stacklevel=6,
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
        stacklevel=7,
    )
