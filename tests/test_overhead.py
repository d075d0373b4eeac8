"""Short calls take short ways: those give the bits, the errors and the effects of the long ones."""

import threading

import numpy as np
import pytest
from shallowcore import callbacks, layers, losses, models, optimizers

SIZES = [(5, 3, 1), (20, 10, 1), (7, 33, 4), (64, 32, 16), (1, 9, 2), (300, 70, 10)]
DTYPES = ["float32", "float64"]


def make(sizes, last="sigmoid", hidden="tanh", dtype="float32", **options):
    stack = [layers.Input((sizes[0],))]
    stack += [layers.Dense(units, hidden) for units in sizes[1:-1]]
    stack.append(layers.Dense(sizes[-1], last, **options))
    model = models.Sequential(stack, dtype=dtype, seed=3)
    model.build()
    return model


def samples(n, sizes, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, sizes[0])).astype(dtype)
    return x, rng.uniform(size=(n, sizes[-1])).astype(dtype)


def one_hot(y):
    return np.eye(y.shape[1], dtype=y.dtype)[y.argmax(axis=1)]


def is_quick(model, x):
    return model._network.predict_plain(x) is not None


# --- predict --------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("last", ["sigmoid", "softmax", "linear"])
def test_one_row_has_the_bits_of_lists_and_of_batches(sizes, last, dtype):
    model = make(sizes, last, dtype=dtype)
    x, _ = samples(9, sizes, dtype)
    batch = model.predict(x)
    for i in range(len(x)):
        row = x[i : i + 1]
        assert is_quick(model, row)
        quick = model.predict(row)
        assert quick.dtype == dtype
        assert quick.shape == (1, sizes[-1])
        np.testing.assert_array_equal(quick, model.predict(row.tolist()))
        np.testing.assert_array_equal(quick, batch[i : i + 1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_features", [1, 7, 5000])
def test_batches_are_looked_at_to_their_last_row(n_features, dtype):
    """In pieces, as they are read: the error is that of a look at the whole before."""
    model = make((n_features, 3, 2), dtype=dtype)
    x, _ = samples(300, (n_features, 2), dtype)
    expected = model.predict(np.asfortranarray(x))
    assert is_quick(model, x)
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-5)
    for row in (0, 150, 299):
        spoilt = x.copy()
        spoilt[row, -1] = np.inf
        with pytest.raises(ValueError, match=rf"1 of {x.size} places, the first at \({row}, "):
            model.predict(spoilt)


def test_each_prediction_is_a_new_array():
    model = make((20, 10, 1))
    x, _ = samples(1, (20, 10, 1))
    first = model.predict(x)
    kept = first.copy()
    first[:] = 7
    np.testing.assert_array_equal(model.predict(x), kept)


@pytest.mark.parametrize(
    "stack",
    [
        [layers.Rescaling(0.5, 1.0), layers.Dense(3)],
        [layers.Dense(4, "relu"), layers.Rescaling(0.5), layers.Dense(3)],
        [layers.Dense(4), layers.Activation("relu"), layers.Activation("tanh"), layers.Dense(2)],
        [layers.Dense(4, use_bias=False), layers.Dense(2, use_bias=False)],
        [layers.Dense(2100, "relu"), layers.Dense(2)],
    ],
)
def test_one_row_through_other_stacks(stack):
    model = models.Sequential([layers.Input((6,)), *stack], seed=1)
    x, _ = samples(4, (6, 1))
    batch = model.predict(x)
    for i in range(4):
        np.testing.assert_array_equal(model.predict(x[i : i + 1]), batch[i : i + 1])
        np.testing.assert_array_equal(model.predict(x[i : i + 1].tolist()), batch[i : i + 1])


def test_other_arrays_are_converted_as_ever():
    model = make((4, 3, 2))
    x = np.array([[1.0, 2.0, 3.0, 4.0]], dtype="float32")
    expected = model.predict(x)
    wide = np.zeros((1, 8), dtype="float32")
    wide[:, ::2] = x
    swapped = x.astype(x.dtype.newbyteorder())
    for other in (
        x.astype("float64"),
        x.astype("int8"),
        wide[:, ::2],
        swapped,
        x.view(np.recarray),
    ):
        assert not is_quick(model, other)
        np.testing.assert_array_equal(model.predict(other), expected)


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (np.ones((1, 3), "f4"), ValueError, r"x must have shape \(n_samples, 4\), got \(1, 3\)"),
        (np.ones(4, "f4"), ValueError, r"a single sample is a row"),
        (np.ones((0, 4), "f4"), ValueError, "x is empty"),
        (np.array([[1, 2, np.nan, 4]], "f4"), ValueError, "NaN or infinity in 1 of 4 places"),
        (np.array([[1, 2, 3, -np.inf]], "f4"), ValueError, "NaN or infinity in 1 of 4 places"),
        (np.ones((1, 4), "c8"), TypeError, "expected real numbers"),
        (None, TypeError, "x must be an array"),
    ],
)
def test_errors_of_predict_and_train_are_those_of_fit(x, error, words):
    model = make((4, 3, 1))
    model.compile("sgd", "mse")
    model.predict(np.ones((1, 4), "f4"))
    before = model.digest()
    with pytest.raises(error, match=words):
        model.predict(x)
    with pytest.raises(error, match=words):
        model.train_on_batch(x, np.ones((1, 1), "f4"))
    assert model.digest() == before


def test_predict_checks_its_other_arguments():
    model = make((4, 3, 1))
    x = np.ones((1, 4), "f4")
    model.predict(x)
    with pytest.raises(ValueError, match="batch_size"):
        model.predict(x, batch_size=0)
    with pytest.raises(ValueError, match="verbose"):
        model.predict(x, verbose=7)


def test_samples_that_are_images_stay_images():
    model = models.Sequential([layers.Input((2, 2)), layers.Flatten(), layers.Dense(1)], seed=0)
    image = np.ones((1, 2, 2), "f4")
    assert model.predict(image).shape == (1, 1)
    with pytest.raises(ValueError, match="must have shape"):
        model.predict(image.reshape(1, 4))


def test_predict_sees_new_weights_and_new_layers():
    model = make((4, 3, 1), "linear")
    x = np.ones((1, 4), "f4")
    model.predict(x)
    model.set_weights([np.full_like(w, 0.5) for w in model.get_weights()])
    np.testing.assert_allclose(model.predict(x), 1.5 * np.tanh(2.5) + 0.5, rtol=1e-6)
    model.pop()
    assert model.predict(x).shape == (1, 3)


def test_threads_predict_at_once():
    model = make((50, 30, 5), "softmax")
    x, _ = samples(40, (50, 30, 5))
    expected = model.predict(x)
    wrong = []

    def work():
        for _ in range(20):
            rows = [model.predict(x[i : i + 1]) for i in range(len(x))]
            wrong.append(np.count_nonzero(np.concatenate(rows) != expected))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [0] * 80


# --- train_on_batch -------------------------------------------------------------------------------
LOSSES = [
    ("sigmoid", "binary_crossentropy"),
    ("softmax", "categorical_crossentropy"),
    ("linear", "mse"),
    ("sigmoid", losses.BinaryCrossentropy(label_smoothing=0.1)),
    ("linear", losses.BinaryCrossentropy(from_logits=True)),
]


def twins(sizes, last, loss, optimizer, dtype="float32", metrics=None, **options):
    pair = [make(sizes, last, dtype=dtype, **options) for _ in range(2)]
    for model in pair:
        model.compile(optimizers.get(optimizer), loss, metrics)
    return pair


@pytest.mark.parametrize("integers", ["int64", "int32", "uint8", "int16", ">i8"])
@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize(
    ("last", "loss", "n_outputs"),
    [("softmax", "sparse_categorical_crossentropy", 3), ("sigmoid", "binary_crossentropy", 1)],
)
def test_steps_on_whole_numbers(last, loss, n_outputs, column, integers):
    quick, slow = twins((6, 5, n_outputs), last, loss, "adam", metrics=["accuracy"])
    for step, n in enumerate([8, 8, 20, 1]):
        x, _ = samples(n, (6, 5, n_outputs), seed=step)
        y = (np.arange(step, step + n) % max(2, n_outputs)).astype(integers)
        y = y[:, np.newaxis] if column else y
        taken = quick._quick_step(quick._compiled, x, y)
        assert (taken is not None) == (integers not in ("int16", ">i8"))
        figures = quick.train_on_batch(x, y) if taken is None else taken
        assert figures == slow.train_on_batch(x.tolist(), y.tolist())
        assert quick.digest() == slow.digest()


@pytest.mark.parametrize(
    ("last", "loss", "n_outputs", "words"),
    [
        ("softmax", "sparse_categorical_crossentropy", 3, "must hold labels from 0 to 2"),
        ("sigmoid", "binary_crossentropy", 1, r"must lie in \[0, 1\]"),
    ],
)
@pytest.mark.parametrize("bad", [-1, 3, 2**40])
def test_whole_numbers_are_checked_as_in_fit(last, loss, n_outputs, words, bad):
    model = make((6, 5, n_outputs), last)
    model.compile("sgd", loss)
    x, _ = samples(8, (6, 5, n_outputs))
    y = np.arange(8) % 2
    model.train_on_batch(x, y)
    before = model.digest()
    y[5] = bad
    with pytest.raises(ValueError, match=words):
        model.train_on_batch(x, y)
    with pytest.raises(ValueError, match="as many rows as x"):
        model.train_on_batch(x, y[:5])
    assert model.digest() == before


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("last", "loss"), LOSSES)
def test_steps_have_the_bits_of_steps_on_lists(sizes, last, loss, dtype):
    optimizer = ["sgd", "adam", "rmsprop"][sum(sizes) % 3]
    quick, slow = twins(sizes, last, loss, optimizer, dtype, ["mse"], kernel_regularizer="l2")
    for step, n in enumerate([8, 8, 70, 70, 5, 8, 1]):
        x, y = samples(n, sizes, dtype, seed=step)
        y = one_hot(y) if last == "softmax" else y
        figures = quick.train_on_batch(x, y)
        assert quick._steps is not None
        assert figures == slow.train_on_batch(x.tolist(), y.tolist())
        assert quick.digest() == slow.digest()
    assert quick.optimizer.iterations == slow.optimizer.iterations == 7


def test_results_come_in_the_forms_asked_for():
    model = make((4, 3, 1))
    x, y = samples(6, (4, 3, 1))
    model.compile(optimizers.SGD(0.0), "mse")
    loss = model.train_on_batch(x, y)
    assert isinstance(loss, float)
    assert model.train_on_batch(x, y, return_dict=True) == {"loss": loss}
    model.compile(optimizers.SGD(0.0), "mse", metrics=["mae", "mse"])
    found = model.train_on_batch(x, y[:, 0])
    assert found == model.train_on_batch(x.tolist(), y)
    assert found[0] == pytest.approx(found[2])
    with pytest.raises(TypeError, match="return_dict"):
        model.train_on_batch(x, y, return_dict=1)


def test_steps_see_everything_that_changes_in_between():
    quick, slow = twins((6, 5, 1), "linear", "mse", "adam")
    x, y = samples(32, (6, 5, 1))

    def both(change):
        for model, inputs in ((quick, x), (slow, x.tolist())):
            change(model)
            model.train_on_batch(inputs, y)
        assert quick.digest() == slow.digest()

    both(lambda model: None)
    both(lambda model: setattr(model.optimizer, "learning_rate", 0.3))
    both(lambda model: model.set_weights([w * 2 for w in model.get_weights()]))
    both(lambda model: model.fit(x, y, epochs=3, verbose=0))
    both(lambda model: model.compile(optimizers.RMSprop(0.01), "mse"))
    both(lambda model: model.compile("sgd", "mse", ["mae"]))
    both(lambda model: model.layers[0].set_weights([w + 1 for w in model.layers[0].get_weights()]))
    both(lambda model: model.train_on_batch(x[:3], y[:3], sample_weight=np.ones(3)))
    both(lambda model: model.add(layers.Dense(1)))


def test_inputs_are_read_anew_in_each_step():
    quick, slow = twins((6, 5, 1), "linear", "mse", "sgd")
    x, y = samples(32, (6, 5, 1))
    for _ in range(4):
        quick.train_on_batch(x, y)
        slow.train_on_batch(x.tolist(), y.tolist())
        x *= -0.5
        y += 1
    assert quick.digest() == slow.digest()


@pytest.mark.parametrize(
    ("loss", "bad", "words"),
    [
        ("binary_crossentropy", 1.5, r"must lie in \[0, 1\] for binary_crossentropy, got 1.5"),
        ("binary_crossentropy", -1, r"must lie in \[0, 1\] for binary_crossentropy, got -1"),
        ("categorical_crossentropy", -2, "must be >= 0 for categorical_crossentropy, got -2"),
        ("mse", np.nan, "y holds NaN or infinity in 1 of 8 places"),
        ("mse", -np.inf, "y holds NaN or infinity in 1 of 8 places"),
    ],
)
def test_targets_are_checked_as_in_fit(loss, bad, words):
    model = make((4, 3, 1))
    model.compile("sgd", loss)
    x, y = samples(8, (4, 3, 1))
    model.train_on_batch(x, y)
    before = model.digest()
    y[3] = bad
    with pytest.raises(ValueError, match=words):
        model.train_on_batch(x, y)
    with pytest.raises(ValueError, match="as many rows as x, 8, got 7"):
        model.train_on_batch(x, y[:7])
    with pytest.raises(ValueError, match="must have shape"):
        model.train_on_batch(x, np.zeros((8, 2), "f4"))
    assert model.digest() == before


def test_a_step_that_diverges_changes_no_weight():
    quick, slow = twins((4, 3, 1), "linear", "mse", "sgd")
    x, y = samples(8, (4, 3, 1))
    quick.train_on_batch(x, y)
    slow.train_on_batch(x.tolist(), y)
    before = quick.digest()
    with pytest.warns(RuntimeWarning, match="diverged in this batch"):
        assert np.isnan(quick.train_on_batch(x, np.full_like(y, 3e38)))
    with pytest.warns(RuntimeWarning, match="diverged in this batch"):
        assert np.isnan(slow.train_on_batch(x.tolist(), np.full_like(y, 3e38)))
    assert quick.digest() == slow.digest() == before
    assert quick.train_on_batch(x, y) == slow.train_on_batch(x.tolist(), y)
    assert quick.digest() == slow.digest()


def test_weights_that_are_not_finite_stay_what_the_user_made_of_them():
    model = make((4, 3, 1), "linear")
    model.compile("sgd", "mse")
    x, y = samples(8, (4, 3, 1))
    model.train_on_batch(x, y)
    model.layers[0].kernel[0, 0] = np.nan
    broken = model.digest()
    with pytest.warns(RuntimeWarning, match="diverged in this batch"):
        model.train_on_batch(x, y)
    assert model.digest() == broken


def test_steps_within_a_callback_of_fit():
    quick, slow = twins((4, 3, 1), "linear", "mse", "adam")
    x, y = samples(16, (4, 3, 1))
    for model, inputs in ((quick, x), (slow, x.tolist())):
        step = callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, m=model, i=inputs: m.train_on_batch(i, y)
        )
        model.fit(x, y, epochs=4, batch_size=5, verbose=0, callbacks=[step])
    assert quick.digest() == slow.digest()


def test_newton_and_labels_take_the_long_way():
    model = make((4, 3, 2), "softmax")
    model.compile("newton_cg", "categorical_crossentropy")
    x, y = samples(16, (4, 3, 2))
    assert model.train_on_batch(x, one_hot(y)) > model.train_on_batch(x, one_hot(y))
    model.compile("sgd", "sparse_categorical_crossentropy")
    labels = y.argmax(axis=1).astype("int32")
    assert model.train_on_batch(x, labels) > model.train_on_batch(x, labels)
