"""What speed is required and wanted, and whether the rows of a run show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from shallowcore.bench import report as common

from bench.contenders import ONE_CALL
from bench.latency import Latency
from bench.report import Row


@dataclass(frozen=True)
class Goal:
    """So many times as fast as the fastest rival of the same run, in this thread setting."""

    workload: str
    kind: str
    ratio: float
    contender: str = "shallowcore"
    threads: str = "default"


GOALS = (
    Goal("shallow", "required", 9),
    Goal("shallow", "goal", 12, threads="1"),
    Goal("shallow", "goal", 18, threads="2"),
    Goal("planar", "required", 26),
    Goal("planar", "goal", 60),
    Goal("cat", "required", 2.4),
    Goal("cat", "goal", 3.2),
    Goal("cat", "goal", 4.3, contender="shallowcore, 8-bit input"),
    Goal("tabular", "required", 4.5),
    Goal("tabular", "goal", 5.8),
    Goal("mnist", "required", 1.85),
    Goal("mnist", "goal", 2.2),
)
# Of `predict` for one row, in us: required and wanted.
LATENCIES = {"shallow": (2.0, 1.0), "mnist": (25.0, 15.0)}


@dataclass(frozen=True)
class Verdict:
    """A goal, and what a run shows of it.

    found: ratio to the fastest of the others, which is `rival`; by_epoch: to the fastest of those
    that return after each epoch, as `fit` could: without a whole training in one compiled call.
    """

    goal: Goal
    found: float
    rival: str
    by_epoch: float
    rival_by_epoch: str

    def cells(self) -> list[str]:
        """As printed."""
        return [
            self.goal.workload,
            f"{self.goal.contender}, {self.goal.threads}",
            f"{self.goal.kind} {self.goal.ratio:g}x",
            *self._against(self.found, self.rival),
            *self._against(self.by_epoch, self.rival_by_epoch),
        ]

    def _against(self, ratio: float, rival: str) -> tuple[str, str]:
        return f"{ratio:.2f}x {rival}", "met" if ratio >= self.goal.ratio else "NOT MET"


def rivals(rows: Sequence[Row], workload: str) -> dict[str, Row]:
    """Rows of the others by library and form, each in the thread setting that serves it best."""
    best: dict[str, Row] = {}
    for row in rows:
        if row.workload == workload and row.library != "shallowcore":
            other = best.setdefault(row.contender, row)
            if row.us_per_step < other.us_per_step:
                best[row.contender] = row
    return best


def ratio(slower: Row, faster: Row) -> float:
    """How many times as fast a step is, round by round."""
    return common.ratio(
        [seconds / slower.steps for seconds in slower.seconds],
        [seconds / faster.steps for seconds in faster.seconds],
    )


def versus(rows: Sequence[Row]) -> str:
    """How many times as fast as each of the others shallowcore is on its default settings."""
    names = list(dict.fromkeys(row.contender for row in rows if row.library != "shallowcore"))
    lines = []
    for workload in dict.fromkeys(row.workload for row in rows):
        ours = next(row for row in rows if row.workload == workload)
        best = rivals(rows, workload)
        ratios = [f"{ratio(best[name], ours):.2f}" if name in best else "-" for name in names]
        lines.append([workload, common.microseconds(ours.us_per_step), *ratios])
    columns = ["times as fast as", "us/step", *names]
    return common.text_table(columns, lines, n_texts=1, spaced=False)


def verdicts(rows: Sequence[Row], goals: Sequence[Goal] = GOALS) -> list[Verdict]:
    """On every goal whose row is there."""
    ours = {(row.workload, row.contender, row.threads): row for row in rows}
    found = []
    for goal in goals:
        row = ours.get((goal.workload, goal.contender, goal.threads))
        if row is not None:
            others = sorted(rivals(rows, goal.workload).values(), key=lambda r: r.us_per_step)
            best = others[0]
            by_epoch = next(other for other in others if ONE_CALL not in other.contender)
            figures = [(ratio(r, row), f"{r.contender}, {r.threads}") for r in (best, by_epoch)]
            found.append(Verdict(goal, *figures[0], *figures[1]))
    return found


def verdict_table(found: Sequence[Verdict]) -> str:
    """One line each."""
    columns = (
        "workload", "contender, threads", "wanted",
        "the fastest of the others", "", "the fastest with a call an epoch", "",
    )  # fmt: skip
    return common.text_table(columns, [verdict.cells() for verdict in found], n_texts=7)


def latency_table(found: Sequence[Latency]) -> str:
    """us for one row, and the limits of `predict`."""
    lines = []
    for latency in found:
        required, wanted = LATENCIES[latency.workload]
        verdict = ""
        if latency.contender == "shallowcore, predict":
            verdict = "met" if latency.us <= required else "NOT MET"
            verdict = f"required {required:g}, goal {wanted:g}: {verdict}"
        lines.append([latency.workload, latency.contender, f"{latency.us:.2f}", verdict])
    return common.text_table(("one row", "contender", "us", ""), lines, n_texts=2)
