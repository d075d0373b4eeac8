"""Losses of probabilities and of logits."""

from __future__ import annotations

from shallowcore.losses._base import Loss


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
