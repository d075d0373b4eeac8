"""Prints, as JSON, hashes of what the core computes: for each number of threads given, one dict.

Run in a process of its own by test_isa_and_threads.py: `python bits.py 1 2 8`.  The products are
large enough that every one of the threads has work.
"""

import hashlib
import json
import sys
from typing import Any

import numpy as np
import shallowcore as sc
from shallowcore import _core, layers, models, ops

SPARSE = "sparse_categorical_crossentropy"


def hash_of(*arrays: Any) -> str:
    """Of the bits, whatever the layout."""
    digest = hashlib.sha256()
    for a in arrays:
        digest.update(np.ascontiguousarray(a).tobytes())
    return digest.hexdigest()[:16]


def draw(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def trained(
    sizes: tuple[int, ...], n_samples: int, batch: int, optimizer: str, dtype: str, order: Any
) -> str:
    """Hash of weights, losses, predictions and gradients after some steps."""
    one = sizes[-1] == 1
    stack = [layers.Dense(n, "tanh") for n in sizes[1:-1]]
    stack.append(layers.Dense(sizes[-1], "sigmoid" if one else "softmax"))
    model = models.Sequential([layers.Input(sizes[:1]), *stack], dtype=dtype, seed=1)
    loss = "binary_crossentropy" if one else SPARSE
    model.compile(optimizer, "mse" if optimizer == "levenberg_marquardt" else loss, ["accuracy"])
    x = np.asarray(draw(2, n_samples, sizes[0]).astype(dtype), order=order)
    y = np.random.default_rng(3).integers(0, max(2, sizes[-1]), n_samples)
    history = model.fit(x, y, batch_size=batch, epochs=2, verbose=0).history
    figures = [history["loss"], history["accuracy"], model.evaluate(x, y)]
    return hash_of(*model.get_weights(), *figures, model.predict(x), *model.gradients(x, y)[1])


def trainings() -> dict[str, str]:
    """Tall, wide, deep, one output, full batches in both orders."""
    cases: list[tuple[tuple[int, ...], int, int, str, str, str]] = [
        ((300, 256, 10), 640, 512, "rmsprop", "float32", "C"),
        ((300, 256, 10), 640, 512, "adam", "float64", "F"),
        ((30, 400, 200, 3), 901, 300, "sgd", "float32", "C"),
        ((700, 1), 6000, 6000, "sgd", "float32", "F"),
        ((700, 1), 6000, 6000, "sgd", "float64", "C"),
        ((4, 2000, 1), 1024, 1024, "adam", "float32", "C"),
        ((40, 30, 1), 500, 500, "newton_cg", "float64", "C"),
        ((90, 1), 3000, 3000, "newton_cg", "float64", "C"),
        ((40, 30, 10), 2000, 2000, "lbfgs", "float32", "C"),
        ((20, 30, 1), 2000, 2000, "levenberg_marquardt", "float64", "F"),
    ]
    return {str(case): trained(*case) for case in cases}


def products() -> dict[str, str]:
    """ops.dense and ops.dense_grad of shapes split by rows, by columns, or of one column."""
    found = {}
    for m, k, n in ((701, 307, 263), (3, 2000, 3001), (20011, 401, 1), (2, 3, 500003)):
        x, w, dz = draw(4, m, k), draw(5, k, n), draw(6, m, n)
        orders: tuple[Any, ...] = ("C", "F")
        for order in orders:
            laid = [np.asarray(a, order=order) for a in (x, w, dz)]
            found[f"{m} {k} {n} {order}"] = hash_of(
                ops.dense(laid[0], laid[1], None, "tanh"), *ops.dense_grad(*laid)
            )
    return found


def native_threads() -> int:
    """Threads of this process as the system counts them; 0 where it does not tell."""
    try:
        with open("/proc/self/status") as status:
            lines = [line for line in status if line.startswith("Threads:")]
    except FileNotFoundError:
        return 0
    return int(lines[0].split()[1])


def main() -> None:
    found = []
    for n in map(int, sys.argv[1:]):
        sc.set_num_threads(n)
        before = native_threads()
        one = {"isa": _core.isa(), "products": products(), "trainings": trainings()}
        found.append(one | {"threads": [before, native_threads()]})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
