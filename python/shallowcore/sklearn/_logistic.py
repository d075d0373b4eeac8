"""LogisticRegression."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from shallowcore import layers, losses, models, ops, optimizers
from shallowcore.regularizers import Regularizer
from shallowcore.sklearn._engine import Engine
from shallowcore.sklearn._inputs import (
    all_or_nothing,
    readable,
    sample_weights,
    to_dense,
    weights_by_class,
)
from shallowcore.sklearn._parameters import (
    any_of,
    check_parameters,
    flag,
    missing,
    number_or_flag,
    one_of,
    real,
    whole,
)
from shallowcore.sklearn._solvers import FOREVER

Array = NDArray[Any]

# All of them reach the one optimum; what scikit-learn has in other words is Newton's method here.
_NEWTON = ("newton-cg", "newton-cholesky", "sag", "saga")
_SOLVERS = (*_NEWTON, "lbfgs", "gd")
_NO_L1 = ": there is no logistic regression with an L1 term here"
_RULES = (
    (
        "penalty",
        any_of(missing, one_of("l2", "none")),
        "'l2' or None: a logistic regression with an L1 term is not provided",
    ),
    ("C", real(0, open_low=True), "a number > 0"),
    (
        "l1_ratio",
        any_of(missing, lambda value: value == 0),
        "0 or None: a logistic regression with an L1 term is not provided",
    ),
    ("dual", lambda value: value is False, "False"),
    ("tol", real(0), "a number >= 0"),
    ("fit_intercept", flag, "a bool"),
    ("solver", one_of(*_SOLVERS), f"one of {', '.join(_SOLVERS)}"),
    ("max_iter", whole(0), "an integer >= 0"),
    ("verbose", number_or_flag, "a bool or an integer >= 0"),
    ("warm_start", flag, "a bool"),
)


def _dots(rows: Array, vector: Array) -> Array:
    """Dot products with a vector, whose bits do not depend on NumPy's BLAS and its threads."""
    products: Array = (rows * vector).sum(axis=1)
    return products


class LogisticRegression(ClassifierMixin, BaseEstimator):
    """Logistic regression that reaches its optimum, without scaled inputs.

    Minimises sum_i w_i L(y_i, x_i) + 1 / (2 C) ||coef||^2, with L the log-loss of a sigmoid for two
    classes and of a softmax for more; the intercept is not penalised.  With an intercept, dense
    inputs are centred inside, which changes nothing but the way to the optimum; sparse ones stay as
    they are.

    Parameters
    ----------
    penalty : {"l2", None}, default "l2"
        None: no penalty.
    C : float, default 1.0
        Inverse strength of the penalty.
    l1_ratio : float, default 0.0
        For scikit-learn's sake: only 0.
    dual : bool, default False
        For scikit-learn's sake: only False.
    tol : float, default 1e-8
        Norm of the gradient to stop at, relative to that at the start.
    fit_intercept : bool, default True
        Whether there is an intercept.
    intercept_scaling : float, default 1
        For scikit-learn's sake: without effect.
    class_weight : dict or "balanced", optional
        Weights of classes; "balanced" is n_samples / (n_classes * samples of the class).
    random_state : int, RandomState or None
        For scikit-learn's sake: nothing is drawn.
    solver : {"newton-cg", "lbfgs", "gd"}, default "newton-cg"
        Newton's method with conjugate gradients, L-BFGS, or gradient descent with steps that
        follow the curvature, which takes hundreds of iterations on scaled inputs and far more on
        others; "newton-cholesky", "sag" and "saga", which have the same optimum, are taken for
        "newton-cg".
    max_iter : int, default 100
        Most iterations; a warning where they are not enough.
    verbose : bool or int, default 0
        Print how the solver ended.
    warm_start : bool, default False
        Begin at the coefficients of the last `fit`.
    n_jobs : int, optional
        For scikit-learn's sake: without effect.

    Attributes
    ----------
    classes_ : ndarray, (n_classes,)
        Labels, sorted.
    coef_ : ndarray, (1, n_features) or (n_classes, n_features)
        Coefficients.
    intercept_ : ndarray, (1,) or (n_classes,)
        Intercepts; zeros without.
    n_iter_ : ndarray, (1,)
        Iterations.
    n_features_in_ : int
        Columns of the inputs.
    feature_names_in_ : ndarray of str
        Their names, where they had any.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from shallowcore.sklearn import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LogisticRegression().fit(X, y)
    >>> clf.coef_.shape
    (3, 4)
    """

    classes_: Array
    coef_: Array
    intercept_: Array
    n_iter_: Array

    def __init__(
        self,
        penalty: str | None = "l2",
        *,
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-8,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "newton-cg",
        max_iter: int = 100,
        verbose: Any = 0,
        warm_start: bool = False,
        n_jobs: Any = None,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    # --- training ---------------------------------------------------------------------------------
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LogisticRegression:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.
        y : array-like, (n_samples,)
            Class labels.
        sample_weight : array-like, (n_samples,), optional
            Weights, >= 0.

        Returns
        -------
        LogisticRegression
            The estimator itself.
        """
        with all_or_nothing(self):
            return self._fit(X, y, sample_weight)

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> LogisticRegression:
        check_parameters(self, _RULES)
        if self.penalty is None and self.C != 1.0:
            warnings.warn("Setting penalty=None will ignore the C parameter", stacklevel=3)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=(np.float64, np.float32))
        check_classification_targets(y)
        before = self._coefficients() if self.warm_start and hasattr(self, "coef_") else None
        weight = sample_weights(sample_weight, X)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "This solver needs samples of at least 2 classes in the data, but the data "
                f"contains only one class: {self.classes_[0]!r}"
            )
        if self.class_weight is not None:
            by_class = weights_by_class(self.class_weight, labels, self.classes_)
            weight = by_class if weight is None else by_class * weight
        X = readable(X, X.dtype)
        centres = self.fit_intercept and not hasattr(X, "indptr")  # which would fill it up
        shift = np.average(X, axis=0, weights=weight) if centres else None
        centred = X if shift is None else (X - shift).astype(X.dtype)
        engine = self._model(centred, before, shift)
        self._solve(engine, centred, labels, weight)
        self._take(engine, shift)
        return self

    def _coefficients(self) -> tuple[Array, Array]:
        return np.array(self.coef_), np.array(self.intercept_)

    def _model(self, X: Array, before: Any, shift: Array | None) -> Engine:
        """The network: one layer, its penalty, and where to begin."""
        n_features = X.shape[1]
        two = len(self.classes_) == 2
        free = self.penalty is None or np.isinf(self.C)
        layer = layers.Dense(
            1 if two else len(self.classes_),
            "sigmoid" if two else "softmax",
            use_bias=self.fit_intercept,
            kernel_initializer="zeros",
            kernel_regularizer=Regularizer(l2=0.0 if free else 0.5 / self.C),
        )
        model = models.Sequential([layers.Input((n_features,)), layer], dtype=str(X.dtype), seed=0)
        model.build()
        if before is not None and before[0].shape == layer.kernel.shape[::-1]:
            coef, intercept = before
            layer.kernel[...] = coef.T
            if layer.bias is not None:
                layer.bias[...] = intercept if shift is None else intercept + _dots(coef, shift)
        return Engine(model)

    def _solve(self, engine: Engine, X: Array, labels: Array, weight: Array | None) -> None:
        """Run the solver; warn where it did not reach the optimum."""
        two = len(self.classes_) == 2
        loss: Any = losses.BinaryCrossentropy() if two else losses.SparseCategoricalCrossentropy()
        engine.set_optimizer(self.solver, self._optimizer())
        targets = labels[:, np.newaxis].astype(X.dtype) if two else labels.astype(np.int32)
        n_samples = X.shape[0]
        options = {"batch_size": n_samples, "shuffle": False, "seed": 0, "epochs": self.max_iter}
        trainer = engine.trainer(X, targets, weight, loss, **options)
        trainer.run(self.max_iter, FOREVER)
        self.n_iter_ = np.array([engine.optimizer.iterations], dtype=np.int32)
        if self.verbose:
            how = trainer.stop_reason or "not converged"
            print(f"{self.solver}: {self.n_iter_[0]} iterations, {how}")
        if trainer.stop_reason != "converged":
            warnings.warn(
                f"{self.solver} failed to converge after {self.n_iter_[0]} iteration(s) "
                f"({trainer.stop_reason or 'max_iter reached'}; the norm of the gradient is "
                f"{trainer.gradient_norm:.3g}). Increase the number of iterations.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _optimizer(self) -> optimizers.Optimizer:
        if self.solver == "lbfgs":
            return optimizers.LBFGS(tolerance=self.tol)
        if self.solver == "gd":
            return optimizers.GradientDescent(tolerance=self.tol)
        return optimizers.NewtonCG(tolerance=self.tol)

    def _take(self, engine: Engine, shift: Array | None) -> None:
        """Coefficients for the inputs as they were given."""
        kernel, *bias = engine.get_weights()
        self.coef_ = np.ascontiguousarray(kernel.T)
        self.intercept_ = bias[0] if bias else np.zeros(len(self.coef_), kernel.dtype)
        if len(self.coef_) > 1:  # a softmax does not see what all classes have in common
            self.coef_ -= self.coef_.mean(axis=0)
            self.intercept_ = self.intercept_ - self.intercept_.mean()
        if shift is not None:
            intercept = self.intercept_ - _dots(self.coef_, shift)
            self.intercept_ = (intercept - (intercept.mean() if len(intercept) > 1 else 0)).astype(
                kernel.dtype
            )

    # --- prediction -------------------------------------------------------------------------------
    def decision_function(self, X: Any) -> Array:
        """Return logits, (n_samples,) for two classes, else (n_samples, n_classes).

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray
            The logits.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        if isinstance(X, np.ndarray) and isinstance(self.coef_, np.ndarray):
            # Not NumPy's product: a row's bits would depend on the rows beside it and on its BLAS.
            dtype = np.result_type(X, self.coef_)
            x, w = (np.ascontiguousarray(a, dtype=dtype) for a in (X, self.coef_.T))
            scores = ops.dense(x, w) + self.intercept_
        else:
            scores = np.asarray(to_dense(X @ self.coef_.T)) + self.intercept_
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> Array:
        """Return the labels, (n_samples,).

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray
            The labels.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return self.classes_[(scores > 0).astype(np.int64)]
        return self.classes_[np.argmax(scores, axis=1)]

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities, (n_samples, n_classes), in the order of `classes_`.

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray
            The probabilities.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            right = ops.activation(scores, "sigmoid")
            return np.column_stack([ops.activation(-scores, "sigmoid"), right])
        return ops.softmax(scores)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray
            Logarithms of the probabilities.
        """
        return np.log(self.predict_proba(X))

    def sparsify(self) -> LogisticRegression:
        """Make `coef_` a sparse matrix (CSR), which saves memory where most of it is 0.

        Returns
        -------
        LogisticRegression
            The estimator itself.
        """
        check_is_fitted(self)
        from scipy.sparse import csr_matrix

        self.coef_ = csr_matrix(self.coef_)
        return self

    def densify(self) -> LogisticRegression:
        """Make `coef_` an ndarray again.

        Returns
        -------
        LogisticRegression
            The estimator itself.
        """
        check_is_fitted(self)
        self.coef_ = to_dense(self.coef_)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
