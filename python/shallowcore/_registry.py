"""What the core knows by name, read from its own tables; no second list is kept here."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from shallowcore import _core
from shallowcore._checks import check_name, did_you_mean, plain

# Short forms of Keras.  "linear" and "identity" are one activation, whichever name the core lists.
LOSS_ALIASES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "bce": "binary_crossentropy",
    "pinball": "quantile",
}
_IDENTITY = ("identity", "linear")

_Info = TypeVar("_Info", _core.ActivationInfo, _core.LossInfo, _core.OptimizerInfo)


@cache
def activations() -> dict[str, _core.ActivationInfo]:
    """Activations of the core by name."""
    return {info.name: info for info in _core.activation_table()}


@cache
def losses() -> dict[str, _core.LossInfo]:
    """Losses of the core by name."""
    return {info.name: info for info in _core.loss_table()}


@cache
def optimizers() -> dict[str, _core.OptimizerInfo]:
    """Optimizers of the core by name."""
    return {info.name: info for info in _core.optimizer_table()}


@cache
def schedules() -> dict[str, _core.ScheduleInfo]:
    """Schedules of the learning rate that the core has, by name."""
    return {info.name: info for info in _core.schedule_table()}


def activation_aliases() -> dict[str, str]:
    """Second names of activations."""
    known = next(name for name in _IDENTITY if name in activations())
    return dict.fromkeys(_IDENTITY, known) | {"swish": "silu"}


def find_activation(name: Any, argument: str = "activation") -> _core.ActivationInfo:
    """Entry of an activation by any spelling of its name."""
    return activations()[check_name(name, argument, activations(), activation_aliases())]


def find_loss(name: Any, argument: str = "loss") -> _core.LossInfo:
    """Entry of a loss by any spelling of its name."""
    aliases = {alias: name for alias, name in LOSS_ALIASES.items() if name in losses()}
    return losses()[check_name(name, argument, losses(), aliases)]


def find_optimizer(name: Any, argument: str = "optimizer") -> _core.OptimizerInfo:
    """Entry of an optimizer by any spelling of its name."""
    return optimizers()[check_name(name, argument, optimizers())]


def check_parameter_names(given: dict[str, Any], known: dict[str, float], owner: str) -> None:
    """Raise TypeError for a parameter that `owner` does not take."""
    for name in given:
        if name not in known:
            takes = ", ".join(known) if known else "none"
            hint = did_you_mean(name, known)
            raise TypeError(f"{owner} takes no parameter {name!r}{hint or ';'} it takes: {takes}")


_UPPER = {name.lower(): name for name in ("ReLU", "ELU", "SELU", "GELU", "SiLU", "LBFGS")}


def class_name(name: str) -> str:
    """Keras' class name of an entry: "leaky_relu" is LeakyReLU."""
    return "".join(_UPPER.get(part, part.capitalize()) for part in name.split("_"))


def same_name(a: str, b: str) -> bool:
    """Whether two spellings name the same thing."""
    return plain(a) == plain(b)
