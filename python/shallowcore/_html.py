"""What notebooks show of models and trainings: HTML that needs nothing else.

Colours of texts and lines are the page's own, so that it can be read in dark themes, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from shallowcore import _summary
from shallowcore._initializer import Shape
from shallowcore.layers import Layer
from shallowcore.plotting import PALETTE

if TYPE_CHECKING:
    from shallowcore._compiled import Compiled
    from shallowcore.callbacks import History

# Of the curve, in pixels: the whole, and the margins for numbers.
_WIDTH, _HEIGHT = 420, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 10, 22, 22
# More points than pixels would not be seen.
_MOST_POINTS = 400
# Losses that differ by more than this factor are drawn on a logarithmic axis.
_WIDE = 50.0


def model_page(
    name: str,
    dtype: str,
    layers: Sequence[Layer],
    shapes: Sequence[Shape] | None,
    itemsize: int,
    compiled: Compiled | None,
) -> str:
    """A model as `summary` has it, with activations, loss and optimizer."""
    first, *others = _summary.COLUMNS
    rows = []
    for row in _summary.rows(layers, shapes):
        title, *cells = row.cells
        rows.append([title, row.activation, *cells])
    totals = _summary.totals(layers, shapes, itemsize)
    lines = [_summary.one_line(layers, shapes).replace("->", "\N{RIGHTWARDS ARROW}") + f", {dtype}"]
    lines += [", ".join(f"{kind}: {count}" for kind, count in totals)]
    if compiled is None:
        lines.append("not compiled")
    else:
        trained = [f"loss {compiled.loss!r}", f"optimizer {compiled.optimizer!r}"]
        lines.append(", ".join(trained + [f"metric {one.name}" for one in compiled.metrics]))
    table = _table([first, "Activation", *others], rows, n_texts=3)
    return _page(f'Model: "{name}"', table, lines)


def history_page(history: History, headline: str | None) -> str:
    """A training: why it stopped, first and last figures, the curve of its loss."""
    rows = [
        [name, f"{values[0]:.4g}", f"{values[-1]:.4g}"]
        for name, values in history.history.items()
        if values
    ]
    title = f"Training, {len(history.epoch)} epochs"
    table = _table(["", "first", "last"], rows, n_texts=1) if rows else ""
    return _page(title, table + _curve(history.history), [headline] if headline else [])


def _page(title: str, body: str, lines: Iterable[str]) -> str:
    """Title, body (HTML already) and lines of text below each other."""
    below = "".join(f"<div>{escape(line)}</div>" for line in lines)
    return f"<div><strong>{escape(title)}</strong>{body}{below}</div>"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], n_texts: int) -> str:
    """A table of texts; all columns but the first `n_texts` hold numbers."""

    def cells(tag: str, texts: Sequence[str]) -> str:
        sides = ["left"] * n_texts + ["right"] * (len(texts) - n_texts)
        return "".join(
            f'<{tag} style="text-align:{side};padding:0.1em 0.6em">{escape(text)}</{tag}>'
            for side, text in zip(sides, texts, strict=True)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells('th', header)}</tr></thead><tbody>{body}</tbody></table>"


def _curve(records: Mapping[str, Sequence[float]]) -> str:
    """The loss by epoch as SVG, of validation dashed; nothing where there is nothing to draw."""
    curves = {name: records[name] for name in ("loss", "val_loss") if records.get(name)}
    finite = [value for values in curves.values() for value in values if math.isfinite(value)]
    n = max(map(len, curves.values()), default=0)
    if not finite or n < 2:
        return ""
    low, high = min(finite), max(finite)
    legend = "loss" if len(curves) == 1 else "loss, val_loss (dashed)"
    scale: Callable[[float], float] = float
    if low > 0 and high > _WIDE * low:
        scale, legend = math.log10, legend + ", logarithmic"
    blue, dashes = PALETTE["blue"], {"loss": "none", "val_loss": "5 3"}
    drawn = "".join(
        f'<path d="{_path(values, n, scale(low), scale(high), scale)}" stroke="{blue}"'
        f' stroke-width="1.5" stroke-dasharray="{dashes[name]}"/>'
        for name, values in curves.items()
    )
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    frame = f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" stroke="currentColor"/>'
    texts = [
        (_LEFT - 6, _TOP + 6, "end", f"{high:.4g}"),
        (_LEFT - 6, bottom, "end", f"{low:.4g}" if low < high else ""),
        (_LEFT, _HEIGHT - 6, "middle", "1"),
        (right, _HEIGHT - 6, "end", f"{n} epochs"),
        (_LEFT, _TOP - 9, "start", legend),
    ]
    written = "".join(
        f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>'
        for x, y, anchor, text in texts
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{legend} by epoch"'
        f' font-family="sans-serif" font-size="11" fill="currentColor"'
        f' style="display:block;max-width:100%">'
        f'<g fill="none">{frame}{drawn}</g>{written}</svg>'
    )


def _path(
    values: Sequence[float], n: int, low: float, high: float, scale: Callable[[float], float]
) -> str:
    """Points joined by lines, with gaps where a value is not finite."""
    across = (_WIDTH - _LEFT - _RIGHT) / (n - 1)
    up = (_HEIGHT - _TOP - _BOTTOM) / (high - low or 1.0)
    step = math.ceil(len(values) / _MOST_POINTS)
    # The last epoch is among them.
    places = range(len(values) - 1, -1, -step)[::-1]
    parts, pen = [], "M"
    for i in places:
        if not math.isfinite(values[i]):
            pen = "M"
            continue
        y = _HEIGHT - _BOTTOM - (scale(values[i]) - low) * up
        parts.append(f"{pen}{_LEFT + i * across:.1f} {y:.1f}")
        pen = "L"
    return "".join(parts)
