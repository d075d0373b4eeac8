"""Curves of activations and networks as circles and lines: what is drawn where, and labels."""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from pictures import draw, network
from shallowcore import activations, layers, models, ops, plotting

mpl.use("Agg")


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


# --- activations ----------------------------------------------------------------------------------


def test_all_elementwise_activations_and_their_derivatives():
    ax = plotting.plot_activations(ax=Figure(figsize=(10, 6)).subplots())
    expected = [name for name in dir(activations) if name in ops_names()]
    assert sorted(panel.get_title() for panel in ax.child_axes) == sorted(expected)
    z = np.linspace(-4, 4, 401)
    for panel in ax.child_axes:
        g, slope = (line for line in panel.get_lines() if not line.get_label().startswith("_"))
        np.testing.assert_array_equal(g.get_xdata(), z)
        np.testing.assert_array_equal(g.get_ydata(), ops.activation(z, panel.get_title()))
        np.testing.assert_array_equal(slope.get_ydata(), ops.activation_grad(z, panel.get_title()))
        assert g.get_color() != slope.get_color()
        assert g.get_linestyle() != slope.get_linestyle()
        assert panel.get_ylim()[1] < 5  # the exponential is cut
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["g(z)", "g'(z)"]
    draw(ax)


def ops_names():
    """The activations of one number, found by asking the core for their derivative."""
    names = set()
    for name in dir(activations):
        try:
            ops.activation_grad([0.0], name)
        except (TypeError, ValueError):
            continue
        names.add(activations.get(name).name)
    return names


def test_panels_do_not_overlap(ax):
    plotting.plot_activations(["relu", "tanh", "elu", "silu", "gelu"], ax=ax)
    draw(ax)
    boxes = [panel.get_tightbbox() for panel in ax.child_axes] + [ax.get_legend().get_tightbbox()]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[:i])


def test_one_activation_is_drawn_on_the_axes_itself(ax):
    shown = activations.LeakyReLU(0.25)
    assert plotting.plot_activations(shown, derivatives=False, limits=(-2, 1), ax=ax) is ax
    assert ax.get_title() == "leaky_relu\nnegative_slope=0.25"
    (line,) = (line for line in ax.get_lines() if not line.get_label().startswith("_"))
    assert line.get_ydata()[0] == pytest.approx(-0.5)
    assert ax.get_xlim() == (-2, 1)
    assert not ax.child_axes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": "relux"}, "'relux' is not known; did you mean 'relu'"),
        ({"names": ["relu", "softmax"]}, "names must be elementwise activations, got 'softmax'"),
        ({"names": []}, "names must name at least one activation, got none"),
        ({"names": 3}, "names must be names of activations, got 3"),
        ({"limits": (1, 1)}, r"limits must be two numbers, the smaller one first, got \(1, 1\)"),
        ({"limits": (0, np.inf)}, "each of limits must be a finite number, got inf"),
        ({"limits": 4}, r"limits must be two numbers such as \(-4, 4\), got 4"),
        ({"derivatives": 1}, "derivatives must be True or False, got 1"),
        ({"names": "relu", "ax": [1]}, "ax must be matplotlib Axes, got list"),
    ],
)
def test_activations_refuse(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        plotting.plot_activations(**arguments)


# --- networks -------------------------------------------------------------------------------------


def units(ax):
    """Offsets of each group of circles."""
    return [one.get_offsets() for one in ax.collections if isinstance(one, EllipseCollection)]


def lines(ax):
    return [one for one in ax.collections if isinstance(one, LineCollection)]


def labels(ax):
    return [text.get_text() for text in ax.get_xticklabels()]


def test_network_has_its_units_lines_and_labels(ax):
    model = network(layers.Dense(5, "tanh"), layers.Dense(3, "softmax"), name="net")
    assert plotting.plot_network(model, ax=ax) is ax
    assert [len(one) for one in units(ax)] == [4, 5, 3]
    assert [set(one[:, 0]) for one in units(ax)] == [{0}, {1}, {2}]
    assert [len(one.get_segments()) for one in lines(ax)] == [20, 15]
    assert labels(ax) == ["input\n4", "dense\n5 tanh\n25 weights", "dense_1\n3 softmax\n18 weights"]
    assert ax.get_title() == "net: 43 weights"
    draw(ax)


def test_network_lines_end_at_units(ax):
    plotting.plot_network(network(layers.Dense(3)), ax=ax)
    left, right = units(ax)
    ends = {tuple(map(tuple, segment)) for segment in lines(ax)[0].get_segments()}
    assert ends == {(tuple(one), tuple(other)) for one in left for other in right}


@pytest.mark.parametrize("most", [2, 5, 10])
def test_network_leaves_out_the_middle_of_large_layers(ax, most):
    plotting.plot_network(network(layers.Dense(300)), max_units=most, ax=ax)
    large = [one[one[:, 0] == 1] for one in units(ax)]
    circles, dots = (one for one in large if len(one))
    assert (len(circles), len(dots)) == (most, 3)
    heights = np.sort(np.concatenate([circles[:, 1], dots[:, 1]]))
    assert (np.diff(heights) > 0.2).all()
    assert heights[0] == pytest.approx(-heights[-1])
    assert labels(ax)[1] == "dense\n300 identity\n1,500 weights"


def test_network_shows_weights_of_the_units_drawn(ax):
    model = network(layers.Dense(30))
    kernel = model.layers[0].kernel
    plotting.plot_network(model, max_units=4, weights=True, ax=ax)
    shown = kernel[:, [0, 1, 28, 29]]
    left, right = units(ax)[0], next(one for one in units(ax) if set(one[:, 0]) == {1})
    drawn = lines(ax)[0]
    assert len(drawn.get_segments()) == 16
    for segment, colour, width in zip(
        drawn.get_segments(), drawn.get_colors(), drawn.get_linewidths(), strict=True
    ):
        i = np.flatnonzero((left == segment[0]).all(axis=1))
        j = np.flatnonzero((right == segment[1]).all(axis=1))
        weight = shown[i, j].item()
        sign = plotting.PALETTE["blue" if weight > 0 else "vermilion"]
        assert tuple(colour) == to_rgba(sign)
        assert width == pytest.approx(2.5 * abs(weight) / np.abs(shown).max())


def test_network_of_zero_weights(ax):
    model = network(layers.Dense(2, kernel_initializer="zeros"))
    plotting.plot_network(model, weights=True, ax=ax)
    assert not np.any(lines(ax)[0].get_linewidths())


def test_network_draws_boxes_for_layers_without_units(ax):
    stack = [
        layers.Input((2, 3)),
        layers.Rescaling(0.5),
        layers.Flatten(),
        layers.Dense(2),
        layers.Dropout(0.5),
        layers.Activation("softmax"),
    ]
    plotting.plot_network(models.Sequential(stack), ax=ax)
    boxes = [text.get_text() for text in ax.texts]
    assert boxes == ["rescaling", "flatten", "dropout", "softmax"]
    assert [patch.get_center()[0] for patch in ax.patches] == pytest.approx([1, 2, 4, 5])
    assert labels(ax)[0] == "input, 2 x 3" or labels(ax)[0] == "input\n2 x 3"
    # One line a number up to the next Dense, which all of them reach.
    assert [len(one.get_segments()) for one in lines(ax)] == [6, 6, 12, 2, 2]
    draw(ax)
    for patch, text in zip(ax.patches, ax.texts, strict=True):
        inner, outer = text.get_window_extent(), patch.get_window_extent()
        assert outer.x0 <= inner.x0 < inner.x1 <= outer.x1
        assert outer.y0 <= inner.y0 < inner.y1 <= outer.y1


def test_network_that_is_not_built(ax):
    plotting.plot_network(models.Sequential([layers.Dense(3)], name="new"), ax=ax)
    assert [len(one) for one in units(ax)] == [1, 3]
    assert labels(ax) == ["input\n?", "dense\n3 identity\nnot built"]
    assert ax.get_title() == "new: not built"


def test_labels_of_a_new_figure_neither_overlap_nor_leave_it():
    from matplotlib import pyplot

    name = "a long name\n$of$ <a> layer % that goes on and on"
    stack = [layers.Dense(30, "leaky_relu", name=name)]
    stack += [layers.Dense(100, "hard_sigmoid") for _ in range(5)]
    ax = plotting.plot_network(network(*stack))
    try:
        draw(ax)
        boxes = [text.get_window_extent() for text in [*ax.get_xticklabels(), ax.title]]
        for i, one in enumerate(boxes):
            assert not any(one.overlaps(other) for other in boxes[:i])
            assert ax.figure.bbox.contains(one.x0, one.y0)
            assert ax.figure.bbox.contains(one.x1, one.y1)
        assert labels(ax)[1].startswith("a long")
        assert "…" in labels(ax)[1]
    finally:
        pyplot.close(ax.figure)


def test_labels_stand_upright_where_columns_are_narrow(ax):
    plotting.plot_network(network(*[layers.Dense(3, "relu") for _ in range(12)]), ax=ax)
    assert {text.get_rotation() for text in ax.get_xticklabels()} == {90}
    assert labels(ax)[12] == "dense_11, 3 relu, 12 weights"
    draw(ax)
    boxes = [text.get_window_extent() for text in ax.get_xticklabels()]
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "net"}, "model must be a Sequential, got str"),
        ({"model": models.Sequential()}, "model must have at least one layer, got none"),
        ({"max_units": 1}, "max_units must be an integer >= 2, got 1"),
        ({"weights": "yes"}, "weights must be True or False, got 'yes'"),
        ({"ax": Figure()}, "ax must be matplotlib Axes, got Figure"),
    ],
)
def test_network_refuses(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        plotting.plot_network(**({"model": network(layers.Dense(1))} | arguments))


def test_weights_of_a_model_that_has_none(ax):
    with pytest.raises(RuntimeError, match="no weights yet"):
        plotting.plot_network(models.Sequential([layers.Dense(2)]), weights=True, ax=ax)
