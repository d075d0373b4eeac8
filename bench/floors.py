"""What the machine can do, measured by NumPy: multiply-adds and reading.

Multiply-adds: a float32 product of two 1024 x 1024 matrices by NumPy's BLAS.  Reading: dot products
of float32 vectors by the same BLAS, which reads two vectors and computes next to nothing.  BLAS is
set to one thread and called by as many Python threads as are asked for, each on its own memory.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from shallowcore.bench.workloads import WORKLOADS

N = 1024
REPEATS, QUICK_REPEATS = 15, 3
PRODUCTS = 6  # times as many repeats: verdicts lean on their rate
# Bytes read by all threads together; a thread has its own 16 KB where that is the size.
FIRST_CACHE = 16 * 2**10
OUT_OF_CACHE = 256 * 2**20
TOTAL = 128 * 2**20  # read in one repetition, at least


@dataclass(frozen=True)
class Floors:
    """GFLOP/s by threads; GB/s by bytes, then threads."""

    gflops: dict[int, float]
    gigabytes: dict[int, dict[int, float]]
    memory_size: int  # bytes of the features of the workload that memory bounds

    def lines(self) -> list[str]:
        """As printed."""
        lines = [
            f"float32 product {N} x {N} x {N} by NumPy's BLAS, GFLOP/s: {_counts(self.gflops)}"
        ]
        for size, rates in self.gigabytes.items():
            lines.append(f"reading {_bytes(size)} by its dot product, GB/s: {_counts(rates)}")
        return lines


def _counts(rates: dict[int, float]) -> str:
    return ", ".join(f"{rate:.0f} on {n} thread{'s' if n > 1 else ''}" for n, rate in rates.items())


def _bytes(size: int) -> str:
    return f"{size // 2**10} KB" if size < 2**20 else f"{size / 2**20:.0f} MB"


def memory_size() -> int:
    """Bytes of all features of the workload that memory bounds."""
    bound = next(workload for workload in WORKLOADS.values() if workload.bound == "memory")
    return bound.batch_size * bound.sizes[0] * 4


def measure(processors: int, quick: bool) -> Floors:
    """Measure on one thread, two and all."""
    threads = sorted({1, min(2, processors), processors})
    repeats = QUICK_REPEATS if quick else REPEATS
    sizes = (FIRST_CACHE, memory_size(), OUT_OF_CACHE)
    with ThreadPoolExecutor(max(threads)) as pool:
        return Floors(
            {n: _gflops(pool, n, PRODUCTS * repeats) for n in threads},
            {size: {n: _gigabytes(pool, size, n, repeats) for n in threads} for size in sizes},
            memory_size(),
        )


def _least_seconds(
    pool: ThreadPoolExecutor, work: Callable[[int], Any], threads: int, repeats: int
) -> float:
    """Of `work(i)` on every thread at once."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        list(pool.map(work, range(threads)))
        times.append(time.perf_counter() - start)
    return min(times)


def _gflops(pool: ThreadPoolExecutor, threads: int, repeats: int) -> float:
    a = np.ones((threads, N, N), np.float32)
    c = np.empty_like(a)
    seconds = _least_seconds(pool, lambda i: np.matmul(a[i], a[i], out=c[i]), threads, repeats)
    return 2.0 * N**3 * threads / seconds / 1e9


def _gigabytes(pool: ThreadPoolExecutor, size: int, threads: int, repeats: int) -> float:
    share = size if size == FIRST_CACHE else size // threads
    length = share // 8  # of one of the two vectors
    rounds = max(1, TOTAL // share)
    vectors = np.ones((threads, 2, length), np.float32)
    results = np.empty((threads, rounds, 1, 1), np.float32)

    def read(i: int) -> None:
        # The same product again and again, without Python in between.
        row = np.broadcast_to(vectors[i, 0][np.newaxis, np.newaxis], (rounds, 1, length))
        column = np.broadcast_to(vectors[i, 1][np.newaxis, :, np.newaxis], (rounds, length, 1))
        np.matmul(row, column, out=results[i])

    seconds = _least_seconds(pool, read, threads, repeats)
    return 8.0 * length * rounds * threads / seconds / 1e9
