"""MLPRegressor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d, validate_data

from shallowcore import losses
from shallowcore.sklearn._base import BaseMLP
from shallowcore.sklearn._classifier import _is_stochastic
from shallowcore.sklearn._docs import document
from shallowcore.sklearn._inputs import DTYPES, all_or_nothing

if TYPE_CHECKING:
    from typing_extensions import Self

Array = NDArray[Any]


@document
class MLPRegressor(RegressorMixin, BaseMLP):
    """Multi-layer perceptron regressor: scikit-learn's, trained by the native core.

    Parameters
    ----------
    loss : str or losses.Loss, default "squared_error"
        "squared_error" (half the squared error), "poisson" (with an exponential output), or any
        regression loss of `shallowcore.losses`, by name or as an object.
    {more_parameters}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from shallowcore.sklearn import MLPRegressor
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> regressor = MLPRegressor(random_state=1, max_iter=2000, tol=0.1).fit(X, y)
    >>> regressor.predict(X[:2]).shape
    (2,)
    """

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: Any = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        l1: float = 0.0,
        dtype: str | None = None,
        n_threads: int | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.l1 = l1
        self.dtype = dtype
        self.n_threads = n_threads

    # --- targets ----------------------------------------------------------------------------------
    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=True,
            dtype=DTYPES,
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y[:, np.newaxis] if y.ndim == 1 else y

    def _output_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _loss_object(self) -> losses.Loss:
        if self.loss == "squared_error":  # each output's half squared error, as its gradient has it
            return losses.MeanSquaredError(scale=0.5 * self.n_outputs_)
        found = losses.get(self.loss)
        if found.integer_labels or "crossentropy" in found.name or found.name == "hinge":
            raise ValueError(f"loss must be a regression loss, got {self.loss!r}")
        return found

    def _core_targets(self, y: Array, dtype: Any) -> Array:
        return np.ascontiguousarray(y, dtype=dtype)

    def _score_outputs(self, outputs: Array, y: Array, weight: Array | None) -> float:
        mean = np.average(y, axis=0, weights=weight)
        residual = np.average((y - outputs) ** 2, axis=0, weights=weight)
        spread = np.average((y - mean) ** 2, axis=0, weights=weight)
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.where(spread > 0, 1 - residual / spread, np.where(residual > 0, 0.0, 1.0))
        return float(np.mean(scores))

    # --- the public methods -----------------------------------------------------------------------
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.
        y : array-like, (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like, (n_samples,), optional
            Weights, >= 0.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Samples that early stopping watches, in place of a fraction of the training samples.

        Returns
        -------
        MLPRegressor
            The estimator itself.
        """
        with all_or_nothing(self):
            return self._fit(X, y, sample_weight, validation_data=validation_data)

    @available_if(_is_stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go once through the samples, from the weights and the optimizer's state of now.

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.
        y : array-like, (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like, (n_samples,), optional
            Weights, >= 0.

        Returns
        -------
        MLPRegressor
            The estimator itself.
        """
        with all_or_nothing(self):
            return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Return predictions, (n_samples,) or (n_samples, n_outputs).

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray
            The predictions.
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs
