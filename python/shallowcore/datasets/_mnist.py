"""MNIST: 70,000 handwritten digits of 28x28 pixels, from four IDX files.

The digests are those of the original gzipped files by LeCun, Cortes and Burges, which both mirrors
serve unchanged.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shallowcore._checks import check_bool
from shallowcore.datasets._idx import read_idx
from shallowcore.datasets._store import RemoteFile, find_files

_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)

_Images = NDArray[np.uint8]


def _remote(name: str, n_bytes: int, sha256: str) -> RemoteFile:
    return RemoteFile(name, n_bytes, sha256, tuple(mirror + name for mirror in _MIRRORS))


FILES = (
    _remote(
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    _remote(
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    _remote(
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    _remote(
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)


def load_mnist(
    folder: str | os.PathLike[str] | None = None, *, download: bool = True
) -> tuple[tuple[_Images, _Images], tuple[_Images, _Images]]:
    """Load MNIST, handwritten digits of 28x28 pixels, as Keras returns it.

    The four IDX files (``train-images-idx3-ubyte.gz`` and so on, gzipped or unpacked) are looked
    for in `folder`; without it in the folder that the environment variable SHALLOWCORE_DATA names,
    then in the user's cache, and else they are downloaded into the cache, 11.6 MB, and their
    checksums compared.  Other sets in the same format and under the same file names, such as
    Fashion-MNIST, can be read from a folder of their own.

    Parameters
    ----------
    folder : str or path-like, optional
        The folder to read from; no other place is then tried.
    download : bool, default True
        Whether files that are missing may be downloaded.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuples of ndarray
        Images (60000, 28, 28) and (10000, 28, 28), uint8, 0 (paper) to 255 (ink); labels (60000,)
        and (10000,), uint8, 0 to 9.

    Raises
    ------
    FileNotFoundError
        If the files are neither found nor downloaded; the message says how to get them.
    ValueError
        If a file is damaged or is not what its name says.
    TypeError
        If `folder` is not a path or `download` not a boolean.

    Examples
    --------
    With the data at hand or a network::

        (x_train, y_train), (x_test, y_test) = load_mnist()

    Without:

    >>> from shallowcore.datasets import load_mnist
    >>> load_mnist("no/such/folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    FileNotFoundError: MNIST was not found on this machine. Looked in:
    ...
    """
    download = check_bool(download, "download")
    paths = find_files("MNIST", FILES, folder, download)
    return _read_pair(paths[0], paths[1]), _read_pair(paths[2], paths[3])


def _read_pair(images_path: Path, labels_path: Path) -> tuple[_Images, _Images]:
    """Read images and their labels, and check that they belong together."""
    images = read_idx(images_path, (None, 28, 28))
    labels = read_idx(labels_path, (None,))
    if len(images) != len(labels):
        raise ValueError(
            f"{labels_path}: {len(labels)} labels, expected {len(images)} as in {images_path.name}"
        )
    if labels.max() > 9:
        raise ValueError(f"{labels_path}: label {labels.max()}, expected 0 to 9")
    return images, labels
