"""Search for shapes on which NumPy is faster: 1 to 4096 in every dimension, both float types.

    python -m bench.sweep [--quick] [--minutes M] [--dtype ...] [--only ...] [--least RATIO] ...

Kernels of `shallowcore.ops`, training steps (long calls of `fit`) and `predict`, each against the
NumPy script that a careful user would write; results are compared before they are timed.  Shapes:
every corner (1 or 4096 in each dimension) within the budget, and a low-discrepancy sample of SIZES.
Ratio: NumPy's time over shallowcore's in a round, median over rounds.  What comes out below 1 is
measured again, worst first, in more and longer samples.  Exit status 1 if a ratio stays below
--least or a result is wrong, 2 for a debug build.
"""

import argparse
import functools
import itertools
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from shallowcore import ops, optimizers

from bench import growth
from bench.growth import Duel, duel, network, normal, samples

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]

SIZES = [1, 2, 3, 4, 5, 7, 8, 10, 16, 17, 31, 32, 64, 100, 127, 128, 200, 256, 333, 512, 784, 1000]
SIZES += [1024, 2048, 3000, 4096]
BUDGET, QUICK_BUDGET = (1e10, 2.0**26), (1e8, 2.0**20)  # of a call: operations, numbers in arrays
TYPES = ("float32", "float64")


# --- NumPy's side ---------------------------------------------------------------------------------
def sigmoid(z: Array) -> Array:
    a: Array = np.reciprocal(1 + np.exp(-z))
    return a


def softmax(z: Array) -> Array:
    e: Array = z - z.max(axis=1, keepdims=True)
    np.exp(e, out=e)
    e /= e.sum(axis=1, keepdims=True)
    return e


def log_softmax(z: Array) -> Array:
    s: Array = z - z.max(axis=1, keepdims=True)
    s -= np.log(np.exp(s).sum(axis=1, keepdims=True))
    return s


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": np.copy,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.maximum(z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softmax": softmax,
    "log_softmax": log_softmax,
}
DERIVATIVES: dict[str, Callable[[Array], Array]] = {
    "relu": lambda z: (z > 0).astype(z.dtype),
    "elu": lambda z: np.exp(np.minimum(z, 0)),
    "sigmoid": lambda z: (a := sigmoid(z)) * (1 - a),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
}


def squared_error(y: Array, p: Array) -> tuple[Any, Array]:
    d = p - y
    return np.vdot(d, d) / d.size, np.multiply(d, 2 / d.size, out=d)


def binary(y: Array, p: Array) -> tuple[Any, Array]:
    value = (y * np.log(p) + (1 - y) * np.log(1 - p)).sum() / -p.size
    return value, (p - y) / (p * (1 - p) * p.size)


def binary_logits(y: Array, z: Array) -> tuple[Any, Array]:
    e = np.exp(-np.abs(z))
    value = np.mean(np.maximum(z, 0) - z * y + np.log1p(e))
    return value, (np.where(z >= 0, 1, e) / (1 + e) - y) / z.size


def categorical_logits(y: Array, z: Array) -> tuple[Any, Array]:
    a = softmax(z)
    value = np.log(np.einsum("ij,ij->i", y, a)).sum() / -len(z)  # y is one-hot
    return value, np.divide(np.subtract(a, y, out=a), len(z), out=a)


def sparse_logits(y: Array, z: Array) -> tuple[Any, Array]:
    a, right = softmax(z), (np.arange(len(z)), y)
    value = np.log(a[right]).sum() / -len(z)
    a[right] -= 1
    return value, np.divide(a, len(z), out=a)


LOSSES: dict[str, Callable[[Array, Array], tuple[Any, Array]]] = {
    "mean_squared_error": squared_error,
    "binary_crossentropy": binary,
    "binary_crossentropy from logits": binary_logits,
    "categorical_crossentropy from logits": categorical_logits,
    "sparse_categorical_crossentropy from logits": sparse_logits,
}


def dense(x: Array, w: Array, b: Array, activation: str) -> Array:
    z: Array = x @ w
    z += b
    if activation == "relu":
        np.maximum(z, 0, out=z)
    elif activation == "tanh":
        np.tanh(z, out=z)
    return z


class Script:
    """A network of one hidden layer and its training; sigmoid of one output, softmax of several."""

    def __init__(self, weights: Sequence[Array], hidden: str, optimizer: str, rate: float) -> None:
        self.hidden, self.optimizer, self.rate, self.steps = hidden, optimizer, rate, 0
        # One vector of all weights and one of all gradients: the optimizer needs few calls.
        self.all = np.concatenate([w.ravel() for w in weights])
        self.gradient, self.mean, self.square = np.zeros((3, self.all.size), self.all.dtype)
        ends = np.cumsum([w.size for w in weights])[:-1]
        self.weights, self.gradients = (
            [part.reshape(w.shape) for part, w in zip(np.split(v, ends), weights, strict=True)]
            for v in (self.all, self.gradient)
        )

    def forward(self, x: Array) -> tuple[Array, Array]:
        w1, b1, w2, b2 = self.weights
        h = dense(x, w1, b1, self.hidden)
        z = dense(h, w2, b2, "identity")
        return h, sigmoid(z) if z.shape[1] == 1 else softmax(z)

    def step(self, x: Array, y: Array, right: Array) -> None:
        """One update; right (n_samples,) receives the probabilities of the classes in y."""
        h, dz = self.forward(x)
        if dz.shape[1] == 1:
            dz -= y
            np.subtract(1, np.abs(dz[:, 0]), out=right)
        else:
            samples = np.arange(len(x))
            right[:] = dz[samples, y]
            dz[samples, y] -= 1
        dz /= len(x)
        dh = dz @ self.weights[2].T
        dh *= h > 0 if self.hidden == "relu" else 1 - h * h
        for a, d, dw, db in ((x, dh, *self.gradients[:2]), (h, dz, *self.gradients[2:])):
            np.matmul(a.T, d, out=dw)
            d.sum(axis=0, out=db)
        self.steps += 1
        g, m, v, rate = self.gradient, self.mean, self.square, self.rate
        if self.optimizer == "adam":
            rate *= math.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
            m *= 0.9
            m += 0.1 * g
            v *= 0.999
            g *= g
            g *= 0.001
            v += g
            np.sqrt(v, out=g)
            g += 1e-7
            np.divide(m, g, out=g)
        g *= rate
        self.all -= g

    def fit(self, x: Array, y: Array, batch: int, epochs: int, shuffle: bool) -> list[float]:
        """Losses of the epochs."""
        rng, right, losses = np.random.default_rng(0), np.empty(len(x), x.dtype), []
        for _ in range(epochs):
            order = rng.permutation(len(x)) if shuffle else None
            for first in range(0, len(x), batch):
                place = slice(first, first + batch)
                rows: Any = place if order is None else order[place]
                self.step(x[rows], y[rows], right[place])
            losses.append(-float(np.log(right).mean()))
        return losses


# --- the same work by both ------------------------------------------------------------------------
def dense_duel(variant: str, dtype: str, m: int, k: int, n: int) -> Duel:
    x, w, b = normal(dtype, m, k), normal(dtype, k, n), normal(dtype, n)
    w /= math.sqrt(k)
    if variant == "product":
        return duel(lambda: ops.dense(x, w), lambda: x @ w, math.sqrt(k))
    return duel(lambda: ops.dense(x, w, b, variant), lambda: dense(x, w, b, variant), math.sqrt(k))


def dense_grad_duel(variant: str, dtype: str, m: int, k: int, n: int) -> Duel:
    x, w, dz = normal(dtype, m, k), normal(dtype, k, n), normal(dtype, m, n)
    dx = variant == "with dx"
    ours = functools.partial(ops.dense_grad, x, w, dz, need_dx=dx)
    return duel(ours, lambda: (dz @ w.T if dx else None, x.T @ dz, dz.sum(axis=0)), max(m, n))


def activation_duel(variant: str, dtype: str, m: int, n: int) -> Duel:
    z, name = normal(dtype, m, n), variant.removesuffix("'")
    if name != variant:
        return duel(lambda: ops.activation_grad(z, name), lambda: DERIVATIVES[name](z))
    return duel(lambda: ops.activation(z, name), lambda: ACTIVATIONS[name](z))


def loss_duel(variant: str, dtype: str, m: int, n: int) -> Duel:
    name, _, logits = variant.partition(" from ")
    p, y = normal(dtype, m, n), samples(m, n, n, dtype)[0]
    if name == "binary_crossentropy":
        y, p = (y > 0).astype(dtype), p if logits else sigmoid(p)
    elif "categorical" in name:
        labels = y.argmax(axis=1)
        y = labels if "sparse" in name else np.eye(n, dtype=dtype)[labels]
    ours = functools.partial(ops.loss, name, y, p, from_logits=bool(logits))
    return duel(ours, lambda: LOSSES[variant](y, p), math.sqrt(m * n), 1 / (m * n))


def fit_duel(variant: str, dtype: str, batch: int, *sizes: int) -> Duel:
    """Training: compared at usual rates, timed at small ones, at which weights stay tame."""
    hidden, optimizer, order = variant.split()
    n_in, n_hidden, n_out = sizes
    most = min(8, 2**23 // (batch * n_in), 10**9 // (6 * batch * n_hidden * (n_in + n_out)))
    steps = max(1, most) if order == "shuffled" else 1
    x, y = samples(batch * steps, n_in, n_out, dtype)

    def contenders(rate: float) -> tuple[Any, Script]:
        made = optimizers.Adam(rate) if optimizer == "adam" else optimizers.SGD(rate)
        model = network(sizes, hidden, made, dtype)
        return model, Script(model.get_weights(), hidden, optimizer, rate)

    model, script = contenders(1e-3 if optimizer == "adam" else 0.05)
    start = script.all.copy()
    model.fit(x, y, batch_size=batch, epochs=2, shuffle=False, verbose=0)
    script.fit(x, y, batch, 2, shuffle=False)
    off = np.concatenate([w.ravel() for w in model.get_weights()]) - script.all
    # Where terms of a gradient cancel, Adam's step keeps its size and not its digits.
    eps, norm = float(np.finfo(dtype).eps), np.linalg.norm
    allowed = eps**0.4 * norm(script.all - start) + 16 * steps * eps * norm(start)
    model, script = contenders(1e-6)
    return Duel(
        lambda n: model.fit(x, y, batch_size=batch, epochs=n, shuffle=steps > 1, verbose=0),
        lambda n: script.fit(x, y, batch, n, steps > 1),
        float(norm(off) / allowed),
        steps,
    )


def predict_duel(variant: str, dtype: str, m: int, *sizes: int) -> Duel:
    x, _ = samples(m, sizes[0], sizes[-1], dtype)
    model = network(sizes, variant, "sgd", dtype)
    script = Script(model.get_weights(), variant, "sgd", 0)
    return duel(lambda: model.predict(x), lambda: script.forward(x)[1], 64, 1 / sizes[-1])


# Dimensions, variants, and what makes a duel of variant, dtype and shape.
OPERATIONS: dict[str, tuple[str, tuple[str, ...], Callable[..., Duel]]] = {
    "fit": ("m n_in n_hidden n_out", ("tanh sgd full", "relu adam shuffled"), fit_duel),
    "predict": ("m n_in n_hidden n_out", ("tanh", "relu"), predict_duel),
    "dense": ("m k n", ("product", "relu"), dense_duel),
    "dense_grad": ("m k n", ("with dx", "without dx"), dense_grad_duel),
    "activation": ("m n", (*ACTIVATIONS, *(f"{name}'" for name in DERIVATIVES)), activation_duel),
    "loss": ("m n", tuple(LOSSES), loss_duel),
}


# --- cases ----------------------------------------------------------------------------------------
Case: TypeAlias = tuple[str, str, str, Shape]  # operation, variant, dtype, sizes


@dataclass(frozen=True)
class Result:
    """Seconds of a call, or of a step of `fit`: medians over rounds, as the ratio is."""

    case: Case
    ours: float
    numpy: float
    ratio: float
    error: float
    rounds: int


def draws(n: int, seed: int) -> Iterator[Shape]:
    """Roberts' sequence in n dimensions: multiples of powers of the root of x^(n + 1) = x + 1."""
    root = max(np.roots([1, *[0] * (n - 1), -1, -1]).real)
    steps, start = root ** -np.arange(1.0, n + 1), np.random.default_rng(seed).random(n)
    for i in itertools.count():
        yield tuple(SIZES[int(u * len(SIZES))] for u in (start + i * steps) % 1)


def is_affordable(shape: Shape, quick: bool) -> bool:
    """Products (rows, d_i) (d_i, d_i+1), forwards and backwards, and their arrays."""
    rows, *sizes = shape
    weights = sum(a * b for a, b in itertools.pairwise(sizes))
    flops, numbers = QUICK_BUDGET if quick else BUDGET
    return 6 * rows * weights <= flops and 3 * (rows * sum(sizes) + weights) <= numbers


def shapes(n: int, seed: int, quick: bool) -> Iterator[Shape]:
    """Corners and draws in turn, then draws, without those that cost too much."""
    drawn = draws(n, seed)
    corners = itertools.product((1, 4096), repeat=n)
    mixed = itertools.chain.from_iterable(zip(corners, drawn, strict=False))
    return (s for s in itertools.chain(mixed, drawn) if is_affordable(s, quick))


def cases(names: Sequence[str], dtypes: Sequence[str], seed: int, quick: bool) -> Iterator[Case]:
    """Without end; the variants take turns."""
    streams = []
    for name in names:
        dimensions, variants, _ = OPERATIONS[name]
        n = len(dimensions.split())
        streams += [(name, v, shapes(n, seed + i, quick)) for i, v in enumerate(variants)]
    while True:
        for name, variant, stream in streams:
            shape = next(stream)
            yield from ((name, variant, dtype, shape) for dtype in dtypes)


def weigh(case: Case, rounds: int, sample: float) -> Result:
    """Compare results, then times; samples of `fit` are ten times as long."""
    operation, variant, dtype, shape = case
    found = OPERATIONS[operation][2](variant, dtype, *shape)
    sample *= 10 if operation == "fit" else 1
    ours, rival = growth.compare((found.ours, found.rival), sample, rounds)
    ratio = statistics.median(r / o for o, r in zip(ours, rival, strict=True))
    a_step, numpys = (statistics.median(seconds) / found.steps for seconds in (ours, rival))
    return Result(case, a_step, numpys, ratio, found.error, rounds)


def search(all_cases: Iterator[Case], seconds: float, quick: bool) -> list[Result]:
    """Results of as many cases as there is time for."""
    start = time.monotonic()
    results: list[Result] = []
    while time.monotonic() < start + 0.7 * seconds:  # the rest is for measuring again
        results.append(weigh(next(all_cases), 3 if quick else 5, 1e-3 if quick else 2e-3))
    results.sort(key=lambda r: r.ratio)
    for i, result in enumerate(results):
        if result.ratio >= 1 or time.monotonic() > start + seconds:
            break
        results[i] = weigh(result.case, 5 if quick else 15, 2e-3 if quick else 6e-3)
    return sorted(results, key=lambda r: r.ratio)


# --- program --------------------------------------------------------------------------------------
def report(results: Sequence[Result], worst: int) -> str:
    """The worst cases of each operation, and the summary."""
    summary: list[Sequence[object]] = [("", "cases", "below 1", "worst", "median")]
    text = []
    for name in sorted({r.case[0] for r in results}, key=list(OPERATIONS).index):
        mine = [r for r in results if r.case[0] == name]
        head = (name, "", OPERATIONS[name][0], "us", "NumPy", "ratio", "rounds")
        rows: list[Sequence[object]] = [head]
        for r in mine[:worst]:
            figures = f"{1e6 * r.ours:.4g}", f"{1e6 * r.numpy:.4g}", f"{r.ratio:.2f}", r.rounds
            rows.append((*r.case[1:3], " ".join(map(str, r.case[3])), *figures))
        text.append(growth.table(rows, texts=3))
        ratios = [r.ratio for r in mine]
        extremes = f"{min(ratios):.2f}", f"{statistics.median(ratios):.2f}"
        summary.append((name, len(mine), sum(ratio < 1 for ratio in ratios), *extremes))
    return "\n\n".join([*text, growth.table(summary)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Search and print; returns the exit status."""
    parser = argparse.ArgumentParser("python -m bench.sweep", description="Worst ratios to NumPy.")
    parser.add_argument("--dtype", choices=TYPES, nargs="+", default=TYPES)
    parser.add_argument("--only", choices=OPERATIONS, nargs="+", default=list(OPERATIONS))
    parser.add_argument("--minutes", type=float, help="default 10; a third with --quick")
    parser.add_argument("--quick", action="store_true", help="small shapes, short samples")
    parser.add_argument("--least", type=float, default=0.95, help="ratio required, default 0.95")
    parser.add_argument("--worst", type=int, default=20, help="rows of a table, default 20")
    parser.add_argument("--seed", type=int, default=0, help="of the drawn shapes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    chosen = parser.parse_args(arguments)
    if growth.is_debug_build():
        return 2
    minutes = chosen.minutes or (1 / 3 if chosen.quick else 10)
    endless = cases(chosen.only, chosen.dtype, chosen.seed, chosen.quick)
    with np.errstate(over="ignore"):  # of exp(-z), where the plain sigmoid is near 0
        results = search(endless, 60 * minutes, chosen.quick)
    found_at = growth.conditions()
    print("\n".join(f"{name}: {value}" for name, value in found_at.items()), end="\n\n")
    print(report(results, chosen.worst))
    wrong = [r for r in results if not r.error <= 1]
    for r in wrong:
        print(f"WRONG  {r.case}: {r.error:.3g} times the error allowed")
    growth.write(chosen.json, conditions=found_at, results=[asdict(r) for r in results])
    return int(bool(wrong) or any(r.ratio < chosen.least for r in results))


if __name__ == "__main__":
    sys.exit(main())
