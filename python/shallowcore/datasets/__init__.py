"""Data sets of the lectures: seeded generators, packaged digits, MNIST and cat photographs.

Generators draw from NumPy's legacy ``RandomState``, whose streams are frozen for ever: a seed gives
the same bits with every NumPy version.  Samples are rows; nothing is read, imported or downloaded
before a loader is called.
"""

from shallowcore.datasets._cats import load_cats
from shallowcore.datasets._digits import Digits, load_digits
from shallowcore.datasets._lectures import make_apartments, make_flower, make_shirts
from shallowcore.datasets._mnist import load_mnist
from shallowcore.datasets._playground import make_circle, make_gaussian, make_spiral, make_xor

__all__ = [
    "Digits",
    "load_cats",
    "load_digits",
    "load_mnist",
    "make_apartments",
    "make_circle",
    "make_flower",
    "make_gaussian",
    "make_shirts",
    "make_spiral",
    "make_xor",
]
