"""Dense products of the core against the oracle: every shape, order, stride and dtype.

Expected values are the oracle's in float64, whatever the dtype: the error measured is the core's
own.  Nothing a caller passes in is written to.  Activations and losses: test_kernels_losses.py.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import network as reference
from oracle.activations import activation as reference_activation
from oracle.tolerances import assert_close, assert_same_bits, reduction
from shallowcore import _core, num_threads, ops

DTYPES = (np.float32, np.float64)
ACTIVATIONS = [info.name for info in _core.activation_table()]

# (n_samples, n_in, n_out): one of everything; 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33 stand around
# the vectors and panels of every instruction set; primes; tall, wide and deep; the lectures' own.
SHAPES = [
    (1, 1, 1),
    (2, 3, 1),
    (1, 7, 9),
    (3, 5, 7),
    (4, 8, 16),
    (5, 9, 15),
    (6, 16, 17),
    (7, 15, 31),
    (11, 17, 32),
    (13, 31, 33),
    (12, 33, 63),
    (25, 64, 65),
    (97, 89, 83),
    (400, 2, 4),
    (100, 20, 10),
    (1, 784, 512),
    (300, 1, 300),
    (2053, 3, 1),
    (3, 2053, 1),
    (8, 521, 2),
    (61, 600, 70),
    (1031, 37, 5),
    (130, 260, 40),
    # Few outputs of many inputs, and few samples back to many inputs: dot products.
    (50, 100, 2),
    (33, 67, 3),
    (21, 300, 5),
    (17, 130, 7),
    (16, 64, 8),
    (2, 1000, 8),
    (1, 90, 4),
    (3, 40, 200),
]

# How a matrix may lie in memory; each takes an array and gives one that is equal to it.
LAYOUTS: dict[str, Any] = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "every other row": lambda a: spread(a, 2, 1),
    "every third column": lambda a: spread(a, 1, 3),
    "every other row of F": lambda a: spread(a.T, 1, 2).T,
    "columns of a wider matrix": lambda a: np.pad(a, ((0, 0), (2, 3)))[:, 2 : 2 + a.shape[1]],
    "rows backwards": lambda a: a[::-1].copy()[::-1],
    "columns backwards": lambda a: a[:, ::-1].copy()[:, ::-1],
    "both backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "misaligned": lambda a: misaligned(a),
    "read only": lambda a: frozen(a.copy()),
}


def spread(a: Any, rows: int, cols: int) -> Any:
    """The same matrix with other numbers between its rows or columns."""
    wide = np.full((a.shape[0] * rows, a.shape[1] * cols), 7.0, dtype=a.dtype)
    wide[::rows, ::cols] = a
    return wide[::rows, ::cols]


def misaligned(a: Any) -> Any:
    """The same matrix one byte past a natural border."""
    memory = np.zeros(a.nbytes + 1, dtype=np.uint8)
    result = memory[1:].view(a.dtype).reshape(a.shape)
    result[...] = a
    return result


def frozen(a: Any) -> Any:
    """The same array, not writeable."""
    a.flags.writeable = False
    return a


def draw(seed: int, *shapes: tuple[int, ...], dtype: Any = np.float32) -> list[Any]:
    """Arrays of normal numbers."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def assert_dense_right(x: Any, w: Any, b: Any, name: str = "identity", **params: float) -> None:
    """Forward: error against the sum of the absolute terms, which activations do not magnify."""
    exact = [None if a is None else a.astype(np.float64) for a in (x, w, b)]
    z = reference.dense(*exact)
    terms = reference.dense(*(None if a is None else np.abs(a) for a in exact))
    a = ops.dense(x, w, b, name, **params)
    expected = reference_activation(z, name, **params)
    scale = 1 + float(np.max(terms, initial=0.0))
    rtol = reduction(x.dtype, x.shape[1])
    assert_close(a, expected.astype(x.dtype), rtol, scale=scale, name=f"dense {name}")


def assert_dense_grad_right(x: Any, w: Any, dz: Any) -> None:
    """dx, dw and db, each against the size of its own sums."""
    exact = [a.astype(np.float64) for a in (x, w, dz)]
    expected = reference.dense_grad(*exact)
    terms = reference.dense_grad(*(np.abs(a) for a in exact))
    lengths = (w.shape[1], x.shape[0], x.shape[0])
    results = ops.dense_grad(x, w, dz)
    for name, result, e, t, n in zip(
        ("dx", "dw", "db"), results, expected, terms, lengths, strict=True
    ):
        scale = float(np.max(t, initial=0.0))
        assert_close(
            result, e.astype(x.dtype), reduction(x.dtype, n), scale=scale, name=f"{name} {x.shape}"
        )


# --- shapes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_dense_and_its_gradients(shape: tuple[int, int, int], order: str, dtype: Any) -> None:
    m, k, n = shape
    x, w, b, dz = draw(m + k + n, (m, k), (k, n), (n,), (m, n), dtype=dtype)
    x, w, dz = (np.asarray(a, order=order) for a in (x, w, dz))
    assert_dense_right(x, w, b)
    assert_dense_right(x, w, None)
    assert_dense_grad_right(x, w, dz)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_dense_with_every_activation(name: str, dtype: Any) -> None:
    x, w, b = draw(1, (19, 23), (23, 37), (37,), dtype=dtype)
    if name == "exponential":  # off by as much, relatively, as its argument is absolutely
        x, b = x / 16, b / 16
    assert_dense_right(x, w, b, name)


def test_dense_with_a_parameter_of_its_activation() -> None:
    x, w, b = draw(1, (5, 4), (4, 3), (3,))
    assert_dense_right(x, w, b, "leaky_relu", negative_slope=0.3)
    assert_dense_right(x, w, b, "elu", alpha=0.7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 3), (3, 2, 0), (0, 0, 0)], ids=str)
def test_empty_products(shape: tuple[int, int, int], dtype: Any) -> None:
    m, k, n = shape
    x, w, b, dz = draw(0, (m, k), (k, n), (n,), (m, n), dtype=dtype)
    with pytest.raises(ValueError, match="empty"):
        ops.dense(x, w, b)
    with pytest.raises(ValueError, match="empty"):
        ops.dense_grad(x, w, dz)


@pytest.mark.parametrize("need_dx", [True, False])
def test_dx_only_where_wanted(need_dx: bool) -> None:
    x, w, dz = draw(3, (9, 5), (5, 4), (9, 4))
    dx, dw, db = ops.dense_grad(x, w, dz, need_dx=need_dx)
    full = ops.dense_grad(x, w, dz)
    assert (dx is not None) == need_dx
    assert_same_bits(dw, full[1])
    assert_same_bits(db, full[2])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [15, 32, 64, 100, 513])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 40])
def test_a_row_comes_out_the_same_alone_and_among_others(n: int, k: int, dtype: Any) -> None:
    x, w, b = draw(n * k, (53, k), (k, n), (n,), dtype=dtype)
    whole = ops.dense(x, w, b)
    for first, last in ((0, 1), (52, 53), (3, 5), (10, 27), (0, 52)):
        assert_same_bits(ops.dense(x[first:last], w, b), whole[first:last])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(20, 2000, 65), (2000, 600, 3), (3, 3000, 257)], ids=str)
def test_products_have_the_same_bits_on_any_number_of_threads(
    shape: tuple[int, int, int], order: Any, dtype: Any
) -> None:
    m, k, n = shape
    x, w, dz = draw(m + k + n, (m, k), (k, n), (m, n), dtype=dtype)
    w = np.asarray(w, order=order)
    with num_threads(1):
        expected = (ops.dense(x, w), *ops.dense_grad(x, w, dz))
    for threads in (2, 3, 8):
        with num_threads(threads):
            for result, one in zip(
                (ops.dense(x, w), *ops.dense_grad(x, w, dz)), expected, strict=True
            ):
                assert_same_bits(result, one)


@settings(derandomize=True, deadline=None)
@given(
    st.integers(1, 70), st.integers(1, 70), st.integers(1, 70), st.sampled_from(DTYPES), st.data()
)
def test_dense_of_any_shape_and_layout(m: int, k: int, n: int, dtype: Any, data: Any) -> None:
    lay = st.sampled_from(sorted(LAYOUTS))
    x, w, b, dz = draw(m * k * n, (m, k), (k, n), (n,), (m, n), dtype=dtype)
    x, w, dz = (LAYOUTS[data.draw(lay)](a) for a in (x, w, dz))
    assert_dense_right(x, w, b)
    assert_dense_grad_right(x, w, dz)


# --- layouts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(29, 35, 1), (29, 70, 3), (29, 35, 37), (97, 350, 70)], ids=str)
@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_layouts(layout: str, shape: tuple[int, int, int], dtype: Any) -> None:
    m, k, n = shape
    plain = draw(5, (m, k), (k, n), (m, n), dtype=dtype)
    laid = [LAYOUTS[layout](a) for a in plain]
    for a, b in zip(laid, plain, strict=True):
        assert_same_bits(a, b, layout)
    assert_dense_right(laid[0], plain[1], None)
    assert_dense_right(plain[0], laid[1], None)
    assert_dense_right(laid[0], laid[1], None)
    assert_dense_grad_right(*laid)
    assert_dense_grad_right(plain[0], laid[1], laid[2])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(9, 35, 1), (29, 70, 2), (29, 35, 17)], ids=str)
def test_broadcast_arrays(shape: tuple[int, int, int], dtype: Any) -> None:
    """Zero strides: one row, one column or one number that stands for all."""
    m, k, n = shape
    row, column, number = draw(7, (1, k), (m, 1), (1, 1), dtype=dtype)
    w, dz = draw(8, (k, n), (m, n), dtype=dtype)
    for source in (row, column, number):
        x = np.broadcast_to(source, (m, k))
        assert_dense_right(x, w, None)
        assert_dense_grad_right(x, w, dz)
    everywhere = np.broadcast_to(number, (k, n))
    assert_dense_right(x, everywhere, None)
    assert_dense_grad_right(x, everywhere, np.broadcast_to(number, (m, n)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_vectors_with_strides(dtype: Any) -> None:
    x, w, b = draw(9, (6, 5), (5, 21), (63,), dtype=dtype)
    assert_dense_right(x, w, b[::3])
    assert_dense_right(x, w, b[:21][::-1])
    assert_dense_right(x, w, np.broadcast_to(b[:1], (21,)))


def test_column_samples_cost_no_copy() -> None:
    """x.T of a C-ordered column matrix, as lectures B to E keep it."""
    columns, w = draw(11, (40, 23), (40, 3))
    assert_dense_right(columns.T, w, None)


def test_a_float32_and_a_float64_give_float64() -> None:
    x, w = draw(12, (4, 3), (3, 2))
    a = ops.dense(x, w.astype(np.float64))
    assert_close(a, x.astype(np.float64) @ w, reduction(np.float64, 3))


# --- rounding -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_integers_multiply_exactly(dtype: Any) -> None:
    """Sums of products below 2^24 have one answer, whatever the order."""
    rng = np.random.default_rng(13)
    for m, k, n in SHAPES:
        x, w, dz = (rng.integers(-8, 9, shape).astype(dtype) for shape in ((m, k), (k, n), (m, n)))
        b = rng.integers(-8, 9, n).astype(dtype)
        assert_same_bits(ops.dense(x, w, b), x @ w + b, f"dense {m, k, n}")
        for result, e in zip(ops.dense_grad(x, w, dz), reference.dense_grad(x, w, dz), strict=True):
            assert_same_bits(result + dtype(0), e + dtype(0), f"dense_grad {m, k, n}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_out", [1, 2, 16, 33])
def test_far_apart_exponents(n_out: int, dtype: Any) -> None:
    """Huge and tiny columns beside each other: each entry errs against its own terms only."""
    x, w = draw(14, (21, 40), (40, n_out), dtype=dtype)
    x[::2] *= dtype(1e-20)
    w[:, ::2] *= dtype(1e15)
    a = ops.dense(x, w)
    exact = x.astype(np.float64) @ w.astype(np.float64)
    terms = np.abs(x.astype(np.float64)) @ np.abs(w.astype(np.float64))
    assert np.all(np.abs(a - exact) <= reduction(dtype, 40) * terms)


# --- inputs stay as they are ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["C", "F", "both backwards", "every third column"])
def test_dense_writes_to_nothing_of_the_callers(layout: str, dtype: Any) -> None:
    x, w, b, dz = draw(15, (33, 12), (12, 16), (16,), (33, 16), dtype=dtype)
    arrays = [LAYOUTS[layout](a) for a in (x, w, dz)] + [b]
    whole = [a if a.base is None else a.base for a in arrays]
    before = [a.copy() for a in whole]
    for a in (*arrays, *whole):
        a.flags.writeable = False
    ops.dense(arrays[0], arrays[1], b, "relu")
    ops.dense_grad(*arrays[:3])
    for a, old in zip(whole, before, strict=True):
        assert_same_bits(a, old)
    results = [ops.dense(arrays[0], arrays[1]), *ops.dense_grad(*arrays[:3])]
    for a in results:
        assert not any(np.shares_memory(a, mine) for mine in whole)
