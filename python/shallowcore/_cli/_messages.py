"""How the commands speak: results to the standard output, everything else to the standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

OK, FAILED, USAGE, NOT_AVAILABLE, INTERRUPTED = 0, 1, 2, 3, 130


class UsageError(Exception):
    """A command line that cannot be meant: exit code 2."""


def note(text: str) -> None:
    """Say something beside the result."""
    print(f"shallowcore: {text}", file=sys.stderr)


def print_json(content: Mapping[str, Any]) -> None:
    """Print the one JSON object of a command, on one line and in ASCII."""
    print(json.dumps(content, allow_nan=False))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of texts: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([f"{row[0]:<{widths[0]}}", *cells]).rstrip())
    return "\n".join(lines)


def check_output(option: str, name: str | None, suffixes: Sequence[str]) -> None:
    """UsageError unless a file of this name could be written; found before any work."""
    if name is None:
        return
    if not name.lower().endswith(tuple(suffixes)):
        raise UsageError(f"{option} {name}: the name must end in {' or '.join(suffixes)}")
    folder = Path(name).parent
    if not folder.is_dir():
        raise UsageError(f"{option} {name}: there is no folder {str(folder)!r}")
    if Path(name).is_dir():
        raise UsageError(f"{option} {name}: is a folder")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{option} {name}: the folder {str(folder)!r} is not writable")
