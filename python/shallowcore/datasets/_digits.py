"""The packaged handwritten digits: 1797 images of 8x8 pixels (see data/digits.txt for the source).

Pixels 0 to 16 and labels are stored as uint8 in data/digits.npz, in scikit-learn's order, and
handed out under scikit-learn's names, types and values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from shallowcore._checks import check_bool, check_int
from shallowcore.datasets._arguments import random_state

_FOLDER = Path(__file__).parent.parent / "data"
_DTYPES = ("float64", "float32", "uint8")

_Split = tuple[tuple[NDArray[Any], NDArray[np.int64]], tuple[NDArray[Any], NDArray[np.int64]]]


@dataclass(frozen=True, eq=False, repr=False)
class Digits:
    """What `load_digits` returns: scikit-learn's names, and ``x, y = digits`` besides.

    Attributes
    ----------
    data : ndarray of shape (n_samples, 64)
        Pixels 0 (paper) to 16 (ink), row by row; a view on `images`.
    target : ndarray of shape (n_samples,), int64
        The digit shown, 0 to 9.
    images : ndarray of shape (n_samples, 8, 8)
        The same pixels as pictures.
    target_names : ndarray of shape (n_class,), int64
        The digits that occur.
    feature_names : list of str
        ``pixel_0_0`` to ``pixel_7_7``.
    DESCR : str
        Where the data come from, and their licence.
    """

    data: NDArray[Any]
    target: NDArray[np.int64]
    images: NDArray[Any]
    target_names: NDArray[np.int64]
    feature_names: list[str]
    DESCR: str

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.data, self.target))

    def __getitem__(self, name: str) -> Any:
        if name not in self.__dataclass_fields__:
            raise KeyError(name)
        return getattr(self, name)

    def __repr__(self) -> str:
        return f"<Digits: data {self.data.shape} {self.data.dtype}, target {self.target.shape}>"

    def split(self, n_test: int | None = None, seed: int | None = 0) -> _Split:
        """Split the shuffled rows into a training and a test set, the same ones for one seed.

        Parameters
        ----------
        n_test : int, optional
            Number of test samples, 1 to n_samples - 1; a fifth of all by default (360 of 1797).
        seed : int or None, default 0
            Seed of the shuffling; None shuffles unpredictably.

        Returns
        -------
        (x_train, y_train), (x_test, y_test) : tuples of ndarray
            Copies, in Keras' order.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong type or out of range.

        Examples
        --------
        >>> from shallowcore.datasets import load_digits
        >>> (x_train, y_train), (x_test, y_test) = load_digits().split()
        >>> x_train.shape, x_test.shape
        ((1437, 64), (360, 64))
        """
        n_samples = len(self.target)
        if n_test is None:
            n_test = -(-n_samples // 5)
        n_test = check_int(n_test, "n_test", 1, n_samples - 1)
        order = random_state(seed).permutation(n_samples)
        train, test = order[n_test:], order[:n_test]
        return (self.data[train], self.target[train]), (self.data[test], self.target[test])


@overload
def load_digits(
    *, n_class: int = 10, return_X_y: Literal[False] = False, dtype: DTypeLike = "float64"
) -> Digits: ...


@overload
def load_digits(
    *, n_class: int = 10, return_X_y: Literal[True], dtype: DTypeLike = "float64"
) -> tuple[NDArray[Any], NDArray[np.int64]]: ...


def load_digits(
    *, n_class: int = 10, return_X_y: bool = False, dtype: DTypeLike = "float64"
) -> Digits | tuple[NDArray[Any], NDArray[np.int64]]:
    """Load the handwritten digits inside the package: 1797 images of 8x8 pixels.

    The arguments, names, values and order are those of scikit-learn's function of this name.

    Parameters
    ----------
    n_class : int, default 10
        Keep the digits 0 to n_class - 1 only; 1 to 10.
    return_X_y : bool, default False
        Return ``(data, target)`` instead of the object.
    dtype : {"float64", "float32", "uint8"}, default "float64"
        Type of the pixels; uint8 is how they are stored.

    Returns
    -------
    Digits, or (data, target) if `return_X_y`
        New arrays at each call: `data` (1797, 64) with pixels 0 to 16, `target` (1797,) int64 with
        labels 0 to 9, and more; see `Digits`, which also unpacks as ``x, y``.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Notes
    -----
    Test set of "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, UCI Machine
    Learning Repository, 1998, doi:10.24432/C50P49, CC BY 4.0.

    Examples
    --------
    >>> from shallowcore.datasets import load_digits
    >>> x, y = load_digits()
    >>> x.shape, y[:5].tolist()
    ((1797, 64), [0, 1, 2, 3, 4])
    >>> load_digits(n_class=2).data.shape
    (360, 64)
    """
    n_class = check_int(n_class, "n_class", 1, 10)
    as_pair = check_bool(return_X_y, "return_X_y")
    pixels = _check_dtype(dtype)
    with np.load(_FOLDER / "digits.npz", allow_pickle=False) as stored:
        images = stored["images"].astype(pixels)
        target = stored["target"].astype(np.int64)
    if n_class < 10:
        kept = target < n_class
        images, target = images[kept], target[kept]
    data = images.reshape(-1, 64)
    if as_pair:
        return data, target
    return Digits(
        data=data,
        target=target,
        images=images,
        target_names=np.arange(n_class, dtype=np.int64),
        feature_names=[f"pixel_{row}_{column}" for row in range(8) for column in range(8)],
        DESCR=(_FOLDER / "digits.txt").read_text(encoding="utf-8"),
    )


def _check_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return `dtype` as one of the three that the pixels come in."""
    expected = "'float64', 'float32' or 'uint8'"
    try:
        pixels = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be {expected}, got {dtype!r}") from None
    if pixels.name not in _DTYPES or not pixels.isnative:
        raise ValueError(f"dtype must be {expected}, got {dtype!r}")
    return pixels
