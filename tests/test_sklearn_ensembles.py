"""Estimators inside scikit-learn's tools: as its own do there."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
import sklearn
from shallowcore.sklearn import LogisticRegression, MLPClassifier, MLPRegressor
from sklearn import linear_model, neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.validation import has_fit_parameter

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)
NAMES = load_iris().target_names
# Full batches: the order of the samples, which is the core's own, does not matter.
FULL = {"max_iter": 25, "random_state": 0, "learning_rate_init": 0.05}
PAIRS = [
    pytest.param(MLPClassifier(**FULL), neural_network.MLPClassifier(**FULL), id="mlp"),
    pytest.param(
        LogisticRegression(),
        linear_model.LogisticRegression(tol=1e-9, solver="newton-cholesky"),
        id="logistic",
    ),
]
META = {
    "calibrated": lambda one: CalibratedClassifierCV(one, cv=3),
    "stacking": lambda one: StackingClassifier([("a", one), ("b", clone(one))], cv=3),
    "voting": lambda one: VotingClassifier([("a", one), ("b", clone(one))], voting="soft"),
    "one against the rest": OneVsRestClassifier,
    "bagging": lambda one: BaggingClassifier(one, n_estimators=3, random_state=0),
    "pipeline": lambda one: make_pipeline(StandardScaler(), one),
}


@pytest.mark.parametrize("meta", META)
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_ensembles_agree_with_scikit_learns(meta, ours, theirs):
    one, other = (META[meta](clone(e)).fit(X, NAMES[Y]) for e in (ours, theirs))
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-4)
    np.testing.assert_array_equal(one.classes_, other.classes_)
    assert one.predict(X).dtype == other.predict(X).dtype


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_scores_of_searches_agree(ours, theirs):
    name = "C" if hasattr(ours, "C") else "alpha"
    found = []
    for one in (ours, theirs):
        search = GridSearchCV(clone(one), {name: [0.01, 1.0]}, cv=3, scoring="neg_log_loss")
        found.append(search.fit(X, Y).cv_results_["mean_test_score"])
        found.append(cross_val_score(clone(one), X, Y, cv=3))
    np.testing.assert_allclose(found[0], found[2], atol=1e-4)
    np.testing.assert_allclose(found[1], found[3])


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_several_targets(ours, theirs):
    targets = np.column_stack([Y, Y > 0])
    found = [
        np.vstack(MultiOutputClassifier(clone(e)).fit(X, targets).predict_proba(X)[0])
        for e in (ours, theirs)
    ]
    np.testing.assert_allclose(*found, atol=1e-4)
    chains = [ClassifierChain(clone(e)).fit(X, targets[:, 1:]).predict(X) for e in (ours, theirs)]
    np.testing.assert_array_equal(*chains)
    pairs = [OneVsOneClassifier(clone(e)).fit(X, Y).predict(X) for e in (ours, theirs)]
    np.testing.assert_array_equal(*pairs)


def test_several_regressions():
    x, y = load_diabetes(return_X_y=True)
    both = np.column_stack([y, -y]) / 100
    settings = {**FULL, "batch_size": 442}
    found = [
        MultiOutputRegressor(kind(**settings)).fit(x, both).predict(x)
        for kind in (MLPRegressor, neural_network.MLPRegressor)
    ]
    np.testing.assert_allclose(*found, rtol=1e-8)


# --- copies and words -----------------------------------------------------------------------------
def through_joblib(one):
    buffer = io.BytesIO()
    joblib.dump(one, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one)), through_joblib]
)
@pytest.mark.parametrize(
    "one", [MLPClassifier(**FULL), MLPClassifier(solver="lbfgs"), LogisticRegression()]
)
def test_copies_predict_the_same_bits(one, copied):
    fitted = clone(one).fit(X, Y)
    np.testing.assert_array_equal(copied(fitted).predict_proba(X), fitted.predict_proba(X))
    again = clone(copied(fitted))
    assert not hasattr(again, "n_features_in_")
    assert again.get_params() == one.get_params()


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor, LogisticRegression])
def test_parameters_and_representations(kind):
    module = linear_model if kind is LogisticRegression else neural_network
    theirs = getattr(module, kind.__name__)()
    mine = kind().get_params()
    other = {"l1_ratio", "penalty", "solver", "tol"} if kind is LogisticRegression else set()
    for name, value in theirs.get_params().items():
        assert name in other or value == "deprecated" or mine[name] == value, name
    assert repr(kind()) == f"{kind.__name__}()"
    assert repr(kind(max_iter=7)) == f"{kind.__name__}(max_iter=7)"
    assert kind.__name__ in make_pipeline(StandardScaler(), kind())._repr_html_()
    with pytest.raises(ValueError, match="Invalid parameter 'alfa'"):
        kind().set_params(alfa=1)


# --- routed metadata ------------------------------------------------------------------------------
@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


WEIGHT = np.linspace(0.1, 2, 150)
# scikit-learn's perceptrons take weights from version 1.7 on.
WEIGHTED = [pair for pair in PAIRS if has_fit_parameter(pair.values[1], "sample_weight")]


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize(("ours", "theirs"), WEIGHTED)
def test_sample_weights_are_routed(ours, theirs):
    found = []
    for one in (ours, theirs):
        requests = clone(one).set_fit_request(sample_weight=True)
        requests.set_score_request(sample_weight=True)
        scores = cross_validate(requests, X, Y, params={"sample_weight": WEIGHT}, cv=3)
        pipeline = make_pipeline(MinMaxScaler(), requests).fit(X, Y, sample_weight=WEIGHT)
        found.append([*scores["test_score"], pipeline.score(X, Y, sample_weight=WEIGHT)])
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            cross_validate(clone(one), X, Y, params={"sample_weight": WEIGHT}, cv=3)
    np.testing.assert_allclose(*found)


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_every_argument_can_be_asked_for(kind):
    """What scikit-learn's can ask for, and the validation samples that are added."""
    theirs = getattr(neural_network, kind.__name__)()
    for method in ("fit", "partial_fit", "score"):
        names = set(getattr(theirs.get_metadata_routing(), method).requests)
        mine = set(getattr(kind().get_metadata_routing(), method).requests)
        assert names <= mine
        assert mine - names <= {"sample_weight", *(["validation_data"] * (method == "fit"))}
    one = kind(**FULL).set_fit_request(validation_data=True, sample_weight=False)
    pipeline = make_pipeline(MinMaxScaler(), one)
    held = (X[::3], Y[::3])
    pipeline.set_params(**{f"{kind.__name__.lower()}__early_stopping": True})
    fitted = pipeline.fit(X, Y, validation_data=held)[-1]
    assert len(fitted.validation_scores_) == fitted.n_iter_


# --- threads, seeds, going on ---------------------------------------------------------------------
def test_threads_of_joblib_do_not_change_a_bit():
    found = []
    for jobs in (1, 2):
        with joblib.parallel_config("threading", n_jobs=jobs):
            one = MLPClassifier(max_iter=20, random_state=0)
            found.append(cross_val_score(one, X, Y, cv=4, scoring="neg_log_loss"))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("seed", [int, np.random.RandomState, np.random.default_rng])
@pytest.mark.parametrize("early", [False, True])
def test_a_seed_fixes_everything(seed, early):
    def fitted():
        return MLPClassifier(random_state=seed(5), max_iter=4, early_stopping=early).fit(X, Y)

    np.testing.assert_array_equal(fitted().coefs_[0], fitted().coefs_[0])
    state = np.random.RandomState(5)
    same = MLPClassifier(random_state=state, max_iter=4, early_stopping=early)
    assert not np.array_equal(same.fit(X, Y).coefs_[0], same.fit(X, Y).coefs_[0])


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_going_on_is_scikit_learns(solver):
    """partial_fit goes on with the optimizer's state, warm_start with the weights alone."""
    settings = {**FULL, "solver": solver}
    found = []
    for kind in (MLPClassifier, neural_network.MLPClassifier):
        one = kind(**settings)
        for _ in range(6):
            one.partial_fit(X, Y, classes=[0, 1, 2])
        other = kind(**settings, warm_start=True)
        for _ in range(2):
            other.fit(X, Y)
        found.append((one.coefs_[0], other.coefs_[0], one.t_, other.t_, one.n_iter_, other.n_iter_))
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-7, atol=1e-9)
