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
    plotting.plot_history({"loss": [0.5]}, ax=ax)
    assert ax.get_lines()[0].get_marker() == "o"


def test_history_names_what_was_not_recorded(ax):
    with pytest.raises(ValueError, match=r"'accuracy' is not in the history, which holds loss"):
        plotting.plot_history({"loss": [0.5]}, metrics="accuracy", ax=ax)


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
        (np.zeros((4, 2)), np.zeros(4), 1, r"resolution must be at least 2, got 1"),
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
