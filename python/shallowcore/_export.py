"""Exports by suffix: the bytes of an ONNX model or of a C header."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shallowcore._inference import inference_of

if TYPE_CHECKING:
    from shallowcore._persistent_model import PersistentModel


def content(model: PersistentModel, path: str) -> bytes:
    """Return what to write into a file of this name, which ends with ".onnx" or ".h"."""
    if path.endswith(".onnx"):
        from shallowcore import _export_onnx

        return _export_onnx.content(inference_of(model), model.name)
    from shallowcore import _export_c

    stem = os.path.basename(path).removesuffix(".h")
    return _export_c.content(inference_of(model), stem, model.name)
