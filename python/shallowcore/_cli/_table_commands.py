"""Options of the commands that work on tables: train, predict, evaluate, export."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any

from shallowcore import _registry, activations
from shallowcore._preprocessing import POLICIES, TASKS

_DATA = "CSV, TSV, Parquet, .npy or .npz; - is CSV from the standard input"


def add(commands: Any) -> None:
    """Add the parsers of these commands."""
    _add_train(commands)
    predict = commands.add_parser(
        "predict",
        help="predict each row of a table",
        description="Prints or writes a prediction for each row. Columns are found by name; a "
        "category that the training did not have counts as none.",
    )
    _add_model_and_data(predict)
    predict.add_argument("-o", "--output", metavar="FILE", help="write a .csv or .tsv file")
    predict.add_argument("--proba", action="store_true", help="probabilities of the classes, too")
    _add_json(predict)
    evaluate = commands.add_parser(
        "evaluate",
        help="measure a model on a table that has the targets",
        description="Prints the figures of a model on a table that has the targets.",
    )
    _add_model_and_data(evaluate)
    evaluate.add_argument(
        "--target", metavar="COL", help="column of the targets (default: that of the training)"
    )
    _add_json(evaluate)
    export = commands.add_parser(
        "export",
        help="write a model as ONNX or as a C header",
        description="Writes a model for other software. It takes encoded inputs: the order of the "
        "columns is printed.",
    )
    export.add_argument("model", metavar="MODEL", help="a .safetensors file")
    what = export.add_mutually_exclusive_group(required=True)
    what.add_argument("--onnx", metavar="FILE", help="write an .onnx file")
    what.add_argument("--c-header", metavar="FILE", help="write a .h file")
    _add_json(export)


def _add_model_and_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a .safetensors file of `shallowcore train`")
    parser.add_argument("data", metavar="DATA", help=_DATA)


def _add_json(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, and nothing else"
    )


def _add_train(commands: Any) -> None:
    train = commands.add_parser(
        "train",
        help="train a network on a table",
        description="Trains a network that predicts one column of a table from the others. Texts "
        "become one input for each category, numbers are standardised; all of that is kept in the "
        "saved model. With validation rows, training stops when they get no better, and the best "
        "weights are kept.",
    )
    train.add_argument("data", metavar="DATA", help=_DATA)
    train.add_argument(
        "--target",
        metavar="COL",
        required=True,
        help="column to predict; its number, also from the end, in an .npy file",
    )
    train.add_argument(
        "--ignore",
        metavar="COL,...",
        type=_names,
        default=[],
        help="columns to leave out, such as identifiers",
    )
    train.add_argument(
        "--task",
        choices=("auto", *TASKS),
        default="auto",
        help="auto: texts, and at most 20 different whole numbers, are classes (default)",
    )
    train.add_argument(
        "--missing",
        choices=POLICIES,
        default=POLICIES[0],
        help="missing values: refuse them (default), impute median or most frequent category, or "
        "drop their rows",
    )
    train.add_argument(
        "--max-categories",
        metavar="N",
        type=_at_least(2),
        default=100,
        help="most different texts of a column (default: 100)",
    )
    network = train.add_argument_group("network and training")
    network.add_argument(
        "--hidden",
        metavar="N,...",
        type=_sizes,
        default=[64, 32],
        help="units of the hidden layers, or none for a linear model (default: 64,32)",
    )
    names = [name for name in _registry.activations() if activations.get(name).elementwise]
    network.add_argument(
        "--activation", choices=names, default="relu", help="of hidden layers (default: relu)"
    )
    network.add_argument(
        "--solver", choices=list(_registry.optimizers()), default="adam", help="default: adam"
    )
    network.add_argument(
        "--epochs", metavar="N", type=_at_least(1), default=200, help="at most (default: 200)"
    )
    network.add_argument(
        "--batch-size", metavar="N", type=_at_least(1), default=32, help="rows a step (default: 32)"
    )
    network.add_argument(
        "--learning-rate", metavar="RATE", type=_rate, help="default: that of the solver"
    )
    network.add_argument(
        "--validation",
        metavar="SHARE",
        type=_share,
        default=0.2,
        help="share of the rows kept aside for validation, 0 for none (default: 0.2)",
    )
    network.add_argument(
        "--patience",
        metavar="N",
        type=_at_least(1),
        default=20,
        help="epochs without a better validation loss after which training stops (default: 20)",
    )
    network.add_argument(
        "--seed",
        metavar="N",
        type=_at_least(0),
        default=0,
        help="of the split, the first weights and the shuffles (default: 0)",
    )
    network.add_argument(
        "--dtype",
        choices=("float32", "float64"),
        help="default: float32, or float64 where a column needs its digits",
    )
    output = train.add_argument_group("output")
    output.add_argument("--save", metavar="FILE", help="write the model: a .safetensors file")
    output.add_argument(
        "--plot", metavar="FILE", help="write the loss curve: .png, .svg, .pdf, ..."
    )
    output.add_argument("--report", metavar="FILE", help="write an .html page on the training")
    _add_json(output)


# --- values of options ----------------------------------------------------------------------------
def _at_least(least: int) -> Any:
    def whole(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or value >= 2**63:
            raise argparse.ArgumentTypeError(f"expected a whole number >= {least}, got {text!r}")
        return value

    return whole


def _number(expected: str, fits: Callable[[float], bool]) -> Any:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not fits(value):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return value

    return number


_rate = _number("a number > 0", lambda value: 0.0 < value < math.inf)
_share = _number("a number in [0, 1)", lambda value: 0.0 <= value < 1.0)


def _sizes(text: str) -> list[int]:
    if text.lower() in ("none", ""):
        return []
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"expected sizes such as 64,32 or none, got {text!r}")
    return [int(part) for part in parts]


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]
