"""Schedules of the learning rate: figures, the core against the oracle, and whole trainings."""

import math
import pickle
from typing import Any

import numpy as np
import pytest
from oracle import schedules as reference
from oracle.tolerances import assert_close
from shallowcore import _core, optimizers
from shallowcore.optimizers import schedules
from test_trajectories import DTYPES, assert_same_training, oracle_optimizer, problem
from twins import model_of

DECAY = {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.6}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", DECAY),
    ("ExponentialDecay", DECAY | {"staircase": True}),
    ("InverseTimeDecay", DECAY),
    ("InverseTimeDecay", DECAY | {"staircase": True}),
    ("PiecewiseConstantDecay", {"boundaries": [5, 9, 20], "values": [0.3, 0.1, 0.2, 0.01]}),
    ("PiecewiseConstantDecay", {"boundaries": [], "values": [0.3]}),
    ("CosineDecay", {"initial_learning_rate": 0.3, "decay_steps": 20}),
    ("CosineDecay", {"initial_learning_rate": 0.3, "decay_steps": 20, "alpha": 0.2}),
    (
        "CosineDecay",
        {
            "initial_learning_rate": 0.01,
            "decay_steps": 13,
            "alpha": 0.1,
            "warmup_target": 0.3,
            "warmup_steps": 8,
        },
    ),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 13, "warmup_target": 0.3}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 13, "warmup_steps": 5}),
    ("OneCycle", {"max_learning_rate": 0.3, "total_steps": 30}),
    (
        "OneCycle",
        {
            "max_learning_rate": 0.3,
            "total_steps": 31,
            "pct_start": 0.7,
            "div_factor": 5.0,
            "final_div_factor": 50.0,
        },
    ),
]


def core_name(kind: str) -> str:
    """Name of a class in the core's table."""
    return str(getattr(schedules, kind)(**dict(CASES)[kind]).name)


def expected_rate(kind: str, arguments: dict[str, Any]) -> Any:
    """The oracle's schedule; a warm-up without a target is none, as in Keras."""
    return reference.schedule(core_name(kind), **arguments)


def test_the_core_knows_what_the_oracle_knows() -> None:
    table = {info.name: info for info in _core.schedule_table()}
    assert set(table) == set(reference.SCHEDULES) == {core_name(kind) for kind, _ in CASES}
    assert [name for name, info in table.items() if info.has_steps] == ["piecewise_constant_decay"]


@pytest.mark.parametrize(("kind", "arguments"), CASES, ids=str)
def test_rates_are_the_oracles(kind: str, arguments: dict[str, Any]) -> None:
    schedule, expected = getattr(schedules, kind)(**arguments), expected_rate(kind, arguments)
    rates = [schedule(step) for step in range(60)]
    assert_close(np.array(rates), np.array([expected(step) for step in range(60)]), 1e-15)


def test_figures() -> None:
    assert schedules.ExponentialDecay(1.0, 10, 0.5)(5) == pytest.approx(math.sqrt(0.5), rel=1e-15)
    assert schedules.ExponentialDecay(1.0, 10, 0.5, staircase=True)(19) == 0.5
    assert schedules.InverseTimeDecay(1.0, 2, 0.5)(4) == 0.5
    cosine = schedules.CosineDecay(1.0, 4, alpha=0.5)
    assert [cosine(step) for step in (0, 2, 4, 9)] == pytest.approx([1, 0.75, 0.5, 0.5], rel=1e-15)
    warm = schedules.CosineDecay(0.0, 4, warmup_target=1.0, warmup_steps=2)
    assert [warm(step) for step in (0, 1, 2, 4, 6)] == pytest.approx([0, 0.5, 1, 0.5, 0], abs=1e-15)
    cycle = schedules.OneCycle(1.0, 21, pct_start=1 / 3, div_factor=10, final_div_factor=10)
    assert [cycle(step) for step in (0, 3, 6, 13, 20, 30)] == pytest.approx(
        [0.1, 0.55, 1.0, 0.505, 0.01, 0.01], rel=1e-14
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("plan", ["lanes", "panels", "blocks"])
@pytest.mark.parametrize(("kind", "arguments"), CASES, ids=str)
def test_trainings_follow_the_schedule(
    monkeypatch: Any, kind: str, arguments: dict[str, Any], plan: str, dtype: Any
) -> None:
    """Momentum and weight decay go by the rate of the step, too."""
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    network, loss, x, y = problem("shallow", 100, dtype)
    schedule = getattr(schedules, kind)(**arguments)
    shared = {"momentum": 0.5, "weight_decay": 0.01}
    model = model_of(network, 20, loss, optimizers.SGD(schedule, **shared), seed=5)
    settings = shared | {"schedule": expected_rate(kind, arguments)}
    mine = oracle_optimizer("sgd", network.parameters(), settings)
    assert_same_training(network, model, mine, loss, (x, y), 40, epochs=10)


@pytest.mark.parametrize("plan", ["gram", "tiles"])
def test_full_batch_plans_follow_the_schedule(monkeypatch: Any, plan: str) -> None:
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    network, loss, x, y = problem("logistic", 5, np.float64)
    model = model_of(network, 7, loss, optimizers.SGD(schedules.OneCycle(0.5, 30)))
    settings = {"schedule": reference.schedule("one_cycle", max_learning_rate=0.5, total_steps=30)}
    mine = oracle_optimizer("sgd", network.parameters(), settings)
    assert_same_training(network, model, mine, loss, (x, y), 30, epochs=30, batch_size=5)
    assert f"plan: {plan}" in model.plan_summary()


def test_history_shows_the_rate_at_the_end_of_each_epoch() -> None:
    network, loss, x, y = problem("shallow", 64, np.float32)
    schedule = schedules.ExponentialDecay(0.1, 2, 0.5)
    model = model_of(network, 20, loss, optimizers.SGD(schedule))
    rates = model.fit(x, y, epochs=3, verbose=0).history["lr"]
    assert rates == pytest.approx([0.05, 0.025, 0.0125], rel=1e-15)
    assert model.fit(x, y, epochs=1, verbose=0).history["lr"] == pytest.approx([0.00625])
    assert model.optimizer.learning_rate is schedule
    assert model.optimizer.parameters["learning_rate"] == pytest.approx(0.00625)


def test_another_schedule_holds_from_the_next_epoch() -> None:
    network, loss, x, y = problem("shallow", 64, np.float32)
    model = model_of(network, 20, loss, optimizers.SGD(0.1))
    model.fit(x, y, verbose=0)
    model.optimizer.learning_rate = schedules.PiecewiseConstantDecay([2], [0.5, 0.25])
    assert model.fit(x, y, epochs=2, verbose=0).history["lr"] == [0.25, 0.25]
    with pytest.raises(TypeError, match="learning_rate is the schedule PiecewiseConstantDecay"):
        model.optimizer.learning_rate = 0.1


def test_schedules_are_values() -> None:
    for kind, arguments in CASES:
        schedule = getattr(schedules, kind)(**arguments)
        assert pickle.loads(pickle.dumps(schedule)) == schedule
        assert hash(schedule) == hash(getattr(schedules, kind)(**arguments))
        assert schedule.get_config().items() >= arguments.items()
        for name, value in arguments.items():
            assert getattr(schedule, name) == value
            assert f"{name}=" in repr(schedule)
        assert schedule.formula
    assert schedules.OneCycle(0.1, 10) != schedules.OneCycle(0.1, 11)
    with pytest.raises(AttributeError, match="no attribute 'warmup'"):
        _ = schedules.OneCycle(0.1, 10).warmup


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: schedules.ExponentialDecay(-1, 1, 1), ValueError, "initial_learning_rate must be"),
        (lambda: schedules.ExponentialDecay(1, 0, 1), ValueError, "decay_steps must be"),
        (lambda: schedules.ExponentialDecay(1, 1, "x"), TypeError, "decay_rate must be"),
        (lambda: schedules.ExponentialDecay(1, 1, 1, 1), TypeError, "staircase must be True"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [1, 2, 3]), ValueError, "must rise"),
        (
            lambda: schedules.PiecewiseConstantDecay([2], [1]),
            ValueError,
            "one more than boundaries",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay(2, [1, 2]),
            TypeError,
            "boundaries must be a seq",
        ),
        (lambda: schedules.PiecewiseConstantDecay([2], [1, -2]), ValueError, "each of values must"),
        (lambda: schedules.CosineDecay(1, 1, alpha=-1), ValueError, "alpha must be"),
        (lambda: schedules.CosineDecay(1, 1, warmup_target=-1), ValueError, "warmup_target must"),
        (lambda: schedules.OneCycle(1, 0), ValueError, "total_steps must be"),
        (lambda: schedules.OneCycle(1, 10.5), TypeError, "total_steps must be"),
        (lambda: schedules.OneCycle(1, 10, pct_start=2), ValueError, "pct_start must be"),
        (lambda: schedules.OneCycle(1, 10)(-1), ValueError, "step must be"),
        (lambda: _core.Schedule("cycle"), ValueError, "schedule"),
        (lambda: _core.Schedule("one_cycle"), ValueError, "nothing for max_learning_rate"),
        (lambda: _core.Schedule("exponential_decay", DECAY | {"x": 1.0}), ValueError, "schedule"),
        (lambda: _core.Schedule("piecewise_constant_decay"), ValueError, "values"),
        (lambda: optimizers.SGD(momentum=schedules.OneCycle(1, 2)), TypeError, "momentum must be"),
        (
            lambda: optimizers.NewtonCG(tolerance=schedules.OneCycle(1, 2)),
            TypeError,
            "tolerance must be",
        ),
    ],
)
def test_bad_arguments(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()
