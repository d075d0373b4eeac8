"""history.report() and stop_reason: why a training ended, and what to change."""

import copy
import gc
import pickle

import numpy as np
import pytest
from shallowcore import callbacks, layers, models, optimizers

RNG = np.random.default_rng(1)
X = RNG.standard_normal((60, 4))
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int)


def classifier(optimizer="adam", activation="tanh", n_hidden=5, dtype="float64"):
    model = models.Sequential(
        [layers.Input((4,)), layers.Dense(n_hidden, activation), layers.Dense(1, "sigmoid")],
        dtype=dtype,
        seed=0,
    )
    model.compile(optimizer, "binary_crossentropy")
    return model


def norm_of(model, *arrays):
    _, gradients = model.gradients(*arrays)
    return float(np.sqrt(sum((g.astype(float) ** 2).sum() for g in gradients)))


def test_figures_of_a_plain_training():
    model = classifier()
    history = model.fit(X, LABELS, epochs=5, validation_split=0.25, verbose=0)
    lines = history.report().splitlines()
    assert lines[0] == f"stopped: all epochs done (5 of 5), {history.seconds:.2f} s"
    loss, val_loss = history.history["loss"], history.history["val_loss"]
    assert lines[1].startswith(f"loss: {loss[-1]:.4g}, from {loss[0]:.4g}")
    assert lines[2].startswith(f"val_loss: {val_loss[-1]:.4g}")
    assert f"gradient norm: {norm_of(model, X[:45], LABELS[:45]):.3g}" in lines
    assert history.stop_reason == "all epochs"


def test_the_norm_has_the_weights_of_samples_and_classes():
    model, weight = classifier(), np.linspace(0.5, 2, 60)
    history = model.fit(X, LABELS, sample_weight=weight, class_weight={1: 3.0}, epochs=2, verbose=0)
    both = weight * np.where(LABELS == 1, 3.0, 1.0)
    assert f"gradient norm: {norm_of(model, X, LABELS, both):.3g}" in history.report()


def test_data_are_not_kept_alive():
    x, y = X.copy(), LABELS.copy()
    model = classifier()
    history = model.fit(x, y, verbose=0)
    assert "gradient norm" in history.report()
    del x
    gc.collect()
    assert "gradient norm" not in history.report()
    del model
    gc.collect()
    assert history.report().startswith("stopped: all epochs done (1 of 1)")


def test_the_solver_knows_its_norm():
    model = models.Sequential([layers.Input((4,)), layers.Dense(1)], dtype="float64", seed=0)
    model.compile(optimizers.NewtonCG(), "mse")
    history = model.fit(X, X @ np.ones(4), epochs=50, verbose=0)
    assert history.stop_reason == "converged"
    report = history.report()
    assert "stopped: converged: the gradient is as small as asked for" in report
    assert "gradient norm: " in report


def test_dead_units_are_counted():
    model = classifier(activation="relu", n_hidden=6)
    weights = model.get_weights()
    weights[1][:4] = -100.0
    model.set_weights(weights)
    report = model.fit(X, LABELS, verbose=0).report()
    assert "dead units: 4 of 6 in 'dense' never fire (relu)" in report
    assert "to change: a lower learning rate or another initializer" in report


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_saturated_units_are_counted(activation):
    model = classifier(activation=activation, n_hidden=6)
    weights = model.get_weights()
    weights[1][:2], weights[1][2] = -100.0, 100.0
    model.set_weights(weights)
    report = model.fit(X, LABELS, verbose=0).report()
    assert f"saturated units: 3 of 6 in 'dense' stay at one end ({activation})" in report


def test_healthy_units_are_not_mentioned():
    report = classifier(activation="relu", n_hidden=30).fit(X, LABELS, verbose=0).report()
    assert "units" not in report


def test_divergence_names_the_rate():
    model = models.Sequential([layers.Input((4,)), layers.Dense(1)], dtype="float64", seed=0)
    model.compile(optimizers.SGD(1e3), "mse")
    with pytest.warns(RuntimeWarning, match="diverged"):
        history = model.fit(100 * X, X[:, 0], epochs=500, verbose=0)
    assert history.stop_reason == "diverged"
    assert "a lower learning rate (now 1000), or scaled inputs" in history.report()


def test_overfitting_and_falling_losses_are_seen():
    rng = np.random.default_rng(0)
    model = classifier(optimizers.Adam(0.1), n_hidden=40)
    noise = rng.integers(0, 2, 60)
    history = model.fit(X, noise, epochs=60, validation_split=0.3, verbose=0)
    best = int(np.argmin(history.history["val_loss"]))
    assert f"val_loss rose since epoch {best + 1}: EarlyStopping(" in history.report()
    falling = classifier(optimizers.SGD(0.05)).fit(X, LABELS, epochs=20, verbose=0)
    assert "to change: more epochs: the loss still falls" in falling.report()


def test_a_loss_that_goes_up_and_down_wants_a_lower_rate():
    model = models.Sequential([layers.Input((4,)), layers.Dense(1)], dtype="float64", seed=0)
    model.compile(optimizers.Adam(3.0), "mse")
    noise = np.random.default_rng(2).standard_normal(60)
    report = model.fit(X, noise, epochs=3000, batch_size=5, verbose=0).report()
    assert "a lower learning rate (now 3) or larger batches" in report


def test_reasons_of_all_kinds():
    model = classifier()
    halt = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True)
    )
    assert model.fit(X, LABELS, epochs=9, callbacks=halt, verbose=0).stop_reason == "stop_training"
    stop = callbacks.EarlyStopping("loss", min_delta=9)
    history = model.fit(X, LABELS, epochs=9, callbacks=stop, verbose=0)
    assert history.stop_reason == "early stopping"
    assert "stopped: early stopping" in history.report()

    def interrupt(epoch, logs):
        raise KeyboardInterrupt

    hook = callbacks.LambdaCallback(on_epoch_end=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, LABELS, callbacks=hook, verbose=0)
    assert model.history.stop_reason == "KeyboardInterrupt"
    assert "stopped: KeyboardInterrupt (1 of 1)" in model.history.report()


def test_there_is_no_report_before_a_training():
    with pytest.raises(RuntimeError, match="call fit first"):
        callbacks.History().report()


def test_no_epochs_and_streams_have_reports_too():
    assert classifier().fit(X, LABELS, epochs=0, verbose=0).report().startswith("stopped: all")
    report = classifier().fit([(X, LABELS)], verbose=0).report()
    assert "loss: " in report
    assert "gradient norm" not in report


def test_histories_can_be_copied_and_pickled_without_their_model():
    history = classifier().fit(X, LABELS, epochs=2, verbose=0)
    for twin in (copy.deepcopy(history), pickle.loads(pickle.dumps(history))):
        assert twin.history == history.history
        assert twin.stop_reason == "all epochs"
        with pytest.raises(RuntimeError, match="has no model"):
            _ = twin.model
