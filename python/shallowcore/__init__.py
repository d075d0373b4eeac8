"""Shallow neural networks trained by a C++ core, in the words of Keras and scikit-learn.

Importing this package loads NumPy and the native core only; the submodules below load when first
used, and what they need beyond NumPy when it is first needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

try:
    importlib.import_module("shallowcore._core")
except ImportError as _error:
    raise ImportError(
        f"shallowcore's native core could not be loaded ({_error}): did you build and install it? "
        "`pip install .` in a checkout does both; python/ itself holds no compiled code."
    ) from _error

from shallowcore._config import get_num_threads, num_threads, set_num_threads, show_config

if TYPE_CHECKING:
    from shallowcore import activations as activations
    from shallowcore import callbacks as callbacks
    from shallowcore import datasets as datasets
    from shallowcore import initializers as initializers
    from shallowcore import interop as interop
    from shallowcore import layers as layers
    from shallowcore import losses as losses
    from shallowcore import metrics as metrics
    from shallowcore import models as models
    from shallowcore import ops as ops
    from shallowcore import optimizers as optimizers
    from shallowcore import plotting as plotting
    from shallowcore import regularizers as regularizers
    from shallowcore import sklearn as sklearn
    from shallowcore import utils as utils

    __version__: str

__all__ = [
    "__version__",
    "get_num_threads",
    "num_threads",
    "set_num_threads",
    "show_config",
]

_SUBMODULES = frozenset(
    {
        "activations",
        "callbacks",
        "datasets",
        "initializers",
        "interop",
        "layers",
        "losses",
        "metrics",
        "models",
        "ops",
        "optimizers",
        "plotting",
        "regularizers",
        "sklearn",
        "utils",
    }
)


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "__version__":
        from importlib.metadata import version

        globals()[name] = version(__name__)
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_SUBMODULES})
