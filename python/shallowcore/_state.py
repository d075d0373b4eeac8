"""Everything that a model is, as plain data and arrays: what files, copies and pickles are made of.

Arrays go by names: "weights/<layer>/<array>", "targets/mean" and "targets/scale" where targets are
standardised, "optimizer/<i>/<layer>/<array>" for state vector i, and "notes/<name>" for what a plan
or solver wants to find again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import _weights
from shallowcore._checks import check_int
from shallowcore._describe import describe, restore
from shallowcore._initializer import Shape
from shallowcore._target_scaling import TargetScaling
from shallowcore.layers import Dense, InputLayer, Layer, Normalization
from shallowcore.optimizers._base import OptimizerLink

if TYPE_CHECKING:
    from shallowcore._persistent_model import PersistentModel

Arrays = dict[str, NDArray[Any]]

_KEYS = {"name", "dtype", "seed", "input_shape", "layers", "compiled", "progress"}


# --- descriptions ---------------------------------------------------------------------------------
def describe_model(model: PersistentModel) -> dict[str, Any]:
    """Layers with their settings, what compile fixed, and how far training is."""
    stack, compiled = model._stack, model._compiled
    return {
        "name": model.name,
        "dtype": model.dtype,
        "seed": model.seed,
        "input_shape": stack.input_shape,
        "layers": [describe(layer) for layer in stack.layers],
        "compiled": None if compiled is None else describe_compiled(model),
        "progress": progress(model),
    }


def describe_compiled(model: PersistentModel) -> dict[str, Any]:
    """What compile fixed, by its arguments."""
    arguments = model._require_compiled().arguments
    return {name: describe(value) for name, value in arguments.items()}


def progress(model: PersistentModel) -> dict[str, int]:
    """Epochs started, which the generator counts, and steps of the optimizer."""
    link = _link_in_use(model)
    iterations = 0 if link is None else link.native.iterations
    return {"epochs_started": model._epochs_started, "iterations": iterations}


def _link_in_use(model: PersistentModel) -> OptimizerLink | None:
    """Return the core's optimizer, unless the model was compiled or its layers changed since."""
    link, compiled = model._link, model._compiled
    if link is None or compiled is None or link.network is not model._network:
        return None
    return link if link.optimizer is compiled.optimizer else None


def layers_of(description: Mapping[str, Any]) -> list[Layer]:
    """Layers of a description, `Input` in front; TypeError or ValueError where it is none."""
    if set(description) != _KEYS:
        raise ValueError(f"the model's description has {sorted(description)}")
    layers = restore(description["layers"])
    if not isinstance(layers, list):
        raise ValueError("the model's layers are no list")
    return with_input(layers, description["input_shape"])


def with_input(layers: Iterable[Layer], input_shape: Any) -> list[Layer]:
    """Put the shape of a sample in front, where it is known."""
    return [*([] if input_shape is None else [InputLayer(input_shape)]), *layers]


def compile_arguments(description: Any) -> dict[str, Any]:
    """Arguments of compile from what describe_compiled returned."""
    return {name: restore(value) for name, value in dict(description).items()}


# --- arrays ---------------------------------------------------------------------------------------
def expected_shapes(layers: Sequence[Layer], shapes: Sequence[Shape]) -> dict[str, Shape]:
    """Shape of every weight by its name, with the shapes of samples before each layer."""
    found: dict[str, Shape] = {}
    for layer, shape in zip(layers, shapes, strict=False):
        for name, one in zip(layer.weight_names, layer.parameter_shapes(shape), strict=False):
            found[f"weights/{layer.name}/{name}"] = one
    return found


def weights(model: PersistentModel) -> Arrays:
    """Copies of all weights, and the scaling of targets, by name."""
    model._build_known()
    arrays: Arrays = {}
    for layer in model._stack.layers:
        pairs = zip(layer.weight_names, layer.get_weights(), strict=False)
        arrays |= {f"weights/{layer.name}/{name}": array for name, array in pairs}
    scaling = model._target_scaling
    if scaling is not None:
        arrays |= {"targets/mean": scaling.mean, "targets/scale": scaling.scale}
    return arrays


def optimizer_state(model: PersistentModel) -> Arrays:
    """State vectors and notes of an optimizer that has done steps, by name."""
    link = _link_in_use(model)
    if link is None:
        return {}
    iterations, slots, notes = link.native.state(link.network)
    if iterations == 0:
        return {}
    arrays: Arrays = {f"notes/{name}": values for name, values in notes.items() if values.size}
    for i, slot in enumerate(slots):
        pairs = zip(_trained_names(model._stack.layers), slot, strict=True)
        arrays |= {f"optimizer/{i}/{name}": array for name, array in pairs}
    return arrays


def _trained_names(layers: Iterable[Layer]) -> list[str]:
    """Names "<layer>/<array>" of what the core trains, in its order."""
    dense = [layer for layer in layers if isinstance(layer, Dense)]
    return [
        f"{layer.name}/{name}" for layer in dense for name in layer.weight_names[: _n_arrays(layer)]
    ]


def _n_arrays(layer: Dense) -> int:
    """Arrays of a Dense layer: the kernel, and the bias where it has one."""
    return 2 if layer.use_bias else 1


def check_names(
    expected: Mapping[str, Shape], found: Mapping[str, Shape], layers: Sequence[Layer]
) -> None:
    """Raise ValueError unless all weights are there with their shapes, and nothing unknown is."""
    known = dict(expected)
    trained = _trained_names(layers)
    for name, shape in found.items():
        kind, _, rest = name.partition("/")
        slot, _, which = rest.partition("/")
        if kind == "optimizer" and slot.isdecimal() and which in trained:
            known[name] = expected["weights/" + which]
        elif kind in ("notes", "targets"):
            known[name] = shape
    for name, shape in known.items():
        if name not in found:
            raise ValueError(f"there is no array {name!r}, {shape}")
        if found[name] != shape:
            raise ValueError(f"array {name!r} has shape {found[name]}; expected {shape}")
    unknown = sorted(found.keys() - known.keys())
    if unknown:
        raise ValueError(f"there are arrays that no layer has, such as {unknown[0]!r}")


def fill(
    model: PersistentModel, arrays: Mapping[str, NDArray[Any]], done: Mapping[str, Any]
) -> None:
    """Give a new model what `weights`, `optimizer_state` and `progress` returned for another."""
    for layer in model._stack.layers:  # no first weights are drawn where some are there
        names = [f"weights/{layer.name}/{name}" for name in layer.weight_names]
        if isinstance(layer, Dense):
            model._views[layer] = [arrays[name] for name in names[: _n_arrays(layer)]]
    model._build_known()
    for layer in model._stack.layers:
        for name, view in zip(layer.weight_names, layer._views(), strict=False):
            given = arrays[f"weights/{layer.name}/{name}"]
            if given.dtype != view.dtype:
                raise ValueError(
                    f"{name} of {layer.name!r} has dtype {given.dtype}; expected {view.dtype}"
                )
    put_weights(model, arrays)
    put_progress(model, done, arrays)


def put_weights(model: PersistentModel, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Set all weights, and the scaling of targets, from what `weights` returned.

    ValueError, and nothing is done, where one does not fit.
    """
    views = dict(zip(weights(model), model._all_views(), strict=False))
    missing = [name for name in views if name not in arrays]
    if missing:
        raise ValueError(f"there is no array {missing[0]!r}")
    _check_normalizations(model, arrays)
    scaling = _target_scaling(arrays, model.output_shape[-1] or 0)
    _weights.assign(list(views.values()), [arrays[name] for name in views])
    for layer in model._stack.layers:
        if isinstance(layer, Normalization):
            layer.weights_changed()
    if scaling is not None or not model._standardizes:
        model._scale_targets(scaling)


def _check_normalizations(model: PersistentModel, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise ValueError for variances or counts below 0."""
    for layer in model._stack.layers:
        if not isinstance(layer, Normalization) or not layer._views():
            continue
        for name in ("variance", "count"):
            array = arrays[f"weights/{layer.name}/{name}"]
            if array.size and array.min() < 0:
                raise ValueError(f"{name} of {layer.name!r} must be >= 0, got {array.min()}")


def _target_scaling(arrays: Mapping[str, NDArray[Any]], n_outputs: int) -> TargetScaling | None:
    """Scaling of targets, if it is there."""
    if "targets/mean" not in arrays and "targets/scale" not in arrays:
        return None
    found = []
    for name in ("targets/mean", "targets/scale"):
        if name not in arrays:
            raise ValueError(f"there is no array {name!r}")
        found.append(_weights.checked(arrays[name], (n_outputs,), np.dtype(float), name))
    if not (found[1] > 0.0).all():
        raise ValueError(f"targets/scale must be > 0, got {found[1].min()}")
    mean, scale = (array.astype(np.float64) for array in found)
    return TargetScaling(mean, scale)


def put_progress(
    model: PersistentModel, done: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Go on as after what `progress` and `optimizer_state` returned."""
    if set(done) != {"epochs_started", "iterations"}:
        raise ValueError(f"the progress of training has {sorted(done)}")
    iterations = check_int(done["iterations"], "iterations", 0)
    model._epochs_started = check_int(done["epochs_started"], "epochs_started", 0, 2**32 - 1)
    if iterations == 0:
        return
    network = model._build_known()
    native = model._sync_optimizer(network)
    native.resume(network, iterations, _slots(model, arrays), _notes(arrays))


def _slots(model: PersistentModel, arrays: Mapping[str, NDArray[Any]]) -> list[list[NDArray[Any]]]:
    """State vectors in order, each a list of arrays."""
    names = _trained_names(model._stack.layers)
    slots: list[list[NDArray[Any]]] = []
    while any(name.startswith(f"optimizer/{len(slots)}/") for name in arrays):
        wanted = [f"optimizer/{len(slots)}/{name}" for name in names]
        for name in wanted:
            if name not in arrays:
                raise ValueError(f"there is no array {name!r}")
        slots.append([np.ascontiguousarray(arrays[name]) for name in wanted])
    return slots


def _notes(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """Notes of plans and solvers by name."""
    found: Arrays = {}
    for name, values in arrays.items():
        if not name.startswith("notes/"):
            continue
        if values.ndim != 1 or values.dtype != np.float64:
            raise ValueError(f"array {name!r} must be a vector of float64, got {values.dtype}")
        found[name.removeprefix("notes/")] = values
    return found
