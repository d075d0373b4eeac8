"""
One hidden layer, any activation
================================

Activations and their slopes, how many numbers a network learns, one pass for all samples, and two
ways in which training goes nowhere: hidden units that are all alike, and saturated ones.
"""

# %%
# Activations and slopes
# ----------------------
#
# The derivative of relu at 0 is 0, that of leaky relu its slope.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from shallowcore import datasets, layers, models, ops, optimizers

z = np.linspace(-4, 4, 401)[:, None]
fig, axes = plt.subplots(1, 4, figsize=(10, 2.8), sharex=True, layout="constrained")
for ax, name in zip(axes, ("sigmoid", "tanh", "relu", "leaky_relu"), strict=True):
    ax.plot(z, ops.activation(z, name), label="g(z)")
    ax.plot(z, ops.activation_grad(z, name), "--", label="g'(z)")
    ax.set(title=name, xlabel="z")
axes[0].legend()
plt.show()

at = np.array([[-1.0], [0.0], [1.0]])
for name in ("sigmoid", "tanh", "relu", "leaky_relu"):
    print(f"{name}' at -1, 0, 1:", np.round(ops.activation_grad(at, name)[:, 0], 6))

# %%
# A 3-4-1 network
# ---------------
#
# It learns 3 x 4 + 4 numbers for the hidden layer and 4 + 1 for the output.


def network(n_features, n_hidden, start="glorot_uniform"):
    """n_features-n_hidden-1, tanh and sigmoid, gradient descent at rate 1.2."""
    model = models.Sequential(
        [
            layers.Input((n_features,)),
            layers.Dense(n_hidden, "tanh", kernel_initializer=start),
            layers.Dense(1, "sigmoid", kernel_initializer=start),
        ],
        dtype="float64",
        seed=0,
    )
    model.compile(optimizers.SGD(1.2), "binary_crossentropy")
    return model


model = network(3, 4)
print("parameters:", model.count_params())

# %%
# All samples in one pass give what a loop over single samples gives, up to rounding.

x = np.random.default_rng(0).standard_normal((200, 3))
y = (x.sum(axis=1) > 0).astype(float)
loss, gradients = model.gradients(x, y)
single = [model.gradients(x[i : i + 1], y[i : i + 1])[1] for i in range(len(x))]
by_loop = [np.mean([one[k] for one in single], axis=0) for k in range(4)]
apart = max(np.abs(a - b).max() for a, b in zip(gradients, by_loop, strict=True))
print(f"largest difference of the gradients: {apart:.1e}")

# %%
# Symmetry
# --------
#
# Hidden units that start alike get the same gradient, and stay alike for ever. `fit` says so.

x, y = datasets.make_flower()
alike = network(2, 4, start="zeros")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    alike.fit(x, y, batch_size=400, epochs=100, verbose=0)
print("warned:", caught[0].message)
kernel = alike.layers[0].kernel
print("units apart after 100 steps:", np.abs(kernel - kernel[:, :1]).max())

# %%
# Saturation
# ----------
#
# The larger the weights, the flatter is tanh where it is used, and the less the hidden layer hears
# of the loss. Gradients vanish; they are never NaN.

factors = np.geomspace(1, 1000, 13)
model = network(2, 32)
start, *others = model.get_weights()
sizes = []
for factor in factors:
    model.set_weights([factor * start, *others])
    gradient = model.gradients(x, y)[1][0]
    assert np.isfinite(gradient).all()
    sizes.append(np.median(np.abs(gradient)))

fig, ax = plt.subplots(layout="constrained")
ax.loglog(factors, sizes, marker="o")
ax.set(xlabel="initial weights, times the usual ones", ylabel="median gradient, hidden layer")
plt.show()

# %%
# So the hidden layer of a network that starts a thousand times too large stays where it is: what it
# learns, it learns in the output layer.

for factor in (1, 1000):
    model = network(2, 32)
    before = factor * start
    model.set_weights([before, *others])
    model.fit(x, y, batch_size=400, epochs=100, verbose=0)
    moved = np.linalg.norm(model.layers[0].kernel - before) / np.linalg.norm(before)
    print(f"weights x {factor}: after 100 steps moved by {moved:.4f} of their size")
