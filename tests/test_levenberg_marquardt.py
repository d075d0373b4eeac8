"""LevenbergMarquardt: step by step like the oracle; known optima; what it refuses."""

from typing import Any

import numpy as np
import pytest
from oracle.levenberg_marquardt import levenberg_marquardt
from oracle.network import Activation, Loss, Network, Rescaling
from oracle.newton_cg import flatten
from oracle.tolerances import assert_all_close, assert_close
from shallowcore import _core, layers, models, optimizers, regularizers
from twins import SPARSE, cast, chain, dense, model_of

MSE = Loss("mean_squared_error")
ELEMENTWISE = [info.name for info in _core.activation_table() if info.elementwise]
# Normal equations square the condition of J; mu keeps that below 1e8 on these networks.
TRAJECTORY = 1e-8


def network_of(rng: np.random.Generator, hidden: str, output: str, l2: float) -> Network:
    """4-5-3 with rescalings, softmax within, an activation of its own, l2 penalties."""
    stack: list[Any] = [
        Rescaling(0.8, 0.1),
        dense(rng, 4, 5, hidden, kernel_l2=l2, bias_l2=2 * l2),
        Rescaling(1.3, -0.2),
        dense(rng, 5, 4, "softmax", use_bias=False, kernel_l2=l2),
        dense(rng, 4, 4),
        Activation("tanh"),
        dense(rng, 4, 3, output, bias_l2=l2),
    ]
    return cast(Network(stack), np.float64)


@pytest.mark.parametrize("hidden", ELEMENTWISE)
@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax"])
def test_iterations_are_the_oracles(hidden: str, output: str) -> None:
    """Weights and loss after twenty iterations: all kinds of layers, weights, scale, penalties."""
    rng = np.random.default_rng(1)
    network = network_of(rng, hidden, output, 1e-3)
    x, y, weight = rng.normal(size=(70, 4)), rng.random((70, 3)), rng.random(70)
    loss = Loss("mean_squared_error", scale=2.0)
    optimizer = optimizers.LevenbergMarquardt(min_grad=0)
    model = model_of(network, 4, loss, optimizer)
    history = model.fit(x, y, sample_weight=weight, epochs=20, verbose=0).history["loss"]
    run = levenberg_marquardt(network, x, y, loss, iterations=20, sample_weight=weight)
    assert len(history) == 20
    assert_all_close(model.get_weights(), network.parameters(), TRAJECTORY, scale=1.0)
    assert_close(history[-1], run.loss, TRAJECTORY)


@pytest.mark.parametrize("sizes", [(3, 40, 2), (30, 30, 1), (1, 1, 1), (70, 5), (300, 1)])
def test_more_samples_and_parameters_than_a_block(sizes: tuple[int, ...]) -> None:
    """Blocks of samples, stripes of the matrix and blocks of its factor add up."""
    rng = np.random.default_rng(2)
    network = chain(rng, sizes, ("tanh", "identity") if len(sizes) > 2 else ("identity",))
    x, y = rng.normal(size=(1100, sizes[0])), rng.normal(size=(1100, sizes[-1]))
    model = model_of(network, sizes[0], MSE, optimizers.LevenbergMarquardt(mu=0.1))
    model.fit(x, y, epochs=3, verbose=0)
    levenberg_marquardt(network, x, y, MSE, iterations=3, mu=0.1)
    assert_all_close(model.get_weights(), network.parameters(), TRAJECTORY, scale=1.0)


def test_least_squares_with_penalties() -> None:
    """Ridge regression: the closed form, after a few steps."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(60, 5)) + 2, rng.normal(size=(60, 2))
    network = Network([dense(rng, 5, 2, kernel_l2=0.05)])
    model = model_of(network, 5, MSE, optimizers.LevenbergMarquardt(min_grad=1e-12))
    history = model.fit(x, y, epochs=30, verbose=0).history["loss"]
    assert len(history) < 10
    design = np.column_stack([x, np.ones(60)])
    ridge = np.diag([0.05] * 5 + [0.0])
    optimum = np.linalg.solve(design.T @ design / 120 + ridge, design.T @ y / 120)
    assert_all_close(model.get_weights(), [optimum[:5], optimum[5]], 1e-9)


def test_float32_reaches_what_it_can() -> None:
    """A network that fits: down to rounding of float32."""
    rng = np.random.default_rng(4)
    teacher = chain(rng, (2, 3, 1), ("tanh", "identity"), np.float32)
    x = rng.normal(size=(100, 2)).astype(np.float32)
    y = teacher.predict(x)
    model = model_of(chain(rng, (2, 6, 1), ("tanh", "identity"), np.float32), 2, MSE)
    model.compile(optimizers.LevenbergMarquardt(min_grad=1e-5), "mse")
    history = model.fit(x, y, epochs=300, verbose=0).history["loss"]
    assert len(history) < 300
    assert history[-1] < 1e-6


def test_what_it_cannot_do_is_refused_before_any_work() -> None:
    """Other losses, l1, too many parameters: said by name, the weights stay."""
    x, y = np.zeros((3, 2)), np.array([0, 1, 1])
    penalty = regularizers.L1(0.1)
    cases: list[tuple[Any, str, str]] = [
        ([layers.Dense(2, "softmax")], SPARSE, "mean_squared_error"),
        ([layers.Dense(1, kernel_regularizer=penalty)], "mse", "l1"),
        ([layers.Dense(3000, "tanh"), layers.Dense(1)], "mse", "12001 parameters.*at most 8192"),
    ]
    for stack, loss, message in cases:
        model = models.Sequential([layers.Input((2,)), *stack], dtype="float64", seed=0)
        model.compile("levenberg_marquardt", loss)
        digest = model.digest()
        with pytest.raises(ValueError, match=message):
            model.fit(x, y, verbose=0)
        assert model.digest() == digest


def test_settings_are_checked() -> None:
    """Factors on the right side of 1."""
    for name, value in (("mu_dec", 1.5), ("mu_inc", 1.0), ("mu", -1.0)):
        with pytest.raises(ValueError, match=name):
            optimizers.LevenbergMarquardt(**{name: value})
    assert optimizers.LevenbergMarquardt().parameters == {
        "mu": 1e-3,
        "mu_dec": 0.1,
        "mu_inc": 10.0,
        "mu_max": 1e10,
        "min_grad": 1e-7,
    }


def test_a_step_solves_the_damped_normal_equations() -> None:
    """(J^T J + mu I) p = -g / 2, by the oracle's gradient and Gauss-Newton matrix."""
    rng = np.random.default_rng(6)
    network = chain(rng, (3, 5, 1), ("tanh", "identity"))
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    model = model_of(network, 3, MSE, optimizers.LevenbergMarquardt(mu=1e6))
    model.fit(x, y, epochs=1, verbose=0)
    step = flatten(model.get_weights()) - flatten(network.parameters())
    gradient = flatten(network.gradients(x, y, MSE)[1])
    assert_close(step, -gradient / 2e6, 1e-5)
