"""Layers, losses, optimizers and the like as plain data, and back: what their constructors take.

Every object keeps its constructor's arguments as attributes of the same names (or returns them from
`arguments()`), so nothing here knows any class: {"type": "layers.Dense", "settings": {"units": 3}}
is made by the constructor's signature, and goes back through the constructor, which checks it.
Only public classes of the modules below can come out.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_MODULES = (
    "activations",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "optimizers.schedules",
    "regularizers",
)

# How deep descriptions may be nested: a layer, its setting, a list in that, ...
_DEEPEST = 8

_MISSING = object()


def describe(thing: Any, noted: bool = False) -> Any:
    """Return `thing` as JSON has it.

    What is code, or an array, becomes {"note": ...} where it is `noted` only, as initializers are:
    elsewhere it is a TypeError.
    """
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if isinstance(thing, (np.bool_, np.integer, np.floating)):
        return thing.item()
    if isinstance(thing, (list, tuple)):
        return [describe(one) for one in thing]
    if isinstance(thing, np.ndarray):
        return thing.tolist()
    kind = _type_name(type(thing))
    if kind is not None:
        pairs = _settings(thing).items()
        settings = {k: describe(v, k.endswith("_initializer")) for k, v in pairs}
        return {"type": kind, "settings": settings}
    if noted:
        return {"note": f"not saved: {thing!r}"[:200]}
    raise TypeError(f"{thing!r} cannot be saved: its class is not one of shallowcore's own")


def restore(description: Any, depth: int = 0) -> Any:
    """Make what `describe` described, with a constructor's default where there is a note.

    Raises TypeError or ValueError for anything that does not come from `describe`.
    """
    if depth > _DEEPEST:
        raise ValueError("descriptions are nested too deep")
    if isinstance(description, list):
        return [restore(one, depth + 1) for one in description]
    if not isinstance(description, Mapping):
        return description
    settings = description.get("settings")
    if set(description) != {"type", "settings"} or not isinstance(settings, Mapping):
        raise ValueError(f"expected a type and its settings, got {list(description)}")
    make = _class_named(description["type"])
    given = {k: restore(v, depth + 1) for k, v in settings.items() if not _is_note(v)}
    return make(**_as_declared(make, given))


def _is_note(description: Any) -> bool:
    """Whether it stands for something that was not saved."""
    return isinstance(description, Mapping) and set(description) == {"note"}


def _settings(thing: Any) -> dict[str, Any]:
    """Arguments that make an object like this one."""
    if hasattr(type(thing), "arguments"):
        found: dict[str, Any] = thing.arguments()
        return found
    found = {}
    for parameter in _parameters(type(thing)):
        if parameter.kind is parameter.VAR_KEYWORD:
            found |= {name: getattr(thing, name, v) for name, v in thing.parameters.items()}
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            value = getattr(thing, parameter.name, _MISSING)
            if value is not _MISSING:  # an argument that another one stands for has no attribute
                found[parameter.name] = value
    return found


def _parameters(kind: Any) -> list[inspect.Parameter]:
    """Parameters of a class's constructor."""
    return list(inspect.signature(kind).parameters.values())


def _as_declared(make: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Whole numbers as int where the default is one: the core keeps every setting as a float."""
    defaults = {p.name: p.default for p in _parameters(make)}
    for name, value in settings.items():
        if type(defaults.get(name)) is int and isinstance(value, float) and value.is_integer():
            settings[name] = int(value)
    return settings


# --- classes by name ------------------------------------------------------------------------------
def _public(module_name: str, class_name: str) -> Any:
    """Public class of one of the modules, None where there is none of that name."""
    try:
        module = importlib.import_module(f"shallowcore.{module_name}")
    except ModuleNotFoundError:
        return None
    made_when_asked = dir(module) if hasattr(module, "__getattr__") else []
    if class_name not in (*module.__all__, *made_when_asked):
        return None
    found = getattr(module, class_name)
    return found if isinstance(found, type) else None


def _type_name(kind: type) -> str | None:
    """Name of a public class, "module.Class"; None for any other class."""
    if not kind.__module__.startswith("shallowcore."):
        return None
    for module_name in _MODULES:
        if _public(module_name, kind.__name__) is kind:
            return f"{module_name}.{kind.__name__}"
    return None


def _class_named(name: Any) -> Callable[..., Any]:
    """Public class by that name, or ValueError."""
    module_name, _, class_name = str(name).rpartition(".")
    found = _public(module_name, class_name) if module_name in _MODULES else None
    if found is None:
        raise ValueError(f"unknown type {name!r}: was it saved by a later version of shallowcore?")
    made: Callable[..., Any] = found
    return made
