"""`shallowcore train`: a table in, a model with its figures out."""

from __future__ import annotations

import argparse
import contextlib
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import _core, _progress, callbacks, layers, optimizers
from shallowcore._cli import _scores, _tables
from shallowcore._cli._messages import INTERRUPTED, OK, UsageError, check_output, note, print_json
from shallowcore._cli._saved import TableModel
from shallowcore._files import SUFFIX
from shallowcore._preprocessing import (
    CLASSIFICATION,
    DROP,
    REFUSE,
    Preprocessing,
    Table,
    Target,
    complete,
    learn_target,
    refuse_missing,
)
from shallowcore._summary import one_line
from shallowcore.models import Sequential

# A column this many times farther from 0 than it is wide has few digits left in float32.
_FAR = 1e4

_MISSING_ADVICE = (
    ": fill them in (--missing impute: median, most frequent category) or leave these rows out "
    "(--missing drop)"
)


@dataclass(frozen=True)
class Split:
    """Rows of one side, encoded."""

    x: NDArray[np.float64]
    y: NDArray[Any]


@dataclass(frozen=True)
class Trained:
    """What came of a training, for whoever shows it."""

    saved: TableModel
    splits: dict[str, Split]
    outputs: dict[str, NDArray[np.floating[Any]]]
    figures: dict[str, dict[str, float]]
    history: callbacks.History
    table: Table
    source: str
    notes: list[str]
    interrupted: bool

    @property
    def shown(self) -> str:
        """The split whose details are shown."""
        return "validation" if "validation" in self.splits else "train"


def run(options: argparse.Namespace) -> int:
    """Train as the command line says; return the exit code."""
    check_output("--save", options.save, [SUFFIX])
    check_output("--report", options.report, [".html"])
    if options.plot is not None or options.report is not None:
        from shallowcore._cli import _pictures

        check_output("--plot", options.plot, _pictures.suffixes())
    table = _tables.read(options.data)
    trained = _train(options, table)
    if options.save is not None:
        trained.saved.save(options.save)
    drawn = bool(trained.history.epoch)  # Ctrl-C may come before the first one is whole
    if options.plot is not None and drawn:
        _pictures.plot(trained, options.plot)
    if options.report is not None and drawn:
        from shallowcore._cli import _html

        _html.write(trained, options.report)
    if options.json:
        print_json(_as_json(trained, options))
    else:
        _show(trained, options)
    if trained.interrupted:
        note(f"stopped by Ctrl-C; the model trained so far is in {options.save}")
        return INTERRUPTED
    return OK


# --- data -----------------------------------------------------------------------------------------
def _train(options: argparse.Namespace, table: Table) -> Trained:
    notes = list(table.notes)
    try:
        target_name = table.find(options.target)
        ignored = [table.find(name) for name in options.ignore]
    except LookupError as error:
        raise UsageError(f"{options.data}: {error.args[0]}") from None
    names = [name for name in table.columns if name not in (target_name, *ignored)]
    if not names:
        raise UsageError(f"{options.data}: no column is left to predict {target_name!r} from")
    rows = _usable(table, names, target_name, options.missing, notes)
    target = learn_target(target_name, rows.columns[target_name], options.task)
    y = target.encode(rows.columns[target_name])
    held = _held_out(y, options.validation, options.seed, target)
    learned = Preprocessing.learn(
        rows.rows(~held), names, target, options.missing, options.max_categories
    )
    splits = {}
    for name, which in (("train", ~held), ("validation", held)):
        if which.any():
            x, unknown = learned.encode(rows.rows(which))
            splits[name] = Split(x, y[which])
            notes += [
                f"column {column!r}: {n} {name} values are in no training row's category"
                for column, n in unknown.items()
            ]
    model = _make_model(options, learned, splits["train"].x)
    history, interrupted = _fit(options, model, splits, notes)
    outputs = {name: model.predict(split.x) for name, split in splits.items()}
    figures = _figures(target, splits, outputs)
    record = {
        "rows": {name: len(split.y) for name, split in splits.items()},
        "metrics": {name: _scores.finite(one) for name, one in figures.items()},
        "epochs": len(history.epoch),
        "stop_reason": "interrupted" if interrupted else history.stop_reason,
    }
    saved = TableModel(model, learned, record)
    return Trained(saved, splits, outputs, figures, history, rows, options.data, notes, interrupted)


def _figures(
    target: Target, splits: dict[str, Split], outputs: dict[str, Any]
) -> dict[str, dict[str, float]]:
    """Figures of each split, and of the trivial prediction for the last one."""
    found = {name: _scores.score(target, split.y, outputs[name]) for name, split in splits.items()}
    last = list(splits.values())[-1]
    trivial = _scores.Baseline.of(target, splits["train"].y).predict(len(last.y))
    return found | {"baseline": _scores.score(target, last.y, trivial)}


def _usable(table: Table, names: list[str], target: str, policy: str, notes: list[str]) -> Table:
    """Rows to work with: those that the policy keeps, all of them with a target."""
    if policy == REFUSE:
        refuse_missing(table, [*names, target], _MISSING_ADVICE)
        return table
    empty = [name for name in names if not complete(table, [name]).any()]
    if empty:
        raise ValueError(f"column {empty[0]!r} has no values at all: --ignore {empty[0]}")
    kept = complete(table, [*names, target] if policy == DROP else [target])
    dropped = table.n_rows - int(kept.sum())
    if dropped == table.n_rows:
        raise ValueError("every row has a missing value: nothing is left to train on")
    if dropped:
        what = "a missing value" if policy == DROP else "no target"
        notes.append(f"{dropped} of {table.n_rows} rows left out: they have {what}")
    return table.rows(kept)


def _held_out(y: NDArray[Any], fraction: float, seed: int, target: Target) -> NDArray[np.bool_]:
    """Which rows are for validation: drawn evenly along the sorted targets.

    So every class, and every range of numbers, is in it by its share; the first row of a class
    stays in the training.
    """
    n = len(y)
    drawn = np.random.default_rng(seed).permutation(n)
    order = drawn[np.argsort(y[drawn], kind="stable")]
    steps = np.floor((np.arange(n) + 1) * fraction) > np.floor(np.arange(n) * fraction)
    if target.task == CLASSIFICATION:
        steps &= np.append(False, y[order][1:] == y[order][:-1])
    held = np.zeros(n, np.bool_)
    held[order[steps]] = True
    if n - int(held.sum()) < 2 or (fraction > 0.0 and not held.any()):
        raise ValueError(
            f"{n} rows are too few: training needs 2, and --validation {fraction:g} leaves "
            f"{int(held.sum())} for validation (--validation 0 does without)"
        )
    return held


# --- the training ---------------------------------------------------------------------------------
def _make_model(
    options: argparse.Namespace, learned: Preprocessing, x: NDArray[np.float64]
) -> Sequential:
    """Inputs, standardised numbers, hidden layers, outputs; compiled."""
    means, variances = _core.column_moments(x)
    numbers = learned.is_number
    means[~numbers], variances[~numbers] = 0.0, 1.0
    variances[variances <= 0.0] = 1.0  # a constant column, or one whose spread is rounding
    far = bool((np.abs(means) > _FAR * np.sqrt(variances)).any())
    dtype = options.dtype or ("float64" if far else "float32")
    classes = len(learned.target.classes)
    last = layers.Dense(classes, "softmax") if classes else layers.Dense(1)
    model = Sequential(
        [
            layers.Input((x.shape[1],)),
            layers.Normalization(mean=means, variance=variances),
            *(layers.Dense(units, options.activation) for units in options.hidden),
            last,
        ],
        dtype=dtype,
        seed=options.seed,
    )
    optimizer = optimizers.get(options.solver)
    if options.learning_rate is not None:
        if not hasattr(optimizer, "learning_rate"):
            raise UsageError(f"--learning-rate: {options.solver} chooses its steps itself")
        optimizer.learning_rate = options.learning_rate
    loss = "sparse_categorical_crossentropy" if classes else "mse"
    metrics = ["accuracy"] if classes else ["mae"]
    model.compile(optimizer, loss, metrics=metrics, standardize_targets=not classes)
    return model


def _fit(
    options: argparse.Namespace, model: Sequential, splits: dict[str, Split], notes: list[str]
) -> tuple[callbacks.History, bool]:
    """Train; return what was recorded, and whether Ctrl-C ended it."""
    train, validation = splits["train"], splits.get("validation")
    stop = callbacks.EarlyStopping(patience=options.patience, restore_best_weights=True)
    interrupted = False
    with _collected(notes):
        try:
            model.fit(
                train.x,
                train.y,
                batch_size=options.batch_size,
                epochs=options.epochs,
                verbose=_verbose(),
                validation_data=None if validation is None else (validation.x, validation.y),
                callbacks=[] if validation is None else [stop],
            )
        except KeyboardInterrupt:
            if options.save is None:
                raise
            interrupted = True
    history = model.history
    assert history is not None
    if history.stop_reason == "diverged":
        raise ValueError(
            "training diverged: try a lower --learning-rate, or another --solver or --activation"
        )
    return history, interrupted


def _verbose() -> int:
    """A bar where it can move and may be shown, else nothing."""
    if os.environ.get("NO_COLOR") or not _progress.is_terminal():
        return _progress.SILENT
    return _progress.resolve_verbose("auto") % _progress.LINES


@contextlib.contextmanager
def _collected(notes: list[str]) -> Iterator[None]:
    """Warnings of a training become notes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    notes += [str(one.message) for one in caught]


# --- what is shown --------------------------------------------------------------------------------
def _as_json(trained: Trained, options: argparse.Namespace) -> dict[str, Any]:
    saved, target = trained.saved, trained.saved.preprocessing.target
    content = {
        "command": "train",
        "task": target.task,
        "target": target.name,
        "classes": list(target.classes),
        "inputs": saved.preprocessing.inputs,
        "network": network(saved.model),
        "parameters": saved.model.count_params(),
        "dtype": saved.model.dtype,
        "seed": options.seed,
        **saved.record,
        "seconds": trained.history.seconds,
        "history": {
            name: [v if np.isfinite(v) else None for v in values]
            for name, values in trained.history.history.items()
        },
        "notes": trained.notes,
        "saved": options.save,
    }
    if target.task == CLASSIFICATION:
        split, outputs = trained.splits[trained.shown], trained.outputs[trained.shown]
        content["confusion_matrix"] = _scores.confusion(target, split.y, outputs).tolist()
        content["by_class"] = _scores.by_class(target, split.y, outputs, as_text=False)
    return content


def network(model: Sequential) -> str:
    """The network on one line."""
    return one_line(model.layers, model._stack.shapes())


def describe_task(target: Target) -> str:
    """Task and target on one line."""
    if target.task == CLASSIFICATION:
        return f"classification of {target.name!r}, {len(target.classes)} classes"
    return f"regression of {target.name!r}"


def _show(trained: Trained, options: argparse.Namespace) -> None:
    saved, history = trained.saved, trained.history
    learned = saved.preprocessing
    rows = ", ".join(f"{len(split.y)} {name}" for name, split in trained.splits.items())
    print(f"data      {trained.source}: {trained.table.n_rows} rows ({rows})")
    print(f"columns   {len(learned.columns)}, {len(learned.inputs)} inputs when encoded")
    print(f"task      {describe_task(learned.target)}")
    print(f"network   {network(saved.model)}, {saved.model.count_params()} weights")
    print(
        f"training  {options.solver}, {len(history.epoch)} epochs, {history.seconds:.2f} s: "
        f"{saved.record['stop_reason']}"
    )
    for one in trained.notes:
        print(f"note      {one}")
    print()
    print(_scores.show(trained.figures))
    split, outputs = trained.splits[trained.shown], trained.outputs[trained.shown]
    report = _scores.by_class(learned.target, split.y, outputs, as_text=True)
    if report is not None:
        print(f"\n{trained.shown}, by class:\n\n{report.rstrip()}")
    pictures = [options.plot, options.report] if history.epoch else []
    written = [name for name in (options.save, *pictures) if name is not None]
    if written:
        print(f"\nwritten: {', '.join(written)}")
