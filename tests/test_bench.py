"""The benchmarks run, check results before they time, say so where one is off, and count right."""

import dataclasses
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import shallowcore
from shallowcore import _cli
from shallowcore.bench import agreement, short
from shallowcore.bench import report as common
from shallowcore.bench.workload import Data, Orders
from shallowcore.bench.workloads import WORKLOADS

ROOT = Path(__file__).parents[1]
CONTENDERS = [
    ("shallowcore", "default"),
    ("shallowcore", "1"),
    ("shallowcore", "2"),
    ("NumPy", "default"),
    ("NumPy", "1"),
]
SHALLOW = WORKLOADS["shallow"]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module behind `python -m bench`."""
    monkeypatch.syspath_prepend(str(ROOT))
    import bench.__main__

    return bench.__main__


def wrong_numpy(*arguments: Any) -> list[float]:
    """The script of `shallow`, with a last bias that is off by a thousandth."""
    losses = SHALLOW.train_numpy(*arguments)
    weights = arguments[2]
    weights[3] *= 1.001
    return losses


# --- agreement ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WORKLOADS)
def test_numpy_scripts_agree_with_the_core(name: str) -> None:
    assert short.failures(WORKLOADS[name], WORKLOADS[name].load()) == []


def test_differences_are_found() -> None:
    losses, weights = [0.7, 0.6], [np.ones((3, 2)), np.ones(2)]
    find = agreement.differences
    assert find(losses, weights, losses, weights, 1e-5) == []
    off = [weights[0], weights[1] * (1 + 1e-4)]
    assert find(losses, off, losses, weights, 1e-5) == ["b1: relative error 0.0001, allowed 1e-05"]
    assert len(find([0.7, np.nan], weights, losses, weights, 1e-5)) == 1
    assert find([0.7], weights, losses, weights, 1e-5) == ["losses: shape (1,), expected (2,)"]


def test_last_common_loss_is_compared() -> None:
    assert agreement.loss_differs([0.9, 0.505], [0.9, 0.5, 0.4], 0.02) == ""
    assert agreement.loss_differs([0.9, 0.52], [0.9, 0.5, 0.4], 0.02) == (
        "loss of epoch 2 0.52, expected 0.5"
    )
    assert agreement.loss_differs([np.nan], [0.5], 0.02)


def numpy_losses(epochs: int, rate: float = 1.0, ulps: int = 0) -> list[float]:
    """Of NumPy on `shallow`; ulps: moves the initial weights, half of them up, half down."""
    data, weights = SHALLOW.load(), SHALLOW.initial_weights()
    for w in weights if ulps else []:
        away = np.where(np.arange(w.size).reshape(w.shape) % 2, np.inf, -np.inf)
        w[...] = np.nextafter(w, away.astype(w.dtype))
    orders = Orders(False, len(data.x), epochs, replayed=True)
    settings = {"learning_rate": rate}
    return SHALLOW.train_numpy(data.x, data.y, weights, orders, SHALLOW.batch_size, settings)


def test_rounding_is_told_from_another_learning_rate() -> None:
    """Over the steps in which float32's rounding does not matter."""
    steps = SHALLOW.steps(4000)
    epochs = agreement.SAME_STEPS // steps
    right, other = numpy_losses(epochs), numpy_losses(epochs, ulps=1)
    assert right != other
    assert agreement.curve_differs(other, right, steps) == ""
    for rate in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
        assert "expected" in agreement.curve_differs(numpy_losses(epochs, rate), right, steps)


def test_drift_is_told_from_a_stuck_training() -> None:
    """Over steps in which rounding alone makes another run of it."""
    steps = SHALLOW.steps(4000)
    right, other = numpy_losses(300), numpy_losses(300, ulps=1)
    assert np.abs(np.divide(other, right) - 1).max() > 0.05
    assert agreement.curve_differs(other, right, steps) == ""
    for epoch in (1, 20, 49, 50):
        stuck = other[:epoch] + [other[epoch - 1]] * (300 - epoch)
        assert "expected" in agreement.curve_differs(stuck, right, steps)


def test_curves_are_compared_epoch_by_epoch_and_then_by_their_mean() -> None:
    right = [0.9, 0.5, 0.4, 0.4]
    differs = agreement.curve_differs
    assert differs([0.9, 0.5004, 0.5, 0.3], right, 1000) == ""
    assert differs([0.9, 0.501, 0.4, 0.4], right, 1000) == "loss of epoch 2 0.501, expected 0.5"
    assert differs([0.9, 0.5, 0.5, 0.36], right, 1000) == (
        "mean loss of epochs 3 to 4 0.43, expected 0.4"
    )
    assert differs([0.9, 0.5], right, 1000) == ""  # trained for fewer epochs
    assert differs([0.9, 0.7], right, 4000) == "mean loss of epochs 2 to 2 0.7, expected 0.5"
    assert differs([np.nan], right, 4000)
    assert differs([0.9, np.nan], right, 4000)


def test_orders_are_those_of_fit_or_shuffles() -> None:
    replayed = list(Orders(True, 50, 2, replayed=True))
    shuffled = list(Orders(True, 50, 2, replayed=False))
    for orders in (replayed, shuffled):
        assert not np.array_equal(orders[0], orders[1])
        assert all(np.array_equal(np.sort(order), np.arange(50)) for order in orders)
    assert np.array_equal(replayed[0], shallowcore._core.permutation(50, 0, 0))
    assert not np.array_equal(replayed[0], shuffled[0])
    assert list(Orders(False, 50, 2, replayed=True)) == [None, None]


# --- the short form -------------------------------------------------------------------------------


def test_short_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    command = ["bench", "--workload", "shallow", "--rounds", "2", "--json", str(file)]
    assert _cli.main(command) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("shallow  ")]
    assert [line.split()[2] for line in lines] == ["shallowcore", "NumPy"]
    figures = json.loads(file.read_text())
    assert figures["conditions"]["rounds"] == 2
    core, numpy = figures["rows"]
    assert numpy["ratio"] == 1
    assert core["us_per_step"] == pytest.approx(np.median(core["seconds"]) / 4000 * 1e6)
    ratios = np.divide(numpy["seconds"], core["seconds"])
    assert core["ratio"] == pytest.approx(np.median(ratios))


def test_short_form_reports_a_wrong_result_and_does_not_time_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = dataclasses.replace(SHALLOW, train_numpy=wrong_numpy)
    monkeypatch.setitem(WORKLOADS, "shallow", wrong)
    assert _cli.main(["bench", "--workload", "shallow"]) == 1
    printed = capsys.readouterr().out
    assert "WRONG  shallow: b2: relative error 0.001" in printed
    assert "synthetic" not in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rounds", "0"], "--rounds must be at least 1, got 0"),
        (["--json", "nowhere/a.json"], "there is no folder nowhere"),
    ],
)
def test_wrong_options_are_refused_before_any_work(
    bench: ModuleType, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    for main, command in ((_cli.main, ["bench", *options]), (bench.main, options)):
        with pytest.raises(SystemExit) as stop:
            main(command)
        assert stop.value.code == 2
        assert message in capsys.readouterr().err


# --- the long form --------------------------------------------------------------------------------


def test_quick_run_prints_tables_and_writes_json(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench", "--quick", "--workload", "shallow", "--rounds", "2"]
    command += ["--rivals", "--json", str(file)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"numpy {np.__version__}" in " ".join(run.stdout.split())

    figures: dict[str, Any] = json.loads(file.read_text())
    assert figures["conditions"]["rounds"] == 2
    rows = figures["rows"]
    assert [(row["contender"], row["threads"]) for row in rows] == CONTENDERS
    for row in rows:
        assert len(row["seconds"]) == 2
        assert row["steps"] == 40 * row["epochs"]  # 4000 samples in batches of 100
    assert {verdict["goal"]["kind"] for verdict in figures["goals"]} == {"required", "goal"}
    assert figures["floors"]["gflops"]["1"] > 0
    assert {one["workload"] for one in figures["one row"]} == {"shallow", "mnist"}
    assert figures["networks a second"] > 0


def test_long_form_reports_a_wrong_result_and_does_not_time_it(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter([bench.floors.Floors({1: 1.0}, {}, 0), ([], 1.0)])
    monkeypatch.setattr(bench, "alone", lambda *_, **__: next(answers))
    monkeypatch.setattr(bench.checks, "tolerance", lambda *_: 0.0)
    assert bench.main(["--quick", "--workload", "shallow", "--rivals"]) == 1
    printed = capsys.readouterr().out
    assert "WRONG  shallow: shallowcore, default threads: w1: relative error" in printed
    assert "x rival" in printed
    assert "synthetic" not in printed


def test_debug_build_is_refused(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shallowcore, "show_config", lambda mode: {"compiler": "gcc 12 (debug)"})
    assert bench.main([]) == 2
    assert _cli.main(["bench"]) == 1
    assert capsys.readouterr().err.count("built for debugging") == 2


def test_missing_rivals_are_named(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in ("torch", "jax") else name
    )
    found, notes = bench.contenders.available(["torch", "sklearn", "jax"])
    assert found == ["sklearn"]
    assert [note.partition(" is")[0] for note in notes] == ["skipped: PyTorch", "skipped: JAX"]


def test_other_optimizers_are_said_and_compared_by_loss(bench: ModuleType) -> None:
    mnist = WORKLOADS["mnist"]
    (note,) = bench.contenders.formula_notes(["sklearn", "keras"], [SHALLOW, mnist])
    assert note.startswith("mnist: scikit-learn has no RMSprop: Adam instead")
    sklearn, _ = bench.contenders.both("sklearn", "sklearn")
    assert bench.contenders.checked(sklearn, mnist).optimizer == "sgd"
    assert bench.contenders.checked(sklearn, SHALLOW) is SHALLOW
    assert bench.checks.final_failure(sklearn, mnist, 469, [0.7], [0.5]) == []
    core, tabular = bench.contenders.own_threads("1"), WORKLOADS["tabular"]
    assert bench.checks.final_failure(core, tabular, 391, [0.54], [0.5]) == []
    for contender, workload, loss in (
        (sklearn, mnist, 0.8), (sklearn, SHALLOW, 0.501), (core, tabular, 0.56)
    ):  # fmt: skip
        assert bench.checks.final_failure(contender, workload, 40, [loss], [0.5]) == [
            f"{workload.name}: {contender.label}: loss of epoch 1 {loss}, expected 0.5"
        ]


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_scikit_learn_trains_the_same(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    pytest.importorskip("sklearn")
    from bench.worker import Trainer

    workload = dataclasses.replace(SHALLOW, optimizer=optimizer)
    monkeypatch.setitem(WORKLOADS, "shallow", workload)
    contender, _ = bench.contenders.both("sklearn", "sklearn")
    outcome = Trainer(contender, "shallow", quick=True).answer("check")
    oracle = bench.checks.Oracle(workload, workload.load())
    assert oracle.failures(contender, outcome) == []
    outcome.weights[0][0, 0] += 0.01
    (found,) = oracle.failures(contender, outcome)
    assert found.startswith("shallow: scikit-learn, default threads: w1: relative error")


# --- figures --------------------------------------------------------------------------------------


@pytest.fixture
def rows(bench: ModuleType) -> Any:
    """Rows of `cat`, of round figures: 100, 50, 400 and 1000 us a step, one step an epoch."""
    raw = np.zeros((209, 12288), np.uint8)
    data = Data(np.zeros(raw.shape, np.float32), np.zeros((209, 1)), "none", raw)
    times = {
        ("shallowcore", "default"): (10, [1e-3, 1e-3, 2e-3]),
        ("shallowcore, 8-bit input", "default"): (10, [0.5e-3, 0.5e-3, 0.5e-3]),
        ("NumPy", "1"): (10, [4e-3, 4e-3, 4e-3]),
        ("JAX", "default"): (1, [1e-3, 1e-3, 1e-3]),
    }
    rounds = [
        bench.report.Times(contender, seconds, seconds, epochs, [0.5])
        for contender in bench.contenders.contenders(WORKLOADS["cat"], data, ["jax"])
        for epochs, seconds in [times.get((contender.name, contender.threads), (0, []))]
        if seconds
    ]
    size = data.x.nbytes
    floors = bench.floors.Floors({1: 50.0, 2: 100.0}, {size: {1: 200.0, 2: 400.0}}, size)
    return bench.report.rows(WORKLOADS["cat"], data, rounds, floors)


def test_figures_of_the_rows(rows: Any) -> None:
    core, bits, numpy, _ = rows
    assert [row.us_per_step for row in rows] == pytest.approx([100, 50, 400, 1000])
    assert [row.epochs for row in rows] == [10, 10, 10, 1]
    assert core.spread == pytest.approx(1.0)
    assert core.gflops == pytest.approx(209 * 12288 * 4 / 100e-6 / 1e9)
    assert core.gigabytes == pytest.approx(209 * 12288 * 4 / 100e-6 / 1e9)
    assert bits.gigabytes == pytest.approx(core.gigabytes / 2)
    assert core.of_floor == pytest.approx(core.gigabytes / 400)
    assert numpy.of_floor == pytest.approx(numpy.gigabytes / 200)
    # The ratios of the rounds are 4, 4 and 2; NumPy is the fastest of the others.
    assert [row.x_rival for row in rows] == pytest.approx([4, 8, 1, 0.4])
    assert [row.x_numpy for row in rows] == pytest.approx([4, 8, 1, 0.4])
    assert core.busy == 1


def test_verdicts_on_the_rows(bench: ModuleType, rows: Any) -> None:
    found = bench.goals.verdicts(rows)
    figures = [(one.goal.ratio, one.by_epoch.found, one.any_form.found) for one in found]
    assert figures == [(2.4, 4, 4), (3.2, 4, 4), (4.3, 8, 8)]
    assert {one.by_epoch.rival for one in found} == {"NumPy, 1"}
    heading, line = bench.goals.versus(rows).splitlines()
    assert heading.split()[-2:] == ["NumPy", "JAX"]
    assert line.split() == ["cat", "100", "4.00", "10.00"]


def test_verdict_against_a_call_an_epoch_and_one_call(bench: ModuleType, rows: Any) -> None:
    one_call = dataclasses.replace(
        rows[3], contender="JAX, one call", seconds=[2e-4] * 3, us_per_step=200
    )
    harder = bench.goals.Goal("cat", "goal", 2.5)
    (verdict,) = bench.goals.verdicts([*rows, one_call], [harder])
    assert dataclasses.astuple(verdict.by_epoch) == ("NumPy, 1", pytest.approx(4), 160, "met")
    assert dataclasses.astuple(verdict.any_form) == (
        "JAX, one call, default", pytest.approx(2), 80, "below the floor"
    )  # fmt: skip
    line = bench.goals.verdict_table([verdict]).splitlines()[-1]
    assert line.index("met") < line.index("below the floor")


def test_what_is_asked_is_compared_with_the_floor(bench: ModuleType, rows: Any) -> None:
    # 4 operations a weight and sample at 100 GFLOP/s on all threads, at 50 on one.
    floor = 4 * 209 * 12288 / 100e9 * 1e6
    assert [row.floor_us for row in rows] == pytest.approx([floor, floor, 2 * floor, floor])
    for ratio, contender, expected in (
        (3.8, "shallowcore", "met"),  # asks for 105 us of NumPy's 400
        (3.9, "shallowcore", "met"),  # below the floor, and met all the same
        (4.1, "shallowcore", "below the floor"),
        (8.1, "shallowcore, 8-bit input", "below the floor"),
    ):
        goal = bench.goals.Goal("cat", "goal", ratio, contender)
        (verdict,) = bench.goals.verdicts(rows, [goal])
        assert verdict.by_epoch.verdict == expected, ratio
        assert verdict.floor_us == pytest.approx(floor)
    disturbed = [dataclasses.replace(row, busy=0.5) for row in rows]
    (verdict,) = bench.goals.verdicts(disturbed, [bench.goals.Goal("cat", "goal", 4.1)])
    assert verdict.by_epoch.verdict == "NOT MET"
    slow = [dataclasses.replace(rows[0], seconds=[3e-3] * 3), *rows[1:]]
    (verdict,) = bench.goals.verdicts(slow, [bench.goals.Goal("cat", "goal", 3.8)])
    assert verdict.by_epoch.verdict == "NOT MET"
    cells = verdict.cells()
    assert cells[3:7] == ["103", "1.33x NumPy, 1", "105", "NOT MET"]


def test_disturbance_is_noted(bench: ModuleType, rows: Any) -> None:
    assert bench.report.disturbance(rows) == ""
    disturbed = [dataclasses.replace(rows[0], busy=0.5)]
    assert "no more than 0.50 of a processor" in bench.report.disturbance(disturbed)


def test_picture_has_a_panel_for_each_workload(
    bench: ModuleType, rows: Any, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    other = [dataclasses.replace(row, workload="other") for row in rows]
    for panels, file in ((rows, "one.svg"), ([*rows, *other], "two.svg")):
        bench.plot.draw(panels, "somewhere", tmp_path / file)
    one, two = ((tmp_path / file).read_text() for file in ("one.svg", "two.svg"))
    assert one.count('id="axes_') == 1
    assert two.count('id="axes_') == 2
    assert "JAX, default" in one


def test_pace_and_columns() -> None:
    pace = common.pace([2.0, 1.0, 4.0], 1000, 4e9)
    assert (pace.us_per_step, pace.spread, pace.gflops) == (2000, 1.5, 2)
    table = common.text_table(["a", "b"], [["x", "1.0"], ["y", "10.0"]], n_texts=1)
    assert table.splitlines() == ["a     b", "", "x   1.0", "", "y  10.0"]
