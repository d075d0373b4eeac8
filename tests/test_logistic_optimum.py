"""Logistic regression at its optimum, though the inputs are neither scaled nor centred."""

from typing import Any

import numpy as np
import pytest
from oracle.tolerances import assert_close
from shallowcore import layers, models, optimizers, regularizers


def badly_scaled(rng: np.random.Generator, n_samples: int, n_features: int) -> Any:
    """Correlated features of scales 1e-3 to 1e4, far from zero."""
    x = rng.normal(size=(n_samples, n_features)) @ rng.normal(size=(n_features, n_features))
    scales = 10.0 ** np.linspace(-3, 4, n_features)
    return (x + rng.normal(scale=5, size=n_features)) * scales


def relative_gradient(model: Any, x: Any, y: Any, first: float) -> float:
    gradients = model.gradients(x, y)[1]
    return float(np.linalg.norm(np.concatenate([g.ravel() for g in gradients]))) / first


def fitted(x: Any, y: Any, n_classes: int, l2: float, optimizer: Any) -> tuple[Any, int, float]:
    """Model from zeros, iterations, and the gradient's norm against that at the start."""
    penalty = regularizers.L2(l2)
    n_outputs, activation = (1, "sigmoid") if n_classes == 2 else (n_classes, "softmax")
    layer = layers.Dense(
        n_outputs, activation, kernel_initializer="zeros", kernel_regularizer=penalty
    )
    model = models.Sequential([layers.Input(x.shape[1:]), layer], dtype="float64", seed=0)
    loss = "binary_crossentropy" if n_classes == 2 else "sparse_categorical_crossentropy"
    model.compile(optimizer, loss)
    first = relative_gradient(model, x, y, 1.0)
    epochs = len(model.fit(x, y, epochs=100, verbose=0).history["loss"])
    return model, epochs, relative_gradient(model, x, y, first)


@pytest.mark.parametrize("l2", [0.0, 1e-6, 1e-3])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_badly_scaled_inputs(n_classes: int, l2: float) -> None:
    """1e-8 of the gradient in a few dozen iterations, with penalties and without."""
    rng = np.random.default_rng(n_classes)
    x = badly_scaled(rng, 400, 12)
    scores = (x - x.mean(0)) / x.std(0) @ rng.normal(size=(12, n_classes))
    y = np.argmax(scores + 2 * rng.gumbel(size=scores.shape), axis=1)
    _, epochs, gradient = fitted(x, y, n_classes, l2, optimizers.NewtonCG())
    assert gradient <= 1e-8
    assert epochs < 40


@pytest.mark.parametrize("l2", [0.0, 1e-4])
def test_separable_classes(l2: float) -> None:
    """Without a penalty the optimum is at infinity: the gradient falls all the same."""
    rng = np.random.default_rng(1)
    x = badly_scaled(rng, 200, 8)
    y = ((x - x.mean(0)) / x.std(0) @ rng.normal(size=8) > 0).astype(int)
    _, epochs, gradient = fitted(x, y, 2, l2, optimizers.NewtonCG())
    assert gradient <= 1e-8
    assert epochs < 60


def test_features_that_say_nothing() -> None:
    """Constant, zero and repeated columns make the Hessian singular."""
    rng = np.random.default_rng(2)
    x = badly_scaled(rng, 300, 5)
    x = np.column_stack([x, np.zeros(300), np.full(300, 1e3), x[:, 0], 1e-3 * x[:, 4]])
    y = (x[:, 2] > x[:, 2].mean()).astype(int) ^ (rng.random(300) < 0.2)
    for n_classes in (2, 3):
        labels = y if n_classes == 2 else y + (rng.random(300) < 0.3)
        _, epochs, gradient = fitted(x, labels, n_classes, 0.0, optimizers.NewtonCG())
        assert gradient <= 1e-8
        assert epochs < 40


@pytest.mark.parametrize("seed", range(20))
def test_singular_hessians(seed: int) -> None:
    """As above: what rounding leaves of directions without curvature does no harm."""
    rng = np.random.default_rng(seed)
    x = badly_scaled(rng, 300, 5)
    x = np.column_stack([x, np.zeros(300), np.full(300, 1e3), x[:, 0], 1e-3 * x[:, 4]])
    y = (x[:, 2] > x[:, 2].mean()).astype(int) ^ (rng.random(300) < 0.2)
    assert fitted(x, y, 2, 0.0, optimizers.NewtonCG())[2] <= 1e-8


def test_the_optimum_does_not_depend_on_the_scale_of_the_inputs() -> None:
    """Without a penalty, probabilities are those of the standardised problem."""
    rng = np.random.default_rng(3)
    x = badly_scaled(rng, 400, 10)
    standard = (x - x.mean(0)) / x.std(0)
    y = (standard @ rng.normal(size=10) + 2 * rng.normal(size=400) > 0).astype(int)
    optimizer = optimizers.NewtonCG(tolerance=1e-11)
    raw = fitted(x, y, 2, 0.0, optimizer)[0].predict(x)
    tame = fitted(standard, y, 2, 0.0, optimizer)[0].predict(standard)
    assert_close(raw, tame, 1e-6)


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "iris"])
@pytest.mark.parametrize("inverse_c", [0.0, 1e-2, 1.0])
def test_real_data_as_it_is(name: str, inverse_c: float) -> None:
    """scikit-learn's sets, unscaled, with its penalty 1 / (2 C n_samples)."""
    datasets = pytest.importorskip("sklearn.datasets")
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    l2 = inverse_c / (2 * len(x))
    model, epochs, gradient = fitted(x, y, int(y.max()) + 1, l2, optimizers.NewtonCG())
    assert gradient <= 1e-8
    assert epochs < 60
    if inverse_c:
        linear_model = pytest.importorskip("sklearn.linear_model")
        reference = linear_model.LogisticRegression(
            C=1 / inverse_c, solver="newton-cholesky", tol=1e-10, max_iter=1000
        ).fit(x, y)
        expected = reference.predict_proba(x)
        found = model.predict(x)
        found = np.column_stack([1 - found, found]) if y.max() == 1 else found
        assert_close(found, expected, 1e-5)
