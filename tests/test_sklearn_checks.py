"""scikit-learn's checks of estimators, and its tests of perceptrons with the import swapped."""

import ast
from pathlib import Path

import pytest
import shallowcore
import sklearn.neural_network
import swapped_tests
from shallowcore.sklearn import LogisticRegression, MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import estimator_checks_generator

ESTIMATORS = [
    MLPClassifier(max_iter=100),
    MLPClassifier(max_iter=100, solver="lbfgs"),
    MLPRegressor(max_iter=100),
    MLPRegressor(max_iter=100, solver="lbfgs"),
    LogisticRegression(),
    LogisticRegression(solver="lbfgs", C=0.1),
]

# Checks of what is not asked for here: arrays of other libraries, a method that there is none of.
NOT_ASKED = {
    "check_array_api_input",
    "check_classifiers_multilabel_output_format_decision_function",
}

# Tests of scikit-learn that look at what is private to its own perceptrons.
PRIVATE = ["^test_gradient$"]


def checks():
    """Every check of every estimator."""
    for estimator in ESTIMATORS:
        for one, check in estimator_checks_generator(estimator):
            name = check.func.__name__
            if name not in NOT_ASKED:
                yield pytest.param(one, check, id=f"{estimator}-{name}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_check_estimator(estimator, check):
    check(estimator)


def imports_of(text):
    """Dotted names that a module imports."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_nothing_private_of_scikit_learn_is_imported():
    names = [
        name
        for path in Path(shallowcore.__file__).parent.rglob("*.py")
        for name in imports_of(path.read_text(encoding="utf-8"))
        if name.split(".")[0] == "sklearn"
    ]
    assert "sklearn.base.BaseEstimator" in names
    assert [name for name in names if "._" in name] == []


def test_scikit_learns_own_tests_pass(tmp_path):
    original = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"
    line = "from sklearn.neural_network import MLPClassifier, MLPRegressor\n"
    ours = "from shallowcore.sklearn import MLPClassifier, MLPRegressor\n"
    swapped_tests.run(original, line, ours, tmp_path, PRIVATE)
