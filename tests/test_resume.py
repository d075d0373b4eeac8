"""Training saved and gone on with in another process has the bits of one that never stopped."""

import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from go_on import state_of, trained
from shallowcore import _core, callbacks, layers, losses, models, optimizers

pytest.importorskip("safetensors")

EPOCHS, STOP = 6, 3
HERE = Path(__file__).parent

# Every optimizer of the core's table, and settings that keep further state.
SWITCHES: tuple[dict[str, Any], ...] = (
    {"momentum": 0.9},
    {"momentum": 0.9, "nesterov": True},
    {"centered": True},
    {"centered": True, "momentum": 0.5},
    {"amsgrad": True},
)
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    (info.name, settings)
    for info in _core.optimizer_table()
    for settings in ({}, *SWITCHES)
    if set(settings) <= set(info.parameters)
]


def make_data(dtype: str, n_features: int = 5, n_samples: int = 90) -> dict[str, Any]:
    """A regression that is not over in a few steps."""
    rng = np.random.default_rng(1)
    x = rng.normal(3.0, 2.0, (n_samples + 30, n_features)).astype(dtype)
    y = (np.sin(x[:, :1]) + x[:, 1:2] ** 2 / 9 + 7.0).astype(dtype)
    return {"x": x[30:], "y": y[30:], "x_val": x[:30], "y_val": y[:30]}


def make_model(
    optimizer: Any, dtype: str, hidden: int = 6, n_features: int = 5, penalty: Any = "l2"
) -> Any:
    """With everything that a file has to keep."""
    stack = [layers.Dense(hidden, "tanh", kernel_regularizer=penalty)] if hidden else []
    model = models.Sequential(
        [layers.Input((n_features,)), layers.Normalization(), *stack, layers.Dense(1)],
        dtype=dtype,
        seed=3,
    )
    model.compile(optimizer, "mse", ["mae"], standardize_targets=True)
    return model


def gone_on(
    folder: Path, batch_size: int, shuffle: bool, environment: dict[str, str] | None = None
) -> Any:
    """What go_on.py prints."""
    arguments = [str(folder), str(STOP), str(EPOCHS), str(batch_size), str(int(shuffle))]
    done = subprocess.run(
        [sys.executable, str(HERE / "go_on.py"), *arguments],
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_goes_on(whole: Any, before: Any, after: Any) -> None:
    """Histories joined, final state and predictions are those of the whole training."""
    assert after["plan"] == whole["plan"]
    for name, figures in whole["history"].items():
        assert figures == before["history"][name] + after["history"][name], name
    assert after["state"] == whole["state"]
    assert after["predictions"] == whole["predictions"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_optimizer_goes_on(shuffle: bool, dtype: str, tmp_path: Path) -> None:
    data = make_data(dtype)
    np.savez(tmp_path / "data.npz", **data)
    whole, before = {}, {}
    for number, (name, settings) in enumerate(OPTIMIZERS):
        one = make_model(optimizers.Optimizer(name, **settings), dtype)
        whole[str(number)] = trained(one, data, 0, EPOCHS, 32, shuffle)
        model = make_model(optimizers.Optimizer(name, **settings), dtype)
        before[str(number)] = trained(model, data, 0, STOP, 32, shuffle)
        model.save(tmp_path / f"{number}.safetensors")
    after = gone_on(tmp_path, 32, shuffle)
    assert set(after) == set(whole)
    for number, found in after.items():
        assert_goes_on(whole[number], before[number], found)


# plan: (units of the hidden layer, features, batch size); 0 units: none
PLANS = {
    "lanes": (6, 5, 32),
    "panels": (64, 5, 32),
    "blocks": (6, 5, 32),
    "tiles": (0, 300, 90),
    "gram": (6, 300, 90),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("plan", PLANS)
def test_every_plan_goes_on(plan: str, dtype: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("SHALLOWCORE_FORCE_PLAN", plan)
    hidden, n_features, batch_size = PLANS[plan]
    data = make_data(dtype, n_features)
    np.savez(tmp_path / "data.npz", **data)

    def make() -> Any:
        penalty = None if plan == "gram" else "l2"  # gram takes kernels without penalties only
        model = make_model(optimizers.SGD(1e-3), dtype, hidden, n_features, penalty)
        for layer in model.layers[1:]:
            layer.kernel[...] *= 0.1
        return model

    whole = trained(make(), data, 0, EPOCHS, batch_size, False)
    assert f"plan: {plan}" in whole["plan"]
    model = make()
    before = trained(model, data, 0, STOP, batch_size, False)
    model.save(tmp_path / "m.safetensors")
    assert_goes_on(whole, before, gone_on(tmp_path, batch_size, False)["m"])


def test_threads_do_not_matter(tmp_path: Path) -> None:
    data = make_data("float32", 40)
    np.savez(tmp_path / "data.npz", **data)
    whole = trained(make_model("adam", "float32", 64, 40), data, 0, EPOCHS, 32, True)
    model = make_model("adam", "float32", 64, 40)
    trained(model, data, 0, STOP, 32, True)
    model.save(tmp_path / "m.safetensors")
    for threads in ("1", "2"):
        found = gone_on(tmp_path, 32, True, {"SHALLOWCORE_NUM_THREADS": threads})["m"]
        assert found["state"] == whole["state"]


def test_a_file_saved_by_a_callback_goes_on(tmp_path: Path) -> None:
    """The way out of a crash: saved within fit(epochs=n), then fit(epochs=n, initial_epoch=k)."""
    data = make_data("float32")
    np.savez(tmp_path / "data.npz", **data)

    class Save(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == STOP - 1:
                self.model.save(tmp_path / "m.safetensors")

    model = make_model("rmsprop", "float32")
    whole = model.fit(data["x"], data["y"], epochs=EPOCHS, callbacks=[Save()], verbose=0)
    loaded = models.load_model(tmp_path / "m.safetensors")
    after = loaded.fit(data["x"], data["y"], epochs=EPOCHS, initial_epoch=STOP, verbose=0)
    assert after.history["loss"] == whole.history["loss"][STOP:]
    assert state_of(loaded) == state_of(model)


def test_steps_on_batches_go_on(tmp_path: Path) -> None:
    data = make_data("float32")
    model = make_model("adam", "float32")
    batches = [(data["x"][i : i + 30], data["y"][i : i + 30]) for i in (0, 30, 60)]
    for x, y in batches:
        model.train_on_batch(x, y)
    model.save(tmp_path / "m.safetensors")
    loaded = models.load_model(tmp_path / "m.safetensors")
    for x, y in batches:
        assert loaded.train_on_batch(x, y) == model.train_on_batch(x, y)
    assert state_of(loaded) == state_of(model)


def test_an_interrupted_training_can_be_saved(tmp_path: Path) -> None:
    """By what stops it within an epoch: state and weights are those of the last step."""
    data = make_data("float32")
    model = make_model("adam", "float32")

    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(data["x"], data["y"], epochs=9, callbacks=[Stop()], verbose=0)
    model.save(tmp_path / "m.safetensors")
    assert state_of(model)
    assert models.load_model(tmp_path / "m.safetensors").digest() == model.digest()


@pytest.mark.parametrize("how", ["deepcopy", "copy", "pickle"])
@pytest.mark.parametrize(("name", "settings"), OPTIMIZERS, ids=str)
def test_copies_go_on_by_themselves(name: str, settings: Any, how: str) -> None:
    data = make_data("float64")
    model = make_model(optimizers.Optimizer(name, **settings), "float64")
    trained(model, data, 0, STOP, 32, True)
    ways = {
        "deepcopy": copy.deepcopy,
        "copy": copy.copy,
        "pickle": lambda one: pickle.loads(pickle.dumps(one)),
    }
    twin = ways[how](model)
    assert type(twin) is models.Sequential
    assert state_of(twin) == state_of(model)
    expected = trained(model, data, STOP, EPOCHS, 32, True)
    before = model.digest()
    assert trained(twin, data, STOP, EPOCHS, 32, True) == expected
    twin.layers[1].kernel[...] = 0.0
    twin.optimizer.__dict__["_values"]["epsilon"] = 1.0
    assert model.digest() == before
    assert model.optimizer.parameters.get("epsilon") != 1.0


def test_a_copy_of_a_model_that_is_not_built() -> None:
    def ones(shape: Any, rng: Any) -> Any:
        return np.ones(shape)

    class Mine(models.Sequential):
        """With an attribute of its own."""

        def __init__(self, units: int) -> None:
            super().__init__([layers.Dense(units, kernel_initializer=ones)], name="mine", seed=4)
            self.units = units

    model = Mine(3)
    twin = copy.deepcopy(model)
    assert (type(twin), twin.units, twin.name, twin.seed) == (Mine, 3, "mine", 4)
    assert twin.predict([[2.0, 3.0]]).tolist() == [[5.0, 5.0, 5.0]]
    assert not model.built
    twin.add(layers.Dense(1))
    assert len(model.layers) == 1


def test_recompiled_models_are_saved_as_they_are_now(tmp_path: Path) -> None:
    """State that belongs to another optimizer or network is left behind."""
    data = make_data("float32")
    model = make_model("adam", "float32")
    trained(model, data, 0, 2, 32, True)
    model.compile("sgd", losses.MeanSquaredError(scale=0.5))
    model.save(tmp_path / "a.safetensors")
    loaded = models.load_model(tmp_path / "a.safetensors")
    assert (loaded.optimizer.name, loaded.optimizer.iterations, loaded.loss.scale) == (
        "sgd",
        0,
        0.5,
    )
    trained(model, data, 0, 2, 32, True)
    trained(loaded, data, 0, 2, 32, True)
    assert state_of(loaded) == state_of(model)
    model.pop()
    model.add(layers.Dense(1))
    model.save(tmp_path / "b.safetensors")
    assert models.load_model(tmp_path / "b.safetensors").optimizer.iterations == 0


def test_the_state_of_another_network_is_refused() -> None:
    model, other = make_model("adam", "float32"), make_model("adam", "float32", 7)
    data = make_data("float32")
    for one in (model, other):
        trained(one, data, 0, 1, 32, True)
    assert model._link is not None
    assert other._link is not None
    state = model._link.native.state(model._link.network)
    with pytest.raises(ValueError, match="contiguous elements"):
        other._link.native.resume(other._link.network, *state)
    with pytest.raises(ValueError, match="state vectors"):
        model._link.native.resume(model._link.network, state[0], state[1][:1], {})
    with pytest.raises(ValueError, match="iterations"):
        model._link.native.resume(model._link.network, -1, state[1], {})
    with pytest.raises(ValueError, match="parameters of the optimizer"):
        model._link.native.state(other._link.network)
