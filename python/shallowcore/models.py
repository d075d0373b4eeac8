"""Sequential: a stack of layers with Keras' words, trained by the native core."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from shallowcore import _core, _data, _fit, _jobs, _streams, _weights
from shallowcore._checks import check_bool
from shallowcore._compiled import Compiled
from shallowcore._persistent_model import PersistentModel, load
from shallowcore._steps import Steps
from shallowcore.callbacks import History
from shallowcore.layers import Dense, Layer

__all__ = ["Sequential", "load_model"]


class Sequential(PersistentModel):
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
        Fixes initial weights, shuffling and dropout, 0 to 2**63 - 1.  By default one is drawn;
        either way it is the attribute `seed`.

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
        self._steps: Steps | None = None
        self._plan = ""

    def _trainer(
        self,
        network: _core.Network,
        training: _data.Samples,
        validation: _data.Samples | None,
        batch_size: int,
        **options: Any,
    ) -> _core.Trainer:
        """Trainer of the core; options: shuffle, shuffle_blocks, epochs, fed, by_weight."""
        compiled = self._require_compiled()
        return _core.Trainer(
            network,
            self._sync_optimizer(network),
            compiled.core_loss,
            compiled.core_metrics,
            training.to_core(),
            None if validation is None else validation.to_core(),
            batch_size=batch_size,
            seed=self.seed,
            epoch_counter=self._epochs_started,
            **options,
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
        y: Any = None,
        batch_size: int | None = 32,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        max_time: float | None = None,
    ) -> History:
        """Train, going on from where the last call stopped.

        Parameters
        ----------
        x : array-like, (n_samples, ...)
            Inputs.  Arrays of the model's dtype, of integers and of booleans are read in place,
            whatever their order, row slices and memory maps too; others are copied once.
            Without `y`, an iterable of batches (x, y) or (x, y, sample_weight): a list, an object
            with `__len__` and `__getitem__`, a generator.  Batches may differ in size, not in
            type; an iterator goes on from epoch to epoch, everything else starts again.
        y : array-like
            Targets: (n_samples,) or (n_samples, 1) for one output and for integer labels,
            else (n_samples, n_outputs).
        batch_size : int, default 32
            Samples in a step; the last batch of an epoch may be smaller.  Batches of an iterable
            are steps as they come.
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
            Samples for validation, or an iterable of batches; goes before `validation_split`.
        shuffle : bool or "blocks", default True
            Visit the samples in another order every epoch.  "blocks", and True for memory maps:
            blocks of 16 MiB of consecutive rows in random order, and the rows of a block in
            random order before the next block, so that reads stay local.  Of an iterable that can
            be indexed, the batches come in another order; others come as they do.
        class_weight : dict or "balanced", optional
            Weight of each class in the loss; "balanced" is n_samples / (n_classes * samples of it).
        sample_weight : array-like, (n_samples,), optional
            Weight of each sample in the loss, >= 0; multiplied with `class_weight`.
        initial_epoch : int, default 0
            Index of the first epoch: `epochs - initial_epoch` are trained.
        steps_per_epoch, validation_steps : int, optional
            Batches of an epoch, and of a validation, where they come from an iterable.
        max_time : float, optional
            Seconds after which training stops, at the end of the batch under way.  An epoch that
            is not done then has moved the weights, but is not in the history.

        Returns
        -------
        History
            `history.history` is a dict of lists: "loss", metrics, the same of the validation
            ("val_loss", ...), "lr";
            `history.stop_reason` says why it ended, `history.report()` what to make of it.

        Raises
        ------
        TypeError, ValueError
            For bad arguments, before any work: the model is unchanged.  Batches of an iterable are
            checked when they come: training has gone as far as the one before.
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
            settings = _fit.check_settings(
                batch_size, epochs, initial_epoch, shuffle, verbose, max_time
            )
            limits = (validation_split, validation_data, validation_steps)
            if y is None and _streams.is_stream(x):
                _streams.check_no_arrays(sample_weight=sample_weight)
                stream = _streams.Stream(
                    x, "x", steps_per_epoch, "steps_per_epoch", settings.shuffle, self.seed
                )
                job = _jobs.of_stream(self, stream, settings, class_weight, callbacks, limits)
            else:
                _streams.check_no_steps(steps_per_epoch=steps_per_epoch)
                given = (x, y, sample_weight)
                job = _jobs.of_arrays(self, given, settings, class_weight, callbacks, limits)
            try:
                return job.run()
            finally:
                job.pause()

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
        if network is None or shape is None or len(shape) != 1 or self._target_scaling is not None:
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
        batch = batch.standardized(self._target_scaling)
        with self._built_for(spec.feature_shape) as network:
            trainer = self._trainer(network, batch, None, batch.n_samples, shuffle=False)
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


def load_model(filepath: Any) -> Sequential:
    """Return the model that `Sequential.save` wrote: compiled, and ready to train on.

    Parameters
    ----------
    filepath : path-like
        A file written by this or an earlier version, ending with ".safetensors".

    Returns
    -------
    Sequential
        With layers, weights, seed, and what `compile` had set; `fit` goes on where training
        stopped.  Initializers that were arrays or functions are the default ones: nothing in the
        file is run.

    Raises
    ------
    ValueError
        For damaged files, files of other software or of a later version; nothing is read into
        memory before it is known to be what the description says.
    OSError
        For a missing or unreadable file.
    ImportError
        Without safetensors.

    Examples
    --------
    >>> import os, tempfile
    >>> from shallowcore import layers, models
    >>> model = models.Sequential([layers.Input((3,)), layers.Dense(2)], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "m.safetensors")
    ...     model.save(path)
    ...     models.load_model(path).digest() == model.digest()
    True
    """
    model: Sequential = load(Sequential, filepath)
    return model
