"""Reader of IDX files, the format of MNIST: big-endian header, then unsigned bytes in C order.

    byte 0, 1   zero          byte 2   0x08, unsigned byte          byte 3   number of dimensions
    then one big-endian uint32 a dimension, then the data

Files may be gzipped or plain, whatever their name says.  A file is never trusted: the header is
checked before memory is taken, and every failure is a ValueError that names the file.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08
_MAX_BYTES = 2**30  # twenty times MNIST: a header that asks for more is damaged or hostile
_CHUNK = 2**20


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_idx(path: Path, shape: tuple[int | None, ...]) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int or None
        The shape it must have; None stands for any size of at least 1.

    Returns
    -------
    ndarray of uint8
        Writable, C-contiguous, owned by the caller.

    Raises
    ------
    ValueError
        If the file is not such an array: wrong magic number, type, rank or size, cut short,
        damaged, or followed by further bytes.
    OSError
        If the file cannot be opened or read.
    """
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            if not compressed:
                return _read(raw, path, shape)
            with gzip.open(raw, "rb") as stream:
                return _read(stream, path, shape)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: damaged gzip file ({error})") from error


def _read(stream: _Readable, path: Path, expected: tuple[int | None, ...]) -> NDArray[np.uint8]:
    """Check the header against `expected`, then read exactly what it announces."""
    magic = _read_exactly(stream, 4, path)
    if magic[:2] != b"\x00\x00":
        raise ValueError(
            f"{path}: not an IDX file: begins with {magic.hex(' ')}, expected 00 00 08"
        )
    if magic[2] != _UNSIGNED_BYTE:
        raise ValueError(f"{path}: IDX type 0x{magic[2]:02x}, expected 0x08 (unsigned byte)")
    wanted = "(" + ", ".join("any" if size is None else str(size) for size in expected) + ")"
    if magic[3] != len(expected):
        raise ValueError(f"{path}: {magic[3]} dimensions, expected {len(expected)}: {wanted}")
    header = _read_exactly(stream, 4 * len(expected), path)
    shape = tuple(int(size) for size in np.frombuffer(header, dtype=">u4"))
    matches = (
        size >= 1 if want is None else size == want
        for size, want in zip(shape, expected, strict=True)
    )
    if not all(matches):
        raise ValueError(f"{path}: shape {shape}, expected {wanted} with sizes of at least 1")
    n_bytes = math.prod(shape)
    if n_bytes > _MAX_BYTES:
        raise ValueError(f"{path}: announces {n_bytes} bytes, expected at most {_MAX_BYTES}")
    data = _read_exactly(stream, n_bytes, path)
    if stream.read(1):
        raise ValueError(f"{path}: goes on after the {n_bytes} bytes its header announces")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _read_exactly(stream: _Readable, n_bytes: int, path: Path) -> bytearray:
    """Read `n_bytes` by chunks, so that memory grows with the file and not with its claims."""
    data = bytearray()
    while len(data) < n_bytes:
        chunk = stream.read(min(_CHUNK, n_bytes - len(data)))
        if not chunk:
            raise ValueError(f"{path}: ends after {len(data)} of {n_bytes} bytes")
        data += chunk
    return data
