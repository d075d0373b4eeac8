"""Checks that the source keeps the architecture: who may include whom, who may do what, how long.

    python tools/check_architecture.py [ROOT]

Prints what was checked; each violation as file:line: message; exit status 1 if there is any.

    layers      core <- kernels <- model <- bind in cpp/: a file includes its own layer or lower
    python      pybind11 and Python.h only in cpp/bind
    blas        cblas only in cpp/core/blas.cpp
    threads     OpenMP only in cpp/core/team.*; standard threads there and in core/threads.* only
    kernels     what kernels/isa.cpp reaches includes C headers and other kernel files only, and no
                other file includes a kernel body
    quiet       core, kernels and model neither print nor exit nor abort
    length      C++ and Python files have at most 400 lines
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LAYERS = ("core", "kernels", "model", "bind")
MAX_LINES = 400
CPP_SUFFIXES = frozenset({".cpp", ".hpp"})
MEASURED_FOLDERS = ("cpp", "python", "tests", "bench", "tools", "docs")

KERNEL_SYSTEM_HEADERS = frozenset(
    {"stddef.h", "stdint.h", "string.h", "math.h", "float.h", "immintrin.h", "arm_neon.h"}
)
KERNEL_BODIES = (".inl.hpp", "/simd.hpp", "/isa.cpp")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')
COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)
PYTHON_HEADER = re.compile(r"^(pybind11/.*|Python\.h|numpy/.*)$")
BLAS_HEADER = re.compile(r"^(.*/)?(cblas|mkl_cblas|Accelerate)\.h$")
BLAS_USE = re.compile(r"\b(scipy_)?(cblas|openblas)_\w+\s*\(")
OPENMP_HEADER = re.compile(r"^omp\.h$")
OPENMP_USE = re.compile(r"#\s*pragma\s+omp\b|\bomp_\w+\s*\(")
THREAD_HEADER = re.compile(r"^(thread|future|pthread\.h)$")
THREAD_USE = re.compile(r"\bstd::(thread|jthread|async)\b")
LOUD = re.compile(
    r"\bstd::(cout|cerr|clog)\b"
    r"|(?<![\w.>])(?:std::)?(printf|fprintf|puts|putchar|fputs|perror|exit|_Exit|quick_exit|abort|terminate)\s*\("
)


@dataclass(frozen=True)
class Violation:
    """One broken rule, and where."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Include:
    """One #include: the name as written, and the project file it means (None for <...>)."""

    line: int
    name: str
    target: str | None


class Source:
    """A C++ file: its place, includes, and lines without comments and string contents."""

    def __init__(self, root: Path, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        self.path = path.relative_to(root).as_posix()
        self.layer = self.path.split("/")[1]
        self.code = COMMENT_OR_STRING.sub(_blank, text).splitlines()
        self.includes: list[Include] = []
        self.missing: list[Include] = []
        for number, line in enumerate(text.splitlines(), 1):
            found = INCLUDE.match(line)
            if found is None or not self.code[number - 1].strip():
                continue
            if found[1]:
                self.includes.append(Include(number, found[1], None))
                continue
            for folder in (path.parent, root / "cpp"):
                target = (folder / found[2]).resolve()
                if target.is_file() and target.is_relative_to(root):
                    name = target.relative_to(root).as_posix()
                    self.includes.append(Include(number, found[2], name))
                    break
            else:
                self.missing.append(Include(number, found[2], None))


def _blank(match: re.Match[str]) -> str:
    """A comment becomes nothing and a string empty quotes; the line count stays."""
    text = match[0]
    return ("" if text.startswith("/") else '""') + "\n" * text.count("\n")


def read_sources(root: Path) -> dict[str, Source]:
    """Every C++ file under cpp/<layer>/, by its path from the root."""
    files = (p for layer in LAYERS for p in sorted((root / "cpp" / layer).rglob("*")))
    sources = (Source(root, p) for p in files if p.suffix in CPP_SUFFIXES)
    return {source.path: source for source in sources}


def check_layers(sources: dict[str, Source]) -> Iterator[Violation]:
    """Includes point downwards, and at files that exist."""
    for source in sources.values():
        for include in source.missing:
            yield Violation(source.path, include.line, f'"{include.name}" is not in the project')
        for include in source.includes:
            if include.target is None:
                continue
            target = include.target.split("/")[1]
            if target not in LAYERS:
                message = f"includes {include.target}, which is in no layer of cpp/"
                yield Violation(source.path, include.line, message)
            elif LAYERS.index(target) > LAYERS.index(source.layer):
                message = f"{source.layer} must not include {include.target}: arrows point down"
                yield Violation(source.path, include.line, message)


@dataclass(frozen=True)
class Ownership:
    """What one place does for all: its system headers, its words in the code, who may have them."""

    headers: re.Pattern[str]
    words: re.Pattern[str] | None
    owners: re.Pattern[str]
    place: str


OWNERSHIPS = (
    Ownership(PYTHON_HEADER, None, re.compile(r"cpp/bind/"), "cpp/bind"),
    Ownership(BLAS_HEADER, BLAS_USE, re.compile(r"cpp/core/blas\.cpp$"), "cpp/core/blas.cpp"),
    Ownership(OPENMP_HEADER, OPENMP_USE, re.compile(r"cpp/core/team\."), "cpp/core/team.*"),
    Ownership(
        THREAD_HEADER,
        THREAD_USE,
        re.compile(r"cpp/core/(team|threads)\."),
        "cpp/core/team.* and threads.*",
    ),
)


def check_ownership(sources: dict[str, Source]) -> Iterator[Violation]:
    """Python, BLAS and threads are each the business of one place."""
    for source in sources.values():
        for rule in OWNERSHIPS:
            if rule.owners.match(source.path):
                continue
            for include in source.includes:
                if include.target is None and rule.headers.match(include.name):
                    message = f"<{include.name}> belongs in {rule.place} only"
                    yield Violation(source.path, include.line, message)
            for number, line in enumerate(source.code, 1):
                used = rule.words.search(line) if rule.words else None
                if used:
                    message = f"{used[0].rstrip('(')} belongs in {rule.place} only"
                    yield Violation(source.path, number, message)


def check_kernels(sources: dict[str, Source]) -> Iterator[Violation]:
    """What is compiled per instruction set shares no code with anything else."""
    reached, waiting = set(), ["cpp/kernels/isa.cpp"]
    waiting += [path for path in sources if path.endswith(".inl.hpp")]
    while waiting:
        path = waiting.pop()
        if path in reached or path not in sources:
            continue
        reached.add(path)
        for include in sources[path].includes:
            if include.target is None:
                if include.name not in KERNEL_SYSTEM_HEADERS:
                    message = f"<{include.name}> in kernel code: C headers only"
                    yield Violation(path, include.line, message)
            elif include.target.startswith("cpp/kernels/"):
                waiting.append(include.target)
            else:
                message = f"kernel code includes kernel files only, not {include.target}"
                yield Violation(path, include.line, message)
    for source in sources.values():
        for include in source.includes:
            body = include.target is not None and include.target.endswith(KERNEL_BODIES)
            if body and source.path not in reached:
                message = f"{include.target} is compiled per instruction set: use kernels/table.hpp"
                yield Violation(source.path, include.line, message)


def check_quiet(sources: dict[str, Source]) -> Iterator[Violation]:
    """The core reports by exceptions and return values."""
    for source in sources.values():
        for number, line in enumerate(source.code, 1):
            if source.layer != "bind" and LOUD.search(line):
                yield Violation(source.path, number, "the core does not print, exit or abort")


def measured_files(root: Path) -> list[Path]:
    """C++ and Python files of the project, tests and tools included."""
    files = (p for folder in MEASURED_FOLDERS for p in sorted((root / folder).rglob("*")))
    return [p for p in files if p.suffix in CPP_SUFFIXES | {".py", ".pyi"}]


def check_length(root: Path) -> Iterator[Violation]:
    """A file is read in one go."""
    for path in measured_files(root):
        n_lines = len(path.read_text(encoding="utf-8").splitlines())
        if n_lines > MAX_LINES:
            name = path.relative_to(root).as_posix()
            yield Violation(name, n_lines, f"{n_lines} lines, more than {MAX_LINES}")


def check(root: Path) -> list[Violation]:
    """Every violation under `root`, in the order of the files."""
    root = root.resolve()
    sources = read_sources(root)
    found = [
        *check_layers(sources),
        *check_ownership(sources),
        *check_kernels(sources),
        *check_quiet(sources),
        *check_length(root),
    ]
    return sorted(found, key=lambda violation: (violation.path, violation.line))


def main() -> int:
    """Command line; 0 when the architecture holds."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1])
    violations = check(root)
    for violation in violations:
        print(violation)
    n_sources = len(read_sources(root.resolve()))
    if n_sources == 0:
        print(f"no C++ source under {root / 'cpp'}: nothing was checked")
        return 1
    print(
        f"architecture: layers, ownership, kernels and quiet in {n_sources} C++ files, "
        f"length of {len(measured_files(root))} files: {len(violations)} violations"
    )
    return int(bool(violations))


if __name__ == "__main__":
    sys.exit(main())
