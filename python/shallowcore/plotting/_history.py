"""The curves of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shallowcore._checks import check_bool
from shallowcore.plotting._axes import axes_for, colours, import_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Rates that differ by more than this factor are drawn on a logarithmic axis.
_WIDE = 20.0


class _Historical(Protocol):
    @property
    def history(self) -> Mapping[str, Sequence[float]]: ...


def plot_history(
    history: _Historical | Mapping[str, Sequence[float]],
    *,
    metrics: str | Sequence[str] = "loss",
    learning_rate: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw what a training recorded, one point an epoch.

    Parameters
    ----------
    history : History or dict of lists
        What `fit` returns, or its `history`.
    metrics : str or sequence of str, default "loss"
        Which records to draw; for each, that of the validation is drawn
        dashed where it was recorded too.
    learning_rate : bool, default True
        Draw the learning rate as well where it was recorded and changed, on an axis of its own at
        the right.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Those of the metrics.

    Raises
    ------
    ImportError
        Without matplotlib.
    TypeError, ValueError
        If `history` is none, or a metric was not recorded.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from shallowcore import plotting
    >>> ax = plotting.plot_history({"loss": [0.7, 0.4, 0.3]}, ax=Figure().subplots())
    >>> ax.get_xlabel()
    'epoch'
    """
    records = history if isinstance(history, Mapping) else getattr(history, "history", None)
    if not isinstance(records, Mapping):
        raise TypeError(f"history must be what fit returns, or a dict of lists, got {history!r}")
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    if not names:
        raise ValueError("metrics must name at least one record, got none")
    for name in names:
        if name not in records:
            recorded = ", ".join(records) or "nothing"
            raise ValueError(f"metrics: {name!r} is not in the history, which holds {recorded}")
    learning_rate = check_bool(learning_rate, "learning_rate")
    ax = axes_for(ax)
    for name, colour in zip(names, colours(len(names)), strict=True):
        for record, style in ((name, "-"), (f"val_{name}", "--")):
            if record in records:
                epochs = _epochs(history, len(records[record]))
                (line,) = ax.plot(epochs, records[record], style, color=colour, label=record)
                if len(epochs) == 1:  # no line to see
                    line.set_marker("o")
                    line.set_markerfacecolor(colour if record == name else "white")
    whole_epochs = import_matplotlib("matplotlib.ticker").MaxNLocator(
        "auto", integer=True, steps=[1, 2, 5, 10], min_n_ticks=1
    )
    ax.xaxis.set_major_locator(whole_epochs)
    ax.set_xlabel("epoch")
    ax.set_ylabel(", ".join(names), parse_math=False)
    ax.grid(alpha=0.3)
    rates = records.get("lr", ())
    if learning_rate and "lr" not in names and len(set(rates)) > 1:
        _draw_rates(ax, _epochs(history, len(rates)), rates)
    if len(ax.get_lines()) > 1:
        ax.legend()
    return ax


def _epochs(history: Any, n: int) -> NDArray[np.int64]:
    """Numbers of the epochs, from 1; of a training that went on, from where it did."""
    indices = getattr(history, "epoch", None)
    if indices is None or len(indices) != n:
        return np.arange(1, n + 1)
    return np.asarray(indices, dtype=np.int64) + 1


def _draw_rates(ax: Axes, epochs: NDArray[np.int64], rates: Sequence[float]) -> None:
    """One step an epoch, behind the curves of `ax`, against an axis at the right."""
    grey = "#767676"
    right = ax.twinx()
    right.step(epochs, rates, where="mid", color=grey, linestyle=":", linewidth=1.2, label="lr")
    right.set_ylabel("learning rate", color=grey)
    right.tick_params(axis="y", colors=grey, which="both")
    if min(rates) > 0 and max(rates) > _WIDE * min(rates):
        right.set_yscale("log")
    # The Axes drawn last would cover the curves and the legend: these are `ax`'s.
    right.set_zorder(ax.get_zorder() - 1)
    right.patch.set_visible(True)
    right.patch.set_facecolor(ax.get_facecolor())
    ax.patch.set_visible(False)
