"""What hidden units look for: their kernels as images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shallowcore._arrays import as_array, check_number_type
from shallowcore._checks import check_int, check_shape
from shallowcore.layers import Dense
from shallowcore.plotting._axes import PALETTE, axes_for, diverging, import_matplotlib, size_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inputs that are a square of at least this many are taken for one.
_LEAST_SQUARE = 64
_LEAST_LETTERS = 3.0  # points


def plot_weights(
    model: Any,
    layer: int | str | None = None,
    *,
    shape: tuple[int, int] | None = None,
    max_units: int = 64,
    ax: Axes | None = None,
) -> Axes:
    """Draw the kernel of each unit of a layer as an image: what the unit looks for.

    Among inputs of a given norm, a unit's z = x w + b is greatest where x is a multiple of its
    kernel w.  All images have one scale of colours, symmetrical about a white 0: blue weights are
    positive, orange-red ones negative.

    Parameters
    ----------
    model : Sequential, estimator with `coefs_` or array-like, shape (n_inputs, n_units)
        Whose weights to draw.
    layer : int or str, optional
        Place or name of a Dense layer in `model.layers`, place of a matrix in `coefs_`; the first
        one by default.
    shape : (int, int), optional
        Height and width of an image.  By default those of the model's input, if it has two; a
        square, for 64 inputs (8 x 8) and larger squares; else one pixel wide.
    max_units : int, default 64
        Draw the first units only, if there are more.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        With one image a unit in `ax.images`, and a colour bar beside it.

    Raises
    ------
    ImportError
        Without matplotlib.
    RuntimeError
        If the model has no weights yet.
    TypeError, ValueError
        If there is no such layer or it is no Dense, or an image of this shape has another number
        of pixels than the layer has inputs.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from shallowcore import layers, models, plotting
    >>> model = models.Sequential([layers.Input((64,)), layers.Dense(12, "relu")], seed=0)
    >>> ax = plotting.plot_weights(model, ax=Figure().subplots())
    >>> len(ax.images), ax.images[0].get_array().shape
    (12, (8, 8))
    """
    kernel, title, input_shape = _find(model, layer)
    n_inputs, n_units = kernel.shape
    height, width = _image_shape(shape, n_inputs, input_shape)
    n_shown = min(n_units, check_int(max_units, "max_units", 1))
    ax = axes_for(ax)
    reach = float(
        np.max(np.abs(kernel[:, :n_shown]), initial=0.0, where=np.isfinite(kernel[:, :n_shown]))
    )
    _draw(ax, kernel[:, :n_shown].T.reshape(n_shown, height, width), reach or 1.0)
    if n_shown < n_units:
        title += ": " * bool(title) + f"the first {n_shown} of {n_units} units"
    ax.set_title(title, parse_math=False)
    ax.figure.colorbar(ax.images[0], ax=ax, label="weight", shrink=0.8)
    return ax


def _find(model: Any, layer: Any) -> tuple[NDArray[Any], str, tuple[Any, ...]]:
    """The kernel, what it is called, and the shape of one of its inputs."""
    if hasattr(model, "layers"):
        return _of_layers(model, layer)
    if hasattr(model, "coefs_"):
        place = check_int(0 if layer is None else layer, "layer", 0, len(model.coefs_) - 1)
        kernel = np.asarray(model.coefs_[place])
        return kernel, f"coefs_[{place}]", (kernel.shape[0],)
    if layer is not None:
        raise ValueError(
            f"layer must be None for an array or a model without layers, got {layer!r}"
        )
    kernel = check_number_type(as_array(model, "model"), "model")
    if kernel.ndim != 2 or kernel.size == 0:
        raise ValueError(
            f"model must be a model, or an array of shape (n_inputs, n_units), got {kernel.shape}"
        )
    return kernel, "", (kernel.shape[0],)


def _of_layers(model: Any, layer: Any) -> tuple[NDArray[Any], str, tuple[Any, ...]]:
    """As `_find`, for a Sequential."""
    known = list(model.layers)
    dense = [one for one in known if isinstance(one, Dense)]
    if layer is None:
        found = dense[0] if dense else None
    elif isinstance(layer, str):
        found = next((one for one in known if one.name == layer), None)
    else:
        place = check_int(layer, "layer", -len(known), len(known) - 1)
        found = known[place]
    if not isinstance(found, Dense):
        names = ", ".join(f"{one.name!r} ({known.index(one)})" for one in dense) or "none"
        raise ValueError(
            f"layer must be a Dense layer of the model, which has {names}; got {layer!r}"
        )
    is_first = found is dense[0]
    shape = tuple(model.input_shape[1:]) if is_first else (found.kernel.shape[0],)
    return found.kernel, str(found.name), shape


def _image_shape(shape: Any, n_inputs: int, input_shape: tuple[Any, ...]) -> tuple[int, int]:
    """Height and width of a unit's image."""
    if shape is None:
        side = math.isqrt(n_inputs)
        if len(input_shape) == 2:
            return input_shape
        return (side, side) if n_inputs == side**2 >= _LEAST_SQUARE else (n_inputs, 1)
    checked = check_shape(shape, "shape")
    if len(checked) != 2 or math.prod(checked) != n_inputs:
        raise ValueError(
            f"shape must be height and width, whose product is the number of inputs, {n_inputs}; "
            f"got {shape!r}"
        )
    return checked[0], checked[1]


def _draw(ax: Axes, images: NDArray[Any], reach: float) -> None:
    """Draw images (n, height, width) row by row, each with its number."""
    n, height, width = images.shape
    gap = 0.12 * math.sqrt(height * width)
    room = 1.7 * gap if n > 1 else 0.0  # above an image, for its number
    right, down = width + gap, height + room + gap  # from one image to the next
    size = size_of(ax)
    rows, columns = _grid(n, size[0] / size[1] * down / right)
    letters = 0.9 * 72 * room * min(size[0] / (columns * right), size[1] / (rows * down))
    colours = diverging("negative_positive", PALETTE["vermilion"], PALETTE["blue"])
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        left, top = column * right, row * down + room
        ax.imshow(
            image,
            cmap=colours,
            vmin=-reach,
            vmax=reach,
            extent=(left, left + width, top + height, top),
            interpolation="nearest",
        )
        ax.add_patch(_frame(left, top, width, height))
        if n > 1 and letters > _LEAST_LETTERS:
            middle, above = left + width / 2, top - 0.15 * gap
            size_of_number = min(7.0, letters)
            ax.text(middle, above, str(index), ha="center", va="bottom", fontsize=size_of_number)
    ax.set_xlim(-gap / 2, columns * right - gap / 2)
    ax.set_ylim(rows * down - gap / 2, -gap / 2)
    ax.set_axis_off()


def _grid(n: int, wide: float) -> tuple[int, int]:
    """Rows and columns for n images, about `wide` times as many columns as rows."""
    columns = min(n, max(1, round(math.sqrt(n * wide))))
    rows = math.ceil(n / columns)
    return rows, math.ceil(n / rows)


def _frame(left: float, top: float, width: float, height: float) -> Any:
    """A thin line around an image: white ones would not be seen."""
    patches = import_matplotlib("matplotlib.patches")
    return patches.Rectangle((left, top), width, height, fill=False, edgecolor="0.6", linewidth=0.5)
