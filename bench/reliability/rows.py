"""A row predicted alone and among others, from memory of any layout: the same bits."""

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import shallowcore as sc
from numpy.typing import NDArray
from shallowcore import _core, layers, models

ACTIVATIONS = [info.name for info in _core.activation_table()]
WIDTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 47, 64, 65, 100, 130)
FEATURES = (1, 2, 3, 5, 8, 13, 16, 17, 20, 32, 37, 54, 64, 100, 129, 300, 784)
ROWS = (1, 2, 3, 5, 8, 12, 13, 33, 100, 257, 701)

Layout = tuple[str, NDArray[Any], slice | NDArray[Any]]


def random_model(rng: np.random.Generator) -> models.Sequential:
    """One to three layers of any widths and activations, perhaps behind a rescaling."""
    n_features = int(rng.choice(FEATURES))
    stack: list[layers.Layer] = [layers.Input((n_features,))]
    if rng.random() < 0.3:
        stack.append(layers.Rescaling(1 / 16, -0.1))
    for _ in range(rng.integers(1, 4)):
        use_bias = bool(rng.random() < 0.8)
        units, activation = int(rng.choice(WIDTHS)), str(rng.choice(ACTIVATIONS))
        stack.append(
            layers.Dense(units, activation, use_bias=use_bias, bias_initializer="random_normal")
        )
    dtype = str(rng.choice(["float32", "float64"]))
    model = models.Sequential(stack, dtype=dtype, seed=int(rng.integers(1 << 30)))
    model.build()
    return model


def random_rows(rng: np.random.Generator, n_features: int, dtype: str) -> NDArray[Any]:
    """Samples of one of the types that a model reads."""
    kinds = (dtype, dtype, "float32", "float64", "uint8", "int32", "int64", "bool")
    kind = np.dtype(str(rng.choice(kinds)))
    x = 3 * rng.normal(size=(int(rng.choice(ROWS)), n_features)).astype(np.float32)
    return x.astype(kind) if kind.kind == "f" else np.abs(10 * x).astype(kind)


def moved(x: NDArray[Any], offset: int) -> NDArray[Any]:
    """A copy that begins so many bytes beyond a border of 64."""
    memory = np.zeros(x.nbytes + 128, np.uint8)
    first = -memory.ctypes.data % 64 + offset
    copy = memory[first : first + x.nbytes].view(x.dtype).reshape(x.shape)
    copy[...] = x
    return copy


def layouts(x: NDArray[Any], rng: np.random.Generator) -> Iterator[Layout]:
    """The same numbers elsewhere and otherwise in memory: name, array, which rows of x it has."""
    n, k = x.shape
    i = int(rng.integers(n))
    some = slice(i, int(rng.integers(i + 1, n + 1)))
    alone, every = slice(i, i + 1), slice(None)
    by_columns = np.asfortranarray(x)
    apart = np.zeros((2 * n, 2 * k + 3), x.dtype)
    apart[::2, 1 : 2 * k + 1 : 2] = x
    beside = np.zeros((n, k + 3), x.dtype)
    beside[:, 1:-2] = x
    turned = np.ascontiguousarray(x[::-1])[::-1]
    mirrored = np.ascontiguousarray(x[:, ::-1])[:, ::-1]
    mixed = rng.permutation(n)
    yield "alone", x[alone], alone
    yield "among fewer", x[some], some
    yield "among more", np.concatenate([x, x, x])[n : 2 * n + 1], np.r_[0:n, 0]
    yield "in another order", x[mixed], mixed
    yield "at another address", moved(x, int(rng.integers(64))), every
    yield "alone, at another address", moved(x[alone], int(rng.integers(64))), alone
    yield "part of wider rows", beside[:, 1:-2], every
    yield "rows backwards", turned, every
    yield "columns first (F)", by_columns, every
    yield "columns first (F), some rows", by_columns[some], some
    yield "columns first (F), alone", by_columns[alone], alone
    yield "every second column", apart[::2, 1 : 2 * k + 1 : 2], every
    yield "every second column, alone", apart[::2, 1 : 2 * k + 1 : 2][alone], alone
    yield "columns backwards", mirrored, every


def check_model(rng: np.random.Generator, found: Counter[tuple[str, bool]]) -> str:
    """Count, by layout, whether a random model's predictions are those of plain memory.

    Returns what it was, for a report of a difference.
    """
    model = random_model(rng)
    x = random_rows(rng, int(model.input_shape[-1] or 0), model.dtype)
    with sc.num_threads(int(rng.integers(1, 5))):
        check_rows(model, x, rng, found)
    return f"{model!r}, {len(x)} rows of {x.dtype}"


def check_rows(
    model: models.Sequential,
    x: NDArray[Any],
    rng: np.random.Generator,
    found: Counter[tuple[str, bool]],
) -> None:
    """Count the same for one model and its inputs."""
    expected = model.predict(x)
    for name, same, rows in layouts(x, rng):
        bits = model.predict(same).tobytes()
        found[name, bits == np.ascontiguousarray(expected[rows]).tobytes()] += 1


def check_estimator(rng: np.random.Generator, found: Counter[tuple[str, bool]]) -> str:
    """The same for what an estimator predicts."""
    from shallowcore.sklearn import LogisticRegression, MLPClassifier, MLPRegressor
    from sklearn.exceptions import ConvergenceWarning

    n_classes, k = int(rng.integers(2, 9)), int(rng.choice(FEATURES[:-2]))
    x = rng.normal(size=(97, k)).astype(str(rng.choice(["float32", "float64"])))
    y = rng.integers(0, n_classes, 97)
    y[:n_classes] = np.arange(n_classes)
    kind = int(rng.integers(3))
    hidden = (int(rng.choice(WIDTHS)),)
    estimator: Any = [
        LogisticRegression(max_iter=9),
        MLPClassifier(hidden_layer_sizes=hidden, max_iter=1, random_state=1),
        MLPRegressor(hidden_layer_sizes=hidden, max_iter=1, random_state=1),
    ][kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(x, y)
    names = ("predict",) if kind == 2 else ("predict_proba", "predict_log_proba", "predict")
    for method in names:
        call = getattr(estimator, method)
        expected = call(x)
        for _, same, rows in layouts(x, rng):
            bits = np.ascontiguousarray(call(same)).tobytes()
            found[f"{type(estimator).__name__}.{method}", bits == expected[rows].tobytes()] += 1
    return f"{estimator!r}, {k} features, {n_classes} classes"
