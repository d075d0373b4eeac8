"""What a PyTorch network of linear layers is made of.

Modules are known by the names of their classes, and only those that PyTorch defines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import activations as known
from shallowcore.layers import Activation, Dense, Dropout, Flatten, Layer

Parts = tuple[tuple[int, ...], list[Layer], list[Any]]


def _rowwise(name: str) -> Callable[[Any], Layer]:
    def make(module: Any) -> Layer:
        _expect(module, "dim", (1, -1))
        return Activation(name)

    return make


def _flatten(module: Any) -> Layer:
    _expect(module, "start_dim", (1,))
    _expect(module, "end_dim", (-1,))
    return Flatten()


def _softplus(module: Any) -> Layer:
    _expect(module, "beta", (1,))
    _expect(module, "threshold", (20,))
    return Activation("softplus")


def _expect(module: Any, setting: str, values: tuple[Any, ...]) -> None:
    found = getattr(module, setting)
    if found not in values:
        raise ValueError(
            f"{type(module).__name__} with {setting}={found!r} has no counterpart; expected "
            f"{' or '.join(map(str, values))}"
        )


_LAYERS: dict[str, Callable[[Any], Layer]] = {
    "Dropout": lambda module: Dropout(module.p),
    "ELU": lambda module: Activation(known.Activation("elu", alpha=module.alpha)),
    "Flatten": _flatten,
    "GELU": lambda module: Activation(
        known.Activation("gelu", approximate=module.approximate == "tanh")
    ),
    "Hardsigmoid": lambda _: Activation("hard_sigmoid"),
    "Identity": lambda _: Activation("identity"),
    "LeakyReLU": lambda module: Activation(
        known.Activation("leaky_relu", negative_slope=module.negative_slope)
    ),
    "LogSoftmax": _rowwise("log_softmax"),
    "ReLU": lambda _: Activation("relu"),
    "SELU": lambda _: Activation("selu"),
    "SiLU": lambda _: Activation("silu"),
    "Sigmoid": lambda _: Activation("sigmoid"),
    "Softmax": _rowwise("softmax"),
    "Softplus": _softplus,
    "Softsign": lambda _: Activation("softsign"),
    "Tanh": lambda _: Activation("tanh"),
}


def parts(module: Any, activations: Any) -> Parts:
    """Shape of a sample, layers and their weights."""
    if isinstance(module, Mapping):
        return _of_state_dict(module, activations)
    if not _is(module, "Sequential"):
        raise TypeError(
            f"module must be a torch.nn.Sequential or a state_dict, got {type(module).__name__}: "
            "give its state_dict() and the activations"
        )
    if activations is not None:
        raise TypeError("activations are those of the module: give them with a state_dict only")
    stack: list[Layer] = []
    weights: list[Any] = []
    for name, one in _flat(module, ""):
        if _is(one, "Linear"):
            arrays = [_array(t) for t in (one.weight, one.bias) if t is not None]
            stack.append(_dense(f"Linear {name!r}", arrays))
            weights += [arrays[0].T, *arrays[1:]]
        elif type(one).__name__ in _LAYERS and _is(one, type(one).__name__):
            stack.append(_LAYERS[type(one).__name__](one))
        else:
            raise TypeError(f"module {name!r} has no counterpart: it is a {type(one).__name__}")
    return _first_shape(weights), stack, weights


def _is(module: Any, name: str) -> bool:
    """Whether an object is of PyTorch's own class of this name."""
    kind = type(module)
    return kind.__name__ == name and kind.__module__.startswith("torch.nn.modules.")


def _flat(module: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Modules in order with their names, those of nested Sequentials too."""
    for name, one in module.named_children():
        if _is(one, "Sequential"):
            yield from _flat(one, f"{prefix}{name}.")
        else:
            yield prefix + name, one


def _of_state_dict(arrays: Mapping[str, Any], activations: Any) -> Parts:
    """Dense layers from arrays "<name>.weight" and "<name>.bias", in order."""
    found: dict[str, list[NDArray[Any]]] = {}
    for name, tensor in arrays.items():
        layer, _, kind = name.rpartition(".")
        array = _array(tensor)
        if kind == "weight" and array.ndim == 2 and layer not in found:
            found[layer] = [array]
        elif kind == "bias" and array.ndim == 1 and len(found.get(layer, [])) == 1:
            found[layer].append(array)
        else:
            raise ValueError(f"array {name!r} of shape {array.shape} is not of a linear layer")
    if isinstance(activations, (str, known.Activation)) or not isinstance(activations, Sequence):
        raise TypeError(
            f"activations must be a list, one for each linear layer, got {activations!r}"
        )
    if len(activations) != len(found):
        raise ValueError(
            f"activations must be one for each of the {len(found)} linear layers, got "
            f"{len(activations)}"
        )
    stack: list[Layer] = []
    weights: list[Any] = []
    for (name, (weight, *bias)), g in zip(found.items(), activations, strict=True):
        stack.append(_dense(f"layer {name!r}", [weight, *bias], g))
        weights += [weight.T, *bias]
    return _first_shape(weights), stack, weights


def _dense(what: str, arrays: list[NDArray[Any]], activation: Any = None) -> Dense:
    """Return the layer of weight (n_out, n_in) and bias."""
    n_out = arrays[0].shape[0]
    if len(arrays) > 1 and arrays[1].shape != (n_out,):
        raise ValueError(f"{what} has a bias of shape {arrays[1].shape}; expected ({n_out},)")
    return Dense(n_out, activation, use_bias=len(arrays) > 1)


def _first_shape(weights: list[Any]) -> tuple[int, ...]:
    if not weights:
        raise ValueError("there is no linear layer; expected one at least")
    return (int(weights[0].shape[0]),)


def _array(tensor: Any) -> NDArray[Any]:
    """A tensor as an array of float32, or of float64 if it is that."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        tensor = tensor if str(tensor.dtype) == "torch.float64" else tensor.float()
    array = np.asarray(tensor)
    return array if array.dtype == np.float64 else array.astype(np.float32)
