"""Models from PyTorch's networks give their outputs; modules without counterpart are named."""

from typing import Any

import numpy as np
import pytest
import torch
from oracle.tolerances import assert_close, reduction
from shallowcore import interop
from torch import nn

X = np.random.default_rng(2).normal(size=(40, 6))
ACTIVATIONS = [
    nn.ReLU(),
    nn.LeakyReLU(0.2),
    nn.Sigmoid(),
    nn.Tanh(),
    nn.ELU(0.7),
    nn.SELU(),
    nn.GELU(),
    nn.GELU(approximate="tanh"),
    nn.SiLU(),
    nn.Softplus(),
    nn.Softsign(),
    nn.Hardsigmoid(),
    nn.Identity(),
    nn.Softmax(dim=-1),
    nn.LogSoftmax(dim=1),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("g", ACTIVATIONS, ids=repr)
def test_sequential(g: Any, dtype: str) -> None:
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Linear(5, 4, bias=False), g, nn.Dropout(0.3))
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), inner).eval()
    net = net.to(getattr(torch, dtype))
    x = X.astype(dtype)
    with torch.no_grad():
        expected = net(torch.from_numpy(x)).numpy()
    assert_close(interop.from_torch(net).predict(x), expected, 4 * reduction(dtype, 16))


def test_state_dict() -> None:
    net = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    model = interop.from_torch(net.state_dict(), ["tanh", None])
    assert_close(model.predict(X), interop.from_torch(net).predict(X), 0.0)


def test_half_precision_becomes_float32() -> None:
    net = nn.Sequential(nn.Linear(6, 5)).to(torch.bfloat16)
    model = interop.from_torch(net)
    assert model.dtype == "float32"
    assert np.array_equal(model.get_weights()[0].T, net[0].weight.detach().float().numpy())


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Conv1d(1, 1, 1), r"module '1\.0' has no counterpart: it is a Conv1d"),
        (nn.ReLU6(), "it is a ReLU6"),
        (nn.BatchNorm1d(5), "it is a BatchNorm1d"),
        (nn.Softmax(dim=0), "dim=0"),
        (nn.Softplus(beta=2), "beta=2"),
        (nn.Flatten(0), "start_dim=0"),
    ],
    ids=lambda v: v if isinstance(v, str) else repr(v),
)
def test_modules_without_counterpart(module: Any, message: str) -> None:
    net = nn.Sequential(nn.Linear(6, 5), nn.Sequential(module))
    with pytest.raises((TypeError, ValueError), match=message):
        interop.from_torch(net)


def test_other_modules_and_needless_activations() -> None:
    with pytest.raises(TypeError, match="got Linear"):
        interop.from_torch(nn.Linear(2, 2))
    with pytest.raises(TypeError, match="state_dict only"):
        interop.from_torch(nn.Sequential(nn.Linear(2, 2)), ["relu"])
