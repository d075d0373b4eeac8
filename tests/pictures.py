"""What the tests of pictures share: small networks, and figures drawn as a whole."""

from shallowcore import layers, models


def network(*stack, **settings):
    """A Sequential of four inputs and these layers."""
    return models.Sequential([layers.Input((4,)), *stack], seed=0, **settings)


def draw(ax):
    """Draw the whole figure, with matplotlib's warnings as errors."""
    ax.figure.canvas.draw()
