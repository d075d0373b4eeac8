"""GradientDescent: step by step like the oracle; the optimum of convex losses."""

from typing import Any

import numpy as np
import pytest
from oracle.gradient_descent import gradient_descent
from oracle.lbfgs import objective
from oracle.network import Loss, Network
from oracle.newton_cg import flatten
from oracle.tolerances import assert_all_close, assert_close
from shallowcore import optimizers
from twins import SPARSE, cast, chain, dense, model_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 5))


@pytest.mark.parametrize(
    ("names", "loss"),
    [(("tanh", "identity"), Loss("mean_squared_error")), (("relu", "softmax"), Loss(SPARSE))],
    ids=str,
)
def test_iterations_are_the_oracles(names: Any, loss: Loss) -> None:
    network = chain(np.random.default_rng(1), (5, 7, 3), names)
    y = RNG.integers(0, 3, 90) if loss.name == SPARSE else RNG.normal(size=(90, 3))
    weight = RNG.random(90)
    model = model_of(network, 5, loss, optimizers.GradientDescent(tolerance=0))
    history = model.fit(X, y, sample_weight=weight, epochs=25, verbose=0).history["loss"]
    f = objective(network, X, y, loss, weight)
    w, losses = gradient_descent(f, flatten(network.parameters()), 25)
    f(w)
    assert_all_close(model.get_weights(), network.parameters(), 1e-9, scale=1.0)
    assert_close(history, losses, 1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_ends_at_the_optimum_of_a_convex_loss(dtype: Any) -> None:
    """Features of different sizes: as L-BFGS."""
    rng = np.random.default_rng(3)
    scales = np.array([0.5, 1, 2, 1, 0.7])
    x, y = (X * scales).astype(dtype), rng.integers(0, 3, 90)
    layer = dense(rng, 5, 3, "softmax", kernel_l2=0.01, bias_l2=0.01)
    network = cast(Network([layer]), dtype)
    tolerance = 1e-9 if dtype == "float64" else 1e-5
    ends = []
    for kind in (optimizers.GradientDescent, optimizers.LBFGS):
        model = model_of(network, 5, Loss(SPARSE), kind(tolerance=tolerance))
        history = model.fit(x, y, epochs=3000, verbose=0)
        assert history.stop_reason == "converged"
        assert len(history.epoch) < 600
        ends.append(model.get_weights())
    assert_all_close(*ends, rtol=1e3 * tolerance, scale=1.0)


def test_a_first_step_far_too_long_is_shortened() -> None:
    rng = np.random.default_rng(4)
    network = chain(rng, (5, 1), ("identity",))
    x, y = 1e4 * X, rng.normal(size=(90, 1))
    model = model_of(network, 5, Loss("mean_squared_error"), "gradient_descent")
    before = model.evaluate(x, y)
    assert model.fit(x, y, epochs=1, verbose=0).history["loss"][0] < before
