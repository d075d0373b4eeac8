"""
Four trainings, several plans
=============================

`fit` chooses how the steps of a training are computed. Here each plan that suits is forced in turn,
and the time of a step is measured **on the machine that built this site**.
"""

import os
import time

import matplotlib.pyplot as plt
import numpy as np
import shallowcore
from shallowcore import layers, models, optimizers

# %%
# Four trainings, from a handful of units to a wide layer, and two on wide inputs.

TRAININGS = {
    # name: (sizes, activations, samples, batch, epochs)
    "20-10-1, batches of 100, 5 epochs": ((20, 10, 1), ("tanh", "sigmoid"), 4000, 100, 5),
    "54-256-7, batches of 256, 5 epochs": ((54, 256, 7), ("relu", "softmax"), 2560, 256, 5),
    "4096-1, all 200 samples, 300 epochs": ((4096, 1), ("sigmoid",), 200, 200, 300),
    "600-1, all 1000 samples, 300 epochs": ((600, 1), ("sigmoid",), 1000, 1000, 300),
}
PLANS = ("lanes", "gram", "tiles", "panels", "blocks")
SECONDS = 0.2  # of measuring, for each plan


def new_model(name):
    """The network of a training of the table."""
    (n_features, *units), activations, *_ = TRAININGS[name]
    stack = [layers.Dense(*pair) for pair in zip(units, activations, strict=True)]
    model = models.Sequential([layers.Input((n_features,)), *stack], seed=0)
    loss = "binary_crossentropy" if units[-1] == 1 else "sparse_categorical_crossentropy"
    model.compile(optimizers.SGD(1e-3), loss)
    return model


def random_data(name):
    """Inputs and labels."""
    (n_features, *_), _, n_samples, *_ = TRAININGS[name]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_samples, n_features), dtype=np.float32)
    return x, rng.integers(0, 2, n_samples)


def microseconds_a_step(name, plan):
    """Best of several trainings of new models, preparations included; None: it does not suit."""
    n_samples, batch_size, epochs = TRAININGS[name][2:]
    os.environ["SHALLOWCORE_FORCE_PLAN"] = plan
    try:
        x, y = random_data(name)
        best, end = np.inf, time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            model = new_model(name)
            start = time.perf_counter()
            model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0)
            best = min(best, time.perf_counter() - start)
        return 1e6 * best / (epochs * -(-n_samples // batch_size))
    except RuntimeError:
        return None
    finally:
        del os.environ["SHALLOWCORE_FORCE_PLAN"]


# %%
# What `fit` chooses by itself, and why:

chosen = {}
for name in TRAININGS:
    batch_size, epochs = TRAININGS[name][3:]
    model, (x, y) = new_model(name), random_data(name)
    model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0)
    summary = model.plan_summary()
    chosen[name] = next(plan for plan in PLANS if f"plan: {plan}" in summary)
    print(f"{name}\n{summary}")

# %%
# And what the others cost. A plan is missing where it does not suit. The plan that was chosen is
# drawn darker.

fig, axes = plt.subplots(2, 2, figsize=(9, 5), layout="constrained")
for ax, name in zip(axes.flat, TRAININGS, strict=True):
    times = {plan: microseconds_a_step(name, plan) for plan in PLANS}
    times = {plan: value for plan, value in times.items() if value is not None}
    colours = ["#0072B2" if plan == chosen[name] else "#9CC9E3" for plan in times]
    bars = ax.barh(list(times), list(times.values()), color=colours)
    ax.bar_label(bars, [f"{t:,.3g}" if t < 100 else f"{t:,.0f}" for t in times.values()], padding=3)
    ax.margins(x=0.2)
    ax.invert_yaxis()
    ax.set(title=name, xlabel="microseconds a step")
plt.show()

# %%
# The machine:

shallowcore.show_config()
