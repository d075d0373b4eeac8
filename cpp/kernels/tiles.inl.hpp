// One full-batch step of a wide layer with one output, fused: gradient, update and the next step's
// share of z for a tile of columns, while the tile is in the L1 cache.
//
// Inputs are held by columns, so that samples fill the lanes: z needs no sums over lanes, and a group
// of columns shares those of its gradients.
#pragma once

#include "kernels/gemm.inl.hpp"
#include "kernels/simd.hpp"
#include "kernels/table.hpp"
#include "kernels/transpose.inl.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// Columns at a time: as many sums as keep the multipliers busy, and whole vectors of weights.
template <class T>
inline constexpr int kGroup = kWidth<T> < 8 ? 8 : kWidth<T>;
inline constexpr ptrdiff_t kTileBytes = 16384;  // half a small L1 cache: the next tile comes in
inline constexpr ptrdiff_t kMostColumns = 64;   // of a tile

// Inputs as they are held: T itself, or two bfloat16 to a word, sample i in the lower half and sample
// i + width in the upper one.  Integers of 8 bits fit a bfloat16, which is half the memory of a float
// and becomes one by a shift or a mask; bytes would need twice the instructions.
template <class T, class S>
struct Held {
  static constexpr int kVectors = 1;  // of samples in one vector of S
  using Words = Vec<T>;
  SHALLOWCORE_INLINE static Vec<T> lower(Words x) { return x; }
  SHALLOWCORE_INLINE static Vec<T> upper(Words x) { return x; }
};

template <>
struct Held<float, uint32_t> {
  static constexpr int kVectors = 2;
  using Words = IntVec<float>;
  SHALLOWCORE_INLINE static Vec<float> lower(Words x) { return from_bits<float>(x << 16); }
  SHALLOWCORE_INLINE static Vec<float> upper(Words x) { return from_bits<float>(x & -0x10000); }
};

template <class T, class S>
SHALLOWCORE_INLINE typename Held<T, S>::Words load_held(const S* x) {
  typename Held<T, S>::Words words;
  __builtin_memcpy(&words, x, sizeof words);
  return words;
}

// g[c] = x[:, c] . dz for a group of columns.
template <class T, class S>
SHALLOWCORE_NOINLINE void group_gradient(const S* x, ptrdiff_t vectors, const T* dz, T* g) {
  using H = Held<T, S>;
  constexpr int width = kWidth<T>, group = kGroup<T>;
  Vec<T> sums[group];
#pragma GCC unroll 16
  for (int c = 0; c < group; ++c) sums[c] = Vec<T>{};
  for (ptrdiff_t i = 0; i < vectors; ++i, x += group * width, dz += H::kVectors * width) {
    const Vec<T> d0 = load<T>(dz), d1 = load<T>(dz + (H::kVectors - 1) * width);
#pragma GCC unroll 16
    for (int c = 0; c < group; ++c) {
      const typename H::Words words = load_held<T>(x + c * width);
      sums[c] = fma<T>(H::lower(words), d0, sums[c]);
      if (H::kVectors == 2) sums[c] = fma<T>(H::upper(words), d1, sums[c]);
    }
  }
#pragma GCC unroll 4
  for (int first = 0; first < group; first += width) {
    Vec<T> some[width];
#pragma GCC unroll 16
    for (int c = 0; c < width; ++c) some[c] = sums[first + c];
    store<T>(g + first, lane_sums<T>(some));
  }
}

// z += x w over a group of columns; meanwhile fetches the words `ahead` of them unless that is 0.
template <class T, class S>
SHALLOWCORE_NOINLINE void group_outputs(const S* x, ptrdiff_t vectors, const T* w, T* z,
                                        ptrdiff_t ahead) {
  using H = Held<T, S>;
  constexpr int width = kWidth<T>, group = kGroup<T>, line = 64 / sizeof(S);
  Vec<T> factors[group];
#pragma GCC unroll 16
  for (int c = 0; c < group; ++c) factors[c] = broadcast<T>(w[c]);
  for (ptrdiff_t i = 0; i < vectors; ++i, x += group * width, z += H::kVectors * width) {
    if (ahead != 0) {
#pragma GCC unroll 16
      for (int k = 0; k < group * width; k += line) __builtin_prefetch(x + ahead + k);
    }
    Vec<T> sum0 = load<T>(z), sum1 = load<T>(z + (H::kVectors - 1) * width);
#pragma GCC unroll 16
    for (int c = 0; c < group; ++c) {
      const typename H::Words words = load_held<T>(x + c * width);
      sum0 = fma<T>(H::lower(words), factors[c], sum0);
      if (H::kVectors == 2) sum1 = fma<T>(H::upper(words), factors[c], sum1);
    }
    store<T>(z, sum0);
    if (H::kVectors == 2) store<T>(z + width, sum1);
  }
}

template <class T>
SHALLOWCORE_INLINE void step_columns(const ColumnsArgs<T>& args, ptrdiff_t first, ptrdiff_t columns,
                                     T* g) {
  if (args.penalty != nullptr) {
    for (ptrdiff_t c = 0; c < columns; ++c) g[c] += args.penalty[first + c];
  }
  T* slots[kMaxSlots];
  for (int s = 0; s < args.n_slots; ++s) slots[s] = args.slots[s] + first;
  args.update(args.w + first, g, slots, args.n_slots, columns, args.constants);
}

template <class T, class S>
void sweep_columns(const ColumnsArgs<T>& args) {
  constexpr ptrdiff_t group = kGroup<T>, width = kWidth<T>;
  const ptrdiff_t vectors = args.samples / (Held<T, S>::kVectors * width);
  const ptrdiff_t length = vectors * width;  // words of a column
  const ptrdiff_t fitting = kTileBytes / (length * static_cast<ptrdiff_t>(sizeof(S)));
  const ptrdiff_t most = fitting < group ? group : least(fitting / group * group, kMostColumns);
  const S* x = static_cast<const S*>(args.x);
  for (ptrdiff_t i = 0; i < args.samples; ++i) args.z[i] = 0;
  for (ptrdiff_t j = 0, columns = 0; j < args.columns; j += columns, x += columns * length) {
    columns = least(most, args.columns - j);
    if (args.dz != nullptr) {
      T g[kMostColumns];
      for (ptrdiff_t c = 0; c < columns; c += group) {
        group_gradient<T>(x + c * length, vectors, args.dz, g + c);
      }
      step_columns<T>(args, j, columns, g);
    }
    // A tile that fills the cache leaves no room to fetch the next one.
    const bool fetch = fitting >= group && j + 2 * columns <= args.columns;
    for (ptrdiff_t c = 0; c < columns; c += group) {
      group_outputs<T>(x + c * length, vectors, args.w + j + c, args.z,
                       fetch ? columns * length : 0);
    }
  }
}

}  // namespace shallowcore::SHALLOWCORE_ISA
