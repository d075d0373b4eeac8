"""Plots of trainings and of what a model has learned, as matplotlib Axes.

matplotlib is imported when a plot is drawn, never before.  Every function draws on `ax` if it is
given, else on a new figure, and returns the Axes; colours can be told apart with any kind of colour
vision (palette of Okabe and Ito, 2008).
"""

from shallowcore.plotting._activations import plot_activations
from shallowcore.plotting._axes import PALETTE as PALETTE
from shallowcore.plotting._axes import import_matplotlib as import_matplotlib
from shallowcore.plotting._boundary import plot_decision_boundary
from shallowcore.plotting._confusion import plot_confusion_matrix
from shallowcore.plotting._history import plot_history
from shallowcore.plotting._network import plot_network
from shallowcore.plotting._weights import plot_weights

__all__ = [
    "plot_activations",
    "plot_confusion_matrix",
    "plot_decision_boundary",
    "plot_history",
    "plot_network",
    "plot_weights",
]
