"""What a compiled model can tell: loss, metrics, predictions and gradients; nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import _core, _data, _fit, _progress
from shallowcore._arrays import feature_shape_of, features
from shallowcore._checks import check_bool
from shallowcore._compiled import Compiled
from shallowcore._initializer import Shape
from shallowcore._model_base import LayerModel
from shallowcore._target_scaling import TargetScaling, check_allowed
from shallowcore.layers import Layer
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
        """
        standardize = self._standardizes if standardize_targets is None else standardize_targets
        compiled = Compiled(
            optimizer, loss, metrics, check_bool(standardize, "standardize_targets")
        )
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

    # --- figures and predictions ------------------------------------------------------------------
    def evaluate(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        verbose: int | str = 0,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Return loss and metrics on these samples.

        Parameters
        ----------
        x, y, sample_weight
            As in `fit`.
        batch_size : int, optional
            Checked only: the core chooses its own blocks, the result is the mean over all samples.
        verbose : {0, 1, 2, "auto"}
            Anything but 0 prints the figures on one line.
        return_dict : bool, default False
            Return the figures by name.

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
        spec = self._spec(x)
        data = _data.samples(spec, x, y, sample_weight).standardized(self._target_scaling)
        compiled = self._require_compiled()
        network = self._build(spec.feature_shape)
        values = network.evaluate(data.to_core(), compiled.core_loss, compiled.core_metrics)
        if shown:
            print(_progress.figures(compiled.named(values)))
        return compiled.result(values, return_dict)

    def test_on_batch(
        self, x: Any, y: Any, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return loss and metrics on these samples, as `evaluate` does."""
        return self.evaluate(x, y, sample_weight=sample_weight, return_dict=return_dict)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: int | str = 0
    ) -> NDArray[np.floating[Any]]:
        """Return the outputs for these samples.

        Parameters
        ----------
        x : array-like, (n_samples, *shape of a sample)
            Inputs, as in `fit`.
        batch_size : int, optional
            Checked only: the core chooses its own blocks.
        verbose : {0, 1, 2, "auto"}
            Checked only.

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
        shape = self._feature_shape(x)
        self._stack.shapes(shape)
        inputs = features(x, shape, self._dtype)
        return self._build(shape).predict(_core.Dataset(inputs))

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
        network = self._build(spec.feature_shape)
        return network.gradients(data.to_core(), self._require_compiled().core_loss)
