"""fit(max_time=...): stops between batches, with whole steps in the weights."""

import time

import numpy as np
import pytest
from shallowcore import callbacks, layers, models, optimizers

RNG = np.random.default_rng(1)
X = RNG.standard_normal((4000, 64)).astype("float32")
Y = X[:, 0]


def network(optimizer=None, n_hidden=64):
    model = models.Sequential(
        [layers.Input((64,)), layers.Dense(n_hidden, "tanh"), layers.Dense(1)], seed=0
    )
    model.compile(optimizer or optimizers.SGD(1e-4), "mse")
    return model


@pytest.mark.parametrize("batch_size", [16, 4000])
def test_stops_soon_after_the_time_with_whole_epochs_in_the_history(batch_size):
    model = network()
    start = time.perf_counter()
    history = model.fit(X, Y, batch_size=batch_size, epochs=10**6, max_time=0.3, verbose=0)
    assert 0.3 <= time.perf_counter() - start < 2
    assert history.stop_reason == "max_time"
    assert 0.3 <= history.seconds < 2
    assert len(history.epoch) == len(history.history["loss"])
    steps_an_epoch = -(-4000 // batch_size)
    whole = len(history.epoch) * steps_an_epoch
    assert whole <= model.optimizer.iterations < whole + steps_an_epoch + 1


def test_the_weights_are_those_of_the_last_whole_step():
    model, replay = network(n_hidden=8), network(n_hidden=8)
    model.fit(X, Y, batch_size=40, epochs=10**6, max_time=0.1, shuffle=False, verbose=0)
    steps = model.optimizer.iterations
    epochs, rest = divmod(steps, 100)
    halt = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: setattr(
            replay, "stop_training", replay.optimizer.iterations == steps
        )
    )
    replay.fit(X, Y, batch_size=40, epochs=epochs, shuffle=False, verbose=0)
    if rest:
        replay.fit(X, Y, batch_size=40, shuffle=False, callbacks=[halt], verbose=0)
    assert replay.optimizer.iterations == steps
    np.testing.assert_allclose(
        model.get_weights()[0], replay.get_weights()[0], rtol=1e-4, atol=1e-6
    )


def test_time_that_is_enough_changes_nothing():
    plain, timed = network(), network()
    a = plain.fit(X, Y, epochs=2, verbose=0)
    b = timed.fit(X, Y, epochs=2, max_time=1000, verbose=0)
    assert a.history == b.history
    assert b.stop_reason == "all epochs"
    assert plain.digest() == timed.digest()


def test_second_order_methods_and_hooks_stop_too():
    slow = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: time.sleep(0.05))
    model = network(optimizers.NewtonCG(), n_hidden=16)
    history = model.fit(X, Y, epochs=10**4, max_time=0.2, callbacks=[slow], verbose=0)
    assert history.stop_reason == "max_time"
    batches = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    history = network().fit(X, Y, epochs=10**4, max_time=0.2, callbacks=[batches], verbose=0)
    assert history.stop_reason == "max_time"


def test_no_time_at_all_is_one_step_or_a_few():
    model = network()
    history = model.fit(X, Y, max_time=0, verbose=0)
    assert history.stop_reason == "max_time"
    assert 0 < model.optimizer.iterations < 125


@pytest.mark.parametrize(("value", "error"), [(-1, ValueError), ("1", TypeError)])
def test_bad_times(value, error):
    with pytest.raises(error, match="max_time"):
        network().fit(X, Y, max_time=value)


def test_the_bar_shows_trainings_that_end_early(capsys):
    pytest.importorskip("tqdm")
    network().fit(X, Y, epochs=10**6, max_time=0.2, verbose=1)
    assert "loss: " in capsys.readouterr().err
