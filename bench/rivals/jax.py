"""JAX, compiled: `lax.scan` over the steps of an epoch, data on the device, weights donated.

`prepare` calls the compiled epoch once for each epoch, as a program does that wants to print, stop
or decide something in between; `prepare_whole` has a scan over the epochs around it and trains in a
single call.  Shuffled batches are gathered within the scan.
"""

from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from shallowcore.bench.training import Training
from shallowcore.bench.workload import Data, Orders, Workload
from shallowcore.bench.workloads import WORKLOADS

ACTIVATIONS = {"tanh": jnp.tanh, "relu": jax.nn.relu}


def loss(workload: Workload, weights: Any, x: Any, y: Any) -> Any:
    """Mean loss of a batch."""
    for i, name in enumerate(workload.activations[:-1]):
        x = ACTIVATIONS[name](x @ weights[2 * i] + weights[2 * i + 1])
    z = x @ weights[-2] + weights[-1]
    if workload.loss == "binary_crossentropy":
        return jnp.mean(jnp.logaddexp(0, z) - y * z)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(z), y[:, jnp.newaxis], axis=1)
    return -jnp.mean(chosen)


def updated(workload: Workload, weights: Any, state: Any, gradients: Any, step: Any) -> Any:
    """New weights and new state; step counts from 1."""
    settings = workload.settings
    rate = settings["learning_rate"]
    if workload.optimizer == "sgd":
        return [w - rate * g for w, g in zip(weights, gradients, strict=True)], state
    epsilon = settings["epsilon"]
    if workload.optimizer == "rmsprop":
        rho = settings["rho"]
        state = [rho * v + (1 - rho) * g * g for v, g in zip(state, gradients, strict=True)]
        triples = zip(weights, gradients, state, strict=True)
        return [w - rate * g / jnp.sqrt(v + epsilon) for w, g, v in triples], state
    beta_1, beta_2 = settings["beta_1"], settings["beta_2"]
    rate *= jnp.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    means, squares = state
    means = [beta_1 * m + (1 - beta_1) * g for m, g in zip(means, gradients, strict=True)]
    squares = [beta_2 * v + (1 - beta_2) * g * g for v, g in zip(squares, gradients, strict=True)]
    triples = zip(weights, means, squares, strict=True)
    return [w - rate * m / (jnp.sqrt(v) + epsilon) for w, m, v in triples], (means, squares)


def start(workload: Workload) -> Any:
    """(weights, state of the optimizer, steps done), on the device."""

    def zeros() -> list[Any]:
        return [jnp.zeros(w.shape, jnp.float32) for w in workload.initial_weights()]

    states: dict[str, Any] = {"sgd": list, "rmsprop": zeros, "adam": lambda: (zeros(), zeros())}
    weights = [jnp.asarray(w) for w in workload.initial_weights()]
    return weights, states[workload.optimizer](), jnp.float32(0)


def epoch(workload: Workload, x: Any, y: Any, carry: Any, order: Any) -> Any:
    """All steps of an epoch: what `start` returns, one epoch on, and the mean loss."""
    n, size = len(x), workload.batch_size
    n_full = n // size

    def step(carry: Any, batch: Any) -> Any:
        xb, yb = batch if order is None else (x[batch], y[batch])
        weights, state, done = carry
        value, gradients = jax.value_and_grad(partial(loss, workload))(weights, xb, yb)
        weights, state = updated(workload, weights, state, gradients, done + 1)
        return (weights, state, done + 1), value * len(xb)

    if n_full == 1:
        carry, total = step(carry, (x, y) if order is None else order)
        return carry, total / n
    full = slice(n_full * size)

    def split(array: Any) -> Any:
        return array[full].reshape(n_full, size, *array.shape[1:])

    carry, totals = jax.lax.scan(
        step, carry, (split(x), split(y)) if order is None else split(order)
    )
    total = totals.sum()
    if n % size:
        last = slice(n_full * size, None)
        carry, rest = step(carry, (x[last], y[last]) if order is None else order[last])
        total += rest
    return carry, total / n


@lru_cache
def compiled_epoch(name: str) -> Any:
    """`epoch`; its carry is used up."""
    return jax.jit(partial(epoch, WORKLOADS[name]), donate_argnums=2)


@lru_cache
def compiled_training(name: str, epochs: int) -> Any:
    """All epochs; the carry is used up."""

    def training(x: Any, y: Any, carry: Any, orders: Any) -> Any:
        one = partial(epoch, WORKLOADS[name], x, y)
        return jax.lax.scan(one, carry, orders, length=epochs)

    return jax.jit(training, donate_argnums=2)


def prepare(workload: Workload, data: Data, orders: Orders) -> Training:
    """Train from the initial weights, a call an epoch."""
    x, y = jnp.asarray(data.x), jnp.asarray(data.y)
    carry = jax.block_until_ready(start(workload))

    def run() -> list[float]:
        nonlocal carry
        losses = []
        for order in orders:
            rows = None if order is None else order.astype(np.int32)
            carry, value = compiled_epoch(workload.name)(x, y, carry, rows)
            losses.append(value)  # not waited for: the next epoch is under way meanwhile
        return [float(value) for value in jax.block_until_ready(losses)]

    return Training(run, lambda: [np.asarray(w) for w in carry[0]])


def prepare_whole(workload: Workload, data: Data, orders: Orders) -> Training:
    """Train from the initial weights, all in one call."""
    x, y = jnp.asarray(data.x), jnp.asarray(data.y)
    carry = jax.block_until_ready(start(workload))
    train = compiled_training(workload.name, orders.epochs)

    def run() -> list[float]:
        nonlocal carry
        rows = np.array([o for o in orders if o is not None], np.int32) if orders.shuffle else None
        carry, losses = jax.block_until_ready(train(x, y, carry, rows))
        found: list[float] = losses.tolist()
        return found

    return Training(run, lambda: [np.asarray(w) for w in carry[0]])
