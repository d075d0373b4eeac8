"""Finds the files of a data set on this machine, or downloads them into the user's cache.

Order: the folder the caller names (and then nowhere else), the folder SHALLOWCORE_DATA names, the
cache, the network.  A downloaded file gets its name only after its size and SHA-256 were checked
and its bytes are on the disk, so an interrupted download leaves nothing that looks like data.
Files the user supplies are not compared with the checksum: their readers check what is inside.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_VARIABLE = "SHALLOWCORE_DATA"
_TIMEOUT = 20.0  # seconds without an answer before the next mirror is tried
_CHUNK = 2**16


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set: its name, what it must contain, and where it can be had."""

    name: str
    n_bytes: int
    sha256: str
    urls: tuple[str, ...]


def find_files(
    title: str, files: Sequence[RemoteFile], folder: str | os.PathLike[str] | None, download: bool
) -> list[Path]:
    """Return the paths of all `files`, downloading them if that is needed and allowed.

    Raises FileNotFoundError, with instructions, when they cannot be had.
    """
    places = _places(folder)
    for _, place in places:
        paths = [_find(place, file.name) for file in files]
        found = [path for path in paths if path is not None]
        if len(found) == len(files):
            return found
    failures: list[str] = []
    if folder is None and download:
        cache = places[-1][1]
        downloaded: list[Path] = []
        for file in files:
            path = _find(cache, file.name) or _download(file, cache, failures)
            if path is None:
                break
            downloaded.append(path)
        else:
            return downloaded
    raise FileNotFoundError(_how_to_get(title, files, places, failures))


def cache_folder() -> Path:
    """Return the folder for downloads: the platform's place for caches, or XDG_CACHE_HOME."""
    chosen = os.environ.get("XDG_CACHE_HOME")
    if chosen and Path(chosen).is_absolute():
        return Path(chosen) / "shallowcore"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "shallowcore"
    local = os.environ.get("LOCALAPPDATA")
    if sys.platform == "win32" and local:
        return Path(local) / "shallowcore" / "Cache"
    return Path.home() / ".cache" / "shallowcore"


def _places(folder: str | os.PathLike[str] | None) -> list[tuple[str, Path]]:
    """Return the folders to look in, in order, each with the reason for it."""
    if folder is not None:
        if not isinstance(folder, (str, os.PathLike)) or not isinstance(os.fspath(folder), str):
            raise TypeError(f"folder must be a path (str or os.PathLike) or None, got {folder!r}")
        return [("the folder argument", Path(folder).expanduser())]
    places = [("the cache", cache_folder())]
    named = os.environ.get(_VARIABLE)
    if named:
        places.insert(0, (_VARIABLE, Path(named).expanduser()))
    return places


def _find(folder: Path, name: str) -> Path | None:
    """Return the file's path in `folder`, gzipped or already unpacked, if it is there."""
    for candidate in (folder / name, folder / name.removesuffix(".gz")):
        if candidate.is_file():
            return candidate
    return None


def _download(file: RemoteFile, folder: Path, failures: list[str]) -> Path | None:
    """Fetch `file` from the first mirror that serves it whole; note the others in `failures`."""
    attempts = (_fetch_or_note(url, file, folder, failures) for url in file.urls)
    return next((path for path in attempts if path is not None), None)


def _fetch_or_note(url: str, file: RemoteFile, folder: Path, failures: list[str]) -> Path | None:
    """Fetch `file` from `url`, or add the reason why not to `failures`."""
    from http.client import HTTPException

    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _fetch(url, file, folder)
    except (OSError, HTTPException, ValueError) as error:
        failures.append(f"{url}: {error}")
        return None


def _fetch(url: str, file: RemoteFile, folder: Path) -> Path:
    """Download to a temporary name, check, flush to the disk, rename."""
    import tempfile
    import urllib.request

    print(f"shallowcore: downloading {url} ({file.n_bytes:,} bytes)", file=sys.stderr)
    request = urllib.request.Request(url, headers={"User-Agent": "shallowcore"})
    descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as target:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
                _copy_checked(response, target, file)
            target.flush()
            os.fsync(target.fileno())
        Path(temporary).replace(folder / file.name)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return folder / file.name


def _copy_checked(source: Any, target: IO[bytes], file: RemoteFile) -> None:
    """Copy `source` to `target`; raise ValueError unless size and SHA-256 are the expected ones."""
    import hashlib

    digest, n_bytes = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        n_bytes += len(chunk)
        if n_bytes > file.n_bytes:
            break
        digest.update(chunk)
        target.write(chunk)
    if n_bytes != file.n_bytes:
        amount = f"more than {file.n_bytes}" if n_bytes > file.n_bytes else str(n_bytes)
        raise ValueError(f"served {amount} bytes, expected {file.n_bytes}")
    if digest.hexdigest() != file.sha256:
        raise ValueError(
            f"checksum mismatch: SHA-256 is {digest.hexdigest()}, expected {file.sha256}"
        )


def _how_to_get(
    title: str,
    files: Sequence[RemoteFile],
    places: Sequence[tuple[str, Path]],
    failures: Sequence[str],
) -> str:
    """Return the message that says what is missing, what was tried, and what to do."""
    lines = [f"{title} was not found on this machine. Looked in:"]
    for reason, place in places:
        missing = [file.name for file in files if _find(place, file.name) is None]
        state = f"lacks {', '.join(missing)}" if place.is_dir() else "no such folder"
        lines.append(f"  {place} ({reason}): {state}")
    if failures:
        lines += ["Downloading failed:", *(f"  {failure}" for failure in failures)]
    lines += ["To get the files, download", *(f"  {file.urls[0]}" for file in files)]
    lines.append(f"into one folder, and pass it as folder=... or set {_VARIABLE} to it.")
    return "\n".join(lines)
