"""What a model accepts as arrays, and what of it is read in place."""

import sys
import tracemalloc

import numpy as np
import pytest
from oracle.tolerances import assert_same_bits
from shallowcore import _arrays, layers, models

X = np.random.default_rng(0).standard_normal((30, 4)).astype("float32")
LABELS = np.arange(30) % 3
FLOAT32, FLOAT64 = np.dtype("float32"), np.dtype("float64")


def model(dtype="float32"):
    net = models.Sequential(
        [layers.Input((4,)), layers.Dense(5, "relu"), layers.Dense(3, "softmax")],
        dtype=dtype,
        seed=0,
    )
    net.compile("sgd", "sparse_categorical_crossentropy")
    return net


class HasArray:
    def __array__(self, dtype=None, copy=None):
        return X


class HasToNumpy:
    """A frame of another library."""

    def to_numpy(self):
        return X


class HasDlpack:
    def __dlpack__(self, **options):
        return X.__dlpack__(**options)

    def __dlpack_device__(self):
        return X.__dlpack_device__()


# --- read in place --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x",
    [
        X,
        np.asfortranarray(X),
        np.ascontiguousarray(X.T).T,
        X[5:20],
        X[::2],
        X[::-1],
        X.astype("u1"),
        X.astype("i8"),
        X > 0,
        np.broadcast_to(X[:1], (30, 4)),
    ],
    ids=["C", "F", "columns", "slice", "step", "reversed", "uint8", "int64", "bool", "broadcast"],
)
def test_passed_through_without_a_copy(x):
    assert np.shares_memory(_arrays.features(x, (4,), FLOAT32), x)
    assert_same_bits(model().predict(x), model().predict(x.astype("float32", order="C")))


def test_images_are_flattened_without_a_copy():
    images = np.zeros((10, 6, 5), np.uint8)
    for x in (images, images[2:7]):
        flat = _arrays.features(x, (6, 5), FLOAT32)
        assert flat.shape == (len(x), 30)
        assert np.shares_memory(flat, x)


def test_memory_maps_are_read_in_place(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert np.shares_memory(_arrays.features(mapped, (4,), FLOAT32), mapped)
    assert_same_bits(model().predict(mapped), model().predict(X))


@pytest.mark.parametrize("order", ["C", "F"])
def test_fit_of_bytes_never_makes_floats_of_the_whole_set(order):
    x = np.asarray(np.random.default_rng(0).integers(0, 256, (4000, 500), np.uint8), order=order)
    net = models.Sequential(
        [layers.Input((500,)), layers.Rescaling(1 / 255), layers.Dense(3, "softmax")], seed=0
    )
    net.compile("sgd", "sparse_categorical_crossentropy")
    labels = np.zeros(4000, int)
    net.fit(x[:10], labels[:10], verbose=0)
    tracemalloc.start()
    net.fit(x, labels, verbose=0)
    net.evaluate(x, labels)
    net.predict(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < x.nbytes / 4


# --- converted once -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x",
    [
        X.astype("float64"),
        X.astype("float16").astype("longdouble"),
        X.astype(">f4"),
        X.astype(">i4"),
        X.tolist(),
        [list(row) for row in X],
        HasArray(),
        HasToNumpy(),
        HasDlpack(),
        np.ma.masked_array(X),
    ],
    ids=[
        "double",
        "longdouble",
        "big",
        "big-int",
        "list",
        "rows",
        "__array__",
        "frame",
        "dlpack",
        "masked",
    ],
)
def test_everything_else_is_converted(x):
    expected = np.asarray(X if isinstance(x, (HasDlpack, HasToNumpy)) else x).astype("float32")
    assert_same_bits(model().predict(x), model().predict(expected))


def test_misaligned_arrays_are_copied():
    packed = np.zeros(30, np.dtype([("pad", "u1"), ("x", "f4", 4)]))
    packed["x"] = X
    assert not packed["x"].flags.aligned
    assert_same_bits(model().predict(packed["x"]), model().predict(X))


# --- other libraries ------------------------------------------------------------------------------


def test_data_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    expected = model().predict(X)
    assert_same_bits(model().predict(frame), expected)
    mixed = frame.astype({"a": "float64"})
    mixed["b"] = mixed["b"].astype("Float32")
    assert_same_bits(model().predict(mixed), expected)
    history = model().fit(frame, pandas.Series(LABELS), verbose=0, epochs=2)
    assert history.history == model().fit(X, LABELS, verbose=0, epochs=2).history
    for bad in (frame.assign(a="x"), frame.assign(a="1.5")):
        with pytest.raises(TypeError, match="x has dtype"):
            model().predict(bad)
    with pytest.raises(ValueError, match="x holds NaN"):
        model().predict(mixed.assign(b=pandas.array([None] * 30, dtype="Float32")))


def test_errors_keep_the_cause():
    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("detach first")

    with pytest.raises(TypeError, match="x must be an array, got Broken: detach first") as caught:
        model().predict(Broken())
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_inputs_are_let_go_after_the_call():
    x = X.copy()
    net = model()
    before = sys.getrefcount(x)
    net.fit(x, LABELS, verbose=0)
    net.predict(x)
    net.evaluate(x, LABELS)
    assert sys.getrefcount(x) == before
