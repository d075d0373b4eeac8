"""A feed-forward network: layers, forward and backward pass, loss, gradients, training loop.

Layers hold their parameters as arrays; `Network.parameters()` lists them as [w1, b1, w2, b2, ...]
(the arrays themselves, so optimizers update the network in place).  The backward pass takes each
activation's derivative from its output, and never computes the gradient of the network's input.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from oracle.activations import Array, activation, activation_backward
from oracle.losses import FUSED, LOSSES
from oracle.metrics import metric
from oracle.penalties import l1_l2
from oracle.rng import dropout_factors


@dataclass
class Dense:
    """a = g(x w + b).  w (n_in, n_out), b (n_out,) or None; l1, l2 are rates of penalties."""

    w: Array
    b: Array | None = None
    activation: str = "linear"
    parameters: dict[str, float] = field(default_factory=dict)
    kernel_l1: float = 0.0
    kernel_l2: float = 0.0
    bias_l1: float = 0.0
    bias_l2: float = 0.0


@dataclass
class Activation:
    """a = g(x), elementwise or row by row."""

    activation: str
    parameters: dict[str, float] = field(default_factory=dict)


@dataclass
class Rescaling:
    """a = scale x + offset."""

    scale: float
    offset: float = 0.0


@dataclass
class Dropout:
    """Inverted dropout, in steps of a training only: a = x / (1 - rate) where kept, else 0.

    `factors` are those of the last forward pass, None outside of trainings.
    """

    rate: float
    seed: int = 0
    factors: Array | None = None


Layer = Dense | Activation | Rescaling | Dropout


@dataclass
class Loss:
    """A loss and its options."""

    name: str
    from_logits: bool = False
    label_smoothing: float = 0.0
    scale: float = 1.0
    parameters: dict[str, Any] = field(default_factory=dict)

    def __call__(
        self, y_true: Any, y_pred: Array, sample_weight: Array | None, from_logits: bool
    ) -> tuple[float, Array]:
        """Value and gradient; from_logits says what y_pred is in this call."""
        options: dict[str, Any] = {"sample_weight": sample_weight, "scale": self.scale}
        options |= self.parameters
        if from_logits:
            options["from_logits"] = True
        if self.label_smoothing:
            options["label_smoothing"] = self.label_smoothing
        return LOSSES[self.name](y_true, y_pred, **options)


def dense(x: Array, w: Array, b: Array | None = None) -> Array:
    """z = x w + b.  x (n_samples, n_in), w (n_in, n_out), b (n_out,)."""
    return x @ w if b is None else x @ w + b


def dense_grad(
    x: Array, w: Array, dz: Array, need_dx: bool = True
) -> tuple[Array | None, Array, Array]:
    """(dx = dz w^T or None, dw = x^T dz, db = sum of dz over samples)."""
    return (dz @ w.T if need_dx else None), x.T @ dz, np.sum(dz, axis=0)


@dataclass
class Network:
    """Layers one after another, all of one dtype."""

    layers: list[Layer]
    dtype: DTypeLike = np.float64

    def parameters(self) -> list[Array]:
        """[w1, b1, w2, ...]: the arrays themselves."""
        found: list[Array] = []
        for layer in self.layers:
            if isinstance(layer, Dense):
                found += [layer.w] if layer.b is None else [layer.w, layer.b]
        return found

    # --- forward ---------------------------------------------------------------------------------
    def forward(self, x: Any, step: int | None = None) -> tuple[list[Array], list[Array]]:
        """Inputs of every layer plus the output of the last, and every layer's pre-activation.

        x (n_samples, n_features) of any number type; step: the number of a training's step, None
        outside of trainings.  Returns n_layers + 1 and n_layers arrays.
        """
        outputs: list[Array] = [np.asarray(x).astype(self.dtype)]
        pre_activations: list[Array] = []
        for layer in self.layers:
            a = outputs[-1]
            if isinstance(layer, Rescaling):
                z = a * layer.scale + layer.offset
                outputs.append(z)
            elif isinstance(layer, Dropout):
                z = a
                outputs.append(a * self.dropped(layer, a, step))
            else:
                z = dense(a, layer.w, layer.b) if isinstance(layer, Dense) else a
                outputs.append(activation(z, layer.activation, **layer.parameters))
            pre_activations.append(z)
        return outputs, pre_activations

    def dropped(self, layer: Dropout, a: Array, step: int | None) -> Array:
        """Factors of a dropout layer, 0 or 1 / (1 - rate); ones outside of trainings."""
        layer.factors = None
        if step is None:
            return np.ones_like(a)
        dropouts = [each for each in self.layers if isinstance(each, Dropout)]
        number = next(i for i, each in enumerate(dropouts) if each is layer)
        layer.factors = dropout_factors(layer.rate, layer.seed, step, number, a.shape, a.dtype)
        return layer.factors

    def predict(self, x: Any) -> Array:
        """Output of the last layer, (n_samples, n_outputs)."""
        return self.forward(x)[0][-1]

    # --- loss and backward -----------------------------------------------------------------------
    def fuses(self, loss: Loss) -> bool:
        """Whether the last activation and the loss are computed together from the logits."""
        last = getattr(self.layers[-1], "activation", "linear")
        return not loss.from_logits and (last, loss.name) in FUSED

    def output_loss(
        self,
        outputs: Sequence[Array],
        pre_activations: Sequence[Array],
        y: Any,
        loss: Loss,
        sample_weight: Array | None = None,
    ) -> tuple[float, Array]:
        """Loss without penalties, and its gradient: dz of the last layer if fused, else da."""
        if self.fuses(loss):
            return loss(y, pre_activations[-1], sample_weight, True)
        return loss(y, outputs[-1], sample_weight, loss.from_logits)

    def penalty(self) -> float:
        """Sum of all penalties on parameters."""
        total = 0.0
        for layer in self.layers:
            if isinstance(layer, Dense):
                total += l1_l2(layer.w, layer.kernel_l1, layer.kernel_l2)[0]
                if layer.b is not None:
                    total += l1_l2(layer.b, layer.bias_l1, layer.bias_l2)[0]
        return total

    def backward(
        self,
        outputs: Sequence[Array],
        pre_activations: Sequence[Array],
        gradient: Array,
        fused: bool,
    ) -> list[Array]:
        """Gradients of all parameters, penalties included, in the order of `parameters()`.

        gradient: what `output_loss` returned.  dz = da * g', dw = x^T dz, db = sum dz, dx = dz w^T.
        """
        first = min(i for i, layer in enumerate(self.layers) if isinstance(layer, Dense))
        gradients: list[Array] = []
        for i in range(len(self.layers) - 1, first - 1, -1):
            layer, x, a = self.layers[i], outputs[i], outputs[i + 1]
            if isinstance(layer, Rescaling):
                gradient = gradient * layer.scale
                continue
            if isinstance(layer, Dropout):
                gradient = gradient if layer.factors is None else gradient * layer.factors
                continue
            if not (fused and i == len(self.layers) - 1):
                gradient = activation_backward(
                    pre_activations[i], a, gradient, layer.activation, **layer.parameters
                )
            if isinstance(layer, Dense):
                dx, dw, db = dense_grad(x, layer.w, gradient, need_dx=i > first)
                dw += l1_l2(layer.w, layer.kernel_l1, layer.kernel_l2)[1]
                if layer.b is not None:
                    gradients.append(db + l1_l2(layer.b, layer.bias_l1, layer.bias_l2)[1])
                gradients.append(dw)
                gradient = gradient if dx is None else dx
        return gradients[::-1]

    def gradients(
        self, x: Any, y: Any, loss: Loss, sample_weight: Array | None = None
    ) -> tuple[float, list[Array]]:
        """Loss of one batch, penalties included, and the gradients of all parameters."""
        outputs, pre_activations = self.forward(x)
        value, gradient = self.output_loss(outputs, pre_activations, y, loss, sample_weight)
        fused = self.fuses(loss)
        return value + self.penalty(), self.backward(outputs, pre_activations, gradient, fused)

    def loss(self, x: Any, y: Any, loss: Loss, sample_weight: Array | None = None) -> float:
        """Loss of one batch, penalties included."""
        outputs, pre_activations = self.forward(x)
        value = self.output_loss(outputs, pre_activations, y, loss, sample_weight)[0]
        return value + self.penalty()

    def evaluate(
        self,
        x: Any,
        y: Any,
        loss: Loss,
        metrics: Sequence[str] = (),
        sample_weight: Array | None = None,
    ) -> list[float]:
        """[loss with penalties, metric, ...] of the whole data."""
        a = self.predict(x)
        values = [metric(name, y, a, loss.name) for name in metrics]
        return [self.loss(x, y, loss, sample_weight), *values]


def numerical_gradients(
    network: Network,
    x: Any,
    y: Any,
    loss: Loss,
    sample_weight: Array | None = None,
    step: float = 2e-4,
) -> list[Array]:
    """Central differences of fourth order for every single parameter; float64 only.

    (8 (J(w + h) - J(w - h)) - (J(w + 2h) - J(w - 2h))) / 12h with h = step max(1, |w|): an error of
    order h^4 leaves room for an h large enough that rounding, epsilon J / h, stays near 1e-12.
    """
    results = []
    for parameter in network.parameters():
        slope = np.empty_like(parameter)
        for index in np.ndindex(parameter.shape):
            w = float(parameter[index])
            h = step * max(1.0, abs(w))
            values: list[float] = []
            for multiple in (1, -1, 2, -2):
                parameter[index] = w + multiple * h
                values.append(network.loss(x, y, loss, sample_weight))
            parameter[index] = w
            slope[index] = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * h)
        results.append(slope)
    return results
