"""compile(standardize_targets=True): trained in units of the targets' spread, seen in their own."""

from typing import Any

import numpy as np
import pytest
from oracle.network import Loss
from oracle.normalization import standardize, target_scaling, to_units
from oracle.optimizers import OPTIMIZERS
from oracle.tolerances import assert_all_close, assert_close, reduction, trajectory
from oracle.train import train
from shallowcore import layers, models
from twins import chain, to_layer

DTYPES = (np.float32, np.float64)
MSE = Loss("mean_squared_error")


def problem(n_outputs: int, dtype: Any, seed: int = 0) -> tuple[Any, Any, Any]:
    """Network, inputs, and targets of very different sizes and places."""
    rng = np.random.default_rng(seed)
    network = chain(rng, (6, 8, n_outputs), ("tanh", "identity"), dtype)
    x = rng.normal(size=(103, 6)).astype(dtype)
    y = (rng.normal(size=(103, n_outputs)) + 5.0) * 10.0 ** np.arange(n_outputs)
    return network, x, y.astype(dtype)


def model_of(network: Any, **options: Any) -> models.Sequential:
    """The model with the network's layers and weights, compiled to standardise."""
    stack = [layers.Input((6,)), *map(to_layer, network.layers)]
    model = models.Sequential(stack, dtype=np.dtype(network.dtype).name, seed=0)
    model.set_weights(network.parameters())
    model.compile("sgd", "mse", ["mse", "mae"], standardize_targets=True, **options)
    return model


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_trains_as_on_standardized_targets(n_outputs: int, dtype: Any) -> None:
    """History, evaluate, predict and gradients; validation has the training's scaling."""
    network, x, y = problem(n_outputs, dtype)
    x_val, y_val = problem(n_outputs, dtype, seed=1)[1:]
    model = model_of(network)
    mean, scale = target_scaling(y)
    ready, ready_val = (standardize(v, mean, scale).astype(dtype) for v in (y, y_val))
    optimizer = OPTIMIZERS["sgd"](network.parameters())
    expected = train(network, optimizer, MSE, x, ready, epochs=5, validation=(x_val, ready_val))
    history = model.fit(x, y, epochs=5, validation_data=(x_val, y_val), verbose=0).history
    rtol = 2 * trajectory(dtype, 20)
    assert_all_close(model.get_weights(), network.parameters(), rtol)
    assert_close(history["loss"], expected["loss"], rtol)
    assert_close(history["val_loss"], expected["val_loss"], rtol)

    outputs = network.forward(x)[0][-1]
    in_units = to_units(outputs.astype(np.float64), mean, scale)
    assert_close(model.predict(x), in_units.astype(dtype), 2 * rtol)
    errors = in_units - y
    figures = model.evaluate(x, y, return_dict=True)
    assert_close(figures["loss"], network.evaluate(x, ready, MSE)[0], 2 * rtol)
    assert_close(figures["mse"], np.mean(errors**2), 4 * rtol)
    assert_close(figures["mae"], np.mean(np.abs(errors)), 4 * rtol)
    gradients = network.gradients(x, ready, MSE)[1]
    assert_all_close(model.gradients(x, y)[1], gradients, 4 * rtol, scale=1.0)


def test_the_first_fit_fixes_the_scaling() -> None:
    network, x, y = problem(2, np.float64)
    model = model_of(network)
    model.fit(x, y, validation_split=0.4, verbose=0)
    before = model.predict(x)
    mean, scale = target_scaling(y[:61])
    outputs = models.Sequential(
        [layers.Input((6,)), *map(to_layer, network.layers)], dtype="float64"
    )
    outputs.set_weights(model.get_weights())
    assert_close(before, to_units(outputs.predict(x), mean, scale), 1e-14)
    model.compile("adam", "mse")
    assert model.predict(x).tobytes() == before.tobytes()
    model.fit(x, 1000.0 * y, verbose=0)
    outputs.set_weights(model.get_weights())
    assert_close(model.predict(x), to_units(outputs.predict(x), mean, scale), 1e-14)
    model.compile("adam", "mse", standardize_targets=False)
    assert_close(model.predict(x), outputs.predict(x), reduction(np.float64, 8))


def test_one_row_is_predicted_with_the_bits_of_many() -> None:
    network, x, y = problem(2, np.float32)
    model = model_of(network)
    model.fit(x, y, verbose=0)
    many = model.predict(x)
    assert model.predict(x[7:8]).tobytes() == many[7:8].tobytes()


def test_constant_targets_are_predicted() -> None:
    network, x, y = problem(1, np.float64)
    model = model_of(network)
    model.fit(x, np.full_like(y, 7.5), epochs=1000, verbose=0)
    assert np.abs(model.predict(x) - 7.5).max() < 0.1


def test_steps_on_batches_use_what_fit_has_found() -> None:
    network, x, y = problem(2, np.float64)
    model = model_of(network)
    model.fit(x, y, verbose=0)
    loss = model.evaluate(x, y)[0]
    assert_close(model.train_on_batch(x, y)[0], loss, 1e-13)


def test_better_than_without_on_targets_far_from_zero() -> None:
    """House prices in currency units: plain training does not get near them."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 5))
    y = 250_000.0 + 40_000.0 * np.tanh(x[:, 0] + x[:, 1] * x[:, 2])
    errors = []
    for standardize_targets in (False, True):
        model = models.Sequential(
            [layers.Input((5,)), layers.Dense(16, "tanh"), layers.Dense(1)], seed=0
        )
        model.compile("adam", "mse", ["mae"], standardize_targets=standardize_targets)
        errors.append(model.fit(x, y, epochs=100, verbose=0).history["mae"][-1])
    assert errors[1] < 12_000 < 200_000 < errors[0]


@pytest.mark.parametrize("loss", ["binary_crossentropy", "sparse_categorical_crossentropy"])
def test_losses_of_classes_are_refused(loss: str) -> None:
    model = models.Sequential([layers.Input((2,)), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"standardize_targets=True is for regression"):
        model.compile("sgd", loss, standardize_targets=True)
    with pytest.raises(RuntimeError, match="compile"):
        model.fit(np.ones((2, 2)), np.ones((2, 2)))


def test_the_last_layer_must_be_linear() -> None:
    model = models.Sequential([layers.Input((2,)), layers.Dense(1, "sigmoid")])
    with pytest.raises(ValueError, match=r"needs a linear last layer"):
        model.compile("sgd", "mse", standardize_targets=True)
    model.pop()
    model.compile("sgd", "mse", standardize_targets=True)
    model.add(layers.Dense(1, "tanh"))
    with pytest.raises(ValueError, match=r"needs a linear last layer"):
        model.fit(np.ones((2, 2)), np.ones(2))
    with pytest.raises(TypeError, match="standardize_targets must be True or False"):
        model.compile("sgd", "mse", standardize_targets="yes")


def test_a_fit_that_fails_finds_no_scaling(monkeypatch: Any) -> None:
    network, x, y = problem(1, np.float64)
    model = model_of(network)
    before = model.predict(x)
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", "nonsense")
    with pytest.raises(RuntimeError, match="SHALLOWCORE_FORCE_PLAN"):
        model.fit(x, y, verbose=0)
    assert model.predict(x).tobytes() == before.tobytes()


def test_another_last_layer_forgets_the_scaling() -> None:
    network, x, y = problem(2, np.float64)
    model = model_of(network)
    model.fit(x, y, verbose=0)
    model.pop()
    model.add(layers.Dense(3))
    assert np.abs(model.predict(x)).max() < 50
