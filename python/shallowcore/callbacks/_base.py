"""The base class of callbacks, the history, and callbacks made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

if TYPE_CHECKING:
    from shallowcore._report import Outcome
    from shallowcore.models import Sequential

Logs = dict[str, Any]

EPOCH_HOOKS = ("on_epoch_begin", "on_epoch_end")
BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
HOOKS = ("on_train_begin", "on_train_end", *EPOCH_HOOKS, *BATCH_HOOKS)


class Callback:
    """Base class of callbacks: override the hooks that are wanted.

    Setting `self.model.stop_training = True` stops the training after the epoch, in a hook for
    batches after the batch: the epoch then ends there.  Hooks for batches have a price: the core
    comes back to Python after each batch, with the weights at their place.  An exception raised in
    a hook ends the training and reaches the caller of `fit`; the model stays usable.

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

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before batch `batch` of an epoch; calls `on_batch_begin`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After batch `batch`; `logs` has the epoch's means so far; calls `on_batch_end`."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Keras' older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Keras' older name of `on_train_batch_end`."""

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles know neither the model nor its data."""
        return {k: v for k, v in vars(self).items() if k not in ("_model", "_outcome")}

    # --- what the package's own callbacks add ---------------------------------------------------
    def needed_figures(self) -> list[str]:
        """Names that must be in the logs of every epoch."""
        return []

    def on_divergence(self, batch: int) -> None:
        """The loss of batch `batch` or a weight became NaN or infinite."""


class History(Callback):
    """Figures of every epoch; `fit` returns one.

    Attributes
    ----------
    epoch : list of int
        Indices of the epochs done.
    history : dict of str to list of float
        "loss", metrics, "val_loss", ..., and "lr" for optimizers with a learning rate; one value
        an epoch.
    stop_reason : str
        Why the training ended: "all epochs", "early stopping", "stop_training", "max_time",
        "out of data", "converged", "diverged", "line search failed", "mu at its limit",
        "maximum evaluations", "KeyboardInterrupt" or the name of another exception; empty while
        it runs.
    seconds : float
        Time that the training took.

    Examples
    --------
    >>> from shallowcore import callbacks
    >>> callbacks.History().history
    {}
    """

    _outcome: Outcome | None = None

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}
        self.stop_reason: str = ""
        self.seconds: float = 0.0

    def conclude(self, outcome: Outcome, seconds: float) -> None:
        """Note how the training ended."""
        self._outcome, self.stop_reason, self.seconds = outcome, outcome.reason, seconds

    def report(self) -> str:
        """Return a text on how the training ended, and what to change if it went badly.

        Why it stopped, epochs, time, final figures; then, on the training data and with the
        weights of now: the norm of the loss's gradient (as the solver knows it, or computed by
        one pass), and the hidden units that never fire or are saturated on all samples.  The
        data are those that were given to `fit`: they are not kept, and what needs them is left
        out once they are gone.

        Returns
        -------
        str
            Several lines.

        Raises
        ------
        RuntimeError
            Before a training has ended.

        Examples
        --------
        >>> import numpy as np
        >>> from shallowcore import layers, models
        >>> x = np.arange(8.0)[:, np.newaxis]
        >>> model = models.Sequential([layers.Input((1,)), layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(x, 2 * x, epochs=3, verbose=0)
        >>> print(history.report())  # doctest: +ELLIPSIS
        stopped: all epochs done (3 of 3), ...
        """
        if self._outcome is None:
            raise RuntimeError("there is nothing to report yet: call fit first")
        return self._outcome.report(self)

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

    def _repr_html_(self) -> str:
        """Show figures and loss curve in notebooks."""
        from shallowcore._html import history_page

        outcome = self._outcome
        return history_page(self, None if outcome is None else outcome.headline(self))

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
    on_train_batch_begin, on_train_batch_end : callable (batch, logs), optional
        Called before and after each batch.

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
        on_train_batch_begin: Callable[[int, Logs], Any] | None = None,
        on_train_batch_end: Callable[[int, Logs], Any] | None = None,
    ) -> None:
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in given.items():
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"{name} must be callable, got {function!r}")
            setattr(self, name, function)
