"""Model files: what they keep, and how they are written."""

import builtins
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from saved_models import raw, small
from shallowcore import (
    _describe,
    _registry,
    activations,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
)

pytest.importorskip("safetensors")


# --- what is kept ---------------------------------------------------------------------------------
def test_a_loaded_model_is_the_same(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(30, 3))
    y = np.random.default_rng(2).normal(size=(30, 2))
    model = small()
    model.optimizer.learning_rate = 0.002
    model.save(tmp_path / "m.safetensors")
    loaded = models.load_model(str(tmp_path / "m.safetensors"))
    assert (loaded.name, loaded.seed, loaded.dtype) == (model.name, model.seed, model.dtype)
    assert repr(loaded.layers) == repr(model.layers)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert loaded.predict(x).tobytes() == model.predict(x).tobytes()
    assert loaded.evaluate(x, y) == model.evaluate(x, y)
    assert loaded.metrics_names == model.metrics_names
    assert repr(loaded.optimizer) == repr(model.optimizer)
    assert loaded.optimizer.iterations == model.optimizer.iterations == 2
    assert loaded.input_shape == model.input_shape
    assert loaded.count_params() == model.count_params()


def test_what_was_never_compiled_or_trained_is_saved_too(tmp_path: Path) -> None:
    model = models.Sequential([layers.Input((2, 3)), layers.Flatten(), layers.Dense(1)], seed=5)
    model.save(tmp_path / "m.safetensors")
    loaded = models.load_model(tmp_path / "m.safetensors")
    assert loaded.digest() == model.digest()
    assert loaded.input_shape == (None, 2, 3)
    with pytest.raises(RuntimeError, match="call compile"):
        loaded.evaluate(np.ones((1, 2, 3)), [1.0])
    loaded.compile("sgd", "mse")
    loaded.save(tmp_path / "m.safetensors")
    assert models.load_model(tmp_path / "m.safetensors").optimizer.iterations == 0
    with pytest.raises(RuntimeError, match="the model has no layers"):
        models.Sequential().save(tmp_path / "n.safetensors")
    with pytest.raises(RuntimeError, match="no weights yet"):
        models.Sequential([layers.Dense(1)]).save(tmp_path / "n.safetensors")


def every_entry() -> list[Any]:
    """An object of every entry of the registries, with settings other than the defaults."""
    found: list[Any] = [layers.Rescaling(0.5, -1.0), layers.Flatten(input_shape=(2, 3))]
    found += [layers.Normalization((1, 2)), layers.Normalization(None, 2.0, [3.0])]
    found += [layers.Dropout(0.25), layers.Dropout(0.5, seed=7), layers.Activation("elu")]
    found += [layers.InputLayer((4, 5), "in")]
    for name, info in _registry.activations().items():
        switches = {"approximate"}
        changed = {k: 1.0 if k in switches else v + 0.25 for k, v in info.parameters.items()}
        found.append(activations.Activation(name, **changed))
        found.append(getattr(activations, _registry.class_name(name))(**changed))
    for name in _registry.losses():
        found.append(losses.Loss(name, scale=0.5))
        kind = getattr(losses, _registry.class_name(name), None)
        found += [] if kind is None else [kind()]
    for name, one in _registry.optimizers().items():
        rate = {"learning_rate": 0.125} if "learning_rate" in one.parameters else {}
        found.append(optimizers.Optimizer(name, **rate))
    found += [kind() for kind in optimizers.Optimizer.__subclasses__()]
    found += [
        getattr(initializers, name)()
        for name in initializers.__all__
        if name not in ("Initializer", "get")
    ]
    found += [initializers.HeNormal(seed=3), initializers.RandomUniform(-1.0, 2.0)]
    found += [regularizers.L1(0.1), regularizers.L2(0.2), regularizers.L1L2(0.1, 0.2)]
    found += [metrics.Accuracy("a"), metrics.MeanSquaredError(), metrics.Metric("mae", "x")]
    return found


def test_every_entry_comes_back_with_its_settings() -> None:
    for one in every_entry():
        described = json.loads(json.dumps(_describe.describe(one)))
        other = _describe.restore(described)
        assert type(other) is type(one), one
        assert repr(other) == repr(one)
        assert _describe.describe(other) == _describe.describe(one)


def test_every_setting_of_dense_comes_back(tmp_path: Path) -> None:
    layer = layers.Dense(
        3,
        activations.LeakyReLU(0.2),
        use_bias=False,
        kernel_initializer=initializers.VarianceScaling(2.0, "fan_out", "uniform", seed=1),
        bias_initializer="ones",
        kernel_regularizer=regularizers.L1L2(0.1, 0.2),
        bias_regularizer="l1",
        name="first layer / with a name",
        input_dim=4,
    )
    model = models.Sequential([layer], seed=0)
    model.save(tmp_path / "m.safetensors")
    loaded = models.load_model(tmp_path / "m.safetensors")
    other: Any = loaded.layers[0]
    assert _describe.describe(other) == _describe.describe(layer)
    assert other.kernel.tobytes() == layer.kernel.tobytes()


def test_code_and_arrays_are_noted_not_saved(tmp_path: Path) -> None:
    model = models.Sequential(
        [
            layers.Input((2,)),
            layers.Dense(2, kernel_initializer=lambda shape, rng: np.eye(2)),
            layers.Dense(2, kernel_initializer=np.full((2, 2), 7.0)),
        ]
    )
    model.save(tmp_path / "m.safetensors")
    metadata = raw((tmp_path / "m.safetensors").read_bytes())[1]
    assert metadata["model"].count('{"note": "not saved: ') == 2
    loaded = models.load_model(tmp_path / "m.safetensors")
    assert loaded.digest() == model.digest()
    assert isinstance(loaded.layers[0].kernel_initializer, initializers.GlorotUniform)


def test_classes_of_ones_own_are_refused(tmp_path: Path) -> None:
    class Mine(layers.Dense):
        """A layer that no file knows."""

    model = models.Sequential([layers.Input((2,)), Mine(2)])
    with pytest.raises(TypeError, match="its class is not one of shallowcore's own"):
        model.save(tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


# --- weights alone --------------------------------------------------------------------------------
def test_weights_alone(tmp_path: Path) -> None:
    x = np.random.default_rng(3).normal(size=(9, 3))
    model, other = small(), small(1)
    model.save_weights(tmp_path / "w.safetensors")
    iterations = other.optimizer.iterations
    other.load_weights(tmp_path / "w.safetensors")
    assert other.predict(x).tobytes() == model.predict(x).tobytes()
    assert other.optimizer.iterations == iterations
    model.save(tmp_path / "m.safetensors")
    third = small(2)
    third.load_weights(tmp_path / "m.safetensors")
    assert third.digest() == model.digest()
    with pytest.raises(ValueError, match="it holds weights only"):
        models.load_model(tmp_path / "w.safetensors")


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    small().save_weights(tmp_path / "w.safetensors")
    other = models.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(2)], seed=0)
    before = other.digest()
    with pytest.raises(ValueError, match="arrays that no layer has, such as 'weights/normal"):
        other.load_weights(tmp_path / "w.safetensors")
    other = models.Sequential(
        [layers.Input((3,)), layers.Normalization(), layers.Dense(5), layers.Dense(2)], seed=0
    )
    with pytest.raises(ValueError, match=r"'weights/dense/kernel' has shape \(3, 4\).*\(3, 5\)"):
        other.load_weights(tmp_path / "w.safetensors")
    other.add(layers.Dense(1))
    with pytest.raises(ValueError, match=r"w\.safetensors.*(no array|has shape)"):
        other.load_weights(tmp_path / "w.safetensors")
    assert before


# --- writing --------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["m.keras", "m.h5", "m", b"m.safetensors", 3, None])
def test_paths_that_are_none(path: Any) -> None:
    model = small()
    for call in (model.save, model.save_weights, model.load_weights, models.load_model):
        with pytest.raises((TypeError, ValueError), match="filepath must"):
            call(path)


def test_folders_that_are_none(tmp_path: Path) -> None:
    model = small()
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        model.save(tmp_path / "none" / "m.safetensors")
    (tmp_path / "f.safetensors").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        model.save(tmp_path / "f.safetensors")
    with pytest.raises(FileNotFoundError):
        models.load_model(tmp_path / "none.safetensors")
    with pytest.raises(OSError, match=r"f\.safetensors"):
        models.load_model(tmp_path / "f.safetensors")


def failing(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_save_that_fails_leaves_the_old_file(step: str, tmp_path: Path, monkeypatch: Any) -> None:
    model = small()
    model.save(tmp_path / "m.safetensors")
    before = (tmp_path / "m.safetensors").read_bytes()
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    with monkeypatch.context() as patch:
        patch.setattr(builtins if step == "open" else os, step, failing)
        with pytest.raises(OSError, match="No space left"):
            model.save(tmp_path / "m.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]
    model.save(tmp_path / "m.safetensors")
    assert models.load_model(tmp_path / "m.safetensors").digest() == model.digest()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at open files as Linux shows them")
def test_a_save_reaches_the_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch: Any) -> None:
    """The new file is synced as a whole, then renamed, then the folder that names it is synced."""
    order: list[str] = []
    path = tmp_path / "m.safetensors"
    fsync, replace = os.fsync, os.replace

    def seen_fsync(handle: int) -> None:
        target = Path(os.readlink(f"/proc/self/fd/{handle}"))
        whole = target.is_file() and models.load_model(renamed(target)).digest() == model.digest()
        order.append("folder" if target == tmp_path else "whole file" if whole else str(target))
        fsync(handle)

    def renamed(target: Path) -> Path:
        """A link with the suffix of model files."""
        link = tmp_path / f"{len(order)}.safetensors"
        link.symlink_to(target)
        return link

    def seen_replace(source: str, target: str) -> None:
        order.append("rename")
        replace(source, target)

    model = small()
    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "replace", seen_replace)
    model.save(path)
    assert order == ["whole file", "rename", "folder"]
    assert models.load_model(path).digest() == model.digest()


@pytest.mark.skipif(sys.platform == "win32", reason="folders there have no such permissions")
def test_a_folder_that_is_read_only() -> None:
    """Root may write anywhere, so it is nobody for a while."""
    model = small()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model.save(folder / "m.safetensors")
        folder.chmod(0o555)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            with pytest.raises(PermissionError):
                model.save(folder / "m.safetensors")
            assert models.load_model(folder / "m.safetensors").digest() == model.digest()
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "l.safetensors").symlink_to(tmp_path / "m.safetensors")
    small().save(tmp_path / "l.safetensors")
    assert (tmp_path / "l.safetensors").is_symlink()
    assert (tmp_path / "m.safetensors").is_file()


KILLED = """
import sys
from shallowcore import layers, models
model = models.Sequential([layers.Input((400,)), layers.Dense(500)], seed=int(sys.argv[2]))
print("ready", flush=True)
while True:
    model.save(sys.argv[1])
"""


def test_a_process_killed_while_it_saves_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    seeds: dict[str, int] = {}
    for seed in (0, 1):
        made = models.Sequential([layers.Input((400,)), layers.Dense(500)], seed=seed)
        seeds[made.digest()] = seed
    for attempt in range(6):
        command = [sys.executable, "-c", KILLED, str(path), str(attempt % 2)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            while attempt == 0 and not path.exists():
                time.sleep(0.001)
            time.sleep(0.013 * attempt)
            process.kill()
        assert models.load_model(path).digest() in seeds


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    model = small()
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    path = tmp_path / "m.safetensors"
    calls: list[Callable[[Any], Any]] = [model.save, model.load_weights, models.load_model]
    for call in calls:
        with pytest.raises(ImportError, match=r"pip install \"shallowcore\[save\]"):
            call(path)
