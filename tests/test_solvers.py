"""What the full-batch methods have in common: how they stop, go on, are interrupted, and report."""

import signal
import warnings
from typing import Any

import numpy as np
import pytest
from shallowcore import _core, callbacks, layers, models, optimizers, regularizers

NAMES = ["lbfgs", "newton_cg", "levenberg_marquardt", "gradient_descent"]
SECOND_ORDER = NAMES[:3]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:3] + 0.1 * RNG.normal(size=(120, 1))


def model_of(
    optimizer: Any, seed: int = 0, n_hidden: int = 6, dtype: str = "float64", l2: float = 0.0
) -> Any:
    penalty = regularizers.L2(l2)
    hidden = layers.Dense(n_hidden, "tanh", kernel_regularizer=penalty)
    output = layers.Dense(1, kernel_regularizer=penalty)
    model = models.Sequential([layers.Input((4,)), hidden, output], dtype=dtype, seed=seed)
    model.compile(optimizer, "mse", ["mae"])
    return model


def trainer_of(name: str, epochs: int, **settings: float) -> Any:
    """The core's trainer of one neuron, from zeros, on targets that it can learn."""
    tanh = _core.Activation("tanh")
    network = _core.Network(4, [_core.Layer.dense(1, activation=tanh)], "float64")
    settings = {**_core_settings(name), **settings}
    optimizer = _core.Optimizer(network, name, settings)
    data = _core.Dataset(X, np.tanh(X[:, :1] - X[:, 1:2]))
    loss = _core.Loss("mean_squared_error")
    return _core.Trainer(network, optimizer, loss, [], data, epochs=epochs)


def _core_settings(name: str) -> dict[str, float]:
    return next(info.parameters for info in _core.optimizer_table() if info.name == name)


def run(trainer: Any, epochs: int) -> None:
    while not trainer.run(epochs, 1.0):
        pass


@pytest.mark.parametrize("name", NAMES)
def test_why_it_stopped_and_the_gradient_there(name: str) -> None:
    """Converged, or all epochs done; the norm is that of the gradient."""
    most = 50 if name in SECOND_ORDER else 500
    trainer = trainer_of(name, most)
    assert trainer.stop_reason == ""
    run(trainer, most)
    assert trainer.stop_reason == "converged"
    assert trainer.epoch < most
    assert 0 <= trainer.gradient_norm <= 1e-7
    short = trainer_of(name, 1)
    run(short, 1)
    assert (short.stop_reason, short.epoch) == ("maximum epochs", 1)
    assert short.gradient_norm > trainer.gradient_norm


@pytest.mark.parametrize(
    ("name", "tolerance", "reason"),
    [
        ("lbfgs", "tolerance", "line search"),
        ("newton_cg", "tolerance", "line search"),
        ("levenberg_marquardt", "min_grad", "no step lowered"),
    ],
)
def test_a_tolerance_beyond_rounding_ends_with_a_warning(
    name: str, tolerance: str, reason: str
) -> None:
    """No better point: the weights are the best there are, and what happened is said."""
    model = model_of(optimizers.Optimizer(name, **{tolerance: 0.0}), l2=0.01)
    with pytest.warns(RuntimeWarning, match=f"{name} stopped after .*{reason}.*gradient is"):
        history = model.fit(X, Y, epochs=5000, verbose=0).history["loss"]
    assert len(history) < 5000
    gradients = model.gradients(X, Y)[1]
    assert np.linalg.norm(np.concatenate([g.ravel() for g in gradients])) < 1e-6
    assert model.evaluate(X, Y)[0] == pytest.approx(history[-1], rel=1e-13)


def test_mu_at_its_limit() -> None:
    """No room for mu: the first step that does not lower the loss is the last."""
    trainer = trainer_of("levenberg_marquardt", 100, min_grad=0.0, mu_max=1e-2)
    run(trainer, 100)
    assert trainer.stop_reason == "mu at its limit"


def test_evaluations_are_counted() -> None:
    """The first comes before the first iteration; one of L-BFGS takes at least one more."""
    assert optimizers.LBFGS().max_evaluations is None
    for most, least in ((1, 1), (12, 5)):
        model = model_of(optimizers.LBFGS(tolerance=0.0, max_evaluations=most))
        with pytest.warns(RuntimeWarning, match="max_evaluations was reached"):
            history = model.fit(X, Y, epochs=100, verbose=0)
        assert history.stop_reason == "maximum evaluations"
        assert least <= model.optimizer.iterations <= most


@pytest.mark.parametrize("name", NAMES)
def test_history_has_loss_and_metrics_but_no_learning_rate(name: str, capsys: Any) -> None:
    """Figures after each iteration, in the history and on the lines."""
    model = model_of(name)
    history = model.fit(X, Y, epochs=4, validation_data=(X, Y), verbose=2).history
    assert list(history) == ["loss", "mae", "val_loss", "val_mae"]
    np.testing.assert_allclose(history["loss"], history["val_loss"], rtol=1e-12)
    np.testing.assert_allclose(history["mae"], history["val_mae"], rtol=1e-12)
    assert history["loss"][-1] == pytest.approx(model.evaluate(X, Y)[0], rel=1e-13)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "loss:" in lines[-1]
    assert "lr" not in lines[-1]


@pytest.mark.parametrize("name", NAMES)
def test_the_bar_moves_an_epoch_an_iteration(name: str, capsys: Any) -> None:
    pytest.importorskip("tqdm")
    model_of(name).fit(X, Y, epochs=3, verbose=1)
    shown = capsys.readouterr().err
    assert "Epoch 3/3" in shown
    assert "loss: " in shown
    assert "3/3" in shown


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fit_goes_on_where_it_stopped(name: str, dtype: str) -> None:
    """Ten iterations, and four, one and five of them: the same bits, memory and mu included."""
    whole, parts = model_of(name, dtype=dtype), model_of(name, dtype=dtype)
    x, y = X.astype(dtype), Y.astype(dtype)
    whole.fit(x, y, epochs=10, verbose=0)
    for epochs in (4, 1, 5):
        parts.fit(x, y, epochs=epochs, verbose=0)
    assert parts.digest() == whole.digest()
    assert parts.optimizer.iterations == whole.optimizer.iterations == 10


@pytest.mark.parametrize("name", NAMES)
def test_callbacks_do_not_change_a_bit(name: str) -> None:
    """Epoch by epoch in Python, as in one native call."""
    seen: list[float] = []
    hook = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["loss"]))
    plain, watched = model_of(name), model_of(name)
    history = plain.fit(X, Y, epochs=8, verbose=0).history["loss"]
    watched.fit(X, Y, epochs=8, verbose=0, callbacks=[hook])
    assert watched.digest() == plain.digest()
    assert seen == history


@pytest.mark.parametrize("name", NAMES)
def test_changes_from_outside_start_it_anew(name: str) -> None:
    """Other weights, between calls and within one; other data: as a model that never trained."""
    fresh, used = model_of(name), model_of(name, seed=7)
    weights = fresh.get_weights()
    used.fit(X, Y, epochs=6, verbose=0)
    used.set_weights(weights)

    def reset(epoch: int, logs: Any) -> None:
        if epoch == 2:
            hooked.set_weights(weights)

    hooked = model_of(name, seed=9)
    hook = callbacks.LambdaCallback(on_epoch_end=reset)
    hooked.fit(X, Y, epochs=8, verbose=0, callbacks=[hook])
    for model in (fresh, used):
        model.fit(X, Y, epochs=5, verbose=0)
    assert used.digest() == fresh.digest() == hooked.digest()
    used.fit(X[:80], Y[:80], epochs=5, verbose=0)
    other = model_of(name)
    other.set_weights(fresh.get_weights())
    other.fit(X[:80], Y[:80], epochs=5, verbose=0)
    assert used.digest() == other.digest()


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupted_run_is_a_whole_number_of_iterations(name: str) -> None:
    """Replaying as many gives the same bits."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20000, 4))
    y = np.sin(3 * x[:, :1]) * x[:, 1:2]

    def expire(*_: Any) -> None:
        raise TimeoutError

    model = model_of(name, n_hidden=20)
    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, 0.4)
    try:
        with pytest.raises(TimeoutError), warnings.catch_warnings():
            model.fit(x, y, epochs=10**6, verbose=0)
    finally:
        signal.signal(signal.SIGALRM, before)
    steps = model.optimizer.iterations
    assert all(np.isfinite(w).all() for w in model.get_weights())
    replay = model_of(name, n_hidden=20)
    replay.fit(x, y, epochs=steps, verbose=0)
    assert replay.digest() == model.digest()


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_that_is_not_finite_is_noticed(name: str) -> None:
    """Weights so large that the loss overflows: a warning, and the weights as they were."""
    model = model_of(name)
    model.set_weights([1e200 * w for w in model.get_weights()])
    digest = model.digest()
    with pytest.warns(RuntimeWarning, match="diverged"):
        model.fit(X, Y, epochs=3, verbose=0)
    assert model.digest() == digest


@pytest.mark.parametrize("name", NAMES)
def test_l1_penalties_are_refused(name: str) -> None:
    model = models.Sequential(
        [layers.Input((4,)), layers.Dense(1, kernel_regularizer=regularizers.L1(0.1))], seed=0
    )
    model.compile(name, "mse")
    with pytest.raises(ValueError, match=f"l1: got a penalty with {name}"):
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("name", NAMES)
def test_train_on_batch_is_one_iteration(name: str) -> None:
    """The loss after it, as in the history of fit."""
    steps, fitted = model_of(name), model_of(name)
    figures = [steps.train_on_batch(X, Y)[0] for _ in range(3)]
    assert fitted.fit(X, Y, epochs=3, verbose=0).history["loss"] == figures
    assert fitted.digest() == steps.digest()


@pytest.mark.parametrize("seed", range(3))
def test_they_beat_first_order_methods_on_random_networks(seed: int) -> None:
    """Half the loss of Adam and SGD in a tenth of their passes, LevenbergMarquardt half of that."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 5))
    y = np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3]
    lengths = {"sgd": 600, "adam": 600, "lbfgs": 60, "newton_cg": 60, "levenberg_marquardt": 60}
    losses = {}
    for name, epochs in lengths.items():
        model = models.Sequential(
            [layers.Input((5,)), layers.Dense(12, "tanh"), layers.Dense(1)],
            dtype="float64",
            seed=seed,
        )
        model.compile(name, "mse")
        model.fit(x, y, batch_size=200, epochs=epochs, verbose=0)
        losses[name] = model.evaluate(x, y)
    first_order = min(losses["adam"], losses["sgd"])
    assert max(losses[name] for name in SECOND_ORDER) < 0.5 * first_order
    assert losses["levenberg_marquardt"] < 0.5 * losses["lbfgs"]
