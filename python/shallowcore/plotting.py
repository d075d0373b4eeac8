"""Plots of trainings and of what a model has learned, as matplotlib Axes.

matplotlib is imported when a plot is drawn, never before.  Every function draws on `ax` if it is
given, else on a new figure, and returns the Axes; colours can be told apart with any kind of colour
vision (palette of Okabe and Ito, 2008).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_decision_boundary", "plot_history"]

PALETTE = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "orange": "#E69F00",
    "pink": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
}
_COLOURS = tuple(PALETTE.values())
_MARKERS = "osD^vP*X"


class _Predictor(Protocol):
    def predict(self, x: Any) -> Any: ...


class _Historical(Protocol):
    @property
    def history(self) -> Mapping[str, Sequence[float]]: ...


def import_matplotlib(module: str) -> Any:
    """Import a module of matplotlib, or say which extra brings it.

    Parameters
    ----------
    module : str
        Full name, such as "matplotlib.pyplot".

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            'plots need matplotlib, which is not installed: pip install "shallowcore[plot]"'
        ) from error


def _axes(ax: Axes | None) -> Axes:
    """`ax`, or the Axes of a new figure."""
    if ax is not None:
        return ax
    new: Axes = import_matplotlib("matplotlib.pyplot").subplots(layout="constrained")[1]
    return new


def plot_history(
    history: _Historical | Mapping[str, Sequence[float]],
    *,
    metrics: str | Sequence[str] = "loss",
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
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If a metric was not recorded.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from shallowcore import plotting
    >>> ax = plotting.plot_history({"loss": [0.7, 0.4, 0.3]}, ax=Figure().subplots())
    >>> ax.get_xlabel()
    'epoch'
    """
    records = history if isinstance(history, Mapping) else history.history
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    for name in names:
        if name not in records:
            recorded = ", ".join(records) or "nothing"
            raise ValueError(f"metrics: {name!r} is not in the history, which holds {recorded}")
    ax = _axes(ax)
    for name, colour in zip(names, _cycle(len(names)), strict=True):
        for record, style in ((name, "-"), (f"val_{name}", "--")):
            if record in records:
                epochs = np.arange(1, len(records[record]) + 1)
                # A training of one epoch has no line: its only point gets a marker.
                marker = "o" if len(epochs) == 1 else ""
                ax.plot(epochs, records[record], style, marker=marker, color=colour, label=record)
    whole_epochs = import_matplotlib("matplotlib.ticker").MaxNLocator("auto", integer=True)
    ax.xaxis.set_major_locator(whole_epochs)
    ax.set_xlabel("epoch")
    ax.set_ylabel(", ".join(names))
    ax.grid(alpha=0.3)
    if len(ax.get_lines()) > 1:
        ax.legend()
    return ax


def plot_decision_boundary(
    model: _Predictor,
    x: ArrayLike,
    y: ArrayLike,
    *,
    threshold: float | None = None,
    resolution: int = 200,
    ax: Axes | None = None,
) -> Axes:
    """Draw two-dimensional samples on the surface that a classifier has learned.

    With one output the surface is shaded by the prediction and the boundary is the line where it
    meets the threshold; with several the areas are those of the largest output.

    Parameters
    ----------
    model : object with predict(x)
        predict returns (m, n_outputs), or (m,) numbers for one output.
    x : array-like, shape (n_samples, 2)
        The samples.
    y : array-like, shape (n_samples,) or (n_samples, 1)
        Their labels, numbers.
    threshold : float, optional
        Where one output changes class; halfway between the smallest and largest label by default.
    resolution : int, default 200
        Points of the surface along each axis.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If x is not (n_samples, 2), y has not one label for each sample, or resolution is below 2.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from shallowcore import datasets, layers, models, plotting
    >>> x, y = datasets.make_xor(100)
    >>> model = models.Sequential([layers.Input((2,)), layers.Dense(1, "sigmoid")])
    >>> ax = plotting.plot_decision_boundary(model, x, y, ax=Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['0', '1']
    """
    x, y = _check_samples(x, y)
    if resolution < 2:
        raise ValueError(f"resolution must be at least 2, got {resolution}")
    ax = _axes(ax)
    margin = 0.08 * np.ptp(x, axis=0) + 1e-9
    low, high = x.min(axis=0) - margin, x.max(axis=0) + margin
    across, up = (np.linspace(low[k], high[k], resolution) for k in (0, 1))
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    surface = np.asarray(model.predict(grid), dtype=np.float64).reshape(len(grid), -1)
    if surface.shape[1] == 1:
        middle = 0.5 * float(y.min() + y.max()) if threshold is None else threshold
        _draw_surface(ax, across, up, surface.reshape(resolution, resolution), middle)
    else:
        regions = surface.argmax(axis=1).reshape(resolution, resolution)
        _draw_regions(ax, across, up, regions, surface.shape[1])
    _draw_samples(ax, x, y)
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    ax.set_xlabel("x1")
    ax.set_ylabel("x2")
    return ax


def _check_samples(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim != 2 or x.shape[1] != 2 or x.shape[0] == 0:
        raise ValueError(f"x must have shape (n_samples, 2), got {x.shape}")
    if y.shape not in ((len(x),), (len(x), 1)):
        raise ValueError(f"y must have one label for each of {len(x)} samples, got {y.shape}")
    return x, y.ravel()


def _cycle(n_colours: int) -> list[str]:
    return [_COLOURS[index % len(_COLOURS)] for index in range(n_colours)]


def _draw_surface(
    ax: Axes,
    across: NDArray[Any],
    up: NDArray[Any],
    surface: NDArray[Any],
    threshold: float,
) -> None:
    """Shade one output from orange (below the threshold) to blue (above), and draw the line."""
    colours = import_matplotlib("matplotlib.colors").LinearSegmentedColormap.from_list(
        "below_above", ["#F2B48C", "#FFFFFF", "#8CBFE0"]
    )
    reach = max(float(np.abs(surface - threshold).max()), 1e-12)
    ax.pcolormesh(
        across,
        up,
        surface,
        cmap=colours,
        vmin=threshold - reach,
        vmax=threshold + reach,
        shading="nearest",
        rasterized=True,
    )
    if surface.min() < threshold < surface.max():
        ax.contour(across, up, surface, levels=[threshold], colors="black", linewidths=1.5)


def _draw_regions(
    ax: Axes, across: NDArray[Any], up: NDArray[Any], regions: NDArray[Any], n_classes: int
) -> None:
    """Colour each class' area as its samples are, but pale."""
    colours = import_matplotlib("matplotlib.colors").ListedColormap(_class_colours(n_classes))
    ax.pcolormesh(
        across,
        up,
        regions,
        cmap=colours,
        vmin=-0.5,
        vmax=n_classes - 0.5,
        alpha=0.35,
        shading="nearest",
        rasterized=True,
    )


def _class_colours(n_classes: int) -> list[str]:
    """Colours of the classes; class 0 orange-red and class 1 blue, as on the shaded surface."""
    order = ("vermilion", "blue", "green", "orange", "pink", "sky", "yellow", "black")
    return [PALETTE[order[index % len(order)]] for index in range(n_classes)]


def _draw_samples(ax: Axes, x: NDArray[Any], y: NDArray[Any]) -> None:
    """One colour and one marker a class, so that neither alone carries the meaning."""
    labels = np.unique(y)
    for index, (label, colour) in enumerate(
        zip(labels.tolist(), _class_colours(len(labels)), strict=True)
    ):
        of_class = y == label
        ax.scatter(
            x[of_class, 0],
            x[of_class, 1],
            s=18,
            c=colour,
            marker=_MARKERS[index % len(_MARKERS)],
            edgecolors="white",
            linewidths=0.4,
            label=f"{label:g}",
        )
    ax.legend(title="class", loc="upper right")
