"""Losses as objects, under Keras' names: what to minimise and how it is scaled.

A loss object holds settings only; the core computes.  Every entry of the core's table can be had by
name through `Loss` or `get`; the classes below give Keras' signatures.
"""

from __future__ import annotations

from typing import Any

from shallowcore import _core, _registry
from shallowcore._checks import check_bool, check_float

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "get",
]


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
    ) -> None:
        info = _registry.find_loss(name)
        self.name = info.name
        self.from_logits = check_bool(from_logits, "from_logits")
        self.label_smoothing = check_float(label_smoothing, "label_smoothing", 0.0, 1.0)
        self.scale = check_float(scale, "scale", 0.0)
        if self.from_logits and not info.has_logits:
            raise ValueError(f"from_logits=True was given, but {self.name} takes no logits")
        if self.label_smoothing and not info.has_label_smoothing:
            raise ValueError(
                f"label_smoothing={label_smoothing!r} was given, but {self.name} has none; "
                "expected 0.0"
            )

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
        )

    def __repr__(self) -> str:
        defaults = {"from_logits": False, "label_smoothing": 0.0, "scale": 1.0}
        changed = {k: getattr(self, k) for k, v in defaults.items() if getattr(self, k) != v}
        inner = ", ".join(f"{k}={v!r}" for k, v in changed.items())
        return f"{_registry.class_name(self.name)}({inner})"


class MeanSquaredError(Loss):
    """Mean over outputs of (a - y)^2.

    Parameters
    ----------
    scale : float, default 1.0
        Factor on the loss: 0.5 gives half the squared error.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.MeanSquaredError(scale=0.5).name
    'mean_squared_error'
    """

    def __init__(self, *, scale: float = 1.0) -> None:
        super().__init__("mean_squared_error", scale=scale)


class BinaryCrossentropy(Loss):
    """Log-loss, the mean over outputs of -(y ln a + (1 - y) ln(1 - a)).

    After a sigmoid it is computed from the logits, so a right and saturated prediction costs
    exactly 0 and a wrong one a finite number.

    Parameters
    ----------
    from_logits : bool, default False
        The outputs are logits z, a = 1 / (1 + e^-z).
    label_smoothing : float, default 0.0
        s in y (1 - s) + s / 2.
    scale : float, default 1.0
        Factor on the loss.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.BinaryCrossentropy(from_logits=True)
    BinaryCrossentropy(from_logits=True)
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, *, scale: float = 1.0
    ) -> None:
        super().__init__(
            "binary_crossentropy",
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            scale=scale,
        )


class CategoricalCrossentropy(Loss):
    """-sum_j y_j ln a_j for one-hot targets (n_samples, n_outputs).

    After a softmax it is computed from the logits.

    Parameters
    ----------
    from_logits : bool, default False
        The outputs are logits z, a = softmax(z).
    label_smoothing : float, default 0.0
        s in y (1 - s) + s / n_outputs.
    scale : float, default 1.0
        Factor on the loss.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.CategoricalCrossentropy(label_smoothing=0.1)
    CategoricalCrossentropy(label_smoothing=0.1)
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, *, scale: float = 1.0
    ) -> None:
        super().__init__(
            "categorical_crossentropy",
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            scale=scale,
        )


class SparseCategoricalCrossentropy(Loss):
    """-ln a_label for integer labels (n_samples,), 0 <= label < n_outputs.

    After a softmax it is computed from the logits.

    Parameters
    ----------
    from_logits : bool, default False
        The outputs are logits z, a = softmax(z).
    scale : float, default 1.0
        Factor on the loss.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.SparseCategoricalCrossentropy().integer_labels
    True
    """

    def __init__(self, from_logits: bool = False, *, scale: float = 1.0) -> None:
        super().__init__("sparse_categorical_crossentropy", from_logits=from_logits, scale=scale)


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
