"""scikit-learn: MLPClassifier, by `fit`; by `partial_fit`, an epoch a call, in a given order."""

import warnings
from typing import Any

from shallowcore.bench.training import Training
from shallowcore.bench.workload import SEED, Data, Orders, Workload
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

SOLVERS = {"sgd": "sgd", "adam": "adam", "rmsprop": "adam"}


def classifier(workload: Workload, **settings: Any) -> Any:
    """The classifier, not fitted; it never stops early."""
    activation = "identity" if len(workload.activations) == 1 else workload.activations[0]
    return MLPClassifier(
        hidden_layer_sizes=workload.sizes[1:-1],
        activation=activation,
        solver=SOLVERS[workload.optimizer],
        alpha=0.0,
        batch_size=workload.batch_size,
        learning_rate_init=workload.settings["learning_rate"],
        momentum=0.0,
        nesterovs_momentum=False,
        epsilon=workload.settings.get("epsilon", 1e-8),
        tol=0.0,
        random_state=SEED,
        **settings,
    )


def with_weights(model: Any, workload: Workload, data: Data) -> Any:
    """Set the initial weights of a model, which has to have seen data first."""
    few = data.first(workload.batch_size)
    classes = range(max(2, workload.sizes[-1]))
    model.partial_fit(few.x, few.y.ravel(), classes=classes)
    weights = workload.initial_weights()
    model.coefs_, model.intercepts_ = weights[0::2], weights[1::2]
    model.loss_curve_ = []
    model.best_loss_ = float("inf")
    del model._optimizer  # it holds the weights that it updates
    return model


def weights_of(model: Any) -> list[Any]:
    pairs = zip(model.coefs_, model.intercepts_, strict=True)
    return [array for pair in pairs for array in pair]


def prepare(workload: Workload, data: Data, orders: Orders) -> Training:
    """Train from the initial weights."""
    model = with_weights(
        classifier(
            workload,
            shuffle=workload.shuffle and not orders.replayed,
            max_iter=orders.epochs,
            n_iter_no_change=orders.epochs + 1,
            warm_start=True,  # `fit` keeps the weights
        ),
        workload,
        data,
    )
    y = data.y.ravel()

    def run() -> list[float]:
        if orders.replayed:
            for order in orders:
                rows = slice(None) if order is None else order
                model.partial_fit(data.x[rows], y[rows])
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # it ran as long as it should
                model.fit(data.x, y)
        losses: list[float] = list(model.loss_curve_)
        return losses

    return Training(run, lambda: weights_of(model))
