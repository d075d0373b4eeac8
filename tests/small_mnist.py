"""A small MNIST for the tests of the data loaders, as gzipped IDX files."""

import gzip

import numpy as np


def idx_bytes(array, magic=None):
    """The IDX file of an array of unsigned bytes."""
    magic = bytes([0, 0, 8, array.ndim]) if magic is None else magic
    return magic + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()


def small_mnist():
    """File contents by name of an MNIST of five training and three test images."""
    rng = np.random.RandomState(0)
    contents = {}
    for part, count in [("train", 5), ("t10k", 3)]:
        images = rng.randint(0, 256, (count, 28, 28)).astype(np.uint8)
        labels = np.arange(count, dtype=np.uint8)
        contents[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx_bytes(images))
        contents[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx_bytes(labels))
    return contents


def write_mnist(folder):
    """Make `folder` and write the small MNIST into it."""
    folder.mkdir()
    for name, content in small_mnist().items():
        (folder / name).write_bytes(content)
    return folder
