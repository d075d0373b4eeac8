"""Packages that only some of the work needs, each brought by an extra of the same install."""

from __future__ import annotations

import importlib
from typing import Any

_EXTRAS = {
    "h5py": ("h5py", "data"),
    "matplotlib": ("matplotlib", "plot"),
    "onnx": ("onnx", "onnx"),
    "pandas": ("pandas", "data"),
    "pyarrow": ("pyarrow", "data"),
    "safetensors": ("safetensors", "save"),
    "sklearn": ("scikit-learn", "sklearn"),
    "tqdm": ("tqdm", "progress"),
}


def import_optional(module: str, what: str) -> Any:
    """Return a module such as "onnx.helper", or raise ImportError: `what` needs which extra."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package, extra = _EXTRAS[module.partition(".")[0]]
        raise ImportError(f'{what} needs {package}: pip install "shallowcore[{extra}]"') from error
