"""LBFGS: iteration by iteration like the oracle, and to optima that are known otherwise."""

from typing import Any

import numpy as np
import pytest
from oracle.lbfgs import lbfgs
from oracle.network import Activation, Loss, Network, Rescaling
from oracle.tolerances import assert_all_close, assert_close
from shallowcore import optimizers
from twins import SPARSE, cast, chain, dense, model_of, targets_of

PROBLEMS = [
    ("tanh", "identity", Loss("mean_squared_error")),
    ("sigmoid", "tanh", Loss("mean_squared_error", scale=2.0)),
    ("relu", "sigmoid", Loss("binary_crossentropy", label_smoothing=0.1)),
    ("elu", "softmax", Loss(SPARSE)),
    ("tanh", "identity", Loss("categorical_crossentropy", from_logits=True)),
]
# Iterations feed rounding back into directions and steps, a factor of about two each.
TRAJECTORY = {10: 1e-10, 30: 1e-7}


def network_of(rng: np.random.Generator, hidden: str, output: str) -> Network:
    """4-5-3 with rescalings, an activation of its own and l2 penalties."""
    stack: list[Any] = [
        Rescaling(0.8, 0.1),
        dense(rng, 4, 5, hidden, kernel_l2=0.01, bias_l2=0.02),
        dense(rng, 5, 4, "identity", use_bias=False),
        Activation("tanh"),
        dense(rng, 4, 3, output, kernel_l2=0.01),
    ]
    return cast(Network(stack), np.float64)


@pytest.mark.parametrize("iterations", TRAJECTORY)
@pytest.mark.parametrize(
    ("hidden", "output", "loss"), PROBLEMS, ids=lambda v: getattr(v, "name", v)
)
def test_iterations_are_the_oracles(hidden: str, output: str, loss: Loss, iterations: int) -> None:
    """Weights and loss after some iterations, with three pairs of memory."""
    rng = np.random.default_rng(1)
    network = network_of(rng, hidden, output)
    x, weight = rng.normal(size=(50, 4)), rng.random(50)
    y = targets_of(loss, rng, 50, 3, np.float64)
    model = model_of(network, 4, loss, optimizers.LBFGS(memory=3, tolerance=0))
    history = model.fit(x, y, sample_weight=weight, epochs=iterations, verbose=0).history["loss"]
    result = lbfgs(
        network, x, y, loss, max_iterations=iterations, tol=0, sample_weight=weight, memory=3
    )
    assert result.iterations == len(history) == iterations
    assert_all_close(model.get_weights(), network.parameters(), TRAJECTORY[iterations], scale=1.0)
    assert_close(history[-1], result.value, TRAJECTORY[iterations])
    assert np.all(np.diff(history) <= 0)


def test_a_few_iterations_in_float32() -> None:
    """As near to float64 as rounding allows."""
    rng = np.random.default_rng(2)
    double = chain(rng, (4, 6, 1), ("tanh", "identity"))
    x, y = rng.normal(size=(60, 4)), rng.normal(size=(60, 1))
    loss, found = Loss("mean_squared_error"), []
    for dtype in (np.float32, np.float64):
        model = model_of(cast(double, dtype), 4, loss, "lbfgs")
        history = model.fit(x.astype(dtype), y.astype(dtype), epochs=10, verbose=0)
        found.append(history.history["loss"])
    assert_close(found[0], found[1], 1e-4)


def test_softmax_regression_ends_at_its_optimum() -> None:
    """The gradient vanishes, and Newton's method ends at the same weights."""
    rng = np.random.default_rng(3)
    layer = dense(rng, 6, 4, "softmax", kernel_l2=0.01, bias_l2=0.01)
    x, y = rng.normal(size=(150, 6)), rng.integers(0, 4, 150)
    weights = []
    for optimizer in (optimizers.LBFGS(tolerance=1e-10), optimizers.NewtonCG(tolerance=1e-12)):
        model = model_of(Network([layer]), 6, Loss(SPARSE), optimizer)
        assert len(model.fit(x, y, epochs=300, verbose=0).history["loss"]) < 100
        weights.append(model.get_weights())
    assert_all_close(weights[0], weights[1], 1e-8)


def test_settings_are_checked() -> None:
    """Whole numbers of pairs and evaluations."""
    with pytest.raises(ValueError, match="memory"):
        optimizers.LBFGS(memory=0)
    with pytest.raises(TypeError, match="max_line_search"):
        optimizers.LBFGS(max_line_search=2.5)  # type: ignore[arg-type]
    optimizer = optimizers.LBFGS(5)
    assert (optimizer.memory, optimizer.max_line_search) == (5, 20)
    assert repr(optimizer).startswith("LBFGS(memory=5,")
