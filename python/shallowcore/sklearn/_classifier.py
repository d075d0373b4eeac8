"""MLPClassifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d, validate_data

from shallowcore import losses
from shallowcore.sklearn._base import BaseMLP
from shallowcore.sklearn._docs import document
from shallowcore.sklearn._inputs import (
    DTYPES,
    all_or_nothing,
    plain_labels,
    to_dense,
    weights_by_class,
)
from shallowcore.sklearn._solvers import SOLVERS, STOCHASTIC

if TYPE_CHECKING:
    from typing_extensions import Self

Array = NDArray[Any]


def _is_stochastic(estimator: Any) -> bool:
    """Whether partial_fit exists; AttributeError says why not."""
    if estimator.solver not in STOCHASTIC:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


@document
class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multi-layer perceptron classifier: scikit-learn's, trained by the native core.

    One output and a sigmoid for two classes, a softmax for more, a sigmoid for each label of
    multilabel targets; the loss is the log-loss.

    {parameters}
    class_weight : dict or "balanced", optional
        Weights of classes, multiplied with sample weights; "balanced" is
        n_samples / (n_classes * samples of the class).

    Attributes
    ----------
    classes_ : ndarray, (n_classes,)
        Labels, sorted.
    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from shallowcore.sklearn import MLPClassifier
    >>> X, y = make_classification(n_samples=100, random_state=1)
    >>> clf = MLPClassifier(random_state=1, max_iter=300).fit(X, y)
    >>> clf.predict_proba(X[:1]).shape
    (1, 2)
    """

    classes_: Array

    _solvers = tuple(name for name in SOLVERS if name != "lm")  # which is for squared errors

    def __init__(
        self,
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
        class_weight: Any = None,
        dropout: float = 0.0,
        l1: float = 0.0,
        dtype: str | None = None,
        n_threads: int | None = None,
    ) -> None:
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
        self.class_weight = class_weight
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
            dtype=DTYPES,
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._learn_classes(y)
        else:
            self._check_classes(y)
        return X, self._indicators(y)

    def _learn_classes(self, y: Array, classes: Any = None) -> None:
        """Note what the labels are."""
        labels = y if classes is None else classes
        if classes is None and plain_labels(y):
            self._multilabel = False
            self.classes_ = np.unique(y)
            return
        check_classification_targets(labels)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError("Multioutput target data is not supported with label binarization")
        self._multilabel = kind == "multilabel-indicator"
        self.classes_ = np.arange(y.shape[1]) if self._multilabel else unique_labels(labels)

    def _check_classes(self, y: Array) -> None:
        """Raise ValueError for labels that the classes do not allow."""
        classes = np.arange(y.shape[1]) if y.ndim == 2 else unique_labels(y)
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the "
                    f"previous call to fit. Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {classes}."
            )

    def _indicators(self, y: Array) -> Array:
        """Return (n_samples, n_outputs) booleans: one column for two classes."""
        if self._multilabel:
            return np.asarray(to_dense(y)).astype(bool)
        if len(self.classes_) <= 2:
            return (np.asarray(y) == self.classes_[-1])[:, np.newaxis] & (len(self.classes_) == 2)
        return np.asarray(y)[:, np.newaxis] == self.classes_

    def _output_activation(self) -> str:
        return "softmax" if not self._multilabel and len(self.classes_) > 2 else "logistic"

    def _loss_object(self) -> losses.Loss:
        if self.out_activation_ == "softmax":
            return losses.SparseCategoricalCrossentropy()
        return losses.BinaryCrossentropy(scale=float(self.n_outputs_))

    def _core_targets(self, y: Array, dtype: Any) -> Array:
        if self.out_activation_ == "softmax":
            return np.argmax(y, axis=1).astype(np.int32)
        return np.ascontiguousarray(y, dtype=dtype)

    def _training_weights(self, y: Array, weight: Array | None) -> Array | None:
        if self.class_weight is None:
            return weight
        if self._multilabel:
            raise ValueError("class_weight does not go with multilabel targets")
        labels = np.argmax(y, axis=1) if y.shape[1] > 1 else y[:, 0].astype(np.int64)
        chosen = self.class_weight
        if isinstance(chosen, dict):
            known = self.classes_.tolist()
            unknown = [label for label in chosen if label not in known]
            if unknown:
                raise ValueError(f"class_weight has classes {unknown} that y does not have")
        by_class = weights_by_class(chosen, labels, self.classes_)
        return by_class if weight is None else by_class * weight

    def _stratifies(self) -> bool:
        return self.n_outputs_ == 1

    def _score_outputs(self, outputs: Array, y: Array, weight: Array | None) -> float:
        if self.out_activation_ == "softmax":
            right = np.argmax(outputs, axis=1) == np.argmax(y, axis=1)
        else:
            right = ((outputs > 0.5) == y).all(axis=1)
        return float(np.average(right, weights=weight))

    # --- the public methods -----------------------------------------------------------------------
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.
        y : array-like, (n_samples,) or (n_samples, n_labels)
            Class labels, or indicators of labels.
        sample_weight : array-like, (n_samples,), optional
            Weights, >= 0.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Samples that early stopping watches, in place of a fraction of the training samples.

        Returns
        -------
        MLPClassifier
            The estimator itself.
        """
        with all_or_nothing(self):
            return self._fit(X, y, sample_weight, validation_data=validation_data)

    @available_if(_is_stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Go once through the samples, from the weights and the optimizer's state of now.

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.
        y : array-like
            Targets.
        sample_weight : array-like, (n_samples,), optional
            Weights, >= 0.
        classes : array-like, (n_classes,), optional
            All labels that will ever be seen; needed in the first call.

        Returns
        -------
        MLPClassifier
            The estimator itself.
        """
        with all_or_nothing(self):
            if getattr(self, "classes_", None) is None:
                if classes is None:
                    raise ValueError("classes must be passed on the first call to partial_fit.")
                self._learn_classes(np.asarray(y), classes)
            elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
                raise ValueError(
                    f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                    f"{self.classes_!r}"
                )
            return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Return labels, (n_samples,), or indicators (n_samples, n_labels).

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray
            The predicted classes.
        """
        outputs = self._outputs(X)
        if self._multilabel:
            return (outputs > 0.5).astype(np.int64)
        if outputs.shape[1] == 1:
            return self.classes_[((outputs[:, 0] > 0.5) & (len(self.classes_) == 2)).astype(int)]
        return self.classes_[np.argmax(outputs, axis=1)]

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities, (n_samples, n_classes), in the order of `classes_`.

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray
            The probabilities; of each label by itself for multilabel targets.
        """
        outputs = self._outputs(X)
        if outputs.shape[1] == 1 and not self._multilabel:
            return np.hstack([1 - outputs, outputs])
        return outputs

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray
            Logarithms of the probabilities.
        """
        probabilities = self.predict_proba(X)
        return np.log(probabilities, out=probabilities)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy, of whole rows for multilabel targets.

        Parameters
        ----------
        X : array-like or sparse matrix, (n_samples, n_features)
            Inputs.
        y : array-like, (n_samples,) or (n_samples, n_labels)
            True labels.
        sample_weight : array-like, (n_samples,), optional
            Weights.

        Returns
        -------
        float
            Part of the samples whose prediction is right.
        """
        predicted = self.predict(X)
        alike = plain_labels(y) and y.shape == predicted.shape
        if sample_weight is None and alike and y.dtype.kind == predicted.dtype.kind:
            return float(np.mean(y == predicted))  # as accuracy_score, which looks twice at both
        return float(accuracy_score(y, predicted, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")
