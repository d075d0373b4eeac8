"""Estimators in scikit-learn's words: change the import, keep the rest (extra: [sklearn]).

`MLPClassifier`, `MLPRegressor` and `LogisticRegression` take scikit-learn's arguments, have its
attributes and methods, and stand in pipelines, searches and ensembles as its own do.
"""

from __future__ import annotations

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as _error:
    raise ImportError(
        'shallowcore.sklearn needs scikit-learn: pip install "shallowcore[sklearn]"'
    ) from _error

from shallowcore.sklearn._classifier import MLPClassifier
from shallowcore.sklearn._logistic import LogisticRegression
from shallowcore.sklearn._regressor import MLPRegressor

__all__ = ["LogisticRegression", "MLPClassifier", "MLPRegressor"]
