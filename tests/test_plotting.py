"""Plots draw what they are given, on the Axes they are given, and say what is wrong with it."""

import subprocess
import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure
from shallowcore import datasets, plotting

mpl.use("Agg")


class Linear:
    """Predicts the first coordinate; with three classes, the one whose direction is nearest."""

    def __init__(self, n_outputs=1):
        self.n_outputs = n_outputs

    def predict(self, x):
        if self.n_outputs == 1:
            return x[:, :1]
        angles = 2 * np.pi * np.arange(self.n_outputs) / self.n_outputs
        return x @ np.stack([np.cos(angles), np.sin(angles)])


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture
def one_figure():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def test_history_draws_training_and_validation(ax):
    history = {"loss": [0.5, 0.3, 0.2], "val_loss": [0.6, 0.5, 0.45], "accuracy": [0.7, 0.8, 0.9]}
    assert plotting.plot_history(history, ax=ax) is ax
    training, validation = ax.get_lines()
    assert training.get_xdata().tolist() == [1, 2, 3]
    assert list(training.get_ydata()) == history["loss"]
    assert list(validation.get_ydata()) == history["val_loss"]
    assert training.get_linestyle() != validation.get_linestyle()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["loss", "val_loss"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")


def test_history_takes_the_object_that_fit_returns(ax):
    history = SimpleNamespace(history={"loss": [1.0, 0.5], "accuracy": [0.5, 0.75]})
    plotting.plot_history(history, metrics=["loss", "accuracy"], ax=ax)
    first, second = ax.get_lines()
    assert first.get_color() != second.get_color()


def test_history_of_one_epoch_is_visible(ax):
    plotting.plot_history({"loss": [0.5], "val_loss": [0.6]}, ax=ax)
    training, validation = ax.get_lines()
    assert training.get_marker() == validation.get_marker() == "o"
    assert training.get_markerfacecolor() != validation.get_markerfacecolor()
    low, high = ax.get_xlim()
    assert [tick for tick in ax.get_xticks() if low <= tick <= high] == [1]


def test_history_counts_the_epochs_of_a_training_that_went_on(ax):
    history = SimpleNamespace(history={"loss": [1.0, 0.5]}, epoch=[10, 11])
    plotting.plot_history(history, ax=ax)
    assert ax.get_lines()[0].get_xdata().tolist() == [11, 12]


RATES = [0.1, 0.1, 0.05]


def test_history_draws_a_learning_rate_that_changes(ax):
    plotting.plot_history({"loss": [0.5, 0.4, 0.3], "lr": RATES}, ax=ax)
    (right,) = (one for one in ax.figure.axes if one is not ax)
    (line,) = right.get_lines()
    assert list(line.get_ydata()) == RATES
    assert right.get_ylabel() == "learning rate"
    assert right.get_yscale() == "linear"
    assert right.get_zorder() < ax.get_zorder()  # the loss is above it
    assert [one.get_label() for one in ax.get_lines()] == ["loss"]


def test_history_draws_wide_learning_rates_on_a_logarithmic_axis(ax):
    plotting.plot_history({"loss": [0.5, 0.4], "lr": [0.1, 0.001]}, ax=ax)
    assert ax.figure.axes[1].get_yscale() == "log"


@pytest.mark.parametrize(
    ("rates", "arguments"),
    [
        ([0.1, 0.1, 0.1], {}),
        (RATES, {"learning_rate": False}),
        (RATES, {"metrics": ["loss", "lr"]}),
    ],
)
def test_history_without_an_axis_for_the_learning_rate(ax, rates, arguments):
    plotting.plot_history({"loss": [0.5, 0.4, 0.3], "lr": rates}, ax=ax, **arguments)
    assert ax.figure.axes == [ax]


def test_history_names_what_was_not_recorded(ax):
    with pytest.raises(ValueError, match=r"'accuracy' is not in the history, which holds loss"):
        plotting.plot_history({"loss": [0.5]}, metrics="accuracy", ax=ax)


@pytest.mark.parametrize(
    ("history", "arguments", "message"),
    [
        ([0.5], {}, r"history must be what fit returns, or a dict of lists, got \[0.5\]"),
        ({"loss": [0.5]}, {"metrics": []}, "metrics must name at least one record, got none"),
        ({"loss": [0.5]}, {"ax": Figure()}, "ax must be matplotlib Axes, got Figure"),
        ({"loss": [0.5]}, {"learning_rate": 1}, "learning_rate must be True or False, got 1"),
    ],
)
def test_history_refuses(history, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        plotting.plot_history(history, **arguments)


def test_a_new_figure_without_ax(one_figure):
    ax = plotting.plot_history({"loss": [0.5, 0.4]})
    assert ax.figure.number in one_figure.get_fignums()


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1)])
def test_decision_boundary_of_one_output(ax, labels):
    x, y = datasets.make_gaussian(100, labels=labels)
    assert plotting.plot_decision_boundary(Linear(), x, y, resolution=40, ax=ax) is ax
    surface = next(one for one in ax.collections if isinstance(one, QuadMesh))
    assert surface.get_array().size == 40 * 40
    assert np.mean(surface.get_clim()) == pytest.approx(np.mean(labels))
    points = [one for one in ax.collections if isinstance(one, PathCollection)]
    assert sorted(len(one.get_offsets()) for one in points)[-2:] == [50, 50]
    boundary = next(one for one in ax.collections if one.get_paths() and is_line(one))
    across = np.concatenate([path.vertices[:, 0] for path in boundary.get_paths()])
    assert across == pytest.approx(np.mean(labels), abs=1e-9)


def is_line(collection):
    return not isinstance(collection, (QuadMesh, PathCollection))


def test_decision_boundary_of_several_outputs(ax):
    x = np.random.default_rng(0).normal(size=(90, 2))
    y = Linear(3).predict(x).argmax(axis=1)
    plotting.plot_decision_boundary(Linear(3), x, y, resolution=30, ax=ax)
    surface = next(one for one in ax.collections if isinstance(one, QuadMesh))
    assert set(np.unique(surface.get_array())) == {0, 1, 2}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1", "2"]


def areas_and_samples(ax, shown):
    """Colours of the areas' classes by index, and of the samples by label."""
    surface = next(one for one in ax.collections if isinstance(one, QuadMesh))
    points = [one for one in ax.collections if isinstance(one, PathCollection)]
    labels = [one.get_label() for one in points]
    areas = [surface.get_cmap()(surface.norm(k))[:3] for k in shown]
    return areas, {
        label: tuple(one.get_facecolor()[0][:3]) for label, one in zip(labels, points, strict=True)
    }


def test_samples_have_the_colour_of_their_area_though_classes_are_missing(ax):
    x = np.random.default_rng(0).normal(size=(90, 2))
    y = Linear(4).predict(x).argmax(axis=1)
    some = (y == 1) | (y == 3)
    plotting.plot_decision_boundary(Linear(4), x[some], y[some], resolution=10, ax=ax)
    areas, samples = areas_and_samples(ax, [1, 3])
    assert samples == {"1": areas[0], "3": areas[1]}


@pytest.mark.parametrize(("label", "colour"), [(0, "vermilion"), (1, "blue")])
def test_samples_of_one_class_have_the_colour_of_its_side(ax, label, colour):
    x = np.random.default_rng(0).normal(size=(9, 2))
    plotting.plot_decision_boundary(Linear(), x, np.full(9, label), resolution=10, ax=ax)
    samples = areas_and_samples(ax, [])[1]
    assert samples[str(label)] == mpl.colors.to_rgb(plotting.PALETTE[colour])
    surface = next(one for one in ax.collections if isinstance(one, QuadMesh))
    assert np.mean(surface.get_clim()) == pytest.approx(0.5)


def test_areas_of_an_estimator_are_its_classes(ax):
    class Classifier:
        classes_ = np.array(["left", "right $"])

        def predict(self, x):
            return self.classes_[(x[:, 0] > 0).astype(int)]

    x = np.array([[-1.0, 0.0], [1.0, 1.0]])
    plotting.plot_decision_boundary(Classifier(), x, ["left", "right $"], resolution=4, ax=ax)
    surface = next(one for one in ax.collections if isinstance(one, QuadMesh))
    np.testing.assert_array_equal(surface.get_array(), [[0, 0, 1, 1]] * 4)
    areas, samples = areas_and_samples(ax, [0, 1])
    assert samples == {"left": areas[0], "right $": areas[1]}
    ax.figure.canvas.draw()
    with pytest.raises(ValueError, match="y must have labels of the model's classes, got 'up'"):
        plotting.plot_decision_boundary(Classifier(), x, ["left", "up"], ax=ax)


def test_decision_boundary_without_a_boundary_in_sight(ax):
    x, y = datasets.make_gaussian(20)
    plotting.plot_decision_boundary(Linear(), x, y, threshold=1000.0, resolution=10, ax=ax)
    assert not any(is_line(one) for one in ax.collections)


@pytest.mark.parametrize(
    ("x", "y", "resolution", "message"),
    [
        (np.zeros((4, 3)), np.zeros(4), 10, r"x must have shape \(n_samples, 2\), got \(4, 3\)"),
        (np.zeros((0, 2)), np.zeros(0), 10, r"x must have shape"),
        (np.zeros((4, 2)), np.zeros(3), 10, r"y must have one label for each of 4 samples"),
        (np.full((4, 2), np.nan), np.zeros(4), 10, r"x holds NaN or infinity in 8 of 8 places"),
        (np.zeros((4, 2)), np.full(4, np.inf), 10, r"y holds NaN or infinity"),
        (np.zeros((4, 2)), np.zeros(4), 1, r"resolution must be an integer >= 2, got 1"),
    ],
)
def test_decision_boundary_refuses(ax, x, y, resolution, message):
    with pytest.raises(ValueError, match=message):
        plotting.plot_decision_boundary(Linear(), x, y, resolution=resolution, ax=ax)


def test_nothing_of_the_callers_is_changed(ax):
    x, y = datasets.make_gaussian(20)
    x.setflags(write=False)
    y.setflags(write=False)
    plotting.plot_decision_boundary(Linear(), x, y, resolution=10, ax=ax)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "shallowcore\[plot\]"'):
        plotting.plot_history({"loss": [0.5]})


def test_importing_the_module_does_not_import_matplotlib():
    code = "import sys, shallowcore.plotting; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
