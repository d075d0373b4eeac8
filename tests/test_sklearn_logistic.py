"""LogisticRegression reaches the optimum, on inputs as they are, and says so if it does not."""

import re
from pathlib import Path

import numpy as np
import pytest
import swapped_tests
from shallowcore.sklearn import LogisticRegression
from sklearn import linear_model
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning

SETS = [load_breast_cancer, load_iris, load_wine, load_digits]


def optimum(X, y, C, weight):
    """Coefficients by exact Newton steps on the whole Hessian, in float64: (n_outputs, n + 1).

    sum_i w_i L_i + 1 / (2 C) ||coef||^2 with the intercept in the last column; a softmax keeps its
    coefficients' sum over the classes at 0, where the penalty wants it.
    """
    classes = np.unique(y)
    one_hot = (y[:, np.newaxis] == classes).astype(float)
    scale = np.append(X.std(axis=0) + (X.std(axis=0) == 0), 1.0)
    mean = np.append(X.mean(axis=0), 0.0)
    A = np.column_stack([X - mean[:-1], np.ones(len(X))]) / scale
    k = 1 if len(classes) == 2 else len(classes)
    ridge = np.append(1 / (C * scale[:-1] ** 2), 0.0)
    if k == 1:
        one_hot = one_hot[:, 1:]
    W = np.zeros((A.shape[1], k))
    for _ in range(60):
        z = A @ W
        if k == 1:
            p = 1 / (1 + np.exp(-z))
        else:
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
        g = A.T @ (weight[:, np.newaxis] * (p - one_hot)) + ridge[:, np.newaxis] * W
        H = np.zeros((k, len(W), k, len(W)))
        for a in range(k):
            for b in range(k):
                d = p[:, a] * ((a == b) - p[:, b]) if k > 1 else p[:, 0] * (1 - p[:, 0])
                H[a, :, b] = A.T @ ((weight * d)[:, np.newaxis] * A) + (a == b) * np.diag(ridge)
        H = H.reshape(k * len(W), -1)
        step = np.linalg.lstsq(H, g.T.ravel(), rcond=1e-14)[0].reshape(k, -1).T
        W -= step
        if np.abs(step).max() < 1e-13 * max(1.0, np.abs(W).max()):
            break
    coef = W.T / scale
    coef[:, -1] -= coef[:, :-1] @ mean[:-1]
    return coef


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("C", [1.0, 0.01])
@pytest.mark.parametrize("load", SETS, ids=lambda load: load.__name__)
def test_the_optimum_is_reached_without_scaling(load, C, weighted):
    X, y = load(return_X_y=True)
    if load is load_digits:
        X, y = X[:400], y[:400]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X)) if weighted else np.ones(len(X))
    fitted = LogisticRegression(C=C, tol=1e-12).fit(X, y, weight if weighted else None)
    expected = optimum(X, y, C, weight)
    scale = np.abs(expected[:, :-1]).max()
    np.testing.assert_allclose(fitted.coef_, expected[:, :-1], rtol=0, atol=1e-8 * scale)
    spread = np.ptp(fitted.intercept_ - expected[:, -1])  # a softmax leaves their sum free
    off = spread if len(expected) > 1 else abs(fitted.intercept_ - expected[:, -1])[0]
    assert off <= 1e-8 * max(1.0, np.abs(expected[:, -1]).max())


@pytest.mark.parametrize("solver", ["newton-cg", "lbfgs", "gd"])
def test_solvers_agree(solver):
    X, y = load_iris(return_X_y=True)
    one = LogisticRegression(solver=solver, max_iter=5000).fit(X, y)
    other = LogisticRegression(tol=1e-12).fit(X, y)
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-6)


def test_weights_of_classes_and_samples_multiply():
    X, y = load_iris(return_X_y=True)
    by_class = {0: 1.0, 1: 3.0, 2: 0.5}
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    one = LogisticRegression(class_weight=by_class).fit(X, y, weight)
    product = weight * np.array([1.0, 3.0, 0.5])[y]
    np.testing.assert_array_equal(one.coef_, LogisticRegression().fit(X, y, product).coef_)


def test_gradient_descent_says_that_inputs_are_not_scaled():
    X, y = load_wine(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match="gd failed to converge after 500 iteration"):
        LogisticRegression(solver="gd", max_iter=500).fit(X, y)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    one = LogisticRegression(solver="gd", max_iter=500).fit(scaled, y)
    other = LogisticRegression(tol=1e-12).fit(scaled, y)
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-6)


def test_it_says_when_it_has_not_converged():
    X, y = load_breast_cancer(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match="norm of the gradient is .* Increase the number"):
        fitted = LogisticRegression(max_iter=2).fit(X, y)
    assert fitted.n_iter_ == [2]


@pytest.mark.parametrize(
    ("argument", "value"),
    [("penalty", "l1"), ("l1_ratio", 0.5), ("C", 0), ("solver", "liblinear"), ("dual", True)],
)
def test_what_there_is_not_is_refused(argument, value):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=f"The '{argument}' parameter of LogisticRegression"):
        LogisticRegression(**{argument: value}).fit(X, y)


# scikit-learn's tests that do not apply, by patterns of their names, and why; docs/estimators.md
# has the list for readers.  All others run.
LEFT_OUT = {
    r"(?i)(logistic|lr)_?(regression)?_?cv|CV": "LogisticRegressionCV",
    "_path": "private functions",
    "logreg_predict_proba_multinomial": "a private method",
    "callback": "callbacks",
    "array_api": "arrays of other libraries",
    "liblinear": "liblinear",
    "test_check_solver_option": "liblinear",
    "test_logistic_regression_solvers$": "liblinear",
    "test_logistic_regression_class_weights": "liblinear",
    "elastic|l1": "L1 terms",
    "test_penalty_deprecated": "deprecations",
    "test_logisticregression_warns_with_n_jobs": "deprecations",
    "multi_class": "deprecations",
    "test_large_sparse_matrix": "64-bit indices",
    r"test_max_iter\[(sag|newton-cholesky)": "words of warnings",
    "test_newton_cholesky_fallback": "the solver's own iterations",
    "test_warm_start_newton_solver": "the solver's own iterations",
}


# Versions below 1.8 have an argument `multi_class`, deprecated, that is not provided: its uses are
# taken out, and so are the tests about one model for each class; clf0 is liblinear.
MULTI_CLASS = r'(?<!")\bmulti_class=("\w+"|multi_class),? ?'

OF_MULTI_CLASS = ["test_n_iter", "ovr", "multinomial_binary", r"predict_iris\[clf0"]


def test_scikit_learns_own_tests_pass(tmp_path):
    original = Path(linear_model.__file__).parent / "tests" / "test_logistic.py"
    line = "\nSOLVERS = ("
    ours = "\nfrom shallowcore.sklearn import LogisticRegression\n" + line
    if "multi_class" in linear_model.LogisticRegression().get_params():
        text = original.read_text(encoding="utf-8")
        original = tmp_path / "test_logistic.py"
        original.write_text(re.sub(MULTI_CLASS, "", text), encoding="utf-8")
        left_out = [*LEFT_OUT, *OF_MULTI_CLASS]
    else:
        left_out = [*LEFT_OUT]
    swapped_tests.run(original, line, ours, tmp_path, left_out, "-W", "ignore")


def test_the_page_says_what_is_left_out():
    page = (Path(__file__).parents[1] / "docs" / "estimators.md").read_text(encoding="utf-8")
    for reason in {*LEFT_OUT.values()}:
        assert f"| {reason} |" in page
