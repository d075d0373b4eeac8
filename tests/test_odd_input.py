"""Input that a fuzzer found to be met with a crash, an endless loop or the wrong exception."""

import warnings
import weakref

import numpy as np
import pytest
from shallowcore import callbacks, layers, losses, models, ops, optimizers, utils
from shallowcore.layers import Dense

ENDLESS = np.broadcast_to(np.float64(0.5), (2**50, 2))


def model_for(n_features=2, dtype="float64"):
    model = models.Sequential([layers.Input((n_features,)), Dense(1)], dtype=dtype, seed=0)
    model.compile("sgd", "mse")
    return model


# --- layouts --------------------------------------------------------------------------------------
@pytest.mark.parametrize("call", [ops.softmax, lambda z: ops.dense(z, np.eye(2))])
def test_endless_arrays_are_refused_at_once(call):
    with pytest.raises(MemoryError):
        call(ENDLESS)


@pytest.mark.parametrize("method", ["predict", "evaluate", "fit", "gradients"])
def test_models_refuse_endless_arrays_at_once(method):
    model = model_for()
    arguments = (ENDLESS,) if method == "predict" else (ENDLESS, ENDLESS[:, 0])
    with pytest.raises(MemoryError):
        getattr(model, method)(*arguments)


@pytest.mark.parametrize("need_dx", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_gradients_of_endless_arrays_are_refused_at_once(dtype, need_dx):
    x = np.broadcast_to(np.ones(3, dtype), (2**50, 3))
    dz = np.broadcast_to(np.ones(2, dtype), (2**50, 2))
    with pytest.raises(MemoryError, match=rf"\({2**50}, "):
        ops.dense_grad(x, np.ones((3, 2), dtype), dz, need_dx=need_dx)


def test_endless_labels_are_refused_at_once():
    with pytest.raises(MemoryError):
        utils.to_categorical(np.broadcast_to(np.int64(1), (2**50,)))


def test_nan_in_an_endless_array_is_found_and_counted():
    x = np.broadcast_to(np.array([0.0, np.nan]), (2**50, 2))
    with pytest.raises(ValueError, match=rf"in {2**50} of {2**51} places, the first at \(0, 1\)"):
        ops.softmax(x)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2"])
def test_the_byte_order_of_the_machine_may_be_spelled_out(dtype):
    native = np.arange(6.0).astype(dtype).reshape(3, 2)
    order = "<" if np.little_endian else ">"
    spelled = native.astype(native.dtype.newbyteorder("S")).astype(f"{order}{dtype}")
    packed = np.zeros((3, 2), np.dtype([("a", f"{order}{dtype}")]))["a"]
    packed[...] = native
    swapped = native.astype(native.dtype.newbyteorder("S"))
    respelled = swapped.view(swapped.dtype.newbyteorder("S")).byteswap()
    right = ops.softmax(native)
    for same in (spelled, packed, swapped, respelled):
        assert ops.softmax(same).tobytes() == right.tobytes()
        assert model_for().predict(same).tobytes() == model_for().predict(native).tobytes()


def test_payloads_of_nan_make_no_noise():
    signalling = np.array([[0x7F800001, 0x3F800000]], np.uint32).view(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for x in (signalling, signalling.astype(">f4")):
            with pytest.raises(ValueError, match="x holds NaN"):
                model_for().predict(x)
        labels = models.Sequential([layers.Dense(3)])
        labels.compile("sgd", "sparse_categorical_crossentropy")
        half = np.array([0x7C01, 0x3C00], np.uint16).view(np.float16)
        with pytest.raises(ValueError, match="got the value nan"):
            utils.to_categorical(half)
        with pytest.raises(ValueError, match="y holds NaN"):
            labels.fit(np.ones((2, 2)), signalling[0], verbose=0)


# --- arrays that change ---------------------------------------------------------------------------
@pytest.mark.parametrize("part", ["x", "y", "weight", "owner"])
def test_an_array_in_use_cannot_be_resized(part):
    """NumPy asks for weak references even where it was told not to count the others."""
    owner = np.zeros(80)
    arrays = {"x": np.zeros((40, 2)), "y": np.zeros(40), "weight": np.ones(40), "owner": owner}
    x = owner.reshape(40, 2) if part == "owner" else arrays["x"]
    refused = []

    def resize(epoch, logs):
        with pytest.raises(ValueError, match="cannot resize"):
            arrays[part].resize(10**6, refcheck=False)
        refused.append(epoch)

    watcher = callbacks.LambdaCallback(on_epoch_begin=resize)
    model = model_for()
    model.fit(
        x,
        arrays["y"],
        sample_weight=arrays["weight"],
        epochs=2,
        verbose=0,
        callbacks=[watcher],
    )
    assert refused == [0, 1]
    del watcher, x
    assert weakref.getweakrefcount(owner) == 0


# --- exceptions -----------------------------------------------------------------------------------
def test_a_name_that_is_no_text():
    for call in (ops.activation, ops.activation_grad):
        with pytest.raises(ValueError, match=r"activation .* is not known") as caught:
            call(np.zeros(2), "\ud800")
        assert not isinstance(caught.value, UnicodeError)


def test_arrays_of_rank_0_are_no_sequences():
    scalar = np.array("a")
    with pytest.raises(TypeError, match="quantile must be"):
        losses.Quantile(scalar)
    with pytest.raises(TypeError, match="boundaries must be a sequence"):
        optimizers.schedules.PiecewiseConstantDecay(scalar, [0.1])
    with pytest.raises(TypeError, match="weights must be a list"):
        model_for().set_weights(np.array(1.0))


def test_buffers_of_rank_two_are_no_validation_data():
    data = memoryview(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="validation_data must be a tuple"):
        model_for().fit(np.zeros((4, 2)), np.zeros(4), validation_data=data, verbose=0)


def test_shapes_whose_product_overflows():
    with pytest.raises(ValueError, match=r"shape must have less than 2\*\*63 places"):
        layers.Input((2**40, 2**40))
    stack = [layers.Input((2**60,)), Dense(2**60)]
    model = models.Sequential(stack)
    with pytest.raises(MemoryError, match="kernel_initializer of layer 'dense'"):
        model.get_weights()


# --- what a refusal leaves ------------------------------------------------------------------------
def test_a_lazy_model_is_not_built_by_what_the_core_refuses():
    model = models.Sequential([layers.Dropout(0.5), Dense(1)], seed=0)
    model.compile("levenberg_marquardt", "mse")
    for call in (model.fit, model.train_on_batch):
        with pytest.raises(ValueError, match="dropout"):
            call(np.zeros((4, 2)), np.zeros(4))
        assert not model.built
    with pytest.raises(MemoryError):
        model.predict(ENDLESS)
    assert not model.built


def test_a_new_layer_starts_the_optimizer_anew_at_once():
    model = model_for()
    x, y = np.zeros((4, 2)), np.zeros(4)
    model.train_on_batch(x, y)
    assert model.optimizer.iterations == 1
    model.add(Dense(1))
    assert model.optimizer.iterations == 0
    with pytest.raises(ValueError, match="x holds"):
        model.train_on_batch(x + np.nan, y)
    assert model.optimizer.iterations == 0
    model.train_on_batch(x, y)
    assert model.optimizer.iterations == 1


@pytest.mark.filterwarnings("ignore:.*onverge")
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor", "LogisticRegression"])
def test_a_refused_fit_leaves_the_estimator_as_it_was(name):
    sklearn = pytest.importorskip("shallowcore.sklearn")
    from sklearn.exceptions import NotFittedError

    x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    options = {} if name == "LogisticRegression" else {"max_iter": 2, "random_state": 0}
    estimator = getattr(sklearn, name)(**options)
    for bad in ([1.0], np.zeros(3)):
        with pytest.raises(ValueError, match="sample_weight"):
            estimator.fit(x, y, sample_weight=bad)
        with pytest.raises(NotFittedError):
            estimator.predict(x)
    estimator.fit(x, y)
    before = estimator.predict(x)
    with pytest.raises(ValueError, match="sample_weight"):
        estimator.fit(np.zeros((6, 3)), [0, 1, 2, 3, 4, 5], sample_weight=np.zeros(3))
    np.testing.assert_array_equal(estimator.predict(x), before)
    assert estimator.n_features_in_ == 1


def test_a_variance_that_overflows_is_refused():
    x = np.array([[1e300, 0.0], [-1e300, 1.0]])
    with pytest.raises(ValueError, match="variance is too large"):
        layers.Normalization().adapt(x)
    model = models.Sequential(
        [layers.Input((2,)), layers.Normalization(), Dense(1)], dtype="float64", seed=0
    )
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="variance is too large"):
        model.fit(x, [0.0, 1.0], verbose=0)
    assert not model.layers[0].is_adapted


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_rows_that_are_not_aligned_are_read(dtype: str) -> None:
    """Numbers in a row follow one another; the next row is some odd number of bytes away."""
    packed = np.zeros(5, np.dtype([("x", dtype, (2,)), ("flag", "i1")]))
    packed["x"] = np.arange(10.0).reshape(5, 2)
    plain = np.ascontiguousarray(packed["x"])
    for type_of_model in ("float32", "float64"):
        model = models.Sequential([layers.Input((2,)), Dense(3)], dtype=type_of_model, seed=1)
        assert model.predict(packed["x"]).tobytes() == model.predict(plain).tobytes()
        twin = models.Sequential([layers.Input((2,)), Dense(3)], dtype=type_of_model, seed=1)
        for one, x in ((model, packed["x"]), (twin, plain)):
            one.compile("adam", "mse")
            one.fit(x, np.ones((5, 3)), epochs=2, verbose=0)
        assert model.digest() == twin.digest()


def test_labels_that_are_not_aligned_are_read() -> None:
    packed = np.zeros(5, np.dtype([("flag", "i1"), ("label", "i4")]))
    packed["label"] = [0, 2, 1, 1, 0]
    logits = np.linspace(-1, 1, 15).reshape(5, 3).astype(np.float32)
    found = ops.loss("sparse_categorical_crossentropy", packed["label"], logits, from_logits=True)
    shifted = np.frombuffer(b"\0" + np.ascontiguousarray(packed["label"]).tobytes(), np.uint8)[1:]
    unaligned = shifted.view(np.int32)
    assert not unaligned.flags.aligned
    other = ops.loss("sparse_categorical_crossentropy", unaligned, logits, from_logits=True)
    assert found[0] == other[0]
    np.testing.assert_array_equal(found[1], other[1])


def test_more_columns_than_memory_has_are_named() -> None:
    with pytest.raises(MemoryError, match="y has 2 labels of"):
        utils.to_categorical(np.array([0, 2**62], np.uint64))


def test_a_normalization_forgets_the_shape_of_a_refused_training() -> None:
    stack = [layers.Normalization(), Dense(1, "sigmoid"), layers.Dropout(0.5), Dense(1)]
    model = models.Sequential(stack)
    model.compile("lbfgs", "mse")
    with pytest.raises(ValueError, match="with dropout"):
        model.fit(np.ones((9, 4)), np.ones(9), verbose=0)
    model.compile("sgd", "mse")
    model.fit(np.arange(27.0).reshape(9, 3), np.ones(9), verbose=0)
    np.testing.assert_allclose(model.layers[0].mean, [12, 13, 14])  # type: ignore[attr-defined]
