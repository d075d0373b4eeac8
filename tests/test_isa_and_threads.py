"""Which instruction set runs, and how many threads: what they may change, and what they may not.

An instruction set changes rounding only: each one passes the comparisons with the oracle.  The
number of threads changes nothing: the same bits for any number of them, in every run, and for a
sample alone or among others.  Each promise is checked in processes of its own, since the
instruction set is chosen at import.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import shallowcore as sc
from oracle.network import Loss
from oracle.tolerances import assert_close, assert_same_bits, reduction
from shallowcore import _core
from twins import SPARSE, chain, model_of

TESTS = Path(__file__).parent
SUPPORTED = _core.supported_isas()
FOREIGN = sorted({"baseline", "avx2", "avx512", "neon"} - set(SUPPORTED))
# What is compared with the oracle on every instruction set.
AGAINST_THE_ORACLE = (
    "test_kernels.py",
    "test_kernels_elementwise.py",
    "test_dropout.py",
    "test_gradients.py",
    "test_trajectories.py",
    "test_newton_cg.py",
    "test_lbfgs.py",
    "test_levenberg_marquardt.py",
)
THREADS = (1, 2, 3, 8)
SETTINGS = ("SHALLOWCORE_FORCE_ISA", "SHALLOWCORE_NUM_THREADS", "OMP_NUM_THREADS")


def python(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """A new Python with only these settings of the core in its environment."""
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return subprocess.run(
        [sys.executable, *arguments],
        env=inherited | settings,
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def output(*arguments: str, **settings: str) -> str:
    """What such a Python prints; it must succeed."""
    result = python(*arguments, **settings)
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


# --- instruction sets -----------------------------------------------------------------------------


def test_the_best_instruction_set_is_chosen() -> None:
    compiled = _core.compiled_isas()
    assert set(SUPPORTED) <= set(compiled)
    assert "baseline" in compiled or "neon" in compiled
    for settings in ({}, {"SHALLOWCORE_FORCE_ISA": ""}):
        code = "from shallowcore import _core; print(_core.isa())"
        assert output("-c", code, **settings).strip() == SUPPORTED[-1]


@pytest.mark.parametrize("isa", SUPPORTED)
def test_a_forced_instruction_set_is_the_one_that_runs(isa: str) -> None:
    """As the configuration says, and as the plan of a training says."""
    code = """
import shallowcore as sc
from shallowcore import layers, models
model = models.Sequential([layers.Input((2,)), layers.Dense(1, "sigmoid")], seed=0)
model.compile("sgd", "mse")
model.fit([[1.0, 2.0]], [1.0], verbose=0)
print(sc.show_config(mode="dicts")["instruction set"], sc._core.isa())
print(model.plan_summary())
"""
    config, plan = output("-c", code, SHALLOWCORE_FORCE_ISA=isa).split("\n", 1)
    assert config.split() == [isa, isa]
    assert re.search(rf"\b{isa}\b", plan)


@pytest.mark.parametrize("isa", [name for name in SUPPORTED if name != _core.isa()])
def test_the_other_instruction_sets_agree_with_the_oracle(isa: str) -> None:
    """The comparisons that have just run on the one in use."""
    files = [str(TESTS / name) for name in AGAINST_THE_ORACLE]
    report = output(
        *("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files),
        SHALLOWCORE_FORCE_ISA=isa,
        SHALLOWCORE_NUM_THREADS="1",
    )
    passed = re.search(r"(\d+) passed in", report)
    assert passed is not None
    assert int(passed[1]) > 700, report


@pytest.mark.parametrize("isa", ["nonsense", "AVX2", *FOREIGN])
def test_an_instruction_set_that_cannot_run_is_refused_at_import(isa: str) -> None:
    result = python("-c", "import shallowcore", SHALLOWCORE_FORCE_ISA=isa)
    assert result.returncode == 1
    message = result.stderr.strip().splitlines()[-1]
    assert "SHALLOWCORE_FORCE_ISA" in message
    assert isa in message
    for name in SUPPORTED:
        assert name in message


# --- threads --------------------------------------------------------------------------------------


@pytest.mark.parametrize("isa", SUPPORTED)
def test_any_number_of_threads_gives_the_same_bits(isa: str) -> None:
    """Products, trainings, predictions and gradients of many shapes; see bits.py."""
    numbers = [str(n) for n in THREADS]
    first, *others = json.loads(output("tests/bits.py", *numbers, SHALLOWCORE_FORCE_ISA=isa))
    assert first["isa"] == isa
    for other in others:
        assert other["products"] == first["products"]
        assert other["trainings"] == first["trainings"]
    before = first["threads"][0]
    if _core.openmp() != "none" and before:  # so many threads were there to work
        for n, one in zip(THREADS, (first, *others), strict=True):
            assert one["threads"][1] - before >= n - 1
        assert first["threads"][1] == before
    if isa == SUPPORTED[-1]:
        again = json.loads(output("tests/bits.py", "2", SHALLOWCORE_FORCE_ISA=isa))[0]
        assert again["products"] == first["products"]
        assert again["trainings"] == first["trainings"]


@pytest.mark.parametrize(
    ("own", "general", "expected"),
    [
        ("3", "5", 3),
        ("3", None, 3),
        (None, "5", 5),
        (None, "4,2", 4),
        ("7", "many", 7),
        ("many", "5", 5),
        ("0", "5", 5),
        ("-2", "5", 5),
        ("1e3", "5", 5),
        ("", "5", 5),
        ("99999999999999999999", "5", 5),
        ("many", "0", None),
        (None, None, None),
    ],
)
def test_threads_from_the_environment(
    own: str | None, general: str | None, expected: int | None
) -> None:
    """Our variable, else OpenMP's, else the processors; what is no number above 0 counts not."""
    given = {"SHALLOWCORE_NUM_THREADS": own, "OMP_NUM_THREADS": general}
    settings = {name: value for name, value in given.items() if value is not None}
    code = """
from shallowcore import _core
import shallowcore as sc
print(sc.get_num_threads(), _core.available_cpus())
sc.set_num_threads(6)
with sc.num_threads(2):
    print(sc.get_num_threads())
print(sc.get_num_threads())
"""
    numbers = [int(text) for text in output("-c", code, **settings).split()]
    assert numbers[0] == (numbers[1] if expected is None else expected)
    assert numbers[2:] == [2, 6]


def test_an_affinity_mask_is_honoured() -> None:
    """Where there are such masks; elsewhere all processors count."""
    code = """
import os
from shallowcore import _core
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(_core.available_cpus() == 1)
else:
    print(_core.available_cpus() <= os.cpu_count())
"""
    assert output("-c", code).strip() == "True"


def test_python_threads_train_models_side_by_side() -> None:
    """Each its own model, with teams of threads: what they do alone, bit for bit."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(600, 200)).astype(np.float32), rng.integers(0, 10, 600)

    def trained(seed: int) -> Any:
        network = chain(
            np.random.default_rng(seed), (200, 128, 10), ("tanh", "softmax"), np.float32
        )
        model = model_of(network, 200, Loss(SPARSE), "adam", seed=seed)
        model.fit(x, y, batch_size=256, epochs=3, verbose=0)
        return model.digest()

    with sc.num_threads(2):
        alone = [trained(seed) for seed in range(3)]
        together: dict[int, Any] = {}
        workers = [
            Thread(target=lambda seed=seed: together.update({seed: trained(seed)}))
            for seed in range(3)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert [together[seed] for seed in range(3)] == alone


# --- a sample alone and among others --------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(37, 1), (64, 32), (20, 10, 1), (784, 65, 10), (5, 3, 3, 2)])
def test_a_row_alone_gives_the_bits_it_gives_in_a_batch(sizes: tuple[int, ...], dtype: Any) -> None:
    names = [*["tanh"] * (len(sizes) - 2), "sigmoid" if sizes[-1] == 1 else "softmax"]
    rng = np.random.default_rng(2)
    model = model_of(chain(rng, sizes, names, dtype), sizes[0], Loss("mean_squared_error"))
    x = rng.normal(size=(701, sizes[0])).astype(dtype)
    whole = model.predict(x)
    for rows in (slice(0, 1), slice(5, 6), slice(700, 701), slice(3, 10), slice(100, 613)):
        assert_same_bits(model.predict(x[rows]), whole[rows])
    by_columns = np.asfortranarray(x)
    sideways = model.predict(by_columns)
    for rows in (slice(5, 6), slice(100, 613)):
        assert_same_bits(model.predict(by_columns[rows]), sideways[rows])
    # In another order of memory the sums of a single output may run in another order.
    if sizes[1] > 1:
        assert_same_bits(sideways, whole)
    assert_close(sideways, whole, reduction(dtype, sizes[0]))


# --- fork -----------------------------------------------------------------------------------------

FORK = """
import os
import sys
from threading import Thread
import numpy as np
import shallowcore as sc
from shallowcore import layers, models

sc.set_num_threads(2)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(1200, 300)).astype(np.float32), rng.integers(0, 10, 1200)


def trained():
    model = models.Sequential([layers.Input((300,)), layers.Dense(200, "relu"),
                               layers.Dense(10, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=400, epochs=3, verbose=0)
    return model.digest()


def forked(depth):
    child = os.fork()
    if child == 0:
        same = trained() == digest and (depth == 0 or forked(depth - 1))
        os._exit(0 if same else 1)
    return os.waitpid(child, 0)[1] == 0


digest = trained()
assert forked(1)
assert trained() == digest
running = True
busy = Thread(target=lambda: [trained() for _ in iter(lambda: running, False)])
if sys.argv[1] == "busy":
    busy.start()
for _ in range(8):
    assert forked(0)
running = False
assert trained() == digest
if sys.argv[1] == "busy":
    busy.join()
print("done")
"""


@pytest.mark.parametrize("parent", ["idle", "busy"] if hasattr(os, "fork") else [])
def test_a_forked_child_trains_on(parent: str) -> None:
    """No hang, the same bits; a child's child, and forks in the middle of another's training."""
    assert output("-W", "ignore::DeprecationWarning", "-c", FORK, parent).strip() == "done"
