"""Odd surroundings: none of them changes a training's bits, what is saved, or what is printed.

One scene (a model trained, described, saved and loaded) runs in processes of its
own: garbage in variables of OpenMP, more threads than processors, no home, decimals with commas, an
ASCII terminal, and Python without its assertions and docstrings.  `python test_environments.py` is
that scene; what it prints must be the same, word for word.  tools/check_machines.py has what takes
longer or needs other software.
"""

import json
import locale
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SETTINGS = ("SHALLOWCORE_NUM_THREADS", "SHALLOWCORE_FORCE_PLAN", "OMP_NUM_THREADS", "PYTHONPATH")
NOWHERE = f"{os.devnull}/nowhere"  # no folder, and nobody can make it, not even root
COMMA_LOCALES = ("de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "it_IT.UTF-8", "pt_BR.UTF-8")

ODD = {
    "none for OpenMP": ("", {"OMP_NUM_THREADS": "0", "OMP_DYNAMIC": "true"}),
    "fewer than none": ("", {"OMP_NUM_THREADS": "-1", "OMP_PROC_BIND": "true"}),
    "words for numbers": ("", {"OMP_NUM_THREADS": "abc", "OMP_STACKSIZE": "much"}),
    "a list": ("", {"OMP_NUM_THREADS": "2,4", "OMP_SCHEDULE": "abc"}),
    "one thread for OpenMP": ("", {"SHALLOWCORE_NUM_THREADS": "8", "OMP_THREAD_LIMIT": "1"}),
    "no levels": ("", {"SHALLOWCORE_NUM_THREADS": "8", "OMP_MAX_ACTIVE_LEVELS": "0"}),
    "many threads": ("", {"SHALLOWCORE_NUM_THREADS": "64", "OMP_WAIT_POLICY": "active"}),
    "no home": ("", {"HOME": NOWHERE, "XDG_CACHE_HOME": NOWHERE, "MPLCONFIGDIR": NOWHERE}),
    "isolated": ("-I -B", {}),
    "no assertions, no docstrings": ("-OO -X dev", {}),
    "an ASCII terminal": ("-X utf8=0", {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "TERM": "dumb"}),
}


def python(flags: str, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """A new Python with these settings only, its temporary files under pytest's folder."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return subprocess.run(
        [sys.executable, *flags.split(), *arguments],
        env=kept | settings,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def scene(folder: Path) -> dict[str, Any]:
    """All that must not depend on the surroundings; prints what users see."""
    import numpy as np
    from shallowcore import activations, callbacks, layers, models, optimizers

    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 40)).astype(np.float32)
    y = x[:, 0] - 0.5 * x[:, 1]
    hidden = layers.Dense(256, activations.LeakyReLU(0.25))
    model = models.Sequential([layers.Input((40,)), hidden, layers.Dense(1)], name="m", seed=1)
    model.compile(optimizers.Adam(1.5e-3), "mse", metrics=["mae"])
    log, saved = folder / "log.csv", folder / "m.safetensors"
    history = model.fit(
        x, y, batch_size=600, epochs=3, verbose=2, callbacks=[callbacks.CSVLogger(log)]
    )
    model.summary()
    model.save(saved)
    loaded = models.load_model(saved)
    try:
        activations.LeakyReLU(-0.5)(x)
        refused = ""
    except ValueError as error:
        refused = str(error)
    return {
        "digest": [model.digest(), loaded.digest()],
        "losses": history.history,
        "predicted": loaded.predict(x[:3]).tolist(),
        "log": log.read_text(encoding="utf-8"),
        "summary": model.plan_summary().split("threads:")[0],
        "refused": refused,
    }


def main(folder: str, locale_name: str = "") -> None:
    if locale_name:
        locale.setlocale(locale.LC_ALL, locale_name)
        assert f"{0.5:n}" == "0,5"
    print(json.dumps(scene(Path(folder))))


def shown(flags: str, folder: Path, *arguments: str, **settings: str) -> tuple[str, Any]:
    """What users see, less the times of epochs, and the scene's figures."""
    done = python(flags, __file__, str(folder), *arguments, **settings)
    assert done.returncode == 0, done.stderr
    *lines, figures = done.stdout.splitlines()
    return re.sub(r"[\d.]+s\b", "TIME", "\n".join(lines)), json.loads(figures)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any]:
    return shown("", tmp_path_factory.mktemp("usual"))


def test_the_scene_itself(usual: tuple[str, Any]) -> None:
    text, figures = usual
    assert text.isascii()
    assert "Epoch 3/3 - TIME - loss: 1." in text
    assert figures["digest"][0] == figures["digest"][1]
    assert figures["losses"]["loss"][2] < figures["losses"]["loss"][0]
    assert figures["log"].splitlines()[0].startswith("epoch,loss,")
    assert "0.5" in figures["refused"]


@pytest.mark.parametrize("name", ODD)
def test_odd_surroundings_change_nothing(name: str, usual: tuple[str, Any], tmp_path: Path) -> None:
    flags, settings = ODD[name]
    assert shown(flags, tmp_path, **settings) == usual


def test_decimals_with_commas_change_nothing(usual: tuple[str, Any], tmp_path: Path) -> None:
    """In every such locale that this machine has, set by the variable and by the program."""
    assert shown("", tmp_path, LC_ALL="C") == usual
    for name in COMMA_LOCALES:
        try:
            previous = locale.setlocale(locale.LC_NUMERIC)
            locale.setlocale(locale.LC_NUMERIC, name)
        except locale.Error:
            continue
        locale.setlocale(locale.LC_NUMERIC, previous)
        assert shown("", tmp_path, name, LC_ALL=name) == usual


def test_every_module_without_docstrings() -> None:
    """Imported by `python -OO`, which removes them; an estimator fits."""
    code = """
import importlib, pkgutil
import shallowcore
from shallowcore.sklearn import MLPClassifier

for module in pkgutil.walk_packages(shallowcore.__path__, "shallowcore."):
    if module.name != "shallowcore.__main__":
        importlib.import_module(module.name)
classifier = MLPClassifier(hidden_layer_sizes=(3,), max_iter=1, tol=0.0)
print(classifier.fit([[0.0], [1.0]], [0, 1]).n_iter_)
"""
    done = python("-OO -W ignore", "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1\n"


@pytest.mark.parametrize("plan", ["nonsense", "solver,lanes"])
def test_a_plan_that_does_not_exist_is_refused(plan: str, tmp_path: Path) -> None:
    done = python("", __file__, str(tmp_path), SHALLOWCORE_FORCE_PLAN=plan)
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("RuntimeError: SHALLOWCORE_FORCE_PLAN must be one of solver, lanes, ")
    assert message.endswith(f"got '{plan}'")


if __name__ == "__main__":
    main(*sys.argv[1:])
