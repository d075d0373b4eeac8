"""Which classes a classifier takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shallowcore._arrays import as_array
from shallowcore._optional import import_optional
from shallowcore.plotting._axes import axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# With more classes the numbers would not be read, and a colour bar stands for them.
_MOST_NUMBERS = 25
_NORMALIZE = (None, "true", "pred", "all")


def plot_confusion_matrix(
    model: Any,
    x: ArrayLike,
    y: ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    normalize: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how many samples of each class (down) are taken for each class (across).

    Counted and drawn by scikit-learn, `confusion_matrix` and `ConfusionMatrixDisplay`.

    Parameters
    ----------
    model : Sequential or classifier of scikit-learn's kind
        Several outputs mean the class of the largest; one output means class 1 (or the larger
        label, of hinge's -1 and 1) above 0.5, or above 0 if the loss takes logits or is hinge.
    x : array-like, shape (n_samples, ...)
        The samples.
    y : array-like, shape (n_samples,), (n_samples, 1) or (n_samples, n_outputs)
        Their labels, or one-hot rows for several outputs.
    class_names : sequence of str, optional
        What to write for the classes, in their order; the labels by default.
    normalize : {None, "true", "pred", "all"}, default None
        Counts; or shares of the samples of a class, of those taken for a class, of all.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib or scikit-learn.
    TypeError, ValueError
        If y has not one label for each sample, the model's classes do not have it, or there are not
        as many names as classes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from shallowcore import datasets, layers, models, plotting
    >>> x, y = datasets.make_circle(100)
    >>> model = models.Sequential([layers.Input((2,)), layers.Dense(1, "sigmoid")], seed=0)
    >>> ax = plotting.plot_confusion_matrix(model, x, y, ax=Figure().subplots())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Predicted label', 'True label')
    """
    metrics = import_optional("sklearn.metrics", "plot_confusion_matrix")
    if normalize not in _NORMALIZE:
        raise ValueError(f"normalize must be None, 'true', 'pred' or 'all', got {normalize!r}")
    labels, true, predicted = _classified(model, x, as_array(y, "y"))
    names = _names(class_names, labels)
    counts = metrics.confusion_matrix(true, predicted, labels=labels, normalize=normalize)
    n = len(labels)
    side = min(4.8 + 0.35 * max(0, n - 8), 12.0)
    ax = axes_for(ax, (side + 0.6, side))
    display = metrics.ConfusionMatrixDisplay(counts, display_labels=names)
    with_numbers = n <= _MOST_NUMBERS
    display.plot(
        cmap="Blues",
        ax=ax,
        colorbar=not with_numbers,
        include_values=with_numbers,
        values_format=None if normalize is None else ".2f",
        xticks_rotation="vertical" if max(map(len, names)) > 3 and n > 3 else "horizontal",
        text_kw={"fontsize": 10 if n <= 10 else 8 if n <= 18 else 7},
        im_kw={"vmin": 0},
    )
    for text in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        text.set_parse_math(False)
        text.set_fontsize(10 if n <= 18 else 8 if n <= 40 else 5)
    return ax


def _classified(
    model: Any, x: Any, y: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """All classes, and of each sample the true and the predicted one."""
    predicted = np.asarray(model.predict(x))
    if y.shape[:1] != predicted.shape[:1]:
        raise ValueError(
            f"y must have one label for each of {len(predicted)} samples, got shape {y.shape}"
        )
    classes = getattr(model, "classes_", None)
    n_outputs = predicted.shape[1] if predicted.ndim == 2 and classes is None else 1
    if n_outputs > 1 and y.shape == predicted.shape:
        y = y.argmax(axis=1)
    if y.size != len(predicted):
        raise ValueError(
            f"y must have shape ({len(y)},), ({len(y)}, 1) or one-hot rows, got {y.shape}"
        )
    y = y.reshape(-1)
    if classes is None:
        classes = np.arange(max(2, n_outputs))
        if n_outputs > 1:
            predicted = predicted.argmax(axis=1)
        else:
            classes = np.array([-1, 1]) if (y == -1).any() else classes
            predicted = classes[(predicted.reshape(-1) > _threshold(model)).astype(int)]
    known = np.isin(y, classes)
    if not known.all():
        raise ValueError(
            f"y must have labels of the {len(classes)} classes from {classes[0]} to "
            f"{classes[-1]}, got {y[~known].item(0)!r}"
        )
    return np.asarray(classes), y.astype(np.asarray(classes).dtype), predicted.reshape(-1)


def _threshold(model: Any) -> float:
    """Above which one output means the second class: as the metric "accuracy" has it."""
    try:
        loss = model.loss
    except (AttributeError, RuntimeError):  # not compiled: outputs are taken for probabilities
        return 0.5
    return 0.0 if loss.from_logits or loss.name == "hinge" else 0.5


def _names(given: Any, labels: NDArray[Any]) -> list[str]:
    """What to write for the classes."""
    if isinstance(given, str):
        raise TypeError(f"class_names must be a sequence of names, got {given!r}")
    names = [str(one) for one in (labels.tolist() if given is None else given)]
    if len(names) != len(labels):
        raise ValueError(f"class_names must be {len(labels)} names, got {len(names)}")
    return names
