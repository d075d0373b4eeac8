"""The command line, end to end: what a stranger types first, and what comes when it goes wrong."""

import os
import re
import signal
import struct
import subprocess
import sys
import zlib
from importlib.metadata import entry_points, version
from pathlib import Path

import numpy as np
import pytest
from shallowcore import _cli
from shallowcore.demo import digits, lectures
from shallowcore.demo.digits_picture import problem_with
from shallowcore.demo.figures import Figure, Near, NotAvailable

MINUTES = 180.0  # seconds a command may take on a busy machine


def environment(**changes):
    """This process' environment without data, cache, colour or forced terminal."""
    kept = {name: value for name, value in os.environ.items() if name != "SHALLOWCORE_DATA"}
    return {**kept, "NO_COLOR": "1", "TERM": "dumb", **changes}


def run(*arguments, cwd, **changes):
    """Run `python -m shallowcore` with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "shallowcore", *arguments],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=MINUTES,
        check=False,
    )


def run_without(module, cwd):
    """Run the demo where a package is not installed."""
    code = (
        f"import sys; sys.modules[{module!r}] = None; "
        "from shallowcore._cli import main; sys.exit(main(['demo']))"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=MINUTES,
        check=False,
    )


def png_size(path):
    """Width and height of a PNG whose every chunk has a right checksum."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    position, kinds = 8, []
    while position < len(content):
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        body = content[position + 4 : position + 8 + length]
        checksum = content[position + 8 + length : position + 12 + length]
        assert struct.unpack(">I", checksum)[0] == zlib.crc32(body)
        kinds.append(kind)
        position += 12 + length
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")
    return struct.unpack(">II", content[16:24])


# --- the digits -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The main job once, in an empty folder and with an ASCII terminal."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run("demo", cwd=folder, PYTHONIOENCODING="ascii")


def test_demo_learns_the_digits(demo):
    _, result = demo
    assert result.returncode == 0, result.stderr
    accuracy = re.search(r"test accuracy +([\d.]+)%", result.stdout)
    assert float(accuracy[1]) >= 97.0
    rows = re.findall(r"^ {5}\d((?: +[\d.]+){10})$", result.stdout, re.MULTILINE)
    counts = np.array([[int(c.replace(".", "0")) for c in row.split()] for row in rows])
    assert counts.shape == (10, 10)
    assert counts.sum() == 360
    assert 100 * np.trace(counts) / 360 == pytest.approx(float(accuracy[1]), abs=0.01)


def test_demo_shows_a_progress_bar(demo):
    assert re.search(r"100%\|#+\|", demo[1].stderr)


def test_demo_compares_itself_with_numpy(demo):
    text = demo[1].stdout
    assert re.search(r"largest difference of any weight .* \(allowed 1e-10\), ok", text)
    core, numpy, ratio = map(
        float,
        re.search(r"shallowcore ([\d.]+) ms, NumPy ([\d.]+) ms: ([\d.]+) times", text).groups(),
    )
    assert ratio == pytest.approx(numpy / core, rel=0.05, abs=0.05)


def test_demo_writes_one_picture(demo):
    folder, result = demo
    assert [path.name for path in folder.iterdir()] == [_cli.DEFAULT_PICTURE]
    assert f"picture written to {_cli.DEFAULT_PICTURE}" in result.stdout
    width, height = png_size(folder / _cli.DEFAULT_PICTURE)
    assert width >= 1000
    assert height >= 700


def test_demo_output_is_plain_ascii(demo):
    _, result = demo
    assert result.stdout.isascii()
    assert result.stderr.isascii()
    assert "\x1b" not in result.stdout + result.stderr


def test_output_chooses_file_and_format(tmp_path):
    name = "digits-\N{GREEK SMALL LETTER PI}.svg"
    result = run("demo", "--output", name, cwd=tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert result.returncode == 0, result.stderr
    (picture,) = tmp_path.iterdir()
    assert "<svg" in picture.read_text(encoding="utf-8")


def test_numpy_network_is_the_same_training():
    (x, y), _ = digits.datasets.load_digits().split()
    assert 0.0 < digits.numpy_distance(x / 16.0, y) < 1e-10


def read_only_folder(tmp_path):
    """A folder in which not even root can make a file, where there is one."""
    if Path("/proc/self").is_dir():
        return Path("/proc/self")
    tmp_path.chmod(0o500)
    return tmp_path


def test_a_folder_that_cannot_be_written_is_named_before_any_work(tmp_path):
    result = run("demo", cwd=read_only_folder(tmp_path))
    assert result.returncode == 2
    assert result.stdout == ""
    assert f"picture cannot be written to {_cli.DEFAULT_PICTURE}" in result.stderr
    assert "--output FILE" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("output", ["", "missing/picture.png", "."])
def test_an_impossible_output_is_refused(tmp_path, output):
    result = run("demo", "--output", output, cwd=tmp_path)
    assert result.returncode == 2
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused_and_leaves_no_file(tmp_path):
    result = run("demo", "--output", "picture.xyz", cwd=tmp_path)
    assert result.returncode == 2
    assert "xyz" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_existing_picture_is_kept_until_the_new_one_is_there(tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"old")
    assert problem_with(picture) is None
    assert picture.read_bytes() == b"old"


def test_without_matplotlib_the_demo_goes_on(tmp_path):
    result = run_without("matplotlib", tmp_path)
    assert result.returncode == 0, result.stderr
    assert 'pip install "shallowcore[plot]"' in result.stdout
    assert "test accuracy" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_without_tqdm_the_demo_prints_lines(tmp_path):
    result = run_without("tqdm", tmp_path)
    assert result.returncode == 0, result.stderr
    assert 'pip install "shallowcore[progress]"' in result.stdout
    assert f"Epoch {digits.EPOCHS}/{digits.EPOCHS}" in result.stdout


# --- lectures -------------------------------------------------------------------------------------


def test_lecture_prints_figures_beside_the_expected_ones(tmp_path):
    result = run("demo", "--lecture", "e1", cwd=tmp_path)
    assert result.returncode == 0
    assert re.search(r"output +0\.67034429 +0\.67034429 +ok", result.stdout)


def test_a_row_without_its_data_says_how_to_get_it(tmp_path):
    cache = {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    result = run("demo", "--lecture", "B2", cwd=tmp_path, **cache)
    assert result.returncode == 3
    assert "SHALLOWCORE_DATA" in result.stdout
    assert "Traceback" not in result.stderr


def test_all_counts_rows_and_sets_missing_data_apart(monkeypatch, capsys):
    def missing():
        raise NotAvailable("get it at the library")

    rows = {
        "X1": lectures.Row("X1", "right", lambda: [Figure("one", Near(1.0), 1.0)]),
        "X2": lectures.Row("X2", "missing", missing),
    }
    monkeypatch.setattr(lectures, "ROWS", rows)
    assert _cli.main(["demo", "--all"]) == 0
    text = capsys.readouterr().out
    assert "get it at the library" in text
    assert "2 rows: 1 ok, 0 off, 1 not available" in text
    rows["X3"] = lectures.Row("X3", "wrong", lambda: [Figure("two", Near(2.0), 2.1)])
    assert _cli.main(["demo", "--all"]) == 1
    text = capsys.readouterr().out
    assert re.search(r"two +2\.0 +2\.1 +OFF", text)
    assert "3 rows: 1 ok, 1 off, 1 not available" in text
    assert _cli.main(["demo", "--lecture", "X3"]) == 1


@pytest.mark.parametrize(("given", "nearest"), [("E4", "E1"), ("a-1", "A1"), ("D12", "D1")])
def test_an_unknown_lecture_suggests_the_nearest(given, nearest, capsys):
    with pytest.raises(SystemExit) as stopped:
        _cli.main(["demo", "--lecture", given])
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert f"unknown lecture row {given!r}; did you mean" in message
    assert nearest in message


# --- the rest of the command line -----------------------------------------------------------------


def test_version_and_info(tmp_path):
    assert run("--version", cwd=tmp_path).stdout == f"shallowcore {version('shallowcore')}\n"
    info = run("info", cwd=tmp_path)
    assert info.returncode == 0
    for part in ("version", "instruction set", "blas", "openmp", "threads"):
        assert part in info.stdout


def test_no_command_prints_help(capsys):
    assert _cli.main([]) == 0
    assert "demo" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["demo", "--all", "--lecture", "A1"],
        ["demo", "--all", "--output", "x.png"],
    ],
)
def test_wrong_command_lines_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        _cli.main(arguments)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_the_installed_command_is_this_one():
    (script,) = entry_points(group="console_scripts", name="shallowcore")
    assert script.load() is _cli.main


def test_ctrl_c_prints_one_line_and_exits_with_130(monkeypatch, capsys):
    def interrupted():
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the signal did not stop the row")

    monkeypatch.setitem(lectures.ROWS, "A1", lectures.Row("A1", "interrupted", interrupted))
    assert _cli.main(["demo", "--lecture", "A1"]) == 130
    assert capsys.readouterr().err.split("\n") == ["", "shallowcore: stopped by Ctrl-C", ""]


def test_a_reader_that_goes_away_gets_no_traceback(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "shallowcore", "demo", "--lecture", "C"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(MINUTES) == 1
    assert errors == ""
