"""From the arguments of `fit` to a training that is ready to run: checks, then the trainer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shallowcore import _core, _data, _fit, _report, _streams
from shallowcore._arrays import memory_map
from shallowcore._fed import Batches, FedTrainer
from shallowcore.callbacks import CallbackList

if TYPE_CHECKING:
    from shallowcore.models import Sequential


def of_arrays(
    model: Sequential,
    given: tuple[Any, Any, Any],
    settings: _fit.Settings,
    class_weight: Any,
    callbacks: Any,
    limits: tuple[Any, Any, Any],
) -> _fit.Training:
    """Check the arguments of `fit` with arrays; the training is ready to run."""
    split, held_out, steps = limits
    spec = model._spec(given[0])
    training = _data.samples(spec, *given)
    validation, validate = _validation(model, spec, held_out, steps)
    if held_out is None:
        training, validation = _data.split(training, split)
    source = _report.DataSource(spec, given, class_weight, training.n_samples)
    training = training.weighted(class_weight, spec)
    n_batches = math.ceil(training.n_samples / settings.batch_size)
    hooks = _hooks(model, callbacks, settings, n_batches, validation or validate)
    blocks, shape = settings.shuffle_blocks, spec.feature_shape
    with model._built_for(shape) as network, model._adapted_to(training, shape):
        model._warn_of_symmetry()
        training = training.standardized(model._target_scaling)
        if validation is not None:
            validation = validation.standardized(model._target_scaling)
        trainer = model._trainer(
            network,
            training,
            validation,
            settings.batch_size,
            shuffle=settings.shuffle,
            shuffle_blocks=memory_map(training.x) is not None if blocks is None else blocks,
            epochs=settings.epochs,
        )
    return _job(model, network, trainer, settings, hooks, validate, source)


def of_stream(
    model: Sequential,
    stream: _streams.Stream,
    settings: _fit.Settings,
    class_weight: Any,
    callbacks: Any,
    limits: tuple[Any, Any, Any],
) -> _fit.Training:
    """Check the arguments of `fit` with batches; the training is ready to run."""
    split, held_out, steps = limits
    if split != 0.0:
        raise ValueError(
            f"validation_split must be 0 for an iterable of batches, got {split!r}: "
            "give validation_data"
        )
    if model._require_compiled().full_batch:
        raise ValueError(
            f"{model.optimizer.name} needs all samples in every step: give x and y as arrays"
        )
    _check_known(model)
    batches = Batches(stream, class_weight, model._epochs_started, model._target_scaling)
    spec = model._spec(batches.first_inputs())
    first = batches.check(spec, batches.ahead, 0)
    validation, validate = _validation(model, spec, held_out, steps)
    if validation is not None:
        validation = validation.standardized(model._target_scaling)
    hooks = _hooks(model, callbacks, settings, stream.n_batches, validation or validate)
    with model._built_for(spec.feature_shape) as network:
        model._warn_of_symmetry()
        trainer = model._trainer(
            network, first, validation, first.n_samples, epochs=settings.epochs, fed=True
        )
    return _job(model, network, FedTrainer(trainer, batches, spec), settings, hooks, validate, None)


def _check_known(model: Sequential) -> None:
    """Raise ValueError for what fit would have to find out of samples that have not come yet."""
    layer = model._stack.normalization_to_adapt()
    if layer is not None:
        raise ValueError(
            f"layer {layer.name!r} has no means and variances yet, and batches come one by one: "
            "call its adapt(data) first"
        )
    if model._standardizes and model._target_scaling is None:
        raise ValueError(
            "standardize_targets needs targets to begin with, and batches come one by one: fit "
            "arrays first"
        )


def _validation(
    model: Sequential, spec: _data.Spec, held_out: Any, steps: Any
) -> tuple[_data.Samples | None, Callable[[], dict[str, float]] | None]:
    """Samples for validation, or what computes its figures from batches."""
    if held_out is None or not _streams.is_stream_of_pairs(held_out):
        _streams.check_no_steps(validation_steps=steps)
        return (None if held_out is None else _data.validation_samples(spec, held_out)), None
    stream = _streams.Stream(held_out, "validation_data", steps, "validation_steps")
    compiled = model._require_compiled()

    def validate() -> dict[str, float]:
        figures = compiled.named(model._evaluate_stream(stream))
        return {"val_" + name: value for name, value in figures.items()}

    return None, validate


def _hooks(
    model: Sequential,
    callbacks: Any,
    settings: _fit.Settings,
    n_batches: int | None,
    validation: Any,
) -> CallbackList:
    """Callbacks of a training, checked against the figures that its epochs will have."""
    params = {"verbose": settings.verbose, "epochs": settings.epochs, "steps": n_batches}
    hooks = CallbackList(callbacks, model, params)
    compiled = model._require_compiled()
    names = list(compiled.core_names(validation is not None))
    hooks.check_figures([*names, "lr"] if compiled.has_rate else names)
    return hooks


def _job(
    model: Sequential,
    network: _core.Network,
    trainer: _core.Trainer | FedTrainer,
    settings: _fit.Settings,
    hooks: CallbackList,
    validate: Callable[[], dict[str, float]] | None,
    source: _report.DataSource | None,
) -> _fit.Training:
    """The training, ready to run."""
    model._plan = trainer.plan_summary()

    def sync() -> Any:
        return model._sync_optimizer(network)

    compiled = model._require_compiled()
    return _fit.Training(model, compiled, trainer, sync, settings, hooks, validate, source)
