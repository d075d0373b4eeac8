"""Initial weights, as Keras 3 defines them, drawn from NumPy's counter-based generator.

An initializer is any callable (shape, rng) -> array; a layer also accepts a name or an array.
Parameter k of a model with seed s draws from `Generator(Philox(key=[s, k]))`, in float64, and is
then rounded to the model's dtype.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shallowcore._arrays import as_array, check_finite, check_number_type
from shallowcore._checks import check_float, check_name
from shallowcore._initializer import Draw, Initializer, Shape, cut_normal
from shallowcore._variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "get",
]


class Constant(Initializer):
    """Every value the same.

    Parameters
    ----------
    value : float, default 0.0
        That value.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> initializers.Constant(0.5)((2,))
    array([0.5, 0.5])
    """

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value: float = check_float(value, "value")

    def _draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
        return np.full(shape, self.value)


class Zeros(Constant):
    """Zeros.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> initializers.Zeros()((2,))
    array([0., 0.])
    """

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """Ones.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> initializers.Ones()((2,))
    array([1., 1.])
    """

    def __init__(self) -> None:
        super().__init__(1.0)


class RandomNormal(Initializer):
    """N(mean, stddev^2).

    Parameters
    ----------
    mean : float, default 0.0
        Mean.
    stddev : float, default 0.05
        Standard deviation, >= 0.
    seed : int, optional
        See `Initializer`.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> initializers.RandomNormal(stddev=0.01, seed=0)((784, 512)).shape
    (784, 512)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean: float = check_float(mean, "mean")
        self.stddev: float = check_float(stddev, "stddev", 0.0)

    def _draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
        return rng.normal(self.mean, self.stddev, shape)


class TruncatedNormal(RandomNormal):
    """N(mean, stddev^2), values further than two standard deviations from the mean drawn again.

    Parameters
    ----------
    mean : float, default 0.0
        Mean.
    stddev : float, default 0.05
        Standard deviation before the cut, >= 0.
    seed : int, optional
        See `Initializer`.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> bool(abs(initializers.TruncatedNormal(seed=0)((1000,))).max() <= 0.1)
    True
    """

    def _draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
        return self.mean + self.stddev * cut_normal(shape, rng)


class RandomUniform(Initializer):
    """Uniform on [minval, maxval).

    Parameters
    ----------
    minval, maxval : float, default -0.05 and 0.05
        Bounds, minval <= maxval.
    seed : int, optional
        See `Initializer`.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> bool(initializers.RandomUniform(0, 1, seed=0)((10,)).min() >= 0)
    True
    """

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.minval: float = check_float(minval, "minval")
        self.maxval: float = check_float(maxval, "maxval")
        if self.minval > self.maxval:
            raise ValueError(f"minval must be <= maxval, got {minval!r} and {maxval!r}")

    def _draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
        return rng.uniform(self.minval, self.maxval, shape)


class Values(Initializer):
    """The values of an array that a layer was given; its shape must be the parameter's."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        super().__init__()
        self.values = values

    def _draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
        return self.values

    def __repr__(self) -> str:
        return f"<array of shape {self.values.shape}>"


_CLASSES: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_normal": RandomNormal,
    "truncated_normal": TruncatedNormal,
    "random_uniform": RandomUniform,
    "variance_scaling": VarianceScaling,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
    "lecun_normal": LecunNormal,
    "lecun_uniform": LecunUniform,
}

# Keras' short forms.
_ALIASES = {
    "zero": "zeros",
    "one": "ones",
    "normal": "random_normal",
    "uniform": "random_uniform",
}


def get(identifier: str | ArrayLike | Draw, argument: str = "initializer") -> Draw:
    """Return the callable (shape, rng) -> array that `identifier` names.

    Parameters
    ----------
    identifier : str, array-like or callable
        A name in any spelling, an array with the values, or a callable (returned as it is).
    argument : str
        What messages call it.

    Returns
    -------
    callable
        (shape, rng) -> array.

    Raises
    ------
    TypeError, ValueError
        For anything else; the nearest known name is suggested.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> initializers.get("zeros")
    Zeros(value=0.0)
    """
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if callable(identifier):
        return identifier
    if isinstance(identifier, str):
        return _CLASSES[check_name(identifier, argument, _CLASSES, _ALIASES)]()
    values = check_number_type(as_array(identifier, argument), argument)
    return Values(check_finite(values.astype(np.float64), argument))
