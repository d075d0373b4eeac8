"""Solvers in scikit-learn's words, and the optimizers they are."""

from __future__ import annotations

from typing import Any

from shallowcore import optimizers

STOCHASTIC = ("sgd", "adam", "adamw", "rmsprop", "rprop")
FULL_BATCH = ("lbfgs", "newton-cg", "lm")
SOLVERS = (*STOCHASTIC, *FULL_BATCH)
FOREVER = 1e9  # seconds


def make_optimizer(estimator: Any) -> optimizers.Optimizer:
    """Return the optimizer that an estimator's arguments ask for."""
    rate = estimator.learning_rate_init
    if estimator.solver == "sgd":
        return optimizers.SGD(rate, estimator.momentum, estimator.nesterovs_momentum)
    moments = {"beta_1": estimator.beta_1, "beta_2": estimator.beta_2, "epsilon": estimator.epsilon}
    if estimator.solver == "adam":
        return optimizers.Adam(rate, **moments)
    if estimator.solver == "adamw":
        return optimizers.AdamW(rate, **moments)
    if estimator.solver == "rmsprop":
        return optimizers.RMSprop(rate, epsilon=estimator.epsilon)
    if estimator.solver == "rprop":
        return optimizers.Rprop(rate)
    if estimator.solver == "lbfgs":
        return optimizers.LBFGS(tolerance=estimator.tol, max_evaluations=estimator.max_fun)
    if estimator.solver == "newton-cg":
        return optimizers.NewtonCG(tolerance=estimator.tol)
    return optimizers.LevenbergMarquardt()
