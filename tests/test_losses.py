"""Losses with parameters of their own, their targets, and every loss in whole trainings."""

from typing import Any

import numpy as np
import pytest
from oracle import losses as reference
from oracle.network import Loss
from oracle.tolerances import assert_close, assert_close_elementwise, reduction, single
from shallowcore import _core, layers, losses, models, ops, optimizers
from test_trajectories import DTYPES, assert_same_training, oracle_optimizer
from twins import chain, model_of, targets_of

PLANS = ("lanes", "panels", "blocks")
# Losses that are new to the networks of test_trajectories, with a fitting output.
LOSSES = [
    ("identity", Loss("mean_absolute_error")),
    ("identity", Loss("huber", scale=2.0, parameters={"delta": 0.4})),
    ("tanh", Loss("log_cosh")),
    ("identity", Loss("quantile", parameters={"quantile": 0.8})),
    ("identity", Loss("quantile", parameters={"quantile": (0.1, 0.5, 0.9)})),
    ("sigmoid", Loss("poisson")),
    ("identity", Loss("poisson", from_logits=True, scale=0.1)),
    ("tanh", Loss("hinge")),
]


# --- kernels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cols", [2, 3, 5, 7, 8, 16, 17, 33, 99])
def test_a_quantile_for_each_output(cols: int, dtype: Any) -> None:
    """With and without weights, for rows that fill whole vectors and others."""
    rng = np.random.default_rng(cols)
    quantiles = tuple(((np.arange(cols) + 1) / (cols + 1)).tolist())
    for rows in (1, 2, 5, 64, 301):
        y, pred = rng.normal(size=(2, rows, cols)).astype(dtype)
        weight = rng.random(rows).astype(dtype)
        for w in (None, weight):
            value, gradient = ops.loss("quantile", y, pred, sample_weight=w, quantile=quantiles)
            expected, slope = reference.quantile(
                y.astype(np.float64),
                pred.astype(np.float64),
                quantile=quantiles,
                sample_weight=None if w is None else w.astype(np.float64),
            )
            assert abs(value - expected) <= reduction(dtype, rows * cols) * expected
            assert_close(gradient, slope.astype(dtype), single(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_cosh_of_small_and_large_errors(dtype: Any) -> None:
    """All digits of every element, and no overflow."""
    e = np.concatenate([np.logspace(-15, 4, 300), [0.0, 1.0, 0.99999]]).astype(dtype)
    for error in (e, -e):
        zero = np.zeros((1, 1), dtype)
        got = [ops.loss("log_cosh", zero, x.reshape(1, 1)) for x in error]
        exact = [
            reference.log_cosh(zero.astype(float), x.reshape(1, 1).astype(float)) for x in error
        ]
        values, wanted = (np.array([v for v, _ in pairs]).astype(dtype) for pairs in (got, exact))
        assert_close_elementwise(values, wanted, single(dtype))
        slopes, wanted = (np.array([s[0, 0] for _, s in pairs]) for pairs in (got, exact))
        assert_close_elementwise(slopes, wanted.astype(dtype), single(dtype))


def test_slopes_where_losses_have_none() -> None:
    """At equal numbers, and a margin that is just met."""
    one = np.ones((1, 1))
    for name in ("mae", "quantile", "huber", "log_cosh"):
        assert ops.loss(name, one, one)[1][0, 0] == 0
    assert ops.loss("hinge", one, one)[1][0, 0] == 0


# --- settings and targets -------------------------------------------------------------------------


def test_parameters_of_losses() -> None:
    assert losses.Huber().parameters == {"delta": 1.0}
    assert losses.Huber(0.5).delta == 0.5
    assert losses.Quantile((0.1, 0.9)).quantile == (0.1, 0.9)
    assert losses.Quantile(np.array([0.25])).quantile == 0.25
    assert losses.get("pinball").name == "quantile"
    assert (
        repr(losses.Quantile([0.1, 0.9], scale=2.0)) == "Quantile(scale=2.0, quantile=(0.1, 0.9))"
    )
    assert repr(losses.Loss("huber", delta=1)) == "Huber()"
    with pytest.raises(AttributeError, match="no attribute 'delta'"):
        _ = losses.LogCosh().delta


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: losses.Huber(0.0), ValueError, "delta must be"),
        (lambda: losses.Huber([1.0]), TypeError, "delta must be"),
        (lambda: losses.Quantile(1.0), ValueError, "quantile must be"),
        (lambda: losses.Quantile([0.5, 0.0]), ValueError, "each quantile must be"),
        (lambda: losses.Quantile([]), ValueError, "quantile must be a number or some numbers"),
        (lambda: losses.Quantile("half"), TypeError, "quantile must be"),
        (lambda: losses.Loss("huber", detla=1), TypeError, "'detla'; did you mean 'delta'"),
        (lambda: losses.Loss("mse", delta=1), TypeError, "takes no parameter 'delta'"),
        (lambda: ops.loss("mae", [1], [1], delta=1), TypeError, "takes no parameter 'delta'"),
        (lambda: ops.loss(losses.Huber(), [1], [1], delta=1), TypeError, "beside the object"),
        (lambda: ops.loss("poisson", [1.0], [-1.0]), ValueError, "rates >= 0 for poisson"),
        (lambda: ops.loss("poisson", [-1.0], [1.0]), ValueError, ">= 0 for poisson"),
        (lambda: ops.loss("hinge", [2.0], [1.0]), ValueError, r"\[-1, 1\] for hinge"),
        (
            lambda: ops.loss(
                "quantile", np.ones((3, 2)), np.ones((3, 2)), quantile=[0.1, 0.5, 0.9]
            ),
            ValueError,
            "quantile",
        ),
        (lambda: _core.Loss("mse", parameters={"delta": [1.0]}), ValueError, "loss"),
        (lambda: _core.Loss("huber", parameters={"delta": [1.0, 2.0]}), ValueError, "delta"),
    ],
)
def test_losses_refuse(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def quantile_model(loss: Any, n_outputs: int = 3) -> models.Sequential:
    """A linear model of 4 features."""
    model = models.Sequential([layers.Input((4,)), layers.Dense(n_outputs)], seed=1)
    model.compile(optimizers.SGD(0.1), loss)
    return model


def test_one_target_for_all_quantiles() -> None:
    """(n,), (n, 1) and (n, 3) of the same numbers are the same training."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, 4)).astype(np.float32), rng.normal(size=50).astype(np.float32)
    digests = set()
    for target in (y, y[:, None], np.tile(y[:, None], 3)):
        model = quantile_model(losses.Quantile([0.1, 0.5, 0.9]))
        model.fit(x, target, epochs=3, verbose=0)
        model.train_on_batch(x, target)
        assert np.isfinite(model.evaluate(x, target))
        digests.add(model.digest())
    assert len(digests) == 1


def test_quantiles_and_outputs_must_agree() -> None:
    x, y = np.ones((5, 4)), np.ones(5)
    with pytest.raises(ValueError, match="for a model with 3 outputs, this one has 2"):
        quantile_model(losses.Quantile([0.1, 0.5, 0.9]), 2).fit(x, y, verbose=0)
    with pytest.raises(ValueError, match="y must have shape"):
        quantile_model(losses.Quantile(0.5)).fit(x, y, verbose=0)


def test_quantiles_cover_what_they_say() -> None:
    """Noise that grows with x: coverage on fresh samples within 2 %, hardly a crossing."""
    rng = np.random.default_rng(2)
    x, fresh = rng.uniform(0, 1, (2, 4000, 1))
    noise = rng.normal(size=(2, 4000))
    y, y_fresh = (
        2 * x[:, 0] + (0.2 + x[:, 0]) * noise[0],
        2 * fresh[:, 0] + (0.2 + fresh[:, 0]) * noise[1],
    )
    quantiles = np.array([0.1, 0.5, 0.9])
    model = models.Sequential(
        [layers.Input((1,)), layers.Dense(16, "tanh"), layers.Dense(3)], seed=3
    )
    rate = optimizers.schedules.CosineDecay(0.02, 60 * 32)
    model.compile(optimizers.Adam(rate), losses.Quantile(quantiles))
    model.fit(x, y, batch_size=128, epochs=60, verbose=0)
    predicted = model.predict(fresh)
    coverage = np.mean(y_fresh[:, None] <= predicted, axis=0)
    assert np.abs(coverage - quantiles).max() < 0.02
    assert np.mean(np.diff(predicted, axis=1) < 0) < 0.001


def test_hinge_takes_both_kinds_of_labels() -> None:
    """0 is -1; accuracy goes by the sign."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 4))
    y = (x @ [1.0, -1.0, 0.5, 0.0] > 0).astype(float)
    found = []
    for labels in (y, 2 * y - 1, y.astype(bool), (2 * y - 1).astype(np.int8)):
        model = models.Sequential([layers.Input((4,)), layers.Dense(1)], seed=1)
        model.compile(optimizers.SGD(0.5), "hinge", metrics=["accuracy"])
        model.fit(x, labels, epochs=30, verbose=0)
        assert model.evaluate(x, labels)[1] > 0.9
        found.append(model.digest())
    assert len(set(found)) == 1


def test_newton_refuses_a_loss_without_curvature() -> None:
    model = quantile_model("mae")
    model.compile(optimizers.NewtonCG(), "mae")
    with pytest.raises(ValueError, match="mean_absolute_error, expected a loss with second"):
        model.fit(np.ones((5, 4)), np.ones((5, 3)), verbose=0)


# --- whole trainings ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(("output", "loss"), LOSSES, ids=str)
def test_hundred_steps(monkeypatch: Any, output: str, loss: Loss, plan: str, dtype: Any) -> None:
    """With sample weights, metrics, validation and a short last batch."""
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    rng = np.random.default_rng(8)
    network = chain(rng, (6, 19, 3), ("tanh", output), dtype)
    x = rng.normal(size=(103, 6)).astype(np.float32).astype(dtype)
    y, weight = targets_of(loss, rng, 103, 3, dtype), rng.random(103).astype(dtype)
    model = model_of(network, 6, loss, optimizers.SGD(0.02), ["mse", "mae"], seed=2)
    mine = oracle_optimizer("sgd", network.parameters(), {"learning_rate": 0.02})
    options = {"epochs": 20, "batch_size": 23, "validation": (x[:9], y[:9])}
    assert_same_training(network, model, mine, loss, (x, y, weight), 100, **options)
