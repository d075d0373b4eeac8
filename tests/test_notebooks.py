"""What notebooks show: pages of models and trainings, and a progress bar that suits them."""

import math
import re
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from shallowcore import _progress, callbacks, layers, models

X = np.random.default_rng(0).normal(size=(60, 4))
Y = X @ np.ones(4)

NAME = "<script>alert('&')</script>"


def page(shown):
    """The page of an object, parsed; it must be well-formed."""
    return ElementTree.fromstring(shown._repr_html_())


def cells(tree):
    return [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]


def lines(tree):
    return ["".join(one.itertext()) for one in tree.findall("div")]


def regression(**settings):
    stack = [layers.Input((4,)), layers.Dense(3, "tanh", name=NAME), layers.Dropout(0.5)]
    model = models.Sequential([*stack, layers.Dense(1)], seed=0, **settings)
    model.compile("sgd", "mse", metrics=["mae"])
    return model


# --- models ---------------------------------------------------------------------------------------


def test_page_of_a_model_says_what_its_summary_says():
    model = regression(name="<i>net</i>", dtype="float64")
    tree = page(model)
    assert tree.find("strong").text == 'Model: "<i>net</i>"'
    assert cells(tree) == [
        ["Layer (type)", "Activation", "Output Shape", "Param #"],
        [f"{NAME} (Dense)", "tanh", "(None, 3)", "15"],
        ["dropout (Dropout)", "", "(None, 3)", "0"],
        ["dense (Dense)", "identity", "(None, 1)", "4"],
    ]
    printed = []
    model.summary(print_fn=printed.append)
    for title, _, shape, count in cells(tree):
        assert re.search(rf"{re.escape(title)} +{re.escape(shape)} +{re.escape(count)}", printed[0])
    for total in lines(tree)[1].split(", "):
        assert total in printed[0].splitlines()
    assert lines(tree)[0] == "4 → 3 tanh → dropout → 1 identity, float64"


def test_page_of_a_model_has_loss_optimizer_and_metrics():
    model = regression()
    text = lines(page(model))[2]
    assert text == f"loss {model.loss!r}, optimizer {model.optimizer!r}, metric mae"
    assert "learning_rate" in text


@pytest.mark.parametrize(
    ("stack", "row"),
    [([layers.Dense(3, "relu")], [["dense (Dense)", "relu", "?", "0 (unbuilt)"]]), ([], [])],
)
def test_page_of_a_model_that_is_not_built(stack, row):
    tree = page(models.Sequential(stack))
    assert cells(tree)[1:] == row
    assert lines(tree)[2] == "not compiled"


def test_names_are_no_markup():
    shown = regression(name=NAME)._repr_html_()
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 2


# --- trainings ------------------------------------------------------------------------------------


def curve(tree):
    """Points of the curves, one list of segments a curve."""
    svg = tree.find("{http://www.w3.org/2000/svg}svg")
    if svg is None:
        return None
    frame, *drawn = svg.iter("{http://www.w3.org/2000/svg}path")
    found = []
    for path in drawn:
        segments = path.get("d").split("M")[1:]
        found.append([[tuple(map(float, p.split())) for p in one.split("L")] for one in segments])
    return frame.get("d"), found, [text.text for text in svg if text.tag.endswith("text")]


def recorded(**columns):
    history = callbacks.History()
    history.extend(0, columns)
    return history


def test_page_of_a_training():
    history = regression().fit(X, Y, epochs=5, validation_split=0.5, verbose=0)
    tree = page(history)
    assert tree.find("strong").text == "Training, 5 epochs"
    assert cells(tree)[0] == ["", "first", "last"]
    for name, first, last in cells(tree)[1:]:
        values = history.history[name]
        assert (first, last) == (f"{values[0]:.4g}", f"{values[-1]:.4g}")
    assert [row[0] for row in cells(tree)[1:]] == list(history.history)
    assert lines(tree) == [history.report().splitlines()[0]]
    _, (loss, validation), _ = curve(tree)
    assert [len(segment) for segment in (*loss, *validation)] == [5, 5]


def test_curve_of_a_loss_is_where_its_figures_are():
    frame, (((*points,),),), texts = curve(page(recorded(loss=[4.0, 2.0, 3.0])))
    left, top, bottom, right = map(float, re.findall(r"[\d.]+", frame))
    middle = (top + bottom) / 2
    assert points == [(left, top), ((left + right) / 2, bottom), (right, middle)]
    assert texts == ["4", "2", "1", "3 epochs", "loss"]


def test_curve_of_a_wide_loss_is_logarithmic():
    _, (((*points,),),), texts = curve(page(recorded(loss=[1.0, 0.1, 0.01])))
    heights = [y for _, y in points]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1])
    assert texts[-1] == "loss, logarithmic"


@pytest.mark.parametrize("loss", [[1.0, math.nan, 0.5, 0.4], [1000.0, -math.inf, 1.0, 0.5]])
def test_curve_has_a_gap_where_the_loss_is_not_finite(loss):
    _, (segments,), _ = curve(page(recorded(loss=loss)))
    assert [len(one) for one in segments] == [1, 2]


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan, math.nan]])
def test_no_curve_where_there_is_nothing_to_draw(loss):
    assert curve(page(recorded(loss=loss))) is None


def test_curve_of_a_long_training_is_short():
    shown = recorded(loss=np.linspace(1, 0, 100_000).tolist())
    assert len(shown._repr_html_()) < 20_000
    frame, ((points,),), _ = curve(page(shown))
    left, top, bottom, right = map(float, re.findall(r"[\d.]+", frame))
    assert points[-1] == (right, bottom)
    assert points[0] == pytest.approx((left, top), abs=1)


def test_page_of_a_training_that_was_interrupted():
    def interrupt(epoch, logs):
        raise KeyboardInterrupt

    model = regression()
    hook = callbacks.LambdaCallback(on_epoch_end=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=5, verbose=0, callbacks=[hook])
    assert lines(page(model.history))[0].startswith("stopped: KeyboardInterrupt (1 of 5)")


def test_pages_need_no_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert curve(page(recorded(loss=[1.0, 0.5]))) is not None


def test_estimators_keep_the_page_of_sklearn():
    from shallowcore.sklearn import MLPClassifier

    assert "sk-" in MLPClassifier()._repr_html_()


# --- the progress bar -----------------------------------------------------------------------------


class ZMQInteractiveShell:
    """The class of this name is how a notebook is known."""


class Shell(ZMQInteractiveShell):
    """Some notebooks derive their own."""


@pytest.fixture(params=[ZMQInteractiveShell, Shell])
def notebook(request, monkeypatch):
    """A process that looks like a notebook's, without ipywidgets."""
    shell = request.param()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "ipywidgets", None)


class Widget:
    """A bar as tqdm.notebook has it, as far as it is used; notes what became of it."""

    made: "list[Widget]" = []  # noqa: RUF012

    def __init__(self, total, **settings):
        self.total, self.n, self.container, self.style = total, 0, object(), ""
        self.made.append(self)

    def update(self, n):
        self.n += n

    def close(self):
        self.style = "success" if self.n == self.total else "danger"

    def display(self, bar_style):
        self.style = bar_style

    def set_description_str(self, text, refresh):
        self.description = text

    def set_postfix_str(self, text, refresh):
        self.figures = text


@pytest.fixture
def widgets(notebook, monkeypatch):
    """The same with ipywidgets; the bars that were made."""
    module = ModuleType("ipywidgets")
    module.__spec__ = ModuleSpec("ipywidgets", None)
    monkeypatch.setitem(sys.modules, "ipywidgets", module)
    monkeypatch.setitem(sys.modules, "tqdm.notebook", SimpleNamespace(tqdm=Widget))
    monkeypatch.setattr(Widget, "made", [])
    return Widget.made


def test_notebooks_without_ipywidgets_have_a_bar_of_text(notebook, capsys):
    assert _progress.resolve_verbose("auto") == _progress.BAR
    regression().fit(X, Y, epochs=3)
    shown = capsys.readouterr()
    assert "Epoch 3/3" in shown.err
    assert "100%" in shown.err
    assert not shown.out


def test_notebooks_with_ipywidgets_have_a_widget(widgets, capsys):
    regression().fit(X, Y, epochs=3)
    (bar,) = widgets
    assert (bar.n, bar.total, bar.style) == (6, 6, "success")
    assert bar.description == "Epoch 3/3"
    assert "mae: " in bar.figures
    assert not any(capsys.readouterr())


def stop(epoch, logs):
    raise RuntimeError("a user's mistake")


def test_a_widget_is_red_after_an_error_only(widgets):
    model = regression()
    patient = callbacks.EarlyStopping("loss", min_delta=1e9)
    model.fit(X, Y, epochs=50, callbacks=[patient])
    with pytest.raises(RuntimeError, match="a user's mistake"):
        model.fit(X, Y, epochs=50, callbacks=[callbacks.LambdaCallback(on_epoch_end=stop)])
    assert [bar.style for bar in widgets] == ["info", "danger"]
    assert all(bar.n < bar.total for bar in widgets)


def test_outside_notebooks_ipywidgets_change_nothing(widgets, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    regression().fit(X, Y, epochs=2, verbose=1)
    assert not widgets
    assert "Epoch 2/2" in capsys.readouterr().err
