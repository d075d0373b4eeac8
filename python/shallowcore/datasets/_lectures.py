"""The made-up data of the lectures: shirts, apartments and the planar flower.

Draws come in the lectures' order from NumPy's legacy generator, and shirts and apartments are
rounded with Python's own ``round``, so that their figures match to the last digit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore._checks import check_float, check_int
from shallowcore.datasets._arguments import random_state

_N_SHIRTS = 50
_N_APARTMENTS = 100


def make_shirts(seed: int | None = 27) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Make shirt sizes and whether the shirt is large: one feature, two classes.

    Fifty chest sizes are drawn uniformly from 94 to 114 cm and rounded to two decimals; the label
    is 1 where the size is at least 104.  The default seed gives the lecture's own 50 shirts.

    Parameters
    ----------
    seed : int or None, default 27
        Seed of NumPy's legacy generator, 0 to 2**32 - 1; None draws unpredictably.

    Returns
    -------
    x : ndarray of shape (50, 1), float64
        Sizes in centimetres.
    y : ndarray of shape (50,), int64
        Labels 0 and 1.

    Raises
    ------
    TypeError, ValueError
        If `seed` is not an integer in range.

    Examples
    --------
    >>> from shallowcore.datasets import make_shirts
    >>> x, y = make_shirts()
    >>> x[:5, 0].tolist()
    [102.51, 110.29, 108.71, 111.36, 101.67]
    >>> y[:5].tolist()
    [0, 1, 1, 1, 0]
    """
    draws = random_state(seed).uniform(94, 114, size=_N_SHIRTS)
    sizes = np.array([[round(size, 2)] for size in draws.tolist()], dtype=np.float64)
    return sizes, (sizes[:, 0] >= 104).astype(np.int64)


def make_apartments(seed: int | None = 47) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Make apartments of a surface and a distance, and their prices: a linear regression.

    The price is ``(100000 + 14373 surface + (1000 - distance) 1286) (1 + e)`` rounded to a unit,
    with e uniform in -0.1 to 0.1, and given in millions.  The default seed gives the lecture's own
    data.

    Parameters
    ----------
    seed : int or None, default 47
        Seed of NumPy's legacy generator, 0 to 2**32 - 1; None draws unpredictably.

    Returns
    -------
    x : ndarray of shape (100, 2), float64
        Surface in square metres (40 to 200) and distance in metres (50 to 1000).
    y : ndarray of shape (100,), float64
        Price in millions.

    Raises
    ------
    TypeError, ValueError
        If `seed` is not an integer in range.

    Examples
    --------
    >>> from shallowcore.datasets import make_apartments
    >>> x, y = make_apartments()
    >>> x[0].tolist(), float(y[0])
    ([58.16, 572.97], 1.581913)
    """
    rng = random_state(seed)
    surfaces = [round(s, 2) for s in rng.uniform(40, 200, size=_N_APARTMENTS).tolist()]
    distances = [round(d, 2) for d in rng.uniform(50, 1000, size=_N_APARTMENTS).tolist()]
    errors = rng.uniform(-0.1, 0.1, size=_N_APARTMENTS).tolist()
    prices = [
        round((100000 + 14373 * s + (1000 - d) * 1286) * (1 + e)) / 1e6
        for s, d, e in zip(surfaces, distances, errors, strict=True)
    ]
    return np.column_stack([surfaces, distances]), np.array(prices, dtype=np.float64)


def make_flower(
    n_samples: int = 400, *, noise: float = 0.2, seed: int | None = 1
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Make a planar flower of two colours, which no straight line can separate.

    Class k covers angles t around k * 3.12 to (k + 1) * 3.12 and lies at radius ``4 sin(4 t)``;
    angle and radius carry normal noise.  Logistic regression is right for about 47 % of the points;
    a small tanh network for 90 %.  Size, noise and seed by default are those of the well-known
    exercise on planar data.

    Parameters
    ----------
    n_samples : int, default 400
        Number of points, at least 2; class 0 gets the odd one.
    noise : float, default 0.2
        Standard deviation of the noise on angle and radius.
    seed : int or None, default 1
        Seed of NumPy's legacy generator, 0 to 2**32 - 1; None draws unpredictably.

    Returns
    -------
    x : ndarray of shape (n_samples, 2), float64
        Points in the plane, all of class 0 first.
    y : ndarray of shape (n_samples,), int64
        Labels 0 and 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Examples
    --------
    >>> from shallowcore.datasets import make_flower
    >>> x, y = make_flower()
    >>> x.shape, int(y.sum())
    ((400, 2), 200)
    """
    n_samples = check_int(n_samples, "n_samples", 2)
    noise = check_float(noise, "noise", 0.0)
    rng = random_state(seed)
    petals: list[NDArray[Any]] = []
    counts = (n_samples - n_samples // 2, n_samples // 2)
    for label, count in enumerate(counts):
        t = np.linspace(label * 3.12, (label + 1) * 3.12, count) + rng.randn(count) * noise
        radius = 4 * np.sin(4 * t) + rng.randn(count) * noise
        petals.append(np.column_stack([radius * np.sin(t), radius * np.cos(t)]))
    return np.concatenate(petals), np.repeat(np.arange(2, dtype=np.int64), counts)
