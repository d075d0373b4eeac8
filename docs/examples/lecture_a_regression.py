"""
Logistic regression and a first network
=======================================

Shirts are large or not, and apartments have a price. One neuron does for both; two layers of linear
neurons do no better than one, once they are trained.
"""

# %%
# Which shirts are large?
# -----------------------
#
# Fifty sizes in centimetres, and a label. The model is :math:`p = \sigma(a x + b)`; its loss is the
# mean of :math:`-y \ln p - (1 - y) \ln(1 - p)`. A guess, a = 1.7 and b = -172, costs 0.3385.

import matplotlib.pyplot as plt
import numpy as np
from shallowcore import datasets, layers, models, ops, optimizers, plotting, regularizers

sizes, large = datasets.make_shirts()
guess, _ = ops.loss("binary_crossentropy", large, 1.7 * sizes - 172.0, from_logits=True)
print(f"loss of the guess: {guess:.10f}")

# %%
# Newton's method finds the optimum, though the sizes are neither centred nor scaled. The lecture
# penalises the slope by :math:`a^2 / 2` on the summed loss; a model averages over its samples, so
# that the penalty is divided by their number, too.

penalty = regularizers.L2(0.5 / len(sizes))
neuron = models.Sequential(
    [
        layers.Input((1,)),
        layers.Dense(1, "sigmoid", kernel_initializer="zeros", kernel_regularizer=penalty),
    ],
    dtype="float64",
)
neuron.compile(optimizers.NewtonCG(tolerance=1e-12), "binary_crossentropy")
history = neuron.fit(sizes, large, epochs=100, verbose=0)
a, b = (float(weights.item()) for weights in neuron.get_weights())
print(f"a = {a:.8f}, b = {b:.8f} after {len(history.epoch)} iterations: {history.stop_reason}")

# %%
# Sizes of 104.27 and more are called large. No shirt is on the wrong side.

said = neuron.predict(sizes, verbose=0)[:, 0] >= 0.5
confusion = [[int(np.sum((large == i) & (said == j))) for j in (0, 1)] for i in (0, 1)]
print(f"boundary at {-b / a:.2f} cm, confusion matrix {confusion}")

grid = np.linspace(94, 114, 400)[:, None]
fig, ax = plt.subplots(layout="constrained")
ax.plot(grid, ops.activation(1.7 * grid - 172.0, "sigmoid"), "--", label="guess")
ax.plot(grid, neuron.predict(grid, verbose=0), label="optimum")
ax.plot(sizes, large, "k|", markersize=12, label="shirts")
ax.set(xlabel="size, cm", ylabel="probability of a large shirt")
ax.legend()
plt.show()

# %%
# What does an apartment cost?
# ----------------------------
#
# A hundred apartments with their surface, their distance from the centre and their price in
# millions. One linear neuron with weights set by hand is off by 0.0245 in the mean square.

apartments, prices = datasets.make_apartments()
linear = models.Sequential([layers.Input((2,)), layers.Dense(1)], dtype="float64")
linear.compile(loss="mse")
linear.set_weights([np.array([[0.014373], [-0.001286]]), np.array([1.386])])
print("first prices:", np.round(linear.predict(apartments[:5], verbose=0)[:, 0], 8))
print("mean squared error:", linear.evaluate(apartments, prices, verbose=0))

# %%
# Two layers with random weights are a lottery. Four draws:

network = models.Sequential(
    [layers.Input((2,)), layers.Dense(4), layers.Dense(1)], dtype="float64", seed=0
)
network.compile(optimizers.SGD(0.1), "mse")
initial = network.get_weights()
draw = np.random.RandomState(963)
for _ in range(4):
    network.set_weights([0.1 * draw.randn(*weights.shape) for weights in initial])
    print(f"random network: {network.evaluate(apartments, prices, verbose=0):.6f}")

# %%
# Gradient descent on standardised inputs ends where least squares does: linear layers on linear
# layers are linear.

standardised = (apartments - apartments.mean(axis=0)) / apartments.std(axis=0)
network.set_weights(initial)
history = network.fit(standardised, prices, batch_size=100, epochs=500, verbose=0)
design = np.column_stack([standardised, np.ones(100)])
residuals = design @ np.linalg.lstsq(design, prices, rcond=None)[0] - prices
least = np.mean(residuals**2)
print(f"trained: {network.evaluate(standardised, prices, verbose=0):.8f}")
print(f"least squares: {least:.8f}")

ax = plotting.plot_history(history)
ax.axhline(least, color="black", linestyle=":", label="least squares")
ax.set(yscale="log", xlim=(-1, 40))
ax.legend()
plt.show()
