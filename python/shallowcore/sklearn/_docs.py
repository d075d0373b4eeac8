"""Parts of docstrings that the estimators share."""

from __future__ import annotations

from typing import TypeVar

_Class = TypeVar("_Class", bound=type)

_MORE = """hidden_layer_sizes : int or sequence of int, default (100,)
        Units of the hidden layers.
    activation : str, activations.Activation, or one for each hidden layer, default "relu"
        "identity", "logistic", "tanh", "relu" or any activation of `shallowcore.activations`.
    solver : str, default "adam"
        "sgd", "adam", "adamw", "rmsprop", "rprop" (full batch), "lbfgs", "newton-cg", "lm"
        (Levenberg-Marquardt, squared error).
    alpha : float, default 0.0001
        Strength of the L2 penalty alpha / 2 sum w^2 over the weights of the batch; not of biases.
    batch_size : int or "auto", default "auto"
        Samples in a step; "auto" is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        For "sgd": constant; learning_rate_init / t^power_t; or a fifth whenever the loss stands
        still.
    learning_rate_init : float, default 0.001
        The first learning rate.
    power_t : float, default 0.5
        See `learning_rate`.
    max_iter : int, default 200
        Most epochs, or iterations of a full-batch solver.
    shuffle : bool, default True
        Visit the samples in another order every epoch.
    random_state : int, RandomState, Generator or None
        Fixes initial weights, order and the split for early stopping.
    tol : float, default 1e-4
        Least improvement; full-batch solvers: relative norm of the gradient to stop at.
    verbose : bool or int, default False
        Print the loss of every epoch.
    warm_start : bool, default False
        Begin where the last `fit` ended.
    momentum : float, default 0.9
        For "sgd".
    nesterovs_momentum : bool, default True
        For "sgd".
    early_stopping : bool, "score" or "loss", default False
        Keep samples aside and stop when their score (or loss) no longer improves; the best weights
        are kept.
    validation_fraction : float, default 0.1
        Share of the samples kept aside.
    beta_1, beta_2, epsilon : float
        For "adam" and "adamw".
    n_iter_no_change : int or np.inf, default 10
        Epochs without improvement to stop after.
    max_fun : int, default 15000
        Evaluations of the loss after which "lbfgs" ends with the iteration under way.
    dropout : float, default 0.0
        Rate of dropout after every hidden layer.
    l1 : float, default 0.0
        Strength of an L1 penalty on the weights, as `alpha`.
    dtype : {None, "float32", "float64"}
        Of the network; by default the inputs', float64 for integers.
    n_threads : int, optional
        Threads for fit and predict."""

_ATTRIBUTES = """coefs_ : list of ndarray
        Weights of the layers, (n_in, n_out): views on the core's memory.
    intercepts_ : list of ndarray
        Biases of the layers.
    loss_ : float
        Loss of the last epoch.
    best_loss_ : float or None
        Least loss; None with early stopping.
    loss_curve_ : list of float
        Loss of every epoch (stochastic solvers).
    validation_scores_, best_validation_score_ : list of float, float; or None
        Scores of the validation samples, with early stopping.
    n_iter_, t_ : int
        Epochs of the last `fit`; samples seen.
    n_features_in_, n_layers_, n_outputs_ : int
        Sizes.
    feature_names_in_ : ndarray of str
        Names of the columns, where the inputs had any.
    out_activation_ : str
        The last layer's activation."""


def document(cls: _Class) -> _Class:
    """Fill the shared parts into a class's docstring, which `python -OO` has removed."""
    if cls.__doc__ is None:
        return cls
    text = cls.__doc__.replace("{parameters}", "Parameters\n    ----------\n    " + _MORE)
    text = text.replace("{more_parameters}", _MORE).replace("{attributes}", _ATTRIBUTES)
    cls.__doc__ = text
    return cls
