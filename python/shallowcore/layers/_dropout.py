"""Dropout: units left out at random while training."""

from __future__ import annotations

from typing import Any

from shallowcore import _core
from shallowcore._checks import check_float, check_int
from shallowcore.layers._base import Layer


class Dropout(Layer):
    """Inverted dropout: in training each input is 0 with probability `rate`, else x / (1 - rate).

    Only steps of a training drop: `predict`, `evaluate`, validation and `gradients` pass everything
    on.  What is dropped depends on the seed, the number of the optimizer's step, the layer, the
    position in the batch and the unit alone: any number of threads gives the same bits.  Methods
    that use all samples at once, such as NewtonCG, refuse models with dropout.

    Parameters
    ----------
    rate : float
        Share that is dropped, in [0, 1); 0 drops nothing.
    seed : int, optional
        Fixes what is dropped, 0 to 2**63 - 1; by default the model's seed does.
    name : str, optional
        Name of the layer.
    input_shape : tuple of int, optional
        Shape of one sample, on the first layer of a model.

    Raises
    ------
    TypeError, ValueError
        For a rate or seed out of range.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: a simple way to prevent
    neural networks from overfitting", Journal of Machine Learning Research 15, 2014.

    Examples
    --------
    >>> from shallowcore import layers, models
    >>> model = models.Sequential(
    ...     [layers.Input((4,)), layers.Dense(8, "relu"), layers.Dropout(0.5), layers.Dense(1)]
    ... )
    >>> model.layers[1]
    Dropout(rate=0.5)
    """

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        *,
        name: str | None = None,
        input_shape: Any = None,
    ) -> None:
        super().__init__(name, input_shape)
        self.rate: float = check_float(rate, "rate", 0.0, 1.0)
        if self.rate == 1.0:
            raise ValueError("rate must be less than 1, got 1.0: nothing would be left")
        self.seed: int | None = None if seed is None else check_int(seed, "seed", 0, 2**63 - 1)

    def to_core(self) -> _core.Layer:
        """Return the core's description of this layer, which is in a model."""
        seed = self.seed
        if seed is None:
            assert self.model is not None
            seed = self.model.seed
        return _core.Layer.dropout(self.rate, seed)

    def settings(self) -> dict[str, Any]:
        """See Layer."""
        return {"rate": self.rate} if self.seed is None else {"rate": self.rate, "seed": self.seed}
