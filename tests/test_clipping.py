"""Clipping and weight decay: every plan that takes them, the ones that refuse, and settings."""

from typing import Any

import numpy as np
import pytest
import shallowcore
from oracle.network import Loss
from oracle.tolerances import assert_all_close, epsilon, trajectory
from oracle.train import train
from shallowcore import _core, callbacks, layers, models, optimizers
from test_trajectories import DTYPES, SETTINGS, assert_same_training, oracle_optimizer, problem
from twins import SPARSE, chain, model_of, targets_of

NORMS = [{"clipnorm": 0.05}, {"global_clipnorm": 0.1}, {"clipnorm": 100.0}]
METHODS = [
    ("sgd", {"learning_rate": 0.2, "momentum": 0.5}),
    ("adam", {"learning_rate": 0.01}),
    ("adamw", {"weight_decay": 0.05}),
    ("rprop", {}),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("plan", ["lanes", "blocks"])
@pytest.mark.parametrize("clip", NORMS, ids=str)
@pytest.mark.parametrize(("name", "settings"), METHODS, ids=str)
def test_norms(
    monkeypatch: Any,
    name: str,
    settings: dict[str, Any],
    clip: dict[str, Any],
    plan: str,
    dtype: Any,
) -> None:
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    for kind in ("shallow", "softmax"):
        network, loss, x, y = problem(kind, 100, dtype)
        optimizer = optimizers.Optimizer(name, **settings, **clip)
        model = model_of(network, x.shape[1], loss, optimizer, seed=5)
        mine = oracle_optimizer(name, network.parameters(), settings | clip)
        assert_same_training(network, model, mine, loss, (x, y), 40, epochs=10)


def test_a_norm_of_many_weights() -> None:
    """More than are summed at a time; the same bits for any number of threads."""
    rng = np.random.default_rng(3)
    network = chain(rng, (300, 500, 4), ("tanh", "softmax"), np.float64)
    x, y = rng.normal(size=(40, 300)), targets_of(Loss(SPARSE), rng, 40, 4, np.float64)
    digests = set()
    for threads in (1, 2, 3):
        for clip in NORMS[:2]:
            with shallowcore.num_threads(threads):
                model = model_of(network, 300, Loss(SPARSE), optimizers.SGD(0.5, **clip))
                model.fit(x, y, batch_size=20, epochs=3, shuffle=False, verbose=0)
                digests.add((str(clip), model.digest()))
    assert len(digests) == 2
    mine = oracle_optimizer("sgd", network.parameters(), {"learning_rate": 0.5} | NORMS[1])
    model = model_of(network, 300, Loss(SPARSE), optimizers.SGD(0.5, **NORMS[1]))
    assert_same_training(network, model, mine, Loss(SPARSE), (x, y), 6, epochs=3, batch_size=20)


@pytest.mark.parametrize(
    ("plan", "setting", "reason"),
    [
        ("panels", "clipnorm", "clipped by their norm"),
        ("panels", "global_clipnorm", "clipped by their norm"),
        ("tiles", "clipnorm", "clipped by their norm"),
        ("gram", "clipvalue", "gradients are clipped, or weights decay"),
        ("gram", "weight_decay", "gradients are clipped, or weights decay"),
    ],
)
def test_plans_refuse_what_they_cannot_do(
    monkeypatch: Any, plan: str, setting: str, reason: str
) -> None:
    """And another plan takes over where none is forced."""
    network, loss, x, y = problem("logistic", 5, np.float32)
    model = model_of(network, 7, loss, optimizers.SGD(0.1, **{setting: 0.1}))
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    with pytest.raises(RuntimeError, match=reason):
        model.fit(x, y, batch_size=5, verbose=0)
    monkeypatch.delenv("SHALLOWCORE_FORCE_PLAN")
    model.fit(x, y, batch_size=5, verbose=0)
    assert f"plan: {plan}" not in model.plan_summary()


def test_a_gradient_that_is_not_finite_is_not_hidden() -> None:
    """Clipped by value or by norm, NaN stays NaN, and training ends."""
    x, y = np.full((4, 2), 1e30, np.float32), np.full((4, 1), -1e30, np.float32)
    for clip in ({"clipvalue": 1.0}, {"clipnorm": 1.0}, {"global_clipnorm": 1.0}):
        model = models.Sequential([layers.Input((2,)), layers.Dense(1)], seed=1)
        model.compile(optimizers.SGD(0.1, **clip), "mse")
        before = model.digest()
        with pytest.warns(RuntimeWarning, match="diverged"):
            model.fit(x, y, verbose=0)
        assert model.digest() == before


def test_no_epsilon_is_no_division_by_zero() -> None:
    """Weights whose gradients are all zero stay, whatever the optimizer."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(30, 5)).astype(np.float32)
    x[:, 2] = 0
    for name in ("rmsprop", "adam", "adamw", "nadam", "adagrad"):
        settings: dict[str, Any] = {"epsilon": 0.0, "weight_decay": 0.0}
        if name == "adagrad":
            settings["initial_accumulator_value"] = 0.0
        model = models.Sequential([layers.Input((5,)), layers.Dense(3)], seed=2)
        model.compile(optimizers.Optimizer(name, **settings), "mse")
        before = model.get_weights()[0]
        model.fit(x, rng.normal(size=(30, 3)), epochs=3, verbose=0)
        after = model.get_weights()[0]
        assert (after[2] == before[2]).all()
        assert (after[[0, 1, 3, 4]] != before[[0, 1, 3, 4]]).all()


# --- settings -------------------------------------------------------------------------------------


def test_none_is_no_clipping() -> None:
    optimizer = optimizers.SGD(clipnorm=2.0)
    assert (optimizer.clipnorm, optimizer.clipvalue, optimizer.weight_decay) == (2.0, None, None)
    assert repr(optimizer) == "SGD(learning_rate=0.01, momentum=0.0, nesterov=False, clipnorm=2.0)"
    optimizer.clipnorm = None
    optimizer.clipvalue = 0.5
    assert optimizer.parameters["clipvalue"] == 0.5
    assert optimizers.AdamW(weight_decay=None).weight_decay is None


def test_settings_change_between_fits() -> None:
    """From one way of clipping to another, in the model that trains on."""
    network, loss, x, y = problem("shallow", 64, np.float64)
    model = model_of(network, 20, loss, optimizers.SGD(0.5, clipnorm=0.01), seed=1)
    mine = oracle_optimizer("sgd", network.parameters(), {"learning_rate": 0.5, "clipnorm": 0.01})
    assert_same_training(network, model, mine, loss, (x, y), 2, epochs=1, shuffle=False)
    model.optimizer.clipnorm = None
    model.optimizer.global_clipnorm = 0.02
    model.optimizer.weight_decay = 0.1
    mine.clips, mine.weight_decay = (None, None, 0.02), 0.1
    assert_same_training(network, model, mine, loss, (x, y), 2, epochs=1, shuffle=False)


@pytest.mark.parametrize("stepwise", [False, True])
def test_a_setting_that_the_plan_cannot_do_brings_another_plan(stepwise: bool) -> None:
    """Panels and gram clip no norms: set under way, the next epoch or batch is clipped."""
    for sizes in ((40, 64, 3), (300, 2)):
        rng = np.random.default_rng(6)
        network = chain(rng, sizes, ("tanh", "identity")[-len(sizes) + 1 :], np.float64)
        loss = Loss("mean_squared_error")
        x, y = rng.normal(size=(100, sizes[0])), rng.normal(size=(100, sizes[-1]))
        model = model_of(network, sizes[0], loss, optimizers.SGD(0.1), seed=1)

        def change(epoch: int, model: Any = model) -> None:
            if epoch == 30:
                model.optimizer.global_clipnorm = 0.05

        if stepwise:
            for step in range(60):
                change(step)
                model.train_on_batch(x, y)
        else:
            begin = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: change(epoch))
            model.fit(x, y, batch_size=100, epochs=60, verbose=0, callbacks=[begin])
        mine = oracle_optimizer("sgd", network.parameters(), {"learning_rate": 0.1})
        options = {"batch_size": 100, "shuffle": False, "epochs": 30}
        train(network, mine, loss, x, y, **options)
        mine.clips = (None, None, 0.05)
        train(network, mine, loss, x, y, **options)
        assert_all_close(model.get_weights(), network.parameters(), trajectory(np.float64, 60))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), ValueError, "one of clipnorm"),
        (lambda: optimizers.SGD(clipnorm=-1.0), ValueError, "clipnorm must be"),
        (lambda: optimizers.Adam(clipvalue="x"), TypeError, "clipvalue must be"),
        (lambda: optimizers.Adam(weight_decay=-0.1), ValueError, "weight_decay must be"),
        (lambda: optimizers.NewtonCG(clipnorm=1.0), TypeError, "clipnorm"),
        (lambda: optimizers.Rprop(eta_minus=1.5), ValueError, "eta_minus must be"),
        (lambda: optimizers.Rprop(eta_plus=0.5), ValueError, "eta_plus must be"),
        (
            lambda: setattr(optimizers.SGD(clipnorm=1.0), "global_clipnorm", 1.0),
            ValueError,
            "one of clipnorm",
        ),
    ],
)
def test_bad_settings(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def test_the_core_refuses_two_ways_of_clipping() -> None:
    """Made with both, or set to the second; then the first still holds."""
    network = model_of(*problem("shallow", 5, np.float32)[:1], 20, Loss(SPARSE))._build_known()
    with pytest.raises(ValueError, match="clipping: got 2 ways"):
        _core.Optimizer(network, "sgd", {"clipnorm": 1.0, "clipvalue": 1.0})
    optimizer = _core.Optimizer(network, "sgd", {"clipnorm": 1.0})
    with pytest.raises(ValueError, match="clipping: got 2 ways"):
        optimizer.set("global_clipnorm", 1.0)
    assert (optimizer.get("clipnorm"), optimizer.get("global_clipnorm")) == (1.0, 0.0)


def test_trajectories_cover_what_all_optimizers_share() -> None:
    """The settings that every plan runs in its own sweep."""
    names = {name for _, settings in SETTINGS for name in settings}
    assert {"clipvalue", "weight_decay"} <= names


def test_a_step_by_hand() -> None:
    """Gradients 6 cut off at 3, weights decayed first."""
    model = models.Sequential([layers.Input((1,)), layers.Dense(1)], dtype="float64")
    model.set_weights([np.array([[2.0]]), np.array([1.0])])
    model.compile(optimizers.SGD(0.1, weight_decay=0.5, clipvalue=3.0), "mse")
    model.train_on_batch(np.array([[1.0]]), np.array([[0.0]]))
    expected = [np.array([[2 - 0.1 - 0.3]]), np.array([1 - 0.05 - 0.3])]
    assert_all_close(model.get_weights(), expected, 4 * epsilon(np.float64))
