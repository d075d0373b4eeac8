"""What the core was built with and runs on, and how many threads it may use."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np

from shallowcore import _core
from shallowcore._checks import check_int

__all__ = ["get_num_threads", "num_threads", "set_num_threads", "show_config"]

_MAX_THREADS = 1024


def set_num_threads(n: int) -> None:
    """Set the number of threads that work may be spread over.

    At import the number comes from `SHALLOWCORE_NUM_THREADS`, else `OMP_NUM_THREADS`, else the
    processors this process may use (affinity mask and container quota considered).  Results have
    the same bits for any number.

    Parameters
    ----------
    n : int
        Threads, 1 to 1024.

    Raises
    ------
    TypeError, ValueError
        If `n` is not such a number.

    Examples
    --------
    >>> import shallowcore as sc
    >>> before = sc.get_num_threads()
    >>> sc.set_num_threads(1)
    >>> sc.get_num_threads()
    1
    >>> sc.set_num_threads(before)
    """
    _core.set_num_threads(check_int(n, "n", 1, _MAX_THREADS))


def get_num_threads() -> int:
    """Return the number of threads that work may be spread over.

    Returns
    -------
    int
        At least 1; a core built without OpenMP works on one whatever this says.

    Examples
    --------
    >>> import shallowcore as sc
    >>> sc.get_num_threads() >= 1
    True
    """
    return _core.num_threads()


class num_threads:
    """Context manager: another number of threads inside a `with` block.

    Parameters
    ----------
    n : int
        Threads, 1 to 1024.  The number holds for the whole process, not for one Python thread.

    Examples
    --------
    >>> import shallowcore as sc
    >>> with sc.num_threads(1):
    ...     sc.get_num_threads()
    1
    """

    def __init__(self, n: int) -> None:
        self._n = check_int(n, "n", 1, _MAX_THREADS)
        self._before: list[int] = []

    def __enter__(self) -> None:
        self._before.append(_core.num_threads())
        _core.set_num_threads(self._n)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _core.set_num_threads(self._before.pop())


def _config() -> dict[str, Any]:
    """Every figure of show_config, in order."""
    from importlib.metadata import version

    return {
        "version": version("shallowcore"),
        "numpy": np.__version__,
        "compiler": _core.compiler(),
        "instruction set": _core.isa(),
        "instruction sets compiled in": _core.compiled_isas(),
        "instruction sets of this machine": _core.supported_isas(),
        "plans of trainings": _core.plan_names(),
        "blas": _core.blas(),
        "openmp": _core.openmp(),
        "threads": _core.num_threads(),
        "available processors": _core.available_cpus(),
    }


def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Show version, instruction sets, plans, BLAS, OpenMP and threads.

    Instruction sets: the one in use, those compiled in, those that this machine runs.  Plans: the
    ways to compute a training's steps, in the order in which they are considered; what a model's
    training got, and why, says its `plan_summary`.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        Print the figures, or return them, as `numpy.show_config` does.

    Returns
    -------
    dict or None
        The figures by name with mode="dicts"; None when they were printed.

    Raises
    ------
    ValueError
        If `mode` is another word.

    Examples
    --------
    >>> import shallowcore as sc
    >>> sc.show_config(mode="dicts")["threads"] == sc.get_num_threads()
    True
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f"mode must be 'stdout' or 'dicts', got {mode!r}")
    config = _config()
    if mode == "dicts":
        return config
    width = max(len(name) for name in config)
    for name, value in config.items():
        text = ", ".join(value) if isinstance(value, list) else value
        print(f"{name:<{width}}  {text}")
    return None
