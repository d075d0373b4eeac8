"""Base of the initializers: how values are drawn, and from which generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shallowcore._checks import check_int

Shape: TypeAlias = tuple[int, ...]
# In quotes: NumPy loads numpy.random when first asked for, which takes its time.
Draw: TypeAlias = "Callable[[Shape, np.random.Generator], Any]"


def generator(seed: int, parameter: int) -> np.random.Generator:
    """Return the generator of the initial values of one parameter of a model."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, parameter], dtype=np.uint64)))


class Initializer:
    """Base class: an object that makes the initial values of one parameter.

    Parameters
    ----------
    seed : int, optional
        Draw the same values at every call, whatever the model's seed.

    Examples
    --------
    >>> import numpy as np
    >>> from shallowcore import initializers
    >>> initializers.Ones()((2, 2), np.random.default_rng(0))
    array([[1., 1.],
           [1., 1.]])
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed: int | None = None if seed is None else check_int(seed, "seed", 0)

    def __call__(self, shape: Shape, rng: np.random.Generator | None = None) -> NDArray[np.float64]:
        """Return new values.

        Parameters
        ----------
        shape : tuple of int
            (n_in, n_out) of a kernel, (n_out,) of a bias.
        rng : numpy.random.Generator, optional
            Source of random numbers; a fresh one by default.  Not used where `seed` is set.

        Returns
        -------
        ndarray of float64, of that shape
            A new array.
        """
        if self.seed is not None:
            rng = generator(self.seed, 0)
        return self._draw(shape, np.random.default_rng() if rng is None else rng)

    def _draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
        raise NotImplementedError

    def __repr__(self) -> str:
        inner = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if v is not None)
        return f"{type(self).__name__}({inner})"


def cut_normal(shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw standard normal values, those outside [-2, 2] drawn again until none is left."""
    values = np.asarray(rng.standard_normal(shape))
    outside = np.flatnonzero(np.abs(values) > 2.0)
    while outside.size:
        values.flat[outside] = rng.standard_normal(outside.size)
        outside = outside[np.abs(values.flat[outside]) > 2.0]
    return values
