"""Kernels as images and confusion matrices: each number where it belongs, and what is refused."""

import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from pictures import draw, network
from shallowcore import layers, losses, models, plotting

mpl.use("Agg")

RNG = np.random.default_rng(0)


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


# --- weights as images ----------------------------------------------------------------------------


def pixels(ax):
    return [np.asarray(image.get_array()) for image in ax.images]


def test_weights_are_drawn_unit_by_unit_on_one_symmetrical_scale(ax):
    kernel = RNG.normal(size=(12, 7))
    kernel.setflags(write=False)
    assert plotting.plot_weights(kernel, shape=(3, 4), ax=ax) is ax
    for j, image in enumerate(ax.images):
        np.testing.assert_array_equal(image.get_array(), kernel[:, j].reshape(3, 4))
        assert image.get_clim() == (-np.abs(kernel).max(), np.abs(kernel).max())
        negative, zero, positive = image.get_cmap()([0.0, 0.5, 1.0])
        assert zero[:3] == pytest.approx([1, 1, 1], abs=0.01)
        assert negative[0] > negative[2]  # orange-red
        assert positive[0] < positive[2]  # blue
    assert [text.get_text() for text in ax.texts] == [str(j) for j in range(7)]
    boxes = [image.get_extent() for image in ax.images]
    places = {(left, bottom) for left, _, bottom, _ in boxes}
    assert len(places) == 7
    draw(ax)
    numbers = [text.get_window_extent() for text in ax.texts]
    tiles = [image.get_window_extent() for image in ax.images]
    for i, tile in enumerate(tiles):
        assert not any(tile.overlaps(other) for other in tiles[:i])
        assert not any(tile.overlaps(number) for number in numbers)


def test_images_have_the_shape_of_the_input(ax):
    stack = [layers.Input((5, 3)), layers.Flatten(), layers.Dense(2), layers.Dense(4)]
    model = models.Sequential(stack, seed=0)
    plotting.plot_weights(model, ax=ax)
    expected = model.layers[1].kernel
    np.testing.assert_array_equal(pixels(ax), expected.T.reshape(2, 5, 3))
    assert ax.get_title() == "dense"


@pytest.mark.parametrize(
    ("n", "shape"), [(64, (8, 8)), (144, (12, 12)), (4, (4, 1)), (65, (65, 1))]
)
def test_shape_of_images_by_default(ax, n, shape):
    plotting.plot_weights(np.ones((n, 2)), ax=ax)
    assert {one.shape for one in pixels(ax)} == {shape}


@pytest.mark.parametrize("layer", [2, -1, "second"])
def test_any_dense_layer_can_be_chosen(ax, layer):
    model = network(layers.Dense(3), layers.Dropout(0.5), layers.Dense(2, name="second"))
    plotting.plot_weights(model, layer, ax=ax)
    np.testing.assert_array_equal(pixels(ax), model.layers[2].kernel.T[:, :, np.newaxis])
    assert ax.get_title() == "second"


def test_weights_of_an_estimator(ax):
    class Fitted:
        coefs_ = (np.ones((4, 3)), np.eye(3))

    plotting.plot_weights(Fitted(), 1, ax=ax)
    np.testing.assert_array_equal(pixels(ax), np.eye(3)[:, :, np.newaxis])
    with pytest.raises(ValueError, match="layer must be an integer from 0 to 1, got 2"):
        plotting.plot_weights(Fitted(), 2, ax=ax)


def test_of_many_units_the_first_are_drawn(ax):
    plotting.plot_weights(RNG.normal(size=(4, 100)), max_units=9, ax=ax)
    assert len(ax.images) == 9
    assert ax.get_title() == "the first 9 of 100 units"


def test_weights_that_are_zero_or_not_finite(ax):
    plotting.plot_weights(np.zeros((4, 1)), ax=ax)
    assert ax.images[0].get_clim() == (-1, 1)
    plotting.plot_weights(np.array([[np.nan, -2.0, np.inf]]), ax=ax)
    assert ax.images[-1].get_clim() == (-2, 2)
    draw(ax)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": (2, 3)}, r"shape must be .* number of inputs, 4; got \(2, 3\)"),
        ({"shape": (4,)}, r"shape must be height and width"),
        ({"shape": "big"}, r"shape must be a tuple"),
        ({"layer": "third"}, r"which has 'dense' \(0\), 'dense_1' \(2\); got 'third'"),
        ({"layer": 1}, r"layer must be a Dense layer of the model"),
        ({"layer": 3}, "layer must be an integer from -3 to 2, got 3"),
        ({"max_units": 0}, "max_units must be an integer >= 1, got 0"),
        ({"model": np.ones(3)}, r"model must be a model, or an array .* got \(3,\)"),
        ({"model": np.array([["a"]])}, "model has dtype <U1; expected real numbers"),
        ({"model": np.ones((2, 2)), "layer": 1}, "layer must be None for an array"),
        (
            {"model": models.Sequential()},
            "layer must be a Dense layer of the model, which has none",
        ),
    ],
)
def test_weights_refuse(arguments, message):
    model = network(layers.Dense(3), layers.Dropout(0.5), layers.Dense(2))
    with pytest.raises((TypeError, ValueError), match=message):
        plotting.plot_weights(**({"model": model} | arguments))


# --- confusion matrices ---------------------------------------------------------------------------


class Told:
    """A model that predicts what it is given as x."""

    def __init__(self, **attributes):
        vars(self).update(attributes)

    def predict(self, x):
        return np.asarray(x)


def numbers(ax, n):
    return np.array([text.get_text() for text in ax.texts]).reshape(n, n).tolist()


def tick_texts(ax):
    return [text.get_text() for text in ax.get_xticklabels()]


OUTPUTS = np.eye(3)[[0, 0, 1, 2, 1]]  # predicted classes 0, 0, 1, 2, 1
LABELS = np.array([0, 1, 1, 2, 2])
COUNTS = [["1", "0", "0"], ["1", "1", "0"], ["0", "1", "1"]]


@pytest.mark.parametrize("y", [LABELS, LABELS[:, np.newaxis], np.eye(3)[LABELS], LABELS * 1.0])
def test_confusion_of_several_outputs(ax, y):
    assert plotting.plot_confusion_matrix(Told(), OUTPUTS, y, ax=ax) is ax
    assert numbers(ax, 3) == COUNTS
    assert tick_texts(ax) == ["0", "1", "2"]
    draw(ax)


def compiled(loss, **settings):
    model = models.Sequential([layers.Input((1,)), layers.Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", loss, **settings)
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    return model


@pytest.mark.parametrize(
    ("loss", "y", "expected", "classes"),
    [
        ("binary_crossentropy", [0, 1, 1, 1], [["1", "0"], ["2", "1"]], ["0", "1"]),
        ("hinge", [-1, -1, 1, 1], [["1", "1"], ["0", "2"]], ["-1", "1"]),
        (None, [0, 1, 1, 1], [["1", "0"], ["2", "1"]], ["0", "1"]),
    ],
)
def test_confusion_of_one_output_is_cut_where_accuracy_is(ax, loss, y, expected, classes):
    x = np.array([[-1.0], [0.2], [0.4], [0.9]])
    model = Told() if loss is None else compiled(loss)
    plotting.plot_confusion_matrix(model, x, y, ax=ax)
    assert numbers(ax, 2) == expected
    assert tick_texts(ax) == classes


def test_confusion_from_logits_agrees_with_accuracy(ax):
    x, y = RNG.normal(size=(50, 1)), RNG.integers(0, 2, 50)
    model = compiled(losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])
    plotting.plot_confusion_matrix(model, x, y, ax=ax)
    counts = np.array(numbers(ax, 2), dtype=int)
    assert np.trace(counts) / 50 == pytest.approx(model.evaluate(x, y, verbose=0)[1])
    assert 0 < np.trace(counts) < 50


def test_confusion_of_an_estimator_with_names(ax):
    y = np.array(["b", "a", "b"])
    model = Told(classes_=np.array(["a", "b"]))
    names = ["$not$ math", "second"]
    plotting.plot_confusion_matrix(model, ["b", "a", "a"], y, class_names=names, ax=ax)
    assert numbers(ax, 2) == [["1", "0"], ["1", "1"]]
    assert tick_texts(ax) == names
    draw(ax)


def test_confusion_in_shares(ax):
    plotting.plot_confusion_matrix(Told(), OUTPUTS, LABELS, normalize="true", ax=ax)
    assert numbers(ax, 3)[1] == ["0.50", "0.50", "0.00"]


def test_confusion_of_many_classes_has_a_colour_bar_for_numbers(ax):
    y = np.arange(40)
    plotting.plot_confusion_matrix(Told(), np.eye(40), y, ax=ax)
    assert not ax.texts
    assert ax.images[0].colorbar is not None
    np.testing.assert_array_equal(ax.images[0].get_array(), np.eye(40))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": LABELS[:4]}, r"y must have one label for each of 5 samples, got shape \(4,\)"),
        ({"y": np.eye(4)[[0, 1, 1, 2, 2]]}, r"y must have shape \(5,\), .* got \(5, 4\)"),
        ({"y": LABELS + 1}, "y must have labels of the 3 classes from 0 to 2, got 3"),
        ({"normalize": "rows"}, "normalize must be None, 'true', 'pred' or 'all', got 'rows'"),
        ({"class_names": ["a", "b"]}, "class_names must be 3 names, got 2"),
        ({"class_names": "abc"}, "class_names must be a sequence of names, got 'abc'"),
    ],
)
def test_confusion_refuses(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        plotting.plot_confusion_matrix(**({"model": Told(), "x": OUTPUTS, "y": LABELS} | arguments))


def test_confusion_without_sklearn_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(ImportError, match=r'pip install "shallowcore\[sklearn\]"'):
        plotting.plot_confusion_matrix(Told(), OUTPUTS, LABELS)
