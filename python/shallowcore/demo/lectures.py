"""The table of lecture rows: name, title and the function that computes its figures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from shallowcore.demo import lecture_a, lecture_b, lecture_c, lecture_d, lecture_e
from shallowcore.demo.figures import Figure, NotAvailable, format_table


@dataclass(frozen=True)
class Row:
    """One row of the lectures; `run` raises NotAvailable where its data is not on the machine."""

    name: str
    title: str
    run: Callable[[], list[Figure]]


ROWS = {
    row.name: row
    for row in (
        Row("A1", "logistic regression on shirt sizes, Newton's method", lecture_a.row_a1),
        Row("A2", "one neuron on apartment prices", lecture_a.row_a2),
        Row("A3", "two linear layers on apartment prices", lecture_a.row_a3),
        Row("B1", "ShallowNN 20-10-1 on a synthetic problem", lecture_b.row_b1),
        Row("B2", "MNIST 784-512-10 in the words of Keras", lecture_b.row_b2),
        Row("C", "one hidden layer, any activation", lecture_c.row_c),
        Row("D1", "logistic regression on photographs of cats", lecture_d.row_d1),
        Row("D2", "two-layer network on the planar flower", lecture_d.row_d2),
        Row("E1", "forward pass by hand", lecture_e.row_e1),
        Row("E2", "gradient divided by 2m", lecture_e.row_e2),
        Row("E3", "softmax classifier, any number of hidden layers", lecture_e.row_e3),
        Row("E5", "playground: circle, 2-8-8-1", lecture_e.row_e5),
    )
}

OK, OFF, NOT_AVAILABLE = "ok", "off", "not available"


def show_row(row: Row) -> str:
    """Compute one row, print its figures beside the expected ones, and return OK or what else."""
    print(f"{row.name}  {row.title}", flush=True)
    start = time.perf_counter()
    try:
        figures = row.run()
    except NotAvailable as missing:
        print(f"  not run: {missing}\n", flush=True)
        return NOT_AVAILABLE
    seconds = time.perf_counter() - start
    print(format_table(figures))
    n_off = sum(not figure.ok for figure in figures)
    verdict = f"{len(figures)} figures ok" if n_off == 0 else f"{n_off} of {len(figures)} OFF"
    print(f"  {verdict}, {seconds:.2f} s\n", flush=True)
    return OK if n_off == 0 else OFF


def show_all() -> int:
    """Print every row and a last line that counts them.

    Returns
    -------
    int
        0, or 1 if a figure is off; rows whose data is missing are counted apart.
    """
    results = {name: show_row(row) for name, row in ROWS.items()}
    by_result = {
        result: [name for name, got in results.items() if got == result]
        for result in (OK, OFF, NOT_AVAILABLE)
    }
    counts = [f"{len(names)} {result}" for result, names in by_result.items()]
    print(f"{len(ROWS)} rows: {', '.join(counts)}")
    for result in (OFF, NOT_AVAILABLE):
        if by_result[result]:
            print(f"  {result}: {', '.join(by_result[result])}")
    sys.stdout.flush()
    return 1 if by_result[OFF] else 0
