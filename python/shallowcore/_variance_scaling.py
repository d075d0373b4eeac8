"""Initializers whose variance follows the shape of the weights: Glorot's, He's and LeCun's."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from shallowcore._checks import check_float, check_name
from shallowcore._initializer import Initializer, Shape, cut_normal

# Standard deviation of the standard normal cut at -2 and 2.
_CUT_STDDEV = 0.87962566103423978
_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


class VarianceScaling(Initializer):
    """Values of mean 0 and variance scale / n, n from the shape of the weights.

    Parameters
    ----------
    scale : float, default 1.0
        Numerator of the variance, > 0.
    mode : {"fan_in", "fan_out", "fan_avg"}
        n: inputs, outputs, or their mean.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
        Normal cut at two standard deviations (and widened so that the variance holds), normal, or
        uniform on +-sqrt(3 scale / n).
    seed : int, optional
        See `Initializer`.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> initializers.VarianceScaling(2.0, "fan_in", seed=0)((64, 32)).shape
    (64, 32)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        self.scale: float = check_float(scale, "scale", 0.0)
        if self.scale == 0.0:
            raise ValueError(f"scale must be > 0, got {scale!r}")
        self.mode: str = check_name(mode, "mode", _MODES)
        self.distribution: str = check_name(
            distribution, "distribution", _DISTRIBUTIONS, {"normal": "truncated_normal"}
        )

    def _draw(self, shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
        fan_in, fan_out = shape[0], shape[-1]
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return rng.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return rng.normal(0.0, math.sqrt(variance), shape)
        return math.sqrt(variance) / _CUT_STDDEV * cut_normal(shape, rng)


class _Named(VarianceScaling):
    """A VarianceScaling with fixed settings, which take no room in its representation."""

    _settings: tuple[float, str, str]

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*self._settings, seed=seed)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.seed is None else f'seed={self.seed}'})"


class GlorotUniform(_Named):
    """Uniform on +-sqrt(6 / (n_in + n_out)): Glorot and Bengio, 2010.

    Parameters
    ----------
    seed : int, optional
        See `Initializer`.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> bool(abs(initializers.GlorotUniform(seed=0)((3, 3))).max() <= 1.0)
    True
    """

    _settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated normal of variance 2 / (n_in + n_out): Glorot and Bengio, 2010.

    Parameters
    ----------
    seed : int, optional
        See `Initializer`.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> initializers.GlorotNormal(seed=0)((3, 3)).shape
    (3, 3)
    """

    _settings = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Named):
    """Uniform on +-sqrt(6 / n_in): He, Zhang, Ren and Sun, 2015.

    Parameters
    ----------
    seed : int, optional
        See `Initializer`.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> initializers.HeUniform(seed=0)((3, 3)).shape
    (3, 3)
    """

    _settings = (2.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated normal of variance 2 / n_in: He, Zhang, Ren and Sun, 2015.

    Parameters
    ----------
    seed : int, optional
        See `Initializer`.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> initializers.HeNormal(seed=0)((3, 3)).shape
    (3, 3)
    """

    _settings = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    """Uniform on +-sqrt(3 / n_in): LeCun, Bottou, Orr and Müller, 1998.

    Parameters
    ----------
    seed : int, optional
        See `Initializer`.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> initializers.LecunUniform(seed=0)((3, 3)).shape
    (3, 3)
    """

    _settings = (1.0, "fan_in", "uniform")


class LecunNormal(_Named):
    """Truncated normal of variance 1 / n_in: LeCun, Bottou, Orr and Müller, 1998.

    Parameters
    ----------
    seed : int, optional
        See `Initializer`.

    Examples
    --------
    >>> from shallowcore import initializers
    >>> initializers.LecunNormal(seed=0)((3, 3)).shape
    (3, 3)
    """

    _settings = (1.0, "fan_in", "truncated_normal")
