"""NewtonCG: its Hessian against the oracle's R-operator, its answers against the oracle's solver.

One step of the core is minus the inverse Hessian times the gradient as far as three conjugate
gradient iterations know it: a direction made of g, H g and H H g, which nothing but the right H
gives.  Near a minimum the right H shows in the order of convergence.
"""

from typing import Any

import numpy as np
import pytest
from oracle.activations import ELEMENTWISE
from oracle.network import Activation, Loss, Network, Rescaling
from oracle.newton_cg import (
    conjugate_gradients,
    flatten,
    hessian,
    hessian_vector,
    newton_cg,
    unflatten,
)
from oracle.tolerances import assert_all_close, assert_close, epsilon
from shallowcore import layers, models, optimizers, regularizers
from twins import SPARSE, cast, chain, dense, model_of, targets_of

NAMES = sorted(set(ELEMENTWISE) - {"linear"})
LOSSES = [
    ("sigmoid", Loss("binary_crossentropy")),
    ("sigmoid", Loss("binary_crossentropy", label_smoothing=0.2, scale=2.0)),
    ("tanh", Loss("binary_crossentropy", from_logits=True)),
    ("softmax", Loss("categorical_crossentropy", label_smoothing=0.1)),
    ("softmax", Loss(SPARSE)),
    ("identity", Loss(SPARSE, from_logits=True, scale=0.5)),
    ("identity", Loss("mean_squared_error")),
    ("sigmoid", Loss("mean_squared_error")),
    ("selu", Loss("mean_squared_error")),
    ("identity", Loss("huber", parameters={"delta": 0.7})),
    ("tanh", Loss("log_cosh", scale=2.0)),
    ("sigmoid", Loss("poisson")),
    ("identity", Loss("poisson", from_logits=True)),
]
# Conjugate gradients magnify rounding by the condition of H; three iterations leave this much.
DIRECTION = 1e-8


def small_network(rng: np.random.Generator, hidden: str, output: str, l2: float = 0.0) -> Network:
    """4-5-3 with every kind of layer and penalty that has a Hessian."""
    penalties = {"kernel_l2": l2, "bias_l2": l2 / 2}
    stack: list[Any] = [
        Rescaling(0.8, 0.1),
        dense(rng, 4, 5, hidden, **penalties),
        Rescaling(1.3, -0.2),
        dense(rng, 5, 4, "identity", use_bias=False, kernel_l2=l2),
        Activation("tanh"),
        dense(rng, 4, 3, output, **penalties),
    ]
    return cast(Network(stack), np.float64)


def one_core_step(network: Network, loss: Loss, data: tuple[Any, Any, Any]) -> Any:
    """How one iteration of the core with three inner ones moves the parameters, as a vector."""
    x, y, weight = data
    optimizer = optimizers.NewtonCG(max_cg_iterations=3)
    model = model_of(network, x.shape[1], loss, optimizer)
    model.fit(x, y, sample_weight=weight, epochs=1, verbose=0)
    return flatten(model.get_weights()) - flatten(network.parameters())


def expected_direction(network: Network, loss: Loss, data: tuple[Any, Any, Any]) -> Any:
    """The oracle's direction after as many iterations, residual allowed as large."""
    x, y, weight = data
    parameters = network.parameters()
    g = flatten(network.gradients(x, y, loss, weight)[1])

    def product(d: Any) -> Any:
        return flatten(
            hessian_vector(network, x, y, loss, unflatten(d, parameters), sample_weight=weight)
        )

    return conjugate_gradients(product, g, 0.1 * float(np.linalg.norm(g)), 3)


@pytest.mark.parametrize("hidden", NAMES)
@pytest.mark.parametrize(
    ("output", "loss"), LOSSES, ids=lambda value: getattr(value, "name", value)
)
def test_hessian_of_every_activation_and_loss(output: str, loss: Loss, hidden: str) -> None:
    rng = np.random.default_rng(len(hidden) + len(output))
    network = small_network(rng, hidden, output, l2=0.05)
    x = rng.normal(size=(23, 4))
    data = (x, targets_of(loss, rng, 23, 3, np.float64), rng.random(23))
    step, direction = one_core_step(network, loss, data), expected_direction(network, loss, data)
    length = float(step @ direction) / float(direction @ direction)
    assert_close(step, length * direction, DIRECTION, name="step")
    assert_close(length, 2.0 ** round(np.log2(length)), DIRECTION, name="length of the step")


def test_hessian_of_the_approximate_gelu() -> None:
    rng = np.random.default_rng(6)
    stack: list[Any] = [dense(rng, 4, 5, "gelu", parameters={"approximate": 1.0})]
    network = Network([*stack, dense(rng, 5, 3, "identity")])
    loss = Loss("mean_squared_error")
    data = (rng.normal(size=(23, 4)), targets_of(loss, rng, 23, 3, np.float64), None)
    step, direction = one_core_step(network, loss, data), expected_direction(network, loss, data)
    length = float(step @ direction) / float(direction @ direction)
    assert_close(step, length * direction, DIRECTION)


def test_hessian_of_a_loss_from_probabilities() -> None:
    """No link to fuse with: the outputs are rescaled on the way to the loss."""
    rng = np.random.default_rng(3)
    network = small_network(rng, "tanh", "sigmoid")
    network.layers.append(Rescaling(0.9, 0.05))
    loss = Loss("binary_crossentropy", label_smoothing=0.1)
    data = (rng.normal(size=(23, 4)), targets_of(loss, rng, 23, 3, np.float64), rng.random(23))
    step, direction = one_core_step(network, loss, data), expected_direction(network, loss, data)
    length = float(step @ direction) / float(direction @ direction)
    assert_close(step, length * direction, DIRECTION)


def test_hessian_of_more_samples_than_a_block() -> None:
    """Several blocks of rows add up to one Hessian."""
    rng = np.random.default_rng(4)
    network = chain(rng, (3, 250, 2), ("tanh", "softmax"))
    data = (rng.normal(size=(4003, 3)), rng.integers(0, 2, 4003), None)
    step = one_core_step(network, Loss(SPARSE), data)
    direction = expected_direction(network, Loss(SPARSE), data)
    length = float(step @ direction) / float(direction @ direction)
    assert_close(step, length * direction, DIRECTION)


@pytest.mark.parametrize("hidden", ["tanh", "sigmoid", "elu"])
@pytest.mark.parametrize(
    ("output", "loss"),
    [("identity", Loss("mean_squared_error")), ("softmax", Loss(SPARSE))],
    ids=lambda value: getattr(value, "name", value),
)
def test_an_mlp_converges_like_newtons_method(output: str, loss: Loss, hidden: str) -> None:
    """From near a minimum that is not a perfect fit, a few steps reach 1e-12 of the gradient."""
    rng = np.random.default_rng(5)
    network = small_network(rng, hidden, output, l2=0.02)
    x = rng.normal(size=(40, 4))
    y = targets_of(loss, rng, 40, 3, np.float64)
    assert newton_cg(network, x, y, loss).converged
    minimum = [p.copy() for p in network.parameters()]
    assert np.linalg.eigvalsh(hessian(network, x, y, loss)).min() > 0
    for p in network.parameters():
        p += 1e-2 * rng.normal(size=p.shape)
    model = model_of(network, 4, loss, optimizers.NewtonCG(tolerance=1e-11))
    history = model.fit(x, y, epochs=50, verbose=0).history["loss"]
    assert len(history) <= 8
    assert_all_close(model.get_weights(), minimum, 1e-8, scale=1.0)
    assert np.all(np.diff(history) <= 8 * epsilon(np.float64) * history[0])


@pytest.mark.parametrize("loss_name", ["binary_crossentropy", SPARSE])
def test_convex_problems_end_where_the_oracle_ends(loss_name: str) -> None:
    """Logistic and softmax regression with a penalty: one minimum, found from zero weights."""
    rng = np.random.default_rng(6)
    n_outputs, output = (1, "sigmoid") if loss_name != SPARSE else (4, "softmax")
    layer = dense(rng, 6, n_outputs, output, kernel_l2=0.01, bias_l2=0.01)
    for p in (layer.w, layer.b):
        p[...] = 0
    network, loss = Network([layer]), Loss(loss_name)
    x = rng.normal(size=(150, 6)) * [1, 10, 0.1, 1, 30, 1] + [0, 50, 0, 0, 0, 3]
    y = targets_of(loss, rng, 150, n_outputs, np.float64)
    weight = rng.random(150)
    model = model_of(network, 6, loss, optimizers.NewtonCG(tolerance=1e-13), ["accuracy"])
    history = model.fit(
        x, y, epochs=200, sample_weight=weight, validation_data=(x, y), verbose=0
    ).history
    result = newton_cg(network, x, y, loss, tol=1e-13, sample_weight=weight)
    assert result.converged
    assert_all_close(model.get_weights(), network.parameters(), 1e-8)
    assert_close(history["loss"][-1], result.value, 1e-10)
    expected = network.evaluate(x, y, loss, ["accuracy"])
    assert_close([history["val_loss"][-1], history["val_accuracy"][-1]], expected, 1e-10)
    assert history["accuracy"][-1] == expected[1]
    assert len(history["loss"]) < 60


def test_least_squares_in_one_go() -> None:
    """A quadratic: the optimum of linear regression, as a direct solver gives it."""
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(60, 5)), rng.normal(size=(60, 2))
    network = chain(rng, (5, 2), ("identity",))
    model = model_of(network, 5, Loss("mean_squared_error"), optimizers.NewtonCG(tolerance=1e-12))
    model.fit(x, y, epochs=30, verbose=0)
    design = np.column_stack([x, np.ones(60)])
    optimum = np.linalg.lstsq(design, y, rcond=None)[0]
    assert_all_close(model.get_weights(), [optimum[:5], optimum[5]], 1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_converged_model_is_left_as_it_is(dtype: Any) -> None:
    """|g| <= tolerance max(1, |g| at the start) holds at once in a second fit."""
    rng = np.random.default_rng(8)
    network = chain(rng, (3, 1), ("sigmoid",), dtype)
    loss = Loss("binary_crossentropy")
    x = rng.normal(size=(50, 3)).astype(dtype)
    y = (x[:, 0] + rng.normal(size=50) > 0).astype(dtype)
    tolerance = 1e-9 if dtype == np.float64 else 1e-6
    model = model_of(network, 3, loss, optimizers.NewtonCG(tolerance=tolerance))
    first = model.fit(x, y, epochs=60, verbose=0).history["loss"]
    digest = model.digest()
    assert len(first) < 20
    gradients = model.gradients(x, y)[1]
    assert np.linalg.norm(np.concatenate([g.ravel() for g in gradients])) <= tolerance
    assert len(model.fit(x, y, epochs=60, verbose=0).history["loss"]) == 1
    assert model.digest() == digest


def test_what_has_no_hessian_is_refused() -> None:
    """Penalties of l1, and softmax where it is not the loss's own: said before any work."""
    x, y = np.zeros((3, 2)), np.array([0, 1, 1])
    stacks = [
        [layers.Dense(2, "softmax", kernel_regularizer=regularizers.L1(0.1))],
        [layers.Dense(3, "softmax"), layers.Dense(2, "softmax")],
    ]
    for stack in stacks:
        model = models.Sequential([layers.Input((2,)), *stack], dtype="float64", seed=0)
        model.compile("newton_cg", SPARSE)
        digest = model.digest()
        with pytest.raises(ValueError, match="newton_cg"):
            model.fit(x, y, verbose=0)
        assert model.digest() == digest


@pytest.mark.parametrize("size", [1.0, 3.0])
def test_the_unit_of_the_loss_does_not_matter(size: float) -> None:
    """Far from an optimum; a power of two scales losses, slopes and curvatures without rounding."""
    ends = []
    for scale in (1.0, 2.0**-30):
        rng = np.random.default_rng(0)
        network = chain(rng, (4, 6, 3), ("tanh", "identity"))
        for parameter in network.parameters():
            parameter *= size
        x, y = rng.normal(size=(50, 4)), rng.normal(size=(50, 3))
        loss = Loss("mean_squared_error", scale=scale)
        model = model_of(network, 4, loss, optimizers.NewtonCG(tolerance=0))
        assert len(model.fit(x, y, epochs=12, verbose=0).epoch) == 12
        ends.append(model.digest())
    assert ends[0] == ends[1]
