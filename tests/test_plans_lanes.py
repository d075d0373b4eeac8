"""The lanes plan where it differs: blocks of a batch, short batches, inputs kept transposed.

What every plan must do is in test_plans.py; here lanes is forced, and compared with the oracle and
with the plan that reads row by row.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle.network import Loss, Network
from oracle.tolerances import assert_all_close, trajectory
from shallowcore import _core, callbacks, layers, models, optimizers
from test_trajectories import DTYPES, assert_same_training, oracle_optimizer
from twins import SPARSE, chain, model_of, targets_of

ELEMENTWISE = ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu")


@pytest.fixture(autouse=True)
def lanes(monkeypatch: Any) -> None:
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", "lanes")


def random_problem(seed: int, dtype: Any) -> tuple[Network, Loss, Any, Any, Any]:
    """A network of one to four layers of any small widths, with data and weights of samples."""
    rng = np.random.default_rng(seed)
    n_layers = int(rng.integers(1, 5))
    sizes = [int(n) for n in rng.integers(1, 40, n_layers + 1)]
    names = [str(name) for name in rng.choice(ELEMENTWISE, n_layers)]
    losses = ("mean_squared_error", "binary_crossentropy", "categorical_crossentropy", SPARSE)
    loss = Loss(losses[seed % 4], scale=float(rng.uniform(0.5, 2)))
    if loss.name == "binary_crossentropy":
        names[-1] = "sigmoid"
    elif loss.name != "mean_squared_error":
        names[-1], sizes[-1] = "softmax", max(2, sizes[-1])
    network = chain(rng, sizes, names, dtype)
    n_samples = int(rng.integers(1, 150))
    x = rng.normal(size=(n_samples, sizes[0])).astype(np.float32).astype(dtype)
    y = targets_of(loss, rng, n_samples, sizes[-1], dtype)
    return network, loss, x, y, rng.random(n_samples).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(24))
def test_random_networks(seed: int, dtype: Any) -> None:
    """Batches of one sample, of fewer than a vector holds, with tails, and of all samples."""
    network, loss, x, y, weight = random_problem(seed, dtype)
    batch_size = (1, 5, 16, 37, 200)[seed % 5]
    steps = 2 * -(-len(x) // batch_size)
    name, settings = (("sgd", {"learning_rate": 0.02}), ("adam", {}), ("rmsprop", {}))[seed % 3]
    metrics = ["accuracy"] if loss.name in (SPARSE, "categorical_crossentropy") else ["mse", "mae"]
    model = model_of(
        network, x.shape[1], loss, optimizers.Optimizer(name, **settings), metrics, seed=seed
    )
    assert_same_training(
        network,
        model,
        oracle_optimizer(name, network.parameters(), settings),
        loss,
        (x, y, weight) if seed % 2 else (x, y),
        steps,
        epochs=2,
        batch_size=batch_size,
        shuffle=seed % 3 == 0,
    )


def trained(
    sizes: tuple[int, ...], x: Any, y: Any, epochs: int = 4, dtype: str = "float32", **options: Any
) -> models.Sequential:
    """A tanh network after some epochs of Adam; options are those of fit."""
    stack = [layers.Dense(n, "tanh") for n in sizes[1:-1]]
    last = "sigmoid" if sizes[-1] == 1 else "softmax"
    stack = [layers.Input(sizes[:1]), *stack, layers.Dense(sizes[-1], last)]
    model = models.Sequential(stack, dtype=dtype, seed=2)
    model.compile("adam", "binary_crossentropy" if sizes[-1] == 1 else SPARSE, ["accuracy"])
    model.fit(x, y, epochs=epochs, verbose=0, **options)
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [1100, 1500])
@pytest.mark.parametrize("sizes", [(3, 7, 1), (70, 40, 3)])
def test_large_batches_in_blocks(
    sizes: tuple[int, ...], batch_size: int, dtype: str, monkeypatch: Any
) -> None:
    """Blocks whose gradients are added up give what all rows at once give."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1501, sizes[0])).astype(dtype)
    y = rng.integers(0, max(2, sizes[-1]), 1501)
    for shuffle in (False, True):
        fits = []
        for plan in ("lanes", "blocks"):
            monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
            fits.append(trained(sizes, x, y, dtype=dtype, batch_size=batch_size, shuffle=shuffle))
        rtol = trajectory(dtype, 8)
        assert_all_close(fits[0].get_weights(), fits[1].get_weights(), rtol, name="weights")
        for name, values in fits[1].history.history.items():
            np.testing.assert_allclose(fits[0].history.history[name], values, rtol=20 * rtol)


@pytest.mark.parametrize("shuffle", [False, True])
def test_layouts_and_types_of_inputs(shuffle: bool) -> None:
    """Rows of the network's type are transposed where they lie, all others by way of a copy: the
    same bits."""
    rng = np.random.default_rng(3)
    whole = rng.integers(-100, 100, (90, 11))
    y = (whole[:, :1] > 0).astype(np.float32)
    plain = whole.astype(np.float32)
    wide = np.zeros((180, 33), np.float32)
    wide[::2, ::3] = plain
    laid = [whole.astype(np.int16), plain.astype(np.float64), np.asfortranarray(plain)]
    laid += [wide[::2, ::3], plain[::-1].copy()[::-1], plain[:, ::-1].copy()[:, ::-1]]
    fits = [trained((11, 6, 1), x, y, batch_size=32, shuffle=shuffle) for x in (plain, *laid)]
    assert len({model.digest() for model in fits}) == 1
    expected = "in each step" if shuffle else "once"
    assert all(f"inputs transposed {expected}" in model.plan_summary() for model in fits)


def test_inputs_that_are_too_many_to_keep() -> None:
    """More than a MiB of them is transposed in each step, with the same bits as what is kept."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(9000, 32)).astype(np.float32)
    y = (x[:, :1] > 0).astype(np.float32)
    many = trained((32, 4, 1), x, y, epochs=2, batch_size=3000, shuffle=False)
    assert "inputs transposed in each step" in many.plan_summary()
    few = trained((32, 4, 1), x[:3000], y[:3000], epochs=2, batch_size=3000, shuffle=False)
    assert "inputs transposed once" in few.plan_summary()
    again = trained((32, 4, 1), x[:3000], y[:3000], epochs=1, batch_size=3000, shuffle=False)
    assert "inputs transposed in each step" in again.plan_summary()
    again.fit(x[:3000], y[:3000], epochs=1, batch_size=3000, shuffle=False, verbose=0)
    assert again.digest() == few.digest()


def test_kept_inputs_are_read_again_after_a_callback() -> None:
    """A callback may write to x between epochs: the next epoch trains on what is there then."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(64, 5)).astype(np.float32)
    y = (x[:, :1] > 0).astype(np.float32)
    changing = x.copy()

    def negate(epoch: int, logs: Any) -> None:
        changing[:] = -changing

    hook = callbacks.LambdaCallback(on_epoch_end=negate)
    model = trained((5, 3, 1), changing, y, 2, batch_size=16, shuffle=False, callbacks=[hook])
    by_hand = trained((5, 3, 1), x, y, 1, batch_size=16, shuffle=False)
    by_hand.fit(-x, y, epochs=1, batch_size=16, shuffle=False, verbose=0)
    assert model.digest() == by_hand.digest()


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [25, 101, 1200])
def test_a_run_that_the_clock_cuts_after_each_step(batch_size: int, shuffle: bool) -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(1201, 8)).astype(np.float32)
    data = _core.Dataset(x, (x[:, :1] > 0).astype(np.float32))
    results = []
    for seconds in (1e9, 0.0):
        network = chain(np.random.default_rng(7), (8, 5, 1), ("relu", "sigmoid"), np.float32)
        core = model_of(network, 8, Loss("binary_crossentropy"))._build_known()
        trainer = _core.Trainer(
            core,
            _core.Optimizer(core, "adam", {}),
            _core.Loss("binary_crossentropy"),
            ["accuracy"],
            data,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=6,
            epochs=3,
        )
        calls = 1
        while not trainer.run(3, seconds):
            calls += 1
        assert calls == (1 if seconds else 3 * trainer.n_batches)
        results.append((core.digest(), trainer.history()))
    assert results[0] == results[1]


@pytest.mark.parametrize("isa", [name for name in _core.supported_isas() if name != _core.isa()])
def test_the_other_instruction_sets(isa: str) -> None:
    """The comparisons with the oracle and with blocks, on instruction sets other than the best."""
    selection = "random_networks or blocks or layouts"
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
            *("-k", selection, str(Path(__file__))),
        ],
        env=os.environ | {"SHALLOWCORE_FORCE_ISA": isa},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("stack", "reason"),
    [
        ([layers.Dense(3, "softmax"), layers.Dense(1)], "softmax within the network"),
        ([layers.Activation("tanh"), layers.Dense(1)], "a layer is not dense"),
        ([layers.Dense(4), layers.Rescaling(2.0), layers.Dense(1)], "a layer is not dense"),
    ],
    ids=str,
)
def test_refusals(stack: list[layers.Layer], reason: str) -> None:
    model = models.Sequential([layers.Input((2,)), *stack], seed=0)
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(RuntimeError, match=reason):
        model.fit([[1.0, 2.0]], [1.0], verbose=0)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_second_order_method_is_refused() -> None:
    model = models.Sequential([layers.Input((2,)), layers.Dense(1)], seed=0)
    model.compile(optimizers.NewtonCG(), "mse")
    with pytest.raises(RuntimeError, match="no first-order method"):
        model.fit([[1.0, 2.0]], [1.0], verbose=0)
