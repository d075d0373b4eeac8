"""Models with their preprocessing in one file, and their outputs for tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import _preprocessing
from shallowcore._cli._messages import UsageError, note
from shallowcore._files import SUFFIX
from shallowcore._persistent_model import load_further
from shallowcore._preprocessing import Preprocessing, Table
from shallowcore.models import Sequential, load_model

KEY = "preprocessing"


@dataclass(frozen=True)
class TableModel:
    """A model, how tables become its inputs, and what its training gave."""

    model: Sequential
    preprocessing: Preprocessing
    record: Mapping[str, Any]

    def save(self, name: str) -> None:
        """Write everything into one file, which `load_model` reads as a plain model, too."""
        further = {
            "version": _preprocessing.VERSION,
            **self.preprocessing.describe(),
            "training": dict(self.record),
        }
        self.model.save_with(name, {KEY: further})

    def outputs(self, table: Table) -> NDArray[np.floating[Any]]:
        """(n_rows, n_outputs): probabilities of the classes, or the predicted numbers."""
        x, unknown = self.preprocessing.encode(table)
        for name, count in unknown.items():
            note(
                f"column {name!r}: {count} values that the training did not have, "
                "taken for none of its categories"
            )
        return self.model.predict(x)


def check_name(name: str) -> None:
    """UsageError for another suffix."""
    if not name.endswith(SUFFIX):
        raise UsageError(f"{name}: expected a model file, *{SUFFIX}")


def load_plain(name: str) -> Sequential:
    """Return the model in a file; OSError or ValueError that names it."""
    check_name(name)
    try:
        return load_model(name)
    except FileNotFoundError:
        raise FileNotFoundError(f"{name}: there is no such file") from None


def load_preprocessing(name: str) -> tuple[Preprocessing, Mapping[str, Any]] | None:
    """Return the preprocessing and the training's figures, None for a model that has none."""
    further = load_further(name, KEY)
    if further is None:
        return None
    if not isinstance(further, Mapping) or further.get("version") != _preprocessing.VERSION:
        raise ValueError(f"{name}: its preprocessing was written by a later version of shallowcore")
    return _preprocessing.restore(further), further.get("training", {})


def load(name: str) -> TableModel:
    """Return a model that `shallowcore train` wrote."""
    model = load_plain(name)
    found = load_preprocessing(name)
    if found is None:
        raise ValueError(
            f"{name}: a model without preprocessing, which `shallowcore train` did not write; "
            "shallowcore.models.load_model in Python reads it"
        )
    return TableModel(model, *found)
