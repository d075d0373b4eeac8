"""Perceptrons against scikit-learn's, weight by weight, and what is added to them."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from shallowcore.sklearn import LogisticRegression, MLPClassifier, MLPRegressor
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
# scikit-learn's perceptrons take weights from version 1.7 on.
WEIGHTED = [False, True][: 1 + has_fit_parameter(theirs.MLPClassifier(), "sample_weight")]


# --- the same as scikit-learn's, step by step -----------------------------------------------------
# Full batches in order: nothing is left to chance, so that every weight must agree.
SETTINGS = [
    {"solver": "sgd", "learning_rate_init": 0.05},
    {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3, "learning_rate_init": 0.1},
    {"solver": "adam", "alpha": 1.0},
    {"solver": "adam", "activation": "tanh", "hidden_layer_sizes": (7, 5)},
    {"solver": "adam", "activation": "logistic", "beta_1": 0.5, "epsilon": 1e-3},
    {"solver": "adam", "activation": "identity"},
    {"solver": "adam", "tol": 0.03, "n_iter_no_change": 3},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 2},
]


@pytest.mark.parametrize("weighted", WEIGHTED)
@pytest.mark.parametrize("settings", SETTINGS)
def test_classifiers_agree_with_scikit_learns(settings, weighted):
    for y in (Y_IRIS, Y_IRIS > 0):
        arguments = {"batch_size": 150, "max_iter": 30, "random_state": 3, **settings}
        weight = (np.linspace(0.1, 2, 150),) if weighted else ()
        ours = MLPClassifier(**arguments).fit(X_IRIS, y, *weight)
        their = theirs.MLPClassifier(**arguments).fit(X_IRIS, y, *weight)
        assert_agree(ours, their)
        np.testing.assert_allclose(ours.predict_proba(X_IRIS), their.predict_proba(X_IRIS), 1e-9)
        np.testing.assert_array_equal(ours.predict(X_IRIS), their.predict(X_IRIS))


@pytest.mark.parametrize("weighted", WEIGHTED)
@pytest.mark.parametrize("settings", SETTINGS)
def test_regressors_agree_with_scikit_learns(settings, weighted):
    y = Y_DIABETES / 100
    arguments = {"batch_size": 442, "max_iter": 30, "random_state": 3, **settings}
    weight = (np.linspace(0.1, 2, 442),) if weighted else ()
    ours = MLPRegressor(**arguments).fit(X_DIABETES, y, *weight)
    their = theirs.MLPRegressor(**arguments).fit(X_DIABETES, y, *weight)
    assert_agree(ours, their)
    np.testing.assert_allclose(ours.predict(X_DIABETES), their.predict(X_DIABETES), 1e-9)


def test_batches_in_order_agree_too():
    """The last batch is smaller: its penalty and its mean are over its own weights."""
    arguments = {
        "batch_size": 40,
        "max_iter": 20,
        "random_state": 3,
        "shuffle": False,
        "alpha": 0.5,
    }
    for weighted in WEIGHTED:
        w = (np.linspace(0.1, 2, 150),) if weighted else ()
        ours = MLPClassifier(**arguments).fit(X_IRIS, Y_IRIS, *w)
        assert_agree(ours, theirs.MLPClassifier(**arguments).fit(X_IRIS, Y_IRIS, *w))


def assert_agree(ours, their):
    for a, b in zip(
        (*ours.coefs_, *ours.intercepts_), (*their.coefs_, *their.intercepts_), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.loss_curve_, their.loss_curve_, rtol=1e-9)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(their, name), name
    np.testing.assert_allclose(ours.best_loss_, their.best_loss_, rtol=1e-9)


def test_multilabel_targets_agree():
    X, y = make_multilabel_classification(n_samples=60, random_state=0)
    arguments = {"batch_size": 60, "max_iter": 20, "random_state": 1}
    ours = MLPClassifier(**arguments).fit(X, y)
    their = theirs.MLPClassifier(**arguments).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), their.predict_proba(X), rtol=1e-7)
    np.testing.assert_array_equal(ours.predict(X), their.predict(X))


# --- what is added --------------------------------------------------------------------------------
@pytest.mark.parametrize("solver", ["rmsprop", "adamw", "rprop", "lbfgs", "newton-cg"])
def test_other_solvers_learn(solver):
    clf = make_pipeline(
        StandardScaler(), MLPClassifier((10,), "tanh", solver=solver, random_state=0)
    )
    clf.set_params(mlpclassifier__learning_rate_init=0.01, mlpclassifier__max_iter=300)
    assert clf.fit(X_IRIS, Y_IRIS).score(X_IRIS, Y_IRIS) > 0.95


def test_evaluations_and_iterations_of_lbfgs_count_as_scikit_learns():
    for settings in ({"max_fun": 1}, {"max_iter": 3}, {"tol": 1e3}):
        ours, their = (
            kind(solver="lbfgs", random_state=0, **settings).fit(X_IRIS, Y_IRIS)
            for kind in (MLPClassifier, theirs.MLPClassifier)
        )
        assert ours.n_iter_ == their.n_iter_, settings
    with pytest.warns(
        ConvergenceWarning, match=r"lbfgs failed .* \(maximum evaluations\).*max_fun"
    ):
        few = MLPClassifier(solver="lbfgs", random_state=0, max_fun=10).fit(X_IRIS, Y_IRIS)
    assert 5 <= few.n_iter_ <= 10


def test_levenberg_marquardt_fits_a_curve():
    x = np.linspace(-3, 3, 80)[:, np.newaxis]
    y = np.sin(x[:, 0])
    fitted = MLPRegressor(hidden_layer_sizes=8, activation="tanh", solver="lm", random_state=0)
    assert fitted.set_params(alpha=0).fit(x, y).score(x, y) > 0.9999


def test_class_weight_is_sample_weight():
    weight = np.array([1.0, 2.0, 5.0])[Y_IRIS]
    arguments = {"random_state": 0, "max_iter": 20}
    by_class = MLPClassifier(**arguments, class_weight={0: 1.0, 1: 2.0, 2: 5.0})
    by_sample = MLPClassifier(**arguments).fit(X_IRIS, Y_IRIS, weight)
    np.testing.assert_array_equal(by_class.fit(X_IRIS, Y_IRIS).coefs_[0], by_sample.coefs_[0])


def test_activations_one_for_each_layer():
    clf = MLPClassifier((5, 4), ("gelu", "silu"), random_state=0, max_iter=50).fit(X_IRIS, Y_IRIS)
    assert clf.n_layers_ == 4
    with pytest.raises(ValueError, match="one for each of the 2 hidden layers"):
        MLPClassifier((5, 4), ("gelu",)).fit(X_IRIS, Y_IRIS)


def test_dropout_and_l1():
    plain = MLPClassifier(random_state=0, max_iter=30).fit(X_IRIS, Y_IRIS)
    dropped = MLPClassifier(random_state=0, max_iter=30, dropout=0.5).fit(X_IRIS, Y_IRIS)
    assert not np.array_equal(plain.coefs_[0], dropped.coefs_[0])
    sparse = MLPClassifier(random_state=0, max_iter=300, l1=5.0).fit(X_IRIS, Y_IRIS)
    assert np.abs(sparse.coefs_[0]).sum() < 0.5 * np.abs(plain.coefs_[0]).sum()


def test_validation_data_and_loss_are_watched():
    held = (X_IRIS[::3], Y_IRIS[::3])
    clf = MLPClassifier(
        random_state=0, early_stopping="loss", max_iter=500, learning_rate_init=0.05
    )
    clf.fit(X_IRIS, Y_IRIS, validation_data=held)
    assert clf.n_iter_ < 500
    assert clf.best_validation_score_ == max(clf.validation_scores_)
    assert clf.best_validation_score_ < 0


def test_losses_of_the_regressor():
    x = np.linspace(0, 1, 200)[:, np.newaxis]
    y = np.where(np.arange(200) % 10 == 0, 10.0, 0.0)
    for loss, expected in (("mean_absolute_error", 0.0), ("squared_error", 1.0)):
        fitted = MLPRegressor(loss, (4,), random_state=0, max_iter=500, learning_rate_init=0.01)
        assert abs(fitted.fit(x, y).predict(x).mean() - expected) < 0.3
    with pytest.raises(ValueError, match="regression loss"):
        MLPRegressor("hinge").fit(x, y)


# --- arrays, attributes, ensembles ----------------------------------------------------------------
def test_weights_are_live():
    clf = MLPClassifier(random_state=0, max_iter=5).fit(X_IRIS, Y_IRIS)
    before = clf.predict_proba(X_IRIS)
    clf.coefs_[0][...] = 0
    assert not np.array_equal(clf.predict_proba(X_IRIS), before)
    clf.coefs_[1] = np.zeros_like(clf.coefs_[1])
    probabilities = clf.predict_proba(X_IRIS[:1])
    expected = np.exp(clf.intercepts_[1]) / np.exp(clf.intercepts_[1]).sum()
    np.testing.assert_allclose(probabilities[0], expected, rtol=1e-12)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_go_on_by_themselves_with_the_optimizers_state(copied):
    clf = MLPClassifier(random_state=0, max_iter=5).fit(X_IRIS, Y_IRIS)
    other = copied(clf)
    before = clf.coefs_[0].copy()
    other.partial_fit(X_IRIS, Y_IRIS)
    np.testing.assert_array_equal(clf.coefs_[0], before)
    clf.partial_fit(X_IRIS, Y_IRIS)
    np.testing.assert_array_equal(clf.coefs_[0], other.coefs_[0])
    other.coefs_[0][...] = 0
    assert not np.array_equal(other.predict_proba(X_IRIS), clf.predict_proba(X_IRIS))
    other.coefs_[1] = np.zeros_like(other.coefs_[1])
    np.testing.assert_array_equal(copied(other).coefs_[1], other.coefs_[1])


def test_one_row_is_as_good_as_many():
    clf = MLPClassifier(random_state=0, max_iter=5).fit(X_IRIS, Y_IRIS)
    together = clf.predict_proba(X_IRIS)
    for i in range(0, 150, 10):
        np.testing.assert_array_equal(clf.predict_proba(X_IRIS[i : i + 1])[0], together[i])


def test_search_pipeline_and_threads():
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    grid = {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__hidden_layer_sizes": [(5,), (20,)]}
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(max_iter=30, random_state=0))
    results = [
        GridSearchCV(pipeline, grid, cv=3, n_jobs=jobs).fit(X, y).cv_results_["mean_test_score"]
        for jobs in (None, 2)
    ]
    np.testing.assert_array_equal(*results)
    assert cross_val_score(clone(pipeline), X, y, cv=3).mean() > 0.7


@pytest.mark.parametrize("seed", [0, np.random.RandomState(0), np.random.default_rng(0)])
def test_random_states_of_every_kind(seed):
    assert MLPClassifier(random_state=seed, max_iter=3).fit(X_IRIS, Y_IRIS).n_iter_ == 3


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("solver", "bfgs"),
        ("alpha", -1),
        ("batch_size", 0),
        ("learning_rate_init", 0),
        ("max_iter", 0),
        ("momentum", 1.5),
        ("beta_1", 1.0),
        ("n_iter_no_change", 0),
        ("dropout", 1.0),
        ("dtype", "float16"),
        ("n_threads", 0),
        ("early_stopping", "never"),
    ],
)
def test_bad_arguments_are_named(argument, value):
    for estimator in (MLPClassifier(), MLPRegressor()):
        estimator.set_params(**{argument: value})
        with pytest.raises(
            ValueError, match=f"The '{argument}' parameter of {type(estimator).__name__}"
        ):
            estimator.fit(X_IRIS, Y_IRIS)
        assert not hasattr(estimator, "coefs_")


FAILING = [
    (MLPRegressor(random_state=0, max_iter=2, solver="lm", alpha=0), {"loss": "poisson"}),
    (MLPRegressor(random_state=0, max_iter=2), {"activation": "nonsense"}),
    (MLPClassifier(random_state=0, max_iter=2), {"class_weight": {9: 1.0}}),
    (MLPClassifier(random_state=0, max_iter=2), {"hidden_layer_sizes": (3, 0)}),
    (LogisticRegression(), {"class_weight": "heavy"}),
]


@pytest.mark.parametrize(("estimator", "wrong"), FAILING)
def test_a_failed_fit_leaves_the_estimator_as_it_was(estimator, wrong):
    right = {name: estimator.get_params()[name] for name in wrong}
    estimator.set_params(**wrong)
    with pytest.raises((ValueError, TypeError)):
        estimator.fit(X_IRIS, Y_IRIS)
    assert not [name for name in vars(estimator) if name.endswith("_")]
    estimator.set_params(**right).fit(X_IRIS, Y_IRIS)
    before = {name: copy.copy(value) for name, value in vars(estimator).items()}
    outputs = estimator.predict(X_IRIS)
    estimator.set_params(**wrong)
    with pytest.raises((ValueError, TypeError)):
        estimator.fit(X_IRIS[:, :2], Y_IRIS + 1)
    assert vars(estimator).keys() == before.keys()
    assert estimator.n_features_in_ == 4
    np.testing.assert_array_equal(estimator.predict(X_IRIS), outputs)


@pytest.mark.parametrize("weight", [-1.0, np.nan, 0.0, 1j, 1e39, "1"])
def test_bad_weights_are_refused(weight):
    for given in (weight, np.full(150, weight)):
        with pytest.raises(ValueError, match="sample_weight"):
            MLPClassifier(max_iter=1).fit(X_IRIS.astype("f4"), Y_IRIS, given)


def test_a_failed_first_partial_fit_leaves_no_classes():
    clf = MLPClassifier()
    with pytest.raises(ValueError, match="infinity"):
        clf.partial_fit(X_IRIS + np.inf, Y_IRIS, classes=[0, 1, 2])
    assert not hasattr(clf, "classes_")


def test_levenberg_marquardt_is_for_regression():
    with pytest.raises(ValueError, match="The 'solver' parameter of MLPClassifier must be one of"):
        MLPClassifier(solver="lm").fit(X_IRIS, Y_IRIS)


def test_it_says_when_it_has_not_converged():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning, match="Maximum iterations"):
            MLPClassifier(max_iter=1).fit(X_IRIS, Y_IRIS)
