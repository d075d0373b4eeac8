"""The surface that a classifier of two features has learned, and its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shallowcore._arrays import as_array, check_finite, check_number_type
from shallowcore._checks import check_float, check_int
from shallowcore.plotting._axes import PALETTE, axes_for, diverging, import_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = "osD^vP*X"


class _Predictor(Protocol):
    def predict(self, x: Any) -> Any: ...


def plot_decision_boundary(
    model: _Predictor,
    x: ArrayLike,
    y: ArrayLike,
    *,
    threshold: float | None = None,
    resolution: int = 200,
    ax: Axes | None = None,
) -> Axes:
    """Draw two-dimensional samples on the surface that a classifier has learned.

    With one output the surface is shaded by the prediction and the boundary is the line where it
    meets the threshold; with several the areas are those of the largest output.  Of an estimator
    with `classes_`, as scikit-learn's classifiers are, the areas are those of the predicted class.

    Parameters
    ----------
    model : object with predict(x)
        predict returns (m, n_outputs), or (m,) numbers for one output.
    x : array-like, shape (n_samples, 2)
        The samples.
    y : array-like, shape (n_samples,) or (n_samples, 1)
        Their labels, numbers; the estimator's classes if it has some.
    threshold : float, optional
        Where one output changes class; halfway between the smallest and largest label by default,
        1/2 if all labels are 0 or all are 1.
    resolution : int, default 200
        Points of the surface along each axis.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    TypeError, ValueError
        If x is not (n_samples, 2) or not finite, y has not one known label for each sample,
        threshold is no number, or resolution is below 2.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from shallowcore import datasets, layers, models, plotting
    >>> x, y = datasets.make_xor(100)
    >>> model = models.Sequential([layers.Input((2,)), layers.Dense(1, "sigmoid")])
    >>> ax = plotting.plot_decision_boundary(model, x, y, ax=Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['0', '1']
    """
    classes = getattr(model, "classes_", None)
    x, y = _check_samples(x, y, classes)
    resolution = check_int(resolution, "resolution", 2)
    middle = _middle(y) if threshold is None else check_float(threshold, "threshold")
    ax = axes_for(ax)
    margin = 0.08 * np.ptp(x, axis=0) + 1e-9
    low, high = x.min(axis=0) - margin, x.max(axis=0) + margin
    across, up = (np.linspace(low[k], high[k], resolution) for k in (0, 1))
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    predicted = np.asarray(model.predict(grid)).reshape(len(grid), -1)
    labels = np.unique(y)
    places = np.arange(len(labels))
    if classes is None and predicted.shape[1] == 1:
        _draw_surface(ax, across, up, predicted.reshape(resolution, resolution), middle)
        if len(labels) == 1:
            places = (labels > middle).astype(int)
    else:
        if classes is not None:
            regions, n_classes = np.searchsorted(classes, predicted), len(classes)
            places = np.searchsorted(classes, labels)
        else:
            regions, n_classes = predicted.argmax(axis=1), predicted.shape[1]
            if np.isin(labels, np.arange(n_classes)).all():
                places = labels.astype(int)
        _draw_regions(ax, across, up, regions.reshape(resolution, resolution), n_classes)
    _draw_samples(ax, x, y, labels, places)
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    ax.set_xlabel("x1")
    ax.set_ylabel("x2")
    return ax


def _check_samples(x: Any, y: Any, classes: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    x, y = as_array(x, "x"), as_array(y, "y")
    if x.ndim != 2 or x.shape[1] != 2 or x.shape[0] == 0:
        raise ValueError(f"x must have shape (n_samples, 2), got {x.shape}")
    if y.shape not in ((len(x),), (len(x), 1)):
        raise ValueError(f"y must have one label for each of {len(x)} samples, got {y.shape}")
    x = check_finite(check_number_type(x, "x").astype(np.float64), "x")
    if classes is None:
        check_finite(check_number_type(y, "y").astype(np.float64), "y")
    elif not np.isin(y, classes).all():
        strange = y[~np.isin(y, classes)].item(0)
        raise ValueError(f"y must have labels of the model's classes, got {strange!r}")
    return x, y.ravel()


def _middle(y: NDArray[Any]) -> float:
    """Where one output changes class."""
    if y.dtype.kind not in "biuf" or np.isin(y, (0, 1)).all():
        return 0.5
    return 0.5 * (float(y.min()) + float(y.max()))


def _draw_surface(
    ax: Axes,
    across: NDArray[Any],
    up: NDArray[Any],
    surface: NDArray[Any],
    threshold: float,
) -> None:
    """Shade one output from orange (below the threshold) to blue (above), and draw the line."""
    colours = diverging("below_above", "#F2B48C", "#8CBFE0")
    reach = max(float(np.abs(surface - threshold).max()), 1e-12)
    ax.pcolormesh(
        across,
        up,
        surface,
        cmap=colours,
        vmin=threshold - reach,
        vmax=threshold + reach,
        shading="nearest",
        rasterized=True,
    )
    if surface.min() < threshold < surface.max():
        ax.contour(across, up, surface, levels=[threshold], colors="black", linewidths=1.5)


def _draw_regions(
    ax: Axes, across: NDArray[Any], up: NDArray[Any], regions: NDArray[Any], n_classes: int
) -> None:
    """Colour each class' area as its samples are, but pale."""
    colours = import_matplotlib("matplotlib.colors").ListedColormap(_class_colours(n_classes))
    ax.pcolormesh(
        across,
        up,
        regions,
        cmap=colours,
        vmin=-0.5,
        vmax=n_classes - 0.5,
        alpha=0.35,
        shading="nearest",
        rasterized=True,
    )


def _class_colours(n_classes: int) -> list[str]:
    """Colours of the classes; class 0 orange-red and class 1 blue, as on the shaded surface."""
    order = ("vermilion", "blue", "green", "orange", "pink", "sky", "yellow", "black")
    return [PALETTE[order[index % len(order)]] for index in range(n_classes)]


def _draw_samples(
    ax: Axes, x: NDArray[Any], y: NDArray[Any], labels: NDArray[Any], places: NDArray[Any]
) -> None:
    """One colour and one marker a class, so that neither alone carries the meaning."""
    order = _class_colours(int(places.max()) + 1)
    for label, place in zip(labels.tolist(), places.tolist(), strict=True):
        of_class = y == label
        ax.scatter(
            x[of_class, 0],
            x[of_class, 1],
            s=22,
            c=order[place],
            marker=_MARKERS[place % len(_MARKERS)],
            edgecolors="white",
            linewidths=0.4,
            label=str(label) if isinstance(label, str) else f"{label:g}",
        )
    legend = ax.legend(title="class", loc="upper right")
    for text in legend.get_texts():
        text.set_parse_math(False)
