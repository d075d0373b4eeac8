"""The oracle's Newton-CG: products with the Hessian, quadratic problems in one step, lecture A1."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from oracle.activations import ELEMENTWISE, ROWWISE
from oracle.lectures import (
    A1_LOSS_FUNCTION,
    A1_OBJECTIVE,
    A1_OPTIMUM,
    A3_LEAST_SQUARES_MSE,
    a1_objective_network,
    a3_networks,
    apartments,
    chain,
    least_squares,
    shirts,
    standardised,
)
from oracle.network import Activation, Dense, Loss, Network, Rescaling
from oracle.newton_cg import (
    conjugate_gradients,
    flatten,
    forcing_term,
    hessian,
    hessian_vector,
    newton_cg,
    unflatten,
)
from oracle.tolerances import assert_close

ACTIVATIONS = sorted((set(ELEMENTWISE) | set(ROWWISE)) - {"identity"})
MSE = Loss("mean_squared_error")
LOSSES = [
    MSE,
    Loss("binary_crossentropy", label_smoothing=0.1),
    Loss("binary_crossentropy", from_logits=True),
    Loss("categorical_crossentropy", scale=2.0),
    Loss("categorical_crossentropy", from_logits=True, label_smoothing=0.1),
    Loss("sparse_categorical_crossentropy"),
    Loss("log_cosh", scale=2.0),
    Loss("poisson"),
    Loss("poisson", from_logits=True),
    Loss("huber", parameters={"delta": 0.2}),
]


def data(loss: Loss) -> tuple[Any, Any, Any]:
    """Inputs (9, 4), targets (9, 3) or labels, weights (9,)."""
    draw = np.random.default_rng(21)
    x, y = draw.normal(size=(9, 4)), draw.uniform(0, 1, (9, 3))
    labels = draw.integers(0, 3, 9)
    sparse = loss.name == "sparse_categorical_crossentropy"
    return x, labels if sparse else y, draw.uniform(0, 2, 9)


def gradient_difference(network: Network, x: Any, y: Any, loss: Loss, v: Any, weight: Any) -> Any:
    """(g(w + h v) - g(w - h v)) / 2h."""
    h, parameters = 1e-5, network.parameters()
    sides = []
    for step in (h, -2 * h):
        for p, d in zip(parameters, v, strict=True):
            p += step * d
        sides.append(flatten(network.gradients(x, y, loss, weight)[1]))
    for p, d in zip(parameters, v, strict=True):
        p += h * d
    return (sides[0] - sides[1]) / (2 * h)


def assert_product_right(network: Network, loss: Loss) -> None:
    """R-operator against the difference of two gradients, in a random direction."""
    x, y, weight = data(loss)
    n = sum(p.size for p in network.parameters())
    v = unflatten(np.random.default_rng(22).normal(size=n), network.parameters())
    product_ = flatten(hessian_vector(network, x, y, loss, v, weight))
    assert_close(product_, gradient_difference(network, x, y, loss, v, weight), 1e-7)


@pytest.mark.parametrize(
    ("hidden", "loss"), list(product(ACTIVATIONS, LOSSES)), ids=lambda p: getattr(p, "name", p)
)
def test_hessian_vector_products(hidden: str, loss: Loss) -> None:
    """Every hidden activation with every loss, softmax outputs (fused and not)."""
    network = chain((4, 5, 3), (hidden, "softmax"), np.random.default_rng(23))
    if hidden == "exponential":
        network.parameters()[0][...] *= 0.3
    assert_product_right(network, loss)


@pytest.mark.parametrize("output", ACTIVATIONS)
def test_hessian_vector_products_at_the_output(output: str) -> None:
    """Every output activation under squared error."""
    assert_product_right(chain((4, 5, 3), ("tanh", output), np.random.default_rng(24)), MSE)


def test_hessian_vector_products_with_other_layers() -> None:
    """Rescaling, activation layers, no bias, l2 penalties."""
    draw = np.random.default_rng(25)
    network = Network(
        [
            Rescaling(0.5, 0.1),
            Dense(draw.normal(size=(4, 5)), None, "linear", kernel_l2=0.1),
            Activation("tanh"),
            Rescaling(2.0),
            Dense(draw.normal(size=(5, 3)), np.ones(3), "sigmoid", bias_l2=0.2),
        ]
    )
    assert_product_right(network, Loss("binary_crossentropy"))


def test_hessian_is_symmetric_and_right_for_logistic_regression() -> None:
    """H = X^T diag(p (1 - p)) X / m, X with a column of ones."""
    draw = np.random.default_rng(26)
    x, y = draw.normal(size=(30, 3)), draw.integers(0, 2, (30, 1)).astype(np.float64)
    network = Network([Dense(draw.normal(size=(3, 1)), np.zeros(1), "sigmoid")])
    p = network.predict(x)
    ones = np.column_stack([x, np.ones(30)])
    expected = ones.T @ (p * (1 - p) * ones) / 30
    assert_close(hessian(network, x, y, A1_LOSS_FUNCTION), expected, 1e-13)
    deep = chain((3, 4, 1), ("tanh", "sigmoid"), draw)
    h = hessian(deep, x, y, A1_LOSS_FUNCTION)
    assert_close(h, h.T.copy(), 1e-14)


def test_conjugate_gradients_solve_and_notice_negative_curvature() -> None:
    """n steps for an n x n system; a descent direction where the matrix is indefinite."""
    draw = np.random.default_rng(27)
    root, g = draw.normal(size=(6, 6)), draw.normal(size=6)
    h = root @ root.T + np.eye(6)
    assert_close(conjugate_gradients(lambda d: h @ d, g, 1e-12, 20), -np.linalg.solve(h, g), 1e-10)
    assert_close(conjugate_gradients(lambda d: -d, g, 1e-12, 20), -g, 1e-15)
    indefinite = np.diag([1.0, 2, 3, 4, -1, -2])
    assert conjugate_gradients(lambda d: indefinite @ d, g, 1e-12, 20) @ g < 0


def test_forcing_term() -> None:
    """min(0.5, sqrt |g|)."""
    assert forcing_term(4.0) == 0.5
    assert forcing_term(1e-4) == 0.01


def test_newton_on_the_shirts() -> None:
    """Lecture A1 from zero, on raw sizes: a, b and the summed objective."""
    x, y = shirts()
    network = a1_objective_network(len(x))
    result = newton_cg(network, x, y, A1_LOSS_FUNCTION, tol=1e-12)
    assert result.converged
    assert result.iterations < 40
    w, b = network.parameters()
    assert w[0, 0] == pytest.approx(A1_OPTIMUM[0], abs=5e-9)
    assert b[0] == pytest.approx(A1_OPTIMUM[1], abs=5e-9)
    assert len(x) * result.value == pytest.approx(A1_OBJECTIVE, rel=1e-13)


def test_newton_solves_least_squares() -> None:
    """A linear neuron on raw apartments: the closed form, though the inputs are not scaled."""
    x, y = apartments()
    network = Network([Dense(np.zeros((2, 1)), np.zeros(1))])
    result = newton_cg(network, x, y, MSE, tol=1e-13)
    w, b, mse = least_squares(x, y)
    assert result.converged
    assert_close(network.parameters()[0], w, 1e-8)
    assert_close(network.parameters()[1], b, 1e-8)
    assert result.value == pytest.approx(mse, rel=1e-12)


@pytest.mark.parametrize("index", range(4))
def test_newton_trains_the_two_linear_layers(index: int) -> None:
    """Lecture A3 on standardised inputs: least squares, though the 2-4-1 problem is not convex."""
    x, y = apartments()
    network = a3_networks()[index]
    result = newton_cg(network, standardised(x), y, MSE)
    assert result.converged
    assert result.value == pytest.approx(A3_LEAST_SQUARES_MSE, abs=5e-9)
