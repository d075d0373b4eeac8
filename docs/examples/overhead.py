"""
The price of a step
===================

On small networks a step of training costs what the library around the arithmetic costs. Measured
**on the machine that built this site**: the same training by `fit`, by `train_on_batch` from a loop
in Python, and by NumPy.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import shallowcore
from shallowcore import layers, models, optimizers

N_FEATURES, N_HIDDEN, RATE = 20, 10, 0.1
SECONDS = 0.3  # of measuring, for each size of batch

# %%
# The network is 20-10-1, tanh and sigmoid, trained by gradient descent on binary cross-entropy. In
# NumPy, as a careful user would write it:


def numpy_step(x, y, w1, b1, w2, b2):
    """One step; changes the weights in place."""
    h = np.tanh(x @ w1 + b1)
    dz = 1 / (1 + np.exp(-(h @ w2 + b2)))
    dz -= y
    dz *= RATE / len(x)
    dh = dz @ w2.T
    dh *= 1 - h * h
    w2 -= h.T @ dz
    b2 -= dz.sum(axis=0)
    w1 -= x.T @ dh
    b1 -= dh.sum(axis=0)


def new_model():
    """The same network in shallowcore."""
    model = models.Sequential(
        [layers.Input((N_FEATURES,)), layers.Dense(N_HIDDEN, "tanh"), layers.Dense(1, "sigmoid")],
        seed=0,
    )
    model.compile(optimizers.SGD(RATE), "binary_crossentropy")
    return model


def data(n_samples):
    """Random samples in float32."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_samples, N_FEATURES), dtype=np.float32)
    return x, (x[:, :1] > 0).astype(np.float32)


# %%
# All three do the same: after ten steps the weights agree.

x, y = data(100)
by_fit, by_steps = new_model(), new_model()
by_numpy = by_fit.get_weights()
by_fit.fit(x, y, batch_size=100, epochs=10, verbose=0)
for _ in range(10):
    by_steps.train_on_batch(x, y)
    numpy_step(x, y, *by_numpy)
apart = max(
    np.abs(a - b).max()
    for others in (by_steps.get_weights(), by_numpy)
    for a, b in zip(by_fit.get_weights(), others, strict=True)
)
print(f"largest difference after ten steps: {apart:.1e}")
assert apart < 1e-6

# %%
# The time of a step, for batches of 1 to 4096 samples.


def times(batch_size):
    """Microseconds a step of fit, train_on_batch and NumPy: the best of several turns of each."""
    n_steps = max(4, 2000 // batch_size)
    x, y = data(batch_size * n_steps)
    model, weights = new_model(), new_model().get_weights()
    batches = [slice(i * batch_size, (i + 1) * batch_size) for i in range(n_steps)]

    def by_fit():
        model.fit(x, y, batch_size=batch_size, epochs=5, shuffle=False, verbose=0)

    def by_steps():
        for batch in batches:
            model.train_on_batch(x[batch], y[batch])

    def by_numpy():
        for batch in batches:
            numpy_step(x[batch], y[batch], *weights)

    contenders = {by_fit: 5 * n_steps, by_steps: n_steps, by_numpy: n_steps}
    best = dict.fromkeys(contenders, np.inf)
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        for train, steps in contenders.items():
            start = time.perf_counter()
            train()
            best[train] = min(best[train], 1e6 * (time.perf_counter() - start) / steps)
    return list(best.values())


sizes = 4 ** np.arange(7)
table = np.array([times(int(size)) for size in sizes])
print("batch   fit  train_on_batch  NumPy, microseconds a step")
for size, row in zip(sizes, table, strict=True):
    print(f"{size:5d} {row[0]:5.2f} {row[1]:15.2f} {row[2]:6.1f}")

# %%
# Left of the bend a step costs the overhead, right of it the arithmetic.

fig, ax = plt.subplots(layout="constrained")
labels = ("fit", "train_on_batch", "NumPy")
for label, column, marker in zip(labels, table.T, "os^", strict=True):
    ax.loglog(sizes, column, marker=marker, label=label)
ax.set(xlabel="samples in a batch", ylabel="microseconds a step")
ax.set_title("20-10-1, on the machine that built this page")
ax.grid(which="major", alpha=0.3)
ax.legend()
plt.show()

# %%
# The machine:

shallowcore.show_config()
