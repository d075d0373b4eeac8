"""What a compiled model can tell: loss, metrics, predictions and gradients; nothing is trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import _core, _data, _fit, _progress, _streams
from shallowcore._arrays import Numbers, feature_shape_of, features
from shallowcore._checks import check_bool
from shallowcore._compiled import Compiled
from shallowcore._initializer import Shape
from shallowcore._model_base import LayerModel
from shallowcore._target_scaling import TargetScaling, check_allowed
from shallowcore.layers import Dense, Layer
from shallowcore.losses import Loss
from shallowcore.optimizers import Optimizer


class CompiledModel(LayerModel):
    """A model with optimizer, loss and metrics; `Sequential` adds training."""

    def __init__(
        self, layers: Sequence[Layer] | None, name: str | None, *, dtype: Any, seed: int | None
    ) -> None:
        super().__init__(layers, name, dtype=dtype, seed=seed)
        self._compiled: Compiled | None = None
        self._target_scaling: TargetScaling | None = None

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer that the model was compiled with; RuntimeError before that."""
        return self._require_compiled().optimizer

    @property
    def loss(self) -> Loss:
        """The loss that the model was compiled with; RuntimeError before that."""
        return self._require_compiled().loss

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns, in order; RuntimeError before `compile`."""
        return self._require_compiled().names

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        standardize_targets: bool | None = None,
    ) -> None:
        """Say how to train.

        Parameters
        ----------
        optimizer : str or optimizers.Optimizer, default "rmsprop"
            A name, with Keras' defaults, or an object.
        loss : str or losses.Loss
            A name, a short form such as "mse", or an object.
        metrics : list of str or metrics.Metric, optional
            "accuracy", "mse", "mae".
        standardize_targets : bool, optional
            For regression with a linear last layer: train on (y - mean) / standard deviation of
            each output, from the training targets of the first `fit`, which the model keeps and
            saves.  `predict` returns the targets' own units, and "mse" and "mae" are in them; the
            loss, in histories and `evaluate`, and `gradients` are of standardised targets.  None
            leaves it as it was, False for a new model; False forgets what was kept.

        Raises
        ------
        TypeError, ValueError
            For unknown names (the nearest known one is suggested), or a loss or last layer that
            standardised targets do not suit.
        RuntimeError
            While the model is being trained, from a callback too.
        """
        standardize = self._standardizes if standardize_targets is None else standardize_targets
        compiled = Compiled(
            optimizer, loss, metrics, check_bool(standardize, "standardize_targets")
        )
        with self._exclusive:
            self._require_rest("it is compiled")
            if compiled.standardize_targets:
                check_allowed(compiled.loss, self._stack.layers)
            self._compiled = compiled
            if not compiled.standardize_targets:
                self._scale_targets(None)

    @property
    def _standardizes(self) -> bool:
        """Whether the model was compiled to standardise its targets."""
        return self._compiled is not None and self._compiled.standardize_targets

    def _scale_targets(self, scaling: TargetScaling | None) -> None:
        """Keep the scaling of targets, and tell the network."""
        self._target_scaling = scaling
        if self._network is not None:
            self._equip(self._network)

    def _equip(self, network: _core.Network) -> None:
        """See LayerModel."""
        scaling = self._target_scaling
        if scaling is not None and scaling.mean.size != network.n_outputs:
            scaling = self._target_scaling = None  # the last layer is another one
        if scaling is None:
            network.scale_outputs([], [])
        else:
            network.scale_outputs(scaling.scale.tolist(), scaling.mean.tolist())

    def _repr_html_(self) -> str:
        """Show the summary in notebooks."""
        from shallowcore._html import model_page

        return model_page(self.name, self.dtype, *self._described, self._compiled)

    def _require_compiled(self) -> Compiled:
        if self._compiled is None:
            raise RuntimeError(
                "the model has no loss and optimizer yet: call compile(optimizer, loss) first"
            )
        return self._compiled

    def _feature_shape(self, x: Any) -> Shape:
        """Shape of one sample: the model's, or that of `x` where the model has none yet."""
        known = self._stack.input_shape
        return known if known is not None else feature_shape_of(x)

    def _spec(self, x: Any) -> _data.Spec:
        """Say what the compiled model expects of samples such as `x`; changes nothing."""
        compiled = self._require_compiled()
        shape = self._feature_shape(x)
        n_outputs = self._stack.shapes(shape)[-1][0]
        if compiled.standardize_targets:
            check_allowed(compiled.loss, self._stack.layers)
        return _data.Spec(shape, n_outputs, self._dtype, compiled.loss)

    def is_score(self, figure: str) -> bool:
        """Whether more of a figure is better; ValueError where nobody knows."""
        return self._require_compiled().is_score(figure)

    def norm_of_gradient(self, samples: _data.Samples) -> float:
        """Euclidean norm of the gradient on checked samples, penalties included."""
        loss = self._require_compiled().core_loss
        data = samples.standardized(self._target_scaling).to_core()
        _, gradients = self._build_known().gradients(data, loss)
        flat = [g.ravel().astype(np.float64) for g in gradients]
        return math.sqrt(sum(float(g @ g) for g in flat))

    def unit_ranges(self, samples: _data.Samples) -> list[tuple[str, str, Numbers, Numbers]]:
        """Least and greatest outputs of hidden units, with name and activation of their layer."""
        stages = self._build_known().unit_ranges(_data.lend(samples.x))
        names = iter(layer.name for layer in self._stack.layers if isinstance(layer, Dense))
        found, name = [], ""
        for is_dense, activation, least, greatest in stages:
            name = str(next(names)) if is_dense else name
            found.append((name, activation, least, greatest))
        return [one for one in found if one[0] != name]

    # --- figures and predictions ------------------------------------------------------------------
    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = 0,
        sample_weight: Any = None,
        return_dict: bool = False,
        steps: int | None = None,
    ) -> Any:
        """Return loss and metrics on these samples.

        Parameters
        ----------
        x, y, sample_weight
            As in `fit`; without `y`, an iterable of batches.
        batch_size : int, optional
            Checked only: the core chooses its own blocks, the result is the mean over all samples.
        verbose : {0, 1, 2, "auto"}
            Anything but 0 prints the figures on one line.
        return_dict : bool, default False
            Return the figures by name.
        steps : int, optional
            Batches to take of an iterable.

        Returns
        -------
        float, list of float, or dict
            Loss, penalties included; with metrics [loss, metric, ...].  With
            `standardize_targets` the loss is of standardised targets, "mse" and "mae" are in the
            targets' own units.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As `fit`.
        """
        _fit.check_batch_size(batch_size)
        check_bool(return_dict, "return_dict")
        shown = verbose != 0 and _progress.resolve_verbose(verbose) != _progress.SILENT
        compiled = self._require_compiled()
        if y is None and _streams.is_stream(x):
            _streams.check_no_arrays(sample_weight=sample_weight)
            values = self._evaluate_stream(_streams.Stream(x, "x", steps, "steps"))
        else:
            _streams.check_no_steps(steps=steps)
            values = self._evaluate_samples(x, y, sample_weight)[0]
        if shown:
            print(_progress.figures(compiled.named(values)))
        return compiled.result(values, return_dict)

    def _evaluate_samples(
        self, x: Any, y: Any, sample_weight: Any, prefix: str = ""
    ) -> tuple[list[float], int]:
        """Figures of samples, and their number."""
        spec = self._spec(x)
        data = _data.samples(spec, x, y, sample_weight, prefix)
        data = data.standardized(self._target_scaling)
        compiled = self._require_compiled()
        with self._built_for(spec.feature_shape) as network:
            found = network.evaluate(data.to_core(), compiled.core_loss, compiled.core_metrics)
        return found, data.n_samples

    def _evaluate_stream(self, stream: _streams.Stream) -> list[float]:
        """Means over all samples of an iterable of batches."""
        sums, total = np.zeros(1 + len(self._require_compiled().core_metrics)), 0
        for i, batch in enumerate(stream.epoch(0)):
            where = f"batch {i} of {stream.argument}"
            figures, n = self._evaluate_samples(*_streams.unpack(batch, where), f"{where}: ")
            sums += n * np.array(figures)
            total += n
        if total == 0:
            raise _streams.without_batches(stream.argument)
        means: list[float] = (sums / total).tolist()
        return means

    def test_on_batch(
        self, x: Any, y: Any, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return loss and metrics on these samples, as `evaluate` does."""
        return self.evaluate(x, y, sample_weight=sample_weight, return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> NDArray[np.floating[Any]]:
        """Return the outputs for these samples, as `predict` does."""
        return self.predict(x)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = 0,
        steps: int | None = None,
    ) -> NDArray[np.floating[Any]]:
        """Return the outputs for these samples.

        Parameters
        ----------
        x : array-like, (n_samples, ...)
            Inputs, as in `fit`; or an iterable of such arrays, or of tuples that begin with one.
        batch_size : int, optional
            Checked only: the core chooses its own blocks.
        verbose : {0, 1, 2, "auto"}
            Checked only.
        steps : int, optional
            Batches to take of an iterable.

        Returns
        -------
        ndarray of the model's dtype, (n_samples, n_outputs)
            A new array.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As `fit`; `compile` is not needed.
        """
        if batch_size is None and verbose == 0:
            outputs = self._predict_plain(x)
            if outputs is not None:
                return outputs
        if batch_size is not None:
            _fit.check_batch_size(batch_size)
        if verbose != 0:
            _progress.resolve_verbose(verbose)
        if _streams.is_stream_of_inputs(x):
            stream = _streams.Stream(x, "x", steps, "steps")
            batches = [self.predict(_streams.inputs_of(batch)) for batch in stream.epoch(0)]
            if not batches:
                raise _streams.without_batches("x")
            return np.concatenate(batches)
        _streams.check_no_steps(steps=steps)
        shape = self._feature_shape(x)
        self._stack.shapes(shape)
        inputs = features(x, shape, self._dtype)
        with self._built_for(shape) as network:
            return network.predict(_data.lend(inputs))

    def _predict_plain(self, x: Any) -> NDArray[np.floating[Any]] | None:
        """Predict an array that the core takes as it is; None for anything else."""
        network, shape = self._network, self._stack.input_shape
        if network is None or shape is None or len(shape) != 1:
            return None
        return network.predict_plain(x)

    def gradients(
        self, x: Any, y: Any, sample_weight: Any = None
    ) -> tuple[float, list[NDArray[np.floating[Any]]]]:
        """Return the loss of these samples as one batch, and its gradients; changes nothing.

        Parameters
        ----------
        x, y, sample_weight
            As in `fit`.

        Returns
        -------
        loss : float
            Penalties included.
        gradients : list of ndarray
            [dw1, db1, dw2, ...], shaped as the weights that are trained.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As `fit`.
        """
        spec = self._spec(x)
        data = _data.samples(spec, x, y, sample_weight).standardized(self._target_scaling)
        with self._built_for(spec.feature_shape) as network:
            return network.gradients(data.to_core(), self._require_compiled().core_loss)
