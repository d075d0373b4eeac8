"""The gate on instruction counts fails, asks for an update or holds back where it should."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from test_architecture import load_tool

tool = load_tool("check_instructions")

FIGURES = {"planar": 1000, "mnist": 2_000_000}
KEY = "avx2, gcc 12"


def test_equal_counts_pass() -> None:
    lines, good = tool.compare(dict(FIGURES), FIGURES)
    assert good
    assert [line.split() for line in lines] == [
        ["planar", "1,000", "1,000", "+0.0%"],
        ["mnist", "2,000,000", "2,000,000", "+0.0%"],
    ]


@pytest.mark.parametrize(
    ("counted", "good", "remark"),
    [
        (1050, True, ""),
        (1051, False, "FAILED: more than 5% above"),
        (2000, False, "FAILED: more than 5% above"),
        (950, True, ""),
        (949, True, "update it with --update"),
    ],
)
def test_five_per_cent_decide(counted: int, good: bool, remark: str) -> None:
    lines, result = tool.compare(FIGURES | {"planar": counted}, FIGURES)
    assert result == good
    assert remark in lines[0]
    assert ("FAILED" in lines[0] or "update" in lines[0]) == bool(remark)
    assert lines[1].endswith("+0.0%")


def test_workload_without_figure_fails() -> None:
    lines, good = tool.compare({"planar": 1000, "new": 5}, FIGURES)
    assert not good
    assert "not in the table" in lines[1]


def test_other_compiler_is_printed_not_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.check({"planar": 9999}, {KEY: FIGURES}, "avx2, clang 20")
    printed = capsys.readouterr().out
    assert "9,999" in printed
    assert "NOT CHECKED: the table has figures for avx2, gcc 12 only" in printed


def test_same_compiler_is_checked() -> None:
    assert not tool.check({"planar": 9999}, {KEY: FIGURES}, KEY)


def run_main(monkeypatch: pytest.MonkeyPatch, counts: dict[str, int], *options: str) -> int:
    """The tool's exit status when `counts` is what it counts."""
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(tool, "describe", lambda program: ("gcc 12", "avx2"))
    monkeypatch.setattr(tool, "count", lambda program, isa: counts)
    monkeypatch.setattr(sys, "argv", ["check_instructions.py", "steps", *options])
    status: int = tool.main()
    return status


def test_update_writes_its_own_entry_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "counts.json"
    others = {"avx2, clang 20": {"planar": 7}}
    table.write_text(json.dumps(others | {KEY: FIGURES}))
    monkeypatch.setattr(tool, "TABLE", table)
    counts = {"planar": 1500, "mnist": 1}
    assert run_main(monkeypatch, counts) == 1
    assert json.loads(table.read_text()) == others | {KEY: FIGURES}
    assert run_main(monkeypatch, counts, "--update") == 0
    assert json.loads(table.read_text()) == others | {KEY: counts}
    assert run_main(monkeypatch, counts) == 0


def test_missing_valgrind_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["check_instructions.py", "steps"])
    assert tool.main() == 2
    assert "apt-get install valgrind" in capsys.readouterr().err


def test_table_has_every_workload() -> None:
    for key, figures in json.loads(tool.TABLE.read_text()).items():
        assert key.split(", ")[0] in tool.INSTRUCTION_SETS
        assert set(figures) == set(tool.EPOCHS)


def test_what_steers_the_core_is_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", "blocks")
    env = tool.environment(SHALLOWCORE_FORCE_ISA="avx2")
    assert "SHALLOWCORE_FORCE_PLAN" not in env
    assert env["SHALLOWCORE_FORCE_ISA"] == "avx2"
    assert "PATH" in env
