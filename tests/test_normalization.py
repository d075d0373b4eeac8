"""layers.Normalization: figures, reading, training on every plan, and what Keras does."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
import shallowcore
from hypothesis import given
from hypothesis import strategies as st
from oracle.network import Loss, Network
from oracle.normalization import moments, normalize
from oracle.optimizers import OPTIMIZERS
from oracle.tolerances import assert_all_close, assert_close, reduction, trajectory
from oracle.train import train
from shallowcore import layers, models
from twins import chain, model_of, to_layer, to_loss

DTYPES = (np.float32, np.float64)
TYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def normalized_model(
    network: Network, loss: Loss, n_features: int, *before: layers.Layer, optimizer: Any = "sgd"
) -> models.Sequential:
    """The network's layers behind a Normalization, with its weights."""
    stack = [*before, layers.Normalization(), *map(to_layer, network.layers)]
    dtype = np.dtype(network.dtype).name
    model = models.Sequential([layers.Input((n_features,)), *stack], dtype=dtype, seed=0)
    figures = len(model.get_weights()) - len(network.parameters())
    model.set_weights([*model.get_weights()[:figures], *network.parameters()])
    model.compile(optimizer, to_loss(loss))
    return model


def raw(n_samples: int, n_features: int, dtype: Any = np.float64, seed: int = 0) -> Any:
    """Features of very different sizes and places, one of them constant."""
    rng = np.random.default_rng(seed)
    scales, places = 10.0 ** rng.uniform(-3, 3, n_features), rng.uniform(-50, 50, n_features)
    x = (rng.normal(size=(n_samples, n_features)) + places) * scales
    x[:, n_features // 2] = 0.1
    return x.astype(np.float32).astype(dtype)


# --- figures --------------------------------------------------------------------------------------
@pytest.mark.parametrize("n_samples", [1, 2, 127, 128, 129, 1000])
@pytest.mark.parametrize("n_features", [1, 5, 130])
def test_adapt_finds_mean_and_variance(n_samples: int, n_features: int) -> None:
    x = raw(n_samples, n_features)
    layer = layers.Normalization()
    layer.adapt(x)
    mean, variance = moments(x)
    spread = np.sqrt(variance).max()
    assert np.abs(layer.mean - mean).max() <= 1e-15 * np.abs(x).max()
    assert np.abs(np.sqrt(layer.variance) - np.sqrt(variance)).max() <= 1e-9 * spread
    assert layer.variance[n_features // 2] == 0.0
    assert layer.get_weights()[2] == n_samples


@given(offset=st.sampled_from([0.0, 1e6, 1e12]), n_samples=st.integers(2, 400))
def test_large_numbers_that_differ_little(offset: float, n_samples: int) -> None:
    x = offset + np.random.default_rng(n_samples).integers(0, 9, (n_samples, 3)).astype(float)
    layer = layers.Normalization()
    layer.adapt(x)
    mean, variance = moments(x)
    assert_close(layer.mean - offset, mean - offset, 1e-9 + 4e-16 * offset, scale=1.0)
    assert_close(layer.variance, variance, 1e-9 + 4e-16 * offset, scale=1.0)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_integers_are_read_as_they_are(dtype: str, order: Any) -> None:
    x = np.random.default_rng(1).integers(0, 2 if dtype == "bool" else 100, (50, 4))
    x = np.asarray(x, dtype=dtype, order=order)[::2]
    layer = layers.Normalization()
    layer.adapt(x)
    mean, variance = moments(x)
    assert_close(layer.mean, mean, 1e-15)
    assert_close(layer.variance, variance, 1e-14)
    expected = normalize(x, mean, variance).astype(np.float32)
    assert_close(models.Sequential([layer]).predict(x), expected, 1e-6)


def test_float32_models_keep_the_digits_of_large_integers() -> None:
    x = 1_600_000_000 + np.arange(50, dtype=np.int64)[:, np.newaxis]
    layer = layers.Normalization()
    layer.adapt(x)
    expected = normalize(x, *moments(x)).astype(np.float32)
    assert_close(models.Sequential([layer]).predict(x), expected, 1e-6)


@pytest.mark.parametrize("axis", [-1, 1, 2, (1, 2), (2, 1), None, -2])
def test_axes(axis: Any) -> None:
    x = np.random.default_rng(2).normal(3.0, 2.0, (20, 4, 5))
    layer = layers.Normalization(axis)
    layer.adapt(x)
    kept = () if axis is None else axis if isinstance(axis, tuple) else (axis,)
    others = tuple(a for a in range(3) if a not in kept and a - 3 not in kept)
    assert_close(layer.mean, x.mean(axis=others), 1e-14)
    assert_close(layer.variance, x.var(axis=others), 1e-14)
    model = models.Sequential([layer, layers.Flatten()], dtype="float64")
    mean, variance = (f(x, axis=others, keepdims=True) for f in (np.mean, np.var))
    expected = ((x - mean) / np.sqrt(variance)).reshape(20, -1)
    assert_close(model.predict(x), expected, 1e-13)


def test_given_figures_are_settings() -> None:
    layer = layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 0.0])
    model = models.Sequential([layers.Input((2,)), layer, layers.Dense(1)], dtype="float64")
    assert model.count_params() == 3
    assert layer.get_weights() == []
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
    assert layer.mean.tolist() == [1.0, 2.0]
    one = models.Sequential([layers.Normalization(mean=1.0, variance=4.0)], dtype="float64")
    assert one.predict([[3.0, 5.0]]).tolist() == [[1.0, 2.0]]
    with pytest.raises(ValueError, match=r"adapt was called, but mean and variance were given"):
        layer.adapt(np.ones((3, 2)))


def test_threads_do_not_matter() -> None:
    """Enough work for all of them."""
    x = raw(6000, 300, np.float32)
    found = []
    for n_threads in (1, 2, 3):
        with shallowcore.num_threads(n_threads):
            layer = layers.Normalization()
            layer.adapt(x)
            found.append((layer.mean.tobytes(), layer.variance.tobytes()))
    assert found[1:] == found[:1] * 2


# --- when it adapts -------------------------------------------------------------------------------
def test_the_first_fit_adapts_to_its_training_samples_only() -> None:
    x = raw(100, 6)
    y = np.zeros(100)
    model = models.Sequential([layers.Normalization(), layers.Dense(1)], dtype="float64", seed=0)
    model.compile("sgd", "mse")
    model.fit(x, y, validation_split=0.3, verbose=0)
    mean, variance = moments(x[:70])
    assert_close(model.layers[0].mean, mean, 1e-14)
    model.fit(10 * x, y, verbose=0)
    assert_close(model.layers[0].mean, mean, 1e-14)
    assert_close(model.layers[0].variance, variance, 1e-12)


def test_a_rescaling_before_it_counts() -> None:
    x = np.random.default_rng(3).integers(0, 256, (60, 5), dtype=np.uint8)
    stack = [layers.Rescaling(1 / 255, offset=-0.5), layers.Normalization(), layers.Dense(1)]
    model = models.Sequential(stack, dtype="float64", seed=0)
    model.compile("sgd", "mse")
    model.fit(x, np.zeros(60), verbose=0)
    mean, variance = moments(x / 255 - 0.5)
    assert_close(model.layers[1].mean, mean, 1e-14)
    assert_close(model.layers[1].variance, variance, 1e-13)
    w, b = model.get_weights()[3:]
    assert_close(model.predict(x), normalize(x / 255 - 0.5, mean, variance) @ w + b, 1e-12)


def test_until_then_it_changes_nothing() -> None:
    x = raw(5, 3)
    model = models.Sequential([layers.Normalization(), layers.Dense(2)], dtype="float64", seed=0)
    w = model.predict(x) is not None and model.get_weights()[3]
    assert_close(model.predict(x), x @ w, 1e-14)
    model.compile("sgd", "mse")
    model.train_on_batch(x, np.zeros((5, 2)))
    assert not model.layers[0].is_adapted


def test_adapting_again_keeps_the_training() -> None:
    x, y = raw(64, 4), np.zeros(64)
    model = models.Sequential([layers.Normalization(), layers.Dense(1)], dtype="float64", seed=0)
    model.compile("adam", "mse")
    model.fit(x, y, verbose=0)
    kernel = model.layers[1].kernel.copy()
    model.layers[0].adapt(x[:10])
    assert (model.layers[1].kernel == kernel).all()
    assert model.optimizer.iterations == 2
    mean, variance = moments(x[:10])
    expected = normalize(x, mean, variance) @ kernel + model.layers[1].bias
    assert_close(model.predict(x), expected, 1e-10)


def test_a_fit_that_fails_leaves_it_as_it_was(monkeypatch: Any) -> None:
    model = models.Sequential([layers.Normalization(), layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    for bad in (np.zeros(3), np.full(5, np.nan)):
        with pytest.raises(ValueError, match="y"):
            model.fit(raw(5, 3), bad, verbose=0)
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", "nonsense")
    with pytest.raises(RuntimeError, match="SHALLOWCORE_FORCE_PLAN"):
        model.fit(raw(5, 3), np.zeros(5), verbose=0)
    assert not model.layers[0].is_adapted


# --- training -------------------------------------------------------------------------------------
CASES: dict[str, tuple[str, tuple[int, ...], int, int, bool]] = {
    # plan, sizes, samples, batch size, shuffled
    "lanes": ("lanes", (6, 5, 1), 103, 32, True),
    "lanes in order": ("lanes", (6, 5, 1), 103, 32, False),
    "panels": ("panels", (40, 64, 3), 103, 32, True),
    "blocks": ("blocks", (9, 8, 2), 103, 32, True),
    "tiles": ("tiles", (300, 1), 64, 64, False),
    "gram": ("gram", (300, 8, 1), 40, 40, False),
    "solver": ("solver", (6, 5, 1), 60, 60, False),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_every_plan_trains_as_on_normalized_inputs(case: str, dtype: Any, monkeypatch: Any) -> None:
    plan, sizes, n_samples, batch_size, shuffle = CASES[case]
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    rng = np.random.default_rng(4)
    names = ["tanh"] * (len(sizes) - 2) + ["identity"]
    network, loss = chain(rng, sizes, names, dtype), Loss("mean_squared_error")
    x = raw(n_samples, sizes[0], dtype)
    y = rng.normal(size=(n_samples, sizes[-1])).astype(dtype)
    name = "newton_cg" if plan == "solver" else "sgd"
    model = normalized_model(network, loss, sizes[0], optimizer=name)
    ready = normalize(x, *moments(x)).astype(dtype)
    options = {"epochs": 5, "batch_size": batch_size, "shuffle": shuffle}
    if plan == "solver":
        other = model_of(network, sizes[0], loss, name)
        other.fit(ready, y, verbose=0, **options)
        expected = other.get_weights()
    else:
        train(network, OPTIMIZERS[name](network.parameters()), loss, ready, y, **options)
        expected = network.parameters()
    model.fit(x, y, verbose=0, **options)
    rounding = 30 if plan == "solver" else 4  # of the inputs, in another order
    rtol = rounding * trajectory(dtype, 20)
    assert_all_close(model.get_weights()[3:], expected, rtol)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_gradients_and_evaluate(dtype: str) -> None:
    rng = np.random.default_rng(5)
    network, loss = chain(rng, (7, 5, 2), ("tanh", "identity")), Loss("mean_squared_error")
    x = rng.integers(0, 200, (50, 7)).astype(dtype)
    y = rng.normal(size=(50, 2))
    model = normalized_model(network, loss, 7)
    model.layers[0].adapt(x)
    value, expected = network.gradients(normalize(x, *moments(x)), y, loss)
    found, gradients = model.gradients(x, y)
    assert_close(found, value, reduction(np.float64, 400))
    assert_all_close(gradients, expected, reduction(np.float64, 4000))
    assert_close(model.evaluate(x, y), value, reduction(np.float64, 400))


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_row_is_predicted_with_the_bits_of_many(dtype: Any) -> None:
    rng = np.random.default_rng(6)
    network = chain(rng, (9, 8, 3), ("tanh", "softmax"), dtype)
    model = normalized_model(network, Loss("categorical_crossentropy"), 9)
    x = raw(40, 9, dtype)
    model.layers[0].adapt(x)
    many = model.predict(x)
    for i in (0, 17, 39):
        assert model.predict(x[i : i + 1]).tobytes() == many[i : i + 1].tobytes()


def test_no_normalized_copy_is_made(tmp_path: Any) -> None:
    x = np.memmap(tmp_path / "x", dtype=np.uint8, mode="w+", shape=(40_000, 100))
    x[:] = np.random.default_rng(7).integers(0, 256, x.shape, dtype=np.uint8)
    x.flush()
    x = np.memmap(tmp_path / "x", dtype=np.uint8, mode="r", shape=(40_000, 100))
    model = models.Sequential([layers.Normalization(), layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    y = np.zeros(len(x), dtype=np.float32)
    tracemalloc.start()
    model.fit(x, y, batch_size=256, verbose=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < x.size / 2
    assert_close(model.layers[0].mean, x.mean(axis=0), 1e-13)


# --- weights and names ----------------------------------------------------------------------------
def test_weights_are_as_in_keras() -> None:
    x = raw(30, 4)
    model = models.Sequential([layers.Normalization(), layers.Dense(2)], seed=0)
    model.build((None, 4))
    assert model.count_params() == 4 + 4 + 1 + 4 * 2 + 2
    shapes = [w.shape for w in model.get_weights()]
    assert shapes == [(4,), (4,), (), (4, 2), (2,)]
    model.layers[0].adapt(x)
    other = models.Sequential([layers.Normalization(), layers.Dense(2)], seed=1)
    other.build((None, 4))
    other.set_weights(model.get_weights())
    assert other.layers[0].is_adapted
    assert other.predict(x).tobytes() == model.predict(x).tobytes()
    with pytest.raises(ValueError, match=r"weights\[0\] must have shape \(4,\)"):
        other.set_weights([np.zeros(3), *model.get_weights()[1:]])
    text: list[str] = []
    model.summary(text.append)
    assert "Total params: 19 " in text[0]
    assert "Trainable params: 10 " in text[0]
    assert "Non-trainable params: 9 " in text[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mean": 1.0}, "mean and variance must be given both"),
        ({"variance": 1.0}, "mean and variance must be given both"),
        ({"mean": 1.0, "variance": -1.0}, "variance must be finite numbers >= 0"),
        ({"mean": np.inf, "variance": 1.0}, "mean must be finite numbers"),
        ({"axis": 0}, "axis must be different axes other than 0"),
        ({"axis": (1, 1)}, "axis must be different axes"),
        ({"axis": 1.5}, "axis must be an integer"),
        ({"axis": "x"}, "axis must be an integer"),
    ],
)
def test_bad_arguments(arguments: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        layers.Normalization(**arguments)


def test_bad_places_and_data() -> None:
    with pytest.raises(ValueError, match="must stand before all layers but Rescaling and Flatten"):
        models.Sequential([layers.Dense(3), layers.Normalization()])
    with pytest.raises(ValueError, match="must stand before all layers"):
        models.Sequential([layers.Normalization(), layers.Normalization()])
    with pytest.raises(ValueError, match=r"axis must be .* got 2"):
        models.Sequential([layers.Input((3,)), layers.Normalization(axis=2)])
    layer = layers.Normalization()
    for bad in (np.ones(3), np.ones((0, 3)), [["a"]], np.full((2, 3), np.nan)):
        with pytest.raises((TypeError, ValueError), match="data"):
            layer.adapt(bad)
    layer.adapt(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"means and variances of shape \(3,\)"):
        models.Sequential([layers.Input((4,)), layer])
    with pytest.raises(RuntimeError, match="no model"):
        layers.Normalization().get_weights()


def test_adapt_writes_nothing_of_the_callers() -> None:
    x = raw(20, 3)
    x.flags.writeable = False
    layers.Normalization().adapt(x)
