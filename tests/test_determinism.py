"""The same bits every time: threads, processes, rows alone and among others, instruction sets.

Short forms of `python -m bench.reliability.determinism`, which says what is promised; products and
more shapes on every number of threads are in test_isa_and_threads.py.
"""

import json
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from shallowcore import _core, layers, models

PLANS = ("lanes", "panels", "blocks", "tiles", "gram", "solver")


@pytest.fixture
def determinism(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    import bench.reliability.determinism

    return bench.reliability.determinism


def few(determinism: ModuleType, plan: str) -> list[Any]:
    """One training for each optimizer that the plan takes; the dtypes by turns."""
    names = [info.name for info in _core.optimizer_table()]
    found: dict[str, Any] = {}
    for case in determinism.trainings.cases():
        turn = determinism.trainings.DTYPES[(names.index(case.optimizer) + len(plan)) % 2]
        if case.plan == plan and case.dtype == turn:
            found.setdefault(case.optimizer, case)
    return list(found.values())


def test_every_optimizer_is_among_them(determinism: ModuleType) -> None:
    """Each has a training in every plan that takes it."""
    cases = determinism.trainings.cases()
    first_order = {info.name for info in _core.optimizer_table() if not info.full_batch}
    for plan in PLANS:
        names = {case.optimizer for case in cases if case.plan == plan}
        if plan == "solver":
            assert names == {info.name for info in _core.optimizer_table()} - first_order
        else:
            assert names == ({"sgd"} if plan == "gram" else first_order)
        assert {case.optimizer for case in few(determinism, plan)} == names


@pytest.mark.parametrize("plan", PLANS)
def test_any_number_of_threads_gives_the_same_bits(determinism: ModuleType, plan: str) -> None:
    """Weights, state, history, predictions and gradients, with dropout and shuffling."""
    cases = few(determinism, plan)
    expected = determinism.trainings.results(1, cases)
    for threads in (3, 8):
        assert determinism.trainings.results(threads, cases) == expected


def test_another_process_on_a_busy_machine_gives_the_same_bits(determinism: ModuleType) -> None:
    cases = [case for plan in PLANS for case in few(determinism, plan)[:1]]
    expected = determinism.trainings.results(2, cases)
    code = f"""
import json
from bench.reliability import trainings
chosen = [case for case in trainings.cases() if f"{{case}} {{case.sizes}}" in {list(expected)!r}]
print(json.dumps(trainings.results(2, chosen)))
"""
    with determinism.busy_machine():
        assert json.loads(determinism.child("-c", code)) == expected


def test_a_row_has_the_same_bits_alone_and_among_others(determinism: ModuleType) -> None:
    """Random models, any position, address, layout and dtype of the inputs."""
    found: Counter[tuple[str, bool]] = Counter()
    for seed in range(40):
        determinism.rows.check_model(np.random.default_rng(seed), found)
    assert sum(found.values()) > 400
    assert [name for name, same in found if not same] == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("units", [1, 2, 4, 9])
@pytest.mark.parametrize("n_features", [1, 2, 8, 17])
def test_rows_of_small_layers(
    determinism: ModuleType, n_features: int, units: int, dtype: str
) -> None:
    found: Counter[tuple[str, bool]] = Counter()
    rng = np.random.default_rng(0)
    layer = layers.Dense(units, bias_initializer="random_normal")
    model = models.Sequential([layers.Input((n_features,)), layer], dtype=dtype, seed=1)
    for rows in (1, 8, 33):
        x = rng.normal(size=(rows, n_features)).astype(dtype)
        determinism.rows.check_rows(model, x, rng, found)
    assert [name for name, same in found if not same] == []


def test_estimators_predict_rows_alone_and_among_others(determinism: ModuleType) -> None:
    found: Counter[tuple[str, bool]] = Counter()
    for seed in range(12):
        determinism.rows.check_estimator(np.random.default_rng(seed), found)
    assert len(found) == 7
    assert [name for name, same in found if not same] == []


@pytest.mark.parametrize("isa", [name for name in _core.supported_isas() if name != _core.isa()])
def test_instruction_sets_agree_within_the_bound(determinism: ModuleType, isa: str) -> None:
    for (name, dtype), by_steps in determinism.distances(isa, _core.isa()).items():
        for steps, error in by_steps.items():
            assert determinism.within_bound(name, dtype, steps, error), (name, dtype, steps, error)


# --- digest ---------------------------------------------------------------------------------------


def fnv(weights: list[Any]) -> str:
    """FNV-1a, 64 bits, over the bytes of the arrays."""
    found = 0xCBF29CE484222325
    for byte in b"".join(w.tobytes() for w in weights):
        found = (found ^ byte) * 0x100000001B3 % 2**64
    return f"{found:016x}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_digest_is_the_documented_hash(dtype: str) -> None:
    stack = [layers.Input((7,)), layers.Dense(5, "relu"), layers.Dense(3, use_bias=False)]
    model = models.Sequential(stack, dtype=dtype, seed=1)
    assert model.digest() == fnv(model.get_weights())
    weights = model.get_weights()
    for view in (model.layers[0].kernel, model.layers[0].bias, model.layers[1].kernel):
        before = model.digest()
        last = view[..., -1:]
        last[...] = np.nextafter(last, 2)
        assert model.digest() == fnv(model.get_weights()) != before
    model.set_weights(weights)
    assert model.digest() == fnv(weights)
    model.layers[0].bias[0] = -0.0
    assert model.digest() != fnv(weights)
