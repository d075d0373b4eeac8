"""
By hand, softmax and the playground
===================================

A forward pass to check with a pencil, losses with a factor, classifiers of any depth, and four data
sets in the plane.
"""

# %%
# A forward pass by hand
# ----------------------
#
# Three inputs, three hidden units, one output, sigmoids everywhere, all biases 0.1. Two units come
# out exactly as on paper: z = 0.52, 0.20, 1.22.

import matplotlib.pyplot as plt
import numpy as np
from shallowcore import datasets, layers, losses, models, ops, optimizers, plotting

x = np.array([[0.2, 0.5, -0.9]])
w1 = np.array([[1.2, 0.2, 1.3], [0.9, 0.3, 1.9], [0.3, 0.1, 0.1]])
w2 = np.array([[0.2], [0.6], [0.2]])
b1, b2 = np.full(3, 0.1), np.full(1, 0.1)
print("z:", ops.dense(x, w1, b1)[0])
hidden = ops.dense(x, w1, b1, activation="sigmoid")
print("a:", np.round(hidden[0], 8))
print("output:", np.round(ops.dense(hidden, w2, b2, activation="sigmoid")[0], 8))

# %%
# A factor in the loss
# --------------------
#
# Dividing the gradient by 2 m instead of m is the same as halving the learning rate, to the last
# bit.

flower, petal = datasets.make_flower()


def regression(loss, rate):
    """Logistic regression on the flower after 100 steps."""
    model = models.Sequential(
        [layers.Input((2,)), layers.Dense(1, "sigmoid", kernel_initializer="zeros")],
        dtype="float64",
    )
    model.compile(optimizers.SGD(rate), loss)
    model.fit(flower, petal, batch_size=len(flower), epochs=100, verbose=0)
    return model


halved = regression(losses.BinaryCrossentropy(scale=0.5), 0.1)
slower = regression(losses.BinaryCrossentropy(), 0.05)
print("same bits:", halved.digest() == slower.digest())

# %%
# Softmax
# -------

logits = np.array([[6.0, -2.0, 3.0]])
print("softmax of (6, -2, 3):", np.round(ops.softmax(logits)[0], 9))
for label in (0, 2):
    cost, _ = ops.loss("sparse_categorical_crossentropy", [label], logits, from_logits=True)
    print(f"cost where the class is {label}: {cost:.8f}")
print("of (1000, 1001):", np.round(ops.softmax(np.array([[1000.0, 1001.0]]))[0], 6))

# %%
# Any number of hidden layers, in front of a softmax:

(x, y), (x_test, y_test) = datasets.load_digits(dtype="float32").split()
for depth in range(4):
    stack = [layers.Dense(32, "relu") for _ in range(depth)]
    model = models.Sequential(
        [layers.Input((64,)), layers.Rescaling(1 / 16), *stack, layers.Dense(10, "softmax")], seed=0
    )
    model.compile(
        optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", ["accuracy"]
    )
    model.fit(x, y, epochs=30, verbose=0)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    print(f"digits, {depth} hidden layers: {accuracy:.4f} right")

# %%
# The playground
# --------------
#
# Circle, exclusive-or, two clouds and a spiral, half of the points for training. The circle with
# the lecture's settings: 2-8-8-1, sigmoid and tanh at the output, half the squared error, rate 0.1,
# batches of 10, 229 epochs. The lecture's picture shows a test loss of 0.030 and a training loss of
# 0.010.


def playground(make, hidden, rate, epochs, noise=0.0):
    """Trained model, its data and its losses on both halves."""
    x, y = make(500, noise=noise, labels=(-1, 1))
    model = models.Sequential(
        [layers.Input((2,)), *(layers.Dense(8, hidden) for _ in range(2)), layers.Dense(1, "tanh")],
        seed=0,
    )
    model.compile(optimizers.SGD(rate), losses.MeanSquaredError(scale=0.5))
    history = model.fit(
        x[:250],
        y[:250],
        batch_size=10,
        epochs=epochs,
        validation_data=(x[250:], y[250:]),
        verbose=0,
    )
    final = [model.evaluate(x[part], y[part], verbose=0) for part in (slice(250), slice(250, 500))]
    return model, x, y, history, final


runs = {
    "circle": playground(datasets.make_circle, "sigmoid", 0.1, 229),
    "exclusive-or": playground(datasets.make_xor, "tanh", 0.03, 200, noise=0.1),
    "two clouds": playground(datasets.make_gaussian, "tanh", 0.03, 50, noise=0.2),
    "spiral": playground(datasets.make_spiral, "tanh", 0.03, 1500),
}

fig, axes = plt.subplots(2, 2, figsize=(8.5, 8), layout="constrained")
for ax, (name, (model, x, y, _, (training, test))) in zip(axes.flat, runs.items(), strict=True):
    print(f"{name}: training loss {training:.4f}, test loss {test:.4f}")
    plotting.plot_decision_boundary(model, x, y, threshold=0.0, ax=ax)
    ax.set_title(f"{name}: training {training:.3f}, test {test:.3f}")
plt.show()

# %%
# Training and test loss of the circle, side by side:

ax = plotting.plot_history(runs["circle"][3])
ax.set_title("circle")
plt.show()
