"""The picture of `shallowcore demo`: loss curve, confusion matrix, some digits with predictions.

Drawn without pyplot, so no display or backend is needed; wrong predictions come first.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shallowcore.demo.digits import DigitsResult
from shallowcore.plotting import PALETTE, import_matplotlib, plot_history

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_N_SHOWN = 24
_COLUMNS = 8


def problem_with(path: Path) -> str | None:
    """Why a picture cannot be written to `path`, found by trying before any work.

    Parameters
    ----------
    path : Path
        The file; if it exists it is left as it is.

    Returns
    -------
    str or None
        None where it can be written, and where there is no matplotlib to write it.
    """
    if importlib.util.find_spec("matplotlib") is None:
        return None
    canvas = import_matplotlib("matplotlib.figure").Figure().canvas
    formats = sorted(canvas.get_supported_filetypes())
    if path.suffix[1:].lower() not in formats:
        return f"the name must end in one of .{' .'.join(formats)}"
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return None


def save_picture(result: DigitsResult, path: Path) -> None:
    """Draw the result of the demo and write it to a file.

    Parameters
    ----------
    result : DigitsResult
        What the demo found.
    path : Path
        File to write; its ending chooses the format (png, svg, pdf, ...).

    Raises
    ------
    ImportError
        Without matplotlib.
    OSError, ValueError
        If the file cannot be written or its ending names no format.
    """
    figure = import_matplotlib("matplotlib.figure").Figure(figsize=(11, 8.5), layout="constrained")
    figure.suptitle(
        f"Handwritten digits: {result.test_accuracy:.1%} of the test images recognised",
        fontsize=14,
    )
    top, bottom = figure.subfigures(2, 1, height_ratios=(1.15, 1.0), hspace=0.04)
    loss, confusion = top.subplots(1, 2, width_ratios=(1.1, 1.0))
    _draw_loss(loss, result)
    _draw_confusion(confusion, result.confusion)
    _draw_digits(bottom, result)
    figure.savefig(path, dpi=120)


def _draw_loss(ax: Axes, result: DigitsResult) -> None:
    plot_history({"loss": result.losses}, ax=ax)
    ax.set_yscale("log")
    ax.set_title("Training loss (cross-entropy)")


def _draw_confusion(ax: Axes, confusion: NDArray[np.int64]) -> None:
    """Draw counts as text on shades of blue; the rare mistakes stand out as numbers."""
    ax.imshow(confusion, cmap="Blues", vmax=1.15 * float(confusion.max()))
    dark = 0.5 * float(confusion.max())
    for row, column in np.argwhere(confusion):
        count = int(confusion[row, column])
        ax.text(
            float(column),
            float(row),
            str(count),
            ha="center",
            va="center",
            fontsize=9,
            color="white" if count > dark else "black",
            fontweight="normal" if row == column else "bold",
        )
    ax.set_xticks(range(10))
    ax.set_yticks(range(10))
    ax.set_xlabel("predicted digit")
    ax.set_ylabel("true digit")
    ax.set_title("Confusion matrix (test images)")


def _draw_digits(figure: Figure | SubFigure, result: DigitsResult) -> None:
    """Test images with the predicted digit: the wrong ones first, then the first right ones."""
    wrong = np.flatnonzero(result.predictions != result.labels)
    right = np.flatnonzero(result.predictions == result.labels)
    shown = np.concatenate([wrong, right])[:_N_SHOWN]
    figure.suptitle("Test images and predictions: mistakes first", fontsize=12)
    axes = figure.subplots(_N_SHOWN // _COLUMNS, _COLUMNS)
    for ax, index in zip(np.ravel(axes), shown, strict=True):
        predicted, label = int(result.predictions[index]), int(result.labels[index])
        ax.imshow(result.images[index], cmap="gray_r", vmin=0, vmax=16)
        ax.set_xticks([])
        ax.set_yticks([])
        if predicted == label:
            ax.set_title(str(predicted), fontsize=11, color="black")
        else:
            title = f"{predicted} (is {label})"
            ax.set_title(title, fontsize=11, color=PALETTE["vermilion"], fontweight="bold")
