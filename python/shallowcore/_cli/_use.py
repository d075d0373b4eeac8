"""Commands on trained models: predict, evaluate, info and export."""

from __future__ import annotations

import argparse
import csv
import sys
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

import shallowcore
from shallowcore._cli import _saved, _scores, _tables
from shallowcore._cli._messages import OK, UsageError, check_output, note, print_json, table
from shallowcore._cli._train import describe_task, network
from shallowcore._preprocessing import (
    DROP,
    Category,
    Preprocessing,
    Table,
    Target,
    complete,
    listed,
    missing,
    text_of,
)

_PREDICTION = "prediction"


def _aligned(name: str, saved: _saved.TableModel, table: Table, also: tuple[str, ...]) -> Table:
    """Find the training's columns; other ones are named and left out."""
    for one in table.notes:
        note(one)
    learned = saved.preprocessing
    try:
        aligned = learned.align(table)
    except LookupError as error:
        raise ValueError(f"{name}: {error.args[0]}") from None
    known = {column.name for column in learned.columns} | {learned.target.name, *also}
    others = [column for column in aligned.columns if column not in known]
    if others and table.named:
        note(f"columns that the training did not use are left out: {listed(others)}")
    return aligned


# --- predict --------------------------------------------------------------------------------------
def predict(options: argparse.Namespace) -> int:
    """Print or write a prediction for each row."""
    _saved.check_name(options.model)
    if options.json and options.output is not None:
        raise UsageError("--json prints to the standard output: not with --output")
    check_output("--output", options.output, [".csv", ".tsv"])
    saved = _saved.load(options.model)
    target = saved.preprocessing.target
    if options.proba and not target.classes:
        raise UsageError(
            f"--proba is for classes; {options.model} predicts the number {target.name!r}"
        )
    table = _aligned(options.data, saved, _tables.read(options.data), ())
    outputs = saved.outputs(table)
    predicted = _labels(target, outputs)
    if options.json:
        predicted = predicted if target.classes else [float(one) for one in predicted]
        content: dict[str, Any] = {
            "command": "predict",
            "target": target.name,
            "predictions": predicted,
        }
        if options.proba:
            content |= {"classes": list(target.classes), "probabilities": outputs.tolist()}
        print_json(content)
        return OK
    probabilities = outputs if options.proba else None
    if options.output is None:
        _write(sys.stdout, ",", target, predicted, probabilities)
        return OK
    separator = "\t" if options.output.endswith(".tsv") else ","
    with open(options.output, "w", newline="", encoding="utf-8") as file:
        _write(file, separator, target, predicted, probabilities)
    return OK


def _labels(target: Target, outputs: NDArray[np.floating[Any]]) -> list[Any]:
    """Classes or numbers that outputs mean; numbers of their dtype, which print without excess."""
    if target.classes:
        return [target.classes[i] for i in outputs.argmax(axis=1)]
    return list(outputs[:, 0])


def _write(
    file: TextIO,
    separator: str,
    target: Target,
    predicted: list[Any],
    probabilities: NDArray[np.floating[Any]] | None,
) -> None:
    """Write a header and a line for each row."""
    writer = csv.writer(file, delimiter=separator, lineterminator="\n")
    header = [_PREDICTION]
    rows = [[one] for one in predicted]
    if probabilities is not None:
        header += [f"probability_{text_of(label)}" for label in target.classes]
        rows = [[*row, *more] for row, more in zip(rows, probabilities, strict=True)]
    writer.writerow(header)
    writer.writerows(rows)


# --- evaluate -------------------------------------------------------------------------------------
def evaluate(options: argparse.Namespace) -> int:
    """Print the figures of a model on a table that has the targets."""
    saved = _saved.load(options.model)
    learned = saved.preprocessing
    table = _tables.read(options.data)
    try:
        name = table.find(learned.target.name if options.target is None else options.target)
    except LookupError as error:
        raise UsageError(f"{options.data}: {error.args[0]}") from None
    values = table.columns[name]
    features = {key: column for key, column in table.columns.items() if key != name}
    rest = Table(features, table.n_rows, table.named, table.notes)
    rest = _aligned(options.data, saved, rest, (name,))
    kept = ~missing(values)
    if learned.policy == DROP:
        kept &= complete(rest, [column.name for column in learned.columns])
    if not kept.all():
        note(f"{int((~kept).sum())} of {len(kept)} rows are left out: they lack values")
    if not kept.any():
        raise ValueError(f"{options.data}: no row has a value in {name!r}")
    y = Target(name, learned.target.classes).encode(values[kept])
    outputs = saved.outputs(rest.rows(kept))
    figures = _scores.score(learned.target, y, outputs)
    if options.json:
        content: dict[str, Any] = {
            "command": "evaluate",
            "task": learned.target.task,
            "rows": len(y),
            "metrics": _scores.finite(figures),
        }
        if learned.target.classes:
            content["classes"] = list(learned.target.classes)
            content["confusion_matrix"] = _scores.confusion(learned.target, y, outputs).tolist()
            content["by_class"] = _scores.by_class(learned.target, y, outputs, as_text=False)
        print_json(content)
        return OK
    print(f"{options.data}: {len(y)} rows, {describe_task(learned.target)}\n")
    print(_scores.show({"value": figures}))
    report = _scores.by_class(learned.target, y, outputs, as_text=True)
    if report is not None:
        print(f"\n{report.rstrip()}")
    return OK


# --- info -----------------------------------------------------------------------------------------
def info(options: argparse.Namespace) -> int:
    """Show the package, or a model: architecture, preprocessing, figures of its training."""
    if options.model is None:
        config = shallowcore.show_config("dicts" if options.json else "stdout")
        if config is not None:
            print_json(config)
        return OK
    model = _saved.load_plain(options.model)
    found = _saved.load_preprocessing(options.model)
    if options.json:
        print_json(
            {
                "model": options.model,
                "network": network(model),
                "parameters": model.count_params(),
                "dtype": model.dtype,
                "preprocessing": None if found is None else found[0].describe(),
                "inputs": None if found is None else found[0].inputs,
                "training": None if found is None else found[1],
            }
        )
        return OK
    model.summary()
    print()
    if found is None:
        print("no preprocessing: `shallowcore train` did not write this file")
        return OK
    learned, record = found
    print(f"task      {describe_task(learned.target)}")
    if learned.target.classes:
        print(f"classes   {', '.join(text_of(label) for label in learned.target.classes)}")
    print(f"missing   {learned.policy}")
    rows = ", ".join(f"{n} {name}" for name, n in record.get("rows", {}).items())
    print(f"training  {record.get('epochs')} epochs ({record.get('stop_reason')}), rows: {rows}\n")
    print(table([["column", "kind", "missing is"], *map(_column, learned.columns)]))
    metrics = record.get("metrics", {})
    if metrics:
        shown = {
            name: {key: np.nan if v is None else v for key, v in figures.items()}
            for name, figures in metrics.items()
        }
        print(f"\n{_scores.show(shown)}")
    return OK


def _column(column: Any) -> list[str]:
    fill = "refused" if column.fill is None else text_of(column.fill)
    if isinstance(column, Category):
        return [column.name, f"{len(column.categories)} categories", fill]
    return [column.name, "number", fill]


# --- export ---------------------------------------------------------------------------------------
def export(options: argparse.Namespace) -> int:
    """Write a model as ONNX or as a C header; say which inputs it takes."""
    check_output("--onnx", options.onnx, [".onnx"])
    check_output("--c-header", options.c_header, [".h"])
    model: Any = _saved.load_plain(options.model)
    if not hasattr(model, "export"):
        raise ValueError("this version of shallowcore cannot export models")
    found = _saved.load_preprocessing(options.model)
    name = options.onnx if options.c_header is None else options.c_header
    model.export(name)
    inputs = None if found is None else found[0].inputs
    outputs = [] if found is None else _output_names(found[0])
    if options.json:
        content = {"command": "export", "written": name, "inputs": inputs, "outputs": outputs}
        print_json(content)
        return OK
    print(f"written: {name}")
    if inputs is None:
        return OK
    print("\nIt takes encoded inputs, in this order: a category is 1 where it is meant, else 0;")
    print("missing values are to be filled in; numbers go in as they are, it standardises them.\n")
    for i, one in enumerate(inputs):
        print(f"{i:4d}  {one}")
    print(f"\nIt gives: {', '.join(outputs)}")
    return OK


def _output_names(learned: Preprocessing) -> list[str]:
    if learned.target.classes:
        return [f"probability of {text_of(label)}" for label in learned.target.classes]
    return [learned.target.name]
