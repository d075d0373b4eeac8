"""From tables to arrays: what `shallowcore train` learns of columns, and keeps with the model.

A table's columns are float64 with NaN for what is missing, or object arrays of texts with None.
Numbers stay as they are (the model's Normalization standardises them), texts become one column of
0 and 1 for each category seen in training; a category that was not seen there is 0 in all of them.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]
Floats = NDArray[np.float64]
Label = int | float | str

VERSION = 1
REFUSE, IMPUTE, DROP = POLICIES = ("refuse", "impute", "drop")
CLASSIFICATION, REGRESSION = TASKS = ("classification", "regression")

# Whole numbers with at most so many values are classes, unless the user says otherwise.
_MOST_NUMBERED_CLASSES = 20


def text_of(value: Any) -> str:
    """Text of a value that stands for a category: 3.0 and 3 are the same one."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def nearest(name: str, names: Iterable[str]) -> str:
    """Say which names are like this one, as the end of a message."""
    every = list(names)
    near = difflib.get_close_matches(name, every, n=3, cutoff=0.6)
    folded = [one for one in every if one.casefold() == name.casefold()]
    found = list(dict.fromkeys(folded + near))
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names as a message shows them."""
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


@dataclass(frozen=True)
class Table:
    """Columns by name, all of one length; without names of their own they are "0", "1", ..."""

    columns: Mapping[str, Column]
    n_rows: int
    named: bool = True
    notes: tuple[str, ...] = ()  # what the reader did that its user should know

    def rows(self, which: NDArray[Any]) -> Table:
        """Some of the rows, by mask or index."""
        some = {name: column[which] for name, column in self.columns.items()}
        return Table(some, int(np.arange(self.n_rows)[which].size), self.named)

    def find(self, name: str) -> str:
        """Return the name of a column, counted from the end where columns have no names."""
        if not self.named and name.lstrip("-").isdecimal() and name.startswith("-"):
            place = len(self.columns) + int(name)
            return list(self.columns)[place] if place >= 0 else self.find(name.lstrip("-"))
        if name not in self.columns:
            raise LookupError(
                f"there is no column {name!r}{nearest(name, self.columns)} "
                f"(columns: {listed(list(self.columns))})"
            )
        return name


def missing(column: Column) -> NDArray[np.bool_]:
    """Where a column has no value."""
    if column.dtype == object:
        return np.fromiter((one is None for one in column), np.bool_, len(column))
    found: NDArray[np.bool_] = np.isnan(column)
    return found


def count_missing(table: Table, names: Iterable[str]) -> dict[str, int]:
    """Missing values of those columns that have any."""
    counts = {name: int(missing(table.columns[name]).sum()) for name in names}
    return {name: n for name, n in counts.items() if n}


def complete(table: Table, names: Iterable[str]) -> NDArray[np.bool_]:
    """Rows that have a value in each of these columns."""
    whole = np.ones(table.n_rows, np.bool_)
    for name in names:
        whole &= ~missing(table.columns[name])
    return whole


# --- inputs ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Number:
    """A column of numbers; `fill` (the median) stands for missing ones, None refuses them."""

    name: str
    fill: float | None

    @property
    def inputs(self) -> list[str]:
        """Names of what it becomes."""
        return [self.name]

    def encode(self, column: Column) -> tuple[Floats, int]:
        """(n_rows, 1), and how many values were unknown: none."""
        if column.dtype == object:
            column = _numbers_of_texts(self.name, column)
        infinite = int(np.isinf(column).sum())
        if infinite:
            raise ValueError(f"column {self.name!r} has {infinite} infinite values")
        filled = column if self.fill is None else np.where(np.isnan(column), self.fill, column)
        return filled[:, np.newaxis], 0


@dataclass(frozen=True)
class Category:
    """A column of texts; `fill` (the most frequent) stands for missing ones, None refuses them."""

    name: str
    categories: tuple[str, ...]
    fill: str | None

    @property
    def inputs(self) -> list[str]:
        """Names of what it becomes."""
        return [f"{self.name}={category}" for category in self.categories]

    def encode(self, column: Column) -> tuple[Floats, int]:
        """(n_rows, n_categories) of 0 and 1, and how many values were in no category."""
        places = {category: i for i, category in enumerate(self.categories)}
        absent = missing(column)
        filled = -1 if self.fill is None else places[self.fill]
        found = [
            filled if gone else places.get(text_of(value), -1)
            for value, gone in zip(column, absent, strict=True)
        ]
        place = np.array(found, np.intp)
        known = place >= 0
        encoded = np.zeros((len(column), len(self.categories)))
        encoded[np.flatnonzero(known), place[known]] = 1.0
        return encoded, int((~known).sum())


def _numbers_of_texts(name: str, column: Column) -> Floats:
    """Numbers of a column that was one of numbers in training and now holds texts."""
    found = np.full(len(column), math.nan)
    for i, value in enumerate(column):
        if value is None:
            continue
        try:
            found[i] = float(value)
        except ValueError:
            raise ValueError(
                f"column {name!r} had numbers when the model was trained; its row {i + 1} now "
                f"holds {value!r}"
            ) from None
    return found


def _learn(name: str, column: Column, impute: bool, most: int) -> Number | Category:
    """What training keeps of a column, from its training rows."""
    present = column[~missing(column)]
    if not len(present):
        raise ValueError(f"column {name!r} has no values in the training rows: --ignore {name}")
    if column.dtype != object:
        return Number(name, float(np.median(present)) if impute else None)
    categories, counts = np.unique(present.astype(str), return_counts=True)
    if len(categories) > most:
        raise ValueError(
            f"column {name!r} holds {len(categories)} different texts in {len(column)} rows, more "
            f"than --max-categories {most}: leave it out (--ignore {name}) or raise the limit"
        )
    texts = tuple(str(one) for one in categories)
    return Category(name, texts, texts[int(counts.argmax())] if impute else None)


# --- targets --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Target:
    """The column to predict: numbers, or classes in order where there are any."""

    name: str
    classes: tuple[Label, ...] = ()

    @property
    def task(self) -> str:
        """Classification or regression."""
        return CLASSIFICATION if self.classes else REGRESSION

    def encode(self, column: Column) -> NDArray[Any]:
        """Integer labels, or the numbers; there must be no missing value."""
        if not self.classes:
            return Number(self.name, None).encode(column)[0][:, 0]
        places = {text_of(label): i for i, label in enumerate(self.classes)}
        texts = [text_of(value) for value in column]
        unknown = sorted({text for text in texts if text not in places})
        if unknown:
            raise ValueError(
                f"column {self.name!r} holds {listed(unknown)}, which no training row had "
                f"(classes: {listed(list(places))})"
            )
        return np.array([places[text] for text in texts], np.int64)


def learn_target(name: str, column: Column, task: str) -> Target:
    """What to predict, from all rows that have a target; `task` may be "auto"."""
    numeric = column.dtype != object
    if numeric and np.isinf(column).any():
        raise ValueError(f"the target {name!r} has infinite values")
    if task == REGRESSION and not numeric:
        raise ValueError(
            f"the target {name!r} holds texts, such as {str(column[0])!r}: no regression"
        )
    found = np.unique(column if numeric else column.astype(str))
    whole = numeric and bool((found == np.round(found)).all())
    if task == REGRESSION or (
        task != CLASSIFICATION and numeric and not (whole and len(found) <= _MOST_NUMBERED_CLASSES)
    ):
        if len(found) < 2:
            raise ValueError(f"the target {name!r} is {text_of(found[0])} in every row")
        return Target(name)
    if len(found) < 2:
        raise ValueError(f"the target {name!r} has one class only: {text_of(found[0])!r}")
    if numeric and not whole and len(found) > _MOST_NUMBERED_CLASSES:
        raise ValueError(
            f"the target {name!r} has {len(found)} different fractional values: --task regression"
        )
    return Target(name, tuple(_label(one) for one in found))


def _label(value: Any) -> Label:
    """A class as JSON keeps it: text, whole number or number."""
    if isinstance(value, str):
        return str(value)
    return int(value) if float(value).is_integer() else float(value)


# --- both -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Preprocessing:
    """All that is needed to read another table as the training's was read."""

    columns: tuple[Number | Category, ...]
    target: Target
    policy: str

    @classmethod
    def learn(
        cls, table: Table, names: Sequence[str], target: Target, policy: str, most: int
    ) -> Preprocessing:
        """Look at the training rows."""
        impute = policy == IMPUTE
        return cls(
            tuple(_learn(name, table.columns[name], impute, most) for name in names), target, policy
        )

    @property
    def inputs(self) -> list[str]:
        """Names of the encoded inputs, in order."""
        return [name for column in self.columns for name in column.inputs]

    @property
    def is_number(self) -> NDArray[np.bool_]:
        """Which of the encoded inputs are numbers, to be standardised."""
        flags = [isinstance(column, Number) for column in self.columns for _ in column.inputs]
        return np.array(flags, np.bool_)

    def align(self, table: Table) -> Table:
        """Find the columns; LookupError where some are missing."""
        names = [column.name for column in self.columns]
        if not table.named and len(table.columns) == len(names):
            pairs = zip(names, table.columns.values(), strict=True)
            return Table(dict(pairs), table.n_rows, table.named)
        absent = [name for name in names if name not in table.columns]
        if absent:
            others = [name for name in table.columns if name not in names]
            hints = "".join(nearest(name, others) for name in absent[:3])
            raise LookupError(f"the data lack the columns {listed(absent)} of the training{hints}")
        return table

    def encode(self, table: Table) -> tuple[Floats, dict[str, int]]:
        """Inputs (n_rows, n_inputs) of an aligned table, and unknown values by column.

        ValueError for missing values unless they are to be imputed, and for texts among numbers.
        """
        if self.policy != IMPUTE:
            refuse_missing(
                table,
                [column.name for column in self.columns],
                f": the model was trained with --missing {self.policy} and cannot fill them in",
            )
        parts, unknown = [], {}
        for column in self.columns:
            part, n_unknown = column.encode(table.columns[column.name])
            parts.append(part)
            if n_unknown:
                unknown[column.name] = n_unknown
        return np.concatenate(parts, axis=1), unknown

    def describe(self) -> dict[str, Any]:
        """As JSON has it."""
        columns = [
            {"kind": type(column).__name__.lower(), **asdict(column)} for column in self.columns
        ]
        return {"columns": columns, "target": asdict(self.target), "missing": self.policy}


def restore(description: Mapping[str, Any]) -> Preprocessing:
    """Return what `describe` described; ValueError for anything else."""
    try:
        columns: list[Number | Category] = []
        for one in description["columns"]:
            if one["kind"] == "number":
                columns.append(Number(one["name"], one["fill"]))
            else:
                columns.append(Category(one["name"], tuple(one["categories"]), one["fill"]))
        target = Target(description["target"]["name"], tuple(description["target"]["classes"]))
        return Preprocessing(tuple(columns), target, description["missing"])
    except (LookupError, TypeError) as error:
        raise ValueError(f"the preprocessing in the file is not understood ({error!r})") from error


def refuse_missing(table: Table, names: Sequence[str], advice: str) -> None:
    """ValueError that names the columns with missing values, and counts."""
    counts = count_missing(table, names)
    if counts:
        what = ", ".join(f"{name!r} ({n} of {table.n_rows})" for name, n in counts.items())
        raise ValueError(f"missing values in {what}{advice}")
