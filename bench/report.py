"""The rows of the long benchmark: figures of the timed rounds, and the table."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shallowcore.bench import report as common
from shallowcore.bench.workload import Data, Workload

from bench.contenders import Contender
from bench.floors import Floors

COLUMNS = (
    "workload", "contender", "threads", "epochs", "us/step", "spread", "GFLOP/s", "GB/s",
    "of floor", "busy", "x rival", "x NumPy",
)  # fmt: skip
LEGEND = """\
us/step: median over rounds of a whole training over its steps.  Epochs: of a round; what is slow
trains for fewer.  Spread: slowest minus fastest round, over the median.  GFLOP/s: dense products
only.  GB/s: all features, once a step.  Of floor: of the product's GFLOP/s, or on cat of the GB/s
for as many bytes, on as many threads (default: all processors).  Busy: processors kept busy,
spinning threads included.  x rival, x NumPy: how many times as fast as the fastest of the others
and as NumPy in the same rounds, each with the thread setting that serves it best.  Compiling is not
timed: everybody trains before the rounds.  Nor is bringing data into a library's own form."""
ENOUGH = 0.95  # of a processor for a contender: the machine was quiet


@dataclass(frozen=True)
class Times:
    """Rounds of one contender: seconds and steps of a round, losses of its epochs."""

    contender: Contender
    seconds: list[float]
    processor_seconds: list[float]
    epochs: int
    losses: list[float]

    @property
    def is_rival(self) -> bool:
        return self.contender.library != "shallowcore"


@dataclass(frozen=True)
class Row:
    """One contender on one workload.

    floor_us: of a step's products, at the rate of NumPy's BLAS on as many threads.
    """

    workload: str
    data: str
    library: str
    contender: str
    threads: str
    epochs: int
    steps: int
    seconds: list[float]
    us_per_step: float
    spread: float
    gflops: float
    gigabytes: float | None
    of_floor: float
    busy: float
    x_rival: float
    x_numpy: float
    loss: float
    floor_us: float

    def cells(self) -> list[str]:
        """The row as printed."""
        return [
            self.workload,
            self.contender,
            self.threads,
            str(self.epochs),
            common.microseconds(self.us_per_step),
            f"{self.spread:.0%}",
            f"{self.gflops:.2f}",
            "" if self.gigabytes is None else f"{self.gigabytes:.1f}",
            f"{self.of_floor:.1%}",
            f"{self.busy:.2f}",
            f"{self.x_rival:.2f}",
            f"{self.x_numpy:.2f}",
        ]


def step_seconds(times: Times, steps: int) -> list[float]:
    """Seconds of a step in each round; steps: of an epoch."""
    return [seconds / (steps * times.epochs) for seconds in times.seconds]


def fastest(times: Iterable[Times]) -> Times:
    """The one with the smallest median a step."""
    return min(times, key=lambda t: statistics.median(t.seconds) / t.epochs)


def rows(workload: Workload, data: Data, times: Sequence[Times], floors: Floors) -> list[Row]:
    """All contenders of a workload; data: what was trained on."""
    steps = workload.steps(len(data.x))
    rival = step_seconds(fastest(t for t in times if t.is_rival), steps)
    numpy = step_seconds(fastest(t for t in times if t.contender.library == "numpy"), steps)
    found = []
    for t in times:
        seconds = step_seconds(t, steps)
        pace = common.pace(seconds, 1, workload.flops(len(data.x)) / steps)
        threads = t.contender.threads
        n_threads = max(floors.gflops) if threads == "default" else int(threads)
        gigabytes = None
        peak = near(floors.gflops, n_threads)
        of_floor = pace.gflops / peak
        if workload.bound == "memory":
            x = data.raw if t.contender.preparation == "shallowcore_8bit" else data.x
            assert x is not None
            gigabytes = x.nbytes / steps / pace.us_per_step / 1e3
            rates = floors.gigabytes[floors.memory_size]
            of_floor = gigabytes / near(rates, n_threads)
        row = Row(
            workload=workload.name,
            data=data.source,
            library=t.contender.library,
            contender=t.contender.name,
            threads=threads,
            epochs=t.epochs,
            steps=steps * t.epochs,
            seconds=t.seconds,
            us_per_step=pace.us_per_step,
            spread=pace.spread,
            gflops=pace.gflops,
            gigabytes=gigabytes,
            of_floor=of_floor,
            busy=sum(t.processor_seconds) / sum(t.seconds),
            x_rival=common.ratio(rival, seconds),
            x_numpy=common.ratio(numpy, seconds),
            loss=t.losses[-1],
            floor_us=workload.flops(len(data.x)) / steps / peak / 1e3,
        )
        found.append(row)
    return found


def near(rates: Mapping[int, float], threads: int) -> float:
    """The rate on so many threads, or on the most there are."""
    return rates[min(threads, max(rates))]


def table(rows: Sequence[Row]) -> str:
    """All rows."""
    return common.text_table(COLUMNS, [row.cells() for row in rows])


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
