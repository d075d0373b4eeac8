"""A network as circles and lines, layer by layer from left to right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import _summary
from shallowcore._checks import check_bool, check_int
from shallowcore._initializer import Shape
from shallowcore._model_base import LayerModel
from shallowcore._summary import Row
from shallowcore.layers import Dense, Layer
from shallowcore.plotting._axes import PALETTE, axes_for, import_matplotlib, one_line_of, size_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inches: of a column and of a unit in a new figure, its largest width, a letter of labels, a
# box, a circle.
_COLUMN = 1.35
_UNIT = 0.34
_WIDEST = 24.0
_LETTER = 0.075
_BOX = 0.26
_CIRCLE = 0.25


@dataclass(frozen=True)
class _Column:
    """One place from left to right: units, or a layer that takes each number by itself."""

    n_units: int | None  # None while it is not known
    shown: list[int]  # which units are drawn, from the top
    layer: Layer | None = None  # None for the inputs
    box: str = ""  # what to write on a layer without units of its own

    @property
    def heights(self) -> NDArray[np.float64]:
        """Where the units drawn are; dots between their halves take the room of one."""
        n = len(self.shown)
        places = np.arange(n, dtype=np.float64)
        if self.is_cut:
            places[(n + 1) // 2 :] += 1
        return 0.5 * (n - 1 + self.is_cut) - places

    @property
    def is_cut(self) -> bool:
        """Whether there are more units than are drawn."""
        return self.n_units is not None and len(self.shown) < self.n_units


def plot_network(
    model: Any, *, max_units: int = 10, weights: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw the units of a model and how they are connected, from left to right.

    Circles are inputs and the units of Dense layers; layers that take each number by itself are
    boxes.  Below each stand name, units and activation, number of weights.

    Parameters
    ----------
    model : Sequential
        What to draw; built or not.
    max_units : int, default 10
        Circles in a layer; of more units the first and the last ones are drawn, dots between them.
    weights : bool, default False
        Show the weights between the units drawn: blue lines are positive, orange-red ones negative,
        the wider the larger in their layer.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Units of a layer are one of `ax.collections`, as are the lines that lead to it.

    Raises
    ------
    ImportError
        Without matplotlib.
    RuntimeError
        With `weights`, if the model has none yet.
    TypeError, ValueError
        If model is no Sequential or has no layers, or max_units is below 2.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from shallowcore import layers, models, plotting
    >>> model = models.Sequential([layers.Input((4,)), layers.Dense(3, "softmax")], name="iris")
    >>> ax = plotting.plot_network(model, ax=Figure().subplots())
    >>> ax.get_title()
    'iris: 15 weights'
    """
    if not isinstance(model, LayerModel):
        raise TypeError(f"model must be a Sequential, got {type(model).__name__}")
    if not model.layers:
        raise ValueError("model must have at least one layer, got none")
    max_units = check_int(max_units, "max_units", 2)
    with_weights = check_bool(weights, "weights")
    _, shapes, _ = model._described
    rows = _summary.rows(model.layers, shapes)
    columns = _columns(model.layers, rows, shapes, max_units)
    kernels = [_kernel(column) if with_weights else None for column in columns]
    slots = max(len(column.heights) + column.is_cut for column in columns) + 0.6
    width = min(max(6.4, _COLUMN * len(columns)), _WIDEST)
    ax = axes_for(ax, (width, max(3.0, _UNIT * slots + 1.3)))
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(-0.5 * slots, 0.5 * slots)
    total = f"{model.count_params():,} weights" if model.built else "not built"
    ax.set_title(f"{one_line_of(model.name, 60)}: {total}", parse_math=False)
    _label(ax, [_input_label(shapes), *map(_layer_label, columns[1:], rows)])
    for x in range(1, len(columns)):
        _connect(ax, x, columns[x - 1], columns[x], kernels[x])
    for x, column in enumerate(columns):
        _draw_box(ax, x, column) if column.box else _draw_units(ax, x, column)
    return ax


def _columns(
    layers: Sequence[Layer], rows: Sequence[Row], shapes: Sequence[Shape] | None, most: int
) -> list[_Column]:
    """The inputs and all layers."""
    n_inputs = None if shapes is None else math.prod(shapes[0])
    columns = [_Column(n_inputs, _shown(n_inputs, most))]
    for layer, row in zip(layers, rows, strict=True):
        if isinstance(layer, Dense):
            columns.append(_Column(layer.units, _shown(layer.units, most), layer))
        else:
            before = columns[-1]
            columns.append(_Column(before.n_units, before.shown, layer, row.short))
    return columns


def _shown(n_units: int | None, most: int) -> list[int]:
    """Which units are drawn: all, or the first and the last ones; one for an unknown number."""
    if n_units is None:
        return [0]
    if n_units <= most:
        return list(range(n_units))
    head = (most + 1) // 2
    return [*range(head), *range(n_units - most + head, n_units)]


def _kernel(column: _Column) -> NDArray[Any] | None:
    """Weights of a layer of units."""
    return column.layer.kernel if isinstance(column.layer, Dense) else None


def _connect(ax: Axes, x: int, left: _Column, right: _Column, kernel: NDArray[Any] | None) -> None:
    """Draw the lines from column x - 1 to column x."""
    if right.box:
        pairs = [(i, i) for i in range(len(left.shown))]
    else:
        pairs = [(i, j) for i in range(len(left.shown)) for j in range(len(right.shown))]
    up, down = left.heights, right.heights
    segments = np.array([[(x - 1, up[i]), (x, down[j])] for i, j in pairs])
    colours: Any = "0.7"
    widths: Any = 0.5
    if kernel is not None:
        shown = np.asarray(kernel[np.ix_(left.shown, right.shown)], dtype=np.float64).ravel()
        size = np.abs(shown) / (np.abs(shown).max() or 1.0)
        order = np.argsort(size, kind="stable")  # the strong ones on top
        segments = segments[order]
        colours = [PALETTE["blue" if shown[k] > 0 else "vermilion"] for k in order]
        widths = 2.5 * size[order]
    lines = import_matplotlib("matplotlib.collections").LineCollection
    ax.add_collection(lines(segments, colors=colours, linewidths=widths, zorder=1))


def _draw_units(ax: Axes, x: int, column: _Column) -> None:
    """Circles, and dots where some are left out."""
    width, height = size_of(ax)
    up, across = height / (2 * ax.get_ylim()[1]), width / (ax.get_xlim()[1] + 0.5)  # inches
    # In units of an axis: circles shrink with it.
    units, diameter = ("y", min(0.7, _CIRCLE / up)) if 0.7 * up < 0.45 * across else ("x", 0.45)
    circles = import_matplotlib("matplotlib.collections").EllipseCollection

    def draw(heights: NDArray[np.float64], diameter: float, **look: Any) -> None:
        places = np.column_stack([np.full(len(heights), x), heights])
        size = np.full(len(heights), diameter)
        ax.add_collection(
            circles(
                size,
                size,
                0 * size,
                units=units,
                offsets=places,
                offset_transform=ax.transData,
                **look,
            )
        )

    unknown = column.n_units is None
    draw(
        column.heights,
        diameter,
        facecolors="white" if column.layer is None else "#CFE6F5",
        edgecolors="0.25",
        linestyles="dotted" if unknown else "solid",
        zorder=2,
    )
    if unknown:
        ax.text(x, 0.0, "?", ha="center", va="center", fontsize=10, zorder=3)
    if column.is_cut:
        middle = column.heights[(len(column.shown) + 1) // 2 - 1] - 1.0
        draw(middle + np.array([0.25, 0.0, -0.25]), 0.16 * diameter, facecolors="0.25", zorder=3)


def _draw_box(ax: Axes, x: int, column: _Column) -> None:
    """A layer that takes each number by itself: a bar over the lines, with its name upwards."""
    width, height = size_of(ax)
    n_columns, slots = ax.get_xlim()[1] + 0.5, 2 * ax.get_ylim()[1]
    needed = (_LETTER * len(column.box) + 0.15) * slots / height
    half = 0.5 * min(max(2 * column.heights.max() + 0.8, needed), slots)
    across = min(0.5, _BOX * n_columns / width)
    patches = import_matplotlib("matplotlib.patches")
    ax.add_patch(
        patches.Rectangle(
            (x - across / 2, -half), across, 2 * half, facecolor="0.93", edgecolor="0.25", zorder=2
        )
    )
    size = min(9.0, 9.0 * slots / needed, 9.0 * width * across / n_columns / (0.7 * _BOX))
    ax.text(x, 0.0, column.box, rotation=90, ha="center", va="center", fontsize=size, zorder=3)


def _input_label(shapes: Sequence[Shape] | None) -> list[str]:
    """What stands below the inputs."""
    return ["input", "?" if shapes is None else " x ".join(map(str, shapes[0]))]


def _layer_label(column: _Column, row: Row) -> list[str]:
    """What stands below a layer: name, units and activation, number of weights."""
    lines = [row.name] if column.box else [row.name, row.short]
    if row.n_parameters is None:
        return [*lines, "not built"]
    return [*lines, f"{row.n_parameters:,} weights"] if row.n_parameters else lines


def _label(ax: Axes, labels: Sequence[Sequence[str]]) -> None:
    """Write below every column, upwards where columns are narrow."""
    most = int(size_of(ax)[0] / len(labels) / _LETTER)
    upwards = most < 13
    if upwards:
        texts = [", ".join(one_line_of(line, 20) for line in lines) for lines in labels]
    else:
        texts = ["\n".join(one_line_of(line, most) for line in lines) for lines in labels]
    ax.set_xticks(range(len(texts)), texts, rotation=90 if upwards else 0, parse_math=False)
    ax.tick_params(length=0, labelsize=7 if upwards else 9)
    ax.set_yticks([])
    ax.set_frame_on(False)
