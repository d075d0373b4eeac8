"""The oracle's backward pass: finite differences for every pair, and what lectures C and E say."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from oracle.activations import ELEMENTWISE, ROWWISE, activation
from oracle.lectures import c_network, chain
from oracle.metrics import accuracy, metric
from oracle.network import (
    Activation,
    Dense,
    Loss,
    Network,
    Rescaling,
    dense,
    dense_grad,
    numerical_gradients,
)
from oracle.optimizers import SGD
from oracle.tolerances import FINITE_DIFFERENCE, assert_all_close, assert_close
from oracle.train import train

ACTIVATIONS = sorted((set(ELEMENTWISE) | set(ROWWISE)) - {"identity"})
LOSSES = [
    Loss("mean_squared_error"),
    Loss("binary_crossentropy"),
    Loss("binary_crossentropy", from_logits=True, label_smoothing=0.1),
    Loss("categorical_crossentropy", scale=0.5),
    Loss("categorical_crossentropy", from_logits=True),
    Loss("sparse_categorical_crossentropy"),
    Loss("sparse_categorical_crossentropy", from_logits=True),
]


def gives_probabilities(name: str) -> bool:
    """Outputs in (0, 1), fit for a cross-entropy from probabilities."""
    return name in ("sigmoid", "softmax")


PAIRS = [
    pytest.param(a, loss, id=f"{a}-{loss.name}{'-logits' if loss.from_logits else ''}")
    for a, loss in product(ACTIVATIONS, LOSSES)
    if loss.name == "mean_squared_error" or loss.from_logits or gives_probabilities(a)
]


def data(n_samples: int = 7, n_outputs: int = 3) -> tuple[Any, Any, Any]:
    """Inputs (n_samples, 4), targets in (0, 1) and integer labels."""
    draw = np.random.default_rng(1)
    x = draw.normal(size=(n_samples, 4))
    return x, draw.uniform(0, 1, (n_samples, n_outputs)), draw.integers(0, n_outputs, n_samples)


def targets(loss: Loss, y: Any, labels: Any) -> Any:
    """Those of the two that the loss takes."""
    return labels if loss.name == "sparse_categorical_crossentropy" else y


def assert_gradients_right(
    network: Network, x: Any, y: Any, loss: Loss, weight: Any = None
) -> None:
    """Backward pass against central differences, every parameter array by itself."""
    _, gradients = network.gradients(x, y, loss, weight)
    numerical = numerical_gradients(network, x, y, loss, weight)
    assert_all_close(gradients, numerical, FINITE_DIFFERENCE, name="gradients")


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_output_activation_and_loss(output: str, loss: Loss) -> None:
    """4-5-3 with a tanh hidden layer, every output activation with every loss."""
    x, y, labels = data()
    network = chain((4, 5, 3), ("tanh", output), np.random.default_rng(2))
    assert_gradients_right(network, x, targets(loss, y, labels), loss)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_hidden_activation_and_loss(hidden: str, loss: Loss) -> None:
    """4-5-5-3, every hidden activation with every loss, outputs in (0, 1)."""
    x, y, labels = data()
    network = chain((4, 5, 5, 3), (hidden, hidden, "softmax"), np.random.default_rng(3))
    if hidden == "exponential":
        for parameter in network.parameters():
            parameter *= 0.3
    assert_gradients_right(network, x, targets(loss, y, labels), loss)


def test_other_layers_penalties_and_weights() -> None:
    """Rescaling, activation layers, missing biases, penalties, parameters, sample weights."""
    x, y, _ = data()
    w1, w2, w3 = (np.random.default_rng(4).normal(size=s) for s in ((4, 5), (5, 5), (5, 3)))
    network = Network(
        [
            Rescaling(0.5, -0.1),
            Dense(w1, None, "leaky_relu", {"negative_slope": 0.1}, kernel_l1=0.02),
            Activation("elu", {"alpha": 0.7}),
            Rescaling(2.0, 0.3),
            Dense(w2, np.full(5, 0.2), kernel_l2=0.01, bias_l1=0.03, bias_l2=0.05),
            Activation("selu"),
            Dense(w3, np.zeros(3)),
            Activation("sigmoid"),
        ]
    )
    weight = np.array([0.0, 1.0, 2.0, 0.5, 1.0, 3.0, 1.0])
    assert_gradients_right(network, x, y, Loss("mean_squared_error"), weight)
    assert_gradients_right(network, x, y, Loss("binary_crossentropy"), weight)


def test_dense_grad() -> None:
    """dx = dz w^T, dw = x^T dz, db = column sums, by loops."""
    draw = np.random.default_rng(8)
    x, w, dz = draw.normal(size=(5, 3)), draw.normal(size=(3, 2)), draw.normal(size=(5, 2))
    dx, dw, db = dense_grad(x, w, dz)
    assert dx is not None
    for i, j in np.ndindex(5, 3):
        assert dx[i, j] == pytest.approx(sum(dz[i, k] * w[j, k] for k in range(2)), rel=1e-13)
    for j, k in np.ndindex(3, 2):
        assert dw[j, k] == pytest.approx(sum(x[i, j] * dz[i, k] for i in range(5)), rel=1e-13)
    assert db.tolist() == pytest.approx([sum(dz[:, 0]), sum(dz[:, 1])], rel=1e-13)
    assert dense_grad(x, w, dz, need_dx=False)[0] is None


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "leaky_relu"])
def test_c3_vectorised_pass_equals_the_loop(hidden: str) -> None:
    """Lecture C3: all samples at once, and one after another, forward and backward."""
    draw = np.random.default_rng(9)
    network, loss = c_network(hidden, draw), Loss("binary_crossentropy")
    assert sum(p.size for p in network.parameters()) == 21
    x, y = draw.normal(size=(40, 3)), draw.integers(0, 2, (40, 1)).astype(np.float64)
    first, second = (layer for layer in network.layers if isinstance(layer, Dense))
    total = [np.zeros_like(p) for p in network.parameters()]
    for i in range(40):
        a1 = activation(dense(x[i : i + 1], first.w, first.b), hidden)
        a2 = activation(dense(a1, second.w, second.b), "sigmoid")
        assert_close(a2, network.predict(x)[i : i + 1], 1e-14)
        for sum_, g in zip(
            total, network.gradients(x[i : i + 1], y[i : i + 1], loss)[1], strict=True
        ):
            sum_ += g / 40
    assert_all_close(network.gradients(x, y, loss)[1], total, 1e-13)


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "elu"])
def test_c4_zero_weights_stay_symmetric(hidden: str) -> None:
    """Lecture C4: from constant weights, the columns of w1 stay exactly equal."""
    draw = np.random.default_rng(10)
    x, y = draw.normal(size=(30, 3)), draw.integers(0, 2, (30, 1)).astype(np.float64)
    network = Network(
        [
            Dense(np.zeros((3, 4)), np.zeros(4), hidden),
            Dense(np.zeros((4, 1)), np.zeros(1), "sigmoid"),
        ]
    )
    optimizer = SGD(network.parameters(), 1.0)
    train(network, optimizer, Loss("binary_crossentropy"), x, y, epochs=30, batch_size=10)
    w1 = network.parameters()[0]
    assert (w1 == w1[:, :1]).all()
    assert (network.parameters()[2] == network.parameters()[2][:1]).all()


def test_c5_saturation_gives_tiny_gradients_not_nan() -> None:
    """Lecture C5: tanh weights a thousand times too large."""
    draw = np.random.default_rng(12)
    network = chain((3, 4, 1), ("tanh", "sigmoid"), draw, 1000.0)
    x, y = draw.normal(size=(50, 3)), draw.integers(0, 2, (50, 1)).astype(np.float64)
    value, gradients = network.gradients(x, y, Loss("binary_crossentropy"))
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in gradients)
    assert np.abs(gradients[0]).max() < 1e-3 * np.abs(gradients[2]).max()


def test_e2_scale_one_half_is_half_the_learning_rate() -> None:
    """Lecture E2: gradients divided by 2m, or lr / 2: the same bits."""
    draw = np.random.default_rng(13)
    x, y = draw.normal(size=(20, 3)), draw.integers(0, 2, (20, 1)).astype(np.float64)
    results = []
    for scale, rate in ((0.5, 0.5), (1.0, 0.25)):
        network = Network([Dense(np.zeros((3, 1)), np.zeros(1), "sigmoid")])
        optimizer = SGD(network.parameters(), rate)
        train(network, optimizer, Loss("binary_crossentropy", scale=scale), x, y, epochs=5)
        results.append(network.parameters())
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


def test_metrics_by_hand() -> None:
    """0.5 counts as class 0, the first of equal maxima wins, errors average over all outputs."""
    p = np.array([[0.5], [0.51], [0.2], [0.9]])
    assert accuracy(np.array([[0.0], [1], [1], [1]]), p, "binary_crossentropy") == 0.75
    rows = np.array([[0.4, 0.4, 0.2], [0.1, 0.2, 0.7]])
    assert accuracy(np.array([0, 2]), rows, "sparse_categorical_crossentropy") == 1.0
    assert accuracy(np.array([1, 2]), rows, "sparse_categorical_crossentropy") == 0.5
    assert accuracy(np.eye(3)[[0, 1]], rows, "categorical_crossentropy") == 0.5
    a, b = np.array([[1.0, 2.0]]), np.array([[2.0, 4.0]])
    assert metric("mse", a, b, "mean_squared_error") == 2.5
    assert metric("mae", a, b, "mean_squared_error") == 1.5
