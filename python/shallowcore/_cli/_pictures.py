"""Pictures of a training, drawn without pyplot: no display is needed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from shallowcore._cli._train import Trained
from shallowcore.plotting import PALETTE, import_matplotlib, plot_history

# A few thousand points say what a million would, in a page that opens.
_MOST_POINTS = 2000


def suffixes() -> list[str]:
    """Suffixes of pictures that can be written; ImportError without matplotlib."""
    canvas = import_matplotlib("matplotlib.figure").Figure().canvas
    return [f".{kind}" for kind in sorted(canvas.get_supported_filetypes())]


def _loss_curve(trained: Trained, size: tuple[float, float]) -> Any:
    figure = import_matplotlib("matplotlib.figure").Figure(figsize=size, layout="constrained")
    axes = plot_history(trained.history, ax=figure.subplots())
    if "validation" in trained.splits:
        best = int(np.argmin(trained.history.history["val_loss"]))
        axes.axvline(best + 1, color=PALETTE["black"], linewidth=0.8, linestyle=":", label="best")
        axes.legend()
    return figure


def plot(trained: Trained, name: str) -> None:
    """Write the loss curve into a file."""
    _loss_curve(trained, (6.4, 4.0)).savefig(name, dpi=150)


def loss_svg(trained: Trained) -> str:
    """The loss curve for a page."""
    return _svg(_loss_curve(trained, (7.0, 3.6)))


def predicted_svg(trained: Trained) -> str:
    """Predicted against true numbers, for a page."""
    y = trained.splits[trained.shown].y
    predicted = trained.outputs[trained.shown][:, 0]
    step = max(1, len(y) // _MOST_POINTS)
    figure = import_matplotlib("matplotlib.figure").Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(y[::step], predicted[::step], "o", markersize=3, color=PALETTE["blue"], alpha=0.6)
    ends = [float(y.min()), float(y.max())]
    axes.plot(ends, ends, color=PALETTE["black"], linewidth=0.8)
    name = trained.saved.preprocessing.target.name
    # A name is text, not a formula.
    axes.set_xlabel(name, parse_math=False)
    axes.set_ylabel(f"predicted {name}", parse_math=False)
    axes.grid(alpha=0.3)
    return _svg(figure)


def _svg(figure: Any) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]
