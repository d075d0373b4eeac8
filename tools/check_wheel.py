"""Builds the wheel as a release would, and tries it as a user would.

    python tools/check_wheel.py [--all-pythons] [--tests quick|all] [--out FOLDER]

sdist -> wheel, from the sdist and what it says it needs, without a network -> auditwheel repair
(Linux) -> install in a clean environment -> import, demo and tests from the unpacked sdist, away
from this checkout.  Prints sizes and import times and fails above MAX_MEGABYTES and MAX_IMPORT_MS.
With --all-pythons for each version of Python that the PATH or pyenv has; all tests run with this
Python, QUICK_TESTS with the others, unless --tests says which.  Needs the extra "dev".
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MAX_MEGABYTES = 10.0
MAX_IMPORT_MS = 50.0
N_IMPORTS = 9

VERSIONS = [f"3.{minor}" for minor in range(10, 15)]
BUILD_TOOLS = ("cmake>=3.21", "ninja")  # which the build asks for where the system has none

# What depends on the Python at hand: language, standard library, processes, files, packages.
QUICK_TESTS = (
    "arrays", "bad_input", "callbacks", "command_line", "config", "doctests", "layers", "models",
    "ops", "plotting", "processes", "saving", "sklearn_frames", "trajectories", "typed_program",
)  # fmt: skip
# Without the heavy ones of the extra "test": Keras, JAX, ONNX.
QUICK_NEEDS = (
    "hypothesis>=6.100",
    "polars>=1.0; python_version >= '3.11'",
    "polars>=1.0,<1.40; python_version < '3.11'",
    "pytest>=8.1",
    "scipy>=1.11",
)

SDIST_NEEDS = (
    "CHANGELOG.md", "CMakeLists.txt", "CMakePresets.json", "CONTRIBUTING.md", "LICENSE",
    "README.md", "noxfile.py", "pyproject.toml", "bench/", "cmake/", "cpp/", "docs/conf.py",
    "docs/examples/", "docs/registry.md", "python/shallowcore/", "tests/", "tools/",
)  # fmt: skip
JUNK = re.compile(
    r"^docs/(api|gallery)/|(^|/)(build|dist|\.git|\.nox|\.venv|__pycache__|\.\w+_cache|\.hypothesis)/|\.pyc$"
)
WHEEL_JUNK = re.compile(r"\.(c|h)pp$|CMake|(^|/)(docs|tests|tools)/|^bench/")

TIME_IMPORT = """
import time, numpy
start = time.process_time()
import shallowcore
print(1e3 * (time.process_time() - start))
"""


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it prints; its output is shown only if it fails."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n")
        raise SystemExit(f"failed ({done.returncode}): {' '.join(map(str, command))}")
    return done.stdout


def only(folder: Path, pattern: str) -> Path:
    """The one file in `folder` that matches."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"expected one {pattern} in {folder}, found {[p.name for p in found]}")
    return found[0]


def check_sdist(sdist: Path) -> None:
    """The sdist has everything and no junk."""
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    for needed in SDIST_NEEDS:
        if not any(name == needed or name.startswith(needed) for name in names):
            raise SystemExit(f"{sdist.name} lacks {needed}")
    junk = [name for name in names if JUNK.search(name)]
    if junk:
        raise SystemExit(f"{sdist.name} holds junk: {junk}")
    print(f"{sdist.name}: {len(names)} files, {sdist.stat().st_size / 1e6:.2f} MB")


def check_wheel(wheel: Path) -> None:
    """The wheel is small, holds the module, its types and data, and nothing it does not need."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    junk = [name for name in names if JUNK.search(name) or WHEEL_JUNK.search(name)]
    if junk:
        raise SystemExit(f"{wheel.name} holds junk: {junk}")
    for needed in (r"^shallowcore/_core\..*(so|pyd)$", r"^shallowcore/py\.typed$", r"/LICENSE$"):
        if not any(re.search(needed, name) for name in names):
            raise SystemExit(f"{wheel.name} lacks {needed}")
    megabytes = wheel.stat().st_size / 1e6
    print(f"{wheel.name}: {len(names)} files, {megabytes:.2f} MB (limit {MAX_MEGABYTES:g})")
    if megabytes >= MAX_MEGABYTES:
        raise SystemExit("the wheel is too large")


def make_environment(python: str | Path, folder: Path, *requirements: str | Path) -> Path:
    """A new virtual environment with these packages; its Python."""
    run(python, "-m", "venv", folder, cwd=folder.parent)
    own = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(own, "-m", "pip", "install", "--quiet", *requirements, cwd=folder.parent)
    return own


def build_sdist(work: Path) -> tuple[Path, Path]:
    """The sdist, and the folder that it unpacks to."""
    run(sys.executable, "-m", "build", "--sdist", "--outdir", work / "dist", ROOT, cwd=work)
    sdist = only(work / "dist", "*.tar.gz")
    with tarfile.open(sdist) as archive:
        # The archive is our own; the filter is what later Pythons do anyway, and early ones lack.
        options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(work / "source", **options)
    return sdist, only(work / "source", "shallowcore-*")


def without_network() -> tuple[str, ...]:
    """The words before a command that leave it no network; none where that is not to be had."""
    words = ("unshare", "--map-root-user", "--net")
    if shutil.which(words[0]) is None:
        return ()
    found = subprocess.run([*words, "true"], capture_output=True, check=False)
    return () if found.returncode else words


def build_wheel(python: str | Path, work: Path, source: Path) -> Path:
    """The repaired wheel, from nothing but the sdist and its build requirements."""
    project = (source / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r"^requires = (\[.*\])$", project, re.MULTILINE)
    assert found is not None
    requirements = json.loads(found[1])  # such a list of strings is JSON, too
    builder = make_environment(python, work / "builder", *requirements, *BUILD_TOOLS)
    cut_off = without_network()
    print("built", "without a network" if cut_off else "with --no-index", "from the sdist")
    env = {**os.environ, "PATH": f"{builder.parent}{os.pathsep}{os.environ['PATH']}"}
    options = ("--no-index", "--no-build-isolation", "--no-deps", "--wheel-dir", work / "built")
    run(*cut_off, builder, "-m", "pip", "wheel", *options, source, cwd=work, env=env)
    wheel = only(work / "built", "*.whl")
    if sys.platform == "linux":
        tools = Path(sys.executable).parent
        env = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
        repair = ("-m", "auditwheel", "repair", "-w", work / "repaired", wheel)
        run(sys.executable, *repair, cwd=work, env=env)
        wheel = only(work / "repaired", "*.whl")
    return wheel


def check_import_time(python: Path, cwd: Path) -> float:
    """The import adds little to NumPy's: the median of several fresh interpreters.

    In processor time, which the other work of a machine does not stretch.
    """
    run(python, "-c", "import shallowcore", cwd=cwd)
    times = sorted(float(run(python, "-c", TIME_IMPORT, cwd=cwd)) for _ in range(N_IMPORTS))
    median = times[N_IMPORTS // 2]
    print(f"import shallowcore: {median:.1f} ms CPU beyond NumPy's (limit {MAX_IMPORT_MS:g})")
    if median >= MAX_IMPORT_MS:
        raise SystemExit("the import is too slow")
    return median


def try_wheel(python: str | Path, work: Path, source: Path, wheel: Path, tests: str) -> str:
    """Import, demo and tests with the installed wheel, from the unpacked sdist; a line on it."""
    extras = "sklearn,plot,progress,save,data" if tests == "quick" else "test"
    further = QUICK_NEEDS if tests == "quick" else ()
    own = make_environment(python, work / "user", f"{wheel}[{extras}]", *further)
    elsewhere = work / "elsewhere"
    elsewhere.mkdir()
    env = {name: value for name, value in os.environ.items() if name != "SHALLOWCORE_DATA"}
    env["MPLBACKEND"] = "Agg"
    where = run(own, "-c", "import shallowcore; print(shallowcore.__file__)", cwd=elsewhere)
    if str(work / "user") not in where:
        raise SystemExit(f"imported {where.strip()}, not the installed wheel")
    milliseconds = check_import_time(own, elsewhere)
    demo = run(own.with_name("shallowcore"), "demo", cwd=elsewhere, env=env)
    print(*demo.splitlines()[-12:], sep="\n")
    files = [f"tests/test_{name}.py" for name in QUICK_TESTS] if tests == "quick" else []
    closing = run(own, "-m", "pytest", "-q", *files, cwd=source, env=env).splitlines()[-1]
    if files:
        print("quick tests:", " ".join(QUICK_TESTS))
    print(f"{tests} tests with the wheel: {closing}")
    megabytes = wheel.stat().st_size / 1e6
    return (
        f"{wheel.name}: {megabytes:.2f} MB, import {milliseconds:.1f} ms, {tests} tests: {closing}"
    )


def version_of(python: str | Path) -> str:
    """Such as 3.12; empty for what does not run or cannot make environments."""
    ask = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def find_pythons() -> dict[str, str]:
    """An interpreter of each version, this one first; the others from the PATH and pyenv."""
    this = ".".join(map(str, sys.version_info[:2]))
    found = {this: sys.executable}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for version in VERSIONS:
        candidates = [shutil.which(f"python{version}")]
        candidates += map(str, sorted(pyenv.glob(f"versions/*/bin/python{version}")))
        works = (one for one in candidates if one and version_of(one) == version)
        found.setdefault(version, next(works, ""))
    return {version: python for version, python in found.items() if python}


@dataclass(frozen=True)
class Trial:
    """One Python, and which tests to run with it."""

    version: str
    python: str
    tests: str


def choose_trials(all_pythons: bool, tests: str | None) -> list[Trial]:
    """All tests with this Python, quick ones with the others, unless `tests` says which."""
    this, *others = find_pythons().items() if all_pythons else [("", sys.executable)]
    trials = [Trial(*this, tests or "all")]
    return trials + [Trial(*other, tests or "quick") for other in others]


def main() -> None:
    """Command line; ends with an error message at the first thing that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all-pythons", action="store_true", help="not this one only")
    parser.add_argument("--tests", choices=["quick", "all"], help="which tests, with any Python")
    parser.add_argument("--out", type=Path, help="folder to copy sdist and wheels to")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shallowcore-wheel-") as name:
        work = Path(name).resolve()
        sdist, source = build_sdist(work)
        check_sdist(sdist)
        files, lines = [sdist], []
        trials = choose_trials(arguments.all_pythons, arguments.tests)
        for trial in trials:
            print(f"--- {run(trial.python, '-VV', cwd=work).strip()}", flush=True)
            place = work / f"with-{trial.version}"
            place.mkdir()
            files.append(build_wheel(trial.python, place, source))
            check_wheel(files[-1])
            lines.append(try_wheel(trial.python, place, source, files[-1], trial.tests))
        print("---", *lines, sep="\n")
        missing = set(VERSIONS) - {trial.version for trial in trials}
        if arguments.all_pythons and missing:
            print("no such Python here:", ", ".join(sorted(missing)))
        if arguments.out is not None:
            arguments.out.mkdir(parents=True, exist_ok=True)
            for path in files:
                shutil.copy2(path, arguments.out)


if __name__ == "__main__":
    main()
