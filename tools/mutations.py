"""Mutants of C++ source: the same code with one change each, and which of them no test can find.

A change is a sign, an operator, a comparison, a constant, min for max, or two arguments of fma or
select swapped.  Many can stand in one build: the expression around a change becomes
(shallowcore_mutant == 7 ? changed : as it was), and the environment chooses.  Where the language
wants a constant, that does not compile, and the mutant needs a build of its own.
tools/mutate.py does both.
"""

import fnmatch
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

# What is not code for this purpose: blanked before mutants are looked for.
NOT_CODE = re.compile(
    r'//[^\n]*|"(?:\\.|[^"\\\n])*"|^[ \t]*#[^\n]*'
    r"|^[^\n]*(?:static_assert|_prefetch)[^\n]*|decltype\([^)]*\)",
    re.MULTILINE,
)
PAIRS = ("+ -", "* /", "< <=", "> >=", "== !=", "&& ||", "+= -=", "*= /=")
SWAPPED = {a: b for pair in PAIRS for a, b in (pair.split(), reversed(pair.split()))}
OPERATOR = re.compile(r"(?<=[\w)\]}>] )(?:[-+*/]=?|[<>]=?|[=!]=|&&|\|\|)(?=\s)")
MINUS = re.compile(r"(?:(?<=[({])|(?<=[-+*/<>=&|?:,] )|(?<=return ))-(?=[\w(])")
LEAST = re.compile(r"(?<![\w:.])(?:std::)?(min|max)(?=<T>\(|\()")
NUMBER = re.compile(
    r"(?<![\w.])(?:0x([\da-f]+)u?|(\d+)|\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+)(?![\w.])"
)
CALL = re.compile(r"(?<![\w:.])(?:fma|select)<\w+>\(")
# Where an expression begins, seen from its inside; (?=...) is how a statement follows a bracket.
EDGE = re.compile(r"[;,?]|(?<!:):(?!:)|(?<![=!<>])=(?!=)|\b(?:return|else)\b|[)\]}](?=\s+\w)")
STATEMENT = re.compile(r"[;}]|\)\s*(?:const\s*)?{")  # after which a statement begins
END = re.compile(r"[;,?]|(?<!:):(?!:)")
# Macros that decide which lines an instruction set is compiled from.
MACROS = {
    "baseline": {"__x86_64__"},
    "avx2": {"__x86_64__", "__AVX__", "__AVX2__", "__FMA__"},
    "avx512": {"__x86_64__", "__AVX__", "__AVX2__", "__FMA__", "__AVX512F__"},
    "neon": {"__aarch64__"},
}


@dataclass
class Mutant:
    """Text from `start` to `end` of `file` replaced; `line` becomes `becomes`."""

    file: str
    start: int
    end: int
    text: str
    number: int  # of the first line
    n_lines: int
    line: str
    becomes: str
    status: str = "not run"
    by: str = ""
    seconds: int = 0

    def lines(self) -> range:
        return range(self.number, self.number + self.n_lines)


def blank(match: "re.Match[str]") -> str:
    return " " * len(match[0])


def blank_other_branches(source: str, macros: set[str]) -> str:
    """Blanks what #if leaves out where only `macros` are defined."""
    lines = source.splitlines(keepends=True)
    stack: list[tuple[bool, bool]] = []  # is this branch taken, was one before
    for i, line in enumerate(lines):
        directive = re.match(r"#\s*(if|ifdef|elif|else|endif)\b(.*)", line)
        if directive is None:
            if not all(taken for taken, _ in stack):
                lines[i] = " " * (len(line) - 1) + "\n"
            continue
        kind, condition = directive[1], directive[2]
        holds = any(name in macros for name in re.findall(r"\w+", condition)) or kind == "else"
        if kind in ("if", "ifdef"):
            stack.append((holds, holds))
        elif kind == "endif":
            stack.pop()
        else:
            before = stack[-1][1]
            stack[-1] = (holds and not before, holds or before)
    return "".join(lines)


def arguments(code: str, start: int) -> list[tuple[int, int]]:
    """Where the arguments stand in the call whose bracket opens before `start`."""
    found, depth, first = [], 0, start
    for at in range(start, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
        if depth < 0 or (depth == 0 and code[at] == ","):
            found.append((first, at))
            first = at + 1
        if depth < 0:
            break
    return found


def expression(code: str, start: int, end: int) -> tuple[int, int]:
    """Where the expression around start...end begins and ends: at brackets or separators."""
    edges = {match.end() for match in EDGE.finditer(code, max(0, start - 2000), start)}
    depth, first = 0, start
    while first > 0 and not (depth == 0 and first in edges):
        depth += (code[first - 1] in ")]}") - (code[first - 1] in "([{")
        if depth < 0:
            break
        first -= 1
    depth, last = 0, end
    while last < len(code):
        depth += (code[last] in "([{") - (code[last] in ")]}")
        if depth < 0 or (depth == 0 and END.match(code, last)):
            break
        last += 1
    return first, last


def plant(source: str, numbered: Sequence[tuple[int, Mutant]]) -> tuple[str, set[int]]:
    """The source with mutants to choose from, its lines as they were; those without a place.

    An expression has a place for one, and what is declared constant has none.
    """
    code = NOT_CODE.sub(blank, source)
    places: list[tuple[int, int, int, Mutant]] = []
    left_over = set()
    for number, mutant in numbered:
        first, last = expression(code, mutant.start, mutant.end)
        constant = re.search(r"\bconstexpr\b", STATEMENT.split(code[:first])[-1])
        overlap = any(first < theirs[1] and theirs[0] < last for theirs in places)
        if constant or overlap:
            left_over.add(number)
        else:
            places.append((first, last, number, mutant))
    for first, last, number, mutant in sorted(places, reverse=True, key=lambda place: place[0]):
        changed = source[first : mutant.start] + mutant.text + source[mutant.end : last]
        changed = " ".join(re.sub(r"//[^\n]*", "", changed).split())
        choice = f" (shallowcore_mutant == {number} ? ({changed}) : ({source[first:last]}))"
        source = source[:first] + choice + source[last:]
    return source, left_over


def numbers_beside(match: "re.Match[str]") -> list[str]:
    if match[1] is not None:
        return [match[0].replace(match[1], f"{int(match[1], 16) + 1:x}")]
    if match[2] is None:
        return [f"{float(match[0]) * 1.1:.6g}"]
    value = int(match[2])
    return [str(value + 1)] + ([str(value - 1)] if value > 0 else [])


def changes(source: str, macros: set[str]) -> Iterator[tuple[int, int, str]]:
    """Every change: from where, to where, by which text."""
    code = NOT_CODE.sub(blank, blank_other_branches(source, macros))
    for match in OPERATOR.finditer(code):
        yield *match.span(), SWAPPED[match[0]]
    for match in MINUS.finditer(code):
        yield *match.span(), ""
    for match in LEAST.finditer(code):
        yield *match.span(1), "max" if match[1] == "min" else "min"
    for match in NUMBER.finditer(code):
        for other in numbers_beside(match):
            yield *match.span(), other
    for match in CALL.finditer(code):
        places = arguments(code, match.end())
        if len(places) == 3:
            first, second, third = (source[start:end] for start, end in places)
            yield match.start(), places[2][1] + 1, f"{match[0]}{first},{third},{second})"


def mutants_of(file: str, source: str, macros: set[str]) -> list[Mutant]:
    found = []
    for start, end, text in changes(source, macros):
        first = source.rfind("\n", 0, start) + 1
        last = source.find("\n", end)
        line = " ".join(source[first:last].split())
        becomes = " ".join((source[first:start] + text + source[end:last]).split())
        if becomes != line:
            number = source.count("\n", 0, start) + 1
            n_lines = source.count("\n", start, end) + 1
            found.append(Mutant(file, start, end, text, number, n_lines, line, becomes))
    return found


def choose(sources: Mapping[str, str], n: int, seed: int, macros: set[str]) -> list[Mutant]:
    """The same for the same seed and sources: from every file in turn, at random within it."""
    by_file = []
    for file, source in sources.items():
        found = mutants_of(file, source, macros)
        random.Random(f"{seed} {file}").shuffle(found)
        by_file.append(found)
    chosen = [m for turn in zip_longest(*by_file) for m in turn if m is not None][:n]
    return sorted(chosen, key=lambda m: (m.file, m.start, m.text))


def mark_equivalent(mutants: Sequence[Mutant], entries: Sequence[dict[str, str]]) -> None:
    for mutant in mutants:
        for entry in entries:
            same = entry["file"] == mutant.file and entry["line"] == mutant.line
            if same and entry.get("becomes", mutant.becomes) == mutant.becomes:
                mutant.status, mutant.by = "equivalent", entry["reason"]


# --- tests ----------------------------------------------------------------------------------------

# The tests likeliest to notice, by what a file is called; then all others.
LIKELY = {
    "cpp/kernels/gemm*": "kernels kernels_elementwise plans",
    "cpp/kernels/dots*": "kernels gradients",
    "cpp/kernels/transpose*": "kernels plans plans_lanes plans_wide",
    "cpp/kernels/product*": "kernels plans gradients",
    "cpp/kernels/lane*": "plans_lanes gradients plans trajectories",
    "cpp/kernels/tiles*": "plans_wide plans trajectories",
    "cpp/kernels/sparse*": "plans_sparse plans streams",
    "cpp/kernels/dropout*": "dropout plans",
    "cpp/kernels/optimizers*": "trajectories clipping parity_training plans_wide",
    "cpp/kernels/loss*": "kernels_elementwise losses gradients newton_cg hard_cases",
    "cpp/kernels/*": "kernels_elementwise ops ops_in_place gradients arrays newton_cg",
    "cpp/model/batches*": "arrays streams memory_maps plans fit_loop normalization",
    "cpp/model/*lanes*": "plans_lanes plans gradients dropout",
    "cpp/model/*tiles*": "plans_wide plans trajectories",
    "cpp/model/*panel*": "plans plans_sparse gradients dropout",
    "cpp/model/*gram*": "plans trajectories plans_wide",
    "cpp/model/lbfgs*": "lbfgs solvers trajectories",
    "cpp/model/line_search*": "lbfgs solvers trajectories logistic_optimum",
    "cpp/model/levenberg*": "levenberg_marquardt solvers",
    "cpp/model/gauss_newton*": "levenberg_marquardt newton_cg solvers",
    "cpp/model/cholesky*": "levenberg_marquardt newton_cg solvers",
    "cpp/model/newton*": "newton_cg solvers logistic_optimum",
    "cpp/model/precond*": "newton_cg solvers logistic_optimum",
    "cpp/model/hessian*": "newton_cg solvers",
    "cpp/model/solver*": "solvers newton_cg lbfgs levenberg_marquardt",
    "cpp/model/schedule*": "schedules trajectories",
    "cpp/model/watch*": "early_stopping callbacks fit_loop",
    "cpp/model/optimizer*": "clipping trajectories schedules resume",
    "cpp/model/moments*": "normalization targets_standardized memory_maps",
    "cpp/model/trainer*": "fit_loop early_stopping trajectories resume callbacks",
    "cpp/model/unit_ranges*": "report",
    "cpp/model/*": "plans gradients trajectories normalization dropout fit_loop",
}
LEFT_OUT = (
    *("oracle_*", "bench*", "demo", "doctests", "datasets*", "architecture", "mutations"),
    *("instructions_tool", "names", "plotting*", "progress", "saving*"),
    *("sklearn_checks", "interruption", "max_time", "config", "command_line*", "environments"),
)


def in_order(tests: Iterable[str], file: str) -> tuple[list[str], list[str]]:
    """The tests likely to notice a change of the file, and all others, as test_*.py."""
    names = [
        name for name in sorted(tests) if not any(fnmatch.fnmatch(name, out) for out in LEFT_OUT)
    ]
    likely = next(tests for like, tests in LIKELY.items() if fnmatch.fnmatch(file, like)).split()
    others = [name for name in names if name not in likely]
    return [f"tests/test_{name}.py" for name in likely], [
        f"tests/test_{name}.py" for name in others
    ]
