"""What Keras' initializers promise: bound or standard deviation from the fans of a kernel.

Kernel (n_in, n_out).  glorot: variance 2 / (n_in + n_out); he: 2 / n_in; lecun: 1 / n_in.
"""

import math

FANS = {
    "glorot": lambda n_in, n_out: 2 / (n_in + n_out),
    "he": lambda n_in, n_out: 2 / n_in,
    "lecun": lambda n_in, n_out: 1 / n_in,
}


def standard_deviation(family: str, n_in: int, n_out: int) -> float:
    """Of the weights, uniform or (truncated) normal alike."""
    return math.sqrt(FANS[family](n_in, n_out))


def uniform_bound(family: str, n_in: int, n_out: int) -> float:
    """sqrt(3 variance): a uniform draw on [-bound, bound) has that variance."""
    return math.sqrt(3 * FANS[family](n_in, n_out))


def truncated_normal_bound(family: str, n_in: int, n_out: int) -> float:
    """Keras cuts the normal at two of its own sigmas and widens it to keep the variance."""
    return 2 * standard_deviation(family, n_in, n_out) / 0.87962566103423978
