"""Inputs that are mostly zeros: the panels plan leaves them out, with the same results."""

from typing import Any

import numpy as np
import pytest
import shallowcore
from oracle.network import Loss
from shallowcore import layers, models, optimizers
from test_trajectories import DTYPES, assert_same_training, oracle_optimizer
from twins import SPARSE, chain, model_of, targets_of

LOSS = Loss(SPARSE)


@pytest.fixture(autouse=True)
def panels(monkeypatch: Any) -> None:
    """Force the plan."""
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", "panels")


def blanked(n_samples: int, n_features: int, density: float, dtype: Any) -> Any:
    """Normal inputs, most of them zero; a row and a column with none left, and a full row."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(n_samples, n_features)).astype(np.float32).astype(dtype)
    x[rng.random(x.shape) > density] = 0
    x[n_samples // 2] = 0
    x[:, n_features // 3] = 0
    x[n_samples // 3] = 1
    return x


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("n_features", "n_hidden", "batch_size"),
    [(5, 33, 16), (63, 20, 7), (64, 100, 64), (65, 64, 65), (129, 300, 130), (200, 31, 130)],
)
def test_training_without_zeros_is_the_oracles(
    n_features: int, n_hidden: int, batch_size: int, shuffle: bool, dtype: Any
) -> None:
    network = chain(np.random.default_rng(1), (n_features, n_hidden, 3), ("relu", "softmax"), dtype)
    x = blanked(130, n_features, 0.15, dtype)
    y = targets_of(LOSS, np.random.default_rng(2), len(x), 3, dtype)
    model = model_of(network, n_features, LOSS, optimizers.Adam(0.01), ["accuracy"], seed=3)
    mine = oracle_optimizer("adam", network.parameters(), {"learning_rate": 0.01})
    steps = 4 * -(-len(x) // batch_size)
    options = {"epochs": 4, "batch_size": batch_size, "shuffle": shuffle}
    assert_same_training(network, model, mine, LOSS, (x, y), steps, **options)
    assert "left out of the products" in model.plan_summary()


def trained(x: Any, first: list[layers.Layer], threads: int = 1, dtype: str = "float32") -> Any:
    """A model that has been trained on x."""
    stack = [*first, layers.Dense(100, "tanh"), layers.Dense(4, "softmax")]
    model = models.Sequential([layers.Input((x.shape[1],)), *stack], seed=1, dtype=dtype)
    model.compile(optimizers.RMSprop(), SPARSE)
    with shallowcore.num_threads(threads):
        model.fit(x, np.arange(len(x)) % 4, batch_size=50, epochs=3, verbose=0)
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_number_of_threads_gives_the_same_bits(dtype: str) -> None:
    x = blanked(400, 300, 0.2, np.dtype(dtype))
    digests = {trained(x, [], threads, dtype).digest() for threads in (1, 2, 3, 8)}
    assert len(digests) == 1


def test_bytes_and_columns_are_sparse_too() -> None:
    raw = (blanked(120, 150, 0.2, np.float32) > 0.5).astype(np.uint8) * 200
    by_bytes = trained(raw, [layers.Rescaling(1 / 255)])
    by_floats = trained(raw.astype(np.float32) / np.float32(255), [])
    by_columns = trained(np.asfortranarray(raw.astype(np.float32) / np.float32(255)), [])
    for model in (by_bytes, by_floats, by_columns):
        assert "left out of the products" in model.plan_summary()
    assert by_floats.digest() == by_columns.digest()
    pairs = zip(by_bytes.get_weights(), by_floats.get_weights(), strict=True)
    assert all(np.allclose(a, b, atol=1e-4) for a, b in pairs)


def test_an_offset_makes_zeros_count() -> None:
    raw = (blanked(120, 150, 0.2, np.float32) > 0.5).astype(np.uint8)
    assert "left out" not in trained(raw, [layers.Rescaling(1, 1)]).plan_summary()
    assert "left out" in trained(raw, [layers.Rescaling(1, 0)]).plan_summary()


def test_rows_that_were_not_looked_at_may_be_dense() -> None:
    """The plan looks at 64 rows, here every tenth; what it has seen decides about speed only."""
    x = np.random.default_rng(0).normal(size=(640, 40)).astype(np.float32).astype(np.float64)
    x[::10] = 0
    network = chain(np.random.default_rng(1), (40, 70, 3), ("relu", "softmax"), np.float64)
    y = targets_of(LOSS, np.random.default_rng(2), len(x), 3, np.float64)
    model = model_of(network, 40, LOSS, optimizers.SGD(0.1), seed=3)
    mine = oracle_optimizer("sgd", network.parameters(), {"learning_rate": 0.1})
    options = {"epochs": 2, "batch_size": 32, "shuffle": False}
    assert_same_training(network, model, mine, LOSS, (x, y), 40, **options)
    assert "zeros: 100 %" in model.plan_summary()


def test_plain_normal_inputs_are_not_sparse() -> None:
    x = np.random.default_rng(0).normal(size=(100, 30)).astype(np.float32)
    assert "left out" not in trained(x, []).plan_summary()
