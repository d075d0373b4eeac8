"""The lectures' systems in plain NumPy: data, reference networks and the figures they must give.

Networks are `oracle.network.Network` in float64 unless a dtype is given; parameters that a lecture
draws from NumPy's legacy generator are drawn in its order.  Data that others generate is passed in.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.random import RandomState

from oracle.activations import Array
from oracle.initializers import uniform_bound
from oracle.network import Dense, Layer, Loss, Network

# --- printed figures ------------------------------------------------------------------------------
A1_SIZES = (102.51, 110.29, 108.71, 111.36, 101.67)
A1_LOSS = 0.33846089021766784
A1_OPTIMUM = (1.41360887, -147.39660558)
A1_OBJECTIVE = 3.0085924650716436
A2_PREDICTIONS = (1.48509426, 3.16055536, 3.18794636, 2.65746327, 2.53638594)
A2_MSE = 0.024469052004118513
A3_MSE = (21.318364917457647, 58.190236579106184, 4.770288142049728, 0.2093294704434788)
A3_LEAST_SQUARES_MSE = 0.02350027
E1_HIDDEN_Z = (0.52, 0.20, 1.22)
E1_HIDDEN = (0.62714777, 0.549834, 0.77206355)
E1_OUTPUT = 0.67034429
SOFTMAX_LOGITS = (6.0, -2.0, 3.0)
SOFTMAX = (0.952269826, 0.000319451, 0.047410723)
SOFTMAX_COSTS = {0: 0.04890685, 2: 3.04890685}


# --- A: data --------------------------------------------------------------------------------------
def shirts() -> tuple[Array, Array]:
    """A0: sizes (50, 1) and labels (50, 1), 1 where the size is at least 104."""
    draw = RandomState(27)
    sizes = np.array([round(draw.uniform(94, 114), 2) for _ in range(50)])
    return sizes[:, None], (sizes >= 104).astype(np.float64)[:, None]


def apartments() -> tuple[Array, Array]:
    """A0: surface and distance (100, 2), price in millions (100, 1)."""
    draw = RandomState(47)
    surfaces = [round(draw.uniform(40, 200), 2) for _ in range(100)]
    distances = [round(draw.uniform(50, 1000), 2) for _ in range(100)]
    prices = [
        round((100000 + 14373 * s + (1000 - d) * 1286) * (1 + draw.uniform(-0.1, 0.1))) / 1e6
        for s, d in zip(surfaces, distances, strict=True)
    ]
    return np.column_stack([surfaces, distances]), np.array(prices)[:, None]


# --- A: networks ----------------------------------------------------------------------------------
def a1_network(a: float = 0.0, b: float = 0.0, l2: float = 0.0) -> Network:
    """p = s(a x + b) on (n, 1) sizes."""
    return Network([Dense(np.array([[a]]), np.array([b]), "sigmoid", kernel_l2=l2)])


A1_LOSS_FUNCTION = Loss("binary_crossentropy")


def a1_objective_network(n_samples: int) -> Network:
    """a^2 / 2 added to the summed loss is a^2 / (2 m) added to the mean loss."""
    return a1_network(l2=0.5 / n_samples)


def a2_network() -> Network:
    """One linear neuron on (surface, distance)."""
    return Network([Dense(np.array([[0.014373], [-0.001286]]), np.array([1.386]))])


def a3_networks() -> list[Network]:
    """Four 2-4-1 linear networks; w1, b1, w2, b2 of each drawn as randn(shape) * 0.1, seed 963."""
    draw = RandomState(963)

    def layer(n_in: int, n_out: int) -> Dense:
        w = draw.randn(n_in, n_out) * 0.1
        return Dense(w, draw.randn(n_out) * 0.1)

    return [Network([layer(2, 4), layer(4, 1)]) for _ in range(4)]


def standardised(x: Array) -> Array:
    """Each column with mean 0 and standard deviation 1."""
    mean: Array = np.mean(x, axis=0)
    std: Array = np.std(x, axis=0)
    return (x - mean) / std


def least_squares(x: Array, y: Array) -> tuple[Array, Array, float]:
    """Closed form: w (n_features, n_outputs), b (n_outputs,), mean squared error at the optimum."""
    ones = np.column_stack([x, np.ones(len(x))])
    solution = np.linalg.lstsq(ones, y, rcond=None)[0]
    return solution[:-1], solution[-1], float(np.mean((ones @ solution - y) ** 2))


# --- networks of any size -------------------------------------------------------------------------
def chain(
    sizes: tuple[int, ...],
    activations: tuple[str, ...],
    draw: Any,
    std: float | None = None,
    dtype: Any = np.float64,
    parameters: dict[str, float] | None = None,
) -> Network:
    """Dense layers sizes[0]-sizes[1]-...: w ~ N(0, std^2) (std 1 / sqrt(n_in) where None), b = 0.

    draw has `normal(loc, scale, size)` (RandomState, Generator); parameters go to hidden layers.
    """
    layers: list[Layer] = []
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        scale = n_in**-0.5 if std is None else std
        w = draw.normal(0.0, scale, (n_in, n_out)).astype(dtype)
        hidden = i + 2 < len(sizes)
        layers.append(
            Dense(w, np.zeros(n_out, dtype), activations[i], (parameters or {}) if hidden else {})
        )
    return Network(layers, dtype)


def b1_network(draw: Any, dtype: Any = np.float64) -> Network:
    """B1 ShallowNN: 20-10-1, tanh then sigmoid, w ~ N(0, 0.01^2); rate 1.0, batches of 100."""
    return chain((20, 10, 1), ("tanh", "sigmoid"), draw, 0.01, dtype)


def c_network(hidden_activation: str, draw: Any, dtype: Any = np.float64) -> Network:
    """C2: 3-4-1, any hidden activation, sigmoid output: 21 parameters."""
    return chain((3, 4, 1), (hidden_activation, "sigmoid"), draw, 0.01, dtype)


def d1_network(n_features: int = 12288, dtype: Any = np.float64) -> Network:
    """D1: logistic regression from zeros."""
    return Network([Dense(np.zeros((n_features, 1), dtype), np.zeros(1, dtype), "sigmoid")], dtype)


def d2_network(hidden_activation: str, draw: Any, dtype: Any = np.float64) -> Network:
    """D2: 2-4-1, sigmoid output, w ~ N(0, 0.01^2); leaky relu has slope 0.1 here."""
    slope = {"negative_slope": 0.1} if hidden_activation == "leaky_relu" else None
    return chain((2, 4, 1), (hidden_activation, "sigmoid"), draw, 0.01, dtype, slope)


def e1_network() -> Network:
    """E1: 3-3-1 sigmoid with the slide's weights, all biases 0.1."""
    hidden = np.array([[1.2, 0.9, 0.3], [0.2, 0.3, 0.1], [1.3, 1.9, 0.1]]).T
    output = np.array([[0.2], [0.6], [0.2]])
    return Network(
        [Dense(hidden, np.full(3, 0.1), "sigmoid"), Dense(output, np.full(1, 0.1), "sigmoid")]
    )


E1_INPUT = np.array([[0.2, 0.5, -0.9]])


def e3_network(
    n_features: int, hidden: tuple[int, ...], n_classes: int, draw: Any, dtype: Any = np.float64
) -> Network:
    """E3: softmax classifier with any number of tanh hidden layers."""
    activations = ("tanh",) * len(hidden) + ("softmax",)
    return chain((n_features, *hidden, n_classes), activations, draw, None, dtype)


def e5_network(draw: Any, dtype: Any = np.float64) -> Network:
    """E5 playground: 2-8-8-1, sigmoid hidden, tanh output, Glorot uniform weights.

    The loss is half the squared error.
    """
    network = chain((2, 8, 8, 1), ("sigmoid", "sigmoid", "tanh"), draw, None, dtype)
    for layer in network.layers:
        if isinstance(layer, Dense):
            bound = uniform_bound("glorot", *layer.w.shape)
            layer.w[...] = draw.uniform(-bound, bound, layer.w.shape)
    return network


E5_LOSS = Loss("mean_squared_error", scale=0.5)


def circle(n_samples: int, draw: Any) -> tuple[Array, Array]:
    """E5's circle without noise: label 1 inside radius 2.5, -1 in the ring from 3.5 to 5.

    Half the points each, angle uniform, radius uniform in its range, as the playground draws them.
    Returns (n_samples, 2) and (n_samples, 1), in random order.
    """
    inside = np.arange(n_samples) < n_samples // 2
    radius = np.where(inside, draw.uniform(0, 2.5, n_samples), draw.uniform(3.5, 5, n_samples))
    angle = draw.uniform(0, 2 * np.pi, n_samples)
    x = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    y = np.where(inside, 1.0, -1.0)[:, None]
    order = draw.permutation(n_samples)
    return x[order], y[order]
