"""The oracle's L-BFGS and Levenberg-Marquardt: quadratics, Rosenbrock, closed forms."""

from typing import Any

import numpy as np
import pytest
from oracle.lbfgs import Lbfgs, lbfgs, minimise, two_loops
from oracle.levenberg_marquardt import (
    LevenbergMarquardt,
    errors_of,
    levenberg_marquardt,
    output_jacobian,
)
from oracle.line_search import (
    CURVATURE,
    DECREASE,
    Point,
    between,
    beyond,
    cubic_minimum,
    wolfe_search,
)
from oracle.network import Activation, Dense, Loss, Network, Rescaling
from oracle.newton_cg import flatten, hessian, unflatten
from oracle.tolerances import assert_close
from twins import chain

MSE = Loss("mean_squared_error")


def rosenbrock(w: Any) -> tuple[float, Any]:
    """(1 - x)^2 + 100 (y - x^2)^2, the minimum 0 at (1, 1)."""
    x, y = w
    gradient = [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]
    return float((1 - x) ** 2 + 100 * (y - x * x) ** 2), np.array(gradient)


# --- line search ----------------------------------------------------------------------------------
def test_cubic_minimum_of_a_cubic() -> None:
    """f = t^3 - 3 t: minimum at 1 from any two points, none for a straight line."""

    def point(t: float) -> Point:
        return Point(t, t**3 - 3 * t, 3 * t * t - 3)

    assert cubic_minimum(point(0.0), point(3.0)) == pytest.approx(1)
    assert cubic_minimum(point(3.0), point(0.5)) == pytest.approx(1)
    assert between(point(0.0), point(20.0)) == pytest.approx(2)
    assert beyond(point(0.0), point(0.1)) == pytest.approx(0.5)
    straight = Point(0, 0, -1), Point(1, -1, -1)
    assert np.isnan(cubic_minimum(*straight))
    assert between(*straight) == 0.5
    assert beyond(*straight) == 5.0


@pytest.mark.parametrize("first_step", [1e-4, 0.1, 1.0, 30.0, 1e6])
def test_wolfe_conditions_hold(first_step: float) -> None:
    """From steps too short and too long, on a function with many valleys and one with a wall."""

    def wavy(t: float) -> Point:
        return Point(t, (t - 3) ** 2 + np.cos(5 * t), 2 * (t - 3) - 5 * np.sin(5 * t))

    def wall(t: float) -> Point:
        if t >= 2:
            return Point(t, np.inf, np.nan)
        return Point(t, -np.log(2 - t) - 2 * t, 1 / (2 - t) - 2)

    for at in (wavy, wall):
        start, found = at(0.0), wolfe_search(at, at(0.0), first_step, max_evaluations=60)
        assert found is not None
        assert found.loss <= start.loss + DECREASE * found.step * start.slope
        assert abs(found.slope) <= CURVATURE * abs(start.slope)


def test_no_step_is_found_where_none_is() -> None:
    """A slope that lies."""
    assert wolfe_search(lambda t: Point(t, 1 + t, 1.0), Point(0, 1, -1), 1.0) is None


# --- L-BFGS ---------------------------------------------------------------------------------------
def test_two_loops_are_the_bfgs_matrix() -> None:
    """H = (I - rho s y^T) H (I - rho y s^T) + rho s s^T, oldest pair first."""
    rng = np.random.default_rng(1)
    root = rng.normal(size=(5, 5))
    a, g = root @ root.T + np.eye(5), rng.normal(size=5)
    pairs = [(s, a @ s) for s in rng.normal(size=(3, 5))]
    s, y = pairs[0]
    h = np.eye(5) * (s @ y) / (y @ y)
    for s, y in pairs[::-1]:
        v = np.eye(5) - np.outer(y, s) / (s @ y)
        h = v.T @ h @ v + np.outer(s, s) / (s @ y)
    assert_close(two_loops(g, pairs), -h @ g, 1e-12)
    assert_close(h @ pairs[0][1], pairs[0][0], 1e-12)


def test_lbfgs_on_a_quadratic_and_on_rosenbrock() -> None:
    """n dimensions take few more than n steps; the curved valley ends at (1, 1)."""
    rng = np.random.default_rng(2)
    root = rng.normal(size=(6, 6))
    a, b = root @ root.T + np.eye(6), rng.normal(size=6)
    run = minimise(lambda w: (float(w @ a @ w / 2 - b @ w), a @ w - b), np.zeros(6), 1e-9, 30)
    assert_close(run.w, np.linalg.solve(a, b), 1e-8)
    run = minimise(rosenbrock, np.array([-1.2, 1.0]), 1e-10, 60)
    assert_close(run.w, np.ones(2), 1e-9)


def test_lbfgs_trains() -> None:
    """To a point where all derivatives vanish, and the curvature is positive."""
    rng = np.random.default_rng(3)
    network = chain(rng, (3, 4, 1), ("tanh", "identity"))
    for layer in network.layers:
        assert isinstance(layer, Dense)
        layer.kernel_l2 = layer.bias_l2 = 0.01
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    result = lbfgs(network, x, y, MSE, tol=1e-9, max_iterations=500)
    assert result.converged
    gradient = flatten(network.gradients(x, y, MSE)[1])
    assert np.linalg.norm(gradient) == pytest.approx(result.gradient_norm, rel=1e-6)
    assert np.linalg.eigvalsh(hessian(network, x, y, MSE)).min() > 0


def test_lbfgs_stops_where_nothing_helps() -> None:
    """A gradient of the wrong sign."""
    run = Lbfgs(lambda w: (float(w @ w), -2 * w), np.ones(2))
    assert not run.step()
    assert_close(run.w, np.ones(2), 0)


# --- Levenberg-Marquardt --------------------------------------------------------------------------
def other_network(rng: Any) -> Network:
    """Every kind of layer, two outputs."""
    return Network(
        [
            Rescaling(0.5, 0.1),
            Dense(rng.normal(size=(3, 4)), rng.normal(size=4), "tanh", kernel_l2=0.1),
            Rescaling(1.5),
            Dense(rng.normal(size=(4, 3)), None, "identity"),
            Activation("softmax"),
            Dense(rng.normal(size=(3, 2)), rng.normal(size=2), "sigmoid", bias_l2=0.2),
        ]
    )


def test_jacobian_is_the_derivative_of_the_outputs() -> None:
    """Central differences."""
    rng = np.random.default_rng(4)
    network, x = other_network(rng), rng.normal(size=(6, 3))
    jacobian, w, h = output_jacobian(network, x), flatten(network.parameters()), 1e-5
    for k in range(len(w)):
        sides = []
        for sign in (1, -1):
            moved = w + sign * h * (np.arange(len(w)) == k)
            for old, new in zip(
                network.parameters(), unflatten(moved, network.parameters()), strict=True
            ):
                old[...] = new
            sides.append(network.predict(x))
        assert_close(jacobian[:, :, k], (sides[0] - sides[1]) / (2 * h), 1e-7, scale=1.0)


def test_errors_are_the_loss_and_its_gradient() -> None:
    """e^T e and 2 J^T e, weights, scale and penalties included."""
    rng = np.random.default_rng(5)
    network = other_network(rng)
    x, y, weight = rng.normal(size=(7, 3)), rng.normal(size=(7, 2)), rng.random(7)
    loss = Loss("mean_squared_error", scale=3.0)
    value, gradients = network.gradients(x, y, loss, weight)
    e, j = errors_of(network, x, y, loss, weight)(flatten(network.parameters()))
    assert e @ e == pytest.approx(value, rel=1e-13)
    assert_close(2 * j.T @ e, flatten(gradients), 1e-12)


def test_levenberg_marquardt_on_least_squares_and_on_rosenbrock() -> None:
    """Linear regression as good as at once; Rosenbrock as two errors, from the usual start."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(50, 4)), rng.normal(size=(50, 2))
    network = chain(rng, (4, 2), ("identity",))
    run = levenberg_marquardt(network, x, y, MSE, iterations=4)
    design = np.column_stack([x, np.ones(50)])
    optimum = np.linalg.lstsq(design, y, rcond=None)[0]
    assert_close(run.w, np.concatenate([optimum[:4].ravel(), optimum[4]]), 1e-9)

    def errors(w: Any) -> tuple[Any, Any]:
        e = np.array([1 - w[0], 10 * (w[1] - w[0] ** 2)])
        return e, np.array([[-1, 0], [-20 * w[0], 10]])

    valley = LevenbergMarquardt(errors, np.array([-1.2, 1.0]))
    while valley.loss > 1e-24 and valley.step():
        pass
    assert_close(valley.w, np.ones(2), 1e-9)
    assert valley.mu < 1e-3


def test_levenberg_marquardt_stops_where_nothing_helps() -> None:
    """A Jacobian of the wrong sign: mu grows beyond its limit, w stays."""
    run = LevenbergMarquardt(lambda w: (w, -np.eye(2)), np.ones(2), mu_max=1e5)
    assert not run.step()
    assert_close(run.w, np.ones(2), 0)
