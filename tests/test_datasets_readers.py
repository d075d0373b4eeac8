"""What load_mnist and load_cats read, and what they say of damaged, hostile and other files.

Only the tests on the real data need a folder, SHALLOWCORE_DATA, and are skipped without it.
"""

import gzip
import hashlib
import re
import sys

import h5py
import numpy as np
import pytest
from shallowcore import datasets
from small_mnist import idx_bytes, write_mnist


@pytest.fixture
def mnist_folder(tmp_path):
    """A folder of its own with a small, valid MNIST."""
    return write_mnist(tmp_path / "mnist")


# What is read


def test_real_mnist(data_folder):
    (x_train, y_train), (x_test, y_test) = datasets.load_mnist(data_folder)
    assert (x_train.shape, y_train.shape) == ((60000, 28, 28), (60000,))
    assert (x_test.shape, y_test.shape) == ((10000, 28, 28), (10000,))
    for array in [x_train, y_train, x_test, y_test]:
        assert array.dtype == np.uint8
        assert array.flags.c_contiguous
        assert array.flags.writeable
    assert y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert hashlib.sha256(idx_bytes(x_test)).hexdigest() == (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    )


def test_real_cats(data_folder):
    (x_train, y_train), (x_test, y_test) = datasets.load_cats(data_folder)
    assert (x_train.shape, x_train.dtype) == ((209, 64, 64, 3), np.uint8)
    assert (x_test.shape, x_test.dtype) == ((50, 64, 64, 3), np.uint8)
    assert (y_train.shape, y_train.dtype, y_train.sum()) == ((209,), np.int64, 72)
    assert (y_test.shape, y_test.dtype, y_test.sum()) == ((50,), np.int64, 33)


@pytest.mark.parametrize("unpacked", [False, True])
def test_mnist_gzipped_and_unpacked(mnist_folder, unpacked):
    if unpacked:
        for path in list(mnist_folder.iterdir()):
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
    (x_train, y_train), (x_test, y_test) = datasets.load_mnist(str(mnist_folder))
    expected = np.random.RandomState(0).randint(0, 256, (5, 28, 28))
    np.testing.assert_array_equal(x_train, expected)
    assert y_train.tolist() == [0, 1, 2, 3, 4]
    assert y_test.tolist() == [0, 1, 2]
    assert x_test.shape == (3, 28, 28)
    assert x_test.dtype == np.uint8


def test_plain_idx_under_a_gz_name_is_read(mnist_folder):
    path = mnist_folder / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.decompress(path.read_bytes()))
    assert datasets.load_mnist(mnist_folder)[1][1].tolist() == [0, 1, 2]


# Damaged and hostile IDX files

LABELS = idx_bytes(np.arange(3, dtype=np.uint8))
IMAGES = idx_bytes(np.zeros((3, 28, 28), np.uint8))
HUGE = bytes([0, 0, 8, 1]) + b"\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels-idx1", b"", "ends after 0 of 4 bytes"),
        ("labels-idx1", LABELS[:6], "ends after 2 of 4 bytes"),
        ("labels-idx1", LABELS[:-1], "ends after 2 of 3 bytes"),
        ("labels-idx1", LABELS + b"\0", "goes on after the 3 bytes"),
        ("labels-idx1", b"<html>404</html>", "not an IDX file: begins with 3c 68 74 6d"),
        ("labels-idx1", b"\0\0\x0d\x01" + LABELS[4:], "IDX type 0x0d, expected 0x08"),
        ("labels-idx1", IMAGES, "3 dimensions, expected 1: (any)"),
        ("labels-idx1", idx_bytes(np.zeros(0, np.uint8)), "shape (0,), expected (any) with sizes"),
        ("labels-idx1", HUGE, "announces 4294967295 bytes, expected at most 1073741824"),
        ("labels-idx1", idx_bytes(np.arange(4, dtype=np.uint8)), "4 labels, expected 3 as in t10k"),
        ("labels-idx1", idx_bytes(np.array([0, 1, 10], np.uint8)), "label 10, expected 0 to 9"),
        ("images-idx3", LABELS, "1 dimensions, expected 3: (any, 28, 28)"),
        ("images-idx3", idx_bytes(np.zeros((3, 8, 8), np.uint8)), "shape (3, 8, 8), expected"),
        ("images-idx3", IMAGES[:1000], "ends after 984 of 2352 bytes"),
        ("images-idx3", b"\0\0\x08\x03" + b"\xff" * 12, "shape (4294967295, 4294967295,"),
        ("images-idx3", gzip.compress(IMAGES)[:-9], "damaged gzip file"),
        ("images-idx3", gzip.compress(IMAGES)[:20], "damaged gzip file"),
        ("images-idx3", gzip.compress(IMAGES)[:-8] + b"\0" * 8, "damaged gzip file"),
        ("images-idx3", b"\x1f\x8b" + b"\xff" * 40, "damaged gzip file"),
        ("images-idx3", gzip.compress(IMAGES) + b"junk", "damaged gzip file"),
        ("images-idx3", gzip.compress(IMAGES + b"\0" * 10_000_000), "goes on after the 2352 bytes"),
    ],
)
def test_a_damaged_file_is_a_value_error_that_names_it(mnist_folder, name, content, message):
    path = mnist_folder / f"t10k-{name}-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        datasets.load_mnist(mnist_folder)
    assert str(caught.value).startswith(f"{path}: ")


def labels_or_error(folder):
    """The test labels read from `folder`, or the message of the ValueError."""
    try:
        return datasets.load_mnist(folder)[1][1].tolist()
    except ValueError as error:
        return str(error)


def test_no_truncation_and_no_flipped_bit_gives_wrong_data(mnist_folder):
    path = mnist_folder / "t10k-labels-idx1-ubyte.gz"
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(ValueError, match="t10k-labels-idx1-ubyte"):
            datasets.load_mnist(mnist_folder)
    for position in range(10, len(good)):
        for bit in range(8):
            flipped = bytearray(good)
            flipped[position] ^= 1 << bit
            path.write_bytes(flipped)
            outcome = labels_or_error(mnist_folder)  # padding bits may change unseen
            assert outcome == [0, 1, 2] or outcome.startswith(f"{path}: ")


# Cats


def write_cats(folder, **changes):
    """Write a small pair of files; `changes` replace data sets of the training file by name."""
    for part, count in [("train", 4), ("test", 2)]:
        content = {
            f"{part}_set_x": np.full((count, 64, 64, 3), count, np.uint8),
            f"{part}_set_y": np.arange(count) % 2,
        }
        if part == "train":
            content.update(changes)
        with h5py.File(folder / f"{part}_catvnoncat.h5", "w") as file:
            for name, value in content.items():
                if value is not None:
                    file[name] = value


def test_cats_are_read(tmp_path):
    write_cats(tmp_path)
    (x_train, y_train), (x_test, y_test) = datasets.load_cats(tmp_path)
    assert x_train.shape == (4, 64, 64, 3)
    assert (x_train == 4).all()
    assert x_train.dtype == np.uint8
    assert y_train.tolist() == [0, 1, 0, 1]
    assert y_train.dtype == np.int64
    assert x_test.shape == (2, 64, 64, 3)
    assert y_test.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_set_x": None}, "not a readable HDF5 file with train_set_x and train_set_y"),
        ({"train_set_x": np.zeros((4, 32, 32, 3), np.uint8)}, "images of shape (4, 32, 32, 3)"),
        ({"train_set_x": np.zeros((0, 64, 64, 3), np.uint8)}, "images of shape (0, 64, 64, 3)"),
        ({"train_set_x/group": np.zeros(3), "train_set_x": None}, "images of shape None"),
        ({"train_set_x": np.zeros((4, 64, 64, 3))}, "of type float64 and int64, expected uint8"),
        ({"train_set_y": np.zeros(3, int)}, "labels of shape (3,), expected (4,)"),
        ({"train_set_y": np.zeros(4)}, "of type uint8 and float64, expected uint8"),
        ({"train_set_y": np.array([0, 1, 2, 0])}, "labels [0, 1, 2], expected 0 and 1 only"),
    ],
)
def test_other_contents_are_refused(tmp_path, changes, message):
    write_cats(tmp_path, **changes)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        datasets.load_cats(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'train_catvnoncat.h5'}: ")


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all", b"\x89HDF\r\n\x1a\n" + b"\xff" * 99])
def test_a_file_that_is_not_hdf5_is_named(tmp_path, content):
    write_cats(tmp_path)
    (tmp_path / "test_catvnoncat.h5").write_bytes(content)
    with pytest.raises(ValueError, match=r"test_catvnoncat\.h5: not a readable HDF5 file"):
        datasets.load_cats(tmp_path)


def test_missing_h5py_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(
        ImportError, match=r"load_cats needs h5py: pip install .shallowcore\[data\]"
    ):
        datasets.load_cats()
