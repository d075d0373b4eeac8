"""Tables in files: CSV and TSV through pandas, Parquet through pyarrow, NumPy's own."""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from shallowcore._cli._messages import UsageError
from shallowcore._optional import import_optional
from shallowcore._preprocessing import Column, Table, listed, text_of

STDIN = "-"
_READING = "reading this table"
SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".npy", ".npz")


def read(name: str) -> Table:
    """Read a table; OSError, ImportError, or ValueError that names the file.

    "-" is CSV from the standard input.
    """
    suffix = next((s for s in SUFFIXES if name.lower().endswith(s)), None)
    if name != STDIN and suffix is None:
        raise UsageError(
            f"{name}: expected a file in {', '.join(SUFFIXES)}, or - for CSV in a pipe"
        )
    if name != STDIN and not Path(name).is_file():
        what = "is a folder" if Path(name).is_dir() else "there is no such file"
        raise FileNotFoundError(f"{name}: {what}")
    try:
        if suffix in (".npy", ".npz"):
            table = _read_numpy(name)
        elif suffix == ".parquet":
            import_optional("pyarrow", _READING)
            frame = import_optional("pandas", _READING).read_parquet(name, engine="pyarrow")
            table = _of_frame(frame, [str(one) for one in frame.columns])
        else:
            table = _read_text(name, "\t" if suffix and suffix.startswith(".tsv") else ",")
    except (ValueError, UnicodeError, EOFError) as error:
        raise ValueError(f"{name}: {error}") from error
    if table.n_rows == 0:
        raise ValueError(f"{name}: there are no rows")
    return table


def _read_text(name: str, separator: str) -> Table:
    """CSV or TSV with a header; a first column without a name holds row labels."""
    pandas = import_optional("pandas", _READING)
    source: Any = name
    if name == STDIN:
        source = io.BytesIO(sys.stdin.buffer.read())
    header = pandas.read_csv(source, sep=separator, header=None, nrows=1, dtype=str)
    names = [one if isinstance(one, str) else "" for one in header.iloc[0]]
    if name == STDIN:
        source.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        try:
            frame = pandas.read_csv(source, sep=separator, low_memory=False, index_col=False)
        except pandas.errors.ParserWarning:
            raise ValueError(f"the header names {len(names)} columns, but rows have more") from None
    return _of_frame(frame, names)


def _of_frame(frame: Any, names: list[str]) -> Table:
    """Columns of a pandas frame under these names."""
    columns: dict[str, Column] = {}
    notes: list[str] = []
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise ValueError(f"more than one column is called {listed(twice)}")
    for i, name in enumerate(names):
        if name:
            columns[name] = _column(name, frame.iloc[:, i])
        elif i == 0:
            notes.append("the first column has no name: taken for row labels and left out")
        else:
            raise ValueError(f"column {i + 1} has no name")
    return Table(columns, len(frame), True, tuple(notes))


def _column(name: str, series: Any) -> Column:
    """A pandas column as numbers or as texts; truth values are texts."""
    types = import_optional("pandas", _READING).api.types
    absent = series.isna().to_numpy(bool)
    if types.is_datetime64_any_dtype(series) or types.is_timedelta64_dtype(series):
        # Dates are texts: most are to be ignored, and too many of them are refused as categories.
        return _texts(series.astype(str).to_numpy(object), absent)
    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "O":
        kinds = {type(one) for one, gone in zip(series, absent, strict=True) if not gone}
        if kinds and all(issubclass(k, (int, float)) and k is not bool for k in kinds):
            series = series.astype(float)
    if types.is_complex_dtype(series):
        raise ValueError(f"column {name!r} holds complex numbers")
    if types.is_numeric_dtype(series) and not types.is_bool_dtype(series):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    return _texts(series.to_numpy(object), absent)


def _texts(values: Column, absent: Column) -> Column:
    found = np.empty(len(values), object)
    found[:] = [None if gone else text_of(v) for v, gone in zip(values, absent, strict=True)]
    return found


# --- NumPy ----------------------------------------------------------------------------------------
def _read_numpy(name: str) -> Table:
    """A matrix whose columns are "0", "1", ...; a structured array or .npz has names."""
    with open(name, "rb") as file:
        content = np.load(file, allow_pickle=False)
        arrays = dict(content) if isinstance(content, np.lib.npyio.NpzFile) else None
    if arrays is None:
        if content.dtype.names:
            return _of_arrays({field: content[field] for field in content.dtype.names})
        if content.ndim != 2:
            raise ValueError(f"expected a matrix (n_rows, n_columns), got shape {content.shape}")
        columns = {str(j): _array(str(j), content[:, j]) for j in range(content.shape[1])}
        return Table(columns, len(content), named=False)
    return _of_arrays(arrays)


def _of_arrays(arrays: dict[str, Any]) -> Table:
    """Vectors are columns; a matrix `x` is the columns x0, x1, ..."""
    columns: dict[str, Column] = {}
    for name, array in arrays.items():
        if array.ndim == 1:
            columns[name] = _array(name, array)
        elif array.ndim == 2:
            for j in range(array.shape[1]):
                columns[f"{name}{j}"] = _array(f"{name}{j}", array[:, j])
        else:
            raise ValueError(f"array {name!r} has shape {array.shape}; expected 1 or 2 dimensions")
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the arrays differ in length: {lengths}")
    return Table(columns, next(iter(lengths.values()), 0))


def _array(name: str, array: Any) -> Column:
    if array.dtype.kind in "iuf":
        return np.array(array, np.float64)
    if array.dtype.kind in "bUS":
        values = np.char.decode(array) if array.dtype.kind == "S" else array
        return _texts(values.astype(object), np.zeros(len(array), np.bool_))
    raise ValueError(
        f"column {name!r} holds {array.dtype}; expected numbers, truth values or texts"
    )
