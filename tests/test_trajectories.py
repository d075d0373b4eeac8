"""Whole trainings against the oracle's: loss and every parameter after 1 step and after 100.

Both start from the same weights and replay the same shuffle.  Figures of histories are held to the
tolerance of the weights they are made of.  What one training does in one go, it also does in
pieces, to the last bit.
"""

from typing import Any

import numpy as np
import pytest
from oracle.network import Activation, Loss, Network, Rescaling
from oracle.optimizers import OPTIMIZERS, Adam, optimizer
from oracle.tolerances import (
    assert_all_close,
    assert_close,
    assert_same_bits,
    epsilon,
    trajectory,
)
from oracle.train import train
from shallowcore import _core, layers, models, optimizers
from twins import SPARSE, cast, chain, dense, model_of, targets_of

DTYPES = (np.float32, np.float64)
# The project's own promise for float64 after 100 steps; `trajectory` asks for more.
PROMISE = 1e-10


SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("sgd", {}),
    ("sgd", {"learning_rate": 0.2}),
    ("sgd", {"learning_rate": 0.05, "momentum": 0.9}),
    ("sgd", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    ("rmsprop", {}),
    ("rmsprop", {"learning_rate": 0.01, "rho": 0.8, "epsilon": 1e-5}),
    ("rmsprop", {"momentum": 0.5}),
    ("rmsprop", {"centered": True}),
    ("rmsprop", {"centered": True, "momentum": 0.7, "learning_rate": 0.002}),
    ("adam", {}),
    ("adam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-4}),
    ("adam", {"amsgrad": True, "beta_2": 0.9}),
    ("adamw", {}),
    ("adamw", {"learning_rate": 0.01, "weight_decay": 0.1, "amsgrad": True}),
    ("adagrad", {"learning_rate": 0.1}),
    ("adagrad", {"learning_rate": 0.01, "initial_accumulator_value": 0.01, "epsilon": 1e-3}),
    ("nadam", {}),
    ("nadam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-4}),
    ("rprop", {}),
    ("rprop", {"eta_minus": 0.4, "eta_plus": 1.1, "step_min": 1e-4, "step_max": 0.02}),
    ("sgd", {"weight_decay": 0.1, "learning_rate": 0.1}),
    ("sgd", {"clipvalue": 0.01, "momentum": 0.9}),
    ("rmsprop", {"weight_decay": 0.01, "clipvalue": 0.05, "centered": True, "momentum": 0.5}),
]

# Sizes, activations, loss: the shapes of the lectures' systems, small.
NETWORKS: dict[str, tuple[tuple[int, ...], tuple[str, ...], Loss]] = {
    "logistic": ((7, 1), ("sigmoid",), Loss("binary_crossentropy")),
    "shallow": ((20, 10, 1), ("tanh", "sigmoid"), Loss("binary_crossentropy")),
    "softmax": ((9, 17, 5), ("relu", "softmax"), Loss(SPARSE)),
    "one-hot": (
        (9, 8, 4),
        ("selu", "softmax"),
        Loss("categorical_crossentropy", label_smoothing=0.1),
    ),
    "regression": ((5, 8, 6, 2), ("leaky_relu", "elu", "identity"), Loss("mean_squared_error")),
}


def oracle_optimizer(name: str, parameters: Any, settings: dict[str, Any]) -> Any:
    """The oracle's optimizer of that name."""
    return optimizer(name, parameters, **settings)


def problem(name: str, n_samples: int, dtype: Any, seed: int = 1) -> tuple[Network, Loss, Any, Any]:
    """A network with data for it."""
    sizes, names, loss = NETWORKS[name]
    rng = np.random.default_rng(seed)
    network = chain(rng, sizes, names, dtype)
    x = rng.normal(size=(n_samples, sizes[0])).astype(np.float32).astype(dtype)
    return network, loss, x, targets_of(loss, rng, n_samples, sizes[-1], dtype)


def assert_same_training(
    network: Network,
    model: models.Sequential,
    optimizer: Any,
    loss: Loss,
    data: tuple[Any, ...],
    steps: int,
    **options: Any,
) -> None:
    """Both train; every parameter and every figure of the history is close."""
    x, y, *weight = data
    options["sample_weight"] = weight[0] if weight else None
    metrics = [name for name in model.metrics_names if name != "loss"]
    expected = train(network, optimizer, loss, x, y, seed=model.seed, metrics=metrics, **options)
    options["validation_data"] = options.pop("validation", None)
    history = model.fit(x, y, verbose=0, **options).history
    rtol = trajectory(network.dtype, steps)
    assert network.dtype != np.float64 or rtol < PROMISE
    assert_all_close(model.get_weights(), network.parameters(), rtol, name="weights")
    assert set(history) - {"lr"} == set(expected)
    for name, values in expected.items():
        scale = max(1.0, float(np.max(np.abs(values))))
        assert_close(history[name], values, rtol, scale=scale, name=name)


# --- every optimizer ------------------------------------------------------------------------------


def test_the_core_knows_what_the_oracle_knows() -> None:
    table = {info.name: info for info in _core.optimizer_table()}
    solvers = {name for name, info in table.items() if info.full_batch}
    assert solvers == {"lbfgs", "newton_cg", "levenberg_marquardt", "gradient_descent"}
    assert set(table) - solvers == set(OPTIMIZERS)
    assert {name for name, _ in SETTINGS} == set(OPTIMIZERS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
@pytest.mark.parametrize("steps", [1, 100])
def test_steps_of_every_optimizer(
    steps: int, name: str, settings: dict[str, Any], dtype: Any
) -> None:
    """Batches of 32, 32, 32 and 4 samples, shuffled."""
    for kind in NETWORKS if steps == 1 else ("shallow", "softmax"):
        n_samples = 32 if steps == 1 else 100
        network, loss, x, y = problem(kind, n_samples, dtype)
        model = model_of(network, x.shape[1], loss, optimizers.Optimizer(name, **settings), seed=5)
        mine = oracle_optimizer(name, network.parameters(), settings)
        epochs = max(1, steps // 4)
        assert_same_training(network, model, mine, loss, (x, y), steps, epochs=epochs)
        assert model.optimizer.iterations == steps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("shuffle", [False, True])
def test_hundred_steps_of_every_network(shuffle: bool, kind: str, dtype: Any) -> None:
    """Metrics, validation and a short last batch, with sample weights."""
    network, loss, x, y = problem(kind, 103, dtype)
    weight = np.random.default_rng(2).random(len(x)).astype(dtype)
    _, _, x_val, y_val = problem(kind, 31, dtype, seed=3)
    metrics = ["accuracy"] if loss.name == SPARSE else ["accuracy", "mse", "mae"]
    settings = {"learning_rate": 0.1, "momentum": 0.5}
    model = model_of(network, x.shape[1], loss, optimizers.SGD(**settings), metrics, seed=2**40 + 9)
    mine = oracle_optimizer("sgd", network.parameters(), settings)
    assert_same_training(
        network,
        model,
        mine,
        loss,
        (x, y, weight),
        100,
        epochs=17,
        batch_size=20,
        shuffle=shuffle,
        validation=(x_val, y_val, weight[:31]),
    )


@pytest.mark.parametrize("batch_size", [1, 7, 96, 97, 1000])
def test_batch_sizes(batch_size: int) -> None:
    """One sample a step, and all of them at once; shuffled where that changes anything."""
    network, loss, x, y = problem("shallow", 97, np.float64)
    model = model_of(network, 20, loss, "adam", ["accuracy"], seed=11)
    mine = Adam(network.parameters())
    steps = 4 * -(-97 // batch_size)
    assert_same_training(network, model, mine, loss, (x, y), steps, epochs=4, batch_size=batch_size)


@pytest.mark.parametrize("dtype", DTYPES)
def test_penalties_odd_layers_and_missing_biases(dtype: Any) -> None:
    rng = np.random.default_rng(4)
    stack = [
        Rescaling(0.5, 0.1),
        dense(rng, 6, 8, "identity", kernel_l2=0.01),
        Activation("leaky_relu", {"negative_slope": 0.2}),
        Rescaling(1.5, -0.2),
        dense(rng, 8, 5, "softmax", use_bias=False, kernel_l1=0.003),
        dense(rng, 5, 2, "sigmoid", bias_l1=0.01, bias_l2=0.02, kernel_l1=0.002, kernel_l2=0.004),
    ]
    network = cast(Network(stack), dtype)
    loss = Loss("binary_crossentropy", label_smoothing=0.05, scale=2.0)
    x = rng.normal(size=(50, 6)).astype(np.float32).astype(dtype)
    y = targets_of(loss, rng, 50, 2, dtype)
    model = model_of(network, 6, loss, optimizers.Adam(0.01), seed=1)
    mine = Adam(network.parameters(), learning_rate=0.01)
    assert_same_training(
        network, model, mine, loss, (x, y), 100, epochs=25, batch_size=13, validation=(x, y)
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_train_on_batch(dtype: Any) -> None:
    network, loss, x, y = problem("softmax", 40, dtype)
    model = model_of(network, 9, loss, "rmsprop", ["accuracy"])
    mine = oracle_optimizer("rmsprop", network.parameters(), {})
    for step in range(1, 21):
        rows = slice(0, 1 + 2 * step)
        expected = train(network, mine, loss, x[rows], y[rows], batch_size=99, metrics=["accuracy"])
        figures = model.train_on_batch(x[rows], y[rows])
        want = [expected["loss"][0], expected["accuracy"][0]]
        assert_close(figures, want, trajectory(dtype, step), scale=max(1.0, want[0]))
    assert_all_close(model.get_weights(), network.parameters(), trajectory(dtype, 20))


@pytest.mark.parametrize("dtype", DTYPES)
def test_figures_of_evaluate(dtype: Any) -> None:
    """Many samples, more than the core takes at a time, with weights and every metric."""
    for kind in NETWORKS:
        network, loss, x, y = problem(kind, 5003, dtype)
        weight = np.random.default_rng(5).random(len(x)).astype(dtype)
        metrics = ["accuracy"] if loss.name == SPARSE else ["accuracy", "mse", "mae"]
        model = model_of(network, x.shape[1], loss, metrics=metrics)
        exact = cast(network, np.float64)
        exact_y = y if loss.name == SPARSE else y.astype(np.float64)
        want = exact.evaluate(
            x.astype(np.float64), exact_y, loss, metrics, weight.astype(np.float64)
        )
        got = model.evaluate(x, y, sample_weight=weight)
        assert_close(got, want, 64 * epsilon(dtype))
        assert_close(model.predict(x), exact.predict(x).astype(dtype), 64 * epsilon(dtype))


# --- in pieces ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam"])
@pytest.mark.parametrize("kind", ["shallow", "softmax"])
def test_a_second_fit_goes_on_where_the_first_stopped(kind: str, name: str) -> None:
    network, loss, x, y = problem(kind, 70, np.float32)
    whole, pieces = (model_of(network, x.shape[1], loss, name, seed=8) for _ in range(2))
    long = whole.fit(x, y, epochs=7, verbose=0).history["loss"]
    short: list[float] = []
    for epochs in (1, 4, 2):
        short += pieces.fit(x, y, epochs=epochs, verbose=0).history["loss"]
    assert short == long
    assert pieces.digest() == whole.digest()
    assert pieces.optimizer.iterations == whole.optimizer.iterations == 7 * 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "settings"),
    [("sgd", {"momentum": 0.9}), ("adam", {}), ("newton_cg", {}), ("lbfgs", {})],
)
def test_an_interrupted_trainer_gives_the_same_bits(
    name: str, settings: dict[str, float], dtype: str
) -> None:
    """The core returns after every single step: nothing is lost or done twice."""
    network, _, x, y = problem("shallow", 101, dtype)
    data = _core.Dataset(x, y)
    results = []
    for seconds in (1e9, 0.0):
        model = model_of(network, 20, Loss("binary_crossentropy"))
        core = model._build_known()
        trainer = _core.Trainer(
            core,
            _core.Optimizer(core, name, settings),
            _core.Loss("binary_crossentropy"),
            ["accuracy"],
            data,
            data,
            batch_size=25,
            seed=6,
        )
        calls = 1
        while not trainer.run(5, seconds):
            calls += 1
            assert np.isfinite(trainer.running).all()
        assert trainer.run(5, seconds)
        solver = name in ("newton_cg", "lbfgs")
        n_batches = 1 if solver else 5
        reason = "maximum epochs" if solver else ""
        assert trainer.n_batches == n_batches
        assert (trainer.epoch, trainer.batch, trainer.stop_reason) == (5, 0, reason)
        assert calls == (1 if seconds else 5 * n_batches)
        results.append((core.digest(), trainer.history(), trainer.epoch_counter))
    assert results[0] == results[1]


# --- inputs of other kinds ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "kind", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "bool"]
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_integers_train_as_the_floats_they_are(shuffle: bool, kind: str, dtype: str) -> None:
    """Read in place and converted on the fly: bit for bit the model fed with floats."""
    rng = np.random.default_rng(3)
    low = 0 if kind[0] in "ub" else -100
    x = rng.integers(low, 2 if kind == "bool" else 120, (90, 12)).astype(kind)
    x[0, 0] = np.iinfo(kind).max if kind != "bool" else True
    y = rng.integers(0, 3, 90)

    def trained(inputs: Any) -> tuple[str, Any]:
        stack = [layers.Input((12,)), layers.Rescaling(1 / 255, -0.1), layers.Dense(3, "softmax")]
        model = models.Sequential(stack, dtype=dtype, seed=2)
        model.compile("adam", SPARSE)
        model.fit(inputs, y, epochs=3, shuffle=shuffle, verbose=0)
        return model.digest(), model.predict(inputs)

    digest, outputs = trained(x.astype(dtype))
    for laid in (x, np.asfortranarray(x), x[::-1].copy()[::-1]):
        one, predicted = trained(laid)
        assert one == digest
        assert_same_bits(predicted, outputs)


@pytest.mark.parametrize("plan", ["", "blocks", "panels"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts_and_memory_maps(tmp_path: Any, monkeypatch: Any, dtype: Any, plan: str) -> None:
    """Shuffled batches are gathered: any layout gives the same bits.  In order, x is read in place
    and sums may run in another order: the same to rounding."""
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    network, loss, x, y = problem("softmax", 90, dtype)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    wide = np.zeros((180, 27), dtype)
    wide[::2, ::3] = x
    shifted = np.zeros(x.nbytes + 1, np.uint8)[1:].view(dtype).reshape(x.shape)
    shifted[...] = x
    laid = [x, mapped, np.asfortranarray(x), wide[::2, ::3], x[:, ::-1].copy()[:, ::-1], shifted]
    for shuffle in (True, False):
        weights = []
        for inputs in laid:
            before = np.array(inputs)
            model = model_of(network, 9, loss, "rmsprop", seed=3)
            model.fit(inputs, y, epochs=4, shuffle=shuffle, verbose=0)
            weights.append(model.get_weights())
            assert_same_bits(inputs, before)
            if plan == "blocks" and not shuffle and inputs is not shifted:
                assert "inputs read in place" in model.plan_summary()
        for other in weights[1:]:
            if shuffle:
                for a, b in zip(other, weights[0], strict=True):
                    assert_same_bits(a, b)
            assert_all_close(other, weights[0], trajectory(dtype, 12))
