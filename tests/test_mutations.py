"""The tool that plants faults in the core: its changes, and its list of excuses."""

import json
from collections import Counter
from pathlib import Path

import pytest
from test_architecture import ROOT, load_tool

tool = load_tool("mutations")
AVX2 = tool.MACROS["avx2"]


def changed(source: str) -> set[str]:
    """All mutants of the source."""
    return {mutant.becomes for mutant in tool.mutants_of("x.cpp", source, AVX2)}


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("y = a + b;", {"y = a - b;"}),
        ("y = a * -b;", {"y = a / -b;", "y = a * b;"}),
        ("y -= a[i] / b;", {"y += a[i] / b;", "y -= a[i] * b;"}),
        ("if (f(a) < b && c) {", {"if (f(a) <= b && c) {", "if (f(a) < b || c) {"}),
        ("return x >= y;", {"return x > y;"}),
        (
            "return x == -1;",
            {"return x != -1;", "return x == 1;", "return x == -2;", "return x == -0;"},
        ),
        ("k = T{2};", {"k = T{3};", "k = T{1};"}),
        ("k = 0;", {"k = 1;"}),
        (
            "k = T(0.5) + 1e-3;",
            {"k = T(0.55) + 1e-3;", "k = T(0.5) - 1e-3;", "k = T(0.5) + 0.0011;"},
        ),
        ("key += 0x9e3779b9u;", {"key -= 0x9e3779b9u;", "key += 0x9e3779bau;"}),
        ("y = std::min(a, b);", {"y = std::max(a, b);"}),
        ("y = max<T>(a, b);", {"y = min<T>(a, b);"}),
        ("y = fma<T>(f(a, b), x, c);", {"y = fma<T>(f(a, b), c, x);"}),
        ("y = select<T>(m,\n  x, z);", {"y = select<T>(m, z,\n  x);".replace("\n ", "")}),
    ],
)
def test_every_change_is_made(source: str, mutants: set[str]) -> None:
    assert changed(source + "\n") == mutants


@pytest.mark.parametrize(
    "source",
    [
        "// a + b, 0 and -1\n",
        'throw Wrong("a + b < 0");\n',
        "#pragma GCC unroll 16\n",
        "static_assert(sizeof(T) == 4);\n",
        "#if defined(__AVX512F__)\ny = a + b;\n#endif\n",
        "#if defined(__AVX__)\nf(x);\n#else\ny = a + b;\n#endif\n",
        "template <class T>\nvoid f(const T* a, std::vector<int>& b, Vec<T>&& c);\n",
        "a->b(++i);\n",
    ],
)
def test_what_is_no_arithmetic_here_stays(source: str) -> None:
    assert changed(source) == set()


def test_the_branch_of_this_instruction_set_is_changed() -> None:
    source = "#if defined(__AVX512F__)\ny = a + b;\n#elif defined(__AVX__)\ny = a * b;\n#endif\n"
    assert changed(source) == {"y = a / b;"}


@pytest.mark.parametrize(
    ("source", "change", "around"),
    [
        ("y = a * (b + c);", "+", "b + c"),
        ("for (i = 0; i + 4 <= n; ++i) total += x[i];", "+=", "total += x[i]"),
        ("for (i = 0; i + 4 <= n; ++i) total += x[i];", "<=", "i + 4 <= n"),
        ("return p ? a - Vec<T>::b : c;", "-", "a - Vec<T>::b"),
        ("f(a, T{} - g(b), c);", "-", "T{} - g(b)"),
        ("if (x) {\n}\nsum -= y;", "-=", "sum -= y"),
    ],
)
def test_the_expression_around_a_change(source: str, change: str, around: str) -> None:
    start = source.index(change)
    first, last = tool.expression(source, start, start + len(change))
    assert source[first:last].strip() == around


def test_planted_mutants_keep_the_lines_and_the_original() -> None:
    source = "y = a +  // why\n    b;\nz = f(c * 2, d < e);\n"
    plus, times, less = (
        next(m for m in tool.mutants_of("x", source, AVX2) if source[m.start : m.end] == text)
        for text in "+*<"
    )
    planted, left_over = tool.plant(source, [(7, plus), (8, times), (9, less)])
    assert left_over == set()
    assert planted.splitlines() == [
        "y = (shallowcore_mutant == 7 ? (a - b) : ( a +  // why",
        "    b));",
        "z = f( (shallowcore_mutant == 8 ? (c / 2) : (c * 2)),"
        " (shallowcore_mutant == 9 ? (d <= e) : ( d < e)));",
    ]


def test_a_call_is_planted_whole() -> None:
    source = "y = 2 * fma<T>(a, b, c) + d;\n"
    (swapped,) = (m for m in tool.mutants_of("x", source, AVX2) if "a, c, b" in m.becomes)
    planted, _ = tool.plant(source, [(1, swapped)])
    assert planted == (
        "y = (shallowcore_mutant == 1 ? (2 * fma<T>(a, c, b) + d) : ( 2 * fma<T>(a, b, c) + d));\n"
    )


def test_an_expression_takes_one_mutant() -> None:
    source = "y = a + b * c;\n"
    first, second = tool.mutants_of("x", source, AVX2)
    assert tool.plant(source, [(1, first), (2, second)])[1] == {2}


def test_mutants_are_drawn_evenly_and_repeatably() -> None:
    sources = dict.fromkeys(("a.cpp", "b.cpp", "c.cpp"), "y = a + b - c * d / e + f;\n" * 9)
    chosen = tool.choose(sources, 9, 0, AVX2)
    assert Counter(mutant.file for mutant in chosen) == dict.fromkeys(sources, 3)
    assert chosen == tool.choose(sources, 9, 0, AVX2)
    assert chosen != tool.choose(sources, 9, 1, AVX2)


def test_an_excuse_holds_for_its_change_only() -> None:
    mutants = tool.mutants_of("x.cpp", "y = a + b * c;\n", AVX2)
    entry = {"file": "x.cpp", "line": "y = a + b * c;", "reason": "for a reason"}
    tool.mark_equivalent(mutants, [entry | {"becomes": "y = a - b * c;"}])
    assert [mutant.status for mutant in mutants] == ["equivalent", "not run"]
    tool.mark_equivalent(mutants, [entry])
    assert [mutant.by for mutant in mutants] == ["for a reason"] * 2


def test_every_excuse_is_for_a_mutant_that_exists() -> None:
    entries = json.loads((ROOT / "tools" / "mutants_equivalent.json").read_text(encoding="utf-8"))
    for entry in entries:
        source = Path(ROOT / entry["file"]).read_text(encoding="utf-8")
        mutants = tool.mutants_of(entry["file"], source, AVX2)
        tool.mark_equivalent(mutants, [entry])
        assert any(mutant.status == "equivalent" for mutant in mutants), entry
        assert entry["reason"]
