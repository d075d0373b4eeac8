"""Methods that use curvature and all samples in each step."""

from __future__ import annotations

from shallowcore._checks import check_int
from shallowcore.optimizers._base import Optimizer


class NewtonCG(Optimizer):
    """Newton's method with conjugate gradients and exact Hessian-vector products.

    For small networks and logistic regression: each epoch is one iteration on all samples, whatever
    the batch size, and training stops by itself where the gradient is small enough.
    Pearlmutter, "Fast exact multiplication by the Hessian", 1994; Eisenstat and Walker, 1996.

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
