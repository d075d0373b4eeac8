"""Tables for the command line, and how tests run it."""

import json

import numpy as np
from shallowcore import _cli

N_ROWS = 120


def shop(seed=0):
    """Rows of a table with numbers, texts, truth values and missing values, as lists."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, N_ROWS)
    city = rng.choice(["Oslo", "Bergen", "Tromsø"], N_ROWS)
    member = rng.random(N_ROWS) < 0.5
    bought = np.where(age + 20 * member > 60, "yes", "no")
    return {
        "age": [None if i % 17 == 3 else int(a) for i, a in enumerate(age)],
        "city": [None if i % 23 == 5 else str(c) for i, c in enumerate(city)],
        "member": [bool(m) for m in member],
        "bought": [str(b) for b in bought],
    }


def write_csv(path, columns):
    """Write columns; None is an empty field."""
    lines = [",".join(columns)]
    rows = zip(*columns.values(), strict=True)
    lines += [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def lines(seed=1):
    """A regression: y = 3 a - 2 b, far from 0."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, 100))
    return {"a": a.tolist(), "b": b.tolist(), "y": (1000 + 30 * a - 20 * b).tolist()}


def write_tables(folder):
    """shop.csv and lines.csv."""
    write_csv(folder / "shop.csv", shop())
    write_csv(folder / "lines.csv", lines())
    return folder


def call(*arguments):
    """Exit code of a command line run in this process."""
    try:
        return _cli.main([str(one) for one in arguments])
    except SystemExit as stopped:
        return stopped.code


def call_json(capsys, *arguments):
    """What a command prints with --json, which must be all that it prints."""
    capsys.readouterr()
    assert call(*arguments, "--json") == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out)
