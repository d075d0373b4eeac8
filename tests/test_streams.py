"""Samples that come batch by batch: generators, lists, objects that can be indexed."""

import numpy as np
import pytest
from oracle.rng import permutation
from oracle.tolerances import assert_same_bits
from shallowcore import callbacks, layers, models, optimizers

RNG = np.random.default_rng(5)
X = RNG.standard_normal((100, 6))
Y = X @ RNG.standard_normal((6, 2)) + 0.1
LABELS = RNG.integers(0, 3, 100)
WEIGHT = np.linspace(0.5, 2, 100)


def regression(dtype="float64", optimizer="adam", n_hidden=9, metrics=("mae",)):
    model = models.Sequential(
        [layers.Input((6,)), layers.Dense(n_hidden, "tanh"), layers.Dense(2)], dtype=dtype, seed=0
    )
    model.compile(optimizer, "mse", metrics=list(metrics))
    return model


def classifier():
    model = models.Sequential(
        [layers.Input((6,)), layers.Dense(9, "relu"), layers.Dense(3, "softmax")],
        dtype="float64",
        seed=0,
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def cut(*arrays, size=30):
    """Batches of consecutive rows, the last one short."""
    return [tuple(a[i : i + size] for a in arrays) for i in range(0, len(arrays[0]), size)]


class Indexed:
    """As Keras' Sequence."""

    def __init__(self, batches):
        self.batches = batches
        self.epochs = 0
        self.asked = []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, i):
        self.asked.append(i)
        return self.batches[i]

    def on_epoch_end(self):
        self.epochs += 1


class Again:
    """Can be iterated again, but has no length."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


def forever(batches):
    while True:
        yield from batches


# --- fit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", ["blocks", "lanes", "panels"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_cut_from_arrays_train_as_the_arrays_do(plan, dtype, monkeypatch):
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    x, y = X.astype(dtype), Y.astype(dtype)
    whole, fed = regression(dtype), regression(dtype)
    a = whole.fit(x, y, batch_size=30, epochs=3, shuffle=False, verbose=0)
    b = fed.fit(Again(cut(x, y)), epochs=3, verbose=0)
    assert a.history == b.history
    assert whole.digest() == fed.digest()
    assert fed.optimizer.iterations == 12


@pytest.mark.parametrize("form", [list, Indexed, Again, lambda b: forever(b)])
def test_forms_of_streams(form):
    whole, fed = classifier(), classifier()
    a = whole.fit(X, LABELS, batch_size=30, epochs=3, shuffle=False, verbose=0)
    steps = None if form in (list, Indexed, Again) else 4
    b = fed.fit(form(cut(X, LABELS)), epochs=3, shuffle=False, steps_per_epoch=steps, verbose=0)
    assert a.history == b.history
    assert whole.digest() == fed.digest()


def test_weights_and_classes_multiply():
    whole, fed = classifier(), classifier()
    class_weight = {0: 2.0, 2: 0.5}
    options = {"epochs": 2, "class_weight": class_weight, "verbose": 0}
    whole.fit(X, LABELS, batch_size=30, shuffle=False, sample_weight=WEIGHT, **options)
    fed.fit(Again(cut(X, LABELS, WEIGHT)), **options)
    assert whole.digest() == fed.digest()


def test_integers_and_strided_batches_are_read_as_in_arrays():
    images = RNG.integers(0, 256, (100, 6)).astype(np.uint8)
    whole, fed = regression("float32"), regression("float32")
    whole.fit(images, Y, batch_size=30, shuffle=False, verbose=0)
    fed.fit(Again(cut(np.asfortranarray(images), Y)), verbose=0)
    assert whole.digest() == fed.digest()
    lists, plain = regression(), regression()
    plain.fit(Again(cut(X, Y)), verbose=0)
    lists.fit([(x.tolist(), y.tolist()) for x, y in cut(X, Y)], shuffle=False, verbose=0)
    assert lists.digest() == plain.digest()


def test_batches_of_what_can_be_indexed_are_shuffled_and_replayed():
    batches, fed, by_hand = Indexed(cut(X, Y, size=10)), regression(), regression()
    fed.fit(batches, epochs=3, verbose=0)
    orders = [permutation(10, 0, epoch).tolist() for epoch in range(3)]
    assert batches.asked == [i for order in orders for i in order]
    assert batches.epochs == 3
    by_hand.fit(
        forever([batches.batches[i] for order in orders for i in order]),
        epochs=3,
        steps_per_epoch=10,
        verbose=0,
    )
    assert fed.digest() == by_hand.digest()


def test_later_calls_go_on_with_the_next_orders():
    once, twice = regression(), regression()
    batches = cut(X, Y, size=10)
    once.fit(batches, epochs=4, verbose=0)
    twice.fit(batches, epochs=1, verbose=0)
    twice.fit(batches, epochs=4, initial_epoch=1, verbose=0)
    assert once.digest() == twice.digest()


def test_epochs_of_some_steps_go_on_and_start_again():
    asked = Indexed(cut(X, Y, size=25))
    regression().fit(asked, epochs=3, steps_per_epoch=3, shuffle=False, verbose=0)
    assert asked.asked == [0, 1, 2, 3, 0, 1, 2, 3, 0]


@pytest.mark.parametrize("sizes", [[5, 30, 17, 1, 64], [40, 7, 40]])
def test_ragged_batches_are_steps_of_their_own(sizes):
    ends = np.cumsum(sizes)
    rows = [slice(end - n, end) for n, end in zip(sizes, ends, strict=True)]
    x, y = np.tile(X, (2, 1)), np.tile(Y, (2, 1))
    fed, by_hand = regression(metrics=()), regression(metrics=())
    fed.fit([(x[r], y[r]) for r in rows], shuffle=False, verbose=0)
    losses = [by_hand.train_on_batch(x[r], y[r]) for r in rows]
    for ours, theirs in zip(fed.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)
    mean = np.average(losses, weights=sizes)
    assert fed.history.history["loss"][0] == pytest.approx(mean, rel=1e-12)


def test_a_generator_that_ends_stops_the_training():
    model = regression()
    with pytest.warns(UserWarning, match="the batches ran out after 1 of 5 epochs"):
        history = model.fit((b for b in cut(X, Y)), epochs=5, verbose=0)
    assert history.epoch == [0]
    assert history.stop_reason == "out of data"
    assert "steps_per_epoch" in history.report()
    with pytest.warns(UserWarning, match="ran out after 2 of 5"):
        history = model.fit((b for b in cut(X, Y)), epochs=5, steps_per_epoch=3, verbose=0)
    assert history.epoch == [0, 1]


def test_generators_may_reuse_their_arrays():
    def reusing():
        x, y = np.empty((10, 6)), np.empty((10, 2))
        for i in range(0, 100, 10):
            x[...], y[...] = X[i : i + 10], Y[i : i + 10]
            yield x, y

    fed, plain = regression(), regression()
    fed.fit(reusing(), verbose=0)
    plain.fit(X, Y, batch_size=10, shuffle=False, verbose=0)
    assert fed.digest() == plain.digest()


def test_a_lazy_model_takes_its_shape_from_the_first_batch():
    model = models.Sequential([layers.Dense(3, "tanh"), layers.Dense(2)], seed=0)
    model.compile("sgd", "mse")
    model.fit(cut(X, Y), verbose=0)
    assert model.input_shape == (None, 6)


# --- hooks, validation, stopping ------------------------------------------------------------------


def test_hooks_and_early_stopping_work_on_streams():
    calls = []
    hook = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: calls.append(f"epoch {epoch}"),
        on_train_batch_end=lambda batch, logs: calls.append(batch),
    )
    plain, watched = regression(), regression()
    batches = Again(cut(X, Y))
    a = plain.fit(batches, epochs=2, validation_data=(X, Y), verbose=0)
    b = watched.fit(batches, epochs=2, validation_data=(X, Y), callbacks=[hook], verbose=0)
    assert calls == [0, 1, 2, 3, "epoch 0", 0, 1, 2, 3, "epoch 1"]
    assert a.history == b.history
    assert plain.digest() == watched.digest()
    stops = [callbacks.EarlyStopping("loss", min_delta=1, patience=2) for _ in range(2)]
    native = regression().fit(batches, epochs=9, callbacks=stops[:1], verbose=0)
    python = regression().fit(batches, epochs=9, callbacks=[stops[1], hook], verbose=0)
    assert native.epoch == python.epoch
    assert stops[0].stopped_epoch == stops[1].stopped_epoch > 0


def test_validation_from_batches():
    whole, fed = regression(), regression()
    held_out = (RNG.standard_normal((50, 6)), RNG.standard_normal((50, 2)))
    a = whole.fit(X, Y, epochs=3, validation_data=held_out, verbose=0).history
    stop = callbacks.EarlyStopping(patience=5)
    b = fed.fit(
        X, Y, epochs=3, validation_data=Again(cut(*held_out)), callbacks=[stop], verbose=0
    ).history
    assert list(a) == ["loss", "mae", "val_loss", "val_mae", "lr"]
    assert set(a) == set(b)
    np.testing.assert_allclose(b["val_loss"], a["val_loss"], rtol=1e-12)
    np.testing.assert_allclose(b["val_mae"], a["val_mae"], rtol=1e-12)
    assert whole.digest() == fed.digest()
    assert stop.best == min(b["val_loss"])
    some = regression().fit(
        X, Y, validation_data=forever(cut(*held_out)), validation_steps=1, verbose=0
    )
    part = regression().fit(X, Y, validation_data=(held_out[0][:30], held_out[1][:30]), verbose=0)
    assert some.history["val_loss"][0] == pytest.approx(part.history["val_loss"][0], rel=1e-12)


def test_lists_of_two_arrays_are_validation_data():
    history = regression().fit(X, Y, validation_data=[X[:5], Y[:5]], verbose=0)
    assert "val_loss" in history.history


def test_max_time_ends_an_endless_epoch():
    model = regression()
    history = model.fit(forever(cut(X, Y)), max_time=0.2, verbose=0)
    assert history.epoch == []
    assert history.stop_reason == "max_time"
    assert model.optimizer.iterations > 0


def test_divergence_on_a_stream_goes_back_to_the_last_epoch():
    model, twin = regression(optimizer=optimizers.SGD(0.01)), regression("float64")
    twin.compile(optimizers.SGD(0.01), "mse")
    good, bad = cut(X, Y), [(X, 1e200 * Y)]
    with pytest.warns(RuntimeWarning, match="diverged in epoch 2 of 9"):
        history = model.fit(forever([*good, *bad]), steps_per_epoch=4, epochs=9, verbose=0)
    twin.fit(Again(good), verbose=0)
    assert history.epoch == [0]
    assert model.digest() == twin.digest()


# --- evaluate and predict -------------------------------------------------------------------------


@pytest.mark.parametrize("form", [list, Indexed, Again, iter])
def test_evaluate_and_predict_on_batches(form):
    model = regression()
    figures = model.evaluate(X, Y, sample_weight=WEIGHT)
    np.testing.assert_allclose(model.evaluate(form(cut(X, Y, WEIGHT))), figures, rtol=1e-12)
    outputs = model.predict(X)
    np.testing.assert_allclose(model.predict(form([b[0] for b in cut(X)])), outputs, rtol=1e-12)
    assert_same_bits(model.predict_on_batch(X), outputs)
    if form is not list:
        np.testing.assert_allclose(model.predict(form(cut(X, Y))), outputs, rtol=1e-12)
    assert model.predict(form([b[0] for b in cut(X)]), steps=2).shape == (60, 2)


def test_lists_of_samples_stay_arrays():
    model = regression()
    assert_same_bits(model.predict(X.tolist()), model.predict(X))
    assert_same_bits(model.predict(list(X)), model.predict(X))


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "arguments", "error", "match"),
    [
        ([], {}, ValueError, "x is empty"),
        (iter(()), {}, ValueError, "x is empty"),
        ([X[:3]], {}, ValueError, r"batch 0 of x must be \(x, y\)"),
        ([(X[:3],)], {}, ValueError, "got 1 items"),
        ([(X[:3, :2], Y[:3])], {}, ValueError, r"batch 0 of x: x must have shape"),
        ([(X[:3], Y[:2])], {}, ValueError, "batch 0 of x: y must have as many rows"),
        (cut(X, Y), {"sample_weight": WEIGHT}, ValueError, "sample_weight must be None"),
        (cut(X, Y), {"validation_split": 0.5}, ValueError, "validation_split must be 0"),
        (cut(X, Y), {"steps_per_epoch": 0}, ValueError, "steps_per_epoch"),
        (cut(X, Y), {"class_weight": "balanced"}, ValueError, "class_weight must be a dict"),
        (X, {"y": Y, "validation_data": []}, ValueError, "validation_data"),
        (X, {"y": Y, "steps_per_epoch": 3}, ValueError, "steps_per_epoch goes with an iterable"),
        (X, {"y": Y, "validation_steps": 3}, ValueError, "validation_steps goes with"),
        ({"x": X}, {}, TypeError, "x must be an array"),
    ],
)
def test_bad_streams_are_refused_first(x, arguments, error, match):
    model = regression()
    before = model.digest()
    with pytest.raises(error, match=match):
        model.fit(x, verbose=0, **arguments)
    assert model.digest() == before


def test_second_order_methods_refuse_streams():
    with pytest.raises(ValueError, match="newton_cg needs all samples in every step"):
        regression(optimizer=optimizers.NewtonCG()).fit(cut(X, Y), verbose=0)


@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        ((np.full((3, 6), np.nan), Y[:3]), ValueError, "batch 2 of x: x holds NaN"),
        ((X[:3, :5], Y[:3]), ValueError, "batch 2 of x: x must have shape"),
        ((np.ones((3, 6), int), Y[:3]), TypeError, "x has dtype int64; expected float64"),
        ((X[:3], Y[:3], -WEIGHT[:3]), ValueError, "batch 2 of x: sample_weight must be >= 0"),
        (3, ValueError, r"batch 2 of x must be \(x, y\)"),
    ],
    ids=lambda value: "",
)
def test_a_bad_batch_leaves_the_weights_of_the_last_step(bad, error, match):
    model, twin = regression(), regression()
    good = cut(X[:60], Y[:60])
    with pytest.raises(error, match=match):
        model.fit(Again([*good, bad]), verbose=0)
    twin.fit(Again(good), verbose=0)
    assert model.digest() == twin.digest()
    assert model.history.stop_reason == error.__name__


def test_bad_labels_of_later_batches():
    with pytest.raises(ValueError, match="batch 1 of x: y must hold labels from 0 to 2"):
        classifier().fit(Again([(X[:5], LABELS[:5]), (X[:5], LABELS[:5] + 3)]), verbose=0)


def test_an_exception_of_the_generator_reaches_the_caller():
    def failing():
        yield X[:10], Y[:10]
        raise OSError("disk gone")

    model = regression()
    with pytest.raises(OSError, match="disk gone"):
        model.fit(failing(), verbose=0)
    assert model.optimizer.iterations == 1
    model.fit(X, Y, verbose=0)
