"""Calls of `shallowcore.ops`, each compared with the oracle where its numbers are moderate."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
from oracle import activations as oracle_activations
from oracle import losses as oracle_losses
from oracle import tolerances
from shallowcore import _registry, activations, losses, ops

from bench.reliability.fuzzing import values
from bench.reliability.fuzzing.calls import Call, close, finite

MODERATE = 16.0
ACTIVATIONS = (*_registry.activations(), "linear", "swish", "nothing", "SoftMax")
LOSSES = tuple(_registry.losses())


def scenario(rng: Random) -> Iterator[Call]:
    """Some calls of one operation."""
    make = rng.choice((_dense, _dense_grad, _activation, _activation, _loss, _loss, _rows))
    for _ in range(4):
        yield make(rng)


def plain(value: Any) -> Any:
    """The argument as float64, None where its numbers are not moderate or it is no array."""
    try:
        with np.errstate(all="ignore"):
            array = np.asarray(value)
            if array.dtype.kind not in "fiub" or array.size > 1 << 16:
                return None
            array = array.astype(float)
    except Exception:
        return None
    sizes = np.abs(array)
    tiny = (sizes > 0) & (sizes < np.finfo(np.float32).tiny)  # logarithms are cut off before these
    return array if array.size and sizes.max() <= MODERATE and not tiny.any() else None


def _tolerance(result: Any, n: int) -> float:
    """For results of moderate numbers: a sum of n products of up to MODERATE^2."""
    return MODERATE**2 * n * tolerances.reduction(result.dtype, n)


def _dense(rng: Random) -> Call:
    n, n_in, n_out = (rng.choice(values.SIZES) for _ in range(3))
    x, w = values.array(rng, (n, n_in)), values.array(rng, (n_in, n_out))
    b = values.array(rng, (n_out,)) if rng.random() < 0.6 else None
    name = rng.choice(ACTIVATIONS) if rng.random() < 0.6 else "identity"
    arguments = {"x": x, "w": w, "b": b, "activation": name}

    def check(a: Any) -> str | None:
        xs, ws, bs = plain(x), plain(w), 0.0 if b is None else plain(b)
        if xs is None or ws is None or bs is None:
            return None
        found = _registry.find_activation(name).name
        z = xs @ ws + bs
        if np.abs(z).max() > MODERATE:
            return None
        expected = oracle_activations.activation(z, found)
        return finite(a) or close(a, expected, _tolerance(a, xs.shape[1]) * np.exp(MODERATE))

    return Call("ops.dense", lambda: ops.dense(x, w, b, name), arguments, check=check)


def _dense_grad(rng: Random) -> Call:
    n, n_in, n_out = (rng.choice(values.SIZES) for _ in range(3))
    x, w = values.array(rng, (n, n_in)), values.array(rng, (n_in, n_out))
    dz = values.array(rng, (n, n_out))
    need_dx = rng.random() < 0.7

    def check(result: Any) -> str | None:
        xs, ws, dzs = plain(x), plain(w), plain(dz)
        if xs is None or ws is None or dzs is None:
            return None
        dx, dw, db = result
        told = close(dw, xs.T @ dzs, _tolerance(dw, len(xs)))
        told = told or close(db, dzs.sum(axis=0), _tolerance(db, len(xs)))
        return told or (close(dx, dzs @ ws.T, _tolerance(dx, dzs.shape[1])) if need_dx else None)

    arguments = {"x": x, "w": w, "dz": dz}
    run = lambda: ops.dense_grad(x, w, dz, need_dx=need_dx)  # noqa: E731
    return Call("ops.dense_grad", run, arguments, check=check)


def _activation(rng: Random) -> Call:
    rank = rng.choice((1, 2, 2, 3))
    z = values.array(rng, tuple(rng.choice(values.SIZES) for _ in range(rank)))
    name = rng.choice(ACTIVATIONS) if rng.random() < 0.9 else values.scalar(rng)
    parameters: dict[str, Any] = {}
    if rng.random() < 0.2:
        key = rng.choice(("negative_slope", "alpha", "approximate", "nothing"))
        parameters[key] = values.scalar(rng)
    if rng.random() < 0.1 and isinstance(name, str):
        parameters, name = {}, activations.LeakyReLU(0.5)
    function = rng.choice((ops.activation, ops.activation_grad))

    def check(a: Any) -> str | None:
        zs = plain(z)
        if zs is None or parameters or not isinstance(name, str):
            return None
        found = _registry.find_activation(name).name
        oracle = getattr(oracle_activations, function.__name__)
        expected = oracle(zs, found)
        return finite(a) or close(a, expected, MODERATE * tolerances.reduction(a.dtype, 16))

    arguments = {"z": z, "name": name, "activation": name, "parameter": None, **parameters}
    run = lambda: function(z, name, **parameters)  # noqa: E731
    return Call(f"ops.{function.__name__}", run, arguments, check=check)


def _rows(rng: Random) -> Call:
    z = values.array(rng, (rng.choice(values.SIZES), rng.choice(values.SIZES)))
    function = rng.choice((ops.softmax, ops.log_softmax))

    def check(a: Any) -> str | None:
        told = finite(a) if function is ops.softmax else None
        zs = plain(z)
        if told or zs is None:
            return told
        expected = getattr(oracle_activations, function.__name__)(zs)
        return close(a, expected, MODERATE * tolerances.reduction(a.dtype, zs.shape[-1]))

    return Call(f"ops.{function.__name__}", lambda: function(z), {"z": z}, check=check)


def _loss(rng: Random) -> Call:
    name: Any = rng.choice(LOSSES)
    n, n_outputs = rng.choice(values.SIZES), rng.choice((1, 1, 2, 3, 7))
    info = _registry.losses()[name]
    from_logits = info.has_logits and rng.random() < 0.5
    y_pred = _predictions(rng, name, from_logits, n, n_outputs)
    if info.integer_labels:
        y_true = values.labels(rng, n, n_outputs)
    else:
        y_true = values.array(rng, (n, n_outputs))
        if rng.random() < 0.7:
            y_true = values.lay_out(rng, np.eye(max(2, n_outputs))[np.arange(n) % 2][:, :n_outputs])
    sample_weight = None
    if rng.random() < 0.3:
        sample_weight = values.array(rng, (n,))
        if rng.random() < 0.7:
            sample_weight = np.arange(n, dtype=rng.choice(("f4", "f8"))) / n
    options: dict[str, Any] = {"from_logits": from_logits, "sample_weight": sample_weight}
    if rng.random() < 0.1:
        options[rng.choice(("delta", "quantile", "scale", "label_smoothing", "from_logits"))] = (
            values.scalar(rng)
        )
    elif rng.random() < 0.1:
        name = losses.Loss(name, scale=0.5)

    def check(result: Any) -> str | None:
        ps, ys = plain(y_pred), plain(y_true)
        ws = None if sample_weight is None else plain(sample_weight)
        if ps is None or ys is None or not isinstance(name, str) or len(options) > 2:
            return None
        logits = options["from_logits"]
        if (sample_weight is not None and ws is None) or not isinstance(logits, bool):
            return None
        return _against_oracle(name, result, ps, ys, ws, logits)

    arguments = {"name": name, "loss": name, "y_true": y_true, "y_pred": y_pred, **options}
    run = lambda: ops.loss(name, y_true, y_pred, **options)  # noqa: E731
    return Call("ops.loss", run, arguments, check=check)


def _predictions(rng: Random, name: str, from_logits: bool, n: int, n_outputs: int) -> Any:
    """Predictions that the loss takes, in most cases."""
    if rng.random() < 0.3:
        return values.array(rng, (n, n_outputs))
    found = values.tame(rng, (n, n_outputs), rng.choice(("f4", "f8")))
    if "crossentropy" in name and not from_logits:
        found = np.abs(found) / 8 + found.dtype.type(0.25)
    elif name == "poisson" and not from_logits:
        found = np.abs(found) + found.dtype.type(0.125)
    return values.lay_out(rng, found)


def _against_oracle(
    name: str, result: Any, ps: Any, ys: Any, ws: Any, from_logits: bool
) -> str | None:
    value, gradient = result
    shape = gradient.shape
    ps = ps.reshape(len(ps), -1)
    if name == "sparse_categorical_crossentropy":
        ys = ys.reshape(-1).astype(int)
    else:
        ys = ys.reshape(ps.shape)
        if name == "hinge":
            return finite(value) or finite(gradient)  # targets of 0 and 1 stand for -1 and 1
    options: dict[str, Any] = {"sample_weight": None if ws is None else ws.reshape(-1)}
    if from_logits:
        options["from_logits"] = True
    expected, slopes = oracle_losses.loss(name, ys, ps, **options)
    tolerance = _tolerance(gradient, ps.size)
    return close(value, expected, tolerance) or close(
        gradient, np.reshape(slopes, shape), tolerance
    )
