"""First-order methods."""

from __future__ import annotations

from shallowcore.optimizers._base import Optimizer


class SGD(Optimizer):
    """Gradient descent: v = momentum v - learning_rate g, w += v.

    With `nesterov`: w += momentum v - learning_rate g, with the new v.

    Parameters
    ----------
    learning_rate : float, default 0.01
        Step size, >= 0.
    momentum : float, default 0.0
        In [0, 1].
    nesterov : bool, default False
        Look ahead.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.SGD(0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9, nesterov=False)
    """

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False
    ) -> None:
        super().__init__("sgd", learning_rate=learning_rate, momentum=momentum, nesterov=nesterov)


class RMSprop(Optimizer):
    """v = rho v + (1 - rho) g^2, w -= learning_rate g / sqrt(v + epsilon).

    Tieleman and Hinton, lecture 6.5 of "Neural networks for machine learning", 2012, as Keras has
    it.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size, >= 0.
    rho : float, default 0.9
        Decay of the mean square, in [0, 1].
    momentum : float, default 0.0
        In [0, 1].
    epsilon : float, default 1e-7
        Added to the mean square, >= 0.
    centered : bool, default False
        Subtract the square of the mean gradient.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.RMSprop().rho
    0.9
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
    ) -> None:
        super().__init__(
            "rmsprop",
            learning_rate=learning_rate,
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            centered=centered,
        )


class Adam(Optimizer):
    """m += (1 - beta_1)(g - m), v += (1 - beta_2)(g^2 - v), w -= alpha_t m / (sqrt(v) + epsilon).

    alpha_t = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t): Kingma and Ba, 2015, in the form
    before their section 2.1, which Keras uses.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size, >= 0.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Decays of mean and mean square, in [0, 1).
    epsilon : float, default 1e-7
        Added to the root, >= 0.
    amsgrad : bool, default False
        Use the largest mean square so far.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.Adam(1e-2).learning_rate
    0.01
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(
            "adam",
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
        )
