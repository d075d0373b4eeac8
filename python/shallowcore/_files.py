"""Model files: safetensors with versioned JSON beside the arrays, written as a whole or not.

The metadata holds "format", "format_version", "kind" ("model" or "weights"), "model" (the JSON) and
"checksum" over everything else, so that a damaged file is told from a good one.  Further keys may
stand beside them, each JSON with a checksum of its own: readers that do not know them do without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore._optional import import_optional

Arrays = dict[str, NDArray[Any]]

FORMAT = "shallowcore"
VERSION = 1
SUFFIX = ".safetensors"
_NEEDED_FOR = "saving or loading a model"

_DTYPES = {"F32": "float32", "F64": "float64", "I64": "int64"}


def check_path(filepath: Any, *suffixes: str) -> str:
    """Return the path as a string, with one of the suffixes, by default that of model files."""
    try:
        path = os.fspath(filepath)
    except TypeError:
        raise TypeError(f"filepath must be a path, got {filepath!r}") from None
    expected = suffixes or (SUFFIX,)
    if not isinstance(path, str) or not path.endswith(expected):
        raise ValueError(f"filepath must end with {' or '.join(map(repr, expected))}, got {path!r}")
    return path


def _checksum(kind: str, text: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Hash of the description and of every array with its name, shape and type."""
    digest = hashlib.blake2b(f"{kind}\n{text}\n".encode(), digest_size=16)
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.name} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _checksum_of_text(key: str, text: str) -> str:
    """Hash of what stands under a further key."""
    return hashlib.blake2b(f"{key}\n{text}".encode(), digest_size=16).hexdigest()


# --- writing --------------------------------------------------------------------------------------
def write(
    path: str,
    kind: str,
    description: Any,
    arrays: Mapping[str, NDArray[Any]],
    further: Mapping[str, Any] | None = None,
) -> None:
    """Write a file in place of what is there, as a whole or not at all; `further` by its keys."""
    library = import_optional("safetensors.numpy", _NEEDED_FOR)
    text = json.dumps(description, allow_nan=False, sort_keys=True)
    metadata = {
        "format": FORMAT,
        "format_version": str(VERSION),
        "kind": kind,
        "model": text,
        "checksum": _checksum(kind, text, arrays),
    }
    for key, value in (further or {}).items():
        metadata[key] = json.dumps(value, allow_nan=False)
        metadata[f"{key}_checksum"] = _checksum_of_text(key, metadata[key])
    target = _target(path)  # before the work
    content = library.save({k: np.asarray(v, order="C") for k, v in arrays.items()}, metadata)
    _replace(target, content)


def write_bytes(path: str, content: bytes) -> None:
    """Put a file with this content in place of what is there, as a whole or not at all."""
    _replace(_target(path), content)


def _target(path: str) -> str:
    """The file to replace, links followed; OSError where there cannot be one."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"there is no folder {folder!r} to save {path!r} in")
    if os.path.isdir(target):
        raise IsADirectoryError(f"{path!r} is a folder; expected a file to write")
    return target


def _replace(target: str, content: bytes) -> None:
    """Write beside the target, then rename."""
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".{os.path.basename(target)}.{os.urandom(6).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """Make the new name last; systems that cannot sync folders do without."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --- reading --------------------------------------------------------------------------------------
class ModelFile:
    """An open model file: its kind and description, and its arrays when they are asked for.

    Everything about the arrays but their values is known before any is read.
    """

    def __init__(self, path: str) -> None:
        library = import_optional("safetensors", _NEEDED_FOR)
        with open(path, "rb"):  # a missing or unreadable file is an OSError
            pass
        try:
            self._file = library.safe_open(path, framework="numpy").__enter__()
        except (library.SafetensorError, OSError, ValueError, OverflowError) as error:
            raise ValueError(f"it is no whole safetensors file ({error})") from error
        try:
            self._look()
        except BaseException:
            self.close()
            raise

    def _look(self) -> None:
        metadata = self._metadata = self._file.metadata() or {}
        if metadata.get("format") != FORMAT:
            raise ValueError(
                "it is a safetensors file of another software, not a shallowcore model"
            )
        version = metadata.get("format_version", "")
        if version != str(VERSION):
            raise ValueError(
                f"its format_version is {version!r}, this version of shallowcore reads "
                f"{str(VERSION)!r}: a later version may have written it"
            )
        self.kind, self._text = metadata.get("kind", ""), metadata.get("model", "")
        self._stated = metadata.get("checksum")
        try:
            self.description = json.loads(self._text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"its description is damaged ({error})") from error
        self.shapes: dict[str, tuple[int, ...]] = {}
        for name in self._file.keys():  # noqa: SIM118
            part = self._file.get_slice(name)
            if part.get_dtype() not in _DTYPES:
                raise ValueError(f"array {name!r} has dtype {part.get_dtype()}")
            self.shapes[name] = tuple(part.get_shape())

    def arrays(self) -> Arrays:
        """All arrays, copied; ValueError where a bit of them or of the description has changed."""
        found: Arrays = {name: self._file.get_tensor(name) for name in self.shapes}
        if _checksum(self.kind, self._text, found) != self._stated:
            raise ValueError("it is damaged: its checksum is another")
        return found

    def further(self, key: str) -> Any:
        """What was written under a further key, None without it; ValueError where it is damaged."""
        text = self._metadata.get(key)
        if text is None:
            return None
        if _checksum_of_text(key, text) != self._metadata.get(f"{key}_checksum"):
            raise ValueError(f"its {key} is damaged: the checksum is another")
        return json.loads(text)

    def close(self) -> None:
        """Close the file."""
        self._file.__exit__(None, None, None)

    def __enter__(self) -> ModelFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
