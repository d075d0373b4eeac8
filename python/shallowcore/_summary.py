"""What `summary`, `repr` and the pictures of a model say about its layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shallowcore._checks import batch_shape
from shallowcore._initializer import Shape
from shallowcore.layers import Activation, Dense, Layer

COLUMNS = ("Layer (type)", "Output Shape", "Param #")


def n_parameters(layer: Layer, input_shape: Shape) -> int:
    """Count the weights of a layer with this input."""
    return sum(math.prod(shape) for shape in layer.parameter_shapes(input_shape))


@dataclass(frozen=True)
class Row:
    """What is said of one layer; shape and count are None while they are not known."""

    name: str
    kind: str
    short: str
    activation: str
    shape: Shape | None
    n_parameters: int | None

    @property
    def cells(self) -> tuple[str, str, str]:
        """Texts under `COLUMNS`."""
        title = f"{self.name} ({self.kind})"
        if self.shape is None or self.n_parameters is None:
            return title, "?", "0 (unbuilt)"
        return title, batch_shape(self.shape), f"{self.n_parameters:,}"


def rows(layers: Sequence[Layer], shapes: Sequence[Shape] | None) -> list[Row]:
    """Describe every layer.

    `shapes` are those of the input and of every layer's output, None while they are not known.
    """
    found = []
    for i, layer in enumerate(layers):
        shape = None if shapes is None else shapes[i + 1]
        count = None if shapes is None else n_parameters(layer, shapes[i])
        activation = layer.activation.name if isinstance(layer, (Dense, Activation)) else ""
        kind = type(layer).__name__
        found.append(Row(str(layer.name), kind, _short(layer), activation, shape, count))
    return found


def totals(
    layers: Sequence[Layer], shapes: Sequence[Shape] | None, itemsize: int
) -> list[tuple[str, str]]:
    """Numbers of weights and their size: of all, of those that are trained and the others."""
    counts = [
        (layer, row.n_parameters or 0)
        for layer, row in zip(layers, rows(layers, shapes), strict=True)
    ]
    total = sum(count for _, count in counts)
    trained = sum(count for layer, count in counts if layer.learns)
    kinds = {"Total": total, "Trainable": trained, "Non-trainable": total - trained}
    return [
        (f"{kind} params", f"{count:,} ({_bytes(count * itemsize)})")
        for kind, count in kinds.items()
    ]


def table(
    name: str | None, layers: Sequence[Layer], shapes: Sequence[Shape] | None, itemsize: int
) -> str:
    """Layers with output shapes and numbers of weights, in the spirit of Keras' summary."""
    cells = [row.cells for row in rows(layers, shapes)]
    widths = [max(len(row[i]) for row in [COLUMNS, *cells]) + 4 for i in range(3)]
    width = max(65, sum(widths))
    widths[0] += width - sum(widths)
    lines = [f'Model: "{name}"', "_" * width, _row(COLUMNS, widths), "=" * width]
    lines += [_row(row, widths) for row in cells]
    lines.append("=" * width)
    lines += [f"{kind}: {count}" for kind, count in totals(layers, shapes, itemsize)]
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
