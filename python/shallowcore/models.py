"""Sequential: a stack of layers with Keras' words, trained by the native core."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Sequence
from typing import Any

from shallowcore import _core, _data, _fit, _weights
from shallowcore._checks import check_bool
from shallowcore._compiled import Compiled
from shallowcore._compiled_model import CompiledModel
from shallowcore._steps import Steps
from shallowcore.callbacks import CallbackList, History
from shallowcore.layers import Dense, Layer
from shallowcore.optimizers._base import OptimizerLink

__all__ = ["Sequential"]


class _Exclusive:
    """Keeps other threads from training a model while one does."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise RuntimeError(
                "the model is being trained by another thread: train it from one thread at a time"
            )

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Sequential(CompiledModel):
    """A model made of layers, one after another.

    Parameters
    ----------
    layers : sequence of layers, optional
        The layers in order; `add` appends more.  The first may be `Input`.
    name : str, default "sequential"
        Name in summaries.
    dtype : {"float32", "float64"}
        Of weights, computation and predictions.
    seed : int, optional
        Fixes initial weights and shuffling, 0 to 2**63 - 1.  By default one is drawn; either way
        it is the attribute `seed`.

    Attributes
    ----------
    seed : int
        See above.
    stop_training : bool
        Set to True in a callback to stop after the epoch.
    history : History or None
        What the last `fit` returned, or the one under way.

    Examples
    --------
    >>> import numpy as np
    >>> from shallowcore import layers, models
    >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> y = np.array([0, 1, 1, 0])
    >>> model = models.Sequential(
    ...     [layers.Input((2,)), layers.Dense(8, "tanh"), layers.Dense(1, "sigmoid")], seed=1
    ... )
    >>> model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    >>> history = model.fit(x, y, epochs=2000, verbose=0)
    >>> (model.predict(x)[:, 0] > 0.5).astype(int)
    array([0, 1, 1, 0])
    """

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        name: str | None = None,
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(layers, name, dtype=dtype, seed=seed)
        self.stop_training = False
        self.history: History | None = None
        self._link: OptimizerLink | None = None
        self._steps: Steps | None = None
        self._epochs_started = 0
        self._plan = ""
        self._exclusive = _Exclusive()

    def _sync_optimizer(self, network: _core.Network) -> _core.Optimizer:
        """Return the core's optimizer for this network, with the settings of now."""
        optimizer, link = self.optimizer, self._link
        if link is None or link.network is not network or link.optimizer is not optimizer:
            link = self._link = OptimizerLink(optimizer, network)
        return link.sync()

    def _trainer(
        self,
        network: _core.Network,
        training: _data.Samples,
        validation: _data.Samples | None,
        batch_size: int,
        shuffle: bool,
        epochs: int,
        *,
        by_weight: bool = False,
    ) -> _core.Trainer:
        compiled = self._require_compiled()
        return _core.Trainer(
            network,
            self._sync_optimizer(network),
            compiled.core_loss,
            compiled.core_metrics,
            training.to_core(),
            None if validation is None else validation.to_core(),
            batch_size=batch_size,
            shuffle=shuffle,
            seed=self.seed,
            epoch_counter=self._epochs_started,
            epochs=epochs,
            by_weight=by_weight,
        )

    def _warn_of_symmetry(self) -> None:
        """Warn where the units of a hidden layer are all alike and will stay so."""
        dense = [layer for layer in self._stack.layers if isinstance(layer, Dense)]
        name = _weights.symmetric_layer(dense)
        if name is not None:
            warnings.warn(
                f"all units of hidden layer {name!r} have the same weights, and training never "
                "breaks this symmetry: they stay identical; give the layer a random "
                "kernel_initializer",
                UserWarning,
                stacklevel=4,
            )

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = 32,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
    ) -> History:
        """Train, going on from where the last call stopped.

        Parameters
        ----------
        x : array-like, (n_samples, *shape of a sample)
            Inputs.  Arrays of the model's dtype, of integers and of booleans are read in place,
            whatever their order, row slices and memory maps too; others are copied once.
        y : array-like
            Targets: (n_samples,) or (n_samples, 1) for one output and for integer labels,
            else (n_samples, n_outputs).
        batch_size : int, default 32
            Samples in a step; the last batch of an epoch may be smaller.
        epochs : int, default 1
            Index of the epoch to stop before.
        verbose : {"auto", 0, 1, 2}
            1 a progress bar (needs tqdm), 2 one line an epoch, 0 nothing; "auto" is 1 on a terminal
            or in a notebook and 2 elsewhere.
        callbacks : list of callbacks.Callback, optional
            Called before and after the training and every epoch.
        validation_split : float, default 0.0
            Fraction of the samples, from the end, kept aside for validation.
        validation_data : tuple (x, y) or (x, y, sample_weight), optional
            Samples for validation; goes before `validation_split`.
        shuffle : bool, default True
            Visit the samples in another order every epoch.
        class_weight : dict or "balanced", optional
            Weight of each class in the loss; "balanced" is n_samples / (n_classes * samples of it).
        sample_weight : array-like, (n_samples,), optional
            Weight of each sample in the loss, >= 0; multiplied with `class_weight`.
        initial_epoch : int, default 0
            Index of the first epoch: `epochs - initial_epoch` are trained.

        Returns
        -------
        History
            `history.history` is a dict of lists: "loss", metrics, "val_...", "lr".

        Raises
        ------
        TypeError, ValueError
            For bad arguments, before any work: the model is unchanged.
        RuntimeError
            Before `compile`, without layers, or while another thread trains this model.
        KeyboardInterrupt
            On Ctrl-C, within 0.2 s; the weights are those of the last whole step.

        Warns
        -----
        RuntimeWarning
            If training diverged; the weights are then those of the last finite epoch.
        UserWarning
            If the units of a hidden layer are all alike: training never breaks that symmetry.
        """
        with self._exclusive:
            settings = _fit.check_settings(batch_size, epochs, initial_epoch, shuffle, verbose)
            spec = self._spec(x)
            training = _data.samples(spec, x, y, sample_weight)
            if validation_data is not None:
                validation: _data.Samples | None = _data.validation_samples(spec, validation_data)
            else:
                training, validation = _data.split(training, validation_split)
            training = training.weighted(class_weight, spec)
            n_batches = math.ceil(training.n_samples / settings.batch_size)
            params = {"verbose": settings.verbose, "epochs": settings.epochs, "steps": n_batches}
            hooks = CallbackList(callbacks, self, params)
            network = self._build(spec.feature_shape)
            self._warn_of_symmetry()
            trainer = self._trainer(
                network,
                training,
                validation,
                settings.batch_size,
                settings.shuffle,
                settings.n_epochs,
            )
            self._plan = trainer.plan_summary()
            job = _fit.Training(
                self,
                self._require_compiled(),
                trainer,
                lambda: self._sync_optimizer(network),
                settings,
                hooks,
            )
            try:
                return job.run()
            finally:
                self._epochs_started = trainer.epoch_counter

    def train_on_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Do one step on these samples.

        Parameters
        ----------
        x, y, sample_weight, class_weight
            As in `fit`.
        return_dict : bool, default False
            Return the figures by name.

        Returns
        -------
        float, list of float, or dict
            Loss before the step, with metrics [loss, metric, ...].

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As `fit`.
        """
        with self._exclusive:
            check_bool(return_dict, "return_dict")
            compiled = self._require_compiled()
            figures = None
            if sample_weight is None and class_weight is None:
                figures = self._quick_step(compiled, x, y)
            if figures is None:
                figures = self._step(x, y, sample_weight, class_weight)
            if not figures:
                _fit.warn_diverged("in this batch", compiled)
                figures = [math.nan] * (1 + len(compiled.core_metrics))
            return compiled.result(figures, return_dict)

    def _quick_step(self, compiled: Compiled, x: Any, y: Any) -> list[float] | None:
        """Do a step on arrays that the core takes as they are; None, and nothing, for others."""
        network, shape = self._network, self._stack.input_shape
        if network is None or shape is None or len(shape) != 1:
            return None
        steps = self._steps
        if steps is None or not steps.are_of(network, compiled):
            self._sync_optimizer(network)
            assert self._link is not None
            steps = self._steps = Steps(self._link, compiled)
        return steps.step(x, y)

    def _step(self, x: Any, y: Any, sample_weight: Any, class_weight: Any) -> list[float]:
        """Do a step on anything that fit takes; return its figures, none if it diverged."""
        spec = self._spec(x)
        batch = _data.samples(spec, x, y, sample_weight).weighted(class_weight, spec)
        network = self._build(spec.feature_shape)
        trainer = self._trainer(network, batch, None, batch.n_samples, False, 1)
        while not trainer.run(1, _fit.SLICE):
            pass
        if trainer.stop_reason == "diverged":
            return []
        history = trainer.history()
        return [history[name][0] for name in ("loss", *self._require_compiled().core_metrics)]

    def plan_summary(self) -> str:
        """Return what the last plan chose and why: kernels, blocks, threads.

        Raises
        ------
        RuntimeError
            Before the first `fit`: a plan is made when the model meets its data.
        """
        if not self._plan:
            raise RuntimeError("no plan yet: it is made when the model meets its data, in fit")
        return self._plan
