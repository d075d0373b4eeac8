"""Small callbacks: learning rates by epoch, a table on disk, what to do about NaN."""

from __future__ import annotations

import csv
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shallowcore._checks import check_bool, check_float
from shallowcore.callbacks._base import Callback, Logs
from shallowcore.callbacks._monitor import check_verbose, learning_rate


class LearningRateScheduler(Callback):
    """Sets the learning rate before every epoch.

    Parameters
    ----------
    schedule : callable (epoch, rate) or (epoch)
        Returns the rate for an epoch, from its index and the rate so far.
    verbose : int, default 0
        1 prints the rate of every epoch.

    Raises
    ------
    TypeError, ValueError
        For bad arguments; in `fit` for an optimizer without a learning rate, and for rates that
        are no finite numbers >= 0.

    Examples
    --------
    >>> import numpy as np
    >>> from shallowcore import callbacks, layers, models
    >>> x = np.arange(8.0)[:, np.newaxis] / 8
    >>> model = models.Sequential([layers.Input((1,)), layers.Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> halve = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    >>> model.fit(x, x, epochs=2, verbose=0, callbacks=[halve]).history["lr"]
    [0.005, 0.0025]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(f"schedule must be callable, got {schedule!r}")
        self.schedule = schedule
        self.verbose: int = check_verbose(verbose)
        self._takes_rate = _takes_two(schedule)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Check that there is a rate to set."""
        learning_rate(self)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        given = (epoch, learning_rate(self)) if self._takes_rate else (epoch,)
        rate = check_float(self.schedule(*given), f"the schedule's rate for epoch {epoch}", 0.0)
        self.model.optimizer.learning_rate = rate
        if self.verbose:
            print(f"Epoch {epoch + 1}: LearningRateScheduler sets the learning rate to {rate:g}")


def _takes_two(function: Callable[..., Any]) -> bool:
    """Whether a function can be called with two arguments."""
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a builtin that does not say
        return True
    return True


class CSVLogger(Callback):
    """Writes the figures of every epoch to a file, one line an epoch.

    Parameters
    ----------
    filename : str or path-like
        The file; every line is complete on disk before the next epoch begins.
    separator : str, default ","
        One character between figures.
    append : bool, default False
        Go on with an existing file, whose columns then stand.

    Raises
    ------
    TypeError, ValueError, OSError
        For bad arguments, and where the file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from shallowcore import callbacks, layers, models
    >>> x = np.zeros((4, 1))
    >>> model = models.Sequential([layers.Input((1,)), layers.Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> log = callbacks.CSVLogger("log.csv")
    >>> history = model.fit(x, x[:, 0], epochs=2, verbose=0, callbacks=[log])
    >>> print(Path("log.csv").read_text())
    epoch,loss,lr
    0,0.0,0.01
    1,0.0,0.01
    <BLANKLINE>
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        try:
            self.filename: Path = Path(filename)
        except TypeError:
            raise TypeError(f"filename must be a path, got {filename!r}") from None
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"separator must be one character, got {separator!r}")
        self.separator = separator
        self.append: bool = check_bool(append, "append")
        self._columns: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start the file, or read the columns of the one to go on with."""
        self._columns = None
        if self.append and self.filename.exists():
            with self.filename.open(newline="", encoding="utf-8") as file:
                self._columns = next(csv.reader(file, delimiter=self.separator), None)
        else:
            self.filename.write_text("", encoding="utf-8")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write one line, before the first one the names."""
        figures: dict[str, Any] = {"epoch": epoch} | dict(sorted((logs or {}).items()))
        with self.filename.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator, lineterminator="\n")
            if self._columns is None:
                self._columns = list(figures)
                writer.writerow(self._columns)
            writer.writerow([figures.get(name, "NA") for name in self._columns])


class TerminateOnNaN(Callback):
    """Says so where training meets NaN or infinity, or raises.

    Every training looks at the loss of every batch and ends when it is not finite, with the
    weights of the last finite epoch: this callback costs nothing, and changes only what is said.

    Parameters
    ----------
    raise_error : bool, default False
        Raise RuntimeError instead of printing a line.

    Examples
    --------
    >>> from shallowcore import callbacks
    >>> watch = callbacks.TerminateOnNaN(raise_error=True)
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error: bool = check_bool(raise_error, "raise_error")

    def on_divergence(self, batch: int) -> None:
        """Print or raise."""
        if self.raise_error:
            raise RuntimeError(f"the loss became NaN or infinite at batch {batch}")
        print(f"Batch {batch}: invalid loss, training ends")
