"""Curves of activations and of their derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from shallowcore import _registry, activations, ops
from shallowcore._checks import check_bool, check_float
from shallowcore.activations import Activation
from shallowcore.plotting._axes import PALETTE, axes_for, size_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_N_POINTS = 401
_MOST_COLUMNS = 5
_PANEL = (2.0, 1.75)  # inches, with the room around it
# Room between panels, in panels: tick labels beside, a title above.
_GAPS = (0.28, 0.42)
_LEGEND = 0.6  # inches below the panels, for tick labels and legend


def plot_activations(
    names: str | Activation | Sequence[str | Activation] | None = None,
    *,
    derivatives: bool = True,
    limits: tuple[float, float] = (-4.0, 4.0),
    ax: Axes | None = None,
) -> Axes:
    """Draw activations g(z) and their derivatives g'(z), each in a panel of its own.

    What leaves the panel upwards or downwards of `limits` is cut off.

    Parameters
    ----------
    names : str, Activation or sequence of these, optional
        Which ones: names in any spelling or objects such as `activations.LeakyReLU(0.1)`; all
        elementwise ones by default.
    derivatives : bool, default True
        Draw the derivatives too, dashed.
    limits : (float, float), default (-4, 4)
        Range of z.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.  One activation is drawn on it, several in panels
        inside it, its `child_axes`.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    TypeError, ValueError
        For unknown names (the nearest one is suggested), softmax and log_softmax, which are no
        functions of one number, and limits that are no range.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from shallowcore import plotting
    >>> ax = plotting.plot_activations(["relu", "tanh"], ax=Figure().subplots())
    >>> [panel.get_title() for panel in ax.child_axes]
    ['relu', 'tanh']
    """
    shown = _chosen(names)
    low, high = _range(limits)
    derivatives = check_bool(derivatives, "derivatives")
    rows, columns = _grid(len(shown))
    size = None if len(shown) == 1 else (_PANEL[0] * columns, _PANEL[1] * rows + _LEGEND)
    ax = axes_for(ax, size)
    if len(shown) == 1:
        _draw(ax, shown[0], low, high, derivatives)
        ax.set_xlabel("z")
        ax.legend()
        return ax
    ax.set_axis_off()
    floor = min(0.3, _LEGEND / size_of(ax)[1])
    for index, activation in enumerate(shown):
        panel = _panel(ax, rows, columns, index, floor)
        curves = _draw(panel, activation, low, high, derivatives)
    ax.legend(handles=curves, loc="lower center", ncols=2, frameon=False, borderpad=0)
    return ax


def _chosen(names: Any) -> list[Activation]:
    """The activations that `names` mean, checked."""
    if names is None:
        names = [name for name, info in _registry.activations().items() if info.elementwise]
    elif isinstance(names, (str, Activation)):
        names = [names]
    elif not isinstance(names, Sequence):
        raise TypeError(f"names must be names of activations, got {names!r}")
    found = [activations.get(name) for name in names]
    if not found:
        raise ValueError("names must name at least one activation, got none")
    for activation in found:
        if not activation.elementwise:
            raise ValueError(
                f"names must be elementwise activations, got {activation.name!r}, which works on "
                "whole rows"
            )
    return found


def _range(limits: Any) -> tuple[float, float]:
    """Two numbers, the smaller one first."""
    if not isinstance(limits, Sequence) or len(limits) != 2:
        raise TypeError(f"limits must be two numbers such as (-4, 4), got {limits!r}")
    low, high = (check_float(one, "each of limits") for one in limits)
    if low >= high:
        raise ValueError(f"limits must be two numbers, the smaller one first, got {limits!r}")
    return low, high


def _grid(n: int) -> tuple[int, int]:
    """Rows and columns for n panels, wider than high and with few places left over."""
    rows = math.ceil(n / min(_MOST_COLUMNS, math.ceil(math.sqrt(1.6 * n))))
    return rows, math.ceil(n / rows)


def _panel(ax: Axes, rows: int, columns: int, index: int, floor: float) -> Axes:
    """Panel `index` of a grid inside `ax` above `floor`, filled row by row from the top."""
    width = 1 / (columns + (columns - 1) * _GAPS[0])
    height = (1 - floor) / (rows + (rows - 1) * _GAPS[1])
    row, column = divmod(index, columns)
    left = column * width * (1 + _GAPS[0])
    bottom = 1 - height - row * height * (1 + _GAPS[1])
    panel = ax.inset_axes((left, bottom, width, height))
    panel.tick_params(labelsize=7)
    panel.title.set_fontsize(9)
    return panel


def _draw(
    ax: Axes, activation: Activation, low: float, high: float, derivatives: bool
) -> list[Line2D]:
    """Draw one activation's curves on the axes of z = 0 and g = 0, and return them."""
    z = np.linspace(low, high, _N_POINTS)
    values = [activation(z)]
    ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    ax.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    curves = ax.plot(z, values[0], color=PALETTE["blue"], label="g(z)")
    if derivatives:
        values.append(ops.activation_grad(z, activation))
        curves += ax.plot(z, values[1], "--", color=PALETTE["vermilion"], label="g'(z)")
    ends = [np.clip(end, low, high) for end in (np.min(values), np.max(values))]
    margin = 0.06 * max(float(ends[1] - ends[0]), 1e-3)
    ax.set_xlim(low, high)
    ax.set_ylim(ends[0] - margin, ends[1] + margin)
    ax.set_title(_title(activation))
    return curves


def _title(activation: Activation) -> str:
    """Its name, and the parameters that are not the core's defaults."""
    defaults = _registry.activations()[activation.name].parameters
    changed = [f"{k}={v:g}" for k, v in activation.parameters.items() if v != defaults[k]]
    return "\n".join([activation.name, ", ".join(changed)] if changed else [activation.name])
