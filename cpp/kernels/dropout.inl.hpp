// Dropout: which units stay, from Philox4x32-10 (core/rng.hpp says what it is), a vector of its blocks
// at a time.
//
// Sixteen units in a row of a step take four blocks: word 2 h + b of the block with the counter
// (4 g + q, row, step, stream) decides about unit 16 g + 8 h + 2 q + b.  So two words of a block side
// by side, for the blocks of a group in turn, are in the order of the units.
#pragma once

#include "kernels/math.inl.hpp"
#include "kernels/simd.hpp"
#include "kernels/table.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

inline constexpr int kDropoutGroup = 16;                          // units
inline constexpr int kBlocksAtOnce = kVectorBytes / 8;            // a block to a lane
inline constexpr int kGroupsAtOnce = kBlocksAtOnce <= 4 ? 1 : 2;  // groups of four blocks
inline constexpr int kWordsAtOnce = kGroupsAtOnce * kDropoutGroup;

// words = those of the groups from `group` on, in a row.
template <class T>
SHALLOWCORE_INLINE void dropout_words(const DropoutArgs<T>& args, ptrdiff_t group, ptrdiff_t row,
                                      uint32_t* words) {
  constexpr uint64_t low = 0xffffffffu;
  for (int first = 0; first < 4 * kGroupsAtOnce; first += kBlocksAtOnce) {
    U64Vec c0;
#pragma GCC unroll 8
    for (int i = 0; i < kBlocksAtOnce; ++i) {
      c0[i] = static_cast<uint64_t>(4 * group + first + i);
    }
    U64Vec c1 = U64Vec{} + static_cast<uint64_t>(row), c2 = U64Vec{} + args.step;
    U64Vec c3 = U64Vec{} + args.stream;
    uint32_t key_0 = args.key[0], key_1 = args.key[1];
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {  // of c1 and c3 the lower halves count
      const U64Vec product_0 = multiply_low_halves(c0, U64Vec{} + 0xd2511f53u);
      const U64Vec product_1 = multiply_low_halves(c2, U64Vec{} + 0xcd9e8d57u);
      c0 = (product_1 >> 32) ^ c1 ^ (U64Vec{} + key_0);
      c2 = (product_0 >> 32) ^ c3 ^ (U64Vec{} + key_1);
      c1 = product_1;
      c3 = product_0;
      key_0 += 0x9e3779b9u;
      key_1 += 0xbb67ae85u;
    }
    const U64Vec halves[2] = {(c0 & low) | c1 << 32, (c2 & low) | c3 << 32};
    constexpr int whole = kBlocksAtOnce < 4 ? kBlocksAtOnce : 4;  // lanes of one group
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      const char* lanes = reinterpret_cast<const char*>(&halves[h]);
#pragma GCC unroll 2
      for (int i = 0; i < kBlocksAtOnce; i += whole) {
        const int at = (first + i) / 4 * kDropoutGroup + 8 * h + 2 * ((first + i) % 4);
        __builtin_memcpy(words + at, lanes + 8 * i, 8 * whole);
      }
    }
  }
}

// Where a vector's words are no less than the threshold.
template <class T>
SHALLOWCORE_INLINE IntVec<T> kept_lanes(const uint32_t* words, uint32_t threshold) {
  typedef uint32_t Words __attribute__((vector_size(4 * kWidth<T>)));
  Words w;
  __builtin_memcpy(&w, words, sizeof w);
  const WordVec<T> wide = __builtin_convertvector(w, WordVec<T>);
  return wide >= WordVec<T>{} + threshold;
}

template <class T>
SHALLOWCORE_INLINE void drop_vector(T* x, IntVec<T> kept, T scale, ptrdiff_t lanes) {
  store_partial<T>(x, select<T>(kept, load_partial<T>(x, lanes) * scale, Vec<T>{}), lanes);
}

template <class T>
void drop(const DropoutArgs<T>& args) {
  uint32_t words[kWordsAtOnce + kWidth<float>] = {};
  const ptrdiff_t end = args.first_unit + args.cols;
  for (ptrdiff_t i = 0; i < args.rows; ++i) {
    T* x = args.x + i * args.cols - args.first_unit;
    T* y = args.y == nullptr ? nullptr : args.y + i * args.cols - args.first_unit;
    for (ptrdiff_t u = args.first_unit; u < end;) {
      const ptrdiff_t group = u / kDropoutGroup, base = group * kDropoutGroup;
      dropout_words<T>(args, group, args.first_row + i, words);
      const ptrdiff_t stop = least(end, base + kWordsAtOnce);
      for (ptrdiff_t lanes = 0; u < stop; u += lanes) {
        lanes = least(kWidth<T>, stop - u);
        const IntVec<T> kept = kept_lanes<T>(words + (u - base), args.threshold);
        drop_vector<T>(x + u, kept, args.scale, lanes);
        if (y != nullptr) drop_vector<T>(y + u, kept, args.scale, lanes);
      }
    }
  }
}

}  // namespace shallowcore::SHALLOWCORE_ISA
