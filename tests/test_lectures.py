"""Every figure of the lectures comes out of the C++ core.

First through the demo's own rows; then the important figures once more with data, settings and
expectations written here, so that a wrong expectation in the demo cannot hide.  Rows on photographs
and MNIST need SHALLOWCORE_DATA.
"""

import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from oracle import lectures as reference
from shallowcore import (
    datasets,
    initializers,
    layers,
    losses,
    models,
    ops,
    optimizers,
    regularizers,
)
from shallowcore.demo import figures
from shallowcore.demo.lectures import ROWS
from shallowcore.models import Sequential
from shallowcore.utils import to_categorical

ON_REAL_DATA = ("B2", "D1")
ROUNDING = 1e-13

CAT_COSTS = (
    "0.693147 0.584508 0.466949 0.376007 0.331463 0.303273 0.279880 0.260042 0.242941 0.228004 "
    "0.214820 0.203078 0.192544 0.183033 0.174399 0.166521 0.159305 0.152667 0.146542 0.140872"
)


def assert_all_ok(row):
    shown = row.run()
    assert shown
    off = [figure.line(50) for figure in shown if not figure.ok]
    assert not off, "\n".join([row.name, *off])


@pytest.mark.parametrize("name", [name for name in ROWS if name not in ON_REAL_DATA])
def test_row(name):
    assert_all_ok(ROWS[name])


@pytest.mark.parametrize("name", ON_REAL_DATA)
def test_row_on_real_data(name, data_folder):
    assert_all_ok(ROWS[name])


def test_every_row_of_the_lectures_is_there():
    asked = {"A1", "A2", "A3", "B1", "B2", "C", "D1", "D2", "E1", "E3", "E5"}
    assert asked <= set(ROWS)


def sequential(*stack, dtype="float64", seed=0):
    return models.Sequential(list(stack), dtype=dtype, seed=seed)


# --- A --------------------------------------------------------------------------------------------


def test_a1_logistic_regression_by_newton():
    x, y = reference.shirts()
    model = sequential(
        layers.Input((1,)),
        layers.Dense(
            1,
            activation="sigmoid",
            kernel_initializer="zeros",
            kernel_regularizer=regularizers.L2(1 / 100),
        ),
    )
    model.compile(optimizer=optimizers.NewtonCG(tolerance=1e-11), loss="binary_crossentropy")
    model.fit(x, y, epochs=200, verbose=0)
    a, b = (float(weights.item()) for weights in model.get_weights())
    assert a == pytest.approx(1.41360887, abs=5e-9)
    assert b == pytest.approx(-147.39660558, abs=5e-9)
    z = a * x + b
    summed = float(np.sum(np.logaddexp(0, z) - y * z)) + a * a / 2
    assert summed == pytest.approx(3.0085924650716436, abs=1e-10)
    said = (model.predict(x, verbose=0) >= 0.5).astype(int)
    counts = [[int(np.sum((y == i) & (said == j))) for j in (0, 1)] for i in (0, 1)]
    assert counts == [[22, 0], [0, 28]]


def test_a1_loss_of_the_first_guess():
    x, y = reference.shirts()
    value, _ = ops.loss("binary_crossentropy", y, 1.7 * x - 172.0, from_logits=True)
    assert value == pytest.approx(0.33846089021766784, rel=ROUNDING)


def test_a2_one_neuron():
    x, y = reference.apartments()
    prices = ops.dense(x, np.array([[0.014373], [-0.001286]]), np.array([1.386]))
    expected = [1.48509426, 3.16055536, 3.18794636, 2.65746327, 2.53638594]
    assert prices[:5, 0] == pytest.approx(expected, abs=5e-9)
    assert ops.loss("mse", y, prices)[0] == pytest.approx(0.024469052004118513, rel=ROUNDING)


def test_a3_random_networks():
    x, y = reference.apartments()
    draw = np.random.RandomState(963).randn
    model = sequential(layers.Input((2,)), layers.Dense(4), layers.Dense(1))
    model.compile(optimizer="sgd", loss="mse")
    expected = [21.318364917457647, 58.190236579106184, 4.770288142049728, 0.2093294704434788]
    for error in expected:
        model.set_weights([0.1 * draw(2, 4), 0.1 * draw(4), 0.1 * draw(4, 1), 0.1 * draw(1)])
        assert model.evaluate(x, y, verbose=0) == pytest.approx(error, rel=ROUNDING)


def test_a3_training_reaches_least_squares():
    x, y = reference.apartments()
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    model = sequential(layers.Input((2,)), layers.Dense(4), layers.Dense(1), seed=5)
    model.compile(optimizer=optimizers.SGD(0.05), loss="mse")
    model.fit(x, y, batch_size=100, epochs=2000, verbose=0)
    design = np.hstack([x, np.ones((100, 1))])
    best = np.mean((design @ np.linalg.lstsq(design, y, rcond=None)[0] - y) ** 2)
    assert best == pytest.approx(0.02350027, abs=5e-9)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(best, abs=1e-10)


# --- B --------------------------------------------------------------------------------------------


def test_b1_shallow_network_against_the_oracle():
    """From one initialisation, the core and NumPy agree on each of the first 200 steps."""
    from sklearn.datasets import make_classification

    x, y = make_classification(n_samples=5000, random_state=123)
    normal = initializers.RandomNormal(stddev=0.01)
    model = sequential(
        layers.Input((20,)),
        layers.Dense(10, activation="tanh", kernel_initializer=normal),
        layers.Dense(1, activation="sigmoid", kernel_initializer=normal),
    )
    model.compile(optimizer=optimizers.SGD(1.0), loss="binary_crossentropy")
    w1, b1, w2, b2 = model.get_weights()
    for step in range(200):
        rows = slice(100 * (step % 40), 100 * (step % 40) + 100)
        model.train_on_batch(x[rows], y[rows])
        hidden = np.tanh(x[rows] @ w1 + b1)
        dz2 = (1 / (1 + np.exp(-(hidden @ w2 + b2))) - y[rows, None]) / 100
        dz1 = dz2 @ w2.T * (1 - hidden**2)
        w2, b2 = w2 - hidden.T @ dz2, b2 - dz2.sum(axis=0)
        w1, b1 = w1 - x[rows].T @ dz1, b1 - dz1.sum(axis=0)
        for got, expected in zip(model.get_weights(), (w1, b1, w2, b2), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)


def test_b2_lines_of_the_lecture(data_folder, capsys):
    # Not one line but this is added to the lecture's: without a seed one run in eight ends a little
    # below 0.978, here as in NumPy.
    models = SimpleNamespace(Sequential=partial(Sequential, seed=3))
    (train_images, train_labels), (test_images, test_labels) = datasets.load_mnist(data_folder)
    network = models.Sequential()
    network.add(layers.Dense(512, activation="relu", input_shape=(28 * 28,)))
    network.add(layers.Dense(10, activation="softmax"))
    network.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    train_images = train_images.reshape((60000, 28 * 28))
    train_images = train_images.astype("float32") / 255
    test_images = test_images.reshape((10000, 28 * 28))
    test_images = test_images.astype("float32") / 255
    train_labels = to_categorical(train_labels)
    test_labels = to_categorical(test_labels)
    history = network.fit(train_images, train_labels, epochs=5, batch_size=128)
    _, test_acc = network.evaluate(test_images, test_labels)
    network.summary()
    printed = capsys.readouterr().out
    for part in ("(None, 512)", "(None, 10)", "401,920", "5,130", "407,050"):
        assert part in printed
    assert history.history["accuracy"][-1] >= 0.988
    assert test_acc >= 0.978


# --- C --------------------------------------------------------------------------------------------


def test_c4_hidden_units_stay_exactly_equal():
    x = np.random.default_rng(3).normal(size=(50, 3))
    y = (x[:, 0] > 0).astype(float)
    start = np.array(0.3) * np.ones((3, 5))
    model = sequential(layers.Input((3,)), layers.Dense(5, "tanh"), layers.Dense(1, "sigmoid"))
    model.compile(optimizer=optimizers.SGD(0.5), loss="binary_crossentropy")
    model.set_weights([start, np.zeros(5), 0.2 * np.ones((5, 1)), np.zeros(1)])
    for _ in range(100):
        model.train_on_batch(x, y)
    hidden, _, output, _ = model.get_weights()
    assert not np.array_equal(hidden, start)
    assert np.array_equal(hidden, np.repeat(hidden[:, :1], 5, axis=1))
    assert np.array_equal(output, np.repeat(output[:1], 5, axis=0))


# --- D --------------------------------------------------------------------------------------------


def cat_model(dtype):
    model = sequential(
        layers.Input((12288,)),
        layers.Dense(1, activation="sigmoid", kernel_initializer="zeros"),
        dtype=dtype,
    )
    model.compile(optimizer=optimizers.SGD(0.005), loss="binary_crossentropy")
    return model


def test_d1_cats(data_folder):
    (x, y), (x_test, y_test) = datasets.load_cats(data_folder)
    x, x_test = x.reshape(209, -1) / 255, x_test.reshape(50, -1) / 255
    model = cat_model("float64")
    costs = model.fit(x, y, batch_size=209, epochs=2000, verbose=0).history["loss"]
    assert " ".join(f"{cost:.6f}" for cost in costs[::100]) == CAT_COSTS
    right = (model.predict(x, verbose=0)[:, 0] > 0.5) == y
    right_test = (model.predict(x_test, verbose=0)[:, 0] > 0.5) == y_test
    assert 100 * right.mean() == pytest.approx(99.04306220095694, rel=1e-14)
    assert 100 * right_test.mean() == pytest.approx(70.0, rel=1e-14)
    short = cat_model("float32").fit(
        x.astype(np.float32), y, batch_size=209, epochs=2000, verbose=0
    )
    assert np.abs(np.subtract(short.history["loss"], costs)).max() <= 2e-6


# --- E --------------------------------------------------------------------------------------------


def test_e1_forward_pass_by_hand():
    def sigmoid(z):
        return 1 / (1 + math.exp(-z))

    x = np.array([[0.2, 0.5, -0.9]])
    w1 = np.array([[1.2, 0.2, 1.3], [0.9, 0.3, 1.9], [0.3, 0.1, 0.1]])
    z1 = ops.dense(x, w1, np.array([0.1, 0.1, 0.1]))
    assert z1[0] == pytest.approx([0.52, 0.20, 1.22], rel=ROUNDING)
    a1 = ops.activation(z1, "sigmoid")
    assert a1[0] == pytest.approx([0.62714777, 0.549834, 0.77206355], abs=5e-7)
    assert a1[0] == pytest.approx([sigmoid(0.52), sigmoid(0.20), sigmoid(1.22)], rel=ROUNDING)
    a2 = ops.dense(a1, np.array([[0.2], [0.6], [0.2]]), np.array([0.1]), activation="sigmoid")
    assert a2.item() == pytest.approx(0.67034429, abs=5e-9)


def test_e3_softmax_and_its_costs():
    logits = np.array([[6.0, -2.0, 3.0]])
    expected = [0.952269826, 0.000319451, 0.047410723]
    assert ops.softmax(logits)[0] == pytest.approx(expected, abs=5e-10)
    assert np.isfinite(ops.softmax(np.array([[1000.0, 1001.0]]))).all()
    for label, cost in ((0, 0.04890685), (2, 3.04890685)):
        one_hot = np.eye(3)[[label]]
        assert ops.loss("categorical_crossentropy", one_hot, logits, from_logits=True)[
            0
        ] == pytest.approx(cost, abs=5e-9)
        assert ops.loss("sparse_categorical_crossentropy", np.array([label]), ops.softmax(logits))[
            0
        ] == pytest.approx(cost, abs=5e-9)


def test_e4_elu_and_selu():
    z = np.array([[-1.0, 0.0, 2.0]])
    fall = math.exp(-1) - 1
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    elu = ops.activation(z, "elu")[0], ops.activation_grad(z, "elu")[0]
    assert elu[0] == pytest.approx([fall, 0.0, 2.0], rel=ROUNDING)
    assert elu[1] == pytest.approx([fall + 1, 1.0, 1.0], rel=ROUNDING)
    selu = ops.activation(z, "selu")[0], ops.activation_grad(z, "selu")[0]
    assert selu[0] == pytest.approx([scale * alpha * fall, 0.0, scale * 2.0], rel=ROUNDING)
    assert selu[1][0] == pytest.approx(scale * alpha * math.exp(-1), rel=ROUNDING)
    assert selu[1][2] == pytest.approx(scale, rel=ROUNDING)


@pytest.mark.parametrize(("dtype", "seed"), [("float32", 1), ("float32", 2), ("float64", 3)])
def test_e5_playground_from_other_seeds(dtype, seed):
    x, y = datasets.make_circle(500, noise=0.0, seed=seed, labels=(-1, 1))
    model = sequential(
        layers.Input((2,)),
        layers.Dense(8, activation="sigmoid"),
        layers.Dense(8, activation="sigmoid"),
        layers.Dense(1, activation="tanh"),
        dtype=dtype,
        seed=seed,
    )
    model.compile(optimizer=optimizers.SGD(0.1), loss=losses.MeanSquaredError(scale=0.5))
    model.fit(x[:250], y[:250], batch_size=10, epochs=229, verbose=0)
    half_squares = 0.5 * (model.predict(x, verbose=0)[:, 0] - y) ** 2
    assert half_squares[250:].mean() <= 0.030
    assert half_squares[:250].mean() <= 0.010


# --- the judges judged ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("criterion", "right", "wrong"),
    [
        (figures.Near(0.67034429), 0.670344294, 0.6703443),
        (figures.Near(0.279880, decimals=6), 0.2798804, 0.2798806),
        (figures.Near(2.0, tolerance=1e-12), 2.0 + 1e-13, 2.0 + 1e-11),
        (figures.Equals(21), 21, 22),
        (figures.Between(0.195, 0.200), 0.197, 0.2001),
        (figures.at_least(0.97), 0.97, 0.9699),
        (figures.at_most(0.030), 0.030, 0.0301),
    ],
)
def test_a_criterion_rejects_what_is_slightly_off(criterion, right, wrong):
    assert figures.Figure("number", criterion, right).ok
    assert not figures.Figure("number", criterion, wrong).ok
    assert not figures.Figure("number", criterion, math.nan).ok
    assert "OFF" in figures.Figure("number", criterion, wrong).line(10)


def test_a_figure_that_is_off_by_less_than_its_digits_is_shown_whole():
    figure = figures.Figure("number", figures.Near(1.5, tolerance=0.0), 1.5000001)
    assert "1.5000001" in figure.line(10)
