"""Forked, spawned and threaded work, and work beside other libraries: no hang, the right bits.

Short forms of `python -m bench.reliability.forks`, which runs hundreds of rounds; a watchdog ends
what hangs.
"""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0
SLOW = ("spawn", "forkserver", "joblib loky")  # their workers import everything anew


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    import bench.reliability.forks

    return bench.reliability.forks


def assert_works(forks: ModuleType, names: list[str]) -> None:
    outcome, done = forks.try_workers(names, 1, PATIENCE)
    assert outcome == "ok"
    assert done == names


def test_forks_and_threads(forks: ModuleType) -> None:
    """One after another in one process: each finds the threads of those before."""
    names = [name for name in forks.workers.WAYS if not any(word in name for word in SLOW)]
    assert {"one model, two trainers", "one model, many predictors"} < set(names)
    assert_works(forks, names)


def test_new_processes(forks: ModuleType) -> None:
    assert_works(forks, ["multiprocessing spawn", "joblib loky"])


def test_a_hang_is_found_and_ended(forks: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    code = "import time\nprint('alive', flush=True)\ntime.sleep(60)"
    program = forks.Program(code, 0.8)
    assert program.rest() == ["alive"]
    assert program.outcome == "HANGS"
    if sys.platform != "win32":
        assert "most recent call first" in capfd.readouterr().err
    program = forks.Program("raise SystemExit(3)", PATIENCE)
    assert (program.rest(), program.outcome) == ([], "ENDS WITH 3")


def test_beside_scikit_learn(forks: ModuleType) -> None:
    """By turns, each with threads of its own: the results of work alone."""
    pytest.importorskip("sklearn")
    order = ("shallowcore", "sklearn")
    outcome, ratios = forks.neighbours.compare(order, order, PATIENCE, 3, 1)
    assert outcome == "ok"  # the same in both
    assert set(ratios) == {*order, "numpy"}


LEFT_AT_WORK = """
import sys, threading, time
import numpy as np
from shallowcore import layers, models, ops, set_num_threads

call, threads = sys.argv[1], int(sys.argv[2])
set_num_threads(threads)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(20_000, 300)).astype(np.float32), rng.normal(size=(20_000, 1))
model = models.Sequential([layers.Input((300,)), layers.Dense(100), layers.Dense(1)], seed=0)
model.compile("adam", "mse")
model.predict(x[:1])
calls = {
    "fit": lambda: model.fit(x, y, epochs=10**6, verbose=0),
    "predict": lambda: model.predict(x),
    "evaluate": lambda: model.evaluate(x, y, verbose=0),
    "gradients": lambda: model.gradients(x, y),
    "ops.dense": lambda: ops.dense(x, x[:300].copy(), np.zeros(300, np.float32)),
}
began = threading.Event()

def work():
    began.set()
    while True:
        calls[call]()

for _ in range(1 if call == "fit" else 2):
    threading.Thread(target=work, daemon=True).start()
began.wait()
time.sleep(0.1)
"""


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("call", ["fit", "predict", "evaluate", "gradients", "ops.dense"])
def test_a_process_ends_well_with_daemon_threads_at_work(call: str, threads: int) -> None:
    command = [sys.executable, "-c", LEFT_AT_WORK, call, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")


def test_free_threaded_python_is_not_declared() -> None:
    """Nobody has tested it: such an interpreter keeps its lock, and no wheels are made for it."""
    for source in (ROOT / "cpp" / "bind").iterdir():
        assert "gil_not_used" not in source.read_text(encoding="utf-8"), source
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '\nskip = "cp3*t-* ' in project
    assert "Free Threading" not in project
