"""How good predictions are: figures of a split, and of the trivial prediction beside it."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import ops
from shallowcore._cli._messages import table
from shallowcore._preprocessing import CLASSIFICATION, Target, text_of

Floats = NDArray[np.floating[Any]]

TITLES = {
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "r2": "R2",
    "rmse": "RMSE",
    "mae": "MAE",
}

# Reports by class are for reading.
_MOST_CLASSES = 30


@dataclass(frozen=True)
class Baseline:
    """What to say without looking at inputs: the training's class frequencies, or its mean."""

    outputs: tuple[float, ...]

    @classmethod
    def of(cls, target: Target, y: NDArray[Any]) -> Baseline:
        """Learn from the targets of the training rows."""
        if target.task == CLASSIFICATION:
            counts = np.bincount(y, minlength=len(target.classes))
            return cls(tuple((counts / len(y)).tolist()))
        return cls((float(y.mean()),))

    def predict(self, n_rows: int) -> Floats:
        """(n_rows, n_outputs), every row the same."""
        return np.tile(np.array(self.outputs), (n_rows, 1))


def score(target: Target, y: NDArray[Any], outputs: Floats) -> dict[str, float]:
    """Figures of outputs (n_rows, n_outputs) for encoded targets (n_rows,)."""
    if target.task == CLASSIFICATION:
        hits = float((outputs.argmax(axis=1) == y).mean())
        log_loss = ops.loss("sparse_categorical_crossentropy", y, outputs)[0]
        return {"accuracy": hits, "log_loss": float(log_loss)}
    predicted = outputs[:, 0].astype(np.float64)
    squared, absolute = (float(ops.loss(name, y, predicted)[0]) for name in ("mse", "mae"))
    spread = float(y.var())
    # One row, or equal ones, have no spread that could be explained.
    r2 = 1.0 - squared / spread if spread > 0.0 else math.nan
    return {"r2": r2, "rmse": math.sqrt(squared), "mae": absolute}


def finite(figures: dict[str, float]) -> dict[str, float | None]:
    """Figures as JSON has them: None for those that there are not."""
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def show(columns: dict[str, dict[str, float]]) -> str:
    """Figures as a table, one column a split."""
    rows = [
        [TITLES[name], *(f"{figures[name]:.4g}" for figures in columns.values())]
        for name in next(iter(columns.values()))
    ]
    return table([["", *columns], *rows])


def confusion(target: Target, y: NDArray[Any], outputs: Floats) -> NDArray[np.int64]:
    """Rows of each class (down) by predicted class (across)."""
    counts = np.zeros((len(target.classes), len(target.classes)), np.int64)
    np.add.at(counts, (y, outputs.argmax(axis=1)), 1)
    return counts


def by_class(target: Target, y: NDArray[Any], outputs: Floats, as_text: bool) -> Any:
    """scikit-learn's report on every class; None without scikit-learn."""
    if target.task != CLASSIFICATION or importlib.util.find_spec("sklearn") is None:
        return None
    if as_text and len(target.classes) > _MOST_CLASSES:
        return None
    from sklearn.metrics import classification_report

    return classification_report(
        y,
        outputs.argmax(axis=1),
        labels=range(len(target.classes)),
        target_names=[text_of(label) for label in target.classes],
        output_dict=not as_text,
        zero_division=0,
    )
