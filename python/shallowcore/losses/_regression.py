"""Losses of real targets, and hinge."""

from __future__ import annotations

from collections.abc import Sequence

from shallowcore.losses._base import Loss


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


class MeanAbsoluteError(Loss):
    """Mean over outputs of ``|a - y|``.

    Parameters
    ----------
    scale : float, default 1.0
        Factor on the loss.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.get("mae")
    MeanAbsoluteError()
    """

    def __init__(self, *, scale: float = 1.0) -> None:
        super().__init__("mean_absolute_error", scale=scale)


class Huber(Loss):
    """Mean over outputs of e^2 / 2 for small errors e = a - y, and a multiple of their size beyond.

    ``e^2 / 2`` where ``|e| <= delta``, else ``delta |e| - delta^2 / 2``.

    Huber, "Robust estimation of a location parameter", 1964.

    Parameters
    ----------
    delta : float, default 1.0
        Where the square ends, > 0.
    scale : float, default 1.0
        Factor on the loss.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.Huber(delta=2.0).delta
    2.0
    """

    def __init__(self, delta: float = 1.0, *, scale: float = 1.0) -> None:
        super().__init__("huber", delta=delta, scale=scale)


class LogCosh(Loss):
    """Mean over outputs of ln cosh(a - y).

    About ``e^2 / 2`` for small errors and ``|e| - ln 2`` for large ones; never overflows.

    Parameters
    ----------
    scale : float, default 1.0
        Factor on the loss.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.get("logcosh")
    LogCosh()
    """

    def __init__(self, *, scale: float = 1.0) -> None:
        super().__init__("log_cosh", scale=scale)


class Quantile(Loss):
    """Pinball loss: mean over outputs of max(q e, (q - 1) e), e = y - a.

    Its minimum is the quantile q of the targets: Koenker and Bassett, "Regression quantiles", 1978.
    With several quantiles the model has an output for each, in the same order; targets may then be
    (n_samples,) or (n_samples, 1), the same for each quantile.

    Parameters
    ----------
    quantile : float or sequence of float, default 0.5
        Between 0 and 1.
    scale : float, default 1.0
        Factor on the loss.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.Quantile([0.1, 0.5, 0.9]).quantile
    (0.1, 0.5, 0.9)
    """

    def __init__(self, quantile: float | Sequence[float] = 0.5, *, scale: float = 1.0) -> None:
        super().__init__("quantile", quantile=quantile, scale=scale)


class Poisson(Loss):
    """Mean over outputs of a - y ln(a + 1e-7), for counts y >= 0 and rates a > 0.

    After an exponential it is computed from the logits z = ln a: e^z - y z.

    Parameters
    ----------
    from_logits : bool, default False
        The outputs are z = ln a.
    scale : float, default 1.0
        Factor on the loss.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.Poisson().name
    'poisson'
    """

    def __init__(self, from_logits: bool = False, *, scale: float = 1.0) -> None:
        super().__init__("poisson", from_logits=from_logits, scale=scale)


class Hinge(Loss):
    """Mean over outputs of max(0, 1 - y a), for targets 1 and -1 (or 1 and 0).

    Parameters
    ----------
    scale : float, default 1.0
        Factor on the loss.

    Examples
    --------
    >>> from shallowcore import losses
    >>> losses.Hinge(scale=0.5)
    Hinge(scale=0.5)
    """

    def __init__(self, *, scale: float = 1.0) -> None:
        super().__init__("hinge", scale=scale)
