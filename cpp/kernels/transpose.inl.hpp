// Transposition in registers, a square of one vector's width at a time.
#pragma once

#include "kernels/simd.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// Lanes of a and b in turn: a0 b0 a1 b1 ... of their lower or upper halves.
#if defined(__AVX512F__)
template <class T, bool UPPER>
SHALLOWCORE_INLINE Vec<T> interleave(Vec<T> a, Vec<T> b) {
  constexpr int at = UPPER ? kWidth<T> / 2 : 0;
  if constexpr (sizeof(T) == 4) {
    return __builtin_shufflevector(a, b, at, 16 + at, at + 1, 17 + at, at + 2, 18 + at, at + 3,
                                   19 + at, at + 4, 20 + at, at + 5, 21 + at, at + 6, 22 + at,
                                   at + 7, 23 + at);
  } else {
    return __builtin_shufflevector(a, b, at, 8 + at, at + 1, 9 + at, at + 2, 10 + at, at + 3,
                                   11 + at);
  }
}
#elif defined(__AVX__)
template <class T, bool UPPER>
SHALLOWCORE_INLINE Vec<T> interleave(Vec<T> a, Vec<T> b) {
  constexpr int at = UPPER ? kWidth<T> / 2 : 0;
  if constexpr (sizeof(T) == 4) {
    return __builtin_shufflevector(a, b, at, 8 + at, at + 1, 9 + at, at + 2, 10 + at, at + 3,
                                   11 + at);
  } else {
    return __builtin_shufflevector(a, b, at, 4 + at, at + 1, 5 + at);
  }
}
#else
template <class T, bool UPPER>
SHALLOWCORE_INLINE Vec<T> interleave(Vec<T> a, Vec<T> b) {
  constexpr int at = UPPER ? kWidth<T> / 2 : 0;
  if constexpr (sizeof(T) == 4) {
    return __builtin_shufflevector(a, b, at, 4 + at, at + 1, 5 + at);
  } else {
    return __builtin_shufflevector(a, b, at, 2 + at);
  }
}
#endif

// Of a matrix (width, N) in N vectors, row after row, the columns: log2 rounds of interleaving the
// first half of the vectors with the second.  N = width: v[i][j] = v[j][i].
template <class T, int N>
SHALLOWCORE_INLINE void transpose_rows(Vec<T> (&v)[N]) {
#pragma GCC unroll 4
  for (int round = 1; round < kWidth<T>; round *= 2) {
    Vec<T> next[N];
#pragma GCC unroll 8
    for (int i = 0; i < N / 2; ++i) {
      next[2 * i] = interleave<T, false>(v[i], v[i + N / 2]);
      next[2 * i + 1] = interleave<T, true>(v[i], v[i + N / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) v[i] = next[i];
  }
}

// Lane i of the result: the sum of the lanes of v[i], i < 2 HALF.  Overwrites v.
template <class T, int HALF = kWidth<T> / 2>
SHALLOWCORE_INLINE Vec<T> lane_sums(Vec<T> (&v)[kWidth<T>]) {
#pragma GCC unroll 8
  for (int i = 0; i < HALF; ++i) {
    v[i] = interleave<T, false>(v[i], v[i + HALF]) + interleave<T, true>(v[i], v[i + HALF]);
  }
  if constexpr (HALF > 1) return lane_sums<T, HALF / 2>(v);
  return v[0];
}

// v[j] = column j of a (rows, cols), at most a square; zeros beside it.
template <class T>
SHALLOWCORE_INLINE void load_transposed(const T* a, ptrdiff_t a_row, ptrdiff_t rows, ptrdiff_t cols,
                                        Vec<T> (&v)[kWidth<T>]) {
#pragma GCC unroll 16
  for (int i = 0; i < kWidth<T>; ++i) {
    v[i] = i < rows ? load_partial<T>(a + i * a_row, cols) : Vec<T>{};
  }
  transpose_rows<T>(v);
}

// out (cols, width) = a (width, cols) transposed for cols <= N; reads N numbers of each row.
template <class T, int N>
SHALLOWCORE_INLINE void transpose_narrow(const T* a, ptrdiff_t a_row, ptrdiff_t cols, T* out,
                                         ptrdiff_t out_row) {
  constexpr ptrdiff_t width = kWidth<T>;
  T copy[width * N];
  if (a_row != N) {
    for (int r = 0; r < width; ++r) __builtin_memcpy(copy + r * N, a + r * a_row, N * sizeof(T));
    a = copy;
  }
  Vec<T> v[N];
#pragma GCC unroll 8
  for (int i = 0; i < N; ++i) v[i] = load<T>(a + i * width);
  transpose_rows<T>(v);
#pragma GCC unroll 8
  for (int c = 0; c < N; ++c) {
    if (c < cols) store<T>(out + c * out_row, v[c]);
  }
}

// The same for any cols < width.
template <class T, int N = 2>
SHALLOWCORE_INLINE void transpose_few(const T* a, ptrdiff_t a_row, ptrdiff_t cols, T* out,
                                      ptrdiff_t out_row) {
  if constexpr (2 * N < kWidth<T>) {
    if (cols > N) return transpose_few<T, 2 * N>(a, a_row, cols, out, out_row);
  }
  if (cols <= N) return transpose_narrow<T, N>(a, a_row, cols, out, out_row);
  for (ptrdiff_t j = 0; j < cols; ++j) {
    for (int r = 0; r < kWidth<T>; ++r) out[j * out_row + r] = a[r * a_row + j];
  }
}

// out (cols, rows) = a (rows, cols) transposed.
template <class T>
void transpose(const T* a, ptrdiff_t a_row, ptrdiff_t rows, ptrdiff_t cols, T* out,
               ptrdiff_t out_row) {
  constexpr ptrdiff_t width = kWidth<T>;
  ptrdiff_t i = 0;
  for (; i + width <= rows; i += width) {
    const T* from = a + i * a_row;
    ptrdiff_t j = 0;
    for (; j + width <= cols; j += width) {
      Vec<T> v[width];
#pragma GCC unroll 16
      for (int r = 0; r < width; ++r) v[r] = load<T>(from + r * a_row + j);
      transpose_rows<T>(v);
#pragma GCC unroll 16
      for (int c = 0; c < width; ++c) store<T>(out + (j + c) * out_row + i, v[c]);
    }
    if (j == cols) continue;
    // Behind a row lies the next one, which may be read, unless it is the last or rows run backwards or
    // overlap.
    if (i + width < rows && a_row >= cols) {
      transpose_few<T>(from + j, a_row, cols - j, out + j * out_row + i, out_row);
    } else {
      for (; j < cols; ++j) {
        for (int r = 0; r < width; ++r) out[j * out_row + i + r] = from[r * a_row + j];
      }
    }
  }
  for (; i < rows; ++i) {
    for (ptrdiff_t j = 0; j < cols; ++j) out[j * out_row + i] = a[i * a_row + j];
  }
}

}  // namespace shallowcore::SHALLOWCORE_ISA
