"""Files that are no good: cut, damaged, of other software, or made to do harm."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from saved_models import raw, small
from shallowcore import _files, models

safetensors_numpy = pytest.importorskip("safetensors.numpy")


@pytest.fixture(scope="module")
def good(tmp_path_factory: Any) -> bytes:
    """The bytes of a good file."""
    path = tmp_path_factory.mktemp("good") / "m.safetensors"
    small().save(path)
    return path.read_bytes()


def rebuilt(header: Any, metadata: Any, data: bytes) -> bytes:
    """The file of these."""
    text = json.dumps({"__metadata__": metadata, **header}).encode()
    return struct.pack("<Q", len(text)) + text + data


def load_bytes(content: bytes, folder: Path) -> models.Sequential:
    path = folder / "x.safetensors"
    path.write_bytes(content)
    return models.load_model(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    found: Path = tmp_path_factory.mktemp("damaged")
    return found


@settings(deadline=None, max_examples=60)
@given(fraction=st.floats(0.0, 1.0, exclude_max=True))
def test_files_cut_short(good: bytes, folder: Path, fraction: float) -> None:
    with pytest.raises(ValueError, match=r"cannot load .*x\.safetensors"):
        load_bytes(good[: int(fraction * len(good))], folder)


@settings(deadline=None, max_examples=300)
@given(place=st.floats(0.0, 1.0, exclude_max=True), bit=st.integers(0, 7), header=st.booleans())
def test_files_with_a_bit_flipped(
    good: bytes, folder: Path, place: float, bit: int, header: bool
) -> None:
    """Whichever it is: the checksum covers all that the format itself does not check."""
    size = 8 + struct.unpack("<Q", good[:8])[0] if header else len(good)
    flipped = bytearray(good)
    flipped[int(place * size)] ^= 1 << bit
    with pytest.raises(ValueError, match=r"cannot load .*x\.safetensors"):
        load_bytes(bytes(flipped), folder)


@settings(deadline=None, max_examples=50)
@given(content=st.binary(max_size=200))
def test_files_of_anything(folder: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"cannot load .*x\.safetensors"):
        load_bytes(content, folder)


def test_files_of_other_software(tmp_path: Path) -> None:
    content = safetensors_numpy.save({"a": np.ones(3)}, {"format": "pt"})
    with pytest.raises(ValueError, match="of another software, not a shallowcore model"):
        load_bytes(content, tmp_path)
    with pytest.raises(ValueError, match="of another software"):
        load_bytes(safetensors_numpy.save({"a": np.ones(3)}), tmp_path)


def test_files_of_a_later_version(good: bytes, tmp_path: Path) -> None:
    header, metadata, data = raw(good)
    with pytest.raises(ValueError, match=r"format_version is '2'.*reads '1'"):
        load_bytes(rebuilt(header, metadata | {"format_version": "2"}, data), tmp_path)


def resigned(good: bytes, change: Callable[[Any, dict[str, Any]], Any]) -> bytes:
    """A file whose description and arrays were changed by someone who knows the format."""
    _, metadata, _ = raw(good)
    description, arrays = json.loads(metadata["model"]), safetensors_numpy.load(good)
    change(description, arrays)
    text = json.dumps(description)
    metadata |= {"model": text, "checksum": _files._checksum("model", text, arrays)}
    content: bytes = safetensors_numpy.save(arrays, metadata)
    return content


def set_at(path: str, value: Any) -> Callable[[Any, Any], None]:
    """Set what stands at a path such as "layers.0.settings.units"."""

    def change(description: Any, _: Any) -> None:
        *parents, last = path.split(".")
        for key in parents:
            description = description[int(key) if key.isdecimal() else key]
        description[last] = value

    return change


def nested(depth: int) -> Any:
    """A description in a description, and so on."""
    inner: Any = 1
    for _ in range(depth):
        inner = {"type": "layers.Dense", "settings": {"units": inner}}
    return inner


HOSTILE: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "huge layer": (set_at("layers.1.settings.units", 10**15), "has shape"),
    "huge input": (set_at("input_shape", [2**62]), "has shape"),
    "too large a number": (set_at("layers.1.settings.units", 10**30), "units must be"),
    "no number": (set_at("layers.1.settings.units", "4"), "units must be"),
    "unknown type": (set_at("layers.1.type", "layers.Convolution"), "unknown type 'layers.Conv"),
    "code": (set_at("layers.1.type", "os.system"), "unknown type 'os.system'"),
    "private": (set_at("layers.1.type", "layers._dense.Dense"), "unknown type"),
    "no class": (set_at("layers.1.type", "optimizers.get"), "unknown type"),
    "another kind": (set_at("layers.1.type", "losses.Loss"), ""),
    "unknown setting": (set_at("layers.1.settings.colour", 1), "unexpected keyword"),
    "nested": (set_at("layers.1.settings.activation", nested(50)), "nested too deep"),
    "no layers": (set_at("layers", 3), "no list"),
    "layers of nothing": (set_at("layers", [None]), "expected a layer"),
    "dtype": (set_at("dtype", "float16"), "dtype must be"),
    "other dtype": (set_at("dtype", "float64"), "has dtype float32"),
    "seed": (set_at("seed", -1), "seed must be"),
    "unknown key": (set_at("more", 1), "the model's description has"),
    "optimizer": (set_at("compiled.optimizer.settings.name", "adamm"), "did you mean 'adam'"),
    "another optimizer": (set_at("compiled.optimizer.settings.name", "sgd"), ""),
    "no loss": (set_at("compiled.loss", None), "loss must be"),
    "iterations": (set_at("progress.iterations", -1), "iterations must be"),
    "epochs": (set_at("progress.epochs_started", 2**40), "epochs_started must be"),
    "description": (lambda d, a: a.clear(), "there is no array"),
    "missing": (lambda d, a: a.pop("weights/dense/bias"), "no array 'weights/dense/bias'"),
    "extra": (lambda d, a: a.update(more=np.ones(2)), "arrays that no layer has, such as 'more'"),
    "state": (lambda d, a: a.pop("optimizer/1/dense/bias"), "no array 'optimizer/1/dense/bias'"),
    "half a scaling": (lambda d, a: a.pop("targets/scale"), "no array 'targets/scale'"),
    "scaling": (lambda d, a: a.update({"targets/scale": np.zeros(2)}), "scale must be > 0"),
    "variance": (
        lambda d, a: a.update({"weights/normalization/variance": -np.ones(3)}),
        "variance of 'normalization' must be >= 0",
    ),
    "not finite": (
        lambda d, a: a.update({"weights/dense/bias": np.full(4, np.nan, np.float32)}),
        "NaN or infinity",
    ),
    "half precision": (
        lambda d, a: a.update({"weights/dense/bias": np.zeros(4, np.float16)}),
        "has dtype F16",
    ),
    "notes": (lambda d, a: a.update({"notes/x": np.ones((2, 2))}), "must be a vector"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_files_made_to_do_harm(name: str, good: bytes, tmp_path: Path) -> None:
    change, message = HOSTILE[name]
    with pytest.raises(ValueError, match=r"cannot load .*x\.safetensors") as caught:
        load_bytes(resigned(good, change), tmp_path)
    assert message in str(caught.value)


def test_a_description_nested_to_the_end(good: bytes, tmp_path: Path) -> None:
    header, metadata, data = raw(good)
    for text in ("[" * 100_000, "{", "null", "[]", "1"):
        with pytest.raises(ValueError, match="cannot load"):
            load_bytes(rebuilt(header, metadata | {"model": text}, data), tmp_path)


def test_notes_of_another_training_do_no_harm(good: bytes, tmp_path: Path) -> None:
    def change(_: Any, arrays: Any) -> None:
        arrays.update({"notes/gram.anchor": np.ones(5), "notes/newton_cg": np.ones(2)})

    model = load_bytes(resigned(good, change), tmp_path)
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
