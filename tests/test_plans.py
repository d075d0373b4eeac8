"""Every plan gives the oracle's results, whichever is forced on a training."""

from typing import Any

import numpy as np
import pytest
import shallowcore
from oracle.network import Activation, Loss, Network
from oracle.tolerances import assert_all_close, trajectory
from shallowcore import _core, callbacks, layers, models, optimizers
from test_trajectories import (
    DTYPES,
    NETWORKS,
    SETTINGS,
    assert_same_training,
    oracle_optimizer,
    problem,
)
from twins import SPARSE, cast, chain, dense, model_of, targets_of

PLANS = ("lanes", "panels", "blocks")
ELEMENTWISE = tuple(info.name for info in _core.activation_table() if info.elementwise)


@pytest.fixture(params=PLANS)
def plan(request: Any, monkeypatch: Any) -> str:
    """Force one plan after another."""
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", request.param)
    return str(request.param)


def test_the_forced_plan_is_the_one_that_runs(plan: str) -> None:
    network, loss, x, y = problem("shallow", 40, np.float32)
    model = model_of(network, 20, loss)
    model.fit(x, y, verbose=0)
    assert f"plan: {plan}" in model.plan_summary()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_network(plan: str, shuffle: bool, kind: str, dtype: Any) -> None:
    """Metrics, validation, sample weights and a short last batch."""
    network, loss, x, y = problem(kind, 103, dtype)
    weight = np.random.default_rng(2).random(len(x)).astype(dtype)
    _, _, x_val, y_val = problem(kind, 31, dtype, seed=3)
    metrics = ["accuracy"] if loss.name == SPARSE else ["accuracy", "mse", "mae"]
    model = model_of(network, x.shape[1], loss, optimizers.SGD(0.1), metrics, seed=11)
    assert_same_training(
        network,
        model,
        oracle_optimizer("sgd", network.parameters(), {"learning_rate": 0.1}),
        loss,
        (x, y, weight),
        20,
        epochs=5,
        batch_size=32,
        shuffle=shuffle,
        validation=(x_val, y_val),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
def test_every_optimizer(plan: str, name: str, settings: dict[str, Any], dtype: Any) -> None:
    for kind in ("shallow", "softmax"):
        network, loss, x, y = problem(kind, 100, dtype)
        model = model_of(network, x.shape[1], loss, optimizers.Optimizer(name, **settings), seed=5)
        mine = oracle_optimizer(name, network.parameters(), settings)
        assert_same_training(network, model, mine, loss, (x, y), 40, epochs=10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_every_activation(plan: str, activation: str, dtype: Any) -> None:
    """Hidden layers of odd widths around those of vectors and panels."""
    rng = np.random.default_rng(4)
    loss = Loss("mean_squared_error")
    for sizes in ((3, 5, 2), (6, 17, 33, 9), (1, 1, 1), (40, 16, 18)):
        names = (activation,) * (len(sizes) - 2) + ("identity",)
        network = chain(rng, sizes, names, dtype)
        size = 0.3 if activation == "exponential" else 1.0  # or it grows out of hand
        x = (size * rng.normal(size=(37, sizes[0]))).astype(np.float32).astype(dtype)
        y = targets_of(loss, rng, 37, sizes[-1], dtype)
        model = model_of(network, sizes[0], loss, optimizers.SGD(0.01), seed=1)
        mine = oracle_optimizer("sgd", network.parameters(), {"learning_rate": 0.01})
        assert_same_training(network, model, mine, loss, (x, y), 12, epochs=4, batch_size=16)


@pytest.mark.parametrize("dtype", DTYPES)
def test_penalties_and_missing_biases(plan: str, dtype: Any) -> None:
    rng = np.random.default_rng(6)
    loss = Loss("mean_squared_error", scale=0.5)
    network = cast(
        Network(
            [
                dense(rng, 7, 19, "tanh", kernel_l1=0.01, bias_l2=0.02),
                dense(rng, 19, 3, use_bias=False, kernel_l2=0.03),
            ]
        ),
        dtype,
    )
    x = rng.normal(size=(50, 7)).astype(np.float32).astype(dtype)
    y = targets_of(loss, rng, 50, 3, dtype)
    model = model_of(network, 7, loss, optimizers.Adam(), seed=1)
    mine = oracle_optimizer("adam", network.parameters(), {})
    assert_same_training(network, model, mine, loss, (x, y), 20, epochs=5, batch_size=16)


def test_outputs_activated_before_the_loss(plan: str) -> None:
    """Softmax under a squared error, and a sigmoid under it: the loss takes outputs, not logits."""
    for name in ("softmax", "sigmoid", "log_softmax"):
        rng = np.random.default_rng(7)
        loss = Loss("mean_squared_error")
        network = chain(rng, (6, 20, 4), ("relu", name), np.float64)
        x, y = rng.normal(size=(40, 6)), targets_of(loss, rng, 40, 4, np.float64)
        model = model_of(network, 6, loss, optimizers.SGD(0.1), ["mae"], seed=1)
        mine = oracle_optimizer("sgd", network.parameters(), {"learning_rate": 0.1})
        assert_same_training(network, model, mine, loss, (x, y), 15, epochs=5, batch_size=16)


def test_integer_inputs_and_rescaling(plan: str) -> None:
    rng = np.random.default_rng(8)
    x = rng.integers(0, 256, (60, 9)).astype(np.uint8)
    y = (x[:, :1] > 100).astype(np.float32)

    def trained(inputs: Any, *first: Any) -> list[Any]:
        stack = [layers.Input((9,)), *first, layers.Dense(20, "tanh"), layers.Dense(1, "sigmoid")]
        model = models.Sequential(stack, seed=3)
        model.compile("sgd", "binary_crossentropy")
        model.fit(inputs, y, epochs=10, batch_size=16, verbose=0)
        return model.get_weights()

    plain = trained((x / np.float32(255)).astype(np.float32))
    scaled = trained(x, layers.Rescaling(1 / 255))
    assert_all_close(scaled, plain, trajectory(np.float32, 40), name="weights")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_number_of_threads_gives_the_same_bits(plan: str, dtype: str) -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(size=(600, 70)).astype(dtype)
    y = rng.integers(0, 5, 600)
    digests = set()
    for n in (1, 2, 3):
        with shallowcore.num_threads(n):
            model = models.Sequential(
                [layers.Input((70,)), layers.Dense(300, "relu"), layers.Dense(5, "softmax")],
                dtype=dtype,
                seed=1,
            )
            model.compile("adam", SPARSE)
            model.fit(x, y, epochs=2, batch_size=256, verbose=0)
            digests.add(model.digest())
    assert len(digests) == 1


def test_a_training_in_pieces_is_the_same_training(plan: str) -> None:
    """State goes back to the optimizer between calls, and into the plan again."""
    _, loss, x, y = problem("softmax", 90, np.float32)

    def trained(*epochs: int) -> str:
        network = problem("softmax", 90, np.float32)[0]
        model = model_of(network, 9, loss, "adam", seed=3)
        for n in epochs:
            model.fit(x, y, epochs=n, batch_size=32, verbose=0)
        return model.digest()

    assert trained(6) == trained(1, 2, 3)


def test_callbacks_change_weights_and_learning_rate(plan: str) -> None:
    """What a callback writes between epochs is what training goes on with, whatever the plan."""
    network, loss, x, y = problem("shallow", 64, np.float64)
    model = model_of(network, 20, loss, optimizers.SGD(0.5), seed=3)

    def halve(epoch: int, logs: Any) -> None:
        model.set_weights([w / 2 for w in model.get_weights()])
        model.optimizer.learning_rate *= 0.5

    hook = callbacks.LambdaCallback(on_epoch_end=halve)
    model.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0, callbacks=[hook])

    by_hand = model_of(network, 20, loss, optimizers.SGD(0.5), seed=3)
    for _ in range(3):
        by_hand.fit(x, y, epochs=1, batch_size=16, shuffle=False, verbose=0)
        halve_this = [w / 2 for w in by_hand.get_weights()]
        by_hand.set_weights(halve_this)
        by_hand.optimizer.learning_rate *= 0.5
    assert model.digest() == by_hand.digest()


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 1e4), ("adam", 1e18)])
def test_divergence_goes_back_to_the_last_finite_epoch(
    plan: str, optimizer: str, rate: float, watched: bool
) -> None:
    network, _, x, y = problem("regression", 64, np.float32)

    def new() -> models.Sequential:
        made = {"sgd": optimizers.SGD(rate, momentum=0.5), "adam": optimizers.Adam(rate)}
        return model_of(network, 5, Loss("mean_squared_error"), made[optimizer], seed=3)

    model, twin = new(), new()
    hooks = [callbacks.LambdaCallback(on_train_batch_end=lambda *_: None)] if watched else []
    with pytest.warns(RuntimeWarning, match="diverged"):
        model.fit(x, y, epochs=20, batch_size=16, verbose=0, callbacks=hooks)
    epochs = len(model.history.epoch)
    if epochs:
        twin.fit(x, y, epochs=epochs, batch_size=16, verbose=0)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)
    if optimizer == "adam":  # its state is cleared, as if nothing had been
        assert epochs == 0
        for one in (model, twin):
            one.optimizer.learning_rate = 0.01
            one.fit(x, y, epochs=1, batch_size=16, shuffle=False, verbose=0)
        assert model.digest() == twin.digest()


def test_a_plan_that_does_not_suit_says_why(monkeypatch: Any) -> None:
    rng = np.random.default_rng(1)
    network = chain(rng, (4, 6, 3), ("softmax", "softmax"), np.float32)
    network.layers.insert(1, Activation("tanh"))
    loss = Loss(SPARSE)
    x, y = rng.normal(size=(20, 4)).astype(np.float32), rng.integers(0, 3, 20)
    model = model_of(network, 4, loss)
    weights = model.get_weights()
    for name in ("lanes", "panels", "solver"):
        monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", name)
        with pytest.raises(RuntimeError, match=f"SHALLOWCORE_FORCE_PLAN={name} does not suit"):
            model.fit(x, y, verbose=0)
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", "warp")
    with pytest.raises(RuntimeError, match=r"must be one of solver, .*blocks, got 'warp'"):
        model.fit(x, y, verbose=0)
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("sizes", "activations", "n_samples", "batch_size", "expected"),
    [
        ((20, 10, 1), ("tanh", "sigmoid"), 400, 100, "lanes"),
        ((2, 4, 1), ("tanh", "sigmoid"), 400, 400, "lanes"),
        ((54, 256, 7), ("relu", "softmax"), 1000, 256, "panels"),
        ((784, 512, 10), ("relu", "softmax"), 300, 128, "panels"),
    ],
    ids=str,
)
def test_the_workloads_get_the_plans_made_for_them(
    sizes: tuple[int, ...],
    activations: tuple[str, ...],
    n_samples: int,
    batch_size: int,
    expected: str,
) -> None:
    rng = np.random.default_rng(1)
    loss = Loss("binary_crossentropy" if sizes[-1] == 1 else SPARSE)
    model = model_of(chain(rng, sizes, activations, np.float32), sizes[0], loss)
    x = rng.normal(size=(n_samples, sizes[0])).astype(np.float32)
    y = targets_of(loss, rng, n_samples, sizes[-1], np.float32)
    model.fit(x, y, batch_size=batch_size, epochs=2, verbose=0)
    assert f"plan: {expected}" in model.plan_summary()
