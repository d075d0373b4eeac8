"""Contenders of `bench.solvers`: each trains from given weights for at most n iterations."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from shallowcore import optimizers

from bench.solver_problems import (
    Floats,
    Problem,
    flat,
    jacobian,
    logistic_hessian,
    loss_and_gradient,
    residuals,
    split,
)

Solve = Callable[[list[Floats], int], list[Floats]]


@dataclass(frozen=True)
class Contender:
    """One solver on one problem; one_thread: whether its library is held to one."""

    library: str
    label: str
    solve: Solve
    one_thread: bool = False


# --- shallowcore ----------------------------------------------------------------------------------
def ours(problem: Problem) -> Iterator[Contender]:
    """Every method that suits."""
    settings: dict[str, dict[str, float]] = {
        "lbfgs": {"tolerance": 0.0},
        "newton_cg": {"tolerance": 0.0},
    }
    if problem.output == "identity":
        settings["levenberg_marquardt"] = {"min_grad": 0.0}
    if problem.by_gradient:  # one method reaches it, as one would use it
        settings = {"newton_cg": {"tolerance": problem.goal}}
    for name, given in settings.items():

        def solve(
            weights: list[Floats], n: int, name: str = name, given: Any = given
        ) -> list[Floats]:
            model = problem.model(optimizers.Optimizer(name, **given))
            model.set_weights(weights)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                model.fit(problem.x, problem.y, epochs=n, verbose=0)
            return model.get_weights()

        for one_thread in (True, False):
            yield Contender("shallowcore", name, solve, one_thread)


# --- SciPy ----------------------------------------------------------------------------------------
def scipy_minimize(
    problem: Problem, method: str, options: Any, hess: Any, weights: list[Floats], n: int
) -> list[Floats]:
    """By `scipy.optimize.minimize`, tolerances out of the way."""
    from scipy import optimize

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = optimize.minimize(
            partial(loss_and_gradient, problem),
            flat(weights),
            jac=True,
            method=method,
            hess=hess,
            options=options | {"maxiter": n},
        )
    return split(problem, found.x)


def scipy_least_squares(
    problem: Problem, method: str, weights: list[Floats], n: int
) -> list[Floats]:
    """By `scipy.optimize.least_squares`; an iteration is an evaluation."""
    from scipy import optimize

    found = optimize.least_squares(
        partial(residuals, problem),
        flat(weights),
        partial(jacobian, problem),
        method=method,
        ftol=1e-15,
        xtol=1e-15,
        gtol=1e-15,
        max_nfev=n,
    )
    return split(problem, found.x)


def scipy_contenders(problem: Problem) -> Iterator[Contender]:
    """L-BFGS-B everywhere, least squares and Newton's method where they suit."""
    tight = {"ftol": 0.0, "gtol": 0.0, "maxfun": 10**7, "maxcor": 10}
    for one_thread in (True, False):

        def add(label: str, solve: Any, one_thread: bool = one_thread) -> Contender:
            return Contender("SciPy", label, solve, one_thread)

        yield add("L-BFGS-B", partial(scipy_minimize, problem, "L-BFGS-B", tight, None))
        if problem.output == "identity" and one_thread:
            for method in ("lm", "trf"):
                label = f"least_squares, {method}"
                yield add(label, partial(scipy_least_squares, problem, method))
        if len(problem.sizes) == 2:
            hess = partial(logistic_hessian, problem)
            options = {"xtol": 0.0}
            yield add("Newton-CG", partial(scipy_minimize, problem, "Newton-CG", options, hess))


# --- scikit-learn ---------------------------------------------------------------------------------
class SklearnMlp:
    """MLPRegressor or MLPClassifier with solver "lbfgs", going on from the given weights."""

    def __init__(self, problem: Problem) -> None:
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        self._problem = problem
        self._model = (MLPRegressor if problem.output == "identity" else MLPClassifier)(
            hidden_layer_sizes=problem.sizes[1:-1],
            activation="tanh",
            solver="lbfgs",
            alpha=0.0,
            tol=0.0,
            max_fun=10**7,
            warm_start=True,
        )
        self._fit(1)  # for what it wants to know of the data

    def _fit(self, n: int) -> None:
        self._model.max_iter = n
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it ran as long as it should
            self._model.fit(self._problem.x, self._problem.y.ravel())

    def __call__(self, weights: list[Floats], n: int) -> list[Floats]:
        """Train."""
        model = self._model
        model.coefs_ = [w.copy() for w in weights[0::2]]
        model.intercepts_ = [b.copy() for b in weights[1::2]]
        self._fit(n)
        pairs = zip(model.coefs_, model.intercepts_, strict=True)
        return [array for pair in pairs for array in pair]


def sklearn_logistic(problem: Problem, solver: str, _: list[Floats], n: int) -> list[Floats]:
    """LogisticRegression, C = 1, from zeros."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0, solver=solver, tol=1e-14, max_iter=n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(problem.x, problem.y.ravel())
    return [model.coef_.T.copy(), model.intercept_.copy()]


def sklearn_contenders(problem: Problem) -> Iterator[Contender]:
    """`lbfgs`, and the Newton methods of logistic regression."""
    for one_thread in (True, False):
        if len(problem.sizes) > 2:
            mlp = SklearnMlp(problem)
            yield Contender("scikit-learn", "MLP, lbfgs", mlp, one_thread)
            continue
        for solver in ("lbfgs", "newton-cg", "newton-cholesky"):
            solve = partial(sklearn_logistic, problem, solver)
            yield Contender("scikit-learn", f"LogisticRegression, {solver}", solve, one_thread)


# --- PyTorch --------------------------------------------------------------------------------------
def torch_lbfgs(problem: Problem, threads: int, weights: list[Floats], n: int) -> list[Floats]:
    """`torch.optim.LBFGS` with strong Wolfe line search, one call of `step`."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(threads)
    x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
    arrays = [torch.from_numpy(np.ascontiguousarray(w.T)) for w in weights]
    parameters = [w.clone().requires_grad_() for w in arrays]
    loss: Any = {
        "identity": functional.mse_loss,
        "sigmoid": functional.binary_cross_entropy_with_logits,
        "softmax": functional.cross_entropy,
    }[problem.output]
    optimizer = torch.optim.LBFGS(
        parameters,
        max_iter=n,
        max_eval=10**7,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        history_size=10,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Any:
        optimizer.zero_grad()
        h = x
        for w, b in zip(parameters[0:-2:2], parameters[1:-2:2], strict=True):
            h = torch.tanh(functional.linear(h, w, b))
        value = loss(functional.linear(h, parameters[-2], parameters[-1]), y)
        if problem.l2:
            value = value + problem.l2 * sum((w * w).sum() for w in parameters[0::2])
        value.backward()
        return value

    optimizer.step(closure)
    return [w.detach().numpy().T.copy() for w in parameters]


def torch_contenders(problem: Problem) -> Iterator[Contender]:
    """On one thread, and on as many as it takes by itself."""
    import torch

    for threads in (1, torch.get_num_threads()):
        solve = partial(torch_lbfgs, problem, threads)
        yield Contender("PyTorch", "LBFGS, strong Wolfe", solve, threads == 1)


MAKERS: dict[str, tuple[str, Callable[[Problem], Iterator[Contender]]]] = {
    "shallowcore": ("shallowcore", ours),
    "scipy": ("SciPy", scipy_contenders),
    "sklearn": ("scikit-learn", sklearn_contenders),
    "torch": ("PyTorch", torch_contenders),
}
