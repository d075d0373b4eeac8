"""What all optimizers share: settings by name, checked, and their way to the core."""

from __future__ import annotations

import math
from typing import Any

from shallowcore import _core, _registry
from shallowcore._checks import check_bool, check_float
from shallowcore.optimizers.schedules import LearningRateSchedule

# Ranges of parameters by name; anything else is a finite number >= 0.
_RANGES = {
    "momentum": (0.0, 1.0),
    "rho": (0.0, 1.0),
    "eta_minus": (0.0, 1.0),
    "eta_plus": (1.0, math.inf),
    "beta_1": (0.0, math.nextafter(1.0, 0.0)),
    "beta_2": (0.0, math.nextafter(1.0, 0.0)),
    "mu_dec": (0.0, 1.0),
    "mu_inc": (math.nextafter(1.0, 2.0), math.inf),
}
_SWITCHES = frozenset({"nesterov", "centered", "amsgrad"})
# None, or a number > 0; 0 in the core is None.
_CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")
_OPTIONAL = frozenset({"weight_decay", "max_evaluations", *_CLIPS})
_COUNTS = frozenset({"memory", "max_line_search", "max_cg_iterations", "max_evaluations"})


class Optimizer:
    """An optimizer of the core's table with its settings.

    Every parameter is an attribute; setting one is checked, and holds from the next epoch or batch
    that a model trains with this optimizer.

    Parameters
    ----------
    name : str
        Name of an optimizer in any spelling.
    **parameters : float, bool, None or schedules.LearningRateSchedule
        Settings by name; those not given have the core's defaults, which are Keras'.  All
        first-order methods take `weight_decay` (before each step w -= learning_rate x weight_decay
        x w, biases too) and one of `clipvalue` (largest ``|g|`` of an element), `clipnorm` (largest
        norm of the gradient of each kernel and bias) and `global_clipnorm` (of all together).  A
        schedule can be the learning rate.

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
    _schedule: LearningRateSchedule | None
    _version: int
    _native: _core.Optimizer | None

    def __init__(self, name: str, **parameters: Any) -> None:
        info = _registry.find_optimizer(name)
        _registry.check_parameter_names(parameters, info.parameters, info.name)
        rate = parameters.get("learning_rate")
        schedule = rate if isinstance(rate, LearningRateSchedule) else None
        if schedule is not None:
            del parameters["learning_rate"]
        values = info.parameters | {k: _check(k, v) for k, v in parameters.items()}
        _check_clips(values)
        self.__dict__.update(
            _name=info.name, _values=values, _schedule=schedule, _version=0, _native=None
        )

    @property
    def name(self) -> str:
        """Name in the core's table."""
        return self._name

    @property
    def parameters(self) -> dict[str, float]:
        """All settings as numbers, a copy; the learning rate that of the next step."""
        values = dict(self._values)
        if self._schedule is not None:
            values["learning_rate"] = self._schedule(self.iterations)
        return values

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
        if attribute == "learning_rate" and self._schedule is not None:
            return self._schedule
        value = values[attribute]
        if attribute in _OPTIONAL and not value:
            return None
        if attribute in _COUNTS:
            return int(value)
        return bool(value) if attribute in _SWITCHES else value

    def __setattr__(self, attribute: str, value: Any) -> None:
        if attribute not in self._values:
            _registry.check_parameter_names({attribute: value}, self._values, self._name)
        if attribute == "learning_rate" and isinstance(value, LearningRateSchedule):
            self.__dict__["_schedule"] = value
        elif attribute == "learning_rate" and self._schedule is not None:
            raise TypeError(
                f"learning_rate is the schedule {self._schedule!r}: it can be replaced by another "
                f"schedule, not by {value!r}"
            )
        else:
            values = self._values | {attribute: _check(attribute, value)}
            _check_clips(values)
            self._values.update(values)
        self.__dict__["_version"] += 1

    def __getstate__(self) -> dict[str, Any]:
        """Settings without the core's object: a copy belongs to no model yet."""
        return {**self.__dict__, "_native": None}

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._values})

    def __repr__(self) -> str:
        shown = [k for k in self._values if k not in _OPTIONAL or self._values[k]]
        inner = ", ".join(f"{k}={getattr(self, k)!r}" for k in shown)
        return f"{_class_name(self._name)}({inner})"


class OptimizerLink:
    """The core's optimizer of one network, kept in step with the settings of an Optimizer."""

    def __init__(self, optimizer: Optimizer, network: _core.Network) -> None:
        self.optimizer = optimizer
        self.network = network
        self.native = _core.Optimizer(network, optimizer.name, optimizer._values)
        self._hand_over_schedule()
        self._version = optimizer._version
        optimizer.__dict__["_native"] = self.native

    def sync(self) -> _core.Optimizer:
        """Hand over settings that changed; return the core's optimizer."""
        if self._version != self.optimizer._version:
            values = self.optimizer._values
            for name, value in sorted(values.items(), key=lambda item: item[1]):
                self.native.set(name, value)  # zeros first: of clips, one at a time is set
            self._hand_over_schedule()
            self._version = self.optimizer._version
        return self.native

    def leave(self) -> None:
        """Let the Optimizer forget the core's, unless it has another one by now."""
        if self.optimizer._native is self.native:
            self.optimizer.__dict__["_native"] = None

    def _hand_over_schedule(self) -> None:
        schedule = self.optimizer._schedule
        if "learning_rate" in self.optimizer._values:
            self.native.set_schedule(None if schedule is None else schedule.to_core())


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
    if parameter in _OPTIONAL and value is None:
        return 0.0
    return check_float(value, parameter, *_RANGES.get(parameter, (0.0, math.inf)))


def _check_clips(values: dict[str, float]) -> None:
    """Raise ValueError for more than one way of clipping."""
    given = {name: values[name] for name in _CLIPS if values.get(name)}
    if len(given) > 1:
        raise ValueError(f"one of {', '.join(_CLIPS)} can be given, got {given}")


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
