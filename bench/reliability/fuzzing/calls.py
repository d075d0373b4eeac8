"""One call of the public interface, and what must hold whatever it is given.

A call returns, or raises one of the exceptions that it documents with a message that names the
argument; the caller's arrays stay as they are bit by bit; after a refusal so does the model; what
is returned is finite, and right where an oracle can tell.
"""

from __future__ import annotations

import re
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.reliability.fuzzing.objects import BY_OBJECT, Hostile

DOCUMENTED: tuple[type[BaseException], ...] = (TypeError, ValueError, MemoryError)

# Warnings that the documentation announces.
# Batches of an iterable are checked when they come: here after the epoch.
_LATE = "of validation_data must be"
_WARNINGS = re.compile(
    r"diverged|line search found no|no step lowered the loss|all units of hidden layer"
    r"|batches ran out|more threads than|max_evaluations was reached"
)


@dataclass
class Call:
    """A call, its arguments by name, and what is known of its outcome."""

    name: str
    run: Callable[[], Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    model: Any = None  # unchanged after a refusal
    states: str = ""  # pattern of RuntimeErrors that are documented
    errors: tuple[type[BaseException], ...] = ()  # further documented exceptions
    named: bool = True  # whether messages name an argument
    check: Callable[[Any], str | None] | None = None  # what is wrong with a result
    warns: str = ""  # pattern of further documented warnings
    hints: tuple[str, ...] = ()  # further words of which a message may have one

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={shown(v)}' for k, v in self.arguments.items())})"


@dataclass(frozen=True)
class Finding:
    """A promise that did not hold."""

    kind: str
    call: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.call}\n    {self.detail}"


def shown(value: Any) -> str:
    """An argument for reports."""
    if isinstance(value, np.ndarray):
        flags = "" if value.flags.writeable else ", read-only"
        kind = type(value).__name__
        return f"<{kind} {value.dtype} {value.shape} strides {value.strides}{flags}>"
    try:
        text = repr(value)
    except BaseException as error:
        text = f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    return text if len(text) <= 120 else text[:117] + "..."


def attempt(call: Call) -> tuple[str, Finding | None]:
    """Run a call; return "returned" or the exception's name, and what was wrong."""
    arrays = _bits(call.arguments.values())
    before = None if call.model is None else state(call.model)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            result = call.run()
        except Exception as error:
            own = isinstance(error, Hostile) or str(error).strip("'") == BY_OBJECT
            outcome = "the object's own" if own else type(error).__name__
            wrong = None if own else _wrong_error(call, error)
            late = _LATE in str(error)
            if before is not None and wrong is None and not late and state(call.model) != before:
                wrong = Finding("model changed by a refusal", str(call), _text(error))
        else:
            outcome, wrong = "returned", None
            wrong = _wrong_result(call, result)
    if wrong is None and _bits(call.arguments.values()) != arrays:
        wrong = Finding("caller's array changed", str(call), outcome)
    if wrong is None:
        wrong = _wrong_warning(call, heard)
    return outcome, wrong


def _wrong_result(call: Call, result: Any) -> Finding | None:
    """What is wrong with a result."""
    try:
        told = None if call.check is None else call.check(result)
    except Exception as error:
        told = f"it cannot be checked: {_text(error)}"
    return Finding("result", str(call), told) if told else None


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:400]}"


def _wrong_error(call: Call, error: Exception) -> Finding | None:
    """What is wrong with an exception."""
    text = _text(error)
    if type(error) is RuntimeError and call.states and re.search(call.states, str(error)):
        return None
    documented = isinstance(error, (*DOCUMENTED, *call.errors))
    if not documented or isinstance(error, UnicodeError):
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(f"{f.filename.split('/')[-1]}:{f.lineno}" for f in frames[-4:][::-1])
        return Finding("undocumented exception", str(call), f"{text} [{where}]")
    if isinstance(error, MemoryError) or not call.named or not call.arguments:
        return None
    message = str(error)
    if not any(name in message for name in (*call.arguments, *call.hints, BY_OBJECT)):
        return Finding("message names no argument", str(call), text)
    return None


def _wrong_warning(call: Call, heard: Iterable[warnings.WarningMessage]) -> Finding | None:
    """A warning that is not documented, if there was one."""
    for one in heard:
        text = str(one.message)
        if not _WARNINGS.search(text) and not (call.warns and re.search(call.warns, text)):
            where = f"{one.filename.split('/')[-1]}:{one.lineno}"
            return Finding("warning", str(call), f"{one.category.__name__}: {text} [{where}]")
    return None


# --- what must stay as it is ----------------------------------------------------------------------
def _bits(values: Iterable[Any]) -> list[Any]:
    """Bits, shapes and types of all arrays among the arguments, and of what they are parts of."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, np.ndarray):
            owner = value
            while isinstance(owner.base, np.ndarray):
                owner = owner.base
            content: Any = bytes(owner.tobytes()) if owner.nbytes < 1 << 20 else None
            if owner.dtype.hasobject:
                content = [id(one) for one in owner.ravel()]
            layout = value.shape, value.strides, value.dtype.str, value.flags.writeable
            found.append((layout, content))
        elif isinstance(value, (list, tuple)) and len(value) < 50:
            found.append((len(value), _bits(value) or shown(value)))
        elif hasattr(value, "array"):
            found += _bits([value.array])
        elif hasattr(value, "columns") or hasattr(value, "iloc"):
            found += _bits([value.to_numpy()])
        elif isinstance(value, dict):
            found.append(shown(value))
    return found


def state(model: Any) -> Any:
    """Everything that a refused call must leave as it was."""
    compiled, stack = model._compiled, model._stack
    layers = [(layer.name, id(layer), repr(layer)) for layer in stack.layers]
    known: list[Any] = [layers, stack.input_shape, model.name, model.seed, model.stop_training]
    if model.built:
        known += [model.digest(), model._epochs_started]
    for layer in stack.layers:
        known += [figure.tobytes() for figure in getattr(layer, "_figures", [])]
    scaling = model._target_scaling
    known.append(None if scaling is None else (scaling.mean.tobytes(), scaling.scale.tobytes()))
    if compiled is not None:
        optimizer = compiled.optimizer
        known += [id(compiled), repr(optimizer), optimizer.iterations, repr(optimizer.parameters)]
    return known


# --- results --------------------------------------------------------------------------------------
def finite(value: Any) -> str | None:
    """What is not finite in a result of floats, arrays, lists and dicts."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return next((told for told in map(finite, value) if told), None)
    if value is None or isinstance(value, str):
        return None
    return None if np.isfinite(value).all() else f"it is not finite: {shown(value)}"


def close(found: Any, expected: Any, tolerance: float) -> str | None:
    """How far a result is from the oracle's, if it is too far."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    if found.shape != expected.shape:
        return f"it has shape {found.shape}, the oracle's {expected.shape}"
    error = np.abs(found - expected)
    if not (error <= tolerance * (1.0 + np.abs(expected))).all():
        return f"it is {error.max():.3g} from the oracle's {expected.reshape(-1)[error.argmax()]}"
    return None
