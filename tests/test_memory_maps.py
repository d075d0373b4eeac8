"""Memory maps: read in place, in shuffled blocks, with few of their pages in memory."""

import subprocess
import sys

import numpy as np
import pytest
from oracle.rng import block_permutation, permutation
from shallowcore import _arrays, _core, layers, models

RNG = np.random.default_rng(1)
BLOCK_BYTES = 1 << 24


def saved(tmp_path, array, name="x.npy", mode="r"):
    path = tmp_path / name
    np.save(path, array)
    return np.load(path, mmap_mode=mode)


def network(n_features, dtype="float32", seed=0):
    model = models.Sequential(
        [layers.Input((n_features,)), layers.Dense(4, "tanh"), layers.Dense(1)],
        dtype=dtype,
        seed=seed,
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize(("n", "block"), [(0, 3), (1, 1), (50, 7), (50, 50), (50, 60), (49, 7)])
def test_the_core_shuffles_blocks_as_the_oracle(n, block):
    for epoch in range(3):
        ours = _core.permutation(n, 2**40 + 5, epoch, block)
        assert ours.tolist() == block_permutation(n, block, 2**40 + 5, epoch).tolist()
    assert _core.permutation(n, 5, 1).tolist() == permutation(n, 5, 1).tolist()


def test_blocks_are_refused_below_one_row():
    with pytest.raises(ValueError, match="block"):
        _core.permutation(5, 0, 0, 0)


# Rows of 4 MiB: four make a block.
WIDE = 1 << 20


@pytest.fixture(scope="module")
def wide():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (14, WIDE), dtype=np.int8).astype(np.float32) / 1024
    return x, rng.standard_normal(14).astype(np.float32)


def test_training_in_blocks_is_the_replayed_order(wide):
    x, y = wide
    model, by_hand = network(WIDE), network(WIDE)
    model.fit(x, y, epochs=2, batch_size=3, shuffle="blocks", verbose=0)
    assert "shuffled in blocks of 4 rows" in model.plan_summary()
    for epoch in range(2):
        order = block_permutation(14, 4, 0, epoch)
        by_hand.fit(x[order], y[order], batch_size=3, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_maps_are_shuffled_in_blocks_and_give_the_same_bits(wide, tmp_path):
    x, y = wide
    results = []
    for inputs, shuffle in ((x, "blocks"), (saved(tmp_path, x), True)):
        model = network(WIDE)
        history = model.fit(
            inputs, y, epochs=2, batch_size=3, shuffle=shuffle, validation_split=0.2, verbose=0
        )
        results.append((model.digest(), history.history, model.evaluate(inputs, y)))
        assert np.array_equal(model.predict(inputs), model.predict(x))
    assert results[0] == results[1]
    assert "in order" in plan_of(saved(tmp_path, x), y, False)
    assert "in blocks" not in plan_of(x, y, True)


def plan_of(x, y, shuffle):
    model = network(x.shape[1])
    model.fit(x, y, batch_size=3, shuffle=shuffle, verbose=0)
    return model.plan_summary()


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int16"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_small_maps_train_as_arrays_do(dtype, order, tmp_path):
    x = np.asarray(RNG.integers(0, 9, (50, 6)), dtype, order=order)
    y = RNG.standard_normal(50)
    model_type = "float64" if dtype == "float64" else "float32"
    plain, mapped = network(6, model_type), network(6, model_type)
    plain.fit(x, y, epochs=2, verbose=0)
    mapped.fit(saved(tmp_path, x), y, epochs=2, verbose=0)
    assert plain.digest() == mapped.digest()


def test_maps_are_read_in_place(tmp_path):
    found = saved(tmp_path, RNG.standard_normal((30, 5)))
    for part in (found, found[3:9], found[::2], np.asarray(found)):
        assert _arrays.memory_map(part) is not None
        assert np.shares_memory(_arrays.features(part, (5,), np.dtype("float64")), found)
    images = saved(tmp_path, np.zeros((4, 3, 2), np.uint8), "images.npy")
    assert np.shares_memory(_arrays.features(images, (3, 2), np.dtype("float32")), images)
    assert _arrays.memory_map(np.array(found)) is None


@pytest.mark.parametrize(("mode", "large"), [("r", True), ("r+", True), ("c", False)])
def test_pages_are_given_back_only_where_the_file_has_them(mode, large, tmp_path):
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(1 << 26)
    found = np.memmap(path, np.float32, mode, shape=(1 << 14, 1 << 10))
    assert _arrays.is_large_map(found) is large
    assert not _arrays.is_large_map(found[1:])
    if mode != "r":
        found[100, 3] = 5.0
    copy = found.copy()
    assert isinstance(copy, np.memmap)
    assert not _arrays.is_large_map(copy)
    copy[200, 5] = 7.0
    model = network(1 << 10)
    for inputs in (found, copy):
        model.fit(inputs, np.zeros(1 << 14), batch_size=512, verbose=0)
        model.evaluate(inputs, np.zeros(1 << 14))
    assert found[100, 3] == copy[100, 3] == (0.0 if mode == "r" else 5.0)
    assert copy[200, 5] == 7.0


def test_bad_numbers_in_a_map_are_found(tmp_path):
    x = RNG.standard_normal((40, 5)).astype(np.float32)
    x[33, 2], x[35, 1] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"in 2 of 200 places, the first at \(33, 2\)"):
        network(5).fit(saved(tmp_path, x), np.zeros(40), verbose=0)


@pytest.mark.parametrize("value", ["batch", "Blocks", 3, None])
def test_bad_shuffles(value):
    error = ValueError if isinstance(value, str) else TypeError
    with pytest.raises(error, match="shuffle"):
        network(5).fit(np.zeros((4, 5)), np.zeros(4), shuffle=value)


PEAK = """
def peak():  # of this program alone: ru_maxrss begins with that of the parent
    with open("/proc/self/status") as status:
        found = [line for line in status if line.startswith("VmHWM")]
    return int(found[0].split()[1]) / 1024  # MiB
"""

SCRIPT = """
import resource, sys
import numpy as np
from shallowcore import layers, models, set_num_threads

def train(x, y, shuffle):
    model = models.Sequential(
        [layers.Input((512,)), layers.Dense(4, "tanh"), layers.Dense(1)], seed=0
    )
    model.compile("adam", "mse")
    model.fit(x, y, batch_size=256, validation_split=0.1, shuffle=shuffle, verbose=0)
    model.evaluate(x, y)
    return model.digest()

set_num_threads(1)
path, limited = sys.argv[1], sys.argv[2] == "map"
y = np.linspace(-1, 1, 1 << 17).astype(np.float32)
train(np.zeros((256, 512), np.float32), y[:256], True)
x = np.load(path, mmap_mode="r" if limited else None)
before = peak()
if limited:
    used = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
    limit = used + (1 << 26)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
print(train(x, y, True if limited else "blocks"), peak() - before)
"""


def run(*command):
    """What a Python process prints."""
    script, *arguments = command
    command = [sys.executable, "-c", PEAK + script, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file of 256 MiB."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("maps") / "large.npy"
    found = np.lib.format.open_memmap(path, "w+", np.float32, (1 << 17, 512))
    for first in range(0, 1 << 17, 1 << 13):
        found[first : first + (1 << 13)] = rng.standard_normal((1 << 13, 512), np.float32)
    del found
    yield path
    path.unlink()


@pytest.mark.skipif(sys.platform != "linux", reason="limits and figures of Linux")
def test_a_map_four_times_larger_than_the_memory_trains_as_in_memory(large):
    """64 MiB to allocate; what is resident does not grow with the file."""
    found = {kind: run(SCRIPT, large, kind) for kind in ("map", "memory")}
    assert found["map"][0] == found["memory"][0]
    assert float(found["map"][1]) < 64


ALL_SAMPLES = """
import sys
import numpy as np
from shallowcore import layers, models, set_num_threads

def train(x, y):
    model = models.Sequential([layers.Input((512,)), layers.Normalization(), layers.Dense(1)])
    model.compile(sys.argv[2], "mse")
    model.fit(x, y, batch_size=len(x), verbose=0)
    model.evaluate(x, y)
    model.predict(x)

set_num_threads(1)
x = np.load(sys.argv[1], mmap_mode="r")[: int(sys.argv[3])]
y = np.linspace(-1, 1, len(x)).astype(np.float32)
train(np.array(x[:1000]), y[:1000])
before = peak()
train(x, y)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="figures of Linux")
@pytest.mark.parametrize(
    ("optimizer", "rows", "most"),
    [("sgd", 1 << 17, 64), ("newton_cg", 1 << 17, 160), ("levenberg_marquardt", 1 << 16, 64)],
)
def test_methods_on_all_samples_keep_little_of_a_map_resident(optimizer, rows, most, large):
    """In MiB, rows of 2 KiB: blocks of 16 MiB, and the buffers of one."""
    assert float(run(ALL_SAMPLES, large, optimizer, rows)[0]) < most
