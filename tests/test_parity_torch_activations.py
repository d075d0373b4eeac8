"""Every activation against PyTorch's, ten steps in float64."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from shallowcore import activations
from test_parity_activations import PARAMETERS, RATE, assert_parity, data, trained

TORCH_NAMES = {"hard_sigmoid": "hardsigmoid"}


def torch_function(name: str, parameters: dict[str, Any]) -> Callable[[Any], Any]:
    """PyTorch's activation of that name, with the core's parameters."""
    given = activations.Activation(name, **parameters).parameters
    f = torch.nn.functional
    special: dict[str, Callable[[Any], Any]] = {
        "identity": lambda z: z,
        "exponential": torch.exp,
        "softmax": lambda z: f.softmax(z, dim=1),
        "log_softmax": lambda z: f.log_softmax(z, dim=1),
        "gelu": lambda z: f.gelu(z, approximate="tanh" if given["approximate"] else "none"),
    }
    if name in special:
        return special[name]
    function = getattr(f, TORCH_NAMES.get(name, name))
    return lambda z: function(z, **given)


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS, ids=str)
def test_ten_steps_of_pytorch(name: str, parameters: dict[str, Any]) -> None:
    g = torch_function(name, parameters)
    x, y, weights = (torch.tensor(a) if not isinstance(a, list) else a for a in data())
    theirs = [torch.tensor(w, requires_grad=True) for w in weights]
    optimizer = torch.optim.SGD(theirs, lr=RATE)
    for step in range(10):
        rows = slice(0, 12) if step % 2 == 0 else slice(12, 24)
        a = x[rows]
        for i in (0, 2, 4):
            a = a @ theirs[i] + theirs[i + 1]
            a = a if i == 4 else g(a)
        optimizer.zero_grad()
        torch.mean((a - y[rows]) ** 2).backward()
        optimizer.step()
    assert_parity(trained(name, parameters), [w.detach().numpy() for w in theirs])
