"""Activations, losses, optimizers, regularizers and metrics: by name, by object, from the core."""

import inspect
import pickle

import numpy as np
import pytest
from shallowcore import (
    _core,
    activations,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
)

# --- the core's tables ----------------------------------------------------------------------------


@pytest.mark.parametrize("info", _core.activation_table(), ids=lambda info: info.name)
def test_every_activation_is_there_by_name_and_class(info):
    by_name = getattr(activations, info.name)
    assert by_name.name == info.name
    assert by_name.parameters == info.parameters
    assert by_name.formula == info.formula
    kind = getattr(activations, repr(by_name).split("(")[0])
    assert isinstance(kind(), activations.Activation)
    assert kind() == by_name == activations.get(info.name)
    assert issubclass(kind, activations.Activation)
    assert info.name in dir(activations)


@pytest.mark.parametrize("info", _core.loss_table(), ids=lambda info: info.name)
def test_every_loss_is_there_by_name_and_class(info):
    loss = losses.get(info.name)
    kind = getattr(losses, repr(loss).split("(")[0])
    assert kind().name == info.name
    takes = set(inspect.signature(kind).parameters)
    assert ("from_logits" in takes) == info.has_logits
    assert ("label_smoothing" in takes) == info.has_label_smoothing
    assert "scale" in takes


@pytest.mark.parametrize("info", _core.optimizer_table(), ids=lambda info: info.name)
def test_every_optimizer_is_there_with_the_cores_defaults(info):
    optimizer = optimizers.get(info.name)
    kind = getattr(optimizers, repr(optimizer).split("(")[0])
    signature = inspect.signature(kind).parameters
    defaults = {k: float(p.default or 0) for k, p in signature.items()}
    assert defaults == info.parameters == optimizer.parameters == kind().parameters


def test_defaults_are_keras():
    none = {"weight_decay": 0, "clipnorm": 0, "clipvalue": 0, "global_clipnorm": 0}
    sgd = {"learning_rate": 0.01, "momentum": 0, "nesterov": 0}
    rmsprop = {"learning_rate": 0.001, "rho": 0.9, "momentum": 0, "epsilon": 1e-7, "centered": 0}
    nadam = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    adagrad = {"learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7}
    adam = nadam | {"amsgrad": 0}
    assert optimizers.SGD().parameters == sgd | none
    assert optimizers.RMSprop().parameters == rmsprop | none
    assert optimizers.Adam().parameters == adam | none
    assert optimizers.AdamW().parameters == adam | none | {"weight_decay": 0.004}
    assert optimizers.Nadam().parameters == nadam | none
    assert optimizers.Adagrad().parameters == adagrad | none


def test_rprops_defaults_are_pytorchs():
    found = optimizers.Rprop()
    assert (found.eta_minus, found.eta_plus) == (0.5, 1.2)
    assert (found.step_min, found.step_max, found.learning_rate) == (1e-6, 50, 0.01)


# --- spellings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mse", "MSE", "mean_squared_error", "MeanSquaredError"])
def test_spellings_of_a_loss(name):
    assert losses.get(name).name == "mean_squared_error"
    assert losses.get(losses.MeanSquaredError).name == "mean_squared_error"


@pytest.mark.parametrize("name", ["rmsprop", "RMSprop", "RMSProp"])
def test_spellings_of_an_optimizer(name):
    assert optimizers.get(name).name == "rmsprop"
    assert optimizers.get("newton-cg").name == "newton_cg"
    assert optimizers.get(optimizers.Adam).name == "adam"


def test_objects_pass_through():
    for module, thing in [
        (losses, losses.BinaryCrossentropy(scale=2.0)),
        (optimizers, optimizers.SGD(0.5)),
        (activations, activations.ELU(2.0)),
        (regularizers, regularizers.L1(0.5)),
        (metrics, metrics.Accuracy("right")),
    ]:
        assert module.get(thing) is thing


# --- activations ----------------------------------------------------------------------------------


def test_parameters_by_position_and_name():
    assert activations.LeakyReLU(0.1) == activations.LeakyReLU(negative_slope=0.1)
    assert activations.LeakyReLU(0.1) != activations.LeakyReLU()
    assert activations.ELU(0.5).parameters == {"alpha": 0.5}
    assert activations.GELU(approximate=True) == activations.GELU(1) != activations.GELU()
    assert activations.get("swish") == activations.get("silu") == activations.SiLU()
    assert hash(activations.ELU(0.5)) == hash(activations.ELU(alpha=0.5))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: activations.ReLU(1.0), TypeError, "at most 0 parameters, got 1"),
        (lambda: activations.ELU(1.0, alpha=2.0), TypeError, "got 'alpha' twice"),
        (
            lambda: activations.ELU(alhpa=2.0),
            TypeError,
            "no parameter 'alhpa'; did you mean 'alpha'",
        ),
        (lambda: activations.ELU("x"), TypeError, "alpha must be a finite number"),
        (lambda: activations.LeakyRelu, AttributeError, "did you mean 'LeakyReLU'"),
        (lambda: activations.get("tahn"), ValueError, "did you mean 'tanh'"),
        (lambda: activations.get(3), TypeError, "activation must be a name"),
        (lambda: activations.GELU(2), ValueError, "approximate must be True or False, got 2"),
        (lambda: activations.GELU("tanh"), ValueError, "approximate must be True or False"),
    ],
)
def test_activations_refuse(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_activations_pickle_and_compute():
    leaky = activations.LeakyReLU(0.1)
    assert pickle.loads(pickle.dumps(leaky)) == leaky
    np.testing.assert_allclose(leaky([-1.0, 2.0]), [-0.1, 2.0])
    np.testing.assert_allclose(activations.relu(np.float32([-1, 2])), [0, 2])


# --- the others -----------------------------------------------------------------------------------


def test_optimizer_attributes():
    optimizer = optimizers.SGD(0.1, nesterov=True)
    assert optimizer.nesterov is True
    optimizer.momentum = 0.5
    assert optimizer.parameters["momentum"] == 0.5
    assert optimizer.iterations == 0
    assert "momentum" in dir(optimizer)
    with pytest.raises(AttributeError, match="no attribute 'rho'"):
        _ = optimizer.rho


def test_regularizers():
    assert regularizers.get(None) == regularizers.L2(0.0)
    assert regularizers.get("l1") == regularizers.L1(0.01)
    assert regularizers.get(regularizers.L2) == regularizers.L2()
    assert repr(regularizers.L1L2(0.1, 0.2)) == "L1L2(0.1, 0.2)"
    with pytest.raises(ValueError, match="l1 must be a finite number >= 0"):
        regularizers.L1(-1)


def test_losses_show_what_is_not_default():
    loss = losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1, scale=0.5)
    text = "BinaryCrossentropy(from_logits=True, label_smoothing=0.1, scale=0.5)"
    assert repr(loss) == text


def test_metrics_by_class():
    assert metrics.MeanSquaredError().core_name == "mse"
    assert metrics.MeanAbsoluteError().name == "mean_absolute_error"
    with pytest.raises(ValueError, match="metric 'mape' is not known"):
        metrics.get("mape")


def test_keras_short_spellings():
    assert repr(regularizers.l2(0.5)) == "L2(0.5)"
    assert repr(regularizers.l1_l2(0.1, 0.2)) == "L1L2(0.1, 0.2)"
    assert isinstance(initializers.get("normal"), initializers.RandomNormal)
    assert isinstance(initializers.get("zero"), initializers.Zeros)
