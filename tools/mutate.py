"""Are the tests worth their trust?  Plants faults in the C++ core and counts those they find.

    python tools/mutate.py [FILE OR FOLDER ...] [-n 150] [--seed 0] [--again] [--list]

A mutant is the source with one change: a sign, an operator, a comparison, a constant, min for max,
two arguments of fma or select swapped.  They are drawn evenly over the files and planted in a copy
of the tree (the checkout is never touched), which is built for one instruction set and, where it
holds mutants, with -O1: all that can be chosen at run time in one build, the others one by one.
Each is tested until the first failure: all of them by the likeliest tests, then what is left by all
others.  A test that also fails without a mutant has killed none.  Ends with the survivors, a table
by file, and a report in JSON from which --again takes up what survived or has not run; exit status
1 if a survivor is not explained.

tools/mutants_equivalent.json explains those that no test can find: file, line before and after, and
why.  Without "becomes" an entry stands for every change of its line.

Tests that the core has no part in are left out, and those that look at the clock: a slow machine
must not pass for a fault that was found.
"""

import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from threading import Lock

from mutations import MACROS, Mutant, choose, in_order, mark_equivalent, mutants_of, plant

ROOT = Path(__file__).parents[1]
EQUIVALENT = Path(__file__).with_name("mutants_equivalent.json")
WORK = ROOT / "build" / "mutants"
# The kernels and what computes in the model; its plans choose among paths that must agree.
SOURCES = (
    "cpp/kernels/*.inl.hpp",
    "cpp/kernels/simd.hpp",
    *(f"cpp/model/{name}.cpp" for name in ("batches", "cholesky", "epoch_order", "full_batch")),
    *(f"cpp/model/{name}.cpp" for name in ("gauss_newton", "hessian_product", "lbfgs")),
    *(f"cpp/model/{name}.cpp" for name in ("levenberg_marquardt", "line_search", "moments")),
    *(f"cpp/model/{name}.cpp" for name in ("network", "newton_cg", "objective", "optimizer")),
    *(f"cpp/model/{name}.cpp" for name in ("pass", "preconditioner", "schedule", "slopes")),
    *(f"cpp/model/{name}.cpp" for name in ("solver", "trainer", "unit_ranges", "watch")),
)

# --- the copy and its tests -----------------------------------------------------------------------

PER_TEST = 100  # seconds of processor time, which do not depend on what else the machine does
PER_RUN = 3600  # seconds, against waiting for ever
WANTS_ALL_SETS = "tests/test_isa_and_threads.py::test_the_best_instruction_set_is_chosen"
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)

# On PYTHONPATH: an editable install must not stand before the copy; a test that never ends dies.
SITE = """
import sys
sys.meta_path[:] = [f for f in sys.meta_path if "Redirecting" not in type(f).__name__]
"""
PLUGIN = f"""
import signal
def pytest_runtest_setup(item):
    signal.setitimer(signal.ITIMER_PROF, {PER_TEST})
def pytest_configure(config):
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
"""
# Included before every file.
CHOICE = """
#include <stdlib.h>
namespace {
const char* const shallowcore_mutant_text = getenv("SHALLOWCORE_MUTANT");
const int shallowcore_mutant = shallowcore_mutant_text ? atoi(shallowcore_mutant_text) : 0;
}
"""


def write(path: Path, content: str | bytes) -> None:
    """Unless it holds that: an older file needs no building."""
    content = content.encode() if isinstance(content, str) else content
    if not (path.is_file() and path.read_bytes() == content):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def is_compiled_apart(file: str) -> bool:
    """Whether the file is compiled in the kernels or by itself only."""
    return file.endswith((".cpp", ".inl.hpp", "/simd.hpp"))


class Tree:
    """A copy of the checkout, built with mutants in it."""

    def __init__(self, isa: str) -> None:
        self.folder = WORK / "tree"
        self.build_folder = self.folder / "build" / "mutants"
        self.native = [f"math_accuracy_{isa}", "line_search_test"]
        self.native += ["borders_test", "core_test", "feed_test"]
        self.tests = [path.stem[5:] for path in (ROOT / "tests").glob("test_*.py")]
        self.left_out = [WANTS_ALL_SETS]
        self.numbers: dict[int, int] = {}  # by identity
        self.building = Lock()
        site = WORK / "site"
        for name, content in (
            ("sitecustomize.py", SITE),
            ("mutant_limits.py", PLUGIN),
            ("mutant.hpp", CHOICE),
        ):
            write(site / name, content)
        self.isa = isa
        self.flags = f"-O1 -w -Wno-narrowing -include {site}/mutant.hpp"
        python = f"{site}{os.pathsep}{self.folder / 'python'}"
        self.env = os.environ | {"PYTHONPATH": python, "MPLBACKEND": "Agg"}

    def run(self, *command: str, mutant: int = 0) -> "subprocess.CompletedProcess[str]":
        """Everything that it started is gone afterwards."""
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.env | {"SHALLOWCORE_MUTANT": str(mutant)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=PER_RUN)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                return subprocess.CompletedProcess(command, -signal.SIGALRM, output)
        return subprocess.CompletedProcess(command, process.returncode, output)

    def prepare(self, planted: Iterable[str]) -> None:
        """Copies what git knows of or would add, and configures."""
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file() and name != "CMakeLists.txt":
                write(self.folder / name, (ROOT / name).read_bytes())
        # The other files are compiled as they always are, which a compiler cache remembers.
        own = f'PROPERTIES COMPILE_OPTIONS "{self.flags.replace(" ", ";")}")\n'
        lines = [(ROOT / "CMakeLists.txt").read_text(encoding="utf-8")]
        lines += [f"set_source_files_properties({f} {own}" for f in planted if f.endswith(".cpp")]
        for target in (f"shallowcore_kernels_{self.isa}", self.native[0]):
            lines.append(f"target_compile_options({target} PRIVATE {self.flags})\n")
        write(self.folder / "CMakeLists.txt", "".join(lines))
        options = {
            "CMAKE_BUILD_TYPE": "Release",
            "CMAKE_LIBRARY_OUTPUT_DIRECTORY": self.folder / "python" / "shallowcore",
            "SHALLOWCORE_ISAS": self.isa,
            "SHALLOWCORE_NATIVE_TESTS": "ON",
            "SHALLOWCORE_PYTHON": "ON",
        }
        defines = [f"-D{name}={value}" for name, value in options.items()]
        where = ["-S", str(self.folder), "-B", str(self.build_folder), "-G", "Ninja"]
        done = self.run("cmake", *where, *defines)
        if done.returncode:
            raise SystemExit(done.stdout)

    def build(self, *targets: str, jobs: int = 1) -> "subprocess.CompletedProcess[str]":
        where = ["--build", str(self.build_folder)]
        with self.building:
            return self.run("cmake", *where, "-j", str(jobs), "--target", *targets, "--", "-k", "0")

    def plant(self, mutants: Sequence[Mutant], jobs: int) -> list[Mutant]:
        """Builds with all mutants that can be chosen at run time, numbered from 1; those."""
        chosen = dict(enumerate((m for m in mutants if is_compiled_apart(m.file)), 1))
        while True:
            for file in {m.file for m in mutants}:
                numbered = [(k, m) for k, m in chosen.items() if m.file == file]
                planted, left_over = plant((ROOT / file).read_text(encoding="utf-8"), numbered)
                write(self.folder / file, planted)
                for number in left_over:
                    del chosen[number]
            done = self.build("_core", jobs=jobs)
            if done.returncode == 0:
                break
            errors = re.findall(r"(cpp/[\w/.]+):(\d+):\d+: error", done.stdout)
            wrong = {(file, int(line)) for file, line in errors}
            guilty = [k for k, m in chosen.items() if any((m.file, n) in wrong for n in m.lines())]
            files = {file for file, _ in wrong}
            # An error elsewhere in a file: all of its mutants are under suspicion.
            guilty = guilty or [k for k, m in chosen.items() if m.file in files]
            if not guilty:
                raise SystemExit(f"the copy does not build:\n{done.stdout}")
            for number in guilty:
                del chosen[number]
        code = "import shallowcore._core as c; print(c.__file__)"
        if str(self.folder) not in self.run(sys.executable, "-c", code).stdout:
            raise SystemExit("another installation of shallowcore stands before the copy")
        self.numbers = {id(m): k for k, m in chosen.items()}
        return list(chosen.values())

    def pytest(self, *arguments: str, mutant: int = 0) -> "subprocess.CompletedProcess[str]":
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "mutant_limits"]
        options += ["--hypothesis-seed=0", "--no-header", "--tb=no"]
        return self.run(sys.executable, "-m", "pytest", *options, *arguments, mutant=mutant)

    def failing(self, tests: Sequence[str]) -> list[str]:
        """Which of the tests fail without a mutant."""
        done = self.pytest(*tests) if tests else None
        found = FAILED.findall(done.stdout) if done else []
        if done and done.returncode != (1 if found else 0):
            raise SystemExit(f"the tests do not run without a mutant:\n{done.stdout[-4000:]}")
        return found

    def test_likely(self, mutant: Mutant) -> None:
        """What the native tests and the likeliest say to a mutant that has been built."""
        number = self.numbers.get(id(mutant), 0)
        likely, _ = in_order(self.tests, mutant.file)
        slow, quick = self.native[:1], self.native[1:]
        if re.search(r"kernels/(math|normal|gates)", mutant.file):
            quick, slow = slow + quick, []
        mutant.status, mutant.by = self.by_programs(quick, number)
        if mutant.status == "survived":
            mutant.status, mutant.by = self.by_pytest(likely, number)
        if mutant.status == "survived":
            mutant.status, mutant.by = self.by_programs(slow, number)

    def test_others(self, mutant: Mutant) -> None:
        """What all other tests say to one that has survived the likely ones."""
        if mutant.status == "survived":
            _, others = in_order(self.tests, mutant.file)
            mutant.status, mutant.by = self.by_pytest(others, self.numbers.get(id(mutant), 0))

    def by_programs(self, programs: Sequence[str], number: int) -> tuple[str, str]:
        for program in programs:
            if self.build(program).returncode:
                raise SystemExit(f"{program} does not build")
            limited = f"ulimit -t {3 * PER_TEST}; exec {self.build_folder}/tests/native/{program}"
            if self.run("sh", "-c", limited, mutant=number).returncode:
                return "killed", program
        return "survived", ""

    def by_pytest(self, files: Sequence[str], number: int) -> tuple[str, str]:
        left_out = [f"--deselect={name}" for name in self.left_out]
        done = self.pytest("-x", *left_out, *files, mutant=number)
        if done.returncode == 0:
            return "survived", ""
        if done.returncode == -signal.SIGPROF:
            return "timed out", f"{PER_TEST} s of processor time in one test"
        if done.returncode == -signal.SIGALRM:
            return "timed out", f"no end in {PER_RUN} s"
        if done.returncode < 0:
            return "killed", f"crash, {signal.Signals(-done.returncode).name}"
        if done.returncode not in (1, 2):
            raise SystemExit(f"pytest ends with {done.returncode}:\n{done.stdout[-4000:]}")
        found = FAILED.search(done.stdout)
        return "killed", found[1] if found else done.stdout.strip().splitlines()[-1]

    def test_alone(self, mutant: Mutant) -> None:
        """Builds the tree with this mutant only, and tests it."""
        path, source = self.folder / mutant.file, (ROOT / mutant.file).read_text(encoding="utf-8")
        write(path, source[: mutant.start] + mutant.text + source[mutant.end :])
        try:
            if self.build("_core", jobs=2).returncode == 0:
                self.test_likely(mutant)
                self.test_others(mutant)
            else:
                mutant.status = "does not compile"
        finally:
            write(path, source)


# --- report ---------------------------------------------------------------------------------------

STATUSES = ("killed", "timed out", "equivalent", "survived", "does not compile", "not run")


def table(mutants: Sequence[Mutant]) -> str:
    rows: list[tuple[str, ...]] = [("file", *STATUSES)]
    for file in [*sorted({m.file for m in mutants}), "all"]:
        found = [m.status for m in mutants if file in (m.file, "all")]
        rows.append((file, *(str(found.count(status)) for status in STATUSES)))
    return "\n".join(f"{r[0]:<42}" + "".join(f"{cell:>18}" for cell in r[1:]) for r in rows)


def save(report: Path, mutants: Sequence[Mutant], left_out: Sequence[str]) -> None:
    content = {"left_out": list(left_out), "mutants": [asdict(m) for m in mutants]}
    report.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def run_all(tree: Tree, mutants: Sequence[Mutant], workers: int, report: Path) -> None:
    """Tests those that have not run or survived; saves after each."""

    def timed(test: Callable[[Mutant], None], mutant: Mutant) -> None:
        start = time.monotonic()
        test(mutant)
        mutant.seconds = round(time.monotonic() - start)
        print(describe(mutant), flush=True)
        save(report, mutants, tree.left_out)

    while waiting := [m for m in mutants if m.status in ("not run", "survived")]:
        tree.prepare({m.file for m in waiting})
        together = tree.plant(waiting, workers)
        alone = [m for m in waiting if m not in together]
        print(f"{len(together)} mutants in one build, {len(alone)} alone", flush=True)
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(partial(timed, tree.test_likely), together))
            survivors = [m for m in together if m.status == "survived"]
            list(pool.map(partial(timed, tree.test_others), survivors))
        for file in {m.file for m in together}:
            write(tree.folder / file, (ROOT / file).read_bytes())
        for mutant in alone:
            timed(tree.test_alone, mutant)
        # The control: a test that fails without a mutant, too, has killed none.
        tree.build("_core", jobs=workers)
        failing = tree.failing(sorted({m.by.split("[")[0] for m in mutants if "::" in m.by}))
        tree.left_out += failing
        for mutant in mutants:
            mutant.status = "not run" if mutant.by in failing else mutant.status
        save(report, mutants, tree.left_out)
        if not failing:
            break
        print("again, without", *failing, flush=True)


def describe(mutant: Mutant) -> str:
    head = f"{mutant.status}: {mutant.file}:{mutant.number} ({mutant.seconds} s) {mutant.by}"
    return f"{head}\n    {mutant.line}\n    {mutant.becomes}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Mutation testing of the C++ core.")
    parser.add_argument("sources", nargs="*", default=SOURCES, help="patterns of files")
    parser.add_argument("-n", type=int, default=150, help="mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--isa", choices=sorted(MACROS), default=best_isa())
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", type=Path, default=WORK / "report.json")
    parser.add_argument("--again", action="store_true", help="go on with the report")
    parser.add_argument("--list", action="store_true", help="print the mutants and stop")
    return parser.parse_args()


def best_isa() -> str:
    if platform.machine() in ("aarch64", "arm64"):
        return "neon"
    flags = (
        Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    )
    return "avx2" if " avx2 " in flags else "baseline"


def main() -> int:
    """Command line; 0 when every survivor is explained."""
    options = parse()
    os.nice(15)
    tree = Tree(options.isa)
    if options.again:
        content = json.loads(options.report.read_text(encoding="utf-8"))
        tree.left_out = content["left_out"]
        mutants = [Mutant(**entry) for entry in content["mutants"]]
        for file in {mutant.file for mutant in mutants}:
            now = mutants_of(file, (ROOT / file).read_text(encoding="utf-8"), MACROS[options.isa])
            places = {(mutant.start, mutant.text, mutant.line) for mutant in now}
            if not all((m.start, m.text, m.line) in places for m in mutants if m.file == file):
                raise SystemExit(f"{file} is not what it was when the report was written")
    else:
        files = sorted(
            {str(p.relative_to(ROOT)) for pattern in options.sources for p in ROOT.glob(pattern)}
        )
        sources = {file: (ROOT / file).read_text(encoding="utf-8") for file in files}
        mutants = choose(sources, options.n, options.seed, MACROS[options.isa])
    mark_equivalent(mutants, json.loads(EQUIVALENT.read_text(encoding="utf-8")))
    if not options.list:
        run_all(tree, mutants, options.workers, options.report)
    for mutant in mutants:
        if mutant.status in ("survived", "not run", "equivalent"):
            print(describe(mutant))
    print(table(mutants))
    return int(any(m.status in ("survived", "not run") for m in mutants))


if __name__ == "__main__":
    sys.exit(main())
