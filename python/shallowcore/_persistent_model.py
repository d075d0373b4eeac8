"""A model that outlives its process: saved, loaded and copied with all that training needs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from shallowcore import _core, _data, _export, _files, _state
from shallowcore._compiled import Compiled
from shallowcore._compiled_model import CompiledModel
from shallowcore._initializer import Shape
from shallowcore._stack import Stack
from shallowcore._target_scaling import TargetScaling
from shallowcore.layers import Layer
from shallowcore.optimizers._base import OptimizerLink

# What a description that was tampered with may end in, beside ValueError.
_SIGNS_OF_DAMAGE = (
    AttributeError,
    LookupError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)

# Attributes that copies make anew, or do without.
_NOT_COPIED = (
    "_compiled",
    "_exclusive",
    "_link",
    "_network",
    "_stack",
    "_steps",
    "_views",
    "history",
)


class PersistentModel(CompiledModel):
    """A compiled model with its optimizer's state; `Sequential` adds training."""

    _link: OptimizerLink | None = None

    def __init__(
        self, layers: Sequence[Layer] | None, name: str | None, *, dtype: Any, seed: int | None
    ) -> None:
        super().__init__(layers, name, dtype=dtype, seed=seed)
        self._epochs_started = 0

    def _sync_optimizer(self, network: _core.Network) -> _core.Optimizer:
        """Return the core's optimizer for this network, with the settings of now."""
        optimizer, link = self.optimizer, self._link
        if link is None or link.network is not network or link.optimizer is not optimizer:
            link = self._link = OptimizerLink(optimizer, network)
        return link.sync()

    def forget_network(self) -> None:
        """Leave the network aside, and the optimizer's state, which was of its weights."""
        super().forget_network()
        if self._link is not None:
            self._link.leave()
            self._link = None

    def note_epochs(self, started: int) -> None:
        """Note how many epochs have been started, which the generator of the shuffles counts."""
        self._epochs_started = started

    # --- the first fit ----------------------------------------------------------------------------
    @contextmanager
    def _adapted_to(self, training: _data.Samples, shape: Shape) -> Iterator[None]:
        """Find out what the first fit finds out of its samples; undone by an exception."""
        layer = self._stack.normalization_to_adapt()
        before = None if layer is None else layer.state()
        scaling = self._target_scaling
        try:
            if layer is not None:
                layer.adapt_to(training.x, shape, *self._stack.rescaling_before(layer))
            if self._standardizes and scaling is None:
                self._scale_targets(TargetScaling.of(training.y))
            yield
        except BaseException:
            if layer is not None:
                layer.restore_state(before)
            self._scale_targets(scaling)
            raise

    # --- files ------------------------------------------------------------------------------------
    def save(self, filepath: Any) -> None:
        """Write the whole model into a file: layers, weights, what `compile` set, optimizer state.

        `models.load_model` reads it back, and training goes on with the same bits as if it had
        never stopped: after `save` in the middle of `fit(epochs=n)`, for example by a callback,
        `fit(epochs=n, initial_epoch=k)` of the loaded model ends with the weights of the
        uninterrupted one.  (Plans are chosen with `epochs` in mind; `plan_summary` says which.)

        Parameters
        ----------
        filepath : path-like
            Ends with ".safetensors".  A file that is there is replaced once the new one is
            written as a whole, and stays as it is if that fails.

        Raises
        ------
        TypeError, ValueError
            For another suffix, or a layer, loss or optimizer of a class of your own.
            Initializers that are arrays or functions are noted only: the weights are saved anyway.
        RuntimeError
            Before the model has weights, or while another thread trains it.
        OSError
            If the file cannot be written.
        ImportError
            Without safetensors: pip install "shallowcore[save]".
        """
        self.save_with(filepath, {})

    def save_with(self, filepath: Any, further: Mapping[str, Any]) -> None:
        """Save as `save` does, with JSON under keys of its own that `load_model` does not read."""
        path = _files.check_path(filepath)
        with self._exclusive:
            arrays = _state.weights(self) | _state.optimizer_state(self)
            _files.write(path, "model", _state.describe_model(self), arrays, further)

    def save_weights(self, filepath: Any) -> None:
        """Write the weights into a file, with the figures of normalizations.

        Parameters
        ----------
        filepath : path-like
            As in `save`.

        Raises
        ------
        TypeError, ValueError, RuntimeError, OSError, ImportError
            As `save`.
        """
        path = _files.check_path(filepath)
        with self._exclusive:
            _files.write(path, "weights", {"dtype": self.dtype}, _state.weights(self))

    def load_weights(self, filepath: Any) -> None:
        """Set the weights from a file that `save_weights` or `save` wrote.

        Parameters
        ----------
        filepath : path-like
            Weights of a model whose layers have the same names and shapes, of either dtype.

        Raises
        ------
        TypeError, ValueError
            For other files, or weights that do not fit; then no weight has changed.
        RuntimeError, OSError, ImportError
            As `save`.
        """
        path = _files.check_path(filepath)
        with self._exclusive:
            shapes = _state.expected_shapes(self._stack.layers, self._stack.shapes())
            with _reading(path), _files.ModelFile(path) as file:
                _state.check_names(shapes, file.shapes, self._stack.layers)
                _state.put_weights(self, file.arrays())

    def export(self, filepath: Any) -> None:
        """Write what `predict` computes as an ONNX model or a C header, for use without Python.

        Weights and outputs have the model's dtype; standardised targets come out in their own
        units.  Inputs are of the model's dtype, too, integers converted: 8-bit images as numbers
        from 0 to 255 before a first Rescaling.  docs/export.md says more.

        Parameters
        ----------
        filepath : path-like
            The suffix decides.  ".onnx": ONNX of opset 13, standard operators only, with input
            "input", (n_samples, ...) as `predict` takes them, and output "output",
            (n_samples, n_outputs), n_samples left open.  ".h": one C99 header that needs <math.h>
            only, and compiles as C++, with
            ``static inline void NAME_predict(const float *x, float *out)`` (or double) for one
            sample and the macros NAME_N_INPUTS and NAME_N_OUTPUTS, NAME the file's own name.
            A file that is there is replaced once the new one is written as a whole.

        Raises
        ------
        TypeError, ValueError
            For another suffix, a layer of a class of your own, or weights that are not finite
            in the model's dtype.
        RuntimeError
            Before the model has weights, or while another thread trains it.
        OSError
            If the file cannot be written.
        ImportError
            For ".onnx" without onnx: pip install "shallowcore[onnx]".

        Examples
        --------
        >>> from shallowcore import layers, models
        >>> model = models.Sequential([layers.Input((3,)), layers.Dense(2)], seed=0)
        >>> model.export("small_net.h")
        >>> with open("small_net.h") as file:
        ...     print(*[line for line in file if line.startswith(("#define", "static in"))])
        #define SMALL_NET_H
         #define SMALL_NET_N_INPUTS 3
         #define SMALL_NET_N_OUTPUTS 2
         static inline void small_net_predict(const float *x, float *out)
        """
        path = _files.check_path(filepath, ".onnx", ".h")
        with self._exclusive:
            content = _export.content(self, path)
        _files.write_bytes(path, content)

    # --- copies -----------------------------------------------------------------------------------
    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles are made of: everything but histories and the core's objects."""
        with self._exclusive:
            state = {name: v for name, v in vars(self).items() if name not in _NOT_COPIED}
            built = self._network is not None
            state["layers"] = self._stack.layers
            state["input_shape"] = self._stack.input_shape
            state["compiled"] = None if self._compiled is None else self._compiled.arguments
            state["progress"] = _state.progress(self)
            state["arrays"] = {}
            if built:
                state["arrays"] = _state.weights(self) | _state.optimizer_state(self)
            return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        layers = _state.with_input(state.pop("layers"), state.pop("input_shape"))
        compiled, progress = state.pop("compiled"), state.pop("progress")
        arrays = state.pop("arrays")
        vars(self).update(dict.fromkeys(_NOT_COPIED), **state)
        self._exclusive, self._views, self._stack = _core.Exclusive(), {}, Stack(self)
        self._stack.extend(layers)
        if compiled is not None:
            self._compiled = Compiled(**compiled)
        if arrays:
            _state.fill(self, arrays, progress)

    def __copy__(self) -> Any:
        """Return an independent model, as copy.deepcopy does: two cannot share their layers."""
        return copy.deepcopy(self)


def load(kind: Callable[..., Any], filepath: Any) -> Any:
    """Return the model of this kind that a file holds."""
    path = _files.check_path(filepath)
    with _reading(path), _files.ModelFile(path) as file:
        if file.kind != "model":
            raise ValueError("it holds weights only: give them to a model's load_weights")
        description = file.description
        layers = _state.layers_of(description)
        name, dtype, seed = (description[key] for key in ("name", "dtype", "seed"))
        model: PersistentModel = kind(layers, name, dtype=dtype, seed=seed)
        shapes = _state.expected_shapes(model._stack.layers, model._stack.shapes())
        _state.check_names(shapes, file.shapes, model._stack.layers)
        arrays = file.arrays()
        if description["compiled"] is not None:
            model.compile(**_state.compile_arguments(description["compiled"]))
        _state.fill(model, arrays, description["progress"])
    return model


def load_further(filepath: Any, key: str) -> Any:
    """Return what `save_with` wrote under a key, None where there is nothing."""
    path = _files.check_path(filepath)
    with _reading(path), _files.ModelFile(path) as file:
        return file.further(key)


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Whatever is wrong with a file is a ValueError that names it."""
    try:
        yield
    except _SIGNS_OF_DAMAGE as error:
        raise ValueError(f"cannot load {path!r}: {error}") from error
