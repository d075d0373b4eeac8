"""Models for the tests of files, and `python saved_models.py`, which writes those in tests/data.

It writes a file of the present format version for each model here that has none, with what came of
it beside (an .npz: data, weights, outputs, the weights after one more epoch); files that
are there, of this and of earlier versions, stay as they are.
"""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from shallowcore import (
    _files,
    activations,
    initializers,
    layers,
    losses,
    models,
    optimizers,
    regularizers,
)

DATA = Path(__file__).parent / "data"


def regression() -> tuple[Any, Any]:
    """Data of the regressions."""
    rng = np.random.default_rng(0)
    x = rng.normal(5.0, 3.0, (40, 4))
    return x, 100.0 * np.tanh(x[:, :2]) + 7.0


def images() -> tuple[Any, Any]:
    """Data of the classifier: 8-bit images and labels."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (40, 3, 4), dtype=np.uint8), rng.integers(0, 3, 40)


def classes() -> tuple[Any, Any]:
    """Inputs of ordinary size, and one of two classes for each."""
    x = np.random.default_rng(2).normal(size=(40, 4))
    return x, (x[:, :1] + x[:, 1:2] > 0).astype(float)


def one_hot() -> tuple[Any, Any]:
    """The same with a column for each class."""
    x, y = classes()
    return x, np.hstack([y, 1.0 - y])


def labels() -> tuple[Any, Any]:
    """The same with integer labels."""
    x, y = classes()
    return x, y[:, 0].astype(int)


def _stack(outputs: layers.Layer, *hidden: layers.Layer) -> list[layers.Layer]:
    return [layers.Input((4,)), layers.Dense(3), *hidden, outputs]


def _g(name: str, **parameters: float) -> layers.Layer:
    return layers.Activation(activations.Activation(name, **parameters))


Entry = tuple[list[layers.Layer], optimizers.Optimizer, Any, Callable[[], tuple[Any, Any]]]


def _entries() -> dict[str, Entry]:
    """Layers, optimizer, loss and data by name, made anew.

    With the models below they have every layer, activation, loss and optimizer.
    """
    decay = optimizers.schedules.ExponentialDecay(0.02, 3, 0.5, staircase=True)
    l1l2 = regularizers.L1L2(0.01, 0.02)
    dense = layers.Dense
    return {
        "sgd": (
            _stack(dense(1, "exponential"), _g("sigmoid"), layers.Dropout(0.25, seed=3)),
            optimizers.SGD(decay, momentum=0.9, nesterov=True, clipnorm=1.0),
            "poisson",
            classes,
        ),
        "rmsprop": (
            _stack(dense(2, "softmax", bias_regularizer=l1l2), _g("relu"), _g("softplus")),
            optimizers.RMSprop(0.01, weight_decay=0.1),
            losses.CategoricalCrossentropy(label_smoothing=0.1),
            one_hot,
        ),
        "adam": (
            _stack(dense(2), _g("elu", alpha=0.5), _g("selu")),
            optimizers.Adam(0.01, clipvalue=0.5),
            losses.Huber(delta=0.5),
            one_hot,
        ),
        "adamw": (
            _stack(dense(2), _g("gelu", approximate=1.0), layers.Rescaling(0.5, 0.25)),
            optimizers.AdamW(0.01),
            losses.Quantile([0.1, 0.9]),
            one_hot,
        ),
        "nadam": (
            _stack(dense(1), _g("silu"), layers.Dropout(0.5)),
            optimizers.Nadam(0.01),
            "log_cosh",
            classes,
        ),
        "adagrad": (
            _stack(dense(1, "tanh"), _g("softsign"), _g("hard_sigmoid")),
            optimizers.Adagrad(0.1),
            "hinge",
            classes,
        ),
        "rprop": (
            _stack(dense(1, "identity"), _g("gelu"), _g("softmax")),
            optimizers.Rprop(),
            "mean_absolute_error",
            classes,
        ),
        "lbfgs": (
            _stack(dense(1, "sigmoid", kernel_regularizer="l2"), _g("leaky_relu")),
            optimizers.LBFGS(),
            losses.BinaryCrossentropy(label_smoothing=0.2),
            classes,
        ),
        "logits": (
            _stack(dense(2), _g("log_softmax"), _g("tanh")),
            optimizers.LBFGS(memory=3),
            losses.SparseCategoricalCrossentropy(from_logits=True),
            labels,
        ),
        "levenberg_marquardt": (
            _stack(dense(1), _g("tanh")),
            optimizers.LevenbergMarquardt(),
            "mean_squared_error",
            classes,
        ),
        "gradient_descent": (
            _stack(dense(1), _g("tanh")),
            optimizers.GradientDescent(),
            "mean_squared_error",
            classes,
        ),
    }


# Data by the names of files, which end in the version of the format.
FIXTURES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "regression-1": regression,
    "images-1": images,
    "newton-1": regression,
    **{f"{name}-1": entry[3] for name, entry in _entries().items()},
}


def make_model(file: str) -> models.Sequential:
    """The model of one of the files, untrained."""
    name = file.rpartition("-")[0]
    if name == "images":
        return _images_model()
    if name in ("regression", "newton"):
        return _regression_model(name)
    entries = _entries()
    stack, optimizer, loss, _ = entries[name]
    dtype = ("float32", "float64")[list(entries).index(name) % 2]
    model = models.Sequential(stack, name, dtype=dtype, seed=4)
    model.compile(optimizer, loss, ["accuracy" if name == "logits" else "mae"])
    return model


def _images_model() -> models.Sequential:
    stack: list[layers.Layer] = [
        layers.Input((3, 4)),
        layers.Flatten(),
        layers.Rescaling(1 / 255),
        layers.Dense(5, use_bias=False),
        layers.Activation("tanh"),
        layers.Dense(3, "softmax"),
    ]
    model = models.Sequential(stack, name="images", seed=2)
    loss = losses.SparseCategoricalCrossentropy(scale=2.0)
    model.compile(optimizers.RMSprop(0.01, momentum=0.5, centered=True), loss, ["accuracy"])
    return model


def _regression_model(name: str) -> models.Sequential:
    stack: list[layers.Layer] = [
        layers.Input((4,)),
        layers.Normalization(),
        layers.Dense(6, activations.LeakyReLU(0.2), kernel_regularizer="l2"),
        layers.Dense(2, kernel_initializer=initializers.HeNormal(seed=3), name="last"),
    ]
    dtype = "float64" if name == "newton" else "float32"
    model = models.Sequential(stack, dtype=dtype, seed=1)
    optimizer = optimizers.NewtonCG() if name == "newton" else optimizers.Adam(amsgrad=True)
    model.compile(optimizer, "mse", ["mae"], standardize_targets=True)
    return model


def small(seed: int = 0) -> models.Sequential:
    """A model with weights and state, quickly."""
    rng = np.random.default_rng(seed)
    model = models.Sequential(
        [layers.Input((3,)), layers.Normalization(), layers.Dense(4, "relu"), layers.Dense(2)],
        seed=seed,
    )
    model.compile("adam", "mse", ["mae"], standardize_targets=True)
    model.fit(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)), epochs=2, verbose=0)
    return model


def raw(content: bytes) -> tuple[dict[str, Any], dict[str, str], bytes]:
    """Header without metadata, metadata, and the arrays' bytes."""
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    return header, header.pop("__metadata__"), content[8 + size :]


def outcomes(model: models.Sequential, x: Any, y: Any) -> dict[str, Any]:
    """Weights and outputs of a model, and its weights after one more epoch."""
    found = {f"arr_{i}": w for i, w in enumerate(model.get_weights())}
    found["outputs"] = model.predict(x)
    model.fit(x, y, epochs=4, initial_epoch=3, batch_size=16, verbose=0)
    return found | {f"next_{i}": w for i, w in enumerate(model.get_weights())}


def write_missing(folder: Path) -> list[str]:
    """Write files of the present version for the models that have none; return their names."""
    written = []
    for file, data in FIXTURES.items():
        name = f"{file.rpartition('-')[0]}-{_files.VERSION}"
        path = folder / f"{name}.safetensors"
        if path.exists():
            continue
        x, y = data()
        model = make_model(name)
        model.fit(x, y, epochs=3, batch_size=16, verbose=0)
        model.save(path)
        found = outcomes(models.load_model(path), x, y)
        np.savez(folder / f"{name}.npz", x=x, y=y, **found)
        written.append(name)
    return written


if __name__ == "__main__":
    print("written:", ", ".join(write_missing(DATA)) or "nothing, all are there")
