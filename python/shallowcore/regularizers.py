"""Weight penalties: added to the loss as ``l1 sum |w| + l2 sum w^2``, as Keras defines them."""

from __future__ import annotations

from typing import Any

from shallowcore._checks import check_float, check_name

__all__ = ["L1", "L1L2", "L2", "Regularizer", "get", "l1", "l1_l2", "l2"]


class Regularizer:
    """A penalty ``l1 sum |w| + l2 sum w^2`` on one array of weights.

    Parameters
    ----------
    l1, l2 : float, default 0.0
        Rates, >= 0.  They are not divided by the number of samples.

    Raises
    ------
    TypeError, ValueError
        If a rate is not a finite number >= 0.

    Examples
    --------
    >>> from shallowcore import regularizers
    >>> regularizers.Regularizer(l2=0.5)
    L2(0.5)
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1: float = check_float(l1, "l1", 0.0)
        self.l2: float = check_float(l2, "l2", 0.0)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Regularizer):
            return NotImplemented
        return (self.l1, self.l2) == (other.l1, other.l2)

    def __hash__(self) -> int:
        return hash((self.l1, self.l2))

    def __repr__(self) -> str:
        if self.l1 and self.l2:
            return f"L1L2({self.l1:g}, {self.l2:g})"
        return f"L1({self.l1:g})" if self.l1 else f"L2({self.l2:g})"


class L1(Regularizer):
    """``l1 sum |w|``.

    Parameters
    ----------
    l1 : float, default 0.01
        Rate.

    Examples
    --------
    >>> from shallowcore import regularizers
    >>> regularizers.L1().l1
    0.01
    """

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


class L2(Regularizer):
    """l2 sum w^2; its gradient is 2 l2 w.

    Parameters
    ----------
    l2 : float, default 0.01
        Rate.

    Examples
    --------
    >>> from shallowcore import regularizers
    >>> regularizers.L2().l2
    0.01
    """

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


class L1L2(Regularizer):
    """``l1 sum |w| + l2 sum w^2``.

    Parameters
    ----------
    l1, l2 : float, default 0.0
        Rates.

    Examples
    --------
    >>> from shallowcore import regularizers
    >>> regularizers.L1L2(0.1, 0.2)
    L1L2(0.1, 0.2)
    """


_CLASSES: dict[str, type[Regularizer]] = {"l1": L1, "l2": L2, "l1_l2": L1L2}

# Keras' short spellings.
l1 = L1
l2 = L2
l1_l2 = L1L2


def get(identifier: Any, argument: str = "regularizer") -> Regularizer:
    """Return the penalty that `identifier` names.

    Parameters
    ----------
    identifier : str, Regularizer or None
        "l1" or "l2" (rate 0.01), an object (returned as it is), or None for no penalty.
    argument : str
        What messages call it.

    Returns
    -------
    Regularizer
        The penalty.

    Raises
    ------
    TypeError, ValueError
        For anything else; the nearest known name is suggested.

    Examples
    --------
    >>> from shallowcore import regularizers
    >>> regularizers.get("l2")
    L2(0.01)
    """
    if identifier is None:
        return Regularizer()
    if isinstance(identifier, Regularizer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Regularizer):
        return identifier()
    return _CLASSES[check_name(identifier, argument, _CLASSES)]()
