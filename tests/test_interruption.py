"""What fit shows while it trains, and how it is stopped: progress, Ctrl-C, threads."""

import importlib
import re
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from shallowcore import callbacks, layers, models, optimizers
from shallowcore.callbacks._base import HOOKS

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


def slow_model(n_hidden=256):
    """A training that would take minutes, and its data."""
    x = np.random.default_rng(0).standard_normal((4000, 64)).astype("float32")
    model = models.Sequential(
        [layers.Input((64,)), layers.Dense(n_hidden, "tanh"), layers.Dense(1)], seed=0
    )
    model.compile(optimizers.SGD(1e-4), "mse")
    return model, x, x[:, 0]


# --- progress -------------------------------------------------------------------------------------


def test_verbose_2_prints_a_line_an_epoch(capsys):
    classifier().fit(X, LABELS, epochs=3, initial_epoch=1, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    pattern = r"Epoch (\d)/3 - [\d.]+s - loss: [\d.]+ - accuracy: [\d.]+ - lr: 0.01"
    assert [re.fullmatch(pattern, line)[1] for line in lines] == ["2", "3"]


def test_auto_prints_lines_where_there_is_no_terminal(capsys):
    classifier().fit(X, LABELS, epochs=2)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_verbose_0_is_silent(capsys):
    classifier().fit(X, LABELS, epochs=2, verbose=0)
    assert capsys.readouterr() == ("", "")


def test_verbose_1_shows_a_bar_with_figures(capsys):
    pytest.importorskip("tqdm")
    classifier().fit(X, LABELS, epochs=2, batch_size=10, verbose=1)
    shown = capsys.readouterr().err
    assert "Epoch 2/2" in shown
    assert "12/12" in shown
    assert "loss: " in shown
    assert "accuracy: " in shown


def test_verbose_1_without_tqdm_names_the_extra(monkeypatch):
    def without_tqdm(name, *arguments):
        if name == "tqdm":
            raise ImportError(name)
        return original(name, *arguments)

    original = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", without_tqdm)
    with pytest.raises(ImportError, match=r"shallowcore\[progress\]"):
        classifier().fit(X, LABELS, verbose=1)


def test_auto_is_a_bar_on_a_terminal_that_has_tqdm(monkeypatch):
    progress = importlib.import_module("shallowcore._progress")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: object())
    assert progress.resolve_verbose("auto") == 1
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: None)
    assert progress.resolve_verbose("auto") == 2


# --- stopping from outside ------------------------------------------------------------------------


def assert_usable_after(model, x, y):
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert np.isfinite(model.fit(x[:64], y[:64], epochs=1, verbose=0).history["loss"][0])


@pytest.mark.parametrize("batch_size", [16, 4000])
def test_ctrl_c_answers_soon_and_leaves_a_usable_model(batch_size):
    model, x, y = slow_model()
    main_thread = threading.main_thread().ident
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        signal.pthread_kill(main_thread, signal.SIGINT)

    timer = threading.Timer(0.5, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=batch_size, epochs=10**6, verbose=0)
    assert time.perf_counter() - sent[0] < 0.2
    timer.join()
    assert_usable_after(model, x, y)


def interrupt_after(seconds, call):
    """Send SIGINT to this thread while it calls; when it was sent."""
    main_thread = threading.main_thread().ident
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        signal.pthread_kill(main_thread, signal.SIGINT)

    timer = threading.Timer(seconds, interrupt)
    timer.start()
    call()
    timer.join()
    return sent[0]


@pytest.mark.skipif(sys.platform == "win32", reason="signals there go to no thread")
def test_ctrl_c_ends_an_epoch_of_an_estimator():
    """As scikit-learn's: a warning, and the estimator keeps the weights of the last whole step."""
    neural_network = pytest.importorskip("shallowcore.sklearn")
    x = np.random.default_rng(0).standard_normal((100_000, 20)).astype("float32")
    estimator = neural_network.MLPRegressor(
        hidden_layer_sizes=(100,), max_iter=10, random_state=0, batch_size=10
    )

    def fit():
        with pytest.warns(UserWarning, match="interrupted by user"):
            estimator.fit(x, x[:, 0])

    sent = interrupt_after(0.4, fit)
    assert time.perf_counter() - sent < 0.5
    steps = estimator._optimizer.iterations
    assert 0 < steps < 100_000
    assert estimator.n_iter_ == len(estimator.loss_curve_) == steps // 10_000
    assert np.isfinite(estimator.predict(x[:9])).all()


@pytest.mark.parametrize("hook", [name for name in HOOKS if name != "on_train_end"])
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_an_exception_in_a_callback_leaves_a_whole_number_of_steps(optimizer, hook):
    """Every hook, in its third call; then the model goes on as one that was never disturbed."""
    calls = 0

    def fail(*_):
        nonlocal calls
        calls += 1
        if calls == (1 if hook == "on_train_begin" else 3):
            raise ZeroDivisionError

    failing = callbacks.Callback()
    setattr(failing, hook, fail)
    model, replay = classifier(optimizer), classifier(optimizer)
    with pytest.raises(ZeroDivisionError):
        model.fit(X, LABELS, batch_size=60, epochs=9, callbacks=[failing], verbose=0)
    steps = model.optimizer.iterations
    assert steps in (0, 2, 3)
    replay.fit(X, LABELS, batch_size=60, epochs=9, initial_epoch=9 - steps, verbose=0)
    assert replay.digest() == model.digest()
    for one in (model, replay):
        one.fit(X, LABELS, batch_size=60, epochs=9, initial_epoch=6, verbose=0)
    assert replay.digest() == model.digest()


def test_an_interrupted_run_is_a_whole_number_of_steps():
    """Full batches of plain gradient descent: replaying the steps gives the same bits."""
    model, x, y = slow_model(16)

    def expire(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(TimeoutError):
            model.fit(x, y, batch_size=4000, epochs=10**6, shuffle=False, verbose=0)
    finally:
        signal.signal(signal.SIGALRM, before)
    steps = model.optimizer.iterations
    assert steps > 0
    replay, _, _ = slow_model(16)
    replay.fit(x, y, batch_size=4000, epochs=steps, shuffle=False, verbose=0)
    assert replay.digest() == model.digest()


def test_two_threads_may_not_train_one_model():
    model, x, y = slow_model()
    started, refused = threading.Event(), []

    def try_to_train(epoch, logs):
        if not started.is_set():
            started.set()
            with ThreadPoolExecutor(1) as pool:
                calls = (model.fit, x, y), (model.train_on_batch, x, y), (model.pop,)
                refused.extend(pool.submit(*call).exception() for call in calls)
        model.stop_training = True

    hook = callbacks.LambdaCallback(on_epoch_end=try_to_train)
    model.fit(x, y, epochs=3, callbacks=[hook], verbose=0)
    assert [type(error) for error in refused] == [RuntimeError] * 3
    assert all("by another thread" in str(error) for error in refused)
    model.train_on_batch(x, y)


def test_two_models_train_in_two_threads():
    alone = classifier("adam", seed=4)
    alone.fit(X, LABELS, epochs=200, verbose=0)
    pair = [classifier("adam", seed=4) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda model: model.fit(X, LABELS, epochs=200, verbose=0), pair))
    assert {model.digest() for model in pair} == {alone.digest()}
