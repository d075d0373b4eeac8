"""Models from scikit-learn's and Keras' give their predictions; what has no counterpart is named.

PyTorch's are in test_parity_torch_interop.py.
"""

from typing import Any

import numpy as np
import pytest
from keras_twin import keras
from oracle.tolerances import assert_close, reduction
from shallowcore import activations, interop, layers
from shallowcore import sklearn as ours

# Keras' own, when it reads its variables under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 4))
LABELS = np.argmax(X[:, :3], axis=1)
TOLERANCE = reduction(np.float64, 64)


def same(model: Any, expected: Any, x: Any = X) -> None:
    assert_close(model.predict(x), np.asarray(expected), 4 * TOLERANCE)


# --- scikit-learn ---------------------------------------------------------------------------------
def theirs() -> Any:
    return pytest.importorskip("sklearn.neural_network")


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("own", [False, True])
def test_perceptrons(activation: str, own: bool) -> None:
    home: Any = ours if own else theirs()
    settings = {"activation": activation, "max_iter": 5, "solver": "adam", "random_state": 0}
    clf = home.MLPClassifier(hidden_layer_sizes=(7, 5), **settings).fit(X, LABELS)
    two = home.MLPClassifier(**settings).fit(X, LABELS > 0)
    many = home.MLPClassifier(**settings).fit(X, X[:, :2] > 0)
    reg = home.MLPRegressor(**settings).fit(X, X[:, :2])
    same(interop.from_sklearn(clf), clf.predict_proba(X))
    same(interop.from_sklearn(two), two.predict_proba(X)[:, 1:])
    same(interop.from_sklearn(many), many.predict_proba(X))
    same(interop.from_sklearn(reg), reg.predict(X))


def test_own_estimator_with_other_activations(tmp_path: Any) -> None:
    """And the way from an estimator to a file."""
    given = ["selu", activations.ELU(0.3)]
    clf = ours.MLPClassifier((7, 5), given, dropout=0.1, max_iter=300, random_state=0)
    clf.fit(X.astype(np.float32), LABELS)
    model = interop.from_sklearn(clf)
    assert model.dtype == "float32"
    expected = clf.predict_proba(X.astype(np.float32))
    assert_close(model.predict(X.astype(np.float32)), expected, reduction(np.float32, 16))
    model.export(tmp_path / "clf.h")


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_logistic_regression(own: bool, sparse: bool) -> None:
    home: Any = ours if own else pytest.importorskip("sklearn.linear_model")
    for y in (LABELS, LABELS == 1):
        for intercept in (True, False):
            clf = home.LogisticRegression(fit_intercept=intercept, max_iter=1000).fit(X, y)
            expected = clf.predict_proba(X)
            clf = clf.sparsify() if sparse else clf
            same(interop.from_sklearn(clf), expected if y is LABELS else expected[:, 1:])


def test_other_estimators_are_refused() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    with pytest.raises(TypeError, match="got Ridge"):
        interop.from_sklearn(linear.Ridge().fit(X, X))
    with pytest.raises(ValueError, match="not fitted"):
        interop.from_sklearn(theirs().MLPClassifier())


# --- state_dict -----------------------------------------------------------------------------------
def arrays() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    shapes = {"in.weight": (3, 4), "in.bias": (3,), "out.weight": (2, 3)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def test_state_dict_of_arrays() -> None:
    a = arrays()
    model = interop.from_torch(a, [activations.LeakyReLU(0.2), None])
    z = X @ a["in.weight"].T + a["in.bias"]
    same(model, np.where(z > 0, z, 0.2 * z) @ a["out.weight"].T)


@pytest.mark.parametrize(
    ("change", "activations", "message"),
    [
        ({"conv.weight": np.ones((2, 2, 3, 3))}, ["relu"] * 3, "'conv.weight' of shape"),
        ({"norm.running_mean": np.ones(3)}, ["relu"] * 2, "'norm.running_mean'"),
        ({"norm.weight": np.ones(3)}, ["relu"] * 2, "'norm.weight'"),
        ({"in.bias": np.ones(5)}, ["relu"] * 2, r"bias of shape \(5,\); expected \(3,\)"),
        ({"out.weight": np.ones((2, 9))}, ["relu"] * 2, "shape"),
        ({}, ["relu"], "each of the 2 linear layers, got 1"),
        ({}, ["relu", "rellu"], "relu"),
    ],
)
def test_bad_state_dicts(change: dict[str, Any], activations: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        interop.from_torch(arrays() | change, activations)


@pytest.mark.parametrize("given", [None, "relu"])
def test_activations_of_a_state_dict_are_a_list(given: Any) -> None:
    with pytest.raises(TypeError, match="one for each linear layer"):
        interop.from_torch(arrays(), given)


# --- Keras ----------------------------------------------------------------------------------------
def keras_model(*stack: Any, shape: tuple[int, ...] = (4,)) -> Any:
    k = keras()
    return k.Sequential([k.layers.Input(shape), *stack])


def test_keras_activations() -> None:
    k = keras()
    names = [
        "linear",
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "softplus",
        "softsign",
    ]
    names += ["hard_sigmoid", "exponential", "softmax", "log_softmax"]
    stack = [
        k.layers.Dense(6, name, use_bias=i % 2 == 0, kernel_initializer="zeros")
        for i, name in enumerate(names)
    ]
    stack += [k.layers.LeakyReLU(0.3), k.layers.ReLU(negative_slope=0.1), k.layers.ELU(0.4)]
    stack += [k.layers.Dropout(0.3), k.layers.Activation("tanh"), k.layers.Softmax()]
    model = keras_model(*stack)
    model.set_weights([RNG.normal(size=w.shape) for w in model.get_weights()])
    same(interop.from_keras(model), model(X))


@pytest.mark.parametrize("axis", [-1, (1, 2), None, 1])
@pytest.mark.parametrize("given", [False, True])
def test_keras_images(axis: Any, given: bool) -> None:
    k = keras()
    x = RNG.integers(0, 256, (30, 3, 5)).astype(np.float64)
    normalization = k.layers.Normalization(axis=axis)
    if given:
        normalization = k.layers.Normalization(axis=axis, mean=0.4, variance=0.3)
    else:
        normalization.adapt(x / 255)
    stack = [k.layers.Rescaling(1 / 255), normalization, k.layers.Flatten(), k.layers.Dense(2)]
    model = keras_model(*stack, shape=(3, 5))
    same(interop.from_keras(model), model(x), x)


def test_keras_layers_without_counterpart_are_named() -> None:
    k = keras()
    bad = [
        k.layers.BatchNormalization(name="bad"),
        k.layers.ReLU(max_value=6.0, name="bad"),
        k.layers.Dense(3, "relu6", name="bad"),
        k.layers.Dense(3, lambda z: z, name="bad"),
        k.layers.Normalization(mean=0.0, variance=1.0, invert=True, name="bad"),
    ]
    for layer in bad:
        with pytest.raises(TypeError, match="layer 'bad' has no counterpart"):
            interop.from_keras(keras_model(layer))
    with pytest.raises(TypeError, match=r"must be a keras\.Sequential, got Dense"):
        interop.from_keras(layers.Dense(3))
    with pytest.raises(ValueError, match="no weights yet"):
        interop.from_keras(k.Sequential([k.layers.Dense(2)]))
