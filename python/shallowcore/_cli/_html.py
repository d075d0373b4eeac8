"""The report of a training: one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from shallowcore._cli import _pictures, _scores
from shallowcore._cli._train import Trained, describe_task, network
from shallowcore._preprocessing import Category, missing, text_of

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em;
       color: #1b1b1b; background: #fff }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }
table { border-collapse: collapse } td, th { padding: .2em .8em; text-align: right }
th { font-weight: 600 } tr > :first-child { text-align: left }
thead { border-bottom: 1px solid #999 } svg { max-width: 100%; height: auto }
.scroll { overflow-x: auto }
"""

_MOST_COLUMNS = 200
_MOST_CLASSES = 40


def write(trained: Trained, name: str) -> None:
    """Write the page."""
    with open(name, "w", encoding="utf-8") as file:
        file.write(_page(trained))


def _page(trained: Trained) -> str:
    target = trained.saved.preprocessing.target
    title = f"shallowcore: {describe_task(target)}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(one)}</p>" for one in _summary(trained)),
        "<h2>Figures</h2>",
        _figures(trained),
        "<h2>Loss</h2>",
        _pictures.loss_svg(trained),
    ]
    if target.classes:
        parts += [f"<h2>Confusion matrix ({trained.shown})</h2>", _confusion(trained)]
    else:
        parts += [f"<h2>Predictions ({trained.shown})</h2>", _pictures.predicted_svg(trained)]
    parts += ["<h2>Columns</h2>", _columns(trained)]
    body = "\n".join(parts)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _summary(trained: Trained) -> list[str]:
    saved, history = trained.saved, trained.history
    rows = ", ".join(f"{len(split.y)} {name}" for name, split in trained.splits.items())
    return [
        f"Data: {trained.source}, {trained.table.n_rows} rows ({rows}).",
        f"Network: {network(saved.model)}, {saved.model.count_params()} weights, "
        f"{saved.model.dtype}, seed {saved.model.seed}.",
        f"Training: {saved.model.optimizer!r}, {len(history.epoch)} epochs in "
        f"{history.seconds:.2f} s; {saved.record['stop_reason']}.",
        *trained.notes,
    ]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML already."""
    head = "".join(f"<th>{cell}</th>" for cell in header)
    lines = "\n".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _figures(trained: Trained) -> str:
    names = list(next(iter(trained.figures.values())))
    rows = [
        [_scores.TITLES[name], *(f"{one[name]:.4g}" for one in trained.figures.values())]
        for name in names
    ]
    return _table(["", *trained.figures], rows)


def _confusion(trained: Trained) -> str:
    target = trained.saved.preprocessing.target
    if len(target.classes) > _MOST_CLASSES:
        return f"<p>{len(target.classes)} classes: too many to show.</p>"
    split, outputs = trained.splits[trained.shown], trained.outputs[trained.shown]
    counts = _scores.confusion(target, split.y, outputs)
    labels = [escape(text_of(label)) for label in target.classes]
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    lines = []
    for i, label in enumerate(labels):
        cells = [
            f'<td style="background:rgba({"0,114,178" if i == j else "213,94,0"},'
            f'{0.6 * share[i, j]:.2f})">{counts[i, j]}</td>'
            for j in range(len(labels))
        ]
        lines.append(f"<tr><td>{label}</td>{''.join(cells)}</tr>")
    head = "".join(f"<th>{label}</th>" for label in labels)
    return (
        '<div class="scroll"><table><thead><tr><th>true \\ predicted</th>'
        f"{head}</tr></thead>\n<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _columns(trained: Trained) -> str:
    rows = []
    learned = trained.saved.preprocessing.columns
    for column in learned[:_MOST_COLUMNS]:
        values = trained.table.columns[column.name]
        absent = missing(values)
        if isinstance(column, Category):
            shown = ", ".join(column.categories[:8]) + (", ..." if column.categories[8:] else "")
            what = [f"{len(column.categories)} categories", escape(shown)]
        else:
            here = values[~absent]
            span = f"{here.min():.4g} to {here.max():.4g}, mean {here.mean():.4g}"
            what = ["number", span]
        rows.append([escape(column.name), *what, str(int(absent.sum()))])
    more = len(learned) - _MOST_COLUMNS
    tail = f"<p>and {more} more</p>" if more > 0 else ""
    return _table(["column", "kind", "values", "missing"], rows) + tail
