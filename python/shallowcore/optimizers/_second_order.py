"""Methods that use all samples in each step."""

from __future__ import annotations

from shallowcore._checks import check_int
from shallowcore.optimizers._base import Optimizer


class LBFGS(Optimizer):
    """Limited-memory BFGS with a line search for the strong Wolfe conditions.

    w += t p with p = -H g, where H is the approximation of the inverse Hessian that the last
    `memory` pairs s = w_new - w_old and y = g_new - g_old make of s^T y / y^T y I, and t satisfies
    ``J(w + t p) <= J(w) + 1e-4 t g^T p`` and ``|g(w + t p)^T p| <= 0.9 |g^T p|``.  Nocedal, Wright,
    "Numerical Optimization", 2006: algorithms 7.4 and 7.5, 3.5 and 3.6; where the loss no longer
    resolves the decrease its slope decides (Hager and Zhang, 2005).

    For small and medium networks with any loss: each epoch is one iteration on all samples,
    whatever the batch size, and training stops by itself where the gradient is small enough, or
    with a warning where no step lowers the loss.  The pairs are kept between calls of `fit`;
    weights or data that changed meanwhile start the method anew.  Penalties with l1 are refused.

    Parameters
    ----------
    memory : int, default 10
        Pairs kept, >= 1.
    tolerance : float, default 1e-8
        Norm of the gradient at which training stops, relative to that at the start where that is
        above 1.
    max_line_search : int, default 20
        Most evaluations of loss and gradient in one line search.
    max_evaluations : int, optional
        The training ends with the iteration in which loss and gradient were evaluated more often.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.LBFGS(memory=20)
    LBFGS(memory=20, tolerance=1e-08, max_line_search=20)
    """

    def __init__(
        self,
        memory: int = 10,
        tolerance: float = 1e-8,
        max_line_search: int = 20,
        max_evaluations: int | None = None,
    ) -> None:
        super().__init__(
            "lbfgs",
            memory=check_int(memory, "memory", 1, 10**6),
            tolerance=tolerance,
            max_line_search=check_int(max_line_search, "max_line_search", 1, 10**6),
            max_evaluations=None
            if max_evaluations is None
            else check_int(max_evaluations, "max_evaluations", 1, 2**53),
        )


class GradientDescent(Optimizer):
    """Gradient descent on all samples, with steps that follow the curvature met so far.

    w -= t g, where t grows by at most sqrt(2/3 + t / t_before) a step and is cut where the last
    change of the gradient, divided by that of w, says that it is too long; nothing is searched
    along the line, and the loss may rise for some steps.  Malitsky and Mishchenko, "Adaptive
    proximal gradient method for convex optimization", 2024, who prove that it converges for convex
    losses.

    For linear, logistic and softmax regression on inputs of about the same scale: each epoch is one
    pass over all samples, whatever the batch size, and training stops by itself where the gradient
    is small enough.  Penalties with l1 are refused.

    Parameters
    ----------
    tolerance : float, default 1e-8
        Norm of the gradient at which training stops, relative to that at the start where that is
        above 1.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.GradientDescent(tolerance=1e-6)
    GradientDescent(tolerance=1e-06)
    """

    def __init__(self, tolerance: float = 1e-8) -> None:
        super().__init__("gradient_descent", tolerance=tolerance)


class NewtonCG(Optimizer):
    """Newton's method with conjugate gradients and exact Hessian-vector products.

    w += t p with H p = -g, solved until the residual is below
    ``min(0.1, sqrt(|g| / |g at first|))`` of the gradient, and t = 1, 1/2, 1/4, ... until the loss
    falls by ``1e-4 t |g^T p|``.  Pearlmutter, "Fast exact multiplication by the Hessian", 1994;
    Eisenstat and Walker, 1996.  On a network of one layer (linear, logistic and softmax regression)
    with up to 2048 weights the conjugate gradients are preconditioned by a Cholesky factor of the
    Hessian, made where it pays: inputs need not be scaled.

    For small networks and logistic regression: each epoch is one iteration on all samples, whatever
    the batch size, and training stops by itself where the gradient is small enough, or with a
    warning where no step lowers the loss.  Penalties with l1 are refused.

    Parameters
    ----------
    tolerance : float, default 1e-8
        Norm of the gradient at which training stops, relative to that at the start where that is
        above 1.
    max_cg_iterations : int, default 250
        Most inner iterations for one step.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.NewtonCG(tolerance=1e-10).tolerance
    1e-10
    """

    def __init__(self, tolerance: float = 1e-8, max_cg_iterations: int = 250) -> None:
        super().__init__(
            "newton_cg",
            tolerance=tolerance,
            max_cg_iterations=check_int(max_cg_iterations, "max_cg_iterations", 1, 2**53),
        )


class LevenbergMarquardt(Optimizer):
    """Levenberg and Marquardt's method for `mean_squared_error`, as MATLAB's trainlm has it.

    w -= (J^T J + mu I)^-1 J^T e, where the loss is e^T e (the errors carry the roots of 1 / m, of
    sample weights and of the loss's scale) and J has their derivatives, a row for each sample and
    output, by back-propagation.  Where the loss falls mu is multiplied by `mu_dec`; where it does
    not, by `mu_inc`, and the step is tried again.  Penalties with l2 are part of J^T J and of the
    gradient.  Hagan and Menhaj, "Training feedforward networks with the Marquardt algorithm", 1994.

    The fastest method for networks of up to a few hundred weights: each epoch is one iteration on
    all samples, whatever the batch size.  Training stops by itself where the gradient is small
    enough, or with a warning where mu would exceed `mu_max`.  mu is kept between calls of `fit`;
    weights or data that changed meanwhile start the method anew.  Two matrices of n_weights^2 are
    held: more than 8192 weights are refused, and so are other losses and penalties with l1.

    Parameters
    ----------
    mu : float, default 1e-3
        Damping of the first step, >= 0.
    mu_dec : float, default 0.1
        Factor of mu after a step that lowers the loss, in [0, 1].
    mu_inc : float, default 10.0
        Factor of mu after one that does not, > 1.
    mu_max : float, default 1e10
        Training stops where mu would be larger.
    min_grad : float, default 1e-7
        Norm of the gradient at which training stops, relative to that at the start where that is
        above 1.

    Examples
    --------
    >>> from shallowcore import optimizers
    >>> optimizers.LevenbergMarquardt().mu
    0.001
    """

    def __init__(
        self,
        mu: float = 1e-3,
        mu_dec: float = 0.1,
        mu_inc: float = 10.0,
        mu_max: float = 1e10,
        min_grad: float = 1e-7,
    ) -> None:
        super().__init__(
            "levenberg_marquardt",
            mu=mu,
            mu_dec=mu_dec,
            mu_inc=mu_inc,
            mu_max=mu_max,
            min_grad=min_grad,
        )
