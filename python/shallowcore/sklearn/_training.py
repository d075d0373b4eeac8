"""How the perceptrons are trained: scikit-learn's loop and rules, on the core.

The loss is scikit-learn's (data term and alpha / 2 sum w^2, both over the weights of the batch),
and so are the rules for stopping.  The order of samples comes from the core's generator, seeded
from random_state.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from shallowcore.sklearn._engine import Engine
from shallowcore.sklearn._inputs import sample_weights
from shallowcore.sklearn._solvers import FOREVER, STOCHASTIC, make_optimizer

Array = NDArray[Any]

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


class Training(BaseEstimator, ABC):
    """Base class of the perceptrons: what `fit` does once inputs are checked and weights drawn."""

    n_iter_: int
    t_: int
    loss_: float

    def _begin_anew(self) -> None:
        """Set all counters back."""
        self.n_iter_ = 0
        self.t_ = 0
        if self.solver in STOCHASTIC:
            self.loss_curve_: list[float] = []
            self._no_improvement_count = 0
            early = bool(self.early_stopping)
            self.validation_scores_: list[float] | None = [] if early else None
            self.best_validation_score_: float | None = -np.inf if early else None
            self.best_loss_: float | None = None if early else np.inf

    # --- what classifier and regressor do differently ---------------------------------------------
    @abstractmethod
    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        """Return checked inputs, and targets (n_samples, n_outputs)."""

    @abstractmethod
    def _output_activation(self) -> str:
        """Return the last layer's activation in scikit-learn's words."""

    @abstractmethod
    def _loss_object(self) -> Any:
        """Return the loss, scaled as scikit-learn's is."""

    @abstractmethod
    def _core_targets(self, y: Array, dtype: Any) -> Array:
        """Return targets as the core reads them."""

    @abstractmethod
    def _score_outputs(self, outputs: Array, y: Array, weight: Array | None) -> float:
        """Return the score of the network's outputs."""

    def _training_weights(self, y: Array, weight: Array | None) -> Array | None:
        """Return the weights of the samples, classes considered."""
        return weight

    # --- batches ----------------------------------------------------------------------------------
    def _split(self, X: Any, y: Array, weight: Array | None) -> tuple[Any, ...]:
        """Return training and validation samples for early stopping."""
        stratify = y if self._stratifies() else None
        arrays = [X, y] if weight is None else [X, y, weight]
        parts = train_test_split(
            *arrays,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=stratify,
        )
        X_train, X_val, y_train, y_val, *weights = parts
        if X_val.shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        return (
            X_train,
            y_train,
            (weights or [None])[0],
            (X_val, y_val, (weights or [None, None])[1]),
        )

    def _stratifies(self) -> bool:
        return False

    def _batch_size(self, n_samples: int) -> int:
        if self.batch_size == "auto":
            return min(200, n_samples)
        if self.batch_size > n_samples:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=5,
            )
        return int(min(self.batch_size, n_samples))

    def _fit_stochastic(
        self,
        engine: Engine,
        X: Any,
        y: Array,
        weight: Array | None,
        incremental: bool,
        validation_data: Any,
    ) -> None:
        validation = None
        if validation_data is not None:
            validation = self._checked_validation(validation_data)
        elif self.early_stopping:
            X, y, weight, validation = self._split(X, y, weight)
        weight = self._training_weights(y, weight)
        if not incremental or engine.optimizer_name != self.solver:
            engine.set_optimizer(self.solver, make_optimizer(self))
        n_samples = X.shape[0]
        batch_size = n_samples if self.solver == "rprop" else self._batch_size(n_samples)
        trainer = engine.trainer(
            X,
            self._core_targets(y, engine.dtype),
            weight,
            self._loss_object(),
            batch_size=batch_size,
            shuffle=self.shuffle,
            seed=self._random_state.randint(np.iinfo(np.int32).max),
            epochs=1 if incremental else self.max_iter,
        )
        best = None
        self.n_iter_ = 0
        try:
            best = self._epochs(engine, trainer, n_samples, validation, incremental)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        if best is not None:
            engine.set_weights(best)

    def _epochs(
        self, engine: Engine, trainer: Any, n_samples: int, validation: Any, incremental: bool
    ) -> list[Array] | None:
        """Train until a rule says stop; returns the best weights where they are watched."""
        watched = validation is not None
        best = engine.get_weights() if watched else None
        last = 1 if incremental else self.max_iter
        while self.n_iter_ < last:
            try:
                trainer.run(min(last, self.n_iter_ + self._epochs_at_once(watched)), FOREVER)
            finally:
                for loss in trainer.history(self.n_iter_)["loss"]:
                    self._count_epoch(loss, n_samples)
                    if not watched:
                        self._watch_loss()
            if trainer.stop_reason == "diverged":
                self._note_divergence(watched)
                return best
            if watched:
                best = self._watch_score(engine, validation, best)
            if self.solver == "sgd" and self.learning_rate == "invscaling":
                engine.learning_rate = self.learning_rate_init / (self.t_ + 1) ** self.power_t
            if self._no_improvement_count > self.n_iter_no_change and self._stops(engine, watched):
                return best
        if not incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=5,
            )
        return best

    def _epochs_at_once(self, watched: bool) -> int:
        """Epochs until there is something to decide: no rule ends the training before."""
        if watched or self.verbose or self.learning_rate == "invscaling":
            return 1
        patience = self.n_iter_no_change - self._no_improvement_count
        return int(min(max(patience, 0), self.max_iter)) + 1

    def _count_epoch(self, loss: float, n_samples: int) -> None:
        """Note an epoch that has ended."""
        self.n_iter_ += 1
        self.t_ += n_samples
        self.loss_ = loss
        self.loss_curve_.append(loss)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {loss:.8f}")

    def _note_divergence(self, watched: bool) -> None:
        """A loss or weight became NaN or infinite."""
        if not watched:
            raise ValueError(NOT_FINITE)
        assert self.validation_scores_ is not None
        self.n_iter_ += 1
        self.loss_ = np.nan
        self.loss_curve_.append(self.loss_)
        self.validation_scores_.append(np.nan)

    def _watch_loss(self) -> None:
        """Count epochs in which the loss did not fall by tol."""
        assert self.best_loss_ is not None
        rises = self.loss_ > self.best_loss_ - self.tol
        self._no_improvement_count = self._no_improvement_count + 1 if rises else 0
        self.best_loss_ = min(self.best_loss_, self.loss_)

    def _watch_score(self, engine: Engine, validation: Any, best: Any) -> Any:
        """Count epochs in which the validation score did not rise by tol; keep the best weights."""
        assert self.validation_scores_ is not None
        assert self.best_validation_score_ is not None
        score = self._validation_score(engine, *validation)
        self.validation_scores_.append(score)
        if self.verbose:
            print(f"Validation score: {score:f}")
        falls = score < self.best_validation_score_ + self.tol
        self._no_improvement_count = self._no_improvement_count + 1 if falls else 0
        if score > self.best_validation_score_:
            self.best_validation_score_ = score
            best = engine.get_weights()
        return best

    def _validation_score(self, engine: Engine, X: Any, y: Array, weight: Array | None) -> float:
        """Return accuracy or R^2; the negative loss where that is asked for."""
        if self.early_stopping == "loss":
            targets = self._core_targets(y, engine.dtype)
            return -engine.loss(X, targets, weight, self._loss_object())
        outputs = engine.predict(X)
        if not np.isfinite(outputs).all():
            return float("nan")
        return self._score_outputs(outputs, y, weight)

    def _checked_validation(self, data: Any) -> tuple[Any, Array, Array | None]:
        """Return (X, y, weight) of validation_data, its targets as the training's."""
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise ValueError("validation_data must be (X, y) or (X, y, sample_weight)")
        X, y = self._validate_input(data[0], data[1], True, reset=False)
        return X, y, sample_weights(data[2] if len(data) == 3 else None, X)

    def _stops(self, engine: Engine, watched: bool) -> bool:
        """Whether no improvement ends the training; an adaptive rate falls first."""
        what = "Validation score" if watched else "Training loss"
        text = (
            f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} "
            "consecutive epochs."
        )
        adaptive = self.solver == "sgd" and self.learning_rate == "adaptive"
        if adaptive and engine.learning_rate > 1e-6:
            engine.learning_rate /= 5.0
            self._no_improvement_count = 0
            if self.verbose:
                print(f"{text} Setting learning rate to {engine.learning_rate:f}")
            return False
        if self.verbose:
            print(text + (" Learning rate too small." if adaptive else "") + " Stopping.")
        return True

    # --- all samples in each step -----------------------------------------------------------------
    def _fit_full_batch(self, engine: Engine, X: Any, y: Array, weight: Array | None) -> None:
        """Train by a method that uses all samples in each step."""
        engine.set_optimizer(self.solver, make_optimizer(self))
        weight = self._training_weights(y, weight)
        trainer = engine.trainer(
            X,
            self._core_targets(y, engine.dtype),
            weight,
            self._loss_object(),
            batch_size=X.shape[0],
            shuffle=False,
            seed=0,
            epochs=self.max_iter,
        )
        trainer.run(self.max_iter, FOREVER)
        if trainer.stop_reason == "diverged":
            raise ValueError(NOT_FINITE)
        self.n_iter_ = engine.optimizer.iterations
        losses = trainer.history(0)["loss"]
        if losses:
            self.loss_ = losses[-1]
        if self.verbose:
            print(f"{self.solver}: {self.n_iter_} iterations, loss = {self.loss_:.8f}")
        if trainer.stop_reason != "converged":
            warnings.warn(
                f"{self.solver} failed to converge after {self.n_iter_} iteration(s) "
                f"({trainer.stop_reason}): increase the number of iterations (max_iter) or of "
                "evaluations (max_fun), or scale the data",
                ConvergenceWarning,
                stacklevel=4,
            )
