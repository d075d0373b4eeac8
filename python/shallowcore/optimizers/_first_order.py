"""First-order methods.

All take a schedule as the learning rate, and `weight_decay`, `clipnorm`, `clipvalue` and
`global_clipnorm`, which `Optimizer` explains.
"""

from __future__ import annotations

from typing import TypeAlias

from shallowcore.optimizers._base import Optimizer
from shallowcore.optimizers.schedules import LearningRateSchedule

Rate: TypeAlias = float | LearningRateSchedule


class SGD(Optimizer):
    """Gradient descent: v = momentum v - learning_rate g, w += v.

    With `nesterov`: w += momentum v - learning_rate g, with the new v.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        Step size, >= 0.
    momentum : float, default 0.0
        In [0, 1].
    nesterov : bool, default False
        Look ahead.
    weight_decay, clipnorm, clipvalue, global_clipnorm : float, optional
        As in `Optimizer`.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.SGD(0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9, nesterov=False)
    """

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(
            "sgd",
            learning_rate=learning_rate,
            momentum=momentum,
            nesterov=nesterov,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
        )


class RMSprop(Optimizer):
    """v = rho v + (1 - rho) g^2, w -= learning_rate g / sqrt(v + epsilon).

    Tieleman and Hinton, lecture 6.5 of "Neural networks for machine learning", 2012, as Keras has
    it.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        Step size, >= 0.
    rho : float, default 0.9
        Decay of the mean square, in [0, 1].
    momentum : float, default 0.0
        In [0, 1].
    epsilon : float, default 1e-7
        Added to the mean square, >= 0.
    centered : bool, default False
        Subtract the square of the mean gradient.
    weight_decay, clipnorm, clipvalue, global_clipnorm : float, optional
        As in `Optimizer`.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.RMSprop().rho
    0.9
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(
            "rmsprop",
            learning_rate=learning_rate,
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            centered=centered,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
        )


class Adam(Optimizer):
    """m += (1 - beta_1)(g - m), v += (1 - beta_2)(g^2 - v), w -= alpha_t m / (sqrt(v) + epsilon).

    alpha_t = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t): Kingma and Ba, 2015, in the form
    before their section 2.1, which Keras uses.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        Step size, >= 0.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Decays of mean and mean square, in [0, 1).
    epsilon : float, default 1e-7
        Added to the root, >= 0.
    amsgrad : bool, default False
        Use the largest mean square so far.
    weight_decay, clipnorm, clipvalue, global_clipnorm : float, optional
        As in `Optimizer`.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.Adam(1e-2).learning_rate
    0.01
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(
            "adam",
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
        )


class AdamW(Optimizer):
    """Adam, with weights that decay: first w -= learning_rate x weight_decay x w.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        Step size, >= 0.
    weight_decay : float | None, default 0.004
        As in `Optimizer`.
    beta_1 : float, default 0.9
        Decay of the mean, in [0, 1).
    beta_2 : float, default 0.999
        Decay of the mean square, in [0, 1).
    epsilon : float, default 1e-7
        Added to the root, >= 0.
    amsgrad : bool, default False
        Use the largest mean square so far.
    clipnorm, clipvalue, global_clipnorm : float, optional
        As in `Optimizer`.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(
            "adamw",
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
        )


class Adagrad(Optimizer):
    """v += g^2, w -= learning_rate g / sqrt(v + epsilon).

    Duchi, Hazan and Singer, "Adaptive subgradient methods", 2011, as Keras has it.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        Step size, >= 0.
    initial_accumulator_value : float, default 0.1
        v before the first step, >= 0.
    epsilon : float, default 1e-7
        Added to v, >= 0.
    weight_decay, clipnorm, clipvalue, global_clipnorm : float, optional
        As in `Optimizer`.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.Adagrad(0.1).initial_accumulator_value
    0.1
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(
            "adagrad",
            learning_rate=learning_rate,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=epsilon,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
        )


class Nadam(Optimizer):
    """Adam with Nesterov's momentum.

    Dozat, "Incorporating Nesterov momentum into Adam", 2016, as Keras has it.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        Step size, >= 0.
    beta_1 : float, default 0.9
        Decay of the mean, in [0, 1).
    beta_2 : float, default 0.999
        Decay of the mean square, in [0, 1).
    epsilon : float, default 1e-7
        Added to the root, >= 0.
    weight_decay, clipnorm, clipvalue, global_clipnorm : float, optional
        As in `Optimizer`.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.Nadam().beta_1
    0.9
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(
            "nadam",
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
        )


class Rprop(Optimizer):
    """Steps by the signs of the gradient, each weight with its own step size.

    A size grows by eta_plus while the sign of its gradient stays, and shrinks by eta_minus, without
    a step, where it changes.  For full batches (`batch_size` of at least the number of samples):
    the signs of small batches' gradients are noise.  Riedmiller and Braun, 1993, in the form
    iRprop- of Igel and Huesken, 2000, with PyTorch's defaults.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        First step size, >= 0.
    eta_minus : float, default 0.5
        In [0, 1].
    eta_plus : float, default 1.2
        >= 1.
    step_min : float, default 1e-6
        Least step size, >= 0.
    step_max : float, default 50.0
        Largest step size, >= 0.
    weight_decay, clipnorm, clipvalue, global_clipnorm : float, optional
        As in `Optimizer`.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.Rprop().eta_plus
    1.2
    """

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        eta_minus: float = 0.5,
        eta_plus: float = 1.2,
        step_min: float = 1e-6,
        step_max: float = 50.0,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(
            "rprop",
            learning_rate=learning_rate,
            eta_minus=eta_minus,
            eta_plus=eta_plus,
            step_min=step_min,
            step_max=step_max,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
        )
