"""Cases that once went wrong, or nearly: each test names the harm it keeps away."""

import numpy as np
import pytest
from shallowcore import _core, callbacks, layers, models, optimizers


def test_bytes_of_a_bool_array_other_than_0_and_1_are_true():
    odd = np.array([[0, 1], [2, 255]], dtype=np.uint8).view(bool)
    model = models.Sequential(
        [layers.Input((2,)), layers.Dense(1, kernel_initializer="ones", use_bias=False)]
    )
    np.testing.assert_array_equal(model.predict(odd)[:, 0], [1, 2])


def test_labels_changed_by_a_callback_do_not_reach_the_training():
    x = np.random.default_rng(0).random((64, 4), dtype=np.float32)
    y = np.arange(64, dtype=np.int32) % 3

    class Vandal(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            y[:] = 100_000_000

    losses = []
    for hooks in ([], [Vandal()]):
        model = models.Sequential([layers.Input((4,)), layers.Dense(3, "softmax")], seed=0)
        model.compile("sgd", "sparse_categorical_crossentropy")
        losses.append(model.fit(x, y, epochs=3, verbose=0, callbacks=hooks).history["loss"])
    assert losses[0] == losses[1]


def test_centered_rmsprop_survives_a_variance_that_rounds_below_zero():
    x, y = np.full((32, 1), 1000.0, np.float32), np.full((32, 1), 1e4, np.float32)
    model = models.Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False)], seed=0)
    model.compile(optimizers.RMSprop(1e-6, centered=True), "mse")
    history = model.fit(x, y, epochs=300, verbose=0).history["loss"]
    assert len(history) == 300
    assert np.isfinite(history).all()


def test_newton_starts_again_from_weights_that_a_callback_set():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 3))
    y = x @ np.array([[1.0], [2.0], [3.0]]) + 0.1 * rng.standard_normal((50, 1))

    class Move(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.model.set_weights([3 * np.eye(3), np.full((3, 1), 50.0), np.full(1, 9.0)])

    stack = [layers.Input((3,)), layers.Dense(3, use_bias=False), layers.Dense(1)]
    model = models.Sequential(stack, dtype="float64", seed=1)
    model.compile(optimizers.NewtonCG(tolerance=1e-10), "mse")
    history = model.fit(x, y, epochs=60, verbose=0, callbacks=[Move()]).history["loss"]
    best = np.linalg.lstsq(np.column_stack([x, np.ones(50)]), y, rcond=None)[1][0] / 50
    assert history[-1] == pytest.approx(model.evaluate(x, y), rel=1e-12)
    assert history[-1] <= best * (1 + 1e-9)


def test_an_optimizer_of_another_network_is_refused():
    small = _core.Network(2, [_core.Layer.dense(1)], "float32")
    large = _core.Network(200, [_core.Layer.dense(50)], "float32")
    x, y = np.ones((4, 200), np.float32), np.ones((4, 50), np.float32)
    with pytest.raises(ValueError, match="optimizer"):
        _core.Trainer(
            large,
            _core.Optimizer(small, "adam", {}),
            _core.Loss("mean_squared_error"),
            [],
            _core.Dataset(x, y),
        )


def test_threads_may_be_raised_between_plan_and_run():
    rng = np.random.default_rng(0)
    network = _core.Network(300, [_core.Layer.dense(300)], "float32")
    data = _core.Dataset(
        rng.random((600, 300), dtype=np.float32), rng.random((600, 300), dtype=np.float32)
    )
    before = _core.num_threads()
    try:
        _core.set_num_threads(1)
        trainer = _core.Trainer(
            network,
            _core.Optimizer(network, "sgd", {}),
            _core.Loss("mean_squared_error"),
            [],
            data,
            batch_size=600,
        )
        _core.set_num_threads(8)
        assert trainer.run(3, 60.0)
    finally:
        _core.set_num_threads(before)
    assert np.isfinite(trainer.history()["loss"]).all()
