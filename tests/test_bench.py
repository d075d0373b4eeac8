"""The benchmark runs, checks results before it times, and says so where one is off."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import shallowcore

ROOT = Path(__file__).parents[1]
CONTENDERS = (
    "shallowcore, default",
    "shallowcore, 1 thread",
    "shallowcore, 2 threads",
    "NumPy, default",
    "NumPy, 1 BLAS thread",
)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module behind `python -m bench`."""
    monkeypatch.syspath_prepend(str(ROOT))
    import bench.__main__

    return bench.__main__


def test_quick_run_prints_table_and_writes_json(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench", "--quick", "--workload", "shallow", "--rounds", "2"]
    run = subprocess.run(
        [*command, "--json", str(file)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr
    lines = [line for line in run.stdout.splitlines() if line.startswith("shallow  ")]
    assert [label for line, label in zip(lines, CONTENDERS, strict=True) if label in line] == list(
        CONTENDERS
    )
    assert f"numpy {np.__version__}" in " ".join(run.stdout.split())

    figures: dict[str, Any] = json.loads(file.read_text())
    assert figures["conditions"]["rounds"] == 2
    for row, label in zip(figures["rows"], CONTENDERS, strict=True):
        assert row["contender"] == label
        assert len(row["seconds"]) == 2
        steps = 800  # 20 epochs of 4000 samples in batches of 100
        assert row["us_per_step"] == pytest.approx(row["median"] / steps * 1e6)
        flops = 4000 * 20 * (4 * (200 + 10) + 2 * 10)
        assert row["gflops"] == pytest.approx(flops / row["median"] / 1e9)
        assert row["loss"] == pytest.approx(figures["rows"][0]["loss"], rel=0.02)
    assert max(row["ratio"] for row in figures["rows"][3:]) == 1


def test_wrong_result_is_reported_and_not_timed(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench.checks, "tolerance", lambda *_: 0.0)
    assert bench.main(["--quick", "--workload", "shallow"]) == 1
    assert "WRONG  shallow: shallowcore, default: w1: relative error" in capsys.readouterr().out


def test_debug_build_is_refused(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shallowcore, "show_config", lambda mode: {"compiler": "gcc 12 (debug)"})
    assert bench.main([]) == 2
    assert "built for debugging" in capsys.readouterr().err


def test_differences_are_found(bench: ModuleType) -> None:
    losses, weights = [0.7, 0.6], [np.ones((3, 2)), np.ones(2)]
    find = bench.checks.differences
    assert find(losses, weights, losses, weights, 1e-5) == []
    off = [weights[0], weights[1] * (1 + 1e-4)]
    assert find(losses, off, losses, weights, 1e-5) == ["b1: relative error 0.0001, allowed 1e-05"]
    assert len(find([0.7, np.nan], weights, losses, weights, 1e-5)) == 1
    assert bench.checks.final_loss_differs(np.nan, 0.5, 0.02)
    assert bench.checks.final_loss_differs(0.52, 0.5, 0.02)
    assert not bench.checks.final_loss_differs(0.505, 0.5, 0.02)
