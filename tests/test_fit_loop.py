"""The loop of fit: history, callbacks, validation, weights of samples, and what it warns of."""

import gc
import weakref

import numpy as np
import pytest
from oracle.tolerances import assert_same_bits
from shallowcore import callbacks, layers, models, optimizers

RNG = np.random.default_rng(1)
X = RNG.standard_normal((60, 4))
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int)


def classifier(optimizer="sgd", dtype="float64", metrics=("accuracy",), seed=0):
    model = models.Sequential(
        [layers.Input((4,)), layers.Dense(5, "tanh"), layers.Dense(1, "sigmoid")],
        dtype=dtype,
        seed=seed,
    )
    model.compile(optimizer, "binary_crossentropy", metrics=list(metrics))
    return model


# --- history --------------------------------------------------------------------------------------


def test_history_has_keras_keys_and_one_value_an_epoch():
    model = classifier()
    history = model.fit(X, LABELS, epochs=4, verbose=0, validation_split=0.25)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy", "lr"]
    assert all(len(values) == 4 for values in history.history.values())
    assert history.epoch == [0, 1, 2, 3]
    assert history is model.history
    assert history.model is model
    assert history.history["lr"] == [0.01] * 4


def test_metrics_keep_the_names_they_were_given():
    model = classifier(metrics=["acc", "mean_squared_error", "mae", "mse"])
    history = model.fit(X, LABELS, verbose=0).history
    assert list(history) == ["loss", "acc", "mean_squared_error", "mae", "mse", "lr"]
    assert history["mse"] == history["mean_squared_error"]


def test_initial_epoch_counts_on():
    history = classifier().fit(X, LABELS, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]


@pytest.mark.parametrize("arguments", [{"epochs": 0}, {"epochs": 2, "initial_epoch": 2}])
def test_nothing_to_do_is_an_empty_history(arguments):
    model = classifier()
    before = model.digest()
    assert model.fit(X, LABELS, verbose=0, **arguments).history == {}
    assert model.digest() == before


def test_two_calls_are_one_longer_one():
    once, twice = classifier("adam"), classifier("adam")
    once.fit(X, LABELS, epochs=7, batch_size=8, verbose=0)
    twice.fit(X, LABELS, epochs=3, batch_size=8, verbose=0)
    twice.fit(X, LABELS, epochs=7, initial_epoch=3, batch_size=8, verbose=0)
    assert once.digest() == twice.digest()


def test_compile_starts_the_optimizer_anew_and_keeps_the_weights():
    model = classifier("adam")
    model.fit(X, LABELS, verbose=0)
    before = model.digest()
    model.compile("adam", "binary_crossentropy")
    assert model.digest() == before
    assert model.optimizer.iterations == 0


def test_newton_stops_by_itself_and_has_no_learning_rate():
    model = models.Sequential([layers.Input((4,)), layers.Dense(1)], dtype="float64", seed=0)
    model.compile(optimizers.NewtonCG(), "mse")
    history = model.fit(X, X @ np.array([1.0, 2.0, 3.0, 4.0]), epochs=50, verbose=0)
    assert len(history.epoch) < 50
    assert list(history.history) == ["loss"]
    np.testing.assert_allclose(model.layers[0].kernel[:, 0], [1, 2, 3, 4], atol=1e-6)


# --- callbacks ------------------------------------------------------------------------------------


class Recorder(callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_train_end(self, logs=None):
        self.calls.append("train end")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"begin {epoch}")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"end {epoch}")
        self.logs = logs


def test_hooks_are_called_in_order_with_figures():
    model, recorder = classifier(), Recorder()
    history = model.fit(
        X, LABELS, epochs=4, initial_epoch=2, batch_size=16, callbacks=[recorder], verbose=0
    )
    assert recorder.calls == ["train begin", "begin 2", "end 2", "begin 3", "end 3", "train end"]
    assert recorder.logs == {name: values[-1] for name, values in history.history.items()}
    assert recorder.params == {"verbose": 0, "epochs": 4, "steps": 4}
    assert recorder.model is model


def test_callbacks_change_nothing():
    plain, watched = classifier("rmsprop"), classifier("rmsprop")
    a = plain.fit(X, LABELS, epochs=5, batch_size=7, verbose=0)
    b = watched.fit(X, LABELS, epochs=5, batch_size=7, verbose=0, callbacks=[Recorder()])
    assert a.history == b.history
    assert plain.digest() == watched.digest()


def test_a_callback_need_not_call_the_base_class():
    class Own(callbacks.Callback):
        def __init__(self):
            self.seen = []

        def on_epoch_end(self, epoch, logs=None):
            self.seen.append((self.model, self.params["epochs"]))

    own, model = Own(), classifier()
    with pytest.raises(RuntimeError, match="has no model"):
        _ = own.model
    model.fit(X, LABELS, callbacks=[own], verbose=0)
    assert own.seen == [(model, 1)]


def test_a_model_goes_when_its_last_name_does():
    model = classifier()
    history = model.fit(X, LABELS, verbose=0, callbacks=[Recorder()])
    alive = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert alive() is None
    finally:
        gc.enable()
    assert len(history.history["loss"]) == 1


def test_a_single_callback_and_a_history_of_the_users():
    own = callbacks.History()
    history = classifier().fit(X, LABELS, epochs=3, verbose=0, callbacks=own)
    assert own.history == history.history


def test_stop_training_ends_after_the_epoch():
    def stop(epoch, logs):
        model.stop_training = epoch == 1

    model = classifier()
    hook = callbacks.LambdaCallback(on_epoch_end=stop)
    assert model.fit(X, LABELS, epochs=9, callbacks=[hook], verbose=0).epoch == [0, 1]
    assert model.fit(X, LABELS, epochs=2, verbose=0).epoch == [0, 1]


def test_learning_rate_set_between_epochs_holds_from_the_next():
    def halve(epoch, logs):
        model.optimizer.learning_rate /= 2

    model = classifier(optimizers.SGD(0.4))
    hook = callbacks.LambdaCallback(on_epoch_end=halve)
    history = model.fit(X, LABELS, epochs=3, callbacks=[hook], verbose=0, shuffle=False)
    assert history.history["lr"] == [0.4, 0.2, 0.1]
    by_hand = classifier(optimizers.SGD(0.4))
    for rate in (0.4, 0.2, 0.1):
        by_hand.optimizer.learning_rate = rate
        by_hand.fit(X, LABELS, verbose=0, shuffle=False)
    assert by_hand.digest() == model.digest()


def test_weights_set_in_a_callback_are_trained_on():
    def reset(epoch, logs):
        model.set_weights(start)

    model, plain = classifier(), classifier()
    start = model.get_weights()
    hook = callbacks.LambdaCallback(on_epoch_begin=reset)
    model.fit(X, LABELS, epochs=3, callbacks=[hook], verbose=0, shuffle=False)
    plain.fit(X, LABELS, epochs=1, verbose=0, shuffle=False)
    assert model.digest() == plain.digest()


def test_an_exception_in_a_hook_reaches_the_caller_and_the_model_goes_on():
    def fail(epoch, logs):
        raise OSError("disk full")

    model, plain = classifier("adam"), classifier("adam")
    with pytest.raises(OSError, match="disk full"):
        model.fit(X, LABELS, callbacks=[callbacks.LambdaCallback(on_epoch_end=fail)], verbose=0)
    model.fit(X, LABELS, epochs=1, verbose=0)
    plain.fit(X, LABELS, epochs=2, verbose=0)
    assert model.digest() == plain.digest()


def test_a_hook_may_predict_and_evaluate():
    seen = []
    model = classifier()
    hook = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((model.evaluate(X, LABELS), model.predict(X)))
    )
    model.fit(X, LABELS, epochs=2, callbacks=[hook], verbose=0)
    assert len(seen) == 2


# --- validation and weights -----------------------------------------------------------------------


def test_validation_split_takes_the_last_samples():
    model = classifier()
    history = model.fit(X, LABELS, epochs=3, validation_split=0.25, verbose=0)
    loss, accuracy = model.evaluate(X[45:], LABELS[45:])
    assert history.history["val_loss"][-1] == pytest.approx(loss, rel=1e-12)
    assert history.history["val_accuracy"][-1] == pytest.approx(accuracy)
    alone = classifier()
    alone.fit(X[:45], LABELS[:45], epochs=3, verbose=0)
    assert alone.digest() == model.digest()


def test_validation_data_goes_before_validation_split_and_may_have_weights():
    model, plain = classifier(), classifier()
    weight = np.linspace(0, 2, 10)
    history = model.fit(
        X, LABELS, validation_split=0.5, validation_data=(X[:10], LABELS[:10], weight), verbose=0
    )
    plain.fit(X, LABELS, verbose=0)
    assert model.digest() == plain.digest()
    loss, _ = model.evaluate(X[:10], LABELS[:10], sample_weight=weight)
    assert history.history["val_loss"][-1] == pytest.approx(loss, rel=1e-12)


def test_class_weight_multiplies_sample_weight():
    weight = np.linspace(0.5, 1.5, 60)
    mixed, by_hand = classifier(), classifier()
    mixed.fit(X, LABELS, sample_weight=weight, class_weight={1: 3.0}, epochs=2, verbose=0)
    both = weight * np.where(LABELS == 1, 3.0, 1.0)
    by_hand.fit(X, LABELS, sample_weight=both, epochs=2, verbose=0)
    assert mixed.digest() == by_hand.digest()


@pytest.mark.parametrize("form", ["binary", "sparse", "categorical"])
def test_balanced_classes_weigh_the_same(form):
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2, 2] if form != "binary" else [0] * 8 + [1] * 2)
    x = np.random.default_rng(0).standard_normal((10, 4))
    n_classes = labels.max() + 1
    loss = {"binary": "binary_crossentropy"}.get(form, f"{form}_categorical_crossentropy")
    loss = loss.replace("categorical_categorical", "categorical")
    y = np.eye(n_classes)[labels] if form == "categorical" else labels
    weight = (10 / (n_classes * np.bincount(labels)))[labels]
    digests = set()
    for arguments in ({"class_weight": "balanced"}, {"sample_weight": weight}):
        units = 1 if form == "binary" else n_classes
        head = layers.Dense(units, "sigmoid" if form == "binary" else "softmax")
        model = models.Sequential([layers.Input((4,)), head], dtype="float64", seed=0)
        model.compile("sgd", loss)
        model.fit(x, y, epochs=2, verbose=0, **arguments)
        digests.add(model.digest())
    assert len(digests) == 1


# --- warnings -------------------------------------------------------------------------------------


def test_divergence_warns_and_keeps_the_last_finite_weights():
    model = models.Sequential([layers.Input((4,)), layers.Dense(1)], dtype="float64", seed=0)
    model.compile(optimizers.SGD(1e3), "mse")
    with pytest.warns(RuntimeWarning, match=r"diverged in epoch (\d+) of 500.*learning rate \(now"):
        history = model.fit(100 * X, X[:, 0], epochs=500, verbose=0)
    assert 0 < len(history.epoch) < 500
    assert np.isfinite(history.history["loss"]).all()
    assert all(np.isfinite(w).all() for w in model.get_weights())
    model.optimizer.learning_rate = 1e-5
    assert np.isfinite(model.evaluate(100 * X, X[:, 0]))


def test_divergence_on_a_batch_gives_nan_and_a_warning():
    model = models.Sequential([layers.Input((4,)), layers.Dense(1)], seed=0)
    model.compile("sgd", "mse", metrics=["mae"])
    before = model.digest()
    with pytest.warns(RuntimeWarning, match="diverged in this batch"):
        figures = model.train_on_batch(np.full((2, 4), 1e30), np.zeros(2))
    assert np.isnan(figures).all()
    assert model.digest() == before


def test_zero_hidden_layers_warn_of_symmetry_and_stay_identical():
    stack = [layers.Input((4,)), layers.Dense(3, "tanh", kernel_initializer="ones")]
    stack.append(layers.Dense(1, "sigmoid", kernel_initializer="ones"))
    model = models.Sequential(stack, dtype="float64", seed=0)
    model.compile("sgd", "binary_crossentropy")
    with pytest.warns(UserWarning, match="'dense' have the same weights.*kernel_initializer"):
        model.fit(X, LABELS, epochs=5, verbose=0)
    kernel = model.layers[0].kernel
    assert_same_bits(kernel, np.repeat(kernel[:, :1], 3, axis=1))


@pytest.mark.parametrize("n_hidden", [None, 1])
def test_no_warning_where_there_is_no_symmetry(n_hidden):
    stack = [layers.Input((4,))]
    if n_hidden:
        stack.append(layers.Dense(n_hidden, "tanh", kernel_initializer="zeros"))
    model = models.Sequential([*stack, layers.Dense(1, "sigmoid", kernel_initializer="zeros")])
    model.compile("sgd", "binary_crossentropy")
    model.fit(X, LABELS, verbose=0)  # warnings are errors here


def test_figures_that_a_callback_writes_join_the_history():
    class Score(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert "score" not in logs
            logs["score"] = 10.0 * epoch

    history = classifier().fit(X, LABELS, epochs=3, verbose=0, callbacks=[Score()])
    assert history.history["score"] == [0.0, 10.0, 20.0]
    assert history.params["epochs"] == 3


def test_attributes_that_are_no_hooks_are_left_alone():
    class Quiet(callbacks.Callback):
        on_gpu = False

    classifier().fit(X, LABELS, verbose=0, callbacks=Quiet())
