"""Callbacks other than early stopping: learning rates, checkpoints, tables, hooks for batches."""

import csv

import numpy as np
import pytest
from oracle.callbacks import plateau_rates
from shallowcore import callbacks, layers, models, optimizers

RNG = np.random.default_rng(1)
X = RNG.standard_normal((60, 4))
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int)


def classifier(optimizer="sgd", seed=0):
    model = models.Sequential(
        [layers.Input((4,)), layers.Dense(5, "tanh"), layers.Dense(1, "sigmoid")],
        dtype="float64",
        seed=seed,
    )
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return model


class Feign(callbacks.Callback):
    """Puts a made-up figure into the logs."""

    def __init__(self, figures):
        super().__init__()
        self.figures = figures

    def on_epoch_end(self, epoch, logs=None):
        logs["made_up"] = self.figures[epoch]


# --- learning rates -------------------------------------------------------------------------------

FIGURES = [5.0, 4.0, 4.5, 4.2, 4.1, 4.3, 3.9, 4.1, 4.0, 3.95, 4.0, 4.0]


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2, "factor": 0.5},
        {"patience": 1, "factor": 0.5, "cooldown": 2},
        {"patience": 1, "factor": 0.25, "min_lr": 0.03},
        {"patience": 2, "factor": 0.5, "mode": "max"},
        {"patience": 2, "factor": 0.5, "min_delta": 0.2},
    ],
    ids=str,
)
def test_rates_on_plateaus_are_those_of_the_oracle(options):
    mode = options.get("mode", "min")
    lower = callbacks.ReduceLROnPlateau("made_up", **({"mode": mode} | options))
    model = classifier(optimizers.SGD(0.2))
    history = model.fit(X, LABELS, epochs=12, callbacks=[Feign(FIGURES), lower], verbose=0).history
    after = plateau_rates(FIGURES, 0.2, **options)
    assert history["lr"] == [0.2, *after[:-1]]
    assert model.optimizer.learning_rate == after[-1]


def test_plateaus_of_a_metric_go_up(capsys):
    lower = callbacks.ReduceLROnPlateau("accuracy", patience=1, min_delta=2.0, verbose=1)
    model = classifier()
    model.fit(X, LABELS, epochs=2, callbacks=[lower], verbose=0)
    assert model.optimizer.learning_rate == pytest.approx(0.001)
    assert "Epoch 2: ReduceLROnPlateau lowers the learning rate to 0.001" in capsys.readouterr().out


def test_schedules_by_epoch(capsys):
    for schedule in (lambda epoch: 0.1 / (epoch + 1), lambda epoch, rate: 0.1 / (epoch + 1)):
        model = classifier()
        hook = callbacks.LearningRateScheduler(schedule, verbose=1)
        history = model.fit(X, LABELS, epochs=3, callbacks=hook, verbose=0)
        assert history.history["lr"] == [0.1 / (i + 1) for i in range(3)]
        assert "Epoch 3: LearningRateScheduler sets" in capsys.readouterr().out
    hook = callbacks.LearningRateScheduler(lambda epoch: "fast")
    with pytest.raises(TypeError, match="the schedule's rate for epoch 0"):
        classifier().fit(X, LABELS, callbacks=hook, verbose=0)


@pytest.mark.parametrize(
    "hook", [callbacks.LearningRateScheduler(lambda e: 0.1), callbacks.ReduceLROnPlateau("loss")]
)
def test_optimizers_without_a_rate_are_refused(hook):
    model = classifier(optimizers.NewtonCG())
    before = model.digest()
    with pytest.raises(ValueError, match=r"needs an optimizer whose learning_rate is a number"):
        model.fit(X, LABELS, callbacks=[hook], verbose=0)
    assert model.digest() == before


# --- files ----------------------------------------------------------------------------------------


@pytest.fixture
def saved(monkeypatch):
    """Notes what is saved instead of saving it."""
    calls = []

    def save(self, path):
        calls.append(("model", str(path)))
        path.write_text(self.digest())

    def save_weights(self, path):
        calls.append(("weights", str(path)))

    monkeypatch.setattr(models.Sequential, "save", save, raising=False)
    monkeypatch.setattr(models.Sequential, "save_weights", save_weights, raising=False)
    return calls


def test_checkpoints_have_epochs_and_figures_in_their_names(saved, tmp_path):
    pattern = tmp_path / "new" / "m-{epoch:02d}-{val_loss:.3f}-{accuracy:.2f}"
    history = (
        classifier()
        .fit(
            X,
            LABELS,
            epochs=3,
            validation_split=0.2,
            callbacks=[callbacks.ModelCheckpoint(pattern)],
            verbose=0,
        )
        .history
    )
    figures = zip(history["val_loss"], history["accuracy"], strict=True)
    names = [f"m-{i + 1:02d}-{v:.3f}-{a:.2f}" for i, (v, a) in enumerate(figures)]
    assert saved == [("model", str(tmp_path / "new" / name)) for name in names]


def test_the_best_only_and_a_threshold(saved, tmp_path, capsys):
    hook = callbacks.ModelCheckpoint(
        str(tmp_path / "{epoch}"),
        "made_up",
        save_best_only=True,
        save_weights_only=True,
        mode="min",
        initial_value_threshold=4.4,
        verbose=1,
    )
    classifier().fit(X, LABELS, epochs=12, callbacks=[Feign(FIGURES), hook], verbose=0)
    assert [(kind, path[-1]) for kind, path in saved] == [("weights", "2"), ("weights", "7")]
    assert hook.best == 3.9
    shown = capsys.readouterr().out
    assert "Epoch 1: made_up is no better than 4.4" in shown
    assert f"Epoch 7: saved {tmp_path / '7'}" in shown


def test_checkpoints_after_batches(saved, tmp_path):
    hook = callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}-{loss:.1f}", save_freq=4)
    classifier().fit(X, LABELS, epochs=2, batch_size=10, callbacks=[hook], verbose=0)
    assert [path.split("/")[-1][:3] for _, path in saved] == ["1-4", "2-2", "2-6"]


def test_checkpoints_hold_the_weights_of_their_epoch(saved, tmp_path):
    model = classifier()
    model.fit(
        X, LABELS, epochs=3, callbacks=[callbacks.ModelCheckpoint(tmp_path / "{epoch}")], verbose=0
    )
    once = classifier()
    once.fit(X, LABELS, epochs=2, verbose=0)
    assert (tmp_path / "2").read_text() == once.digest()


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"filepath": 3}, TypeError, "filepath"),
        ({"filepath": "a{"}, ValueError, "bad field"),
        ({"filepath": "a{}"}, ValueError, "named fields"),
        ({"filepath": "a{batch}"}, ValueError, "batch"),
        ({"filepath": "a", "save_freq": 0}, ValueError, "save_freq"),
        ({"filepath": "a", "save_freq": "day"}, TypeError, "save_freq"),
        ({"filepath": "a", "mode": "best"}, ValueError, "mode"),
    ],
    ids=str,
)
def test_bad_checkpoints(arguments, error, match):
    with pytest.raises(error, match=match):
        callbacks.ModelCheckpoint(**arguments)


def test_checkpoints_of_unknown_figures_are_refused_first(tmp_path):
    model = classifier()
    for hook in (
        callbacks.ModelCheckpoint(tmp_path / "{val_loss}"),
        callbacks.ModelCheckpoint(tmp_path / "best", save_best_only=True),
    ):
        with pytest.raises(ValueError, match=r"ModelCheckpoint needs the figure 'val_loss'"):
            model.fit(X, LABELS, callbacks=[hook], verbose=0)
    assert not list(tmp_path.iterdir())


def test_tables_have_a_line_an_epoch_and_go_on(tmp_path):
    path = tmp_path / "log.csv"
    model = classifier()
    logger = callbacks.CSVLogger(path, separator=";")
    first = model.fit(X, LABELS, epochs=2, callbacks=[logger], verbose=0)
    again = callbacks.CSVLogger(str(path), separator=";", append=True)
    second = model.fit(X, LABELS, epochs=3, initial_epoch=2, callbacks=[again], verbose=0)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert list(rows[0]) == ["epoch", "accuracy", "loss", "lr"]
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    losses = first.history["loss"] + second.history["loss"]
    assert [float(row["loss"]) for row in rows] == losses
    with pytest.raises(OSError, match="missing"):
        classifier().fit(
            X, LABELS, callbacks=[callbacks.CSVLogger(tmp_path / "missing" / "x.csv")], verbose=0
        )


# --- NaN ------------------------------------------------------------------------------------------


def test_nan_may_raise_or_be_printed(capsys):
    for raises in (False, True):
        model = models.Sequential([layers.Input((4,)), layers.Dense(1)], dtype="float64", seed=0)
        model.compile(optimizers.SGD(1e3), "mse")
        hook = callbacks.TerminateOnNaN(raise_error=raises)
        if raises:
            with pytest.raises(RuntimeError, match="NaN or infinite at batch"):
                model.fit(100 * X, X[:, 0], epochs=500, callbacks=[hook], verbose=0)
            assert model.history.stop_reason == "RuntimeError"
        else:
            with pytest.warns(RuntimeWarning, match="diverged"):
                model.fit(100 * X, X[:, 0], epochs=500, callbacks=[hook], verbose=0)
            assert "invalid loss, training ends" in capsys.readouterr().out
            assert model.history.stop_reason == "diverged"
        assert all(np.isfinite(w).all() for w in model.get_weights())


# --- batches --------------------------------------------------------------------------------------


class Batches(callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls, self.logs, self.digests = [], [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch}")

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"begin {batch}")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"end {batch}")
        self.logs.append(logs)
        self.digests.append(self.model.digest())


@pytest.mark.parametrize("plan", ["blocks", "lanes", "panels"])
def test_hooks_of_batches_see_every_step_and_change_nothing(plan, monkeypatch):
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    plain, watched, hook = classifier("adam"), classifier("adam"), Batches()
    a = plain.fit(X, LABELS, epochs=2, batch_size=25, validation_split=0.1, verbose=0)
    b = watched.fit(
        X, LABELS, epochs=2, batch_size=25, validation_split=0.1, callbacks=[hook], verbose=0
    )
    steps = [f"{when} {i}" for i in range(3) for when in ("begin", "end")]
    assert hook.calls == ["epoch 0", *steps, "epoch 1", *steps]
    assert a.history == b.history
    assert plain.digest() == watched.digest() == hook.digests[-1]
    assert len(set(hook.digests)) == 6
    # The figures are the epoch's means so far, as in Keras.
    assert hook.logs[2]["loss"] == b.history["loss"][0]
    assert set(hook.logs[0]) == {"loss", "accuracy"}


def test_hooks_of_batches_may_change_weights_and_rates():
    model, by_hand = classifier(), classifier()
    start = model.get_weights()

    def change(batch, logs):
        model.optimizer.learning_rate = 0.1 * (batch + 1)
        if batch == 1:
            model.set_weights(start)

    hook = callbacks.LambdaCallback(on_train_batch_begin=change)
    model.fit(X, LABELS, batch_size=20, shuffle=False, callbacks=[hook], verbose=0)
    for batch in (1, 2):
        by_hand.optimizer.learning_rate = 0.1 * (batch + 1)
        rows = slice(20 * batch, 20 * batch + 20)
        by_hand.train_on_batch(X[rows], LABELS[rows])
    np.testing.assert_allclose(model.get_weights()[0], by_hand.get_weights()[0], rtol=1e-12)


def test_older_names_of_the_hooks():
    seen = []

    class Older(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append(batch)

    classifier().fit(X, LABELS, batch_size=30, callbacks=[Older()], verbose=0)
    assert seen == [0, 1]


def test_stop_in_a_batch_ends_the_epoch_there():
    model, by_hand = classifier(), classifier()

    def stop(batch, logs):
        model.stop_training = batch == 1

    hook = callbacks.LambdaCallback(on_train_batch_end=stop)
    history = model.fit(
        X, LABELS, epochs=5, batch_size=20, shuffle=False, callbacks=[hook], verbose=0
    )
    assert history.epoch == [0]
    assert history.stop_reason == "stop_training"
    once = by_hand.fit(X[:40], LABELS[:40], batch_size=20, shuffle=False, verbose=0)
    assert model.digest() == by_hand.digest()
    assert history.history["loss"] == once.history["loss"]


def test_second_order_methods_have_one_batch_an_epoch():
    model, plain, hook = (classifier(optimizers.NewtonCG()) for _ in range(2)), None, Batches()
    model, plain = model
    a = model.fit(X, LABELS, epochs=3, callbacks=[hook], verbose=0)
    b = plain.fit(X, LABELS, epochs=3, verbose=0)
    assert a.history == b.history
    assert hook.calls == [
        f"{what}" for i in range(3) for what in (f"epoch {i}", "begin 0", "end 0")
    ]


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_end", "on_train_batch_end"])
@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.add(layers.Dense(1)),
        lambda model: model.pop(),
        lambda model: model.compile("adam", "mse"),
    ],
    ids=["add", "pop", "compile"],
)
def test_a_callback_does_not_make_its_model_another_one(change, hook):
    model = classifier()
    before, optimizer = model.layers, model.optimizer
    meddler = callbacks.LambdaCallback(**{hook: lambda *_: change(model)})
    with pytest.raises(RuntimeError, match=r"the model is being trained: .* before or after that"):
        model.fit(X, LABELS, callbacks=[meddler], verbose=0)
    assert model.layers == before
    assert model.optimizer is optimizer
    change(model)
