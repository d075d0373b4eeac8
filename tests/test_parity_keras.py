"""Losses, optimizers, clipping and schedules against Keras 3: the same ten steps, in float64."""

import itertools
from typing import Any

import keras_twin
import numpy as np
import pytest
from keras_twin import BATCH_SIZE, EPOCHS, N_FEATURES, N_SAMPLES, PARITY, STEPS
from oracle.tolerances import assert_all_close, assert_close
from shallowcore import _core, layers, losses, models, optimizers
from shallowcore.optimizers import schedules

# Keras' class (ours has the same name), its arguments, the output's activation, the targets.
LOSSES: list[tuple[str, dict[str, Any], str, str]] = [
    ("MeanSquaredError", {}, "linear", "real"),
    ("MeanAbsoluteError", {}, "tanh", "real"),
    ("Huber", {}, "linear", "real"),
    ("Huber", {"delta": 0.3}, "linear", "real"),
    ("LogCosh", {}, "linear", "real"),
    ("Poisson", {}, "sigmoid", "counts"),
    ("Hinge", {}, "tanh", "signs"),
    ("Hinge", {}, "linear", "binary"),
    ("BinaryCrossentropy", {}, "sigmoid", "binary"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, "linear", "binary"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "softmax", "one-hot"),
    ("CategoricalCrossentropy", {"from_logits": True}, "linear", "one-hot"),
    ("SparseCategoricalCrossentropy", {}, "softmax", "labels"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "linear", "labels"),
]
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.5, "centered": True, "rho": 0.8, "weight_decay": 0.01}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.02, "amsgrad": True, "beta_2": 0.9, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"learning_rate": 0.02, "weight_decay": 0.2, "amsgrad": True}),
    ("Adagrad", {}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.01, "weight_decay": 0.01}),
    ("Nadam", {}),
    ("Nadam", {"learning_rate": 0.02, "beta_1": 0.8, "weight_decay": 0.01}),
]
CLIPS = [{"clipvalue": 0.02}, {"clipnorm": 0.1}, {"global_clipnorm": 0.1}, {"clipnorm": 10.0}]
SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"initial_learning_rate": 0.2, "decay_steps": 4, "decay_rate": 0.5}),
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.2, "decay_steps": 4, "decay_rate": 0.5, "staircase": True},
    ),
    ("PiecewiseConstantDecay", {"boundaries": [3, 6], "values": [0.2, 0.1, 0.02]}),
    ("CosineDecay", {"initial_learning_rate": 0.2, "decay_steps": 7, "alpha": 0.1}),
    (
        "CosineDecay",
        {
            "initial_learning_rate": 0.01,
            "decay_steps": 5,
            "warmup_target": 0.2,
            "warmup_steps": 3,
        },
    ),
    ("InverseTimeDecay", {"initial_learning_rate": 0.2, "decay_steps": 3, "decay_rate": 0.7}),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.2, "decay_steps": 3, "decay_rate": 0.7, "staircase": True},
    ),
]


def data_of(kind: str, n_outputs: int = 3) -> tuple[Any, Any]:
    """Inputs and targets."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(N_SAMPLES, N_FEATURES))
    labels = rng.integers(0, n_outputs, N_SAMPLES)
    binary = (rng.random((N_SAMPLES, n_outputs)) > 0.5).astype(np.float64)
    targets = {
        "real": rng.normal(size=(N_SAMPLES, n_outputs)),
        "counts": rng.poisson(2.0, (N_SAMPLES, n_outputs)).astype(np.float64),
        "binary": binary,
        "signs": 2 * binary - 1,
        "one-hot": np.eye(n_outputs)[labels],
        "labels": labels,
    }
    return x, targets[kind]


def assert_parity(
    output: str, optimizer: Any, loss: Any, kind: str, theirs: tuple[Any, Any], weighted: bool
) -> None:
    """Both train from the same weights; weights and history agree."""
    x, y = data_of(kind)
    weights = keras_twin.weights_of(np.random.default_rng(4), (N_FEATURES, 7, 3))
    weight = np.random.default_rng(5).random(N_SAMPLES) if weighted else None
    expected, expected_loss = keras_twin.trained(weights, ("tanh", output), *theirs, x, y, weight)
    model = models.Sequential(
        [layers.Input((N_FEATURES,)), layers.Dense(7, "tanh"), layers.Dense(3, output)],
        dtype="float64",
    )
    model.set_weights(weights)
    model.compile(optimizer, loss)
    history = model.fit(
        x, y, BATCH_SIZE, EPOCHS, verbose=0, shuffle=False, sample_weight=weight
    ).history
    assert model.optimizer.iterations == STEPS
    assert_all_close(model.get_weights(), expected, PARITY, name="weights")
    assert_close(np.array(history["loss"]), np.array(expected_loss), PARITY, name="loss")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "arguments", "output", "kind"), LOSSES, ids=str)
def test_losses(
    name: str, arguments: dict[str, Any], output: str, kind: str, weighted: bool
) -> None:
    theirs = keras_twin.keras()
    both = [getattr(module, name)(**arguments) for module in (losses, theirs.losses)]
    optimizer = theirs.optimizers.SGD(0.2)
    assert_parity(output, optimizers.SGD(0.2), both[0], kind, (optimizer, both[1]), weighted)


@pytest.mark.parametrize(("name", "arguments"), OPTIMIZERS, ids=str)
def test_optimizers(name: str, arguments: dict[str, Any]) -> None:
    theirs = keras_twin.keras()
    both = [getattr(module, name)(**arguments) for module in (optimizers, theirs.optimizers)]
    assert_parity("linear", both[0], "mse", "real", (both[1], "mse"), False)


@pytest.mark.parametrize(
    ("name", "clip"), list(itertools.product(("SGD", "Adam", "Adagrad"), CLIPS)), ids=str
)
def test_clipping(name: str, clip: dict[str, Any]) -> None:
    theirs = keras_twin.keras()
    both = [getattr(module, name)(0.05, **clip) for module in (optimizers, theirs.optimizers)]
    assert_parity("linear", both[0], "mse", "real", (both[1], "mse"), False)


@pytest.mark.parametrize(("name", "arguments"), SCHEDULES, ids=str)
def test_schedules(name: str, arguments: dict[str, Any]) -> None:
    """With weight decay, which goes by the learning rate too."""
    theirs = keras_twin.keras()
    both = [
        module.SGD(rate(**arguments), weight_decay=0.1)
        for module, rate in (
            (optimizers, getattr(schedules, name)),
            (theirs.optimizers, getattr(theirs.optimizers.schedules, name)),
        )
    ]
    assert_parity("linear", both[0], "mse", "real", (both[1], "mse"), False)


def test_nothing_that_keras_has_is_left_out() -> None:
    """All of the core's losses and optimizers but those that Keras does not have."""
    found = {losses.get(name).name for name, *_ in LOSSES}
    assert found == {info.name for info in _core.loss_table()} - {"quantile"}
    tested = {optimizers.get(name).name for name, _ in OPTIMIZERS}
    first_order = {info.name for info in _core.optimizer_table() if not info.full_batch}
    assert tested == first_order - {"rprop"}
    kinds = set(schedules.__all__) - {"LearningRateSchedule"}
    assert {name for name, _ in SCHEDULES} == kinds - {"OneCycle"}
