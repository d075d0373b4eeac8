"""What all plots share: the palette, matplotlib when it is needed, Axes to draw on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shallowcore._optional import import_optional

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

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


def import_matplotlib(module: str) -> Any:
    """Return a module such as "matplotlib.pyplot", or ImportError naming the extra."""
    return import_optional(module, "a plot")


def axes_for(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    """`ax`, or the Axes of a new figure of `size` (inches; matplotlib's own by default)."""
    if ax is None:
        pyplot = import_matplotlib("matplotlib.pyplot")
        new: Axes = pyplot.subplots(figsize=size, layout="constrained")[1]
        return new
    expected: type = import_matplotlib("matplotlib.axes").Axes
    if not isinstance(ax, expected):
        raise TypeError(f"ax must be matplotlib Axes, got {type(ax).__name__}")
    return ax


def size_of(ax: Axes) -> tuple[float, float]:
    """Width and height in inches, with what is on the figure so far."""
    figure: Any = ax.figure.canvas.figure  # the whole one, of a subfigure too
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    box = ax.get_window_extent()
    return box.width / figure.dpi, box.height / figure.dpi


def colours(n: int) -> list[str]:
    """The palette, again from its beginning where it is too short."""
    known = list(PALETTE.values())
    return [known[index % len(known)] for index in range(n)]


def diverging(name: str, below: str, above: str) -> Colormap:
    """Colours from `below` over white to `above`."""
    colormap = import_matplotlib("matplotlib.colors").LinearSegmentedColormap
    found: Colormap = colormap.from_list(name, [below, "#FFFFFF", above])
    return found


def one_line_of(name: str, most: int) -> str:
    """A name on one line, with its middle left out where it has more than `most` letters."""
    name = " ".join(name.split())
    if len(name) <= most:
        return name
    head = most // 2
    return f"{name[:head]}…{name[len(name) - (most - 1 - head) :]}"
