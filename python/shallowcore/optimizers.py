"""Optimizers as objects, under Keras' names and with Keras' defaults: settings only.

The core holds the state and does the work; a model hands changed settings to it before it trains
on, so `model.optimizer.learning_rate = 1e-4` holds from the next epoch, also inside a callback.
"""

from __future__ import annotations

import math
from typing import Any

from shallowcore import _core, _registry
from shallowcore._checks import check_bool, check_float, check_int

__all__ = ["SGD", "Adam", "NewtonCG", "Optimizer", "RMSprop", "get"]

# Ranges of parameters by name; anything else is a finite number >= 0.
_RANGES = {
    "momentum": (0.0, 1.0),
    "rho": (0.0, 1.0),
    "beta_1": (0.0, math.nextafter(1.0, 0.0)),
    "beta_2": (0.0, math.nextafter(1.0, 0.0)),
}
_SWITCHES = frozenset({"nesterov", "centered", "amsgrad"})


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


class SGD(Optimizer):
    """Gradient descent: v = momentum v - learning_rate g, w += v.

    With `nesterov`: w += momentum v - learning_rate g, with the new v.

    Parameters
    ----------
    learning_rate : float, default 0.01
        Step size, >= 0.
    momentum : float, default 0.0
        In [0, 1].
    nesterov : bool, default False
        Look ahead.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.SGD(0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9, nesterov=False)
    """

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False
    ) -> None:
        super().__init__("sgd", learning_rate=learning_rate, momentum=momentum, nesterov=nesterov)


class RMSprop(Optimizer):
    """v = rho v + (1 - rho) g^2, w -= learning_rate g / sqrt(v + epsilon).

    Tieleman and Hinton, lecture 6.5 of "Neural networks for machine learning", 2012, as Keras has
    it.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size, >= 0.
    rho : float, default 0.9
        Decay of the mean square, in [0, 1].
    momentum : float, default 0.0
        In [0, 1].
    epsilon : float, default 1e-7
        Added to the mean square, >= 0.
    centered : bool, default False
        Subtract the square of the mean gradient.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.RMSprop().rho
    0.9
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
    ) -> None:
        super().__init__(
            "rmsprop",
            learning_rate=learning_rate,
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            centered=centered,
        )


class Adam(Optimizer):
    """m += (1 - beta_1)(g - m), v += (1 - beta_2)(g^2 - v), w -= alpha_t m / (sqrt(v) + epsilon).

    alpha_t = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t): Kingma and Ba, 2015, in the form
    before their section 2.1, which Keras uses.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size, >= 0.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Decays of mean and mean square, in [0, 1).
    epsilon : float, default 1e-7
        Added to the root, >= 0.
    amsgrad : bool, default False
        Use the largest mean square so far.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.Adam(1e-2).learning_rate
    0.01
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(
            "adam",
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
        )


class NewtonCG(Optimizer):
    """Newton's method with conjugate gradients and exact Hessian-vector products.

    For small networks and logistic regression: each epoch is one iteration on all samples, whatever
    the batch size, and training stops by itself where the gradient is small enough.
    Pearlmutter, "Fast exact multiplication by the Hessian", 1994; Eisenstat and Walker, 1996.

    Parameters
    ----------
    tolerance : float, default 1e-8
        Norm of the gradient at which training stops, relative to that at the start where that is
        above 1.
    max_cg_iterations : int, default 250
        Most inner iterations for one step.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.NewtonCG(tolerance=1e-10).tolerance
    1e-10
    """

    def __init__(self, tolerance: float = 1e-8, max_cg_iterations: int = 250) -> None:
        super().__init__(
            "newton_cg",
            tolerance=tolerance,
            max_cg_iterations=check_int(max_cg_iterations, "max_cg_iterations", 1, 2**53),
        )


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
