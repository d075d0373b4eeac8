"""The picture: time of a step by contender, a panel for each workload, log scale."""

from collections.abc import Sequence
from pathlib import Path

from shallowcore.bench.report import microseconds
from shallowcore.plotting import PALETTE, import_matplotlib

from bench.report import Row

COLOURS = {
    "shallowcore": PALETTE["vermilion"],
    "numpy": PALETTE["blue"],
    "sklearn": PALETTE["orange"],
    "torch": PALETTE["pink"],
    "jax": PALETTE["green"],
    "keras": PALETTE["sky"],
}
WIDTH, HEIGHT_OF_BAR, HEIGHT_OF_TITLE = 9.0, 0.22, 0.8  # inches


def draw(rows: Sequence[Row], conditions: str, file: Path) -> None:
    """Write the picture to the file, whose ending says the format."""
    figure_module = import_matplotlib("matplotlib.figure")
    workloads = list(dict.fromkeys(row.workload for row in rows))
    panels = [[row for row in rows if row.workload == name] for name in workloads]
    heights = [HEIGHT_OF_TITLE + HEIGHT_OF_BAR * len(panel) for panel in panels]
    figure = figure_module.Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
    axes = figure.subplots(len(panels), squeeze=False, height_ratios=heights)[:, 0]
    for ax, panel in zip(axes, panels, strict=True):
        times = [row.us_per_step for row in panel]
        bars = ax.barh(range(len(panel)), times, color=[COLOURS[row.library] for row in panel])
        ax.bar_label(bars, [microseconds(time) for time in times], padding=3, fontsize=8)
        labels = [f"{row.contender}, {row.threads}" for row in panel]
        ax.set_yticks(range(len(panel)), labels, fontsize=8)
        ax.invert_yaxis()
        ax.set_xscale("log")
        ax.set_xlim(min(times) / 2, max(times) * 3)
        ax.set_title(f"{panel[0].workload} ({panel[0].data})", loc="left", fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("microseconds a step, log scale; after the comma: threads")
    figure.suptitle(conditions, fontsize=9)
    figure.savefig(file, dpi=150)
