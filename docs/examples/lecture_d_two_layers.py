"""
From logistic regression to two layers
======================================

Logistic regression on pictures by plain gradient descent, and data on which it fails: a flower,
whose petals belong to two classes.
"""

# %%
# Logistic regression on pictures
# -------------------------------
#
# The lecture tells photographs of cats from others: 209 pictures of 64 x 64 pixels in three
# colours, weights 0, all samples in each of 2000 steps at rate 0.005. Where the files are,
# ``datasets.load_cats()`` reads them, and ``shallowcore demo --all`` shows that all twenty costs
# that the lecture prints come out. Here the pictures are digits: is it an 8?

import matplotlib.pyplot as plt
import numpy as np
from shallowcore import activations, datasets, initializers, layers, models, optimizers, plotting

(x, digit), (x_test, digit_test) = datasets.load_digits().split()
x, x_test, y, y_test = x / 16, x_test / 16, digit == 8, digit_test == 8

regression = models.Sequential(
    [layers.Input((64,)), layers.Dense(1, "sigmoid", kernel_initializer="zeros")], dtype="float64"
)
regression.compile(optimizers.SGD(0.5), "binary_crossentropy", metrics=["accuracy"])
history = regression.fit(x, y, batch_size=len(x), epochs=2000, verbose=0)
for step in range(0, 2000, 400):
    print(f"cost before step {step}: {history.history['loss'][step]:.6f}")
print(f"training accuracy: {history.history['accuracy'][-1]:.4f}")
print(f"test accuracy: {regression.evaluate(x_test, y_test, verbose=0)[1]:.4f}")

# %%
# The first cost is ln 2: weights of 0 say one half to everything. The weights, drawn as a picture,
# are the template of an 8.

fig, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
plotting.plot_history(history, ax=axes[0])
kernel = regression.layers[0].kernel.reshape(8, 8)
reach = np.abs(kernel).max()
drawn = axes[1].imshow(kernel, cmap="PuOr", vmin=-reach, vmax=reach)
axes[1].set_title("weights")
axes[1].set_axis_off()
fig.colorbar(drawn, ax=axes[1])
plt.show()

# %%
# A flower
# --------
#
# No straight line parts the petals. Four tanh units do it, and so does leaky relu with the
# lecture's slope of 0.1.

x, y = datasets.make_flower()


def trained(*hidden):
    """Model with these hidden layers after 10,000 steps on all samples at rate 1.2."""
    small = initializers.RandomNormal(stddev=0.01)
    output = layers.Dense(1, "sigmoid", kernel_initializer=small)
    model = models.Sequential([layers.Input((2,)), *hidden, output], dtype="float64", seed=0)
    model.compile(optimizers.SGD(1.2), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=len(x), epochs=10_000, verbose=0)
    print(f"10,000 steps: {history.seconds:.2f} s")
    return model


flower_models = {
    "logistic regression": trained(),
    "4 tanh units": trained(
        layers.Dense(4, "tanh", kernel_initializer=initializers.RandomNormal(stddev=0.01))
    ),
    "20 leaky relu units": trained(layers.Dense(20, activations.LeakyReLU(0.1))),
}

fig, axes = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
for ax, (name, model) in zip(axes, flower_models.items(), strict=True):
    accuracy = model.evaluate(x, y, verbose=0)[1]
    print(f"{name}: {accuracy:.4f} right")
    plotting.plot_decision_boundary(model, x, y, ax=ax)
    ax.set_title(f"{name}: {100 * accuracy:.1f} %")
plt.show()
