"""What all losses share: a name of the core's table and settings, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from shallowcore import _core, _registry
from shallowcore._checks import check_bool, check_float

# Least and greatest values of parameters by name.
_RANGES = {
    "delta": (math.nextafter(0.0, 1.0), math.inf),
    "quantile": (math.nextafter(0.0, 1.0), math.nextafter(1.0, 0.0)),
}


class Loss:
    """A loss of the core's table with its settings.

    Its value is the mean over samples of scale x weight x L(y, a); weights are 1 unless sample or
    class weights are given (Keras' reduction "sum_over_batch_size").

    Parameters
    ----------
    name : str
        Name of a loss in any spelling, or Keras' short form ("mse").
    from_logits : bool, default False
        The model's outputs are logits; only for losses that have a link function.
    label_smoothing : float, default 0.0
        In [0, 1]; only for losses that have it.
    scale : float, default 1.0
        Factor on the loss and so on every gradient, >= 0.
    **parameters : float or sequence of float
        The loss's own parameters by name; `delta` of huber, `quantile` of quantile.  Those not
        given have the core's defaults.

    Raises
    ------
    TypeError, ValueError
        For an unknown name (the nearest is suggested), or a setting that this loss does not have.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.Loss("mse", scale=0.5)
    MeanSquaredError(scale=0.5)
    """

    def __init__(
        self,
        name: str,
        *,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        scale: float = 1.0,
        **parameters: Any,
    ) -> None:
        info = _registry.find_loss(name)
        self.name: str = info.name
        self.from_logits: bool = check_bool(from_logits, "from_logits")
        self.label_smoothing: float = check_float(label_smoothing, "label_smoothing", 0.0, 1.0)
        self.scale: float = check_float(scale, "scale", 0.0)
        if self.from_logits and not info.has_logits:
            raise ValueError(f"from_logits=True was given, but {self.name} takes no logits")
        if self.label_smoothing and not info.has_label_smoothing:
            raise ValueError(
                f"label_smoothing={label_smoothing!r} was given, but {self.name} has none; "
                "expected 0.0"
            )
        _registry.check_parameter_names(parameters, info.parameters, self.name)
        self._values = {
            key: _values(key, parameters.get(key, default), info.by_output)
            for key, default in info.parameters.items()
        }

    @property
    def parameters(self) -> dict[str, float | tuple[float, ...]]:
        """The loss's own parameters by name; a tuple where there is one for each output."""
        return {key: v[0] if len(v) == 1 else v for key, v in self._values.items()}

    @property
    def n_outputs(self) -> int:
        """Number of outputs that the parameters are for, 1 for any."""
        return max((len(values) for values in self._values.values()), default=1)

    def __getattr__(self, attribute: str) -> Any:
        if attribute not in self.__dict__.get("_values", {}):
            raise AttributeError(f"{type(self).__name__} object has no attribute {attribute!r}")
        return self.parameters[attribute]

    @property
    def formula(self) -> str:
        """The formula in words, from the core's table."""
        return _registry.losses()[self.name].formula

    @property
    def integer_labels(self) -> bool:
        """Whether targets are integer labels, one for each sample."""
        return _registry.losses()[self.name].integer_labels

    def to_core(self) -> _core.Loss:
        """Return the core's object of this loss."""
        return _core.Loss(
            self.name,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
            scale=self.scale,
            parameters=self._values,
        )

    def __repr__(self) -> str:
        defaults = {"from_logits": False, "label_smoothing": 0.0, "scale": 1.0}
        changed = {k: getattr(self, k) for k, v in defaults.items() if getattr(self, k) != v}
        known = _registry.losses()[self.name].parameters
        changed |= {k: v for k, v in self.parameters.items() if v != known[k]}
        inner = ", ".join(f"{k}={v!r}" for k, v in changed.items())
        return f"{_registry.class_name(self.name)}({inner})"


def _values(name: str, value: Any, several: bool) -> tuple[float, ...]:
    """Values of a parameter, checked: one, or some where there may be several."""
    low, high = _RANGES[name]
    some = isinstance(value, Sequence) or (isinstance(value, np.ndarray) and value.ndim > 0)
    if not several or not some or isinstance(value, str):
        return (check_float(value, name, low, high),)
    if len(value) == 0:
        raise ValueError(f"{name} must be a number or some numbers, got {value!r}")
    return tuple(check_float(one, f"each {name}", low, high) for one in value)


def get(identifier: Any) -> Loss:
    """Return the loss that `identifier` names.

    Parameters
    ----------
    identifier : str or Loss
        A name in any spelling, a short form such as "mse", or an object (returned as it is).

    Returns
    -------
    Loss
        The loss with its settings.

    Raises
    ------
    TypeError, ValueError
        For anything else; the nearest known name is suggested.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.get("mse")
    MeanSquaredError()
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Loss) and identifier is not Loss:
        make: Any = identifier
        made: Loss = make()
        return made
    return Loss(identifier)
