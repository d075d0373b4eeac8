"""The oracle's generator: published vectors, and an order that is a fair permutation."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.rng import WORD, block_permutation, draws, permutation, philox4x32

# Random123 1.14, tests/kat_vectors, lines "philox4x32 10": counter, key, expected.
KNOWN_ANSWERS = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([WORD] * 4, [WORD] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_known_answers(counter: list[int], key: list[int], expected: list[int]) -> None:
    """One block at a time."""
    assert philox4x32([counter], key)[0].tolist() == expected


def test_philox_is_vectorised_over_counters() -> None:
    """Many blocks at once equal the blocks one by one."""
    counters = [counter for counter, _, _ in KNOWN_ANSWERS]
    together = philox4x32(counters, KNOWN_ANSWERS[2][1])
    for counter, block in zip(counters, together, strict=True):
        assert philox4x32([counter], KNOWN_ANSWERS[2][1])[0].tolist() == block.tolist()


def test_draws_take_words_in_pairs() -> None:
    """word0 + 2^32 word1, word2 + 2^32 word3 of block (i, 0, epoch, 1) under key (low, high)."""
    seed, epoch = 0x0123456789ABCDEF, 5
    w = philox4x32([[0, 0, epoch, 1], [1, 0, epoch, 1]], [0x89ABCDEF, 0x01234567]).tolist()
    expected = [w[0][0] | w[0][1] << 32, w[0][2] | w[0][3] << 32, w[1][0] | w[1][1] << 32]
    assert draws(3, seed, epoch).tolist() == expected


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 300), st.integers(0, 2**64 - 1), st.integers(0, 2**31))
def test_permutation_holds_every_index_once(n: int, seed: int, epoch: int) -> None:
    """Any size, 0 and 1 included."""
    order = permutation(n, seed, epoch)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(n))


def test_permutation_depends_on_every_part_of_its_key() -> None:
    """Low and high half of the seed, and the epoch."""
    orders = [permutation(50, s, e).tolist() for s, e in ((0, 0), (1, 0), (1 << 32, 0), (0, 1))]
    assert all(orders[i] != orders[j] for i in range(4) for j in range(i))
    assert permutation(50, 7, 3).tolist() == permutation(50, 7, 3).tolist()


def test_permutation_is_uniform() -> None:
    """Chi-square over the 24 orders of 4 items, 4800 epochs: within the 0.1 and 99.9 % points."""
    counts: dict[tuple[int, ...], int] = {}
    for epoch in range(4800):
        order = tuple(permutation(4, 12345, epoch).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    chi_square = sum((count - 200) ** 2 / 200 for count in counts.values())
    assert 7.53 < chi_square < 49.73


def test_every_place_gets_every_sample_equally_often() -> None:
    """Chi-square of place against sample, 6 x 6, 25 degrees of freedom, 99.9 % point."""
    table = np.zeros((6, 6))
    for seed in range(3000):
        table[np.arange(6), permutation(6, seed, 0)] += 1
    assert np.sum((table - 500) ** 2 / 500) < 52.62


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 200), st.integers(1, 60), st.integers(0, 2**64 - 1))
def test_blocks_stay_together_and_hold_every_index_once(n: int, block: int, seed: int) -> None:
    """The rows of a block follow one another, in any order; a single block is the permutation."""
    order = block_permutation(n, block, seed, 3).tolist()
    assert sorted(order) == list(range(n))
    seen = [row // block for row in order]
    changes = sum(a != b for a, b in pairwise(seen))
    assert changes == max(0, -(-n // block) - 1)
    if block >= n:
        assert order == permutation(n, seed, 3).tolist()


def test_blocks_and_their_rows_are_uniform() -> None:
    """Chi-square over the 2 x 2 x 2 orders of two blocks of two, 7 degrees of freedom, 99.9 %."""
    counts: dict[tuple[int, ...], int] = {}
    for epoch in range(4000):
        order = tuple(block_permutation(4, 2, 99, epoch).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 8
    assert sum((count - 500) ** 2 / 500 for count in counts.values()) < 24.32
