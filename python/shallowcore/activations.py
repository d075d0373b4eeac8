"""Activations as objects: a name of the core's table and its parameters.

Every activation of the core is here under its name (`activations.relu`, an object) and under Keras'
class name (`activations.LeakyReLU`, a class); both are made from the core's own table.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shallowcore import _core, _registry
from shallowcore._checks import check_float, did_you_mean

__all__ = ["Activation", "get"]


_SWITCHES = frozenset({"approximate"})


def _checked(name: str, value: float) -> float:
    """Return a parameter's value: a finite number >= 0, or True or False (1 or 0) for a switch."""
    if name not in _SWITCHES:
        return check_float(value, name, 0.0)
    if isinstance(value, (Real, np.bool_)) and value in (0, 1):
        return float(value)
    raise ValueError(f"{name} must be True or False, got {value!r}")


class Activation:
    """An activation a = g(z) with its parameters.

    Parameters
    ----------
    name : str
        Name of an activation, in any spelling: "leaky_relu", "LeakyReLU", "linear" (identity), ...
    *values : float
        Parameters by position, in the order of the core's table.
    **parameters : float
        Parameters by name; those not given have the core's defaults.

    Attributes
    ----------
    name : str
        Name in the core's table.
    parameters : dict of str to float
        All parameters, defaults included.

    Raises
    ------
    TypeError, ValueError
        For an unknown name (the nearest one is suggested), an unknown parameter, or one that is
        not a finite number.

    Examples
    --------
    >>> from shallowcore import activations
    >>> activations.LeakyReLU(0.1)
    LeakyReLU(negative_slope=0.1)
    >>> activations.LeakyReLU(0.1)([-1.0, 2.0])
    array([-0.1,  2. ])
    """

    def __init__(self, name: str, *values: float, **parameters: float) -> None:
        info = _registry.find_activation(name)
        defaults = info.parameters
        if len(values) > len(defaults):
            raise TypeError(
                f"{info.name} takes at most {len(defaults)} parameters, got {len(values)}"
            )
        given = dict(zip(defaults, values, strict=False))
        for twice in given.keys() & parameters.keys():
            raise TypeError(f"{info.name} got {twice!r} twice")
        given |= parameters
        _registry.check_parameter_names(given, defaults, info.name)
        self.name: str = info.name
        self.parameters: dict[str, float] = defaults | {k: _checked(k, v) for k, v in given.items()}

    def __call__(self, z: ArrayLike) -> NDArray[np.floating[Any]]:
        """Return g(z), as `shallowcore.ops.activation` does."""
        from shallowcore import ops

        return ops.activation(z, self.name, **self.parameters)

    @property
    def formula(self) -> str:
        """The formula in words, from the core's table."""
        return _registry.activations()[self.name].formula

    @property
    def elementwise(self) -> bool:
        """False for softmax and log_softmax, which work on whole rows."""
        return _registry.activations()[self.name].elementwise

    def to_core(self) -> _core.Activation:
        """Return the core's object of this activation."""
        return _core.Activation(self.name, self.parameters)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Activation):
            return NotImplemented
        return (self.name, self.parameters) == (other.name, other.parameters)

    def __hash__(self) -> int:
        return hash((self.name, *self.parameters.items()))

    def __repr__(self) -> str:
        inner = ", ".join(f"{k}={v:g}" for k, v in self.parameters.items())
        return f"{_registry.class_name(self.name)}({inner})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Activation, (self.name, *self.parameters.values())


def get(identifier: str | Activation | None) -> Activation:
    """Return the activation that `identifier` names.

    Parameters
    ----------
    identifier : str, Activation or None
        A name in any spelling, an object (returned as it is), or None for the identity.

    Returns
    -------
    Activation
        The activation with its parameters.

    Raises
    ------
    TypeError, ValueError
        For anything else; the nearest known name is suggested.

    Examples
    --------
    >>> from shallowcore import activations
    >>> activations.get("relu")
    ReLU()
    """
    if identifier is None:
        return Activation("identity")
    if isinstance(identifier, Activation):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Activation):
        make: Any = identifier
        made: Activation = make()
        return made
    return Activation(identifier)


def _make_class(name: str) -> type[Activation]:
    """Class of one entry of the core's table, parameters by position or name."""
    info = _registry.activations()[name]

    def __init__(self: Activation, *values: float, **parameters: float) -> None:
        Activation.__init__(self, name, *values, **parameters)

    signature = ", ".join(f"{k}={v:g}" for k, v in info.parameters.items())
    title = _registry.class_name(name)
    doc = f"{title}({signature}): a = {info.formula}."
    body = {"__init__": __init__, "__doc__": doc, "__module__": __name__}
    return type(title, (Activation,), body)


def __getattr__(attribute: str) -> Any:
    for name in (*_registry.activations(), *_registry.activation_aliases()):
        canonical = _registry.find_activation(name).name
        if attribute == name:
            found: Any = Activation(canonical)
        elif attribute == _registry.class_name(name):
            found = _make_class(canonical)
        else:
            continue
        globals()[attribute] = found
        return found
    near = [name for name in __dir__() if name[0].isupper() == attribute[0].isupper()]
    hint = "" if attribute.startswith("_") else did_you_mean(attribute, near)
    raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}{hint}")


def __dir__() -> list[str]:
    names = [*_registry.activations(), *_registry.activation_aliases()]
    return sorted({*__all__, *names, *map(_registry.class_name, names)})
