"""The sweep over shapes and the growth of time and memory: their cases, their sums, short runs."""

import itertools
import json
import math
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def sweep(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    import bench.sweep

    return bench.sweep


@pytest.fixture
def growth(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    import bench.growth

    return bench.growth


def sleeper(seconds: float, clock: list[float]) -> Any:
    """Work that takes so long on a clock of its own."""

    def run(n: int) -> None:
        clock[0] += n * seconds

    return run


# --- cases ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("quick", [False, True])
def test_cases_are_within_bounds_and_contain_the_corners(sweep: ModuleType, quick: bool) -> None:
    n_variants = sum(len(variants) for _, variants, _ in sweep.OPERATIONS.values())
    endless = sweep.cases(list(sweep.OPERATIONS), sweep.TYPES, 0, quick)
    found = list(itertools.islice(endless, 2 * n_variants * 60))
    for name, (dimensions, variants, _) in sweep.OPERATIONS.items():
        n = len(dimensions.split())
        for variant, dtype in itertools.product(variants, sweep.TYPES):
            shapes = [case[3] for case in found if case[:3] == (name, variant, dtype)]
            assert len(shapes) == 60
            assert all(len(s) == n and set(s) <= set(sweep.SIZES) for s in shapes)
            assert all(sweep.is_affordable(s, quick) for s in shapes)
            corners = set(itertools.product((1, 4096), repeat=n))
            assert {c for c in corners if sweep.is_affordable(c, quick)} <= set(shapes)
            assert len(set(shapes)) > 50


def test_every_size_and_no_other_is_drawn(sweep: ModuleType) -> None:
    assert min(sweep.SIZES) == 1
    assert max(sweep.SIZES) == 4096
    assert {2**i for i in range(13)} <= set(sweep.SIZES)
    drawn = list(itertools.islice(sweep.draws(3, 0), 300))
    for column in zip(*drawn, strict=True):
        assert set(column) == set(sweep.SIZES)
    assert drawn == list(itertools.islice(sweep.draws(3, 0), 300))
    assert drawn != list(itertools.islice(sweep.draws(3, 1), 300))


def test_budget(sweep: ModuleType) -> None:
    assert sweep.is_affordable((1, 1, 1), quick=True)
    assert sweep.is_affordable((4096, 4096, 1), quick=False)
    assert not sweep.is_affordable((4096, 4096, 4096), quick=False)  # 4e11 operations
    assert not sweep.is_affordable((1024, 1024), quick=True)  # 3 million numbers


# --- sums -----------------------------------------------------------------------------------------
def test_times_of_a_repetition(growth: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(growth, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(growth, "settle", lambda: None)
    fast, slow = sleeper(1e-6, clock), sleeper(0.5, clock)
    assert growth.seconds_of(fast, 10) == pytest.approx(1e-6)
    assert growth.repetitions(slow, 0.01) == 1
    n = growth.repetitions(fast, 0.01)
    assert 10_000 <= n <= 20_000
    seconds = growth.compare([fast, slow], 0.01, 3)
    assert [len(s) for s in seconds] == [3, 3]
    np.testing.assert_allclose(seconds, [[1e-6] * 3, [0.5] * 3], rtol=1e-6)


def test_ratio_is_that_of_the_times(
    sweep: ModuleType, growth: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [[2.0, 4.0, 1.0], [6.0, 8.0, 9.0]]  # ratios 3, 2, 9
    monkeypatch.setattr(growth, "compare", lambda *_: times)
    result = sweep.weigh(("activation", "relu", "float32", (2, 3)), 3, 1.0)
    assert (result.ours, result.numpy, result.ratio) == (2, 8, 3)
    batches = sweep.weigh(("fit", "relu adam shuffled", "float32", (2, 3, 4, 5)), 3, 1.0)
    assert (batches.ours, batches.numpy, batches.ratio) == (2 / 8, 8 / 8, 3)  # 8 steps an epoch


def test_slope_of_a_power_law(growth: ModuleType) -> None:
    sizes = [1, 2, 4, 8, 16]
    assert growth.slope(sizes, [3 * n**1.5 for n in sizes]) == pytest.approx(1.5)
    assert growth.slope(sizes, [7.0] * 5) == pytest.approx(0, abs=1e-12)


def test_errors_beyond_rounding_are_found(growth: ModuleType) -> None:
    right = np.linspace(1, 2, 50, dtype=np.float32)
    assert growth.error(right, right, 1, 0) == 0
    assert growth.error(np.nextafter(right, np.float32(3)), right, 1, 0) < 1
    assert growth.error(right * np.float32(1 + 1e-5), right, 1, 0) > 1
    assert not growth.error(np.full_like(right, np.nan), right, 1, 0) <= 1
    off = growth.duel(lambda: (None, right + 1), lambda: (None, right))
    assert off.error > 1e3


@pytest.mark.parametrize(
    "operation", ["fit", "predict", "dense", "dense_grad", "activation", "loss"]
)
def test_results_are_compared(sweep: ModuleType, operation: str) -> None:
    dimensions, variants, duel = sweep.OPERATIONS[operation]
    for variant, shape in itertools.product(variants, [(1, 1, 1, 1), (17, 5, 8, 3)]):
        made = duel(variant, "float64", *shape[: len(dimensions.split())])
        assert made.error <= 1, (operation, variant, shape)


def test_wrong_training_is_found(sweep: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    step = sweep.Script.step

    def wrong_step(self: Any, x: Any, y: Any, right: Any) -> None:
        step(self, x, y, right)
        self.weights[2][0, 0] += 1e-4

    monkeypatch.setattr(sweep.Script, "step", wrong_step)
    assert sweep.fit_duel("tanh sgd full", "float64", 17, 5, 8, 3).error > 1


def test_memory_formula(growth: ModuleType) -> None:
    small = growth.Training((2, 3, 1), rows=10, batch=4, dtype="float64")
    # Data 10 (2 + 1); parameters 2 3 + 3 + 3 1 + 1 = 13; activations 4 (2 + 3 + 1).
    assert small.formula() == 8 * (10 * 3 + 3 * 13 + 2 * 24)
    labels = growth.Training((2, 3, 4), rows=10, batch=100)
    # Data 10 2 floats and 10 labels of 4 bytes; parameters 9 + 16; the batch has 10 rows.
    assert labels.formula() == 4 * (10 * 2 + 10 + 3 * 25 + 2 * 10 * 9)
    assert growth.is_within(1.1 * 1e8 + 4e6, 1e8)
    assert not growth.is_within(1.2e8, 1e8)


# --- short runs -----------------------------------------------------------------------------------
def test_sweep_runs(
    sweep: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sweep.growth, "settle", lambda: None)
    ticks = itertools.count()  # time for 28 cases: one of every variant in both types
    monkeypatch.setattr(sweep, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    file = tmp_path / "sweep.json"
    arguments = ["--quick", "--minutes", str(29 / 0.7 / 60), "--least", "0", "--json", str(file)]
    assert sweep.main([*arguments, "--only", "fit", "activation"]) == 0
    printed = capsys.readouterr().out
    assert "m n_in n_hidden n_out" in printed
    assert "numpy's blas: " in printed
    results = json.loads(file.read_text())["results"]
    assert len(results) == 28
    assert {r["case"][0] for r in results} == {"fit", "activation"}
    assert all(r["ratio"] > 0 and r["error"] <= 1 for r in results)
    assert [r["ratio"] for r in results] == sorted(r["ratio"] for r in results)


def test_sweep_fails_on_low_ratios_and_wrong_results(
    sweep: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = ("dense", "relu", "float32", (1, 1, 1))

    def status(ratio: float, error: float) -> int:
        found = [sweep.Result(case, 1.0, ratio, ratio, error, 3)]
        monkeypatch.setattr(sweep, "search", lambda *_: found)
        result: int = sweep.main([])
        return result

    assert status(0.96, 0.5) == 0
    assert status(0.94, 0.5) == 1
    assert status(2.0, 1.5) == 1
    assert "1.5 times the error allowed" in capsys.readouterr().out
    assert status(2.0, math.nan) == 1


def test_low_ratios_are_measured_again(sweep: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {1: 2.0, 2: 0.5, 3: 0.9}

    def weigh(case: Any, rounds: int, sample: float) -> Any:
        now[0] += 1.0
        return sweep.Result(case, 1, 1, first[case[3][0]] if rounds == 5 else 1.5, 0, rounds)

    now = [0.0]
    monkeypatch.setattr(sweep, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(sweep, "weigh", weigh)
    cases = (("dense", "relu", "float32", (n, 1, 1)) for n in itertools.count(1))
    results = sweep.search(cases, 3.6, False)  # three cases in 70 % of it, then one more
    assert {r.case[3][0]: (r.ratio, r.rounds) for r in results} == {
        1: (2.0, 5),
        2: (1.5, 15),
        3: (0.9, 5),
    }


def test_growth_runs(
    growth: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def few(quick: bool) -> dict[str, Any]:
        names = ("rows", "hidden width", "hidden layers", "batch size")
        return {n: [(r, growth.Training((2, 3, 2), r, 4)) for r in (8, 16, 32)] for n in names}

    monkeypatch.setattr(growth, "series", few)
    monkeypatch.setattr(growth, "SAMPLE", 1e-3)
    monkeypatch.setattr(growth, "memory_points", lambda _: [growth.Training((8, 4, 2), 64, 16)])
    file = tmp_path / "growth.json"
    assert growth.main(["--quick", "--plot", str(tmp_path / "plots"), "--json", str(file)]) == 0
    assert "larger half" in capsys.readouterr().out
    figures = json.loads(file.read_text())
    assert figures["memory"][0]["formula"] == growth.Training((8, 4, 2), 64, 16).formula()
    assert len(figures["time"]["batch size"]["seconds"]) == 3
    assert (tmp_path / "plots" / "growth.png").stat().st_size > 10_000


def test_growth_fails_above_the_formula(
    growth: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(growth, "measure_time", lambda _: {})
    monkeypatch.setattr(growth, "measure_memory", lambda points: [2**30] * len(points))
    assert growth.main(["--quick"]) == 1
    assert "ABOVE" in capsys.readouterr().out
