"""scikit-learn's checks of estimators, and its tests of perceptrons with the import swapped."""

import subprocess
import sys
from pathlib import Path

import pytest
import sklearn.neural_network
from shallowcore.sklearn import LogisticRegression, MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

ESTIMATORS = [
    MLPClassifier(max_iter=100),
    MLPClassifier(max_iter=100, solver="lbfgs"),
    MLPRegressor(max_iter=100),
    MLPRegressor(max_iter=100, solver="sgd", tol=1e-2, random_state=42),
    LogisticRegression(),
    LogisticRegression(solver="lbfgs", C=0.1),
]

# Tests of scikit-learn that look at what is private to its own perceptrons.
PRIVATE = ["test_gradient"]


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(ESTIMATORS)
def test_check_estimator(estimator, check):
    check(estimator)


def test_scikit_learns_own_tests_pass(tmp_path):
    original = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"
    text = original.read_text(encoding="utf-8")
    line = "from sklearn.neural_network import MLPClassifier, MLPRegressor\n"
    assert line in text
    swapped = tmp_path / "test_swapped.py"
    ours = "from shallowcore.sklearn import MLPClassifier, MLPRegressor\n"
    fixture = (
        "\n\n@pytest.fixture\ndef global_random_seed():\n    return 42\n"
        if "global_random_seed" in text
        else ""
    )
    swapped.write_text(text.replace(line, ours) + fixture, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(swapped)]
    command += ["--rootdir", str(tmp_path), "-c", "/dev/null", "--deselect"]
    command += [f"{swapped.name}::{name}" for name in PRIVATE]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
