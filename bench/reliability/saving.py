"""`kill -9` while a model is saved, and disks that are full.

`python -m bench.reliability.saving --kills 500`: a forked process saves one version of a model
after the other over the same file, and is killed at a random moment.  The file has to be the last
version whose save had returned, or the one after it; and the next save has to work.  A file system
that is full (RLIMIT_FSIZE; a tmpfs where one may be mounted) has to leave the old file and nothing
else.
"""

from __future__ import annotations

import argparse
import contextlib
import mmap
import os
import random
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from shallowcore import layers, models

NAME = "model.safetensors"
SIZES = ((3, 2), (100, 60), (500, 800), (1500, 1500))  # of kernels: 100 bytes to 9 MB


@dataclass
class Found:
    """What the trials found."""

    kills: int = 0
    old: int = 0  # of them: the version before the one under way
    left: int = 0  # temporary files that a killed process could not remove
    full: int = 0
    wrong: list[str] = field(default_factory=list)

    def check(self, right: bool, what: str) -> None:
        if not right:
            self.wrong.append(what)
            print(f"WRONG  {what}", flush=True)


def model_of(size: tuple[int, int]) -> models.Sequential:
    model = models.Sequential([layers.Input(size[:1]), layers.Dense(size[1])], seed=0)
    model.build()
    return model


def set_version(model: models.Sequential, version: int) -> None:
    """Every weight tells the version."""
    model.set_weights([np.full_like(w, version) for w in model.get_weights()])


def version_of(path: Path) -> int:
    """The version in a file; ValueError where it is torn."""
    values = np.concatenate([w.ravel() for w in models.load_model(path).get_weights()])
    if not (values == values[0]).all():
        raise ValueError(f"versions {np.unique(values)[:5]} in one file")
    return int(values[0])


def temporaries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name != NAME]


def save_for_ever(model: models.Sequential, path: Path, first: int, done: mmap.mmap) -> None:
    """Save version after version; `done` is the last whose save has returned."""
    version = first
    while True:
        version += 1
        set_version(model, version)
        model.save(path)
        done[:8] = struct.pack("q", version)


def kill(folder: Path, size: tuple[int, int], draw: random.Random, found: Found) -> None:
    """One process, killed."""
    path, model = folder / NAME, model_of(size)
    first = version_of(path) if path.exists() else 0
    done = mmap.mmap(-1, 8)
    done[:8] = struct.pack("q", first)
    set_version(model, first)
    model.save(path)
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            save_for_ever(model, path, first, done)
        os._exit(1)
    while struct.unpack("q", done[:8])[0] == first:  # until it is at work
        time.sleep(1e-4)
    time.sleep(draw.uniform(0, 0.01 + size[0] * size[1] * 5e-8))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    found.check(os.WIFSIGNALED(status), f"{size}: a save failed")
    last = struct.unpack("q", done[:8])[0]
    found.kills += 1
    try:
        version = version_of(path)
    except (OSError, ValueError) as error:
        return found.check(False, f"{size}: no whole file after version {last}: {error}")
    found.check(version in (last, last + 1), f"{size}: version {version} after {last}")
    found.old += version == last
    found.left += len(temporaries(folder))
    for rest in temporaries(folder):
        found.check(rest.name.startswith(f".{NAME}.") and rest.suffix == ".tmp", rest.name)
    set_version(model, version + 1)
    model.save(path)
    found.check(version_of(path) == version + 1, f"{size}: the next save")
    for rest in temporaries(folder):
        rest.unlink()
    return None


def fail(folder: Path, model: models.Sequential, before: int, found: Found) -> None:
    """A save that cannot succeed: OSError, the old file, and nothing beside it."""
    set_version(model, before + 1)
    try:
        model.save(folder / NAME)
        found.check(False, "a save without room succeeded")
    except OSError:
        found.full += 1
    found.check(version_of(folder / NAME) == before, "the old file after a failed save")
    found.check(not temporaries(folder), "files left behind by a failed save")


def limited(folder: Path, draw: random.Random, found: Found) -> None:
    """Files may have some bytes only."""
    model = model_of(SIZES[2])
    set_version(model, 1)
    model.save(folder / NAME)
    whole = (folder / NAME).stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (draw.randrange(whole), before[1]))
    try:
        fail(folder, model, 1, found)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    set_version(model, 2)
    model.save(folder / NAME)
    found.check(version_of(folder / NAME) == 2, "a save with room again")


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[bool]:
    """A file system of some bytes in this folder, if one may be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", str(folder)], check=True)


def full_disk(folder: Path, draw: random.Random, found: Found) -> bool:
    """No room for a second file on the disk; whether there is such a disk."""
    model = model_of(SIZES[2])
    with small_disk(folder, 3 << 20) as mounted:
        if not mounted:
            return False
        set_version(model, 1)
        model.save(folder / NAME)
        filler = folder / NAME.replace("model", "filler")
        filler.write_bytes(bytes(draw.randrange(1 << 20)))
        set_version(model, 2)
        try:
            model.save(folder / NAME)
            found.check(False, "a save on a full disk succeeded")
        except OSError:
            found.full += 1
        found.check(version_of(folder / NAME) == 1, "the old file on a full disk")
        found.check(temporaries(folder) == [filler], "files left behind on a full disk")
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill and print; returns the exit status."""
    parser = argparse.ArgumentParser(
        "python -m bench.reliability.saving", description="kill -9 while a model is saved."
    )
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--full", type=int, default=50, help="saves without room; default 50")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    draw, found, start = random.Random(chosen.seed), Found(), time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for i, size in enumerate(SIZES):
            own = folder / str(i)
            own.mkdir()
            for _ in range(i, chosen.kills, len(SIZES)):
                kill(own, size, draw, found)
        own = folder / "limited"
        own.mkdir()
        for _ in range(chosen.full):
            limited(own, draw, found)
        own = folder / "disk"
        own.mkdir()
        disks = [full_disk(own, draw, found) for _ in range(chosen.full)]
    print(f"killed while saving          {found.kills}")
    print(f"of them, the old version     {found.old}, the new one {found.kills - found.old}")
    print(f"temporary files left behind  {found.left}, none of which changed anything")
    print(f"saves without room           {found.full}, {sum(disks)} of them on a full disk")
    print(f"wrong                        {len(found.wrong)}")
    print(f"seconds                      {time.perf_counter() - start:.0f}")
    return int(bool(found.wrong))


if __name__ == "__main__":
    sys.exit(main())
