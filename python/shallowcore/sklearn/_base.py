"""What both multi-layer perceptrons share: the network behind the estimator, and its use.

Initial weights are scikit-learn's for the same random_state.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from shallowcore import num_threads
from shallowcore.sklearn._engine import Engine, make_engine
from shallowcore.sklearn._inputs import DTYPES, float_dtype, random_state, sample_weights
from shallowcore.sklearn._parameters import RULES, check_parameters, solver_rule, whole
from shallowcore.sklearn._solvers import SOLVERS, STOCHASTIC
from shallowcore.sklearn._training import NOT_FINITE, Training

if TYPE_CHECKING:
    from typing_extensions import Self

Array = NDArray[Any]


class BaseMLP(Training):
    """Base class of the perceptrons."""

    coefs_: list[Array]
    intercepts_: list[Array]
    n_features_in_: int
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    _solvers: tuple[str, ...] = SOLVERS

    # --- checks -----------------------------------------------------------------------------------
    def _hidden_sizes(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        sizes = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if any(not whole(1)(size) for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        return [int(size) for size in sizes]

    def _threads(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.n_threads is None else num_threads(self.n_threads)

    # --- training ---------------------------------------------------------------------------------
    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        incremental: bool = False,
        validation_data: Any = None,
    ) -> Self:
        check_parameters(self, (solver_rule(self._solvers), *RULES))
        hidden = self._hidden_sizes()
        first_pass = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        X, y = self._validate_input(X, y, incremental, reset=first_pass)
        weight = sample_weights(sample_weight, X)
        self.n_outputs_ = y.shape[1]
        self._random_state = random_state(self.random_state)
        if first_pass:
            self._initialize([X.shape[1], *hidden, self.n_outputs_], float_dtype(X))
        engine = self._engine_of_now()
        with self._threads():
            if self.solver in STOCHASTIC:
                self._fit_stochastic(engine, X, y, weight, incremental, validation_data)
            else:
                self._fit_full_batch(engine, X, y, weight)
        if not all(np.isfinite(w).all() for w in (*self.coefs_, *self.intercepts_)):
            raise ValueError(NOT_FINITE)
        return self

    def _initialize(self, sizes: list[int], dtype: Any) -> None:
        """Start anew: counters, weights."""
        self._begin_anew()
        self.n_layers_ = len(sizes)
        self.out_activation_ = self._output_activation()
        logistic = self.activation in ("logistic", "sigmoid")
        weights = []
        for n_in, n_out in pairwise(sizes):
            bound = np.sqrt((2.0 if logistic else 6.0) / (n_in + n_out))
            weights.append(self._random_state.uniform(-bound, bound, (n_in, n_out)))
            weights.append(self._random_state.uniform(-bound, bound, n_out))
        kind = self.dtype or str(np.dtype(dtype))
        self._adopt(make_engine(self, sizes, kind, [np.asarray(w, dtype=kind) for w in weights]))

    def _adopt(self, engine: Engine) -> None:
        """Make an engine this estimator's, its weights the attributes."""
        self._engine = engine
        self.coefs_, self.intercepts_ = list(engine.kernels), list(engine.biases)

    def __getstate__(self) -> Any:
        """What copies are made of; weights that were assigned go with them."""
        if hasattr(self, "_engine"):
            self._engine_of_now()
        return super().__getstate__()

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        if hasattr(self, "_engine"):
            self._adopt(self._engine)

    def _engine_of_now(self) -> Engine:
        """The engine with the weights that the attributes have now."""
        engine: Engine | None = getattr(self, "_engine", None)
        if engine is not None and engine.holds(self.coefs_, self.intercepts_):
            return engine
        weights = [
            np.asarray(w) for pair in zip(self.coefs_, self.intercepts_, strict=True) for w in pair
        ]
        sizes = [weights[0].shape[0], *(w.shape[0] for w in weights[1::2])]
        kind = "float32" if all(w.dtype == np.float32 for w in weights) else "float64"
        made = make_engine(self, sizes, kind, weights)
        self._adopt(made)
        return made

    # --- prediction -------------------------------------------------------------------------------
    def _outputs(self, X: Any) -> Array:
        """Return the network's outputs (n_samples, n_outputs), in the engine's dtype."""
        check_is_fitted(self)
        engine = self._engine_of_now()
        with self._threads():
            if not hasattr(self, "feature_names_in_"):
                quick = engine.predict_plain(X)
                if quick is not None:
                    return quick
            X = validate_data(
                self,
                X,
                accept_sparse="csr",
                dtype=DTYPES,
                reset=False,
            )
            return engine.predict(X)

    @property
    def _optimizer(self) -> Any:
        """The optimizer, under scikit-learn's name for it."""
        return self._engine.optimizer

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
