"""The photographs of cats and of other things that logistic regression is tried on.

Two HDF5 files, read with h5py, which is imported on first use.  The digests are those of the copies
whose figures the lecture prints; mirrors are tried in turn and believed only if they match.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore._checks import check_bool
from shallowcore._optional import import_optional
from shallowcore.datasets._store import RemoteFile, find_files

_MIRRORS = (
    "https://raw.githubusercontent.com/jalalmansoori19/Cat-Classifier/master/datasets/",
    "https://github.com/ridhimagarg/Cat-vs-Non-cat-Deep-learning-implementation/raw/master/datasets/",
)
_MAX_SAMPLES = 100_000  # more than this is a damaged or hostile file

_Pair = tuple[NDArray[np.uint8], NDArray[np.int64]]


def _remote(name: str, n_bytes: int, sha256: str) -> RemoteFile:
    return RemoteFile(name, n_bytes, sha256, tuple(mirror + name for mirror in _MIRRORS))


FILES = (
    _remote(
        "train_catvnoncat.h5",
        2_572_022,
        "fbe56ab67c3ae28d564e3a644189117976d6b31af0a3ce9bb17dbf22908af242",
    ),
    _remote(
        "test_catvnoncat.h5",
        616_958,
        "6a9d39ce52fa85953c5834695b8534a30ed8cfd54971fb2f080b5a24d002b951",
    ),
)


def load_cats(
    folder: str | os.PathLike[str] | None = None, *, download: bool = True
) -> tuple[_Pair, _Pair]:
    """Load 259 photographs of 64x64 pixels, cats and other things.

    The files ``train_catvnoncat.h5`` and ``test_catvnoncat.h5`` are looked for in `folder`; without
    it in the folder that the environment variable SHALLOWCORE_DATA names, then in the user's cache,
    and else they are downloaded into the cache, 3.2 MB, and their checksums compared.

    Parameters
    ----------
    folder : str or path-like, optional
        The folder to read from; no other place is then tried.
    download : bool, default True
        Whether files that are missing may be downloaded.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuples of ndarray
        Images (209, 64, 64, 3) and (50, 64, 64, 3), uint8 RGB; labels (209,) and (50,), int64, 1
        for a cat and 0 for anything else.

    Raises
    ------
    ImportError
        If h5py is not installed: ``pip install "shallowcore[data]"``.
    FileNotFoundError
        If the files are neither found nor downloaded; the message says how to get them.
    ValueError
        If a file is damaged or is not what its name says.
    TypeError
        If `folder` is not a path or `download` not a boolean.

    Examples
    --------
    With h5py, and the data at hand or a network::

        (x_train, y_train), (x_test, y_test) = load_cats()
        x_train = x_train.reshape(209, -1) / 255
    """
    h5py = import_optional("h5py", "load_cats")
    download = check_bool(download, "download")
    train, test = find_files("The cat photographs", FILES, folder, download)
    return _read_pair(h5py, train, "train"), _read_pair(h5py, test, "test")


def _read_pair(h5py: Any, path: Path, part: str) -> _Pair:
    """Read the images and labels of one file, checking shapes and types before any data."""
    try:
        with h5py.File(path, "r") as file:
            x, y = file[f"{part}_set_x"], file[f"{part}_set_y"]
            shape, labels_shape = getattr(x, "shape", None), getattr(y, "shape", None)
            if not shape or shape[1:] != (64, 64, 3) or not 1 <= shape[0] <= _MAX_SAMPLES:
                raise ValueError(f"{path}: images of shape {shape}, expected (any, 64, 64, 3)")
            if labels_shape != shape[:1]:
                raise ValueError(f"{path}: labels of shape {labels_shape}, expected {shape[:1]}")
            if x.dtype != np.uint8 or y.dtype.kind not in "iu":
                raise ValueError(
                    f"{path}: images and labels of type {x.dtype} and {y.dtype}, "
                    "expected uint8 and an integer type"
                )
            images, labels = x[...], y[...].astype(np.int64)
    except (OSError, KeyError) as error:
        raise ValueError(
            f"{path}: not a readable HDF5 file with {part}_set_x and {part}_set_y ({error})"
        ) from error
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"{path}: labels {np.unique(labels).tolist()}, expected 0 and 1 only")
    return images, labels
