"""Rprop, AdamW, Poisson from logits and the one-cycle schedule against PyTorch, float64."""

from typing import Any

import numpy as np
import pytest
import torch
from oracle.tolerances import assert_all_close, assert_close
from shallowcore import layers, models, ops, optimizers
from shallowcore.optimizers import schedules

# Two float64 trainings of the same ten steps.
PARITY = 1e-9
STEPS = 10


def data() -> tuple[Any, Any, list[Any]]:
    """Inputs (40, 5), targets (40, 3), and the weights of a 5-7-3 network."""
    rng = np.random.default_rng(6)
    sizes = ((5, 7), (7,), (7, 3), (3,))
    weights = [0.4 * rng.normal(size=shape) for shape in sizes]
    return rng.normal(size=(40, 5)), rng.normal(size=(40, 3)), weights


def torch_weights(make: Any, schedule: Any = None) -> list[Any]:
    """Weights after STEPS full-batch steps of PyTorch's optimizer."""
    x, y, start = data()
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    weights = [torch.from_numpy(w.copy()).requires_grad_() for w in start]
    optimizer = make(torch.optim, weights)
    rates = None if schedule is None else schedule(torch.optim.lr_scheduler, optimizer)
    for _ in range(STEPS):
        optimizer.zero_grad()
        w1, b1, w2, b2 = weights
        outputs = torch.tanh(inputs @ w1 + b1) @ w2 + b2
        torch.mean((outputs - targets) ** 2).backward()
        optimizer.step()
        if rates is not None:
            rates.step()
    return [w.detach().numpy() for w in weights]


def our_weights(optimizer: Any) -> list[Any]:
    """The same with ours."""
    x, y, start = data()
    model = models.Sequential(
        [layers.Input((5,)), layers.Dense(7, "tanh"), layers.Dense(3)], dtype="float64"
    )
    model.set_weights(start)
    model.compile(optimizer, "mse")
    model.fit(x, y, batch_size=40, epochs=STEPS, verbose=0)
    return model.get_weights()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        (
            {"learning_rate": 0.1, "eta_minus": 0.3, "eta_plus": 1.5, "step_max": 0.2},
            {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (1e-6, 0.2)},
        ),
    ],
    ids=str,
)
def test_rprop(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    expected = torch_weights(lambda optim, weights: optim.Rprop(weights, **theirs))
    assert_all_close(our_weights(optimizers.Rprop(**ours)), expected, PARITY)


def test_adamw() -> None:
    """PyTorch adds epsilon elsewhere: with none, both are the same."""
    expected = torch_weights(
        lambda optim, weights: optim.AdamW(weights, lr=0.02, eps=0.0, weight_decay=0.1)
    )
    ours = optimizers.AdamW(0.02, weight_decay=0.1, epsilon=0.0)
    assert_all_close(our_weights(ours), expected, PARITY)


def test_poisson_from_logits() -> None:
    rng = np.random.default_rng(7)
    z, y = rng.normal(size=(30, 4)), rng.poisson(2.0, (30, 4)).astype(np.float64)
    logits = torch.from_numpy(z).requires_grad_()
    expected = torch.nn.PoissonNLLLoss(log_input=True)(logits, torch.from_numpy(y))
    expected.backward()
    value, gradient = ops.loss("poisson", y, z, from_logits=True)
    assert value == pytest.approx(expected.item(), rel=1e-14)
    assert_close(gradient, logits.grad.numpy(), 1e-14)


def test_one_cycle_trains_as_pytorchs() -> None:
    expected = torch_weights(
        lambda optim, weights: optim.SGD(weights, lr=0.3),
        lambda module, optimizer: module.OneCycleLR(
            optimizer, max_lr=0.3, total_steps=STEPS, cycle_momentum=False
        ),
    )
    assert_all_close(our_weights(optimizers.SGD(schedules.OneCycle(0.3, STEPS))), expected, PARITY)


@pytest.mark.parametrize(
    ("total", "settings"),
    [
        (100, {}),
        (37, {"pct_start": 0.6, "div_factor": 10.0, "final_div_factor": 7.0}),
        (20, {"pct_start": 0.0}),
        (20, {"pct_start": 1.0}),
    ],
    ids=str,
)
def test_one_cycle_is_pytorchs(total: int, settings: dict[str, float]) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.2, total_steps=total, cycle_momentum=False, **settings
    )
    expected = []
    for step in range(total):
        expected.append(rates.get_last_lr()[0])
        optimizer.step()
        if step < total - 1:
            rates.step()
    schedule = schedules.OneCycle(0.2, total, **settings)
    assert_close(np.array([schedule(step) for step in range(total)]), np.array(expected), 1e-14)
