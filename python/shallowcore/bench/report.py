"""Figures, tables and conditions, as the short and the long benchmark print them."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import shallowcore

N_TEXTS = 3  # columns on the left hold text


@dataclass(frozen=True)
class Pace:
    """How fast the rounds of a contender were.

    Parameters
    ----------
    us_per_step : float
        Median over rounds.
    spread : float
        Slowest minus fastest round, over the median.
    gflops : float
        Operations of the dense products only, at the median.
    """

    us_per_step: float
    spread: float
    gflops: float


def pace(seconds: Sequence[float], steps: int, flops: float) -> Pace:
    """Figures of rounds that took so many seconds for so many steps and operations."""
    median = statistics.median(seconds)
    return Pace(
        us_per_step=median / steps * 1e6,
        spread=(max(seconds) - min(seconds)) / median,
        gflops=flops / median / 1e9,
    )


def ratio(slower: Sequence[float], faster: Sequence[float]) -> float:
    """How many times faster in the same round: median over rounds."""
    return statistics.median(s / f for s, f in zip(slower, faster, strict=True))


def microseconds(value: float) -> str:
    """Three figures or more."""
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def text_table(
    columns: Sequence[str],
    lines: Sequence[Sequence[str]],
    n_texts: int = N_TEXTS,
    spaced: bool = True,
) -> str:
    """Columns, the first `n_texts` of them to the left.

    spaced: a blank line under the heading and where the first cell changes.

    Examples
    --------
    >>> from shallowcore.bench.report import text_table
    >>> print(text_table(["who", "us"], [["NumPy", "37.0"], ["NumPy", "4.4"]], n_texts=1))
    who      us
    <BLANKLINE>
    NumPy  37.0
    NumPy   4.4
    """
    cells = [list(columns), *map(list, lines)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    printed = []
    for i, line in enumerate(cells):
        if spaced and i > 0 and (i == 1 or line[0] != cells[i - 1][0]):
            printed.append("")
        texts = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        printed.append("  ".join(texts[:n_texts] + numbers[n_texts:]).rstrip())
    return "\n".join(printed)


def is_debug_build() -> bool:
    """Whether the core was built without optimisation or with its assertions."""
    config = shallowcore.show_config(mode="dicts")
    assert config is not None
    return "debug" in config["compiler"]


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def numpy_blas() -> str:
    """Name and version of the BLAS that NumPy was built with."""
    config: Any = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas.get('version', '')}".strip()


def conditions() -> dict[str, Any]:
    """What the figures depend on."""
    config = shallowcore.show_config(mode="dicts")
    assert config is not None
    return {
        "processor": processor(),
        "available processors": config["available processors"],
        "system": f"{platform.system()} {platform.release()}",
        "load average": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "instruction set": config["instruction set"],
        "shallowcore": config["version"],
        "compiler": config["compiler"],
        "openmp": config["openmp"],
        "shallowcore's blas": config["blas"],
        "shallowcore's default threads": config["threads"],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numpy's blas": numpy_blas(),
    }


def header(conditions: Mapping[str, Any]) -> str:
    """The conditions, one a line."""
    width = max(len(name) for name in conditions)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in conditions.items())
