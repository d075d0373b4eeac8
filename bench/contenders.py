"""Who is timed: libraries, in thread settings made by environment variables.

A rival runs in the form that serves it best.  Losses and weights of a short training have to agree
with the oracle; where a library has another formula for the optimizer, both take plain gradient
descent for that, and the timed trainings are compared by their loss.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata

from shallowcore.bench.workload import Data, Workload

ONE_BLAS_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
# XLA takes the size of its thread pool from NPROC.
ONE_THREAD = ONE_BLAS_THREAD | {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "NPROC": "1"}
MANY_EPOCHS, ONE_CALL = 100, "one call"
CHECKED_RATE = 0.1  # of plain gradient descent in place of another optimizer


@dataclass(frozen=True)
class Library:
    """One that trains.

    module: what has to be installed; other_optimizers: those that the library lacks or defines
    otherwise, how far losses of timed trainings may lie from NumPy's, relative, and what differs.
    """

    label: str
    module: str
    distributions: Sequence[str]
    other_optimizers: Mapping[str, tuple[float, str]] = field(default_factory=dict)

    def is_installed(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    def version(self) -> str:
        """Versions, of what it runs on too."""
        return ", ".join(metadata.version(name) for name in self.distributions)


RIVALS = {
    "sklearn": Library(
        "scikit-learn",
        "sklearn",
        ["scikit-learn"],
        {"rmsprop": (0.5, "has no RMSprop: Adam instead")},
    ),
    "torch": Library(
        "PyTorch",
        "torch",
        ["torch"],
        {
            "adam": (0.1, "adds Adam's epsilon to a corrected root"),
            "rmsprop": (0.1, "adds RMSprop's epsilon outside the root"),
        },
    ),
    "jax": Library("JAX", "jax", ["jax"]),
    "keras": Library("Keras on JAX", "keras", ["keras", "jax"]),
}
OURS = {
    "shallowcore": Library("shallowcore", "shallowcore", ["shallowcore"]),
    "numpy": Library("NumPy", "numpy", ["numpy"]),
}
LIBRARIES = OURS | RIVALS


@dataclass(frozen=True)
class Contender:
    """A library in one form and one thread setting ("default", "1", "2").

    preparation: the function that makes its trainings, see worker.py.
    """

    library: str
    preparation: str
    form: str
    threads: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Library and form."""
        label = LIBRARIES[self.library].label
        return f"{label}, {self.form}" if self.form else label

    @property
    def label(self) -> str:
        """Library, form and threads."""
        plural = "" if self.threads == "1" else "s"
        return f"{self.name}, {self.threads} thread{plural}"


def own_threads(threads: str) -> Contender:
    """shallowcore on so many threads."""
    variables = {} if threads == "default" else {"SHALLOWCORE_NUM_THREADS": threads}
    return Contender("shallowcore", "shallowcore", "", threads, variables)


def both(library: str, preparation: str, form: str = "") -> list[Contender]:
    """A rival on its default threads and on one."""
    return [
        Contender(library, preparation, form, "default"),
        Contender(library, preparation, form, "1", ONE_THREAD),
    ]


def contenders(workload: Workload, data: Data, rivals: Sequence[str]) -> list[Contender]:
    """All that train this workload, shallowcore's default first."""
    found = [own_threads(threads) for threads in ("default", "1", "2")]
    if data.raw is not None:
        found.append(Contender("shallowcore", "shallowcore_8bit", "8-bit input", "default"))
    found += both("numpy", "numpy")
    for rival in rivals:
        found += both(rival, rival)
        # With a few epochs, a call for each or one for all makes no difference.
        if rival == "jax" and workload.full.epochs >= MANY_EPOCHS:
            found += both(rival, "jax_whole", ONE_CALL)
    return found


def available(chosen: Sequence[str]) -> tuple[list[str], list[str]]:
    """Rivals that are installed, and a note on each of the others."""
    found = [name for name in chosen if RIVALS[name].is_installed()]
    notes = [
        f"skipped: {RIVALS[name].label} is not installed (the extra `bench` has all rivals)"
        for name in chosen
        if name not in found
    ]
    return found, notes


def checked(contender: Contender, workload: Workload) -> Workload:
    """The workload as the contender is checked on it."""
    if workload.optimizer not in LIBRARIES[contender.library].other_optimizers:
        return workload
    return replace(workload, optimizer="sgd", settings={"learning_rate": CHECKED_RATE})


def formula_notes(rivals: Sequence[str], workloads: Sequence[Workload]) -> list[str]:
    """Where rivals compute something else."""
    notes = []
    for library in (RIVALS[rival] for rival in rivals):
        for workload in workloads:
            if workload.optimizer in library.other_optimizers:
                rtol, what = library.other_optimizers[workload.optimizer]
                notes.append(
                    f"{workload.name}: {library.label} {what}; losses and weights compared with "
                    f"plain gradient descent, the loss of the timed training within {rtol:.0%}"
                )
    return notes
