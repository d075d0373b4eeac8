"""The four two-dimensional classification problems of the neural-network playground.

Geometry and the meaning of `noise` follow github.com/tensorflow/playground (src/dataset.ts): points
lie in about -6 to 6 on both axes, and its noise slider of 0 to 50 is `noise` of 0 to 0.5.  Rows
come shuffled, so that the first half of them is a fair training set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore._checks import check_float, check_int
from shallowcore.datasets._arguments import check_labels, random_state

_RADIUS = 5.0


def make_circle(
    n_samples: int = 500,
    noise: float = 0.0,
    seed: int | None = 0,
    labels: Sequence[float] = (0, 1),
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Make a disc of positive points inside a ring of negative ones.

    Half of the points lie within 2.5 of the origin, the others from 3.5 to 5 away.  Noise moves the
    point by which the label is decided, not the point itself: it makes labels wrong.

    Parameters
    ----------
    n_samples : int, default 500
        Number of points, at least 2.
    noise : float, default 0.0
        Size of the noise in parts of the radius 5; the playground offers 0 to 0.5.
    seed : int or None, default 0
        Seed of NumPy's legacy generator, 0 to 2**32 - 1; None draws unpredictably.
    labels : pair of numbers, default (0, 1)
        Labels of the negative and the positive class; the playground uses ``(-1, 1)``.

    Returns
    -------
    x : ndarray of shape (n_samples, 2), float64
        Points in the plane, in random order.
    y : ndarray of shape (n_samples,)
        Labels, int64 if both `labels` are integers, else float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Examples
    --------
    >>> from shallowcore.datasets import make_circle
    >>> x, y = make_circle(100)
    >>> bool(((x**2).sum(axis=1)[y == 1] < 2.5**2).all())
    True
    """
    n_samples = check_int(n_samples, "n_samples", 2)
    noise, pair = check_float(noise, "noise", 0.0), check_labels(labels)
    rng = random_state(seed)
    n_inside = n_samples - n_samples // 2
    radius = np.concatenate(
        [
            rng.uniform(0, 0.5 * _RADIUS, n_inside),
            rng.uniform(0.7 * _RADIUS, _RADIUS, n_samples - n_inside),
        ]
    )
    x = _polar(radius, rng.uniform(0, 2 * np.pi, n_samples))
    judged = x + rng.uniform(-_RADIUS, _RADIUS, x.shape) * noise
    return _shuffled(x, np.hypot(*judged.T) < 0.5 * _RADIUS, pair, rng)


def make_xor(
    n_samples: int = 500,
    noise: float = 0.0,
    seed: int | None = 0,
    labels: Sequence[float] = (0, 1),
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Make a square whose quarters alternate between the two classes: exclusive-or.

    A point is positive where its coordinates have the same sign; a gap of 0.6 is left around both
    axes.  Noise moves the point by which the label is decided, not the point itself.

    Parameters
    ----------
    n_samples : int, default 500
        Number of points, at least 2.
    noise : float, default 0.0
        Size of the noise in parts of half the side, 5; the playground offers 0 to 0.5.
    seed : int or None, default 0
        Seed of NumPy's legacy generator, 0 to 2**32 - 1; None draws unpredictably.
    labels : pair of numbers, default (0, 1)
        Labels of the negative and the positive class; the playground uses ``(-1, 1)``.

    Returns
    -------
    x : ndarray of shape (n_samples, 2), float64
        Points in the plane, in random order.
    y : ndarray of shape (n_samples,)
        Labels, int64 if both `labels` are integers, else float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Examples
    --------
    >>> from shallowcore.datasets import make_xor
    >>> x, y = make_xor(100)
    >>> bool((y == (x[:, 0] * x[:, 1] > 0)).all())
    True
    """
    n_samples = check_int(n_samples, "n_samples", 2)
    noise, pair = check_float(noise, "noise", 0.0), check_labels(labels)
    rng = random_state(seed)
    x = rng.uniform(-5, 5, (n_samples, 2))
    x += np.where(x > 0, 0.3, -0.3)
    judged = x + rng.uniform(-5, 5, x.shape) * noise
    return _shuffled(x, judged[:, 0] * judged[:, 1] >= 0, pair, rng)


def make_gaussian(
    n_samples: int = 500,
    noise: float = 0.0,
    seed: int | None = 0,
    labels: Sequence[float] = (0, 1),
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Make two round clouds of points, positive around (2, 2) and negative around (-2, -2).

    The variance of each coordinate is ``0.5 + 7 noise``: without noise the clouds hardly touch.

    Parameters
    ----------
    n_samples : int, default 500
        Number of points, at least 2.
    noise : float, default 0.0
        Widens the clouds; the playground offers 0 to 0.5.
    seed : int or None, default 0
        Seed of NumPy's legacy generator, 0 to 2**32 - 1; None draws unpredictably.
    labels : pair of numbers, default (0, 1)
        Labels of the negative and the positive class; the playground uses ``(-1, 1)``.

    Returns
    -------
    x : ndarray of shape (n_samples, 2), float64
        Points in the plane, in random order.
    y : ndarray of shape (n_samples,)
        Labels, int64 if both `labels` are integers, else float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Examples
    --------
    >>> from shallowcore.datasets import make_gaussian
    >>> x, y = make_gaussian(100, labels=(-1, 1))
    >>> x[y == 1].mean(axis=0).round().tolist()
    [2.0, 2.0]
    """
    n_samples = check_int(n_samples, "n_samples", 2)
    noise, pair = check_float(noise, "noise", 0.0), check_labels(labels)
    rng = random_state(seed)
    positive = np.arange(n_samples) < n_samples - n_samples // 2
    centre = np.where(positive, 2.0, -2.0)[:, np.newaxis]
    x = centre + rng.standard_normal((n_samples, 2)) * np.sqrt(0.5 + 7 * noise)
    return _shuffled(x, positive, pair, rng)


def make_spiral(
    n_samples: int = 500,
    noise: float = 0.0,
    seed: int | None = 0,
    labels: Sequence[float] = (0, 1),
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Make two interleaved spirals of one and three quarter turns, one for each class.

    Radius and angle grow together from the origin to radius 5; the negative spiral is the positive
    one turned by half a turn.

    Parameters
    ----------
    n_samples : int, default 500
        Number of points, at least 2.
    noise : float, default 0.0
        Largest distance by which a point is moved along each axis; the playground offers 0 to 0.5.
    seed : int or None, default 0
        Seed of NumPy's legacy generator, 0 to 2**32 - 1; None draws unpredictably.
    labels : pair of numbers, default (0, 1)
        Labels of the negative and the positive class; the playground uses ``(-1, 1)``.

    Returns
    -------
    x : ndarray of shape (n_samples, 2), float64
        Points in the plane, in random order.
    y : ndarray of shape (n_samples,)
        Labels, int64 if both `labels` are integers, else float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Examples
    --------
    >>> from shallowcore.datasets import make_spiral
    >>> x, y = make_spiral(100)
    >>> x.shape, sorted(set(y.tolist()))
    ((100, 2), [0, 1])
    """
    n_samples = check_int(n_samples, "n_samples", 2)
    noise, pair = check_float(noise, "noise", 0.0), check_labels(labels)
    rng = random_state(seed)
    n_positive = n_samples - n_samples // 2
    n_negative = n_samples - n_positive
    along = np.concatenate([np.arange(n_positive) / n_positive, np.arange(n_negative) / n_negative])
    positive = np.arange(n_samples) < n_positive
    x = _polar(_RADIUS * along, 3.5 * np.pi * along + np.where(positive, 0.0, np.pi))
    x += rng.uniform(-1, 1, x.shape) * noise
    return _shuffled(x, positive, pair, rng)


def _polar(radius: NDArray[Any], angle: NDArray[Any]) -> NDArray[Any]:
    """Return points (radius sin angle, radius cos angle) as rows."""
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])


def _shuffled(
    x: NDArray[np.float64],
    positive: NDArray[np.bool_],
    pair: NDArray[Any],
    rng: np.random.RandomState,
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return rows and their labels in one random order."""
    order = rng.permutation(len(x))
    return x[order], pair[positive[order].astype(np.intp)]
