"""The architecture holds, and the tools that say so reject what they should.

Each case plants one offence in an otherwise clean little tree and expects exactly that complaint.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def load_tool(name: str) -> ModuleType:
    """The script tools/<name>.py as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


architecture = load_tool("check_architecture")
weak_symbols = load_tool("check_weak_symbols")

CLEAN = {
    "cpp/core/view.hpp": "#include <vector>\n",
    "cpp/core/team.cpp": "#include <omp.h>\nint n() { return omp_get_max_threads(); }\n",
    "cpp/core/threads.cpp": "#include <thread>\n",
    "cpp/core/blas.cpp": "#include <cblas.h>\n",
    "cpp/kernels/simd.hpp": "#include <stddef.h>\n",
    "cpp/kernels/table.hpp": "#include <stdint.h>\n",
    "cpp/kernels/gemm.inl.hpp": '#include "simd.hpp"\n',
    "cpp/kernels/isa.cpp": '#include "gemm.inl.hpp"\n#include "table.hpp"\n',
    "cpp/kernels/table.cpp": '#include "kernels/table.hpp"\n#include <string>\n',
    "cpp/model/plan.hpp": '#include "core/view.hpp"\n#include "kernels/table.hpp"\n',
    "cpp/bind/module.cpp": '#include <pybind11/pybind11.h>\n\n#include "model/plan.hpp"\n',
    "python/shallowcore/__init__.py": '"""Nothing."""\n',
}

PLANTED = [
    ("cpp/core/view.hpp", '#include "kernels/table.hpp"\n', "core must not include"),
    ("cpp/kernels/table.cpp", '#include "../model/plan.hpp"\n', "kernels must not include"),
    ("cpp/model/plan.hpp", '#include "bind/module.cpp"\n', "model must not include"),
    ("cpp/model/plan.hpp", '#include "core/gone.hpp"\n', "is not in the project"),
    ("cpp/model/plan.hpp", "#include <pybind11/numpy.h>\n", "belongs in cpp/bind only"),
    ("cpp/core/view.hpp", "#include <Python.h>\n", "belongs in cpp/bind only"),
    ("cpp/model/plan.hpp", "#include <cblas.h>\n", "belongs in cpp/core/blas.cpp only"),
    ("cpp/bind/module.cpp", "void f() { cblas_sgemm(); }\n", "belongs in cpp/core/blas.cpp only"),
    ("cpp/model/plan.hpp", "#include <omp.h>\n", "belongs in cpp/core/team.* only"),
    ("cpp/bind/module.cpp", "#pragma omp parallel\n", "belongs in cpp/core/team.* only"),
    ("cpp/core/threads.cpp", "int n = omp_get_max_threads();\n", "belongs in cpp/core/team.* only"),
    ("cpp/model/plan.hpp", "std::thread t;\n", "belongs in cpp/core/team.* and threads.* only"),
    ("cpp/model/plan.hpp", "#include <thread>\n", "belongs in cpp/core/team.* and threads.* only"),
    ("cpp/kernels/gemm.inl.hpp", "#include <vector>\n", "C headers only"),
    ("cpp/kernels/table.hpp", "#include <cstddef>\n", "C headers only"),
    ("cpp/kernels/isa.cpp", '#include "core/view.hpp"\n', "includes kernel files only"),
    ("cpp/kernels/table.cpp", '#include "gemm.inl.hpp"\n', "compiled per instruction set"),
    ("cpp/core/view.hpp", "void f() { std::cout << 1; }\n", "does not print"),
    ("cpp/model/plan.hpp", 'void f() { printf("x"); }\n', "does not print"),
    ("cpp/kernels/table.cpp", "void f() { std::abort(); }\n", "does not print"),
    ("cpp/core/view.hpp", "void f() { exit(1); }\n", "does not print"),
    ("cpp/core/view.hpp", "\n" * 401, "more than 400"),
    ("python/shallowcore/__init__.py", "\n" * 401, "more than 400"),
]


def write_tree(root: Path) -> None:
    """The clean tree under `root`."""
    for name, text in CLEAN.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_project_keeps_the_architecture() -> None:
    assert [str(violation) for violation in architecture.check(ROOT)] == []


def test_clean_tree_passes(tmp_path: Path) -> None:
    write_tree(tmp_path)
    assert architecture.check(tmp_path) == []


@pytest.mark.parametrize(("name", "text", "message"), PLANTED)
def test_planted_offence_is_found(tmp_path: Path, name: str, text: str, message: str) -> None:
    write_tree(tmp_path)
    path = tmp_path / name
    before = path.read_text()
    path.write_text(before + text)
    line = before.count("\n") + text.count("\n")
    violations = architecture.check(tmp_path)
    assert [(violation.path, violation.line) for violation in violations] == [(name, line)]
    assert message in violations[0].message


@pytest.mark.parametrize(
    "text",
    [
        "// printf() and omp_get_max_threads() in a comment\n",
        "/* std::abort();\n   exit(1); */\n",
        'const char* kHelp = "call exit(1) or printf()";\n',
        "void f(Plan& plan) { plan.abort(); }\n",
    ],
)
def test_words_in_comments_and_strings_are_no_offence(tmp_path: Path, text: str) -> None:
    write_tree(tmp_path)
    (tmp_path / "cpp/core/view.hpp").write_text(text)
    assert architecture.check(tmp_path) == []


def test_weak_symbols_inside_the_namespace_pass() -> None:
    listing = """
0000000000000000 W _ZN11shallowcore4avx23fmaIfEEDv8_fS2_S2_S2_
0000000000000000 V _ZZN11shallowcore4avx24expoIfEEvvE5table
0000000000000000 u _ZGVZN11shallowcore4avx24expoIfEEvvE5table
0000000000000000 T _ZN11shallowcore4avx25tableEv
                 U memcpy
"""
    assert weak_symbols.offences(listing, "avx2") == []


@pytest.mark.parametrize(
    "line",
    [
        "0000000000000000 W _ZN11shallowcore6avx5123fmaIfEEvv",
        "0000000000000000 W _ZN11shallowcore3fooEv",
        "0000000000000000 W _ZSt3maxIfERKT_S2_S2_",
        "0000000000000000 V _ZN11shallowcore5avx213fooE",
        "                 U _ZSt20__throw_length_errorPKc",
        "                 U _ZNSt6vectorIfSaIfEE9push_backERKf",
    ],
)
def test_weak_symbols_elsewhere_are_found(line: str) -> None:
    assert len(weak_symbols.offences(line, "avx2")) == 1
