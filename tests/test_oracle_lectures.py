"""The lectures' figures out of the NumPy oracle."""

import numpy as np
import pytest
from oracle import lectures
from oracle.lectures import A1_LOSS_FUNCTION
from oracle.metrics import accuracy, confusion_matrix
from oracle.network import Dense, Loss
from oracle.newton_cg import newton_cg
from oracle.optimizers import SGD, Adam
from oracle.tolerances import assert_close
from oracle.train import train

MSE = Loss("mean_squared_error")


def test_a0_data() -> None:
    """First rows and class counts of both sets."""
    x, y = lectures.shirts()
    assert x[:5, 0].tolist() == list(lectures.A1_SIZES)
    assert (x.shape, int(y.sum())) == ((50, 1), 28)
    x, y = lectures.apartments()
    first = np.column_stack([x, y])[:3].tolist()
    assert first[0] == [58.16, 572.97, 1.581913]
    assert first[1] == [195.92, 809.8, 3.450274]
    assert first[2] == [156.6, 349.04, 2.978769]


def test_a1_loss_and_confusion_matrix() -> None:
    """Loss at a = 1.7, b = -172; the trained classifier is right on all fifty."""
    x, y = lectures.shirts()
    network = lectures.a1_network(1.7, -172.0)
    assert network.loss(x, y, A1_LOSS_FUNCTION) == pytest.approx(lectures.A1_LOSS, rel=1e-14)
    network = lectures.a1_objective_network(len(x))
    newton_cg(network, x, y, A1_LOSS_FUNCTION)
    predicted = (network.predict(x)[:, 0] >= 0.5).astype(int)
    assert confusion_matrix(y[:, 0].astype(int), predicted, 2).tolist() == [[22, 0], [0, 28]]


def test_a2_predictions() -> None:
    """One linear neuron with the lecture's weights."""
    x, y = lectures.apartments()
    network = lectures.a2_network()
    assert_close(network.predict(x)[:5, 0], np.array(lectures.A2_PREDICTIONS), 2e-9)
    assert network.loss(x, y, MSE) == pytest.approx(lectures.A2_MSE, rel=1e-14)


def test_a3_losses_and_least_squares() -> None:
    """Four random 2-4-1 networks in a row; the optimum they should be trained to."""
    x, y = lectures.apartments()
    for network, mse in zip(lectures.a3_networks(), lectures.A3_MSE, strict=True):
        assert network.loss(x, y, MSE) == pytest.approx(mse, rel=1e-14)
    optimum = lectures.least_squares(lectures.standardised(x), y)[2]
    assert optimum == pytest.approx(lectures.A3_LEAST_SQUARES_MSE, abs=5e-9)


def test_b1_learns_separable_blobs() -> None:
    """The 20-10-1 network at the lecture's settings; its own data needs another package."""
    draw = np.random.RandomState(0)
    network = lectures.b1_network(draw)
    y = draw.randint(0, 2, (500, 1)).astype(np.float64)
    x = draw.normal(size=(500, 20)) + 2.0 * (y - 0.5)
    history = train(
        network,
        SGD(network.parameters(), 1.0),
        A1_LOSS_FUNCTION,
        x,
        y,
        epochs=20,
        batch_size=100,
        shuffle=False,
        metrics=["accuracy"],
    )
    assert history["loss"][0] < 0.7
    assert history["accuracy"][-1] > 0.95


def test_c2_parameter_count() -> None:
    """3-4-1 has 21 learnable parameters."""
    network = lectures.c_network("tanh", np.random.default_rng(0))
    assert sum(p.size for p in network.parameters()) == 21


@pytest.mark.parametrize("hidden", ["tanh", "leaky_relu"])
def test_d2_beats_logistic_regression_on_rings(hidden: str) -> None:
    """A 2-4-1 network separates what a straight line cannot; leaky relu has slope 0.1."""
    draw = np.random.default_rng(3)
    network = lectures.d2_network(hidden, draw)
    first = network.layers[0]
    assert isinstance(first, Dense)
    assert first.parameters == ({"negative_slope": 0.1} if hidden == "leaky_relu" else {})
    x, y = lectures.circle(400, draw)
    labels = (y > 0).astype(np.float64)
    train(network, Adam(network.parameters(), 0.05), A1_LOSS_FUNCTION, x, labels, epochs=60)
    assert accuracy(labels, network.predict(x), "binary_crossentropy") > 0.9


def test_d1_first_cost_is_ln_2() -> None:
    """From zeros every probability is one half."""
    draw = np.random.default_rng(1)
    network = lectures.d1_network(12)
    x, y = draw.uniform(0, 1, (9, 12)), draw.integers(0, 2, (9, 1)).astype(np.float64)
    assert network.loss(x, y, A1_LOSS_FUNCTION) == pytest.approx(np.log(2), rel=1e-15)


def test_e1_forward_pass() -> None:
    """Pre-activations, hidden activations and output of the slide."""
    outputs, pre_activations = lectures.e1_network().forward(lectures.E1_INPUT)
    assert_close(pre_activations[0][0], np.array(lectures.E1_HIDDEN_Z), 1e-15)
    assert_close(outputs[1][0], np.array(lectures.E1_HIDDEN), 1e-8)
    assert outputs[2][0, 0] == pytest.approx(lectures.E1_OUTPUT, abs=5e-9)


def test_e3_softmax_classifier() -> None:
    """Three classes in the plane with two hidden layers."""
    draw = np.random.default_rng(5)
    labels = draw.integers(0, 3, 300)
    angle = 2 * np.pi * labels / 3
    x = np.column_stack([np.cos(angle), np.sin(angle)]) * 2 + draw.normal(0, 0.5, (300, 2))
    network = lectures.e3_network(2, (8, 8), 3, draw)
    history = train(
        network,
        SGD(network.parameters(), 0.1),
        Loss("sparse_categorical_crossentropy"),
        x,
        labels,
        epochs=30,
        batch_size=10,
        metrics=["accuracy"],
    )
    assert history["accuracy"][-1] > 0.97


def test_e5_playground() -> None:
    """Circle, 2-8-8-1, half squared error, lr 0.1, batch 10, 229 epochs: 0.030 and 0.010."""
    draw = np.random.default_rng(1)
    x, y = lectures.circle(500, draw)
    network = lectures.e5_network(draw)
    optimizer = SGD(network.parameters(), 0.1)
    train(network, optimizer, lectures.E5_LOSS, x[:250], y[:250], epochs=229, batch_size=10)
    assert network.loss(x[250:], y[250:], lectures.E5_LOSS) <= 0.030
    assert network.loss(x[:250], y[:250], lectures.E5_LOSS) <= 0.010
