"""Models from those of other libraries: scikit-learn, PyTorch, Keras.

What comes over is what `predict` needs: layers, activations, weights.  Losses, optimizers,
regularizers and their states stay behind.  None of the libraries is imported here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shallowcore import _from_keras, _from_sklearn, _from_torch
from shallowcore.activations import Activation
from shallowcore.layers import Dense, Input, Layer
from shallowcore.models import Sequential

__all__ = ["from_keras", "from_sklearn", "from_torch"]


def from_sklearn(estimator: Any) -> Sequential:
    """Return the network inside a fitted estimator of scikit-learn or of `shallowcore.sklearn`.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or LogisticRegression
        Fitted.

    Returns
    -------
    Sequential
        Its outputs are those of `predict` for a regressor, else probabilities in the order of
        `classes_`: one column for two classes, that of the second one.

    Raises
    ------
    TypeError
        For anything else; pipelines too: give their last step, and scale inputs as before it.
    ValueError
        For an estimator that is not fitted, or several classes one against the rest.

    Examples
    --------
    >>> import numpy as np
    >>> from shallowcore import interop
    >>> from shallowcore.sklearn import LogisticRegression
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 0, 1, 1]
    >>> clf = LogisticRegression().fit(x, y)
    >>> model = interop.from_sklearn(clf)
    >>> np.allclose(model.predict(x)[:, 0], clf.predict_proba(x)[:, 1])
    True
    """
    return _sequential(*_from_sklearn.parts(estimator))


def from_torch(
    module: Any, activations: Sequence[str | Activation | None] | None = None
) -> Sequential:
    """Return a PyTorch network of linear layers as a model.

    Parameters
    ----------
    module : torch.nn.Sequential, or mapping of str to tensor
        A Sequential, nested ones too, of Linear, Flatten, Dropout, Identity and the activations
        that are here, too; or the state_dict of a network whose linear layers follow each other in
        the order of their names there.
    activations : list of str, Activation or None
        With a state_dict, and only then: what follows each linear layer, None for nothing.

    Returns
    -------
    Sequential
        Of float64 if the weights are, else of float32.  Its inputs are vectors, a first Flatten
        done.

    Raises
    ------
    TypeError, ValueError
        For modules or arrays that have no counterpart, named, before anything is made.

    Notes
    -----
    Dropout keeps its rate.  PyTorch's Softplus is z itself from z = 20 on, which differs from
    ln(1 + e^z) by 2e-9 there.

    Examples
    --------
    >>> import numpy as np
    >>> from shallowcore import interop
    >>> weights = {"0.weight": np.array([[1.0, 2.0]]), "0.bias": np.array([-1.0])}
    >>> interop.from_torch(weights, activations=["relu"]).predict(np.array([[1.0, 1.0]]))
    array([[2.]])
    """
    return _sequential(*_from_torch.parts(module, activations))


def from_keras(model: Any) -> Sequential:
    """Return a Keras model of dense layers as one of this package.

    Parameters
    ----------
    model : keras.Sequential
        Built, of Dense, Activation, Dropout, Flatten, Rescaling, Normalization and the layers of
        activations that are here, too.

    Returns
    -------
    Sequential
        Of float64 if the weights are, else of float32.

    Raises
    ------
    TypeError, ValueError
        For layers or settings that have no counterpart, named, before anything is made.

    Examples
    --------
    >>> import keras  # doctest: +SKIP
    >>> from shallowcore import interop
    >>> model = interop.from_keras(keras.saving.load_model("net.keras"))  # doctest: +SKIP
    """
    return _sequential(*_from_keras.parts(model))


def _sequential(
    input_shape: tuple[int, ...], stack: Iterable[Layer], weights: Iterable[Any]
) -> Sequential:
    """Return the model of these layers, and of the [kernel, bias] of its Dense ones in order."""
    arrays: list[NDArray[Any]] = [np.asarray(array) for array in weights]
    dtype = "float64" if any(array.dtype == np.float64 for array in arrays) else "float32"
    model = Sequential([Input(input_shape), *stack], dtype=dtype)
    remaining = iter(arrays)
    for layer in model.layers:
        if isinstance(layer, Dense):
            kernel = next(remaining)
            layer.set_weights([kernel, next(remaining)] if layer.use_bias else [kernel])
    return model
