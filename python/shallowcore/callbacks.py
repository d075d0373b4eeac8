"""Callbacks: what a user's code may see and do between the epochs of a training.

A training without callbacks for epochs runs many epochs in one native call; with them it comes back
to Python after each epoch.  Hooks for single batches do not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

from shallowcore._checks import did_you_mean

if TYPE_CHECKING:
    from shallowcore.models import Sequential

__all__ = ["Callback", "History", "LambdaCallback"]

Logs = dict[str, Any]

_HOOKS = ("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end")


class Callback:
    """Base class of callbacks: override the hooks that are wanted.

    Setting `self.model.stop_training = True` stops the training after the epoch.  An exception
    raised in a hook ends the training and reaches the caller of `fit`; the model stays usable.

    Attributes
    ----------
    model : Sequential
        The model in training.
    params : dict
        "epochs", "steps" (batches in an epoch) and "verbose" of the training.

    Examples
    --------
    >>> from shallowcore import callbacks
    >>> class StopAtZero(callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         self.model.stop_training = logs["loss"] == 0.0
    """

    params: dict[str, Any]
    # Weak: a model keeps its history, which must not keep the model.
    _model: ReferenceType[Sequential] | None = None

    def __init__(self) -> None:
        self.params = {}

    @property
    def model(self) -> Sequential:
        """The model in training; RuntimeError before fit and after the model is gone."""
        found = None if self._model is None else self._model()
        if found is None:
            raise RuntimeError("the callback has no model: it gets one when fit begins")
        return found

    def set_model(self, model: Sequential) -> None:
        """Note the model; called by fit before anything else."""
        self._model = ref(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Note the parameters of the training; called by fit before anything else."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch; `logs` are its figures."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before epoch `epoch`, counted from `initial_epoch`."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After epoch `epoch`; `logs` has its loss, metrics, validation figures and "lr"."""


class History(Callback):
    """Figures of every epoch; `fit` returns one.

    Attributes
    ----------
    epoch : list of int
        Indices of the epochs done.
    history : dict of str to list of float
        "loss", metrics, "val_loss", ..., and "lr" for optimizers with a learning rate; one value
        an epoch.

    Examples
    --------
    >>> from shallowcore import callbacks
    >>> callbacks.History().history
    {}
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def add(self, epoch: int, logs: Logs) -> None:
        """Append the figures of one epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def extend(self, first: int, columns: dict[str, list[float]]) -> None:
        """Append the figures of several epochs, the first of which has index `first`."""
        self.epoch.extend(range(first, first + len(columns["loss"])))
        for name, values in columns.items():
            self.history.setdefault(name, []).extend(values)

    def add_figures(self, logs: Logs) -> None:
        """Append figures of the last epoch that callbacks wrote into their logs."""
        for name, value in logs.items():
            values = self.history.setdefault(name, [])
            if len(values) < len(self.epoch):
                values.append(value)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the figures of one epoch, for a History that a user passes among `callbacks`."""
        self.add(epoch, logs or {})

    def __repr__(self) -> str:
        return f"<History of {len(self.epoch)} epochs: {', '.join(self.history) or 'empty'}>"


class LambdaCallback(Callback):
    """A callback made of functions.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable (epoch, logs), optional
        Called before and after each epoch.
    on_train_begin, on_train_end : callable (logs), optional
        Called before and after the training.

    Raises
    ------
    TypeError
        If one of them is not callable.

    Examples
    --------
    >>> from shallowcore import callbacks
    >>> losses = []
    >>> record = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: losses.append(logs))
    """

    def __init__(
        self,
        on_epoch_begin: Callable[[int, Logs], Any] | None = None,
        on_epoch_end: Callable[[int, Logs], Any] | None = None,
        on_train_begin: Callable[[Logs], Any] | None = None,
        on_train_end: Callable[[Logs], Any] | None = None,
    ) -> None:
        super().__init__()
        given = (on_train_begin, on_train_end, on_epoch_begin, on_epoch_end)
        for name, function in zip(_HOOKS, given, strict=True):
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"{name} must be callable, got {function!r}")
            setattr(self, name, function)


class CallbackList:
    """The user's callbacks of one training."""

    def __init__(self, callbacks: Any, model: Sequential, params: dict[str, Any]) -> None:
        self._callbacks = _checked(callbacks)
        self._model = model
        self.params = params

    @property
    def need_epochs(self) -> bool:
        """Whether a callback has a hook for epochs."""
        return any(
            _overrides(one, hook)
            for one in self._callbacks
            for hook in ("on_epoch_begin", "on_epoch_end")
        )

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
            one.on_epoch_end(epoch, logs)


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
    for one in found:
        if not isinstance(one, Callback):
            hint = "; give an object, not its class" if isinstance(one, type) else ""
            raise TypeError(f"callbacks must hold Callback objects, got {one!r}{hint}")
        for name in dir(one):
            hook = name.startswith("on_") and callable(getattr(one, name))
            if hook and name not in _HOOKS:
                raise TypeError(
                    f"{type(one).__name__} has a hook {name!r} that is never called"
                    f"{did_you_mean(name, _HOOKS) or '.'} The hooks are: {', '.join(_HOOKS)}"
                )
    return found
