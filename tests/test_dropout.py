"""Dropout: what it drops, when, and that every plan and any number of threads drop the same."""

from typing import Any

import numpy as np
import pytest
import shallowcore
from oracle.network import Activation, Dropout, Loss, Network, Rescaling
from oracle.rng import dropout_factors
from oracle.tolerances import assert_all_close, assert_close, assert_same_bits, single, trajectory
from oracle.train import train
from shallowcore import layers, losses, models, optimizers
from test_trajectories import DTYPES, assert_same_training, oracle_optimizer
from twins import SPARSE, cast, dense, model_of, targets_of

SEED = 2**40 + 9


def hidden_stack(rng: Any, sizes: tuple[int, ...], names: tuple[str, ...], rate: float) -> Network:
    """Dense layers with dropout between them."""
    stack: list[Any] = []
    for n_in, n_out, name in zip(sizes, sizes[1:], names, strict=False):
        stack += [dense(rng, n_in, n_out, name), Dropout(rate, SEED)]
    return Network(stack[:-1])


def assert_trains_like_the_oracle(
    network: Network, n_features: int, dtype: Any, loss: Loss, steps: int = 12, **options: Any
) -> models.Sequential:
    """Batches of 32, 32 and 6 samples under Adam; returns the model."""
    rng = np.random.default_rng(9)
    network = cast(network, dtype)
    n_outputs = network.predict(np.ones((1, n_features))).shape[1]
    x = rng.normal(size=(70, n_features)).astype(np.float32).astype(dtype)
    y = targets_of(loss, rng, len(x), n_outputs, dtype)
    model = model_of(network, n_features, loss, optimizers.Adam(0.01), seed=SEED)
    mine = oracle_optimizer("adam", network.parameters(), {"learning_rate": 0.01})
    data = (x, y)
    assert_same_training(
        network, model, mine, loss, data, steps, epochs=steps // 3, validation=data, **options
    )
    return model


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("plan", ["lanes", "panels", "blocks"])
@pytest.mark.parametrize("name", ["identity", "relu", "sigmoid", "elu", "gelu", "softsign"])
def test_every_plan_drops_what_the_oracle_drops(
    monkeypatch: Any, plan: str, name: str, dtype: Any
) -> None:
    """Widths around those of vectors, panels and groups of random words."""
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    rng = np.random.default_rng(3)
    for sizes in ((5, 7, 3), (4, 16, 17, 2), (6, 35, 3), (3, 1, 1)):
        network = hidden_stack(rng, sizes, (name,) * (len(sizes) - 2) + ("softmax",), 0.3)
        loss = Loss(SPARSE) if sizes[-1] > 1 else Loss("mean_squared_error")
        model = assert_trains_like_the_oracle(network, sizes[0], dtype, loss)
        assert f"plan: {plan}" in model.plan_summary()


@pytest.mark.parametrize("dtype", DTYPES)
def test_hundred_steps(dtype: Any) -> None:
    network = hidden_stack(
        np.random.default_rng(4), (6, 20, 9, 3), ("relu", "tanh", "softmax"), 0.5
    )
    assert_trains_like_the_oracle(network, 6, dtype, Loss(SPARSE), 99)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout_anywhere(dtype: Any) -> None:
    """On the inputs, twice, after softmax and rescalings, before an activation, on the outputs."""
    rng = np.random.default_rng(5)
    stack = [
        Dropout(0.2, 5),
        Rescaling(1.5, 0.2),
        Dropout(0.1, 5),
        dense(rng, 6, 9, "identity"),
        Dropout(0.25, 7),
        Activation("gelu"),
        Dropout(0.0, 7),
        dense(rng, 9, 5, "softmax"),
        Dropout(0.4, 2**63 - 1),
        Dropout(0.3, 8),
        dense(rng, 5, 4, "tanh"),
        Dropout(0.5, 9),
    ]
    assert_trains_like_the_oracle(
        Network(stack), 6, dtype, Loss("mean_squared_error"), shuffle=False
    )


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_dropout_on_the_outputs_of_a_linked_activation(output: str) -> None:
    """The loss takes what is left of the outputs, so it is not computed from logits."""
    rng = np.random.default_rng(6)
    network = Network([dense(rng, 4, 5, "relu"), dense(rng, 5, 2, output), Dropout(0.2, 1)])
    assert_trains_like_the_oracle(network, 4, np.float64, Loss("mean_squared_error"))


@pytest.mark.parametrize("plan", ["gram", "tiles"])
def test_plans_for_wide_inputs(monkeypatch: Any, plan: str) -> None:
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    rng = np.random.default_rng(7)
    network = Network([dense(rng, 300, 1, "tanh"), Dropout(0.4, SEED), dense(rng, 1, 2)])
    x, y = rng.normal(size=(40, 300)), rng.normal(size=(40, 2))
    loss = Loss("mean_squared_error")
    model = model_of(network, 300, loss, optimizers.SGD(0.01), seed=SEED)
    mine = oracle_optimizer("sgd", network.parameters(), {"learning_rate": 0.01})
    assert_same_training(
        network, model, mine, loss, (x, y), 8, epochs=8, batch_size=40, shuffle=False
    )


def test_steps_of_train_on_batch_count() -> None:
    """Each step draws anew, whichever way it is asked for; a step's rows are numbered from 0."""
    network = cast(hidden_stack(np.random.default_rng(8), (4, 12, 1), ("relu", "tanh"), 0.5), "f4")
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(24, 4)).astype("f4"), rng.normal(size=(24, 1)).astype("f4")
    loss = Loss("mean_squared_error")
    model = model_of(network, 4, loss, optimizers.SGD(0.05), seed=SEED)
    mine = oracle_optimizer("sgd", network.parameters(), {"learning_rate": 0.05})
    for step in range(10):
        expected = train(network, mine, loss, x, y, batch_size=24, shuffle=False)["loss"][0]
        if step % 3:
            figure = model.train_on_batch(x, y)
        else:
            figure = model.fit(x, y, batch_size=24, shuffle=False, verbose=0).history["loss"][0]
        assert_close(figure, expected, trajectory("f4", step + 1))
    assert_all_close(model.get_weights(), network.parameters(), trajectory("f4", 10))


def trained(plan: str, n_threads: int, monkeypatch: Any, dtype: str) -> models.Sequential:
    """A model of two dropped layers after a few steps."""
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(600, 30)).astype(dtype), rng.integers(0, 5, 600)
    stack = [layers.Input((30,))]
    for _ in range(2):
        stack += [layers.Dense(70, "silu"), layers.Dropout(0.4)]
    model = models.Sequential([*stack, layers.Dense(5, "softmax")], dtype=dtype, seed=3)
    model.compile("adam", SPARSE)
    with shallowcore.num_threads(n_threads):
        model.fit(x, y, batch_size=200, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_for_any_number_of_threads_and_close_in_any_plan(
    monkeypatch: Any, dtype: str
) -> None:
    weights = []
    for plan in ("lanes", "panels", "blocks"):
        models_ = [trained(plan, n, monkeypatch, dtype) for n in (1, 2, 3)]
        assert len({model.digest() for model in models_}) == 1
        weights.append(models_[0].get_weights())
    for other in weights[1:]:
        assert_all_close(other, weights[0], trajectory(dtype, 6))


def test_nothing_is_dropped_outside_of_training() -> None:
    """predict, evaluate, validation and gradients are those of the same model without dropout."""
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(50, 4)), rng.normal(size=(50, 2))

    def make(rate: float) -> models.Sequential:
        stack = [layers.Input((4,)), layers.Dropout(rate), layers.Dense(9, "gelu")]
        stack += [layers.Dropout(rate), layers.Dense(2), layers.Dropout(rate)]
        model = models.Sequential(stack, dtype="float64", seed=5)
        model.compile(optimizers.SGD(0.0), "mse", ["mae"])
        return model

    dropping, plain = make(0.5), make(0.0)
    assert_same_bits(dropping.predict(x), plain.predict(x))
    assert dropping.evaluate(x, y) == plain.evaluate(x, y)
    assert dropping.test_on_batch(x, y) == plain.test_on_batch(x, y)
    for mine, other in zip(dropping.gradients(x, y)[1], plain.gradients(x, y)[1], strict=True):
        assert_close(mine, other, single("float64"))
    history = dropping.fit(x, y, validation_data=(x, y), verbose=0).history
    assert history["val_loss"] == [plain.evaluate(x, y)[0]]
    assert history["loss"] != history["val_loss"]


def test_a_rate_of_zero_is_no_layer() -> None:
    """Bit for bit the model without it."""
    rng = np.random.default_rng(12)
    x, y = rng.normal(size=(50, 4)), rng.normal(size=(50, 1))
    digests = []
    for rate in (None, 0.0):
        stack = [layers.Input((4,)), layers.Dense(9, "tanh"), layers.Dense(1)]
        if rate is not None:
            stack[2:2] = [layers.Dropout(rate)]
        model = models.Sequential(stack, seed=5)
        model.compile("adam", "mse")
        model.fit(x, y, epochs=3, verbose=0)
        digests.append(model.digest())
    assert digests[0] == digests[1]


def test_seeds() -> None:
    """A layer's own seed or the model's; another layer or step draws other units."""
    rng = np.random.default_rng(13)
    x, y = rng.normal(size=(50, 4)), rng.normal(size=(50, 1))

    def loss_of(seed: int, own: int | None) -> float:
        stack = [
            layers.Input((4,)),
            layers.Dropout(0.5, own),
            layers.Dense(1, "linear", False, "ones"),
        ]
        model = models.Sequential(stack, dtype="float64", seed=seed)
        model.compile(optimizers.SGD(0.0), "mse")
        return float(model.fit(x, y, shuffle=False, verbose=0).history["loss"][0])

    assert loss_of(1, None) == loss_of(1, None) == loss_of(2, 1)
    assert len({loss_of(1, None), loss_of(2, None), loss_of(1, 3)}) == 3


def test_the_share_that_is_dropped() -> None:
    """Of the oracle's factors, which the core is compared with: within 5 standard deviations."""
    n = 400 * 250
    for rate in (0.001, 0.1, 0.5, 0.9, 0.999):
        factors = dropout_factors(rate, SEED, 3, 1, (400, 250), np.float64)
        dropped = np.mean(factors == 0)
        assert abs(dropped - rate) < 5 * np.sqrt(rate * (1 - rate) / n)
        assert_close(factors[factors > 0], np.full(np.sum(factors > 0), 1 / (1 - rate)), 1e-15)
    draws = [
        dropout_factors(0.5, s, t, k, (20, 20), np.float64)
        for s, t, k in ((0, 0, 0), (1, 0, 0), (2**32, 0, 0), (0, 1, 0), (0, 0, 1))
    ]
    assert len({d.tobytes() for d in draws}) == len(draws)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((1.0,), ValueError, "rate must be less than 1"),
        ((-0.1,), ValueError, "rate must be a finite number from 0 to 1"),
        ((1.5,), ValueError, "rate must be a finite number from 0 to 1"),
        ((True,), TypeError, "rate must be"),
        (("0.5",), TypeError, "rate must be"),
        ((0.5, -1), ValueError, "seed must be an integer"),
        ((0.5, 1.0), TypeError, "seed must be an integer"),
    ],
)
def test_dropout_refuses(arguments: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        layers.Dropout(*arguments)


def test_methods_that_use_all_samples_refuse_dropout() -> None:
    rng = np.random.default_rng(14)
    stack = [layers.Input((4,)), layers.Dense(3, "tanh"), layers.Dropout(0.5), layers.Dense(1)]
    model = models.Sequential(stack, seed=1)
    model.compile("newton_cg", losses.MeanSquaredError())
    before = model.get_weights()
    with pytest.raises(ValueError, match="'newton_cg' with dropout"):
        model.fit(rng.normal(size=(20, 4)), rng.normal(size=(20, 1)), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert_same_bits(new, old)


def test_representation_and_summary() -> None:
    model = models.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dropout(0.25, seed=7)])
    assert repr(model.layers[1]) == "Dropout(rate=0.25, seed=7)"
    assert model.count_params() == 15
    assert model.layers[1].name == "dropout"
