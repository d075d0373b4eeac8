"""utils.to_categorical: Keras' results, and refusals that say what was given and expected."""

import numpy as np
import pytest
from shallowcore.utils import to_categorical


def test_rows_are_those_of_the_identity_matrix():
    labels = np.array([3, 0, 2, 1, 3])
    one_hot = to_categorical(labels)
    assert one_hot.dtype == np.float64
    assert one_hot.flags.c_contiguous
    assert one_hot.flags.writeable
    np.testing.assert_array_equal(one_hot, np.eye(4)[labels])


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((), (7,)), ((1,), (1, 7)), ((6,), (6, 7)), ((6, 1), (6, 7)), ((2, 3), (2, 3, 7))],
)
def test_class_axis_is_last_and_a_trailing_one_is_dropped(shape, expected):
    labels = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    one_hot = to_categorical(labels, 7)
    assert one_hot.shape == expected
    np.testing.assert_array_equal(one_hot.argmax(axis=-1).ravel(), labels.ravel())
    np.testing.assert_array_equal(one_hot.sum(axis=-1), 1.0)


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint8", "int16", "int32", "uint64", "float32", "float64"]
)
def test_every_type_of_whole_numbers_gives_the_same(dtype):
    labels = np.array([1, 0, 1], dtype=dtype)
    np.testing.assert_array_equal(to_categorical(labels), [[0, 1], [1, 0], [0, 1]])


def test_input_is_only_read():
    labels = np.array([2, 1, 0, 1])[::-1]
    labels.flags.writeable = False
    np.testing.assert_array_equal(to_categorical(labels).argmax(axis=1), [1, 0, 1, 2])


def test_arrays_of_other_libraries_are_read():
    class Exported:
        """Offers an array by DLPack and by nothing else."""

        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    np.testing.assert_array_equal(to_categorical(Exported(np.array([1, 0]))), [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("labels", "given"),
    [
        ([], "empty array of shape (0,)"),
        (np.empty((0, 1), int), "empty array of shape (0, 1)"),
        ([0, -1], "the label -1"),
        ([0.0, 1.5], "the value 1.5"),
        ([0.0, np.nan], "the value nan"),
        ([0.0, np.inf], "the value inf"),
    ],
)
def test_bad_labels_are_value_errors(labels, given):
    with pytest.raises(ValueError, match="y must hold integer labels >= 0") as caught:
        to_categorical(labels)
    assert given in str(caught.value)


def test_ragged_labels_are_a_value_error():
    with pytest.raises(ValueError, match=r"^y must be an array, got list: .*inhomogeneous"):
        to_categorical([[0], [1, 2]])


@pytest.mark.parametrize(
    "labels", [["cat", "dog"], [1 + 0j], np.array([0, 1], object), None, [b"1"]]
)
def test_labels_of_other_types_are_type_errors(labels):
    with pytest.raises(
        TypeError, match=r"^y (has dtype .*; expected real numbers|must be an array)"
    ):
        to_categorical(labels)


def test_a_label_beyond_num_classes_is_named():
    with pytest.raises(ValueError, match=r"below num_classes = 3, got the label 3"):
        to_categorical([0, 3], num_classes=3)


@pytest.mark.parametrize(
    ("num_classes", "error"),
    [(0, ValueError), (-2, ValueError), (2.0, TypeError), ("3", TypeError), (True, TypeError)],
)
def test_bad_num_classes(num_classes, error):
    with pytest.raises(error, match="num_classes must be an integer >= 1, got") as caught:
        to_categorical([0, 1], num_classes)
    assert repr(num_classes) in str(caught.value)
