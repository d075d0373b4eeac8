"""The benchmark of solvers: its NumPy functions are right, its search finds, its table says so."""

from typing import Any

import numpy as np
import pytest
from oracle.tolerances import assert_close

pytest.importorskip("scipy")
from bench import solver_problems as problems
from bench import solver_rivals, solvers


def cases() -> list[problems.Problem]:
    """Small ones of every kind."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 3))
    y = np.tanh(x[:, :1])
    kinds: list[tuple[tuple[int, ...], Any, str]] = [
        ((3, 4, 1), y, "identity"),
        ((3, 4, 3), rng.integers(0, 3, 30), "softmax"),
        ((3, 1), (y > 0).astype(float), "sigmoid"),
    ]
    return [problems.Problem(o, x, t, s, o, 1e-2, 0.01 * (o == "sigmoid")) for s, t, o in kinds]


@pytest.mark.parametrize("problem", cases(), ids=lambda p: p.name)
def test_loss_and_gradient_are_the_oracles(problem: problems.Problem) -> None:
    w = problems.flat(problem.start()) + 0.1
    value, gradient = problems.loss_and_gradient(problem, w)
    model = problem.model("sgd")
    model.set_weights(problems.split(problem, w))
    right, gradients = model.gradients(problem.x, problem.y)
    assert value == pytest.approx(problem.measure(problems.split(problem, w)), rel=1e-13)
    assert value == pytest.approx(right, rel=1e-13)
    assert_close(gradient, problems.flat(gradients), 1e-12)


def test_jacobian_and_hessian_belong_to_the_gradient() -> None:
    regression, _, logistic = cases()
    w = problems.flat(regression.start()) + 0.1
    errors, jacobian = problems.residuals(regression, w), problems.jacobian(regression, w)
    value, gradient = problems.loss_and_gradient(regression, w)
    assert errors @ errors == pytest.approx(value, rel=1e-13)
    assert_close(2 * jacobian.T @ errors, gradient, 1e-12)
    w = problems.flat(logistic.start()) + 0.1
    hessian, h = problems.logistic_hessian(logistic, w), 1e-5
    for k, unit in enumerate(np.eye(len(w))):
        sides = [problems.loss_and_gradient(logistic, w + s * h * unit)[1] for s in (1, -1)]
        assert_close(hessian[:, k].copy(), (sides[0] - sides[1]) / (2 * h), 1e-7)


@pytest.mark.parametrize("problem", cases(), ids=lambda p: p.name)
def test_every_contender_of_shallowcore_and_scipy_trains(problem: problems.Problem) -> None:
    start = problem.measure(problem.start())
    for make in (solver_rivals.ours, solver_rivals.scipy_contenders):
        for contender in make(problem):
            if not contender.one_thread:
                continue
            weights = solvers.solve(contender, problem, 8)
            assert problem.measure(weights) < 0.9 * start
            assert all(np.isfinite(w).all() for w in weights)


def test_the_fewest_iterations() -> None:
    """A contender whose weights count its iterations."""
    problem = cases()[0]

    def halve(weights: list[Any], n: int) -> list[Any]:
        return [*weights[:2], weights[2] * 0, np.array([2.0 ** -min(n, 60)])]

    contender = solver_rivals.Contender("none", "halve", halve)
    values = [problem.measure(halve(problem.start(), n)) for n in range(1, 40)]
    assert values == sorted(values, reverse=True)
    for n in (1, 2, 5, 13):
        near = problems.Problem(
            "near", problem.x, problem.y, problem.sizes, problem.output, values[n - 1]
        )
        found = solvers.fewest_iterations(contender, near, 100)
        assert found is not None
        assert found <= n
        assert values[found - 1] == values[n - 1]
    never = problems.Problem("never", problem.x, problem.y, problem.sizes, "identity", 0.0)
    assert solvers.fewest_iterations(contender, never, 100) is None


def test_a_table(monkeypatch: Any, capsys: Any) -> None:
    """Names, iterations, times; a goal that nobody reaches is said."""
    problem = cases()[0]
    makers = {"scipy": solver_rivals.MAKERS["scipy"], "shallowcore": ("", solver_rivals.ours)}
    monkeypatch.setattr(solvers, "MAKERS", makers)
    monkeypatch.setattr(solvers, "SAMPLE", 1e-4)
    monkeypatch.setitem(solvers.PROBLEMS, "regression", lambda: problem)
    solvers.main(["--problem", "regression", "--rounds", "1", "--quick"])
    shown = capsys.readouterr().out
    for word in ("lbfgs", "levenberg_marquardt", "least_squares, lm", "x ours", "scipy"):
        assert word in shown
    row = solvers.Row("p", "l", "s", "1")
    assert "not reached" in row.cells()
