"""The oracle's training loop: order, short last batch, history, least squares."""

from typing import Any

import numpy as np
import pytest
from oracle.lectures import apartments, chain, least_squares, standardised
from oracle.network import Dense, Loss, Network, Rescaling
from oracle.optimizers import SGD, Adam
from oracle.rng import permutation
from oracle.tolerances import assert_all_close, assert_close, trajectory
from oracle.train import train

CATEGORICAL = Loss("sparse_categorical_crossentropy")


def problem(dtype: Any = np.float64, n_samples: int = 23) -> tuple[Network, Any, Any]:
    """A 4-6-3 classifier and some data."""
    draw = np.random.default_rng(7)
    network = chain((4, 6, 3), ("tanh", "softmax"), draw, dtype=dtype)
    return network, draw.normal(size=(n_samples, 4)), draw.integers(0, 3, n_samples)


def test_epochs_replay_the_generator() -> None:
    """Two epochs of `train` equal single steps on slices of the permutations, short batch last."""
    network, x, y = problem()
    train(
        network, SGD(network.parameters(), 0.1), CATEGORICAL, x, y, epochs=2, batch_size=10, seed=3
    )
    other, _, _ = problem()
    for epoch in (0, 1):
        order = permutation(23, 3, epoch)
        for rows in (order[:10], order[10:20], order[20:]):
            _, gradients = other.gradients(x[rows], y[rows], CATEGORICAL)
            for p, g in zip(other.parameters(), gradients, strict=True):
                p -= 0.1 * g
    assert_all_close(network.parameters(), other.parameters(), 1e-14)


def test_training_in_two_calls_is_training_in_one() -> None:
    """epoch_counter carries the shuffle on."""
    results = []
    for epochs in ((5,), (2, 3)):
        network, x, y = problem()
        optimizer, done = Adam(network.parameters(), 0.01), 0
        for n in epochs:
            train(network, optimizer, CATEGORICAL, x, y, epochs=n, batch_size=8, epoch_counter=done)
            done += n
        results.append(network.parameters())
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


def test_history_weights_batches_by_size() -> None:
    """At rate 0 the epoch's figures are those of the whole set, whatever the batches."""
    network, x, y = problem()
    expected = network.evaluate(x, y, CATEGORICAL, ["accuracy"])
    optimizer = SGD(network.parameters(), 0.0)
    history = train(
        network,
        optimizer,
        CATEGORICAL,
        x,
        y,
        epochs=2,
        batch_size=5,
        metrics=["accuracy"],
        validation=(x[:9], y[:9]),
    )
    assert sorted(history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history["loss"] == pytest.approx([expected[0]] * 2, rel=1e-14)
    assert history["accuracy"] == pytest.approx([expected[1]] * 2, rel=1e-14)
    assert history["val_loss"] == pytest.approx([network.loss(x[:9], y[:9], CATEGORICAL)] * 2)


def test_history_is_taken_before_the_update() -> None:
    """Full batch: the first epoch's loss is that of the initial weights; the second's is lower."""
    network, x, y = problem()
    before = network.loss(x, y, CATEGORICAL)
    optimizer = SGD(network.parameters(), 0.1)
    losses = train(network, optimizer, CATEGORICAL, x, y, epochs=2, batch_size=23)["loss"]
    assert losses[0] == pytest.approx(before, rel=1e-14)
    assert losses[1] < before


def test_integer_inputs_are_converted_and_rescaled() -> None:
    """uint8 pixels behind Rescaling equal the floats they stand for."""
    draw = np.random.default_rng(8)
    pixels = draw.integers(0, 256, (6, 4)).astype(np.uint8)
    layer = Dense(draw.normal(size=(4, 2)).astype(np.float32), None)
    scaled = Network([Rescaling(1 / 255), layer], np.float32).predict(pixels)
    plain = Network([layer], np.float32).predict(pixels.astype(np.float32) * np.float32(1 / 255))
    assert scaled.dtype == np.float32
    assert np.array_equal(scaled, plain)


@pytest.mark.parametrize("optimizer_type", [SGD, Adam])
def test_float32_trajectory_stays_near_float64(optimizer_type: type) -> None:
    """100 steps from the same float32 weights, within the tolerance the core is held to."""
    single, x, y = problem(np.float32, 64)
    x = x.astype(np.float32)
    double = Network(
        [
            Dense(layer.w.astype(np.float64), layer.b.astype(np.float64), layer.activation)
            for layer in single.layers
            if isinstance(layer, Dense) and layer.b is not None
        ]
    )
    for network in (single, double):
        optimizer = optimizer_type(network.parameters(), 0.01)
        train(network, optimizer, CATEGORICAL, x, y, epochs=25, batch_size=16)
    expected = [p.astype(np.float32) for p in double.parameters()]
    assert_all_close(single.parameters(), expected, trajectory(np.float32, 100))


def test_gradient_descent_reaches_least_squares() -> None:
    """A linear neuron on the standardised apartments goes to the closed form."""
    x, y = apartments()
    x = standardised(x)
    network = Network([Dense(np.zeros((2, 1)), np.zeros(1))])
    optimizer = SGD(network.parameters(), 0.4)
    train(network, optimizer, Loss("mean_squared_error"), x, y, epochs=100, batch_size=100)
    w, b, mse = least_squares(x, y)
    assert_close(network.parameters()[0], w, 1e-12)
    assert_close(network.parameters()[1], b, 1e-12)
    assert network.loss(x, y, Loss("mean_squared_error")) == pytest.approx(mse, rel=1e-12)
