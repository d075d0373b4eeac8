"""What all optimizers share: settings by name, checked, and their way to the core."""

from __future__ import annotations

import math
from typing import Any

from shallowcore import _core, _registry
from shallowcore._checks import check_bool, check_float

# Ranges of parameters by name; anything else is a finite number >= 0.
_RANGES = {
    "momentum": (0.0, 1.0),
    "rho": (0.0, 1.0),
    "beta_1": (0.0, math.nextafter(1.0, 0.0)),
    "beta_2": (0.0, math.nextafter(1.0, 0.0)),
    "mu_dec": (0.0, 1.0),
    "mu_inc": (math.nextafter(1.0, 2.0), math.inf),
}
_SWITCHES = frozenset({"nesterov", "centered", "amsgrad"})
_COUNTS = frozenset({"memory", "max_line_search", "max_cg_iterations"})


class Optimizer:
    """An optimizer of the core's table with its settings.

    Every parameter is an attribute; setting one is checked, and holds from the next epoch or batch
    that a model trains with this optimizer.

    Parameters
    ----------
    name : str
        Name of an optimizer in any spelling.
    **parameters : float or bool
        Settings by name; those not given have the core's defaults, which are Keras'.

    Raises
    ------
    TypeError, ValueError
        For an unknown name or setting (the nearest is suggested), or a value out of range.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizer = optimizers.Optimizer("sgd", learning_rate=0.1)
    >>> optimizer.learning_rate = 0.05
    >>> optimizer
    SGD(learning_rate=0.05, momentum=0.0, nesterov=False)
    """

    _name: str
    _values: dict[str, float]
    _version: int
    _native: _core.Optimizer | None

    def __init__(self, name: str, **parameters: float) -> None:
        info = _registry.find_optimizer(name)
        _registry.check_parameter_names(parameters, info.parameters, info.name)
        values = info.parameters | {k: _check(k, v) for k, v in parameters.items()}
        self.__dict__.update(_name=info.name, _values=values, _version=0, _native=None)

    @property
    def name(self) -> str:
        """Name in the core's table."""
        return self._name

    @property
    def parameters(self) -> dict[str, float]:
        """All settings as numbers, a copy."""
        return dict(self._values)

    @property
    def formula(self) -> str:
        """The formula in words, from the core's table."""
        return _registry.optimizers()[self._name].formula

    @property
    def iterations(self) -> int:
        """Steps done for the model that was compiled with this object last."""
        return 0 if self._native is None else self._native.iterations

    def __getattr__(self, attribute: str) -> Any:
        values = self.__dict__.get("_values", {})
        if attribute not in values:
            raise AttributeError(f"{type(self).__name__} object has no attribute {attribute!r}")
        value = values[attribute]
        if attribute in _COUNTS:
            return int(value)
        return bool(value) if attribute in _SWITCHES else value

    def __setattr__(self, attribute: str, value: Any) -> None:
        if attribute not in self._values:
            _registry.check_parameter_names({attribute: value}, self._values, self._name)
        self._values[attribute] = _check(attribute, value)
        self.__dict__["_version"] += 1

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._values})

    def __repr__(self) -> str:
        inner = ", ".join(f"{k}={getattr(self, k)!r}" for k in self._values)
        return f"{_class_name(self._name)}({inner})"


class OptimizerLink:
    """The core's optimizer of one network, kept in step with the settings of an Optimizer."""

    def __init__(self, optimizer: Optimizer, network: _core.Network) -> None:
        self.optimizer = optimizer
        self.network = network
        self.native = _core.Optimizer(network, optimizer.name, optimizer.parameters)
        self._version = optimizer._version
        optimizer.__dict__["_native"] = self.native

    def sync(self) -> _core.Optimizer:
        """Hand over settings that changed; return the core's optimizer."""
        if self._version != self.optimizer._version:
            for name, value in self.optimizer.parameters.items():
                self.native.set(name, value)
            self._version = self.optimizer._version
        return self.native


def _class_name(name: str) -> str:
    """Class of an entry of the core's table."""
    for kind in Optimizer.__subclasses__():
        if _registry.same_name(kind.__name__, name):
            return kind.__name__
    return _registry.class_name(name)


def _check(parameter: str, value: Any) -> float:
    """Return a setting as a number, or raise."""
    if parameter in _SWITCHES:
        return float(check_bool(value, parameter))
    return check_float(value, parameter, *_RANGES.get(parameter, (0.0, math.inf)))


def get(identifier: Any) -> Optimizer:
    """Return the optimizer that `identifier` names.

    Parameters
    ----------
    identifier : str or Optimizer
        A name in any spelling, or an object (returned as it is).

    Returns
    -------
    Optimizer
        The optimizer with its settings.

    Raises
    ------
    TypeError, ValueError
        For anything else; the nearest known name is suggested.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.get("sgd")
    SGD(learning_rate=0.01, momentum=0.0, nesterov=False)
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        make: Any = identifier
        made: Optimizer = make()
        return made
    return Optimizer(identifier)
