"""What the command line says, and its exit code, when it cannot do what was asked."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from command_lines import call, lines, write_csv, write_tables
from shallowcore import _cli, models
from shallowcore._cli import _completion, _train

pytest.importorskip("pandas")
pytest.importorskip("safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = write_tables(tmp_path_factory.mktemp("tables"))
    common = ("--epochs", "2", "--save", place / "lines.safetensors")
    assert call("train", place / "lines.csv", "--target", "y", *common) == 0
    return place


@pytest.fixture
def fails(folder, capsys, monkeypatch):
    """Run a command that must fail with this code; return its message."""
    monkeypatch.chdir(folder)

    def run(code, *arguments):
        capsys.readouterr()
        assert call(*arguments) == code
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "Traceback" not in shown.err
        return shown.err

    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "lines.csv"], "--target"),
        (["train", "lines.csv", "--target", "Y"], "no column 'Y'; did you mean 'y'?"),
        (["train", "lines.csv", "--target", "y", "--ignore", "q"], "no column 'q'"),
        (["train", "lines.csv", "--target", "y", "--ignore", "a,b"], "no column is left"),
        (["train", "lines.xlsx", "--target", "y"], "expected a file in .csv"),
        (["train", "lines.csv", "--target", "y", "--hidden", "8,x"], "sizes such as 64,32"),
        (["train", "lines.csv", "--target", "y", "--validation", "1"], "in [0, 1)"),
        (["train", "lines.csv", "--target", "y", "--epochs", "0"], "whole number >= 1"),
        (["train", "lines.csv", "--target", "y", "--learning-rate", "-1"], "number > 0"),
        (["train", "lines.csv", "--target", "y", "--save", "m.h5"], "must end in .safetensors"),
        (["train", "lines.csv", "--target", "y", "--save", "q/m.safetensors"], "no folder 'q'"),
        (["train", "lines.csv", "--target", "y", "--report", "r.pdf"], "must end in .html"),
        (["train", "lines.csv", "--target", "y", "--plot", "r.xyz"], ".png"),
        (
            ["train", "lines.csv", "--target", "y", "--solver", "lbfgs", "--learning-rate", "1"],
            "chooses its steps itself",
        ),
        (["predict", "lines.onnx", "lines.csv"], "expected a model file"),
        (["predict", "lines.safetensors", "lines.csv", "--proba"], "is for classes"),
        (["predict", "lines.safetensors", "lines.csv", "--json", "-o", "x.csv"], "--output"),
        (["evaluate", "lines.safetensors", "lines.csv", "--target", "yy"], "did you mean 'y'"),
        (["export", "lines.safetensors"], "--onnx"),
        (["completion", "tcsh"], "bash"),
    ],
)
def test_wrong_command_lines_exit_with_2(arguments, message, fails):
    assert message in fails(2, *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nothing.csv", "--target", "y"], "nothing.csv: there is no such file"),
        (["predict", "nothing.safetensors", "lines.csv"], "there is no such file"),
        (["info", "nothing.safetensors"], "there is no such file"),
        (
            ["predict", "lines.safetensors", "shop.csv"],
            "lack the columns 'a', 'b' of the training",
        ),
        (
            ["train", "shop.csv", "--target", "bought"],
            "missing values in 'age' (7 of 120), 'city' (5 of 120): fill them in (--missing impute",
        ),
        (["train", "lines.csv", "--target", "y", "--validation", "0.001"], "rows are too few"),
        (
            ["train", "lines.csv", "--target", "y", "--solver", "sgd", "--learning-rate", "1e9"],
            "diverged: try a lower --learning-rate",
        ),
    ],
)
def test_work_that_fails_exits_with_1(arguments, message, fails):
    assert message in fails(1, *arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "No columns"),
        ("a,y\n", "there are no rows"),
        ("a,a,y\n1,2,3\n4,5,6\n", "more than one column is called 'a'"),
        ("a,,y\n1,2,3\n4,5,6\n", "column 2 has no name"),
        ("a,y\n1,2,3\n4,5,6\n", "the header names 2 columns, but rows have more"),
        ("a,y\n1,u\n2,u\n", "the target 'y' has one class only: 'u'"),
        ("a,y\n1,u\n2,v\n", "2 rows are too few"),
        ("a,y\n,u\n,v\n", "'a' (2 of 2)"),
        ("a,y\ninf,u\n1,v\n2,u\n3,v\n4,u\n5,v\n", "column 'a' has 1 infinite values"),
    ],
)
def test_tables_that_cannot_be_trained_on(content, message, tmp_path, fails):
    path = tmp_path / "t.csv"
    path.write_text(content)
    assert message in fails(1, "train", path, "--target", "y")


def test_columns_without_values_are_named_where_others_are_imputed(tmp_path, fails):
    path = write_csv(tmp_path / "t.csv", lines() | {"b": [None] * 100})
    text = fails(1, "train", path, "--target", "y", "--missing", "impute")
    assert "column 'b' has no values at all: --ignore b" in text
    text = fails(1, "train", path, "--target", "y", "--missing", "drop")
    assert "--ignore b" in text


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3), "expected a matrix"),
        (np.array([[{}]], dtype=object), "allow_pickle=False"),
        (np.zeros((2, 2), complex), "column '0' holds complex128"),
    ],
)
def test_arrays_that_are_no_tables(array, message, tmp_path, fails):
    np.save(tmp_path / "t.npy", array)
    assert message in fails(1, "train", tmp_path / "t.npy", "--target", "0")


def test_row_labels_are_left_out_and_said(folder, tmp_path, capsys):
    labelled = {"": range(100), **lines()}
    data = write_csv(tmp_path / "t.csv", labelled)
    assert call("train", data, "--target", "y", "--epochs", "1", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["inputs"] == ["a", "b"]
    assert "taken for row labels" in result["notes"][0]


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("pandas", ["train", "lines.csv", "--target", "y"], "shallowcore[data]"),
        ("matplotlib.figure", ["train", "lines.csv", "--target", "y", "--plot", "x.png"], "[plot]"),
        ("safetensors", ["info", "lines.safetensors"], "shallowcore[save]"),
    ],
)
def test_libraries_that_are_not_there_are_named_with_their_extra(
    missing, arguments, extra, fails, monkeypatch
):
    monkeypatch.setitem(sys.modules, missing, None)
    assert extra in fails(1, *arguments)


# --- export ---------------------------------------------------------------------------------------
def test_export_says_which_inputs_the_file_takes(folder, capsys, monkeypatch):
    written = []
    monkeypatch.setattr(
        models.Sequential, "export", lambda model, path: written.append(path), raising=False
    )
    model = folder / "lines.safetensors"
    assert call("export", model, "--c-header", "m.h", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "command": "export",
        "written": "m.h",
        "inputs": ["a", "b"],
        "outputs": ["y"],
    }
    assert call("export", model, "--onnx", "m.onnx") == 0
    assert "0  a\n" in capsys.readouterr().out
    assert written == ["m.h", "m.onnx"]


# --- how it looks ---------------------------------------------------------------------------------
def test_bars_are_for_terminals_that_may_move(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setitem(os.environ, "TERM", "xterm")
    monkeypatch.delitem(os.environ, "NO_COLOR", raising=False)
    assert _train._verbose() == 1
    monkeypatch.setitem(os.environ, "NO_COLOR", "1")
    assert _train._verbose() == 0
    monkeypatch.delitem(os.environ, "NO_COLOR")
    monkeypatch.setitem(os.environ, "TERM", "dumb")
    assert _train._verbose() == 0


@pytest.mark.parametrize(("name", "target"), [("shop", "bought"), ("lines", "y")])
def test_reports_and_plots_are_whole_and_need_nothing_else(name, target, folder, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    page, plot = tmp_path / "r.html", tmp_path / "loss.png"
    common = ("--missing", "impute", "--epochs", "3", "--report", page, "--plot", plot)
    assert call("train", folder / f"{name}.csv", "--target", target, *common) == 0
    assert plot.read_bytes().startswith(b"\x89PNG")
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == text.count("</svg>") == (1 if name == "shop" else 2)
    assert "<script" not in text
    assert 'src="' not in text
    shown = "Confusion matrix (validation)" if name == "shop" else "Predictions (validation)"
    assert shown in text
    assert "relu" in text
    assert (text.count("Tromsø") > 0) == (name == "shop")


@pytest.mark.parametrize("shell", _completion.SHELLS)
def test_completion_knows_every_command_option_and_choice(shell, capsys):
    assert call("completion", shell) == 0
    script = capsys.readouterr().out
    parser = _cli._build_parser()
    dashes = "-l " if shell == "fish" else "--"
    for name, command in _completion.commands_of(parser).items():
        assert name in script
        for action in command._actions:
            for option in action.option_strings:
                assert option.startswith("--") is False or dashes + option[2:] in script
    assert "adam adamw" in script
    assert "bash zsh fish" in script


def test_importing_the_package_loads_no_table_library():
    names = ("pandas", "pyarrow", "matplotlib", "sklearn", "safetensors")
    code = f"import shallowcore._cli, sys; print([n for n in {names} if n in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout == "[]\n"
