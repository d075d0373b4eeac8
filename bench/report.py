"""Figures of the timed rounds, the table and the JSON file.

ms, us/step: median over rounds.  Spread: slowest minus fastest round, over the median.  GFLOP/s
counts the dense products only.  Busy: processors kept busy, spinning threads included.  x NumPy:
how many times faster than NumPy in its faster thread setting in the same round; median over rounds.
"""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shallowcore

COLUMNS = ("workload", "data", "contender", "ms", "spread", "us/step", "GFLOP/s", "busy", "x NumPy")
N_TEXTS = 3  # columns on the left hold text
ENOUGH = 0.95  # of a processor for a contender: the machine was quiet


@dataclass(frozen=True)
class Row:
    """One contender on one workload."""

    workload: str
    data: str
    contender: str
    seconds: list[float]
    median: float
    spread: float
    us_per_step: float
    gflops: float
    busy: float
    ratio: float
    loss: float

    def cells(self) -> list[str]:
        """The row as printed."""
        return [
            self.workload,
            self.data,
            self.contender,
            f"{self.median * 1e3:.1f}",
            f"{self.spread:.0%}",
            f"{self.us_per_step:.2f}",
            f"{self.gflops:.2f}",
            f"{self.busy:.2f}",
            f"{self.ratio:.2f}",
        ]


@dataclass(frozen=True)
class Times:
    """Rounds of one contender, and the loss of its last epoch."""

    contender: str
    library: str
    seconds: list[float]
    processor_seconds: list[float]
    loss: float


def rows(workload: str, data: str, times: Sequence[Times], steps: int, flops: float) -> list[Row]:
    """All contenders of a workload."""
    rivals = [t.seconds for t in times if t.library == "numpy"]
    yardstick = min(rivals, key=statistics.median)
    found = []
    for t in times:
        median = statistics.median(t.seconds)
        row = Row(
            workload=workload,
            data=data,
            contender=t.contender,
            seconds=t.seconds,
            median=median,
            spread=(max(t.seconds) - min(t.seconds)) / median,
            us_per_step=median / steps * 1e6,
            gflops=flops / median / 1e9,
            busy=sum(t.processor_seconds) / sum(t.seconds),
            ratio=statistics.median(y / s for y, s in zip(yardstick, t.seconds, strict=True)),
            loss=t.loss,
        )
        found.append(row)
    return found


def table(rows: Sequence[Row]) -> str:
    """All rows in columns, a blank line between workloads."""
    cells = [list(COLUMNS), *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    lines = []
    for i, line in enumerate(cells):
        if i > 0 and (i == 1 or line[0] != cells[i - 1][0]):
            lines.append("")
        texts = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        lines.append("  ".join(texts[:N_TEXTS] + numbers[N_TEXTS:]))
    return "\n".join(lines)


def disturbance(rows: Sequence[Row]) -> str:
    """A note where other programs had a good part of the processors; empty where not.

    Training never waits for anything: it keeps at least one processor busy if it gets one.
    """
    least = min((row.busy for row in rows), default=1.0)
    if least >= ENOUGH:
        return ""
    return (
        f"Other programs were running: a contender had no more than {least:.2f} of a processor. "
        "Ratios on one thread hold; those on several are worth little."
    )


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


def conditions(rounds: int, quick: bool) -> dict[str, Any]:
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
        "rounds": rounds,
        "length": "quick" if quick else "full",
    }


def header(conditions: Mapping[str, Any]) -> str:
    """The conditions, one a line."""
    width = max(len(name) for name in conditions)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in conditions.items())


def as_json(conditions: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """Everything, for machines."""
    return {"conditions": dict(conditions), "rows": [asdict(row) for row in rows]}
