"""Saving the model while it trains."""

from __future__ import annotations

import os
import string
from pathlib import Path
from typing import Any

from shallowcore._checks import check_bool, check_float, check_int
from shallowcore.callbacks._base import Logs
from shallowcore.callbacks._monitor import Monitor, check_verbose


class ModelCheckpoint(Monitor):
    """Saves the model, or its weights, after every epoch or some batches.

    As in Keras; the files are those of `model.save` and `model.save_weights`.

    Parameters
    ----------
    filepath : str or path-like
        Where to save; may hold fields such as "{epoch:03d}" (counted from 1), "{batch}" and the
        names of figures, "{val_loss:.3f}".  Folders that are missing are made.
    monitor : str, default "val_loss"
        Name of the figure that says which epoch is best.
    verbose : int, default 0
        1 prints what is saved.
    save_best_only : bool, default False
        Save only when the figure is the best so far.
    save_weights_only : bool, default False
        Save the weights only.
    mode : {"auto", "min", "max"}
        Which direction is better; "auto" takes accuracies up and everything else down.
    save_freq : "epoch" or int, default "epoch"
        After so many batches instead; the figures are then those of the epoch so far.
    initial_value_threshold : float, optional
        Figure that the first one must beat.

    Raises
    ------
    TypeError, ValueError
        For bad arguments; in `fit` for figures that the epochs do not have.

    Examples
    --------
    >>> from shallowcore import callbacks
    >>> keep = callbacks.ModelCheckpoint("model-{epoch:03d}-{val_loss:.3f}.safetensors")
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, 0.0)
        try:
            self.filepath: str = os.fspath(filepath)
        except TypeError:
            raise TypeError(f"filepath must be a path, got {filepath!r}") from None
        if not isinstance(self.filepath, str):
            raise TypeError(f"filepath must be a path in text, got {filepath!r}")
        self._fields = _fields(self.filepath)
        self.verbose: int = check_verbose(verbose)
        self.save_best_only: bool = check_bool(save_best_only, "save_best_only")
        self.save_weights_only: bool = check_bool(save_weights_only, "save_weights_only")
        self.save_freq = save_freq
        if initial_value_threshold is not None:
            self.best = check_float(initial_value_threshold, "initial_value_threshold")
        if save_freq != "epoch":
            self.save_freq = check_int(save_freq, "save_freq (or 'epoch')", 1)
            # The hook makes training come back after each batch: only those who ask have it.
            vars(self)["on_train_batch_end"] = self._after_batch
        elif "batch" in self._fields:
            raise ValueError("filepath may have a field {batch} with save_freq in batches only")
        self._epoch = self._batches = 0

    def needed_figures(self) -> list[str]:
        """The figures that the path names, and the one to watch."""
        named = [name for name in self._fields if name not in ("epoch", "batch")]
        return [*named, self.monitor] if self.save_best_only else named

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the epoch, for paths of batches."""
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, if epochs are what counts."""
        if self.save_freq == "epoch":
            self._save(epoch, {"epoch": epoch + 1}, logs or {})

    def _after_batch(self, batch: int, logs: Logs | None = None) -> None:
        """Save, if enough batches have passed."""
        self._batches += 1
        if self._batches >= int(self.save_freq):
            self._batches = 0
            self._save(self._epoch, {"epoch": self._epoch + 1, "batch": batch + 1}, logs or {})

    def _save(self, epoch: int, numbers: dict[str, int], logs: Logs) -> None:
        """Save if the figure is good enough."""
        if self.save_best_only:
            figure = logs[self.monitor]
            if not self.improves(figure, self.best):
                if self.verbose:
                    print(f"Epoch {epoch + 1}: {self.monitor} is no better than {self.best:.5g}")
                return
            self.best = figure
        path = Path(self.filepath.format(**(dict(logs) | numbers)))
        path.parent.mkdir(parents=True, exist_ok=True)
        model: Any = self.model
        (model.save_weights if self.save_weights_only else model.save)(path)
        if self.verbose:
            print(f"Epoch {epoch + 1}: saved {path}")


def _fields(path: str) -> list[str]:
    """Names in braces; ValueError for other fields."""
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(path) if name is not None]
    except ValueError as error:
        raise ValueError(f"filepath has a bad field: {error}, got {path!r}") from None
    if not all(name.isidentifier() for name in names):
        raise ValueError(f"filepath must have named fields such as {{epoch:03d}}, got {path!r}")
    return names
