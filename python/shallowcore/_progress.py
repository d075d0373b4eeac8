"""What fit shows while it trains: a tqdm bar, one line an epoch, or nothing."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from typing import Any

from shallowcore._optional import import_optional

BAR, LINES, SILENT = 1, 2, 0


def resolve_verbose(verbose: Any) -> int:
    """Return 0, 1 or 2; "auto" is a bar on a terminal or notebook that has tqdm, else lines."""
    if isinstance(verbose, str) and verbose == "auto":
        shown = _in_notebook() or is_terminal()
        return BAR if shown and importlib.util.find_spec("tqdm") is not None else LINES
    if isinstance(verbose, str) or verbose not in (SILENT, BAR, LINES):
        raise ValueError(f"verbose must be 'auto', 0, 1 or 2, got {verbose!r}")
    if verbose == BAR:
        _tqdm()
    return int(verbose)


def is_terminal() -> bool:
    """Whether the bar's stream is a terminal that can rewrite a line."""
    shown = sys.stderr is not None and sys.stderr.isatty()
    return shown and os.environ.get("TERM") != "dumb"


def _in_notebook() -> bool:
    """Whether an IPython kernel runs this process."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    # Some notebooks have a class of their own that is derived from it.
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__)


def _tqdm() -> Any:
    """Import the class tqdm, or ImportError naming the extra that brings it.

    In notebooks that have ipywidgets it is the one that draws a widget: tqdm.auto would choose it,
    too, but warns where there is no ipywidgets.
    """
    widget = _in_notebook() and importlib.util.find_spec("ipywidgets") is not None
    module = "tqdm.notebook" if widget else "tqdm"
    return import_optional(module, "a progress bar, unlike the lines of verbose=2,").tqdm


def figures(logs: dict[str, float]) -> str:
    """Loss, metrics and learning rate on one line: "loss: 0.2581 - accuracy: 0.9254"."""
    return " - ".join(f"{name}: {value:.4g}" for name, value in logs.items())


class Progress:
    """Shows nothing; the base of the others."""

    def update(self, epochs: int, batches: int, running: dict[str, float]) -> None:
        """Show work done: whole epochs, batches of the epoch under way, its figures so far."""

    def epochs_done(self, first: int, columns: dict[str, list[float]]) -> None:
        """Show figures of finished epochs, the first of which has index `first`."""

    def close(self) -> None:
        """End the display."""


class Lines(Progress):
    """One line an epoch: "Epoch 1/5 - 0.82s - loss: 0.2581"."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._since = time.perf_counter()

    def epochs_done(self, first: int, columns: dict[str, list[float]]) -> None:
        """Print their lines; the time since the last ones is shared evenly."""
        now = time.perf_counter()
        n = len(columns["loss"])
        each = (now - self._since) / n
        self._since = now
        for i in range(n):
            seconds = f"{each:.2f}s" if each < 100 else f"{each:.0f}s"
            one = figures({name: values[i] for name, values in columns.items()})
            print(f"Epoch {first + i + 1}/{self._epochs} - {seconds} - {one}")
        sys.stdout.flush()


class Bar(Progress):
    """A tqdm bar over all batches of all epochs, with time left, loss and metrics.

    Of all epochs where nobody knows how many batches they have.
    """

    def __init__(self, initial_epoch: int, epochs: int, n_batches: int | None) -> None:
        self._first, self._epochs, self._n_batches = initial_epoch, epochs, n_batches
        total = (epochs - initial_epoch) * (n_batches or 1)
        # Where lines are not rewritten, each one stays to be read.
        interval = 0.1 if is_terminal() or _in_notebook() else 5.0
        self._bar = _tqdm()(
            total=total,
            unit="epoch" if n_batches is None else "batch",
            dynamic_ncols=True,
            mininterval=interval,
        )
        self._last: dict[str, float] = {}

    def update(self, epochs: int, batches: int, running: dict[str, float]) -> None:
        """Move the bar; figures of the epoch under way go before those of the last one."""
        current = self._first + epochs + (1 if batches or not epochs else 0)
        self._bar.set_description_str(f"Epoch {current}/{self._epochs}", refresh=False)
        shown = self._last | running if batches else self._last
        self._bar.set_postfix_str(figures(shown), refresh=False)
        done = epochs if self._n_batches is None else epochs * self._n_batches + batches
        self._bar.update(done - self._bar.n)

    def epochs_done(self, first: int, columns: dict[str, list[float]]) -> None:
        """Remember the last epoch's figures."""
        self._last = {name: values[-1] for name, values in columns.items()}

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()
        stopped = sys.exc_info()[0] is None and self._bar.n < self._bar.total
        if stopped and hasattr(self._bar, "container"):
            # A widget that has not come to its end is red, as if something had gone wrong.
            self._bar.display(bar_style="info")


def make(verbose: int, initial_epoch: int, epochs: int, n_batches: int | None) -> Progress:
    """Display for a checked `verbose`."""
    if verbose == BAR:
        return Bar(initial_epoch, epochs, n_batches)
    return Lines(epochs) if verbose == LINES else Progress()
