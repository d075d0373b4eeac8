"""The benchmark of the choice of plans: it times what suits, and says so where a choice is bad."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NAME = "20-10-1/16"


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    import bench.plans

    # `Trainer` sets it and `main` puts it back, as does this where a test calls no `main`.
    monkeypatch.setenv(bench.plans.FORCE, "")
    return bench.plans


def fake_clock(plans: ModuleType, monkeypatch: pytest.MonkeyPatch, *shares: float) -> list[int]:
    """Plans other than the chosen one take these shares of its time; rounds of each comparison."""
    found, rounds_of = iter(shares), []

    def compare(runs: Sequence[Any], sample: float, rounds: int) -> list[list[float]]:
        rounds_of.append(rounds)
        share = next(found)
        return [[1.0] * rounds, *[[share] * rounds] * (len(runs) - 1)]

    def seconds_of(run: Any, n: int) -> float:
        run(n)
        return 1.0

    monkeypatch.setattr(plans.growth, "compare", compare)
    monkeypatch.setattr(plans.growth, "seconds_of", seconds_of)
    return rounds_of


def test_plans_are_those_of_the_core(plans: ModuleType) -> None:
    assert {"solver", "lanes", "gram", "tiles", "panels", "blocks"} <= set(plans.plan_names())


@pytest.mark.parametrize("double", [False, True])
def test_all_plans_agree_with_the_oracle_on_all_shapes(plans: ModuleType, double: bool) -> None:
    names = plans.plan_names()
    assert len(plans.ALL) == 5 + len(plans.SHAPES) + len(plans.DOUBLE)
    for one in plans.SHAPES:
        workload = plans.double(one) if double else one
        data = workload.load()
        right = plans.checks.expected(workload, data)
        found = [plans.short_training(workload, data, name, right) for name in names]
        assert [wrong for _, wrong in found] == [[]] * len(names)
        assert 3 <= sum(not reason for reason, _ in found) < len(names)


def test_quick_run(plans: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plans.json"
    assert plans.main(["--quick", "--workload", NAME, "--rounds", "2", "--json", str(file)]) == 0
    assert os.environ[plans.FORCE] == ""
    figures = json.loads(file.read_text())
    assert figures["conditions"]["rounds"] == 2
    rows = {row["plan"]: row for row in figures["rows"]}
    assert list(rows) == sorted(rows, key=lambda name: -len(rows[name]["seconds"]))
    lanes = rows["lanes"]
    assert (lanes["verdict"], lanes["x_chosen"], len(lanes["seconds"])) == ("chosen", 1, 2)
    steps = 250 * 10  # batches of 16 of 4000 samples, 10 epochs
    assert lanes["us_per_step"] == pytest.approx(sum(lanes["seconds"]) / 2 / steps * 1e6)
    assert rows["blocks"]["x_chosen"] < 1
    assert rows["gram"]["verdict"] == "a step uses some of the samples only"
    assert rows["gram"]["us_per_step"] is None
    printed = capsys.readouterr().out
    assert [line.split()[1] for line in printed.splitlines() if line.startswith(NAME)] == list(rows)


def test_a_slower_choice_is_found(
    plans: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the clock: free to choose, blocks are taken here, a third as fast as lanes."""
    make = plans.Trainer.__init__

    def init(self: Any, workload: Any, data: Any, length: Any, plan: str) -> None:
        make(self, workload, data, length, plan or "blocks")

    monkeypatch.setattr(plans.Trainer, "__init__", init)
    assert plans.main(["--quick", "--workload", "shallow"]) == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["blocks", "chosen"] in [line[1:3] for line in lines]
    assert ["lanes", "FASTER"] in [line[1:3] for line in lines]


def test_a_slower_choice_is_measured_again(
    plans: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--quick", "--workload", NAME, "--rounds", "2"]
    assert fake_clock(plans, monkeypatch, 0.92) == []
    assert plans.main(command) == 0  # 9 % faster
    rounds = fake_clock(plans, monkeypatch, 0.5, 0.95)
    assert plans.main(command) == 0
    assert rounds == [2, 6]
    assert "FASTER" not in capsys.readouterr().out
    rounds = fake_clock(plans, monkeypatch, 0.5, 0.9)
    assert plans.main(command) == 1
    assert rounds == [2, 6]
    assert "FASTER" in capsys.readouterr().out


def test_ratios_are_those_of_the_rounds(plans: ModuleType) -> None:
    seconds = {"lanes": [2.0, 4.0, 3.0], "blocks": [1.0, 4.0, 2.0]}  # ratios 2, 1, 1.5
    lanes, blocks = plans.timed_rows(plans.ALL[NAME], 1000, "lanes", seconds)
    assert (lanes.verdict, lanes.x_chosen, lanes.us_per_step) == ("chosen", 1, 3000)
    assert (blocks.verdict, blocks.x_chosen, blocks.us_per_step) == ("FASTER", 1.5, 2000)
    assert blocks.spread == 1.5
    assert blocks.cells() == [NAME, "blocks", "FASTER", "2000", "150%", "1.50"]


def test_what_is_far_slower_is_not_timed_further(
    plans: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    firsts = iter([1.0, 4.1, 3.9])

    def seconds_of(run: Any, n: int) -> float:
        run(n)
        return next(firsts)

    fake_clock(plans, monkeypatch, 3.9)
    monkeypatch.setattr(plans.growth, "seconds_of", seconds_of)
    workload = plans.ALL[NAME]
    names = ["lanes", "panels", "blocks"]
    rows = plans.time_plans(workload, workload.load(), workload.quick, names, 2, 0.01)
    assert [row.plan for row in rows] == ["lanes", "blocks", "panels"]
    assert [row.verdict for row in rows] == ["chosen", "", "far slower"]
    assert [len(row.seconds) for row in rows] == [2, 2, 1]


def test_wrong_results_are_not_timed(
    plans: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plans, "tolerance", lambda *_: 0.0)
    monkeypatch.setattr(plans, "time_plans", None)
    assert plans.main(["--quick", "--workload", NAME]) == 1
    assert f"WRONG  {NAME}: lanes: losses: relative error" in capsys.readouterr().out


def test_debug_build_and_no_rounds_are_refused(
    plans: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        plans.main(["--rounds", "-1"])
    assert stop.value.code == 2
    monkeypatch.setattr(plans.growth, "is_debug_build", lambda: True)
    assert plans.main([]) == 2
    assert "--rounds must be at least 1, got -1" in capsys.readouterr().err
