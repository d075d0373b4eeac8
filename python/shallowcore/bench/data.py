"""Samples of the workloads: packaged or made up; photographs where they are on this machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import datasets
from shallowcore.bench.workload import SEED, Data


def shallow() -> Data:
    """Normal samples; the class is whether two of the features have the same sign."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(4000, 20)).astype(np.float32)
    return Data(x, (x[:, :1] * x[:, 1:2] > 0).astype(np.float32), "synthetic")


def planar() -> Data:
    """The flower of the exercise on planar data."""
    x, y = datasets.make_flower(400)
    return Data(x.astype(np.float32), y[:, np.newaxis].astype(np.float32), "flower")


def cat() -> Data:
    """The 209 cat photographs, 64 x 64 pixels in three colours; or random ones."""
    try:
        (photographs, labels), _ = datasets.load_cats(download=False)
    except (FileNotFoundError, ImportError):  # no data, or no h5py to read them
        rng = np.random.default_rng(SEED)
        raw = rng.integers(0, 256, (209, 64 * 64 * 3), dtype=np.uint8)
        return images(raw, (raw[:, :1] > 127).astype(np.float32), "synthetic")
    return images(photographs, labels[:, np.newaxis].astype(np.float32), "cats")


def tabular() -> Data:
    """Seven classes by the largest of seven random linear forms, with noise."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(100_000, 54)).astype(np.float32)
    scores = x @ rng.normal(size=(54, 7)) + rng.normal(size=(len(x), 7))
    return Data(x, scores.argmax(axis=1).astype(np.int32), "synthetic")


def mnist() -> Data:
    """The 60,000 digits of MNIST; or ten random patterns, and noise."""
    try:
        (digits, labels), _ = datasets.load_mnist(download=False)
    except FileNotFoundError:
        rng = np.random.default_rng(SEED)
        labels = rng.integers(0, 10, 60_000, dtype=np.uint8)
        patterns = rng.integers(0, 128, (10, 28 * 28), dtype=np.uint8)
        digits = rng.integers(0, 128, (len(labels), 28 * 28), dtype=np.uint8) + patterns[labels]
        return images(digits, labels.astype(np.int32), "synthetic")
    return images(digits, labels.astype(np.int32), "MNIST")


def images(raw: NDArray[np.uint8], y: NDArray[Any], source: str) -> Data:
    """Images as rows, values from 0 to 1 and as they are."""
    raw = raw.reshape(len(raw), -1)
    return Data(raw.astype(np.float32) / np.float32(255), y, source, raw)
