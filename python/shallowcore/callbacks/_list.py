"""The callbacks of one training: checked, and told what happens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from shallowcore import _core
from shallowcore._checks import did_you_mean
from shallowcore.callbacks._base import BATCH_HOOKS, EPOCH_HOOKS, HOOKS, Callback, Logs
from shallowcore.callbacks._monitor import EarlyStopping

if TYPE_CHECKING:
    from shallowcore.models import Sequential


class CallbackList:
    """The user's callbacks of one training."""

    def __init__(self, callbacks: Any, model: Sequential, params: dict[str, Any]) -> None:
        self._callbacks = _checked(callbacks)
        self._model = model
        self.params = params
        self._native: list[EarlyStopping] = []

    @property
    def need_epochs(self) -> bool:
        """Whether a callback has a hook for epochs that the core does not do itself."""
        return self.need_batches or any(
            _overrides(one, hook)
            for one in self._callbacks
            if one not in self._native
            for hook in EPOCH_HOOKS
        )

    @property
    def need_batches(self) -> bool:
        """Whether a callback has a hook for batches."""
        return any(_overrides(one, hook) for one in self._callbacks for hook in BATCH_HOOKS)

    def check_figures(self, names: Sequence[str]) -> None:
        """Raise ValueError where a callback waits for a figure that no epoch will have.

        Callbacks of the user's own may write further figures into the logs: then only the first
        epoch shows.
        """
        if any(not type(one).__module__.startswith("shallowcore.") for one in self._callbacks):
            return
        for one in self._callbacks:
            for name in one.needed_figures():
                check_figure(one, name, names)

    def rules(self, core_names: dict[str, str]) -> list[_core.StopRule]:
        """Hand early stopping to the core where all that asks for epochs is early stopping.

        `core_names` are the names of figures that the core has; returns its rules, which are
        none where Python has to look at every epoch.
        """
        stoppers = [one for one in self._callbacks if type(one) is EarlyStopping]
        native = all(
            one.monitor in core_names and not any(hook in vars(one) for hook in HOOKS)
            for one in stoppers
        )
        self._native = stoppers if native else []
        if self.need_epochs:
            self._native = []
        return [one.rule(core_names[one.monitor]) for one in self._native]

    def take_states(self, trainer: Any) -> None:
        """Let the callbacks that the core stood in for know what its trainer saw."""
        for i, one in enumerate(self._native):
            one.take_state(trainer.watch_state(i))

    def begin(self) -> None:
        """Tell every callback of its model, then that the training begins."""
        for one in self._callbacks:
            one.set_params(self.params)
            one.set_model(self._model)
        for one in self._callbacks:
            one.on_train_begin({})

    def end(self, logs: Logs) -> None:
        """Tell every callback that the training is over."""
        for one in self._callbacks:
            one.on_train_end(logs)

    def epoch_begin(self, epoch: int) -> None:
        """Tell every callback that an epoch begins."""
        for one in self._callbacks:
            one.on_epoch_begin(epoch, {})

    def epoch_end(self, epoch: int, logs: Logs) -> None:
        """Tell every callback that an epoch is over."""
        for one in self._callbacks:
            for name in one.needed_figures():
                check_figure(one, name, list(logs))
            one.on_epoch_end(epoch, logs)

    def batch_begin(self, batch: int) -> None:
        """Tell every callback that a batch begins."""
        for one in self._callbacks:
            one.on_train_batch_begin(batch, {})

    def batch_end(self, batch: int, logs: Logs) -> None:
        """Tell every callback that a batch is over."""
        for one in self._callbacks:
            one.on_train_batch_end(batch, logs)

    def diverged(self, batch: int) -> None:
        """Tell every callback that training met NaN or infinity."""
        for one in self._callbacks:
            one.on_divergence(batch)

    @property
    def stopped_early(self) -> bool:
        """Whether a callback for early stopping ended the training."""
        stoppers = [one for one in self._callbacks if isinstance(one, EarlyStopping)]
        return any(one.stopped_epoch > 0 for one in stoppers)


def check_figure(callback: Callback, name: str, names: Sequence[str]) -> None:
    """Raise ValueError unless a figure that a callback waits for is among those of the epochs."""
    if name not in names:
        hint = ""
        if name.startswith("val_") and not any(other.startswith("val_") for other in names):
            hint = "; there is none of validation: give validation_data or validation_split"
        raise ValueError(
            f"{type(callback).__name__} needs the figure {name!r}, which the epochs do not have"
            f"{did_you_mean(name, names)}{hint}. Available: {', '.join(names)}"
        )


def _overrides(callback: Callback, hook: str) -> bool:
    """Whether a callback has its own hook, by class or by object."""
    return hook in vars(callback) or getattr(type(callback), hook) is not getattr(Callback, hook)


def _checked(callbacks: Any) -> list[Callback]:
    """Callbacks as a list; TypeError for anything else, or for hooks that would never be called."""
    if callbacks is None:
        return []
    if isinstance(callbacks, Callback):
        callbacks = [callbacks]
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks must be a list of Callback objects, got {callbacks!r}")
    found = list(callbacks)
    known = (*HOOKS, "on_divergence")
    for one in found:
        if not isinstance(one, Callback):
            hint = "; give an object, not its class" if isinstance(one, type) else ""
            raise TypeError(f"callbacks must hold Callback objects, got {one!r}{hint}")
        for name in dir(one):
            hook = name.startswith("on_") and callable(getattr(one, name))
            if hook and name not in known:
                raise TypeError(
                    f"{type(one).__name__} has a hook {name!r} that is never called"
                    f"{did_you_mean(name, HOOKS) or '.'} The hooks are: {', '.join(HOOKS)}"
                )
    return found
