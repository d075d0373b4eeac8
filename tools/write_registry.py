"""Writes docs/registry.md: every activation, loss, optimizer and schedule that the core lists.

    python tools/write_registry.py [--check]

Names, formulas and defaults come from the installed core, the place in the source and the
literature from cpp/, the oracle's function from tests/oracle.  With --check nothing is written:
exit status 1 if the page is not what it should be.
"""

import argparse
import importlib
import math
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shallowcore import _core

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "registry.md"
SOURCES = ("cpp/kernels/*.inl.hpp", "cpp/kernels/isa.cpp", "cpp/model/*.cpp")
LITERATURE = re.compile(r'((?:[A-Z][a-z]+, )+"[^"]+", \d{4})')
SHARED = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm")

INTRODUCTION = """\
# What the core knows by name

Written by `python tools/write_registry.py` from the core's own tables. The last column is the
function in `tests/oracle` that the core is held to.
"""


@dataclass(frozen=True)
class Place:
    """Where an entry is made in the source, and the literature that its comment names."""

    path: str
    symbol: str
    literature: str


def sources() -> dict[str, str]:
    """Text of the files that may hold an entry, by path."""
    paths = [path for pattern in SOURCES for path in sorted(ROOT.glob(pattern))]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def literature_in(comment: str) -> str:
    """Authors, title and year in a comment, or an empty string."""
    text = " ".join(line.removeprefix("//").strip() for line in comment.splitlines())
    return "; ".join(LITERATURE.findall(text))


def comment_above(text: str, at: int) -> str:
    """The comment that ends on the line above the one that `at` is in, template lines left out."""
    lines = text[: text.rfind("\n", 0, at) + 1].splitlines()
    while lines and lines[-1].startswith("template"):
        lines.pop()
    comment: list[str] = []
    while lines and lines[-1].startswith("//"):
        comment.insert(0, lines.pop())
    return "\n".join(comment)


def named_struct(name: str, texts: Mapping[str, str]) -> Place | None:
    """The struct that has this name as a member."""
    for path, text in texts.items():
        member = text.find(f'* name = "{name}";')
        if member >= 0:
            struct = list(re.finditer(r"^struct (\w+)", text[:member], re.MULTILINE))[-1]
            return Place(path, struct[1], literature_in(comment_above(text, struct.start())))
    return None


def loss_kernel(name: str, texts: Mapping[str, str]) -> Place | None:
    """The struct or function that the first kernel of a loss is made from."""
    _, _, entry = texts["cpp/kernels/isa.cpp"].partition(f'{{"{name}",')
    kernel = re.search(r"elementwise_loss<T, (\w+)<T>>|(\w+)<T(?:, \w+)?>", entry)
    if not kernel:
        return None
    symbol = kernel[1] or kernel[2]
    for path, text in texts.items():
        found = re.search(rf"^(?:struct|double) {symbol}\b", text, re.MULTILINE)
        if found is not None:
            return Place(path, symbol, literature_in(comment_above(text, found.start())))
    return None


def place_of(name: str, texts: Mapping[str, str]) -> Place:
    """Where the entry of that name is made."""
    place = named_struct(name, texts) or loss_kernel(name, texts)
    if place is not None:
        return place
    for path, text in texts.items():
        if f'"{name}"' in text and path.startswith("cpp/model/"):
            return Place(path, "", "")
    raise ValueError(f"{name} is not found in the core's source")


def plain(name: str) -> str:
    """A name without its underscores, in lower case."""
    return name.replace("_", "").lower()


def oracle_of(name: str, kind: str) -> str:
    """The oracle's function or class of that name, sought in the modules of its kind first."""
    folder = ROOT / "tests" / "oracle"
    if str(folder.parent) not in sys.path:
        sys.path.insert(0, str(folder.parent))
    names = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    for module_name in sorted(names, key=lambda one: kind not in one):
        module = importlib.import_module(f"oracle.{module_name}")
        for attribute, value in vars(module).items():
            own = getattr(value, "__module__", "") == module.__name__ and callable(value)
            if own and plain(attribute) == plain(name):
                return f"{module_name}.{attribute}"
    raise ValueError(f"the oracle has no {name}")


def number(value: float) -> str:
    """A default as people write it."""
    return "required" if math.isnan(value) else f"{value:g}"


def defaults(parameters: Mapping[str, float]) -> str:
    """Parameters with their defaults; what all optimizers share only where it is not 0."""
    shown = {k: v for k, v in parameters.items() if k not in SHARED or v}
    return ", ".join(f"`{name}` {number(value)}" for name, value in shown.items()) or "none"


def table(kind: str, rows: Iterable[tuple[str, str, Mapping[str, float], str]]) -> str:
    """Lines of one table; rows of name, formula, parameters and further words."""
    texts = sources()
    lines = [
        "| name | formula | parameters and defaults | source | oracle |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, formula, parameters, more in rows:
        place = place_of(name, texts)
        where = f"`{place.symbol}` in " if place.symbol else ""
        source = f"{where}[{Path(place.path).name}](../{place.path})"
        source += f"; {place.literature}" if place.literature else ""
        escaped = formula.replace("|", "\\|")
        oracle = oracle_of(name, kind)
        lines.append(
            f"| `{name}` | {escaped}{more} | {defaults(parameters)} | {source} | `{oracle}` |"
        )
    return "\n".join(lines) + "\n"


def loss_notes(info: _core.LossInfo) -> str:
    """What else a loss has."""
    notes = []
    if info.integer_labels:
        notes.append("integer labels")
    if info.has_label_smoothing:
        notes.append("label smoothing")
    if info.link is not None:
        notes.append(f"from logits too, fused after `{info.link}`")
    return f" ({'; '.join(notes)})" if notes else ""


def page() -> str:
    """The whole page."""
    activations = [(i.name, i.formula, i.parameters, "") for i in _core.activation_table()]
    losses = [(i.name, i.formula, i.parameters, loss_notes(i)) for i in _core.loss_table()]
    every = _core.optimizer_table()
    first = [(i.name, i.formula, i.parameters, "") for i in every if not i.full_batch]
    full = [(i.name, i.formula, i.parameters, "") for i in every if i.full_batch]
    schedules = [(i.name, i.formula, i.parameters, "") for i in _core.schedule_table()]
    parts = [
        INTRODUCTION,
        "## Activations\n",
        table("activations", activations),
        "## Losses\n",
        "Means over samples, times `scale` (default 1) and the weights of samples.\n",
        table("losses", losses),
        "## Optimizers, first order\n",
        "All also take `weight_decay` (w -= lr weight_decay w before the step), and one of "
        "`clipvalue`, `clipnorm` and `global_clipnorm`; none by default, but where it says so.\n",
        table("optimizers", first),
        "## Optimizers, full batch\n",
        table("optimizers", full),
        "## Schedules of the learning rate\n",
        "t is the number of the step, 0 first. `piecewise_constant_decay` takes `boundaries` and "
        "`values`.\n",
        table("schedules", schedules),
    ]
    return "\n".join(parts)


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    text = page()
    if not check:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{PAGE.name} is not up to date: run python tools/write_registry.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
