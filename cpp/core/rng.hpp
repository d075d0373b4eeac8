// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers:
// as easy as 1, 2, 3", SC 2011).  A draw depends on (seed, epoch, stream, position) and on nothing
// else, so any part of a run can be replayed, by any number of threads, in any order.
#pragma once

#include <array>
#include <cstdint>

#include "core/types.hpp"

namespace shallowcore {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key);

// What a stream of numbers is for: the last word of the counter, so that streams never overlap.  That
// of a dropout is 256 times the layer's number more.
enum class Stream : std::uint32_t { shuffle = 1, dropout = 2 };

// order[0..n) becomes the permutation of epoch `epoch`: Fisher-Yates from the top, index by the high
// half of a 64 x 64 bit product (bias below n / 2^64).
void shuffle(std::int64_t* order, Index n, std::uint64_t seed, std::uint32_t epoch);

// The same for blocks of `block` consecutive rows (the last may be shorter): first the blocks are put
// in random order, then the rows within each, with the draws that follow.  One block is shuffle().
void shuffle_blocks(std::int64_t* order, Index n, Index block, std::uint64_t seed,
                    std::uint32_t epoch);

}  // namespace shallowcore
