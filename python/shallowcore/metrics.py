"""Metrics by name: what the core measures beside the loss; everything else is scikit-learn's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shallowcore._checks import check_name

__all__ = ["Accuracy", "MeanAbsoluteError", "MeanSquaredError", "Metric", "get"]

# Names of the core, and Keras' names of the same things.
_KNOWN = ("accuracy", "mse", "mae")
_ALIASES = {
    "acc": "accuracy",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
}


class Metric:
    """A metric of the core under the name that histories use.

    Parameters
    ----------
    metric : str
        "accuracy" (binary, categorical or sparse as the loss says), "mse" or "mae", or a spelling
        of Keras: "acc", "mean_squared_error", ...
    name : str, optional
        Key in histories; by default the name as given.

    Examples
    --------
    >>> from shallowcore import metrics
    >>> metrics.Metric("acc").core_name
    'accuracy'
    """

    def __init__(self, metric: str, name: str | None = None) -> None:
        self.core_name: str = check_name(metric, "metric", _KNOWN, _ALIASES)
        self.name: str = metric if name is None else name
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a string, got {name!r}")

    @property
    def metric(self) -> str:
        """Name in the core."""
        return self.core_name

    def __repr__(self) -> str:
        return f"Metric({self.core_name!r}, name={self.name!r})"


class Accuracy(Metric):
    """Share of samples classified right: binary, categorical or sparse as the loss says.

    Parameters
    ----------
    name : str, default "accuracy"
        Key in histories.

    Examples
    --------
    >>> from shallowcore import metrics
    >>> metrics.Accuracy().name
    'accuracy'
    """

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__("accuracy", name)


class MeanSquaredError(Metric):
    """Mean over samples and outputs of (a - y)^2.

    Parameters
    ----------
    name : str, default "mean_squared_error"
        Key in histories.

    Examples
    --------
    >>> from shallowcore import metrics
    >>> metrics.MeanSquaredError().core_name
    'mse'
    """

    def __init__(self, name: str = "mean_squared_error") -> None:
        super().__init__("mse", name)


class MeanAbsoluteError(Metric):
    """Mean over samples and outputs of ``|a - y|``.

    Parameters
    ----------
    name : str, default "mean_absolute_error"
        Key in histories.

    Examples
    --------
    >>> from shallowcore import metrics
    >>> metrics.MeanAbsoluteError().core_name
    'mae'
    """

    def __init__(self, name: str = "mean_absolute_error") -> None:
        super().__init__("mae", name)


def get(identifier: Any) -> Metric:
    """Return the metric that `identifier` names.

    Parameters
    ----------
    identifier : str or Metric
        A name, or an object (returned as it is).

    Returns
    -------
    Metric
        The metric.

    Raises
    ------
    TypeError, ValueError
        For anything else; the nearest known name is suggested.

    Examples
    --------
    >>> from shallowcore import metrics
    >>> metrics.get("mse").name
    'mse'
    """
    return identifier if isinstance(identifier, Metric) else Metric(identifier)


def get_all(identifiers: Any) -> list[Metric]:
    """Metrics of compile's list, names all different."""
    if identifiers is None:
        return []
    if isinstance(identifiers, (str, Metric)):
        identifiers = [identifiers]
    if not isinstance(identifiers, Sequence):
        raise TypeError(f"metrics must be a list of names, got {identifiers!r}")
    found = [get(identifier) for identifier in identifiers]
    names = ["loss", *(metric.name for metric in found)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"metrics must have different names, got {name!r} twice")
    return found
