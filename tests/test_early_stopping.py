"""Early stopping: in the core, in Python and by the oracle the same; and what it leaves behind."""

import itertools
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from oracle.callbacks import early_stopping
from oracle.tolerances import assert_same_bits
from shallowcore import callbacks, layers, models, optimizers

RNG = np.random.default_rng(3)
X = RNG.standard_normal((80, 4))
LABELS = (X[:, 0] + X[:, 1] + RNG.standard_normal(80) > 0).astype(int)

LOOK = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)


def network(dtype="float64", rate=0.3, seed=0, sizes=(12,)):
    stack = [layers.Input((4,)), *(layers.Dense(n, "tanh") for n in sizes)]
    model = models.Sequential([*stack, layers.Dense(1, "sigmoid")], dtype=dtype, seed=seed)
    model.compile(optimizers.Adam(rate), "binary_crossentropy", metrics=["acc", "mse"])
    return model


def trained(stop, *others, dtype="float64", epochs=60, **arguments):
    """A model whose training `stop` watches, and its history."""
    model = network(dtype)
    options = {"epochs": epochs, "validation_split": 0.25, "batch_size": 10, "verbose": 0}
    history = model.fit(X, LABELS, callbacks=[stop, *others], **(options | arguments))
    return model, history


def state_of(stop):
    weights = stop.best_weights
    bits = None if weights is None else [w.tobytes() for w in weights]
    return (stop.best, stop.best_epoch, stop.stopped_epoch, stop.wait, bits)


def epoch_returns(monkeypatch):
    """Counts how often training comes back to Python for an epoch."""
    calls = []
    original = callbacks.CallbackList.epoch_end
    monkeypatch.setattr(
        callbacks.CallbackList,
        "epoch_end",
        lambda self, epoch, logs: (calls.append(epoch), original(self, epoch, logs)),
    )
    return calls


OPTIONS = [
    {"patience": 3},
    {"patience": 3, "restore_best_weights": True},
    {"patience": 0, "min_delta": 0.01, "restore_best_weights": True},
    {"patience": 3, "monitor": "loss", "min_delta": 0.03},
    {"patience": 3, "monitor": "acc", "min_delta": 0.02},
    {"patience": 2, "monitor": "val_acc", "restore_best_weights": True},
    {"patience": 2, "monitor": "acc", "mode": "max", "start_from_epoch": 4},
    {"patience": 4, "monitor": "loss", "baseline": 0.2, "restore_best_weights": True},
    {"patience": 2, "monitor": "val_mse", "mode": "min", "start_from_epoch": 100},
    {"patience": 1, "monitor": "loss", "mode": "max", "restore_best_weights": True},
    {"patience": 4, "monitor": "val_acc", "mode": "min"},  # equals its best: no improvement
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_core_python_and_oracle_agree(options, dtype, monkeypatch):
    native, python = (callbacks.EarlyStopping(**options) for _ in range(2))
    calls = epoch_returns(monkeypatch)
    a, a_history = trained(native, dtype=dtype)
    assert not calls
    b, b_history = trained(python, LOOK, dtype=dtype)
    assert len(calls) == len(b_history.epoch)
    assert a_history.history == b_history.history
    assert state_of(native) == state_of(python)
    assert a.digest() == b.digest()
    assert a_history.stop_reason == b_history.stop_reason
    assert a.stop_training == b.stop_training
    rule = {k: v for k, v in options.items() if k not in ("monitor", "restore_best_weights")}
    monitor = options.get("monitor", "val_loss")
    rule["mode"] = options.get("mode", "max" if "acc" in monitor else "min")
    full = network(dtype).fit(X, LABELS, epochs=60, validation_split=0.25, batch_size=10, verbose=0)
    expected = early_stopping(full.history[monitor], **rule)
    assert len(a_history.epoch) == expected.epochs
    assert state_of(native)[:4] == (
        expected.best,
        expected.best_epoch,
        expected.stopped_epoch,
        expected.wait,
    )


PLANS = {
    "lanes": ((6,), {}),
    "panels": ((48, 32), {"batch_size": 16}),
    "blocks": ((12,), {}),
    "gram": ((), {"batch_size": 60, "shuffle": False}),
}


@pytest.mark.parametrize("plan", PLANS)
def test_best_weights_are_those_of_the_best_epoch_in_every_plan(plan, monkeypatch):
    sizes, arguments = PLANS[plan]
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    x = np.random.default_rng(0).standard_normal((40, 60)) if plan == "gram" else X
    labels = LABELS[: len(x)]
    if plan == "gram":
        arguments = {"batch_size": 30}

    def made():
        stack = [layers.Input((x.shape[1],)), *(layers.Dense(n, "tanh") for n in sizes)]
        model = models.Sequential([*stack, layers.Dense(1, "sigmoid")], seed=2)
        model.compile(
            optimizers.SGD(0.5) if plan == "gram" else optimizers.Adam(0.05), "binary_crossentropy"
        )
        return model

    options = {"validation_split": 0.25, "verbose": 0} | arguments
    stop = callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    model, twin = made(), made()
    history = model.fit(x, labels, epochs=200, callbacks=[stop], **options)
    assert history.stop_reason == "early stopping"
    # The same plan on both sides: some are chosen by the number of epochs.
    halt = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(twin, "stop_training", epoch == stop.best_epoch)
    )
    twin.fit(x, labels, epochs=200, callbacks=[halt], **options)
    for ours, theirs in zip(model.get_weights(), twin.get_weights(), strict=True):
        assert_same_bits(ours, theirs)


def test_restores_the_best_weights_also_after_all_epochs():
    stop = callbacks.EarlyStopping("loss", patience=100, mode="max", restore_best_weights=True)
    model, history = trained(stop, epochs=5, validation_split=0.0)
    assert history.stop_reason == "all epochs"
    assert stop.stopped_epoch == 0
    once, _ = trained(callbacks.Callback(), epochs=stop.best_epoch + 1, validation_split=0.0)
    assert model.digest() == once.digest()


def test_several_rules_at_once_stop_at_the_first(monkeypatch):
    calls = epoch_returns(monkeypatch)
    slow = callbacks.EarlyStopping("loss", patience=50)
    fast = callbacks.EarlyStopping("val_loss", patience=1)
    _, history = trained(slow, fast)
    assert not calls
    assert fast.stopped_epoch == history.epoch[-1]
    assert slow.stopped_epoch == 0
    assert slow.best == min(history.history["loss"])


def test_epochs_count_from_initial_epoch():
    stops = [callbacks.EarlyStopping(patience=2, start_from_epoch=12) for _ in range(2)]
    _, a = trained(stops[0], epochs=60, initial_epoch=10)
    _, b = trained(stops[1], LOOK, epochs=60, initial_epoch=10)
    assert a.epoch == b.epoch
    assert state_of(stops[0]) == state_of(stops[1])
    assert stops[0].stopped_epoch == a.epoch[-1]


def test_an_object_may_be_used_again():
    stop = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    first = [(len(trained(stop)[1].epoch), state_of(stop)) for _ in range(2)]
    assert first[0] == first[1]


def test_a_subclass_runs_in_python(monkeypatch):
    class Own(callbacks.EarlyStopping):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, {"val_loss": -epoch})

    _, history = trained(Own(), epochs=6)
    assert history.stop_reason == "all epochs"


def test_verbose_says_what_happened(capsys):
    stop = callbacks.EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    trained(stop)
    shown = capsys.readouterr().out.splitlines()
    assert shown == [
        f"Epoch {stop.stopped_epoch + 1}: early stopping",
        f"Restoring the weights of the best epoch: {stop.best_epoch + 1}",
    ]


@pytest.mark.parametrize("others", [(), (LOOK,)])
def test_unknown_figures_are_named(others):
    stop = callbacks.EarlyStopping("val_accuracy")
    model = network()
    before = model.digest()
    with pytest.raises(ValueError, match=r"needs the figure 'val_accuracy'.*val_acc.*Available"):
        model.fit(X, LABELS, callbacks=[stop, *others], validation_split=0.2, verbose=0)
    assert model.digest() == before
    with pytest.raises(ValueError, match="give validation_data or validation_split"):
        model.fit(X, LABELS, callbacks=[callbacks.EarlyStopping()], verbose=0)


def test_figures_of_other_callbacks_may_be_watched():
    class Score(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = min(epoch, 3)

    stop = callbacks.EarlyStopping("score", mode="max", patience=2)
    _, history = trained(Score(), stop)
    assert history.epoch[-1] == stop.stopped_epoch == 5
    with pytest.raises(ValueError, match="'auto' cannot know"):
        trained(Score(), callbacks.EarlyStopping("score"))
    with pytest.raises(ValueError, match=r"needs the figure 'scor'.*did you mean 'score'"):
        trained(Score(), callbacks.EarlyStopping("scor", mode="max"))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"patience": -1}, ValueError),
        ({"patience": 1.5}, TypeError),
        ({"mode": "up"}, ValueError),
        ({"monitor": 3}, TypeError),
        ({"min_delta": float("nan")}, ValueError),
        ({"baseline": "low"}, TypeError),
        ({"restore_best_weights": 1}, TypeError),
        ({"start_from_epoch": -1}, ValueError),
    ],
    ids=str,
)
def test_bad_arguments(arguments, error):
    with pytest.raises(error, match=next(iter(arguments))):
        callbacks.EarlyStopping(**arguments)


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's figure of resident memory")
def test_many_small_fits_keep_memory_flat():
    def fits(n):
        for _ in range(n):
            trained(callbacks.EarlyStopping(patience=1, restore_best_weights=True), epochs=5)

    def resident():
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    fits(200)
    before = resident()
    fits(1000)
    assert resident() - before < 1_000_000


def test_thread_counts_give_the_same_stop():
    import shallowcore as sc

    results = []
    for n, dtype in itertools.product((1, 2), ("float32",)):
        with sc.num_threads(n):
            stop = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
            model, _ = trained(stop, dtype=dtype)
            results.append((model.digest(), state_of(stop)))
    assert results[0] == results[1]
