"""What speed is required and wanted, and whether the rows of a run show it.

A requirement is a ratio to the fastest rival of the same run that does what `fit` does: it reports
the loss of every epoch as it goes and can stop there.  JAX is timed in two forms: a compiled call
an epoch, which does, and, where epochs are many, the whole training in one compiled call, which
reports and stops at the end only.  So requirements are held against the first form; a second
verdict, printed beside it, holds them against the fastest of all, one call included.

The floor is the time of a step's products at the rate that NumPy's BLAS reaches in the same run on
as many threads.  Where a ratio asks for less, the verdict is "below the floor" in place of NOT MET:
no program that computes all the products at that rate can meet it.  A plan that computes fewer, as
gram does on `cat`, can.  A disturbed run does not know its floor, so there it is NOT MET.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shallowcore.bench import report as common

from bench.contenders import ONE_CALL
from bench.latency import Latency
from bench.report import Row, disturbance

LEGEND = """\
Required, goal: ratios to the fastest of the others that, as `fit`, returns after every epoch, with
its loss; this is what they are held against.  The last columns hold them against the fastest of
all, JAX's whole training in one compiled call included.  Floor: us of a step's products at the rate
of NumPy's BLAS, measured in this run, on as many threads.  Asked: the rival's us a step over the
ratio; below the floor, no program that computes all the products at that rate can meet it (not
said of a run that others disturbed)."""


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
class Against:
    """A goal against one rival.

    found: the ratio; asked_us: of a step, by the goal; verdict: "met", "NOT MET" or "below the
    floor".
    """

    rival: str
    found: float
    asked_us: float
    verdict: str

    def cells(self) -> list[str]:
        """As printed."""
        asked = common.microseconds(self.asked_us)
        return [f"{self.found:.2f}x {self.rival}", asked, self.verdict]


@dataclass(frozen=True)
class Verdict:
    """A goal, and what a run shows of it.

    by_epoch: against the fastest of those that return after each epoch, as `fit` could, which is
    what the goal is about; any_form: against the fastest of all; floor_us: on the goal's threads.
    """

    goal: Goal
    floor_us: float
    by_epoch: Against
    any_form: Against

    def cells(self) -> list[str]:
        """As printed."""
        return [
            self.goal.workload,
            f"{self.goal.contender}, {self.goal.threads}",
            f"{self.goal.kind} {self.goal.ratio:g}x",
            common.microseconds(self.floor_us),
            *self.by_epoch.cells(),
            *self.any_form.cells(),
        ]


def against(goal: Goal, ours: Row, rival: Row, disturbed: bool) -> Against:
    """The goal's verdict against this rival."""
    found, asked = ratio(rival, ours), rival.us_per_step / goal.ratio
    missed = "below the floor" if asked < ours.floor_us and not disturbed else "NOT MET"
    verdict = "met" if found >= goal.ratio else missed
    return Against(f"{rival.contender}, {rival.threads}", found, asked, verdict)


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
    disturbed = bool(disturbance(rows))
    found = []
    for goal in goals:
        row = ours.get((goal.workload, goal.contender, goal.threads))
        if row is not None:
            others = sorted(rivals(rows, goal.workload).values(), key=lambda r: r.us_per_step)
            by_epoch = next(other for other in others if ONE_CALL not in other.contender)
            sides = (against(goal, row, rival, disturbed) for rival in (by_epoch, others[0]))
            found.append(Verdict(goal, row.floor_us, *sides))
    return found


def verdict_table(found: Sequence[Verdict]) -> str:
    """One line each."""
    columns = (
        "workload", "contender, threads", "wanted", "floor",
        "the fastest with a call an epoch", "asked", "", "the fastest of all", "asked", "",
    )  # fmt: skip
    return common.text_table(columns, [verdict.cells() for verdict in found], n_texts=len(columns))


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
