"""The loop of fit against Keras 3 on JAX: weights of samples and classes, validation, callbacks.

Both start from the same weights and see the same data in the same order, in float64.
"""

import importlib
import os

import numpy as np
import pytest
from shallowcore import callbacks, layers, models, optimizers

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
jax = pytest.importorskip("jax")

pytestmark = pytest.mark.filterwarnings("ignore")

RTOL = 1e-9
RNG = np.random.default_rng(7)
X = RNG.standard_normal((60, 5))
BINARY = (X[:, 0] + 0.5 * RNG.standard_normal(60) > 0).astype(np.int32)
LABELS = RNG.integers(0, 3, 60).astype(np.int32)
WEIGHT = np.linspace(0.2, 2.0, 60)


@pytest.fixture(autouse=True)
def doubles(monkeypatch):
    """JAX and Keras in float64, for these tests only."""
    floats, doubled = keras.config.floatx(), jax.config.jax_enable_x64
    dtypes = importlib.import_module("keras.src.backend.common.dtypes")
    state = importlib.import_module("keras.src.backend.common.global_state")
    # Keras turns float64 into float32 on JAX, whose default that is, wherever types meet.
    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    jax.config.update("jax_enable_x64", True)
    keras.config.set_floatx("float64")
    state.set_global_attribute("dtype_policy", None)  # it follows floatx when it is asked for next
    yield
    keras.config.set_floatx(floats)
    state.set_global_attribute("dtype_policy", None)
    jax.config.update("jax_enable_x64", doubled)


def pair(kind="binary", rate=0.05, metrics=("accuracy",)):
    """Our model and Keras', with the same weights."""
    n_out, last = (1, "sigmoid") if kind == "binary" else (3, "softmax")
    loss = {"binary": "binary_crossentropy", "sparse": "sparse_categorical_crossentropy"}.get(
        kind, "categorical_crossentropy"
    )
    ours = models.Sequential(
        [layers.Input((5,)), layers.Dense(6, "tanh"), layers.Dense(n_out, last)],
        dtype="float64",
        seed=0,
    )
    ours.compile(optimizers.Adam(rate), loss, metrics=list(metrics))
    theirs = keras.Sequential(
        [
            keras.layers.Input((5,)),
            keras.layers.Dense(6, "tanh"),
            keras.layers.Dense(n_out, last),
        ]
    )
    theirs.compile(keras.optimizers.Adam(rate), loss, metrics=list(metrics))
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def assert_same_training(ours, theirs, mine, their_history):
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert np.max(np.abs(a - b)) <= RTOL * np.max(np.abs(b))
    for name, values in their_history.history.items():
        if name != "learning_rate":
            np.testing.assert_allclose(mine.history[name], values, rtol=RTOL, err_msg=name)


def targets(kind):
    if kind == "binary":
        return BINARY
    return LABELS if kind == "sparse" else np.eye(3)[LABELS]


WEIGHTS = {
    "samples": {"sample_weight": WEIGHT},
    "classes": {"class_weight": {0: 1.0, 1: 3.0, 2: 0.25}},
}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("binary", "samples"),
        ("sparse", "samples"),
        ("binary", "classes"),
        ("categorical", "classes"),
        ("sparse", "validation"),
    ],
)
def test_weights_of_samples_and_classes(kind, given):
    y = targets(kind)
    arguments = dict(WEIGHTS.get(given, {}))
    if given == "classes" and kind == "binary":
        arguments = {"class_weight": {0: 1.0, 1: 3.0}}
    if given == "validation":
        arguments = {"validation_data": (X[:20], y[:20], WEIGHT[:20])}
    # Keras weighs "accuracy" by the weights of samples in validation; we compare the loss.
    ours, theirs = pair(kind, metrics=())
    options = {"epochs": 5, "batch_size": 16, "shuffle": False, "verbose": 0} | arguments
    assert_same_training(ours, theirs, ours.fit(X, y, **options), theirs.fit(X, y, **options))


@pytest.mark.parametrize("kind", ["sparse"])
def test_both_weights_multiply(kind):
    """Keras refuses both at once: it gets their product."""
    y, class_weight = targets(kind), {0: 1.0, 1: 3.0}
    ours, theirs = pair(kind, metrics=())
    options = {"epochs": 5, "batch_size": 16, "shuffle": False, "verbose": 0}
    mine = ours.fit(X, y, sample_weight=WEIGHT, class_weight=class_weight, **options)
    product = WEIGHT * np.where(y == 1, 3.0, 1.0)
    assert_same_training(ours, theirs, mine, theirs.fit(X, y, sample_weight=product, **options))


def test_figures_of_epochs_and_validation_split():
    ours, theirs = pair("sparse")
    options = {"epochs": 5, "batch_size": 16, "shuffle": False, "verbose": 0}
    options["validation_split"] = 0.3
    mine, their_history = ours.fit(X, LABELS, **options), theirs.fit(X, LABELS, **options)
    assert_same_training(ours, theirs, mine, their_history)


STOPS = [
    {"patience": 2},
    {"patience": 3, "restore_best_weights": True},
    {"monitor": "loss", "min_delta": 0.02, "patience": 1, "restore_best_weights": True},
    {"monitor": "loss", "baseline": 0.3, "patience": 4},
    {"patience": 1, "start_from_epoch": 7, "restore_best_weights": True},
    {"monitor": "val_accuracy", "patience": 3, "mode": "max"},
]


@pytest.mark.parametrize("stop", STOPS, ids=str)
def test_early_stopping(stop):
    ours, theirs = pair(rate=0.3)
    mine, their_stop = callbacks.EarlyStopping(**stop), keras.callbacks.EarlyStopping(**stop)
    options = {"epochs": 25, "batch_size": 15, "shuffle": False, "verbose": 0}
    options["validation_split"] = 0.25
    a = ours.fit(X, BINARY, callbacks=[mine], **options)
    b = theirs.fit(X, BINARY, callbacks=[their_stop], **options)
    assert a.epoch == b.epoch
    for name in ("stopped_epoch", "best_epoch", "wait"):
        assert getattr(mine, name) == getattr(their_stop, name), name
    assert mine.best == pytest.approx(float(their_stop.best), rel=RTOL)
    assert_same_training(ours, theirs, a, b)


def test_learning_rates_by_plateau_and_by_schedule():
    ours, theirs = pair(rate=0.3)
    options = {"epochs": 12, "batch_size": 15, "shuffle": False, "verbose": 0}
    options["validation_split"] = 0.25
    plateau = {"factor": 0.5, "patience": 1, "cooldown": 1, "min_lr": 0.01}

    def schedule(epoch, rate):
        return float(rate * 0.9) if epoch % 3 == 0 else float(rate)

    a = ours.fit(
        X,
        BINARY,
        callbacks=[
            callbacks.LearningRateScheduler(schedule),
            callbacks.ReduceLROnPlateau(**plateau),
        ],
        **options,
    )
    b = theirs.fit(
        X,
        BINARY,
        callbacks=[
            keras.callbacks.LearningRateScheduler(schedule),
            keras.callbacks.ReduceLROnPlateau(**plateau),
        ],
        **options,
    )
    assert_same_training(ours, theirs, a, b)
    rate = float(np.asarray(theirs.optimizer.learning_rate))
    assert ours.optimizer.learning_rate == pytest.approx(rate, rel=RTOL)


class Batches(keras.utils.PyDataset):
    """Ragged batches with weights."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        rows = slice((0, 10, 33, 40)[i], (10, 33, 40, 60)[i])
        return X[rows], LABELS[rows], WEIGHT[rows]


def test_a_dataset_of_keras_feeds_both():
    ours, theirs = pair("sparse", metrics=())
    options = {"epochs": 3, "shuffle": False, "verbose": 0}
    a, b = ours.fit(Batches(), **options), theirs.fit(Batches(), **options)
    assert_same_training(ours, theirs, a, b)
    figure = theirs.evaluate(Batches(), verbose=0)
    assert ours.evaluate(Batches()) == pytest.approx(figure, rel=RTOL)
    np.testing.assert_allclose(
        ours.predict(Batches()), theirs.predict(Batches(), verbose=0), rtol=1e-9, atol=1e-12
    )


def test_logs_of_batches_are_those_of_keras():
    ours, theirs = pair("sparse")
    seen = {"ours": [], "theirs": []}
    options = {"batch_size": 16, "shuffle": False, "verbose": 0, "epochs": 2}

    def note(who):
        return lambda batch, logs: seen[who].append((batch, logs["loss"], logs["accuracy"]))

    ours.fit(
        X, LABELS, callbacks=[callbacks.LambdaCallback(on_train_batch_end=note("ours"))], **options
    )
    hook = keras.callbacks.LambdaCallback(on_train_batch_end=note("theirs"))
    theirs.fit(X, LABELS, callbacks=[hook], **options)
    np.testing.assert_allclose(
        np.array(seen["ours"], float), np.array(seen["theirs"], float), rtol=RTOL
    )
