"""The tables that `summary` and `repr` of a model print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from shallowcore._checks import batch_shape
from shallowcore._initializer import Shape
from shallowcore.layers import Activation, Dense, Layer

_COLUMNS = ("Layer (type)", "Output Shape", "Param #")


def n_parameters(layer: Layer, input_shape: Shape) -> int:
    """Count the weights of a layer with this input."""
    return sum(math.prod(shape) for shape in layer.parameter_shapes(input_shape))


def table(
    name: str | None, layers: Sequence[Layer], shapes: Sequence[Shape] | None, itemsize: int
) -> str:
    """Layers with output shapes and numbers of weights, in the spirit of Keras' summary.

    `shapes` are those of the input and of every layer's output, None while they are not known.
    """
    rows: list[tuple[str, str, str]] = []
    total = fixed = 0
    for i, layer in enumerate(layers):
        title = f"{layer.name} ({type(layer).__name__})"
        if shapes is None:
            rows.append((title, "?", "0 (unbuilt)"))
            continue
        count = n_parameters(layer, shapes[i])
        total += count
        fixed += 0 if layer.learns else count
        rows.append((title, batch_shape(shapes[i + 1]), f"{count:,}"))
    widths = [max(len(row[i]) for row in [_COLUMNS, *rows]) + 4 for i in range(3)]
    width = max(65, sum(widths))
    widths[0] += width - sum(widths)
    lines = [f'Model: "{name}"', "_" * width, _row(_COLUMNS, widths), "=" * width]
    lines += [_row(row, widths) for row in rows]
    lines.append("=" * width)
    for title, count in (
        ("Total", total),
        ("Trainable", total - fixed),
        ("Non-trainable", fixed),
    ):
        lines.append(f"{title} params: {count:,} ({_bytes(count * itemsize)})")
    lines.append("_" * width)
    return "\n".join(lines)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """One line: text to the left, numbers to the right."""
    first, second, third = cells
    text = f" {first:<{widths[0] - 1}}{second:<{widths[1]}}{third:>{widths[2] - 1}}"
    return text


def _bytes(n: float) -> str:
    """Format a size in the unit that suits it: "1.55 MB"."""
    if n < 1024:
        return f"{n:.0f} B"
    units = ["KB", "MB", "GB", "TB"]
    power = min(int(math.log(n, 1024)), len(units))
    return f"{n / 1024**power:.2f} {units[power - 1]}"


def one_line(layers: Sequence[Layer], shapes: Sequence[Shape] | None) -> str:
    """Describe the network in short: "784 -> 512 relu -> 10 softmax"."""
    parts = [] if shapes is None else ["x".join(map(str, shapes[0]))]
    parts += [_short(layer) for layer in layers]
    return " -> ".join(parts) or "no layers"


def _short(layer: Any) -> str:
    """One layer in a word or two."""
    if isinstance(layer, Dense):
        return f"{layer.units} {layer.activation.name}"
    if isinstance(layer, Activation):
        return layer.activation.name
    return type(layer).__name__.lower()
