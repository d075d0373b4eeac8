"""`net.gradients` against the oracle and against central differences of the core's own loss.

Every activation as hidden and as output layer with every loss; sample weights, label smoothing,
scale, penalties, missing biases, rescaling and activation layers take turns from case to case.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
from oracle import network as reference
from oracle.activations import ELEMENTWISE, ROWWISE
from oracle.network import Activation, Loss, Network, Rescaling
from oracle.tolerances import (
    FINITE_DIFFERENCE,
    assert_all_close,
    assert_close,
    assert_same_bits,
    reduction,
)
from shallowcore import _core, activations, layers, models
from twins import SPARSE, cast, chain, dense, model_of, targets_of

N_FEATURES, N_OUTPUTS = 4, 3
ACTIVATIONS = [info.name for info in _core.activation_table()]
SMOOTHED = ("binary_crossentropy", "categorical_crossentropy")
KINKED = ("relu", "leaky_relu", "elu", "selu")
# A gradient goes through a handful of sums and products one after another.
DEPTH = 4


@dataclass
class Case:
    """A network with data for it; y and weight as the oracle takes them."""

    name: str
    network: Network
    loss: Loss
    x: Any
    y: Any
    weight: Any

    def as_dtype(self, dtype: Any) -> "Case":
        """The same numbers in another dtype."""
        y = self.y if self.loss.name == SPARSE else self.y.astype(dtype)
        weight = None if self.weight is None else self.weight.astype(dtype)
        network = cast(self.network, dtype)
        return Case(self.name, network, self.loss, self.x.astype(dtype), y, weight)

    def arguments(self) -> tuple[Any, Any, Any]:
        """x, y and sample weights."""
        return self.x, self.y, self.weight

    def model(self, **options: Any) -> models.Sequential:
        """The core's network."""
        return model_of(self.network, self.x.shape[1], self.loss, **options)


class Borrowed:
    """What the oracle's central differences ask of a network, answered by the core."""

    def __init__(self, model: models.Sequential) -> None:
        self.model = model

    def parameters(self) -> list[Any]:
        """The core's own memory: kernel and bias of each layer."""
        dense_layers = [layer for layer in self.model.layers if isinstance(layer, layers.Dense)]
        views = [(layer.kernel, layer.bias) for layer in dense_layers]
        return [view for pair in views for view in pair if view is not None]

    def loss(self, x: Any, y: Any, loss: Loss, weight: Any) -> float:
        """The core's loss, penalties included."""
        return self.model.gradients(x, y, weight)[0]


def pairs() -> Iterator[tuple[str, str, str, bool]]:
    """(hidden, output, loss, from_logits): all that make sense together."""
    for hidden, output in product(ACTIVATIONS, ACTIVATIONS):
        yield hidden, output, "mean_squared_error", False
    crossentropies = ("binary_crossentropy", "categorical_crossentropy", SPARSE)
    for hidden, output, name in product(ACTIVATIONS, ("sigmoid", "softmax"), crossentropies):
        yield hidden, output, name, False
    for output, name in product(ACTIVATIONS, (*crossentropies, "poisson")):
        yield "tanh", output, name, True
    regression = ("mean_absolute_error", "huber", "log_cosh", "quantile", "hinge")
    for output, name in product(("identity", "tanh", "selu"), regression):
        yield "sigmoid", output, name, False
    for output in ("sigmoid", "softmax"):
        yield "tanh", output, "poisson", False


def odd_layers(turn: int) -> list[tuple[int, Any]]:
    """(place, layer) to insert, last place first."""
    choices: list[list[tuple[int, Any]]] = [
        [],
        [(0, Rescaling(0.5, 0.25))],
        [(1, Rescaling(-1.5, 0.5))],
        [(1, Activation("tanh"))],
        [(0, Activation("sigmoid"))],
        [(1, Rescaling(2.0)), (0, Rescaling(0.7, -0.3)), (0, Rescaling(1.5, 0.1))],
        [(2, Rescaling(0.9, 0.05))],
        [(1, Activation("elu", {"alpha": 0.6})), (1, Rescaling(1.2, 0.1)), (0, Rescaling(0.9))],
    ]
    return choices[turn % len(choices)]


def make_case(index: int, hidden: str, output: str, name: str, from_logits: bool) -> Case:
    """One network; what else it has is decided by its index."""
    smooth = name in SMOOTHED and index % 2 == 1
    loss = Loss(name, from_logits, 0.1 if smooth else 0.0, scale=(1.0, 0.5, 3.0)[index % 3])
    rng = np.random.default_rng(index)
    penalties = {"kernel_l1": 0.03, "kernel_l2": 0.02, "bias_l1": 0.01, "bias_l2": 0.04}
    while True:
        stack: list[Any] = [
            dense(rng, N_FEATURES, 5, hidden, use_bias=index % 4 != 1),
            dense(rng, 5, N_OUTPUTS, output, **(penalties if index % 3 == 1 else {})),
        ]
        for place, layer in odd_layers(index):
            stack.insert(place, layer)
        network = cast(Network(stack), np.float64)
        x = rng.normal(size=(6, N_FEATURES)).astype(np.float32).astype(np.float64)
        if away_from_kinks(network, x) and away_from_one(network, x, loss):
            break
    y = targets_of(loss, rng, len(x), N_OUTPUTS, np.float32)
    y = y if name == SPARSE else y.astype(np.float64)
    weight = rng.random(len(x)).astype(np.float32).astype(np.float64) if index // 2 % 2 else None
    label = f"{hidden}-{output}-{name}" + ("-logits" if from_logits else "")
    return Case(label, network, loss, x, y, weight)


def away_from_kinks(network: Network, x: Any) -> bool:
    """Whether no pre-activation and no weight is near 0, where a derivative may jump."""
    _, pre_activations = network.forward(x)
    for layer, z in zip(network.layers, pre_activations, strict=True):
        if getattr(layer, "activation", None) in KINKED and np.min(np.abs(z)) < 0.01:
            return False
    return all(np.min(np.abs(p)) > 0.01 for p in network.parameters())


def away_from_one(network: Network, x: Any, loss: Loss) -> bool:
    """Whether 1 - p, where the loss takes it of a probability, has nearly all of its digits."""
    takes_rest = loss.name == "binary_crossentropy" and not loss.from_logits
    return not takes_rest or bool(np.max(network.predict(x)) < 0.99)


CASES = [make_case(index, *pair) for index, pair in enumerate(pairs())]


def assert_gradients_match(case: Case, dtype: Any, n_terms: int) -> None:
    """Loss and every gradient against the oracle's in float64."""
    x, y, weight = case.arguments()
    expected_loss, expected = case.network.gradients(x, y, case.loss, weight)
    mine = case.as_dtype(dtype)
    loss, gradients = mine.model().gradients(*mine.arguments())
    rtol = DEPTH * reduction(dtype, n_terms)
    assert abs(loss - expected_loss) <= rtol * abs(expected_loss)
    scale = max(float(np.max(np.abs(g))) for g in expected)
    assert_all_close(gradients, [g.astype(dtype) for g in expected], rtol, scale=scale)


def test_the_cases_cover_the_tables() -> None:
    assert set(ACTIVATIONS) == (set(ELEMENTWISE) | set(ROWWISE)) - {"linear"}
    assert {case.loss.name for case in CASES} == {info.name for info in _core.loss_table()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradients_against_the_oracle_and_central_differences(case: Case) -> None:
    for dtype in (np.float32, np.float64):
        assert_gradients_match(case, dtype, 6 * N_FEATURES)
    model = case.model()
    _, gradients = model.gradients(*case.arguments())
    x, y, weight = case.arguments()
    numerical = reference.numerical_gradients(Borrowed(model), x, y, case.loss, weight)
    assert_all_close(gradients, numerical, FINITE_DIFFERENCE, name="central differences")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [1, 2, 7, 64, 1500])
@pytest.mark.parametrize(
    "sizes", [(1, 1), (13, 1), (20, 10, 1), (5, 8, 8, 1), (37, 67, 5), (3, 2, 40)]
)
def test_gradients_of_many_shapes(sizes: tuple[int, ...], m: int, dtype: Any) -> None:
    rng = np.random.default_rng(sum(sizes) + m)
    hidden = ["tanh", "leaky_relu"][: len(sizes) - 2]
    one = sizes[-1] == 1
    loss = Loss("binary_crossentropy" if one else SPARSE)
    network = chain(rng, sizes, [*hidden, "sigmoid" if one else "softmax"])
    x = rng.normal(size=(m, sizes[0])).astype(np.float32).astype(np.float64)
    y = targets_of(loss, rng, m, sizes[-1], np.float64)
    assert_gradients_match(Case("", network, loss, x, y, None), dtype, m + max(sizes))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_a_batch_of_several_blocks(dtype: Any) -> None:
    """More samples than the core takes at a time: the sums go on from block to block."""
    rng = np.random.default_rng(8)
    network = chain(rng, (30, 400, 10), ("tanh", "softmax"))
    x = rng.normal(size=(6007, 30)).astype(np.float32).astype(np.float64)
    y = rng.integers(0, 10, len(x))
    weight = rng.random(len(x)).astype(np.float32).astype(np.float64)
    assert_gradients_match(Case("", network, Loss(SPARSE), x, y, weight), dtype, len(x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_l1_pulls_by_the_sign_and_not_at_zero(dtype: Any) -> None:
    """Biases start at 0, where |b| has no derivative: the gradient is that of the data alone."""
    rng = np.random.default_rng(12)
    layer = dense(rng, 3, 2, kernel_l1=0.5, bias_l1=0.25)
    layer.w[0] = 0
    layer.b[:] = [0, -0.5]
    network = cast(Network([layer]), dtype)
    model = model_of(network, 3, Loss("mean_squared_error"))
    _, (dw, db) = model.gradients(np.zeros((1, 3)), network.layers[0].b[None])
    assert_same_bits(dw, (0.5 * np.sign(layer.w)).astype(dtype) + dtype(0))
    assert_same_bits(db, np.array([0, -0.25], dtype))


def test_gradients_of_saturated_units_are_zeros_not_nan() -> None:
    """Lecture C5: a tanh network initialised 1000 times too large."""
    rng = np.random.default_rng(9)
    network = chain(rng, (4, 6, 1), ("tanh", "sigmoid"), np.float32)
    network.layers[0].w *= 1000
    x, y = rng.normal(size=(20, 4)).astype(np.float32), rng.integers(0, 2, 20)
    _, gradients = model_of(network, 4, Loss("binary_crossentropy")).gradients(x, y)
    assert all(np.isfinite(g).all() for g in gradients)
    assert np.mean(np.abs(gradients[0]) < 1e-6) > 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_change_nothing(dtype: Any) -> None:
    case = next(c for c in CASES if c.weight is not None).as_dtype(dtype)
    one, other = (case.model(optimizer="adam", seed=4) for _ in range(2))
    for model in (one, other):
        model.fit(case.x, case.y, epochs=2, batch_size=4, verbose=0)
    arrays = [a for a in case.arguments() if isinstance(a, np.ndarray)]
    before = [a.copy() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    digest, iterations = one.digest(), one.optimizer.iterations
    first, second = (one.gradients(*case.arguments()) for _ in range(2))
    assert one.digest() == digest
    assert one.optimizer.iterations == iterations
    assert first[0] == second[0]
    for a, b in zip(first[1], second[1], strict=True):
        assert_same_bits(a, b)
        a[...] = np.nan  # results are the caller's own
    for a, old in zip(arrays, before, strict=True):
        assert_same_bits(a, old)
    for model in (one, other):  # shuffling and optimizer state go on as if nothing had been
        model.fit(case.x, case.y, epochs=2, batch_size=4, verbose=0)
    assert one.digest() == other.digest()


@pytest.mark.parametrize(
    ("name", "parameter"), [("leaky_relu", "negative_slope"), ("elu", "alpha")]
)
def test_parameters_that_fold_an_activation_are_refused(name: str, parameter: str) -> None:
    """Below 0 the output no longer tells the sign of z, which the backward pass takes from it."""
    with pytest.raises(ValueError, match=parameter):
        activations.Activation(name, **{parameter: -0.5})
    network = chain(np.random.default_rng(0), (3, 4, 1), (name, "identity"))
    network.layers[0].parameters = {parameter: 0.0}
    x, y = np.ones((2, 3)), np.zeros(2)
    loss = Loss("mean_squared_error")
    expected = network.gradients(x, y[:, None], loss)[1]
    assert_all_close(model_of(network, 3, loss).gradients(x, y)[1], expected, 1e-14)


def test_layouts_of_x_give_the_same_gradients() -> None:
    rng = np.random.default_rng(10)
    network = chain(rng, (9, 7, 2), ("tanh", "softmax"))
    x, y = rng.normal(size=(40, 9)), rng.integers(0, 2, 40)
    model = model_of(network, 9, Loss(SPARSE))
    loss, expected = network.gradients(x, y, Loss(SPARSE))
    wide = np.zeros((80, 18))
    wide[::2, ::2] = x
    laid = [x, np.asfortranarray(x), wide[::2, ::2], x[::-1, ::-1].copy()[::-1, ::-1], x.tolist()]
    for one in laid:
        value, gradients = model.gradients(one, y)
        assert_close(value, loss, reduction(np.float64, 40))
        assert_all_close(gradients, expected, DEPTH * reduction(np.float64, 40))
