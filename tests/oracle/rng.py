"""Philox4x32-10, and the shuffle and the dropout that training replays.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, table 2.
A block is a pure function of (counter, key): no state, so any epoch's order can be had directly.
Key = (seed low word, seed high word); counter = (block low, block high, epoch, stream).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL_INCREMENTS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
SHUFFLE_STREAM = 1
DROPOUT_STREAM = 2
WORD = 0xFFFFFFFF


def multiply_high_low(
    a: NDArray[np.uint64], b: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """High and low 32-bit words of the product of two 32-bit words, held in uint64.

    a (n,); returns two (n,) arrays with a b = high 2^32 + low.
    """
    product = a * np.uint64(b)
    return product >> np.uint64(32), product & np.uint64(WORD)


def philox4x32(counter: ArrayLike, key: ArrayLike) -> NDArray[np.uint32]:
    """Ten rounds of Philox4x32.

    One round: (c0, c1, c2, c3) <- (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0)),
    then k0 += W0, k1 += W1 modulo 2^32.  counter (n, 4), key (2,); returns (n, 4) uint32.
    """
    c0, c1, c2, c3 = np.asarray(counter, dtype=np.uint64).T
    k0, k1 = (int(word) for word in np.asarray(key, dtype=np.uint64))
    for _ in range(ROUNDS):
        high0, low0 = multiply_high_low(c0, MULTIPLIERS[0])
        high1, low1 = multiply_high_low(c2, MULTIPLIERS[1])
        c0, c1 = high1 ^ c1 ^ np.uint64(k0), low1
        c2, c3 = high0 ^ c3 ^ np.uint64(k1), low0
        k0 = (k0 + WEYL_INCREMENTS[0]) & WORD
        k1 = (k1 + WEYL_INCREMENTS[1]) & WORD
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def draws(n: int, seed: int, epoch: int, stream: int = SHUFFLE_STREAM) -> NDArray[np.uint64]:
    """First n 64-bit draws of a stream: word0 + 2^32 word1, then word2 + 2^32 word3, of each block.

    Returns (n,) uint64.
    """
    block = np.arange((n + 1) // 2, dtype=np.uint64)
    counter = np.empty((len(block), 4), dtype=np.uint64)
    counter[:, 0] = block & np.uint64(WORD)
    counter[:, 1] = block >> np.uint64(32)
    counter[:, 2] = epoch & WORD
    counter[:, 3] = stream
    words = philox4x32(counter, (seed & WORD, (seed >> 32) & WORD)).astype(np.uint64)
    pairs = words[:, 0::2] | (words[:, 1::2] << np.uint64(32))
    return np.ravel(pairs)[:n]


def permutation(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Order in which epoch `epoch` visits n samples: Fisher-Yates from the top.

    For i = n-1, ..., 1: j = floor(r (i + 1) / 2^64) for the next draw r; swap places i and j.
    Returns (n,) int64.
    """
    order = list(range(n))
    for i, r in zip(range(n - 1, 0, -1), draws(max(n - 1, 0), seed, epoch).tolist(), strict=True):
        j = (r * (i + 1)) >> 64
        order[i], order[j] = order[j], order[i]
    return np.array(order, dtype=np.int64)


def dropout_words(
    seed: int, step: int, layer: int, n_rows: int, n_units: int
) -> NDArray[np.uint32]:
    """The random word that decides about each unit in each row of a step's batch.

    Unit u = 16 g + 8 h + 2 q + b (h, b < 2, q < 4) in row i has word 2 h + b of the block with the
    counter (4 g + q, i, step, DROPOUT_STREAM + 2^8 layer).  Returns (n_rows, n_units) uint32.
    """
    groups = -(-n_units // 16)
    rows, blocks = np.indices((n_rows, 4 * groups), dtype=np.uint64)
    counter = np.empty((rows.size, 4), dtype=np.uint64)
    counter[:, 0], counter[:, 1] = blocks.ravel(), rows.ravel()
    counter[:, 2], counter[:, 3] = step & WORD, DROPOUT_STREAM + (layer << 8)
    words = philox4x32(counter, (seed & WORD, (seed >> 32) & WORD))
    words = words.reshape(n_rows, groups, 4, 2, 2).transpose(0, 1, 3, 2, 4)  # g, h, q, b
    in_order: NDArray[np.uint32] = words.reshape(n_rows, -1)[:, :n_units]
    return in_order


def dropout_factors(
    rate: float, seed: int, step: int, layer: int, shape: tuple[int, int], dtype: DTypeLike
) -> NDArray[Any]:
    """1 / (1 - rate) where the unit's word is at least rate 2^32, else 0: (n_rows, n_units)."""
    threshold = min(int(rate * 2**32), WORD)
    kept = dropout_words(seed, step, layer, *shape) >= threshold
    return np.where(kept, 1 / (1 - rate), 0.0).astype(dtype)


def block_permutation(n: int, block: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Order of n samples shuffled in blocks of `block` consecutive rows (the last may be shorter).

    Fisher-Yates on the blocks, then on the rows of each in that order, with one stream of draws.
    Returns (n,) int64; one block is `permutation`.
    """
    n_blocks = -(-n // block)
    left = iter(draws(n + n_blocks, seed, epoch).tolist())

    def shuffled(items: list[int]) -> list[int]:
        for i in range(len(items) - 1, 0, -1):
            j = (next(left) * (i + 1)) >> 64
            items[i], items[j] = items[j], items[i]
        return items

    blocks = shuffled(list(range(n_blocks)))
    rows = [shuffled(list(range(b * block, min((b + 1) * block, n)))) for b in blocks]
    return np.array([row for one in rows for row in one], dtype=np.int64)
