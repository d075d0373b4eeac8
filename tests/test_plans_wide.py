"""Plans for wide inputs, all samples in every step: in the samples' space, and tile by tile."""

from typing import Any

import numpy as np
import pytest
import shallowcore
from oracle.network import Loss
from oracle.tolerances import assert_all_close, trajectory
from shallowcore import callbacks, layers, models, optimizers
from test_trajectories import DTYPES, SETTINGS, assert_same_training, oracle_optimizer
from twins import SPARSE, cast, chain, dense, model_of, targets_of

BINARY = Loss("binary_crossentropy")


def wide(
    sizes: tuple[int, ...], n_samples: int, dtype: Any, loss: Loss = BINARY, *hidden: str
) -> tuple[Any, Any, Any]:
    """A network, and samples for it."""
    rng = np.random.default_rng(3)
    last = "sigmoid" if loss is BINARY else "softmax"
    network = chain(rng, sizes, (*hidden, last), dtype)
    x = rng.normal(size=(n_samples, sizes[0])).astype(np.float32).astype(dtype)
    return network, x, targets_of(loss, rng, n_samples, sizes[-1], dtype)


@pytest.fixture
def force(monkeypatch: Any) -> Any:
    """Force a plan by name."""
    return lambda name: monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", name)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("sizes", "hidden", "loss"),
    [
        ((90, 1), (), BINARY),
        ((61, 7, 1), ("tanh",), BINARY),
        ((300, 4, 6, 3), ("relu", "tanh"), Loss(SPARSE)),
        ((45, 3), (), Loss(SPARSE)),
    ],
    ids=str,
)
def test_gram_is_gradient_descent(
    force: Any, sizes: tuple[int, ...], hidden: tuple[str, ...], loss: Loss, dtype: Any
) -> None:
    force("gram")
    network, x, y = wide(sizes, 37, dtype, loss, *hidden)
    weight = np.random.default_rng(2).random(len(x)).astype(dtype)
    model = model_of(network, sizes[0], loss, optimizers.SGD(0.05), ["accuracy"], seed=1)
    mine = oracle_optimizer("sgd", network.parameters(), {"learning_rate": 0.05})
    options = {"epochs": 30, "batch_size": 37, "validation": (x[:9], y[:9])}
    assert_same_training(network, model, mine, loss, (x, y, weight), 30, **options)
    assert "plan: gram" in model.plan_summary()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
def test_tiles_run_every_optimizer(
    force: Any, name: str, settings: dict[str, Any], dtype: Any
) -> None:
    force("tiles")
    network, x, y = wide((203, 1), 41, dtype)
    model = model_of(network, 203, BINARY, optimizers.Optimizer(name, **settings), seed=1)
    mine = oracle_optimizer(name, network.parameters(), settings)
    options = {"epochs": 30, "batch_size": 41, "validation": (x[:9], y[:9])}
    assert_same_training(network, model, mine, BINARY, (x, y), 30, **options)
    assert "plan: tiles" in model.plan_summary()


@pytest.mark.parametrize("dtype", DTYPES)
def test_tiles_under_penalties_and_further_layers(force: Any, dtype: Any) -> None:
    force("tiles")
    rng = np.random.default_rng(6)
    first = dense(rng, 130, 1, "tanh", kernel_l1=0.01, kernel_l2=0.02, bias_l2=0.03)
    network = chain(rng, (1, 3, 2), ("relu", "identity"))
    network.layers.insert(0, first)
    network = cast(network, dtype)
    loss = Loss("mean_squared_error")
    x = rng.normal(size=(20, 130)).astype(np.float32).astype(dtype)
    y = targets_of(loss, rng, 20, 2, dtype)
    model = model_of(network, 130, loss, optimizers.Adam(), ["mae"], seed=1)
    mine = oracle_optimizer("adam", network.parameters(), {})
    assert_same_training(network, model, mine, loss, (x, y), 20, epochs=20, batch_size=20)


@pytest.mark.parametrize("plan", ["gram", "tiles"])
def test_8_bit_inputs(force: Any, plan: str) -> None:
    """Held as bytes or a byte or two a value, they train as the same numbers in float32."""
    rng = np.random.default_rng(8)
    x = rng.integers(0, 256, (25, 8, 9, 3)).astype(np.uint8)
    y = rng.integers(0, 2, 25)

    def trained(inputs: Any, *first: Any) -> list[Any]:
        shape = layers.Input((8, 9, 3))
        stack = [shape, *first, layers.Flatten(), layers.Dense(1, "sigmoid")]
        model = models.Sequential(stack, seed=3)
        model.compile(optimizers.SGD(0.05), "binary_crossentropy")
        model.fit(inputs, y, epochs=40, batch_size=25, verbose=0)
        return model.get_weights()

    plain = trained(x / np.float32(255))
    force(plan)
    scaled = trained(x, layers.Rescaling(1 / 255))
    assert_all_close(scaled, plain, trajectory(np.float32, 40), name="weights")


@pytest.mark.parametrize("plan", ["gram", "tiles"])
def test_layouts_of_inputs(force: Any, plan: str) -> None:
    network, x, y = wide((70, 1), 30, np.float32)
    force(plan)
    weights = []
    for laid in (x, np.asfortranarray(x), x[::-1].copy()[::-1], x.astype(np.float64)):
        model = model_of(network, 70, BINARY, optimizers.SGD(0.1), seed=1)
        model.fit(laid, y, batch_size=30, epochs=20, verbose=0)
        weights.append(model.get_weights())
    for other in weights[1:]:
        assert_all_close(other, weights[0], trajectory(np.float32, 20), name="weights")


@pytest.mark.parametrize("plan", ["gram", "tiles"])
def test_threads_and_pieces_give_the_same_bits(force: Any, plan: str) -> None:
    """However often weights are looked at, and on any number of threads."""
    force(plan)
    _, x, y = wide((3000, 1), 120, np.float32)

    def trained(n_threads: int, *hooks: Any) -> str:
        model = model_of(wide((3000, 1), 120, np.float32)[0], 3000, BINARY, seed=1)
        with shallowcore.num_threads(n_threads):
            model.fit(x, y, batch_size=120, epochs=12, verbose=0, callbacks=list(hooks))
        return model.digest()

    looks = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    assert len({trained(1), trained(2), trained(3), trained(2, looks)}) == 1


@pytest.mark.parametrize("plan", ["gram", "tiles"])
def test_weights_that_a_callback_changes(force: Any, plan: str) -> None:
    network, x, y = wide((80, 1), 30, np.float64)

    def trained() -> list[Any]:
        model = model_of(network, 80, BINARY, optimizers.SGD(0.2), seed=1)

        def change(epoch: int, logs: Any) -> None:
            model.set_weights([w * 0.9 for w in model.get_weights()])
            model.optimizer.learning_rate *= 0.8

        hook = callbacks.LambdaCallback(on_epoch_end=change)
        model.fit(x, y, batch_size=30, epochs=8, verbose=0, callbacks=[hook])
        return model.get_weights()

    force("blocks")
    right = trained()
    force(plan)
    assert_all_close(trained(), right, trajectory(np.float64, 8), name="weights")


@pytest.mark.parametrize("plan", ["gram", "tiles"])
def test_divergence_leaves_finite_weights(force: Any, plan: str) -> None:
    force(plan)
    rng = np.random.default_rng(1)
    x = (1e18 * rng.normal(size=(30, 70))).astype(np.float32)
    model = models.Sequential([layers.Input((70,)), layers.Dense(1)], seed=1)
    model.compile(optimizers.SGD(1e3), "mse")
    with pytest.warns(RuntimeWarning, match="diverged"):
        model.fit(x, rng.normal(size=30), batch_size=30, epochs=20, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_refusals(force: Any) -> None:
    network, x, y = wide((90, 1), 37, np.float32)
    for plan, optimizer, batch, reason in (
        ("gram", "adam", 37, "not plain gradient descent"),
        ("gram", "sgd", 10, "some of the samples only"),
        ("tiles", "sgd", 10, "some of the samples only"),
    ):
        force(plan)
        model = model_of(network, 90, BINARY, optimizer)
        with pytest.raises(RuntimeError, match=reason):
            model.fit(x, y, batch_size=batch, verbose=0)


@pytest.mark.parametrize(
    ("optimizer", "dtype", "epochs", "plan"),
    [
        ("sgd", "float32", 300, "gram"),
        ("adam", "float32", 300, "tiles"),
        ("adam", "float32", 10, "blocks"),  # too few to pay for the copy
        ("adam", "uint8", 10, "tiles"),  # read as bfloat16
    ],
)
def test_cats_get_the_plans_made_for_them(
    optimizer: str, dtype: str, epochs: int, plan: str
) -> None:
    rng = np.random.default_rng(1)
    x, y = (255 * rng.random((100, 5000))).astype(dtype), rng.integers(0, 2, 100)
    inputs = [layers.Input((5000,)), layers.Rescaling(1 / 255)]
    model = models.Sequential([*inputs, layers.Dense(1, "sigmoid")], seed=1)
    model.compile(optimizer, "binary_crossentropy")
    model.fit(x, y, batch_size=100, epochs=epochs, verbose=0)
    assert f"plan: {plan}" in model.plan_summary()
