"""Tries the installed package on machines that are not at hand.

    python tools/check_machines.py [STEP ...]      all steps by default; each prints its figures

nehalem    qemu-user emulates a processor without AVX: the baseline kernels run, and the tests that
           compare the core with the oracle pass (no other process may be started under emulation).
threads    64 threads on the processors that there are: the five workloads are right, and no slower
           than 1.5 times their time on the default number of threads.
read-only  no home, and nothing can be written anywhere, temporary files included: import, fit and
           info; needs unshare (util-linux) and the right to use it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLD_CPU = "Nehalem"
TESTS = (
    "test_kernels.py", "test_kernels_elementwise.py", "test_ops.py", "test_gradients.py",
    "test_trajectories.py", "test_models.py", "test_newton_cg.py", "test_lbfgs.py",
    "test_levenberg_marquardt.py",
)  # fmt: skip
MANY, ROUNDS, MOST = "64", 3, 1.5

FIT = """
import numpy as np
from shallowcore import datasets, layers, models
x, y = datasets.make_flower(seed=0)
model = models.Sequential([layers.Input((2,)), layers.Dense(4, "tanh"), layers.Dense(1, "sigmoid")])
model.compile("sgd", "binary_crossentropy")
print("fit: loss", model.fit(x, y, epochs=2, verbose=0).history["loss"][-1])
"""


def run(*command: str, cwd: Path = ROOT, **settings: str) -> str:
    """What a command prints; it must succeed."""
    env = {**os.environ, "MPLBACKEND": "Agg", **settings}
    done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout}\nfailed ({done.returncode}): {' '.join(command)}")
    return done.stdout


def check_nehalem() -> None:
    """The tests in one emulated process."""
    emulator = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
    if emulator is None:
        raise SystemExit("qemu-x86_64 is missing (Debian: qemu-user)")
    python = (emulator, "-cpu", OLD_CPU, sys.executable)
    config = run(*python, "-c", "import shallowcore; shallowcore.show_config()")
    print(config)
    if config.split("instruction set ")[1].split()[0] != "baseline":
        raise SystemExit("these are not the baseline kernels")
    start = time.perf_counter()
    files = [f"tests/{name}" for name in TESTS]
    report = run(*python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    print(f"{report.splitlines()[-1]}; {time.perf_counter() - start:.0f} s with start-up")


def check_threads() -> None:
    """The benchmark in turns on default and many threads; it checks its results itself."""
    best: dict[str, dict[str, float]] = {"default": {}, MANY: {}}  # no number: as if not set
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        for _ in range(ROUNDS):
            for name, times in best.items():
                command = (sys.executable, "-m", "shallowcore", "bench", "--json", str(file))
                run(*command, SHALLOWCORE_NUM_THREADS=name)
                for row in json.loads(file.read_text())["rows"]:
                    if row["contender"] == "shallowcore":
                        workload, seconds = row["workload"], min(row["seconds"])
                        times[workload] = min(seconds, times.get(workload, seconds))
    for workload, seconds in best["default"].items():
        ratio = best[MANY][workload] / seconds
        print(f"{workload:<10} {MANY} threads take {ratio:.2f} of the default's {seconds:.4f} s")
        if ratio > MOST:
            raise SystemExit(f"more than {MOST} times")


def check_read_only() -> None:
    """In a mount namespace of its own, in which / is read-only."""
    seal = 'mount -o remount,bind,ro / && ! touch /tmp/written 2>/dev/null && exec "$@"'
    sealed = ("unshare", "--map-root-user", "--mount", "sh", "-c", seal, "sh", sys.executable)
    for options in (("-c", FIT), ("-m", "shallowcore", "info")):
        print(run(*sealed, *options, cwd=Path("/"), HOME="/nonexistent", XDG_CACHE_HOME=""))


STEPS = {"nehalem": check_nehalem, "threads": check_threads, "read-only": check_read_only}


def main() -> None:
    """Command line; ends with an error message at the first thing that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)}")
    names = parser.parse_args().steps or list(STEPS)
    for name in names:
        if name not in STEPS:
            parser.error(f"unknown step {name!r}")
        print(f"--- {name}", flush=True)
        STEPS[name]()


if __name__ == "__main__":
    main()
