"""All code of the README, the documentation's pages and the examples runs.

Pages: blocks of Python, one after another in one namespace; the `shallowcore` commands of console
blocks, or those of no language; blocks of C are compiled.  Examples: with the times of their
measurements cut short.  No Sphinx is needed; `nox -s docs` builds the site.
"""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest
from command_lines import call
from keras_twin import keras
from matplotlib import pyplot as plt

from bench import exports

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
EXAMPLES = sorted(ROOT.glob("docs/examples/*.py"))
BLOCK = re.compile(r"^```(python|console|c|)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OTHERS = re.compile(r"^import (keras|torch)$", re.MULTILINE)
HAS_TORCH = importlib.util.find_spec("torch") is not None

# What the lectures print, to the digits that these examples show.
FIGURES = {
    "lecture_a_regression": (
        "loss of the guess: 0.3384608902",
        "a = 1.41360887, b = -147.39660558",
        "confusion matrix [[22, 0], [0, 28]]",
        "[1.48509426 3.16055536 3.18794636 2.65746327 2.53638594]",
        "random network: 0.209329",
        "trained: 0.02350027",
    ),
    "lecture_b_first_networks": ("epoch 0: loss of the last batch 0.2", "test accuracy: 0.9"),
    "lecture_c_hidden_layer": ("parameters: 21", "units apart after 100 steps: 0.0"),
    "lecture_d_two_layers": (
        "cost before step 0: 0.693147",
        "logistic regression: 0.4700 right",
        "4 tanh units: 0.9",
    ),
    "lecture_e_playground": (
        "a: [0.62714777 0.549834   0.77206355]",
        "output: [0.67034429]",
        "same bits: True",
        "cost where the class is 0: 0.04890685",
        "cost where the class is 2: 3.04890685",
        "circle: training loss 0.00",
    ),
    "overhead": ("NumPy, microseconds a step",),
    "plans": ("plan: lanes", "plan: panels", "plan: gram", "plan: tiles"),
}


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path, monkeypatch):
    """An empty folder to write to, and no windows."""
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


def write_iris():
    """The table of the README's command line."""
    from sklearn.datasets import load_iris

    iris = load_iris(as_frame=True)
    iris.frame.assign(target=iris.target_names[iris.target]).to_csv("iris.csv", index=False)


def run_console(text, monkeypatch):
    """Run what follows the prompts; of a pipe the command, on the file that `cat` gives it."""
    if not Path("iris.csv").exists():
        write_iris()
    for line in re.findall(r"^\$ (.*)$", text, re.MULTILINE):
        parts = [shlex.split(part) for part in line.split("|")]
        command = next(part for part in parts if part[0] == "shallowcore")
        given = parts[0][1] if parts[0][0] == "cat" else os.devnull
        with monkeypatch.context() as patch, open(given, encoding="utf-8") as stdin:
            patch.setattr(sys, "stdin", stdin)
            assert call(*command[1:]) == 0, line


def compile_c(text):
    """Compile a block of C, strictly."""
    Path("block.c").write_text(text)
    command = [*exports.compilers()[0], "-std=c99", *exports.STRICT, "block.c", "-o", "block.so"]
    subprocess.run([*command, "-lm"], check=True)


def blocks(page):
    """(language, code, line it begins on) of each block of a page."""
    text = page.read_text(encoding="utf-8")
    return [(m[1], m[2], text.count("\n", 0, m.start(2))) for m in BLOCK.finditer(text)]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda p: p.stem)
def test_code_of_a_page(page, monkeypatch):
    namespace = {}
    for language, code, line in blocks(page):
        if language in ("console", ""):
            run_console(code, monkeypatch)
            continue
        if language == "c":
            compile_c(code)
            continue
        other = OTHERS.search(code)
        if other is not None and other[1] == "torch" and not HAS_TORCH:
            continue
        if other is not None and other[1] == "keras":
            keras()  # before the page imports it: what Keras remembers of types is for good
        with warnings.catch_warnings():
            if other is not None:
                warnings.simplefilter("ignore")  # theirs
            exec(compile("\n" * line + code, str(page), "exec"), namespace)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path, capsys):
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"^SECONDS = [\d.]+", "SECONDS = 0.01", text, flags=re.MULTILINE)
    exec(compile(text, str(path), "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    for figure in FIGURES[path.stem]:
        assert figure in printed
    assert plt.get_fignums()


def test_code_is_found():
    """The tests above would pass on pages without code, too."""
    found = [block for page in PAGES for block in blocks(page)]
    assert sum(language == "python" for language, *_ in found) >= 20
    assert sum(code.count("$ shallowcore") for _, code, _ in found) >= 6
    assert {path.stem for path in EXAMPLES} == set(FIGURES)


def test_no_code_hides_from_the_tests():
    """Python and commands are fenced under their names, so that the tests see them."""
    for page in PAGES:
        rest = BLOCK.sub("", page.read_text(encoding="utf-8"))
        hidden = re.search(
            r"^(    |```\w*\n)(import|from \w+ import|\w+ = |\$ )", rest, re.MULTILINE
        )
        assert hidden is None, f"{page.name}: {hidden}"
