"""How time and memory of `fit` grow; also the clock and the tables that `bench.sweep` shares.

    python -m bench.growth [--quick] [--plot DIR] [--json FILE]

Time: of an epoch against rows, hidden width and depth, and of a step against the batch size (an
epoch has the same arithmetic whatever the batch), in powers of two.  Everywhere the arithmetic is
linear: the slope in log-log scale is near 1 over the larger half, where fixed costs are small.

Memory: the peak of `fit` in a process of its own, less what the process held before there were data
and a model, against

    data + 3 x parameters + 2 x activations of a batch

data: x and y as given.  Parameters: kernels and biases in the model's dtype; three times, for the
weights and two vectors more of gradients, optimizer state or copies, whatever the optimizer.
Activations of a batch: its inputs and the outputs of every layer.  Exit status 1 if a peak is more
than 10 % and 4 MB above that, 2 for a debug build.
"""

import argparse
import gc
import itertools
import json
import math
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import shallowcore
from numpy.typing import NDArray
from shallowcore import layers, models

Run: TypeAlias = Callable[[int], object]  # does its work so many times
Call: TypeAlias = Callable[[], Any]

SAMPLE, ROUNDS, QUICK_ROUNDS = 0.05, 5, 2  # seconds, samples of a point
ALLOWED_FACTOR, ALLOWED_BYTES = 1.1, 4 * 2**20


# --- the clock ------------------------------------------------------------------------------------
def seconds_of(run: Run, n: int) -> float:
    """Seconds of a repetition, from n of them, without garbage collection."""
    gc.disable()
    start = time.perf_counter()
    run(n)
    seconds = time.perf_counter() - start
    gc.enable()
    return seconds / n


def repetitions(run: Run, least: float) -> int:
    """Repetitions that take at least so many seconds."""
    n = 1
    while (seconds := n * seconds_of(run, n)) < least:
        n = max(n + 1, math.ceil(n * min(100.0, 1.2 * least / max(seconds, 1e-9))))
    return n


def settle() -> None:
    """Wait until this process leaves the processors alone: at most 100 ms.

    Threads that wait for work by spinning slow whoever comes next: those of OpenBLAS do so for
    some 75 ms, those of OpenMP for less.
    """
    quiet = 0
    for _ in range(100):
        busy = time.process_time()
        time.sleep(1e-3)
        quiet = quiet + 1 if time.process_time() - busy < 3e-4 else 0
        if quiet == 2:
            return


def compare(runs: Sequence[Run], least: float, rounds: int) -> list[list[float]]:
    """Seconds of a repetition by run and round; they take turns in samples of `least` seconds.

    The threads of one are asleep when the next begins; an untimed tenth of a sample wakes its own.
    """
    counts = [repetitions(run, least) for run in runs]
    seconds: list[list[float]] = [[] for _ in runs]
    for i in range(rounds):
        for j in range(len(runs)):
            which = (i + j) % len(runs)
            settle()
            if counts[which] > 1:
                runs[which](math.ceil(counts[which] / 10))
            seconds[which].append(seconds_of(runs[which], counts[which]))
    return seconds


@dataclass(frozen=True)
class Duel:
    """Two contenders, steps in a repetition, and the largest error over the allowed one."""

    ours: Run
    rival: Run
    error: float
    steps: int = 1


def error(found: Any, right: Any, growth: float, floor: float) -> float:
    """Largest difference over 32 epsilon x growth x the largest number, which is at least floor."""
    found, right = np.asarray(found), np.asarray(right)
    allowed = 32 * float(np.finfo(right.dtype).eps) * growth * max(floor, float(abs(right).max()))
    return float(abs(found - right).max() / allowed)


def duel(ours: Call, rival: Call, growth: float = 1, floor: float = 1) -> Duel:
    """Of two functions; tuples are compared item by item, except where the rival has None."""
    found, right = (r if isinstance(r, tuple) else (r,) for r in (ours(), rival()))
    pairs = [(f, r) for f, r in zip(found, right, strict=True) if r is not None]

    def often(call: Call) -> Run:
        def run(n: int) -> None:
            for _ in range(n):
                call()

        return run

    return Duel(often(ours), often(rival), max(error(f, r, growth, floor) for f, r in pairs))


# --- what is printed ------------------------------------------------------------------------------
def conditions() -> dict[str, Any]:
    """What the figures depend on."""
    config = shallowcore.show_config(mode="dicts")
    blas: Any = np.show_config(mode="dicts")
    assert config is not None
    return {
        "shallowcore": config,
        "numpy": np.__version__,
        "numpy's blas": "{name} {version}".format(**blas["Build Dependencies"]["blas"]),
        "threads asked for": {k: v for k, v in os.environ.items() if k.endswith("NUM_THREADS")},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def is_debug_build() -> bool:
    """Whether the core was built for debugging; says so if it was."""
    debug = "debug" in conditions()["shallowcore"]["compiler"]
    if debug:
        print("shallowcore was built for debugging: its times say nothing", file=sys.stderr)
    return debug


def table(rows: Iterable[Sequence[object]], texts: int = 1) -> str:
    """Rows in columns; the first `texts` columns on the left, the others on the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        pairs = list(zip(row, widths, strict=True))
        left = [cell.ljust(width) for cell, width in pairs[:texts]]
        lines.append("  ".join(left + [cell.rjust(width) for cell, width in pairs[texts:]]))
    return "\n".join(lines)


def write(file: Path | None, **figures: object) -> None:
    """Figures for machines, where a file is given."""
    if file is not None:
        file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


# --- trainings ------------------------------------------------------------------------------------
def network(
    sizes: Sequence[int], hidden: str, optimizer: Any, dtype: str = "float32"
) -> models.Sequential:
    """A compiled classifier: sigmoid of one output, softmax of several."""
    stack: list[layers.Layer] = [layers.Input((sizes[0],))]
    stack += [layers.Dense(units, hidden) for units in sizes[1:-1]]
    stack += [layers.Dense(sizes[-1], "sigmoid" if sizes[-1] == 1 else "softmax")]
    model = models.Sequential(stack, dtype=dtype, seed=0)
    loss = "binary_crossentropy" if sizes[-1] == 1 else "sparse_categorical_crossentropy"
    model.compile(optimizer, loss)
    return model


def normal(dtype: str, *shape: int) -> NDArray[Any]:
    """Random numbers, of that type from the beginning: no larger array is made on the way."""
    return np.random.default_rng(shape).standard_normal(shape, np.dtype(dtype).type)


def samples(rows: int, n_in: int, n_out: int, dtype: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Inputs, and labels (rows,), or zeros and ones (rows, 1) for one output."""
    y = np.random.default_rng(0).integers(max(2, n_out), size=rows, dtype=np.int32)
    return normal(dtype, rows, n_in), y[:, np.newaxis].astype(dtype) if n_out == 1 else y


@dataclass(frozen=True)
class Training:
    """Data and a network of relu layers; sizes (n_in, ..., n_out)."""

    sizes: tuple[int, ...] = (64, 128, 10)
    rows: int = 8192
    batch: int = 128
    optimizer: str = "sgd"
    dtype: str = "float32"

    def run(self) -> Run:
        """Trains so many epochs."""
        x, y = samples(self.rows, self.sizes[0], self.sizes[-1], self.dtype)
        model = network(self.sizes, "relu", self.optimizer, self.dtype)
        return lambda n: model.fit(x, y, batch_size=self.batch, epochs=n, verbose=0)

    def formula(self) -> int:
        """Bytes that `fit` may hold at its peak."""
        n_in, n_out = self.sizes[0], self.sizes[-1]
        size = np.dtype(self.dtype).itemsize
        data = self.rows * (n_in * size + (size if n_out == 1 else 4))
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        parameters = sum((rows + 1) * cols for rows, cols in pairs)
        activations = min(self.batch, self.rows) * sum(self.sizes)
        return data + (3 * parameters + 2 * activations) * size

    def __str__(self) -> str:
        runs = [(size, len(list(run))) for size, run in itertools.groupby(self.sizes)]
        sizes = "-".join(f"{n}x{size}" if n > 2 else "-".join([str(size)] * n) for size, n in runs)
        return f"{sizes} {self.optimizer}, {self.rows} rows by {self.batch}, {self.dtype}"


# --- time -----------------------------------------------------------------------------------------
def powers(first: int, last: int) -> list[int]:
    return [2**i for i in range(first, last + 1)]


def series(quick: bool) -> dict[str, list[tuple[int, Training]]]:
    """Points of each panel: the size that grows, and the training."""
    less = 3 if quick else 0
    rows = 1024 if quick else 8192
    depths = powers(0, 6 - less)
    return {
        "rows": [(n, Training(rows=n)) for n in powers(10, 17 - less)],
        "hidden width": [(n, Training((64, n, 10), rows)) for n in powers(4, 12 - less)],
        "hidden layers": [(n, Training((64, *[64] * n, 10), rows)) for n in depths],
        "batch size": [(n, Training(rows=rows, batch=n)) for n in powers(0, 13 - less)],
    }


def seconds_of_point(name: str, training: Training, rounds: int) -> float:
    """Median seconds of an epoch; of a step where the batch grows."""
    seconds = statistics.median(compare([training.run()], SAMPLE, rounds)[0])
    return seconds / math.ceil(training.rows / training.batch) if name == "batch size" else seconds


def slope(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Exponent p of the power law seconds = c sizes^p that fits best, by least squares of logs."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def measure_time(quick: bool) -> dict[str, dict[str, Any]]:
    """Sizes, seconds and slopes by panel."""
    found = {}
    for name, points in series(quick).items():
        print(f"{name} ...", file=sys.stderr)
        rounds = QUICK_ROUNDS if quick else ROUNDS
        sizes = [size for size, _ in points]
        seconds = [seconds_of_point(name, training, rounds) for _, training in points]
        half = len(sizes) // 2
        found[name] = {
            "sizes": sizes,
            "seconds": seconds,
            "slope": slope(sizes, seconds),
            "slope of larger half": slope(sizes[half:], seconds[half:]),
            "training": str(points[-1][1]),
        }
    return found


def draw(times: dict[str, dict[str, Any]], folder: Path) -> None:
    """The four panels, each with a line of slope 1 through its last point."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7), layout="constrained")
    for axes, (name, found) in zip(figure.subplots(2, 2).flat, times.items(), strict=True):
        sizes, ms = np.array(found["sizes"]), 1e3 * np.array(found["seconds"])
        axes.loglog(sizes, ms[-1] * sizes / sizes[-1], "--", color="0.6", label="slope 1")
        label = f"fit, slope of the larger half {found['slope of larger half']:.2f}"
        axes.loglog(sizes, ms, "o-", label=label)
        axes.set(xlabel=name, ylabel="ms a step" if name == "batch size" else "ms an epoch")
        axes.set_xscale("log", base=2)
        axes.set_title(f"largest: {found['training']}", fontsize=8)
        axes.grid(alpha=0.3)
        axes.legend()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "growth.png", dpi=120)


# --- memory ---------------------------------------------------------------------------------------
def memory_points(quick: bool) -> list[Training]:
    """Trainings in which one term of the formula outweighs the others."""
    wide = (4096, 1024 if quick else 4096, 10)
    points = [
        Training(rows=300_000),
        Training((2, 16, 2), rows=3_000_000, batch=4096),
        *(Training(wide, 256, 64, optimizer) for optimizer in ("sgd", "rmsprop", "adam")),
        Training((64, 1024, 1024, 10), 8192, 8192),
        Training((12288, 1), 2090, 2090),
        Training((784, 512, 10), 20_000, 128, "rmsprop", "float64"),
    ]
    return points[2:3] if quick else points


def peak_memory() -> int:
    """Bytes that this process has held at most.

    On Linux ru_maxrss starts with the peak of the process that started this one; VmHWM does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(found.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def memory_of(training: Training) -> int:
    """Bytes of data, model and two epochs of `fit`; for a process that has done nothing else."""
    Training((2, 2, 2), 4, 2, training.optimizer, training.dtype).run()(1)  # loads what is loaded
    before = peak_memory()
    training.run()(2)
    return peak_memory() - before


def measure_memory(points: Sequence[Training]) -> list[int]:
    """Bytes by point, each from a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool:
        return pool.map(memory_of, points, chunksize=1)


def is_within(measured: float, formula: float) -> bool:
    """Whether the peak keeps to the formula, slack included."""
    return measured <= ALLOWED_FACTOR * formula + ALLOWED_BYTES


# --- program --------------------------------------------------------------------------------------
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser("python -m bench.growth", description="Growth of fit.")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller points")
    parser.add_argument("--plot", type=Path, metavar="DIR", help="draw growth.png there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    chosen = parser.parse_args(arguments)
    if is_debug_build():
        return 2
    points = memory_points(chosen.quick)
    print("memory ...", file=sys.stderr)
    peaks = measure_memory(points)
    times = measure_time(chosen.quick)
    for name, found in times.items():
        print(f"{name}: largest {found['training']}")
        ms = [f"{1e3 * s:.4g}" for s in found["seconds"]]
        unit = "ms a step" if name == "batch size" else "ms an epoch"
        print(table([[name, *found["sizes"]], [unit, *ms]]))
        print(f"slope {found['slope']:.2f}, larger half {found['slope of larger half']:.2f}\n")
    rows: list[Sequence[object]] = [("peak memory of", "MB", "formula", "ratio", "")]
    for point, peak in zip(points, peaks, strict=True):
        formula = point.formula()
        mark = "" if is_within(peak, formula) else "ABOVE"
        figures = f"{peak / 2**20:.1f}", f"{formula / 2**20:.1f}", f"{peak / formula:.2f}"
        rows.append((point, *figures, mark))
    print(table(rows))
    if chosen.plot is not None:
        draw(times, chosen.plot)
    memory = [
        {**asdict(point), "bytes": peak, "formula": point.formula()}
        for point, peak in zip(points, peaks, strict=True)
    ]
    write(chosen.json, conditions=conditions(), time=times, memory=memory)
    return int(not all(is_within(m, p.formula()) for m, p in zip(peaks, points, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
