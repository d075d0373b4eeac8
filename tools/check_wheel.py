"""Builds the wheel as a release would, and tries it as a user would.

    python tools/check_wheel.py [--out FOLDER]

sdist -> wheel from the sdist -> auditwheel repair (Linux) -> install in a clean environment ->
import, demo and all tests from the unpacked sdist, away from this checkout.  Prints size and import
time and fails above MAX_MEGABYTES and MAX_IMPORT_MS.  Needs the extra "dev".
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MAX_MEGABYTES = 10.0
MAX_IMPORT_MS = 50.0
N_IMPORTS = 9

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
start = time.perf_counter()
import shallowcore
print(1e3 * (time.perf_counter() - start))
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


def build(work: Path) -> tuple[Path, Path]:
    """The sdist and the repaired wheel made from it."""
    run(sys.executable, "-m", "build", "--outdir", work / "dist", ROOT, cwd=work)
    sdist = only(work / "dist", "*.tar.gz")
    wheel = only(work / "dist", "*.whl")
    if sys.platform == "linux":
        tools = Path(sys.executable).parent
        env = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
        repair = ("-m", "auditwheel", "repair", "-w", work / "repaired", wheel)
        run(sys.executable, *repair, cwd=work, env=env)
        wheel = only(work / "repaired", "*.whl")
    return sdist, wheel


def clean_environment(work: Path, wheel: Path) -> Path:
    """A new virtual environment with the wheel and its test requirements; its Python."""
    venv.create(work / "venv", with_pip=True)
    folder = "Scripts" if os.name == "nt" else "bin"
    python = work / "venv" / folder / "python"
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[test]", cwd=work)
    return python


def check_import_time(python: Path, cwd: Path) -> None:
    """The import adds little to NumPy's: the median of several fresh interpreters."""
    run(python, "-c", "import shallowcore", cwd=cwd)
    times = sorted(float(run(python, "-c", TIME_IMPORT, cwd=cwd)) for _ in range(N_IMPORTS))
    median = times[N_IMPORTS // 2]
    print(f"import shallowcore: {median:.1f} ms beyond NumPy's (limit {MAX_IMPORT_MS:g})")
    if median >= MAX_IMPORT_MS:
        raise SystemExit("the import is too slow")


def try_wheel(work: Path, sdist: Path, wheel: Path) -> None:
    """Import, demo and tests with the installed wheel, from the unpacked sdist."""
    python = clean_environment(work, wheel)
    with tarfile.open(sdist) as archive:
        # The archive is our own; the filter is what later Pythons do anyway, and early ones lack.
        options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(work / "source", **options)
    source = only(work / "source", "shallowcore-*")
    elsewhere = work / "elsewhere"
    elsewhere.mkdir()
    env = {name: value for name, value in os.environ.items() if name != "SHALLOWCORE_DATA"}
    env["MPLBACKEND"] = "Agg"
    where = run(python, "-c", "import shallowcore; print(shallowcore.__file__)", cwd=elsewhere)
    if str(work / "venv") not in where:
        raise SystemExit(f"imported {where.strip()}, not the installed wheel")
    check_import_time(python, elsewhere)
    demo = run(python.with_name("shallowcore"), "demo", cwd=elsewhere, env=env)
    print(*demo.splitlines()[-12:], sep="\n")
    tests = run(python, "-m", "pytest", "-q", cwd=source, env=env)
    print("tests with the wheel:", tests.splitlines()[-1])


def main() -> None:
    """Command line; ends with an error message at the first thing that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder to copy sdist and wheel to")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shallowcore-wheel-") as name:
        work = Path(name).resolve()
        sdist, wheel = build(work)
        check_sdist(sdist)
        check_wheel(wheel)
        try_wheel(work, sdist, wheel)
        if arguments.out is not None:
            arguments.out.mkdir(parents=True, exist_ok=True)
            for path in (sdist, wheel):
                shutil.copy2(path, arguments.out)


if __name__ == "__main__":
    main()
