"""Sparse inputs in the first layer, and inputs of other types than floats: read where they lie."""

import numpy as np
import pytest
import scipy.sparse
from shallowcore import _core
from shallowcore.sklearn import LogisticRegression, MLPClassifier, MLPRegressor
from sklearn import neural_network as theirs
from sklearn.utils.validation import has_fit_parameter

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
# scikit-learn's perceptrons take weights from version 1.7 on.
WEIGHTED = [False, True][: 1 + has_fit_parameter(theirs.MLPClassifier(), "sample_weight")]
FORMS = [scipy.sparse.csr_matrix, scipy.sparse.csr_array]


def sample(rows=60, cols=90, density=0.05, dtype=np.float64, form=scipy.sparse.csr_array):
    """Inputs with few numbers, some rows without any, and labels that follow from them."""
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(rows, cols)) * (rng.random((rows, cols)) < density)
    dense[3] = dense[-1] = 0
    y = np.digitize(dense[:, :40].sum(axis=1), [-0.5, 0.5])
    return form(dense.astype(dtype)), y


def weights(estimator):
    return [*estimator.coefs_, *estimator.intercepts_]


def assert_close(ours, theirs, rtol=1e-7, atol=1e-10):
    for a, b in zip(weights(ours), weights(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize("weighted", WEIGHTED)
@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "adam", "hidden_layer_sizes": (33,)},
        {"solver": "adam", "hidden_layer_sizes": ()},
        {"solver": "sgd", "activation": "tanh", "hidden_layer_sizes": (70, 5), "alpha": 0.1},
    ],
)
def test_trainings_agree_with_scikit_learns(settings, weighted, form):
    X, y = sample(form=form)
    arguments = {"batch_size": 25, "shuffle": False, "max_iter": 20, "random_state": 1, **settings}
    weight = (np.linspace(0.1, 2, 60),) if weighted else ()
    ours = MLPClassifier(**arguments).fit(X, y, *weight)
    their = theirs.MLPClassifier(**arguments).fit(X, y, *weight)
    assert_close(ours, their)
    np.testing.assert_allclose(ours.predict_proba(X), their.predict_proba(X), rtol=1e-7)
    np.testing.assert_array_equal(ours.predict(X), their.predict(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["adam", "rprop", "lbfgs", "newton-cg", "lm"])
def test_sparse_and_dense_inputs_train_alike(solver, dtype):
    X, y = sample(dtype=dtype)
    arguments = {"solver": solver, "max_iter": 5, "random_state": 1, "activation": "tanh"}
    if solver == "lm":
        arguments |= {"hidden_layer_sizes": 3, "alpha": 0}
    one, other = (MLPRegressor(**arguments).fit(x, y) for x in (X, X.toarray()))
    assert weights(one)[0].dtype == dtype
    loose = 1e-3 if dtype == np.float32 else 1e-8
    assert_close(one, other, rtol=loose, atol=loose)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_give_the_same_bits(threads):
    X, y = sample(800, 700, 0.1)
    arguments = {"hidden_layer_sizes": (67,), "max_iter": 3, "batch_size": 800}
    ours, alone = (
        MLPClassifier(**arguments, n_threads=n, random_state=1).fit(X, y) for n in (threads, 1)
    )
    for a, b in zip(weights(ours), weights(alone), strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_sparse_formats_and_types():
    X, y = sample(density=0.1)
    expected = MLPClassifier(max_iter=3, random_state=1).fit(X, y)
    wide = X.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    for other in (X.tocsc(), X.tocoo(), wide):
        fitted = MLPClassifier(max_iter=3, random_state=1).fit(other, y)
        np.testing.assert_array_equal(fitted.coefs_[0], expected.coefs_[0])
    ones = (X != 0).astype(np.int8)
    fitted, floats = (
        MLPClassifier(max_iter=3, random_state=1).fit(x, y) for x in (ones, ones.astype(float))
    )
    assert_close(fitted, floats)


def test_numbers_of_one_place_add_up():
    twice = scipy.sparse.csr_array(
        (np.array([1.0, 2.0, 4.0]), np.array([5, 5, 2]), np.array([0, 2, 3])), shape=(2, 30)
    )
    clf = MLPClassifier(max_iter=1, random_state=0).fit(*sample(cols=30))
    np.testing.assert_allclose(
        clf.predict_proba(twice), clf.predict_proba(twice.toarray()), rtol=1e-12
    )


def test_memory_follows_what_is_stored():
    """Dense, these inputs are 8 GB."""
    rng = np.random.default_rng(0)
    places = rng.integers(0, 20_000, 20_000), rng.integers(0, 50_000, 20_000)
    X = scipy.sparse.csr_array((rng.normal(size=20_000), places), shape=(20_000, 50_000))
    y = np.arange(20_000) % 2
    clf = MLPClassifier(2, max_iter=1, batch_size=4000, random_state=0).fit(X, y)
    assert clf.predict_proba(X).shape == (20_000, 2)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_logistic_regression_reaches_the_optimum_of_dense_inputs(n_classes, intercept):
    X, y = sample(200, 150)
    X.data *= np.random.default_rng(1).choice([1, 50], X.nnz)
    y = np.minimum(y, n_classes - 1)
    fits = [
        LogisticRegression(tol=1e-12, fit_intercept=intercept).fit(x, y) for x in (X, X.toarray())
    ]
    scale = np.abs(fits[1].coef_).max()
    np.testing.assert_allclose(fits[0].coef_, fits[1].coef_, rtol=0, atol=1e-8 * scale)
    np.testing.assert_allclose(fits[0].intercept_, fits[1].intercept_, atol=1e-8)
    np.testing.assert_allclose(fits[0].predict_proba(X), fits[1].predict_proba(X.toarray()), 1e-6)
    again = LogisticRegression(warm_start=True, fit_intercept=intercept).fit(X, y)
    assert again.fit(X, y).n_iter_ <= 1


def test_hostile_indices_are_refused():
    clf = MLPClassifier(max_iter=1, random_state=0).fit(*sample())
    for indices, indptr in (([0, 90], [0, 1, 2]), ([0, -1], [0, 1, 2]), ([0, 1], [0, 3, 2])):
        X = scipy.sparse.csr_array(np.eye(2, 90))
        X.indices, X.indptr = np.asarray(indices, np.int32), np.asarray(indptr, np.int32)
        with pytest.raises(
            ValueError, match=r"indices: got|indptr: got|CSR matrix of another form"
        ):
            _core.Dataset(X)
        with pytest.raises(ValueError, match=r"ind|form|shape"):
            clf.predict(X)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "uint16", "int32", "int64", "uint64"])
def test_integers_are_read_where_they_lie(dtype, monkeypatch):
    rng = np.random.default_rng(1)
    X, y = rng.integers(0, 2 if dtype == "bool" else 17, (50, 30)).astype(dtype), np.arange(50) % 3
    lent = []
    dataset = _core.Dataset
    monkeypatch.setattr(_core, "Dataset", lambda x, *a, **k: lent.append(x) or dataset(x, *a, **k))
    ours = MLPClassifier(max_iter=5, random_state=1, batch_size=50).fit(X, y)
    assert all(np.shares_memory(x, X) for x in lent)
    assert len(lent) == 1
    their = theirs.MLPClassifier(max_iter=5, random_state=1, batch_size=50).fit(X, y)
    assert_close(ours, their)
    np.testing.assert_allclose(ours.predict_proba(X), their.predict_proba(X), rtol=1e-9)
    assert lent[-1].dtype == X.dtype
