"""Files that were cut, damaged, forged or written by other software, and the readers of ours."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import numpy as np
from shallowcore import _files, datasets, layers, models
from shallowcore.datasets import _idx

from bench.reliability.fuzzing import values
from bench.reliability.fuzzing.calls import Call, finite

_ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 2**31, 2**53, 2**63, 2**64 - 1, 10**30, 1e308, -0.0,
    "", "F64", "nan", "layers.Dense", "\0", "x" * 1000, [], {}, [[]], [0, -1], [2**62, 4],
    {"type": "layers.Dense", "settings": {}}, {"note": ""}, [None], {"": None},
)  # fmt: skip


@cache
def folder() -> Path:
    """A folder for the files of this process."""
    return Path(tempfile.mkdtemp(prefix="shallowcore-fuzz-"))


def forget_files() -> None:
    """Remove the folder."""
    if folder.cache_info().currsize:
        shutil.rmtree(folder(), ignore_errors=True)
        folder.cache_clear()


# --- good files -----------------------------------------------------------------------------------
def _trained(optimizer: str, loss: str, *stack: Any, **options: Any) -> bytes:
    model = models.Sequential([layers.Input((3,)), *stack], seed=0, dtype="float64")
    model.compile(optimizer, loss, **options)
    x = values.tame(Random(1), (8, 3))
    model.fit(x, np.arange(8) % 2, epochs=2, verbose=0)
    model.save(folder() / "good.safetensors")
    return (folder() / "good.safetensors").read_bytes()


@cache
def good_models() -> tuple[bytes, ...]:
    """Files of some models, with every kind of array that there is."""
    normal, relu = layers.Normalization(), layers.Dense(4, "relu")
    return (
        _trained("adam", "mse", normal, relu, layers.Dense(1), standardize_targets=True),
        _trained("lbfgs", "sparse_categorical_crossentropy", layers.Dense(2, "softmax")),
        _trained("sgd", "binary_crossentropy", layers.Dropout(0.5), layers.Dense(1, "sigmoid")),
    )


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file, and its arrays' bytes."""
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def joined(header: Any, data: bytes) -> bytes:
    """The safetensors file of these."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


# --- damage ---------------------------------------------------------------------------------------
def mutated_bytes(rng: Random, content: bytes, header: int = 64) -> bytes:
    """Bytes flipped, overwritten, cut out, repeated; half of the time near the beginning."""
    found = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        if not found:
            break
        end = min(len(found), header) if rng.random() < 0.5 else len(found)
        at = rng.randrange(end)
        kind = rng.randrange(6)
        if kind == 0:
            found[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            found[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            del found[at:]
        elif kind == 3:
            del found[at : at + rng.choice((1, 2, 8, 100))]
        elif kind == 4:
            found[at:at] = found[at : at + rng.choice((1, 8, 64))]
        else:
            found[at : at + 8] = struct.pack("<Q", rng.choice((0, 1, 2**31, 2**63, 2**64 - 1)))
    return bytes(found)


def changed(rng: Random, tree: Any) -> Any:
    """A tree of JSON with one place replaced, removed, doubled or nested."""
    if isinstance(tree, dict) and tree and rng.random() < 0.9:
        key = rng.choice(list(tree))
        copy = dict(tree)
        if rng.random() < 0.08:
            del copy[key]
        elif rng.random() < 0.05:
            copy[rng.choice(("", "a", key + "x", "__metadata__"))] = copy[key]
        else:
            copy[key] = changed(rng, tree[key])
        return copy
    if isinstance(tree, list) and tree and rng.random() < 0.8:
        at = rng.randrange(len(tree))
        return [*tree[:at], changed(rng, tree[at]), *tree[at + 1 :]]
    if rng.random() < 0.05:
        for _ in range(rng.choice((10, 200))):
            tree = [tree]
        return tree
    return rng.choice(_ODD)


def _forged_header(rng: Random, content: bytes) -> bytes:
    header, data = split(content)
    kind = rng.randrange(8)
    if kind == 0:  # a key twice
        text = json.dumps(header)
        name = json.dumps(rng.choice(list(header)))
        return joined(f"{text[:-1]}, {name}: {json.dumps(rng.choice(_ODD))}}}".encode(), data)
    if kind == 1:
        return joined(json.dumps(header).encode() + b" " * rng.choice((1, 7, 10**6)), data)
    if kind == 2:
        return joined(b"[" * rng.choice((10, 10**5)), data)
    if kind == 3:
        size = rng.choice((0, 1, 100, 10**8 + 1, 2**31, 2**63 - 8, 2**63, 2**64 - 1))
        return struct.pack("<Q", size) + content[8:]
    if kind == 4:
        data = rng.choice((b"", data[:-1], data + b"\0" * rng.choice((1, 8)), data[::-1]))
    return joined(changed(rng, header), data)


def arrays_of(content: bytes) -> dict[str, Any]:
    """Arrays of a good file."""
    import safetensors.numpy

    found: dict[str, Any] = safetensors.numpy.load(content)
    return found


def resigned(rng: Random, content: bytes) -> bytes:
    """A file that was forged by someone who knows the checksum."""
    import safetensors.numpy

    metadata = split(content)[0]["__metadata__"]
    description = json.loads(metadata["model"])
    arrays = arrays_of(content)
    for _ in range(rng.choice((1, 1, 2))):
        if rng.random() < 0.7:
            description = changed(rng, description)
            continue
        name = rng.choice(sorted(arrays)) if arrays else "a"
        array = arrays.pop(name, np.zeros(1))
        with np.errstate(all="ignore"):
            wanted = values.shape(rng, array.shape)
            forged = np.resize(values.content(rng, wanted), wanted)
            if rng.random() < 0.5 and array.dtype.kind == "f":
                forged = np.resize(array * rng.choice(values.SPECIAL), wanted)
        if forged.dtype.kind in "fiu" and forged.dtype.isnative and forged.dtype.char != "g":
            arrays[rng.choice((name, name, "notes/a", "optimizer/9/a"))] = forged.copy()
    text = json.dumps(description)
    metadata |= {"model": text, "checksum": _files._checksum(metadata["kind"], text, arrays)}
    forged_file: bytes = safetensors.numpy.save(arrays, metadata)
    return forged_file


class Payload:
    """What runs when it is unpickled."""

    ran: ClassVar[list[str]] = []

    def __reduce__(self) -> Any:
        return Payload.run, ("payload",)

    @staticmethod
    def run(text: str) -> str:
        """Note that somebody unpickled it."""
        Payload.ran.append(text)
        return text


@cache
def foreign() -> tuple[bytes, ...]:
    """Files of other software, some of which run code in those who trust them."""
    import h5py
    import safetensors.numpy

    found = [pickle.dumps(Payload(), protocol) for protocol in (0, 2, 5)]
    for allowed in (np.array([Payload()], object), np.ones(3)):
        with io.BytesIO() as file:
            np.savez(file, a=allowed)
            found.append(file.getvalue())
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:  # PyTorch's and Keras' formats are such
            archive.writestr("archive/data.pkl", pickle.dumps(Payload()))
            archive.writestr("config.json", "{}")
        found.append(file.getvalue())
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        file["a"] = np.ones(3)
        file.flush()
        found.append(file.id.get_file_image())
    found.append(safetensors.numpy.save({"a": np.ones(3)}, {"format": "pt"}))
    found.append(safetensors.numpy.save({}))
    return (*found, b"", b"\0" * 8, b"{}", b"\x93NUMPY\x01\0", b"\x89HDF\r\n\x1a\n")


def model_bytes(rng: Random) -> bytes:
    """A file that may be given to load_model."""
    content = rng.choice(good_models())
    kind = rng.random()
    if kind < 0.3:
        return mutated_bytes(rng, content, 3000)
    if kind < 0.6:
        return _forged_header(rng, content)
    if kind < 0.95:
        return resigned(rng, content)
    return mutated_bytes(rng, rng.choice(foreign())) if kind < 0.98 else rng.choice(foreign())


# --- readers --------------------------------------------------------------------------------------
def scenario(rng: Random) -> Iterator[Call]:
    """Some files for one reader."""
    make: Callable[[Random], Call] = rng.choice((_model, _model, _weights, _idx_file, _idx_file))
    for _ in range(4):
        yield make(rng)


def hdf5(rng: Random) -> Iterator[Call]:
    """Files for load_cats."""
    yield _cats(rng)


def load_model_call(content: bytes) -> Call:
    """load_model of a file with these bytes."""
    path = folder() / "m.safetensors"
    path.write_bytes(content)

    def check(model: Any) -> str | None:
        told = "a payload was run" if Payload.ran else finite(model.get_weights())
        model.save(folder() / "again.safetensors")
        return told

    def run() -> Any:
        try:
            return models.load_model(path)
        except ValueError:
            assert not Payload.ran, "a payload was run"
            raise

    return Call("load_model", run, {"cannot load": str(path)}, check=check)


def _model(rng: Random) -> Call:
    return load_model_call(model_bytes(rng))


def _weights(rng: Random) -> Call:
    content = model_bytes(rng)
    path = folder() / "w.safetensors"
    path.write_bytes(content)
    model = models.Sequential(
        [layers.Input((3,)), layers.Dense(2, "softmax")], seed=0, dtype="float64"
    )
    check = lambda _: finite(model.get_weights())  # noqa: E731
    run = lambda: model.load_weights(path)  # noqa: E731
    return Call("load_weights", run, {"cannot load": str(path)}, model, check=check)


def idx_call(content: bytes, shape: tuple[int | None, ...]) -> Call:
    """read_idx of a file with these bytes."""
    path = folder() / "a-idx-ubyte"
    path.write_bytes(content)

    def check(array: Any) -> str | None:
        wrong = array.dtype != np.uint8 or array.ndim != len(shape) or not array.size
        return f"it has shape {array.shape}" if wrong else None

    return Call("read_idx", lambda: _idx.read_idx(path, shape), {str(path): None}, check=check)


def _idx_file(rng: Random) -> Call:
    shape = rng.choice(((5,), (2, 4, 4)))
    content = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    content += rng.randbytes(int(np.prod(shape)))
    if rng.random() < 0.5:
        content = mutated_bytes(rng, content, 16)
    if rng.random() < 0.6:
        content = gzip.compress(content, 1, mtime=0)
        content = mutated_bytes(rng, content) if rng.random() < 0.7 else content
    return idx_call(content, (None, *shape[1:]))


@cache
def good_cats() -> bytes:
    """A file of two pictures."""
    import h5py

    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        file.create_dataset("test_set_x", data=np.zeros((2, 64, 64, 3), np.uint8), compression=1)
        file["test_set_y"] = np.array([0, 1])
        file.flush()
        content: bytes = file.id.get_file_image()
    (folder() / "cats").mkdir(exist_ok=True)
    with h5py.File(folder() / "cats" / "train_catvnoncat.h5", "w") as file:
        file["train_set_x"] = np.zeros((1, 64, 64, 3), np.uint8)
        file["train_set_y"] = np.array([1])
    return content


def cats_call(content: bytes) -> Call:
    """load_cats of a folder whose second file has these bytes."""
    good_cats()
    path = folder() / "cats" / "test_catvnoncat.h5"
    path.write_bytes(content)
    run = lambda: datasets.load_cats(folder() / "cats")  # noqa: E731
    return Call("load_cats", run, {str(path): None})


def _cats(rng: Random) -> Call:
    return cats_call(mutated_bytes(rng, good_cats(), 3000))
