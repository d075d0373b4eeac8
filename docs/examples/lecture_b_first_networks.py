"""
A shallow network, and digits in twenty lines
=============================================

Twenty features, ten hidden units, one output, trained step by step; then a classifier of
handwritten digits in Keras' words.
"""

# %%
# Step by step
# ------------
#
# Five thousand samples of scikit-learn's generator, 4000 for training. Batches of 100 in order,
# plain gradient descent at rate 1. `train_on_batch` does one step and returns the loss before it.

import time

import matplotlib.pyplot as plt
import numpy as np
from shallowcore import datasets, initializers, layers, models, optimizers, utils
from sklearn.datasets import make_classification

x, y = make_classification(n_samples=5000, random_state=123)
y = y.astype("float64")  # the model's own type is read where it lies
x_train, y_train, x_test, y_test = x[:4000], y[:4000], x[4000:], y[4000:]


def shallow_network(seed):
    """20-10-1, tanh and sigmoid, small random weights."""
    normal = initializers.RandomNormal(stddev=0.01)
    model = models.Sequential(
        [
            layers.Input((20,)),
            layers.Dense(10, "tanh", kernel_initializer=normal),
            layers.Dense(1, "sigmoid", kernel_initializer=normal),
        ],
        dtype="float64",
        seed=seed,
    )
    model.compile(optimizers.SGD(1.0), "binary_crossentropy", metrics=["accuracy"])
    return model


model = shallow_network(seed=0)
last_batches = []
start = time.perf_counter()
for _ in range(300):
    for first in range(0, 4000, 100):
        batch = slice(first, first + 100)
        loss, _ = model.train_on_batch(x_train[batch], y_train[batch])
    last_batches.append(loss)
seconds = time.perf_counter() - start
print(f"12,000 steps from a loop in Python: {seconds:.3f} s")
for epoch in (0, 10, 100, 299):
    print(f"epoch {epoch}: loss of the last batch {last_batches[epoch]:.4f}")
print(f"test accuracy: {model.evaluate(x_test, y_test, verbose=0)[1]:.3f}")

# %%
# `fit` runs whole epochs in the core and gives the mean loss of each.

model = shallow_network(seed=0)
start = time.perf_counter()
history = model.fit(x_train, y_train, batch_size=100, epochs=300, shuffle=False, verbose=0)
print(f"12,000 steps by fit: {time.perf_counter() - start:.3f} s")

fig, ax = plt.subplots(layout="constrained")
ax.plot(last_batches, linewidth=1, label="last batch of the epoch")
ax.plot(history.history["loss"], label="mean of the epoch")
ax.set(xlabel="epoch", ylabel="cross-entropy")
ax.legend()
plt.show()

# %%
# Handwritten digits
# ------------------
#
# 1797 pictures of 8 x 8 pixels come with the package. With the 70,000 of MNIST
# (``datasets.load_mnist()``), 512 hidden units and pictures divided by 255, the same lines reach 98
# % on the test set in five epochs: ``shallowcore demo --all`` shows it where the files are.

(train_images, train_labels), (test_images, test_labels) = datasets.load_digits().split()

network = models.Sequential(seed=0)
network.add(layers.Dense(64, activation="relu", input_shape=(64,)))
network.add(layers.Dense(10, activation="softmax"))
network.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
network.fit(
    train_images.astype("float32") / 16,
    utils.to_categorical(train_labels),
    epochs=30,
    batch_size=32,
    verbose=0,
)
test_images = test_images.astype("float32") / 16
loss, accuracy = network.evaluate(test_images, utils.to_categorical(test_labels), verbose=0)
print(f"test accuracy: {accuracy:.4f}")
network.summary()

# %%
# What the hidden units look for: their weights as pictures, violet where ink speaks for the unit,
# orange where it speaks against it.

kernel = network.layers[0].kernel
reach = np.abs(kernel).max()
fig, axes = plt.subplots(4, 8, figsize=(8, 4.2), layout="constrained")
for unit, ax in enumerate(axes.flat):
    ax.imshow(kernel[:, unit].reshape(8, 8), cmap="PuOr", vmin=-reach, vmax=reach)
    ax.set_axis_off()
fig.suptitle("weights of 32 hidden units")
plt.show()

# %%
# The pictures that it got wrong:

said = network.predict(test_images, verbose=0).argmax(axis=1)
wrong = np.flatnonzero(said != test_labels)[:8]
fig, axes = plt.subplots(1, 8, figsize=(8, 1.6), layout="constrained")
for ax in axes:
    ax.set_axis_off()
for ax, index in zip(axes, wrong, strict=False):
    ax.imshow(test_images[index].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{test_labels[index]}, said {said[index]}", fontsize=9)
plt.show()
