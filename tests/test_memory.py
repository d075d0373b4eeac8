"""Memory that runs out, and memory that is given back.

Failing allocations of the core, one by one: tests/native/allocation_test.cpp.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits and figures of Linux")

STARVED = """
import resource
import numpy as np
from shallowcore import layers, models, set_num_threads

set_num_threads(1)
rng = np.random.default_rng(0)
x = rng.standard_normal((8000, 60), np.float32)
y = x[:, :1] * x[:, 1:2]

def make(optimizer, units):
    model = models.Sequential(
        [layers.Input((60,)), layers.Normalization(), layers.Dense(units, "tanh"), layers.Dense(1)],
        seed=0,
    )
    model.compile(optimizer, "mse")
    model.fit(x[:500], y[:500], verbose=0)
    return model

def used():
    return int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()

refused = [0, 0, 0, 0]
for optimizer, units in (("adam", 400), ("sgd", 8), ("lbfgs", 100), ("levenberg_marquardt", 10)):
    for kib in (256, 2048, 5000, 9000, 20000):
        model, twin = make(optimizer, units), make(optimizer, units)
        before = model.digest()
        calls = [
            lambda: model.fit(x, y, batch_size=4096, epochs=2, validation_split=0.5, verbose=0),
            lambda: model.predict(np.broadcast_to(x, (9, *x.shape)).reshape(-1, 60)),
            lambda: model.evaluate(x[::-1], y, verbose=0),
            lambda: model.gradients(x, y),
        ]
        for number, call in enumerate(calls):
            resource.setrlimit(resource.RLIMIT_AS, (used() + (kib << 10), resource.RLIM_INFINITY))
            try:
                call()
            except MemoryError:
                refused[number] += 1
                if number == 0 and model.digest() != before:
                    assert model.optimizer.iterations > twin.optimizer.iterations
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        if model.optimizer.iterations == twin.optimizer.iterations:
            assert model.digest() == before
            twin.note_epochs(model._epochs_started)
            for one in (model, twin):
                one.fit(x, y, batch_size=500, verbose=0)
            assert model.digest() == twin.digest()
print(*refused)
"""


@LINUX
def test_without_memory_a_model_stays_as_it_was_and_trains_later() -> None:
    # glibc keeps freed blocks, which the limit would not see: large ones go back at once here.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
    command = [sys.executable, "-c", STARVED]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    refused = [int(count) for count in done.stdout.split()]
    assert sum(refused) > 20
    assert min(refused) >= 4, refused  # calls of each kind


FIRST_THREADS = """
import resource, sys
import numpy as np
from shallowcore import layers, models, set_num_threads

set_num_threads(2)
x, y = np.ones((400, 300), np.float32), np.zeros(400)
model = models.Sequential([layers.Input((300,)), layers.Dense(100), layers.Dense(1)], seed=0)
model.compile("adam", "mse")
model.predict(x[:1])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]), resource.RLIM_INFINITY))
try:
    model.fit(x, y, batch_size=200, epochs=2, verbose=0)
except MemoryError:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    model.fit(x, y, batch_size=200, epochs=2, verbose=0)
assert np.isfinite(model.predict(x)).all()
"""


@LINUX
@pytest.mark.parametrize("stacks", [0, 0.5, 1, 1.2, 2, 2.2, 3, 4])
def test_no_room_for_threads(stacks: float) -> None:
    """Where there is none for the stacks of all threads, one does the work."""
    room = int(stacks * 2**23)
    command = [sys.executable, "-c", FIRST_THREADS, str(room)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@LINUX
def test_memory_of_many_calls_is_given_back() -> None:
    command = [sys.executable, "-m", "bench.reliability.memory", "--fits", "100"]
    command += ["--predicts", "2000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "predict, a row" in done.stdout
