// Dense products of contiguous rows of a with contiguous columns of b: dot products, summed in lanes.
//
// Which of them share a tile does not show in the bits: each has lanes of its own over the whole of k,
// and all are summed by the same tree.
#pragma once

#include "kernels/simd.hpp"
#include "kernels/table.hpp"
#include "kernels/transpose.inl.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// Dot products of ROWS contiguous rows of a with contiguous x.
template <class T, int ROWS>
SHALLOWCORE_INLINE void dot_rows(const T* a, ptrdiff_t a_row, const T* x, ptrdiff_t k, T* sums) {
  constexpr int width = kWidth<T>;
  Vec<T> acc[ROWS][2] = {};
  ptrdiff_t p = 0;
  for (; p + 2 * width <= k; p += 2 * width) {
    const Vec<T> x0 = load<T>(x + p), x1 = load<T>(x + p + width);
#pragma GCC unroll 4
    for (int i = 0; i < ROWS; ++i) {
      acc[i][0] = fma<T>(load<T>(a + i * a_row + p), x0, acc[i][0]);
      acc[i][1] = fma<T>(load<T>(a + i * a_row + p + width), x1, acc[i][1]);
    }
  }
  for (; p < k; p += width) {
    const ptrdiff_t left = least(width, k - p);
    const Vec<T> x0 = load_partial<T>(x + p, left);
#pragma GCC unroll 4
    for (int i = 0; i < ROWS; ++i) {
      acc[i][0] = fma<T>(load_partial<T>(a + i * a_row + p, left), x0, acc[i][0]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < ROWS; ++i) sums[i] = reduce_add<T>(acc[i][0] + acc[i][1]);
}

// n == 1, rows of a contiguous: c[i] = init[i] + a[i, :] . b, four rows a sweep.
template <class T>
void matrix_vector(const GemmArgs<T>& args) {
  ptrdiff_t i = 0;
  while (i < args.m) {
    T sums[4];
    const T* a = args.a + i * args.a_row;
    const ptrdiff_t rows = args.m - i >= 4 ? 4 : 1;
    if (rows == 4) {
      dot_rows<T, 4>(a, args.a_row, args.b, args.k, sums);
    } else {
      dot_rows<T, 1>(a, args.a_row, args.b, args.k, sums);
    }
    for (ptrdiff_t r = 0; r < rows; ++r, ++i) {
      args.c[i * args.c_row] =
          (args.init == nullptr ? T{0} : args.init[i * args.init_row]) + sums[r];
    }
  }
}

// Vectors of sums of a tile: as many accumulators as keep the multipliers busy and fit the registers.
template <class T>
inline constexpr int kDotVectors = kVectorRegisters > 16 && kWidth<T> == 8 ? 2 : 1;

// A vector of depths of each row times those of each column, as `next` reads them.
template <class T, int ROWS, int COLS, class NEXT>
SHALLOWCORE_INLINE void add_depths(const T* const (&a)[ROWS], const T* const (&b)[COLS],
                                   Vec<T> (&acc)[ROWS * COLS], NEXT next) {
  Vec<T> x[ROWS], y[COLS];
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r) x[r] = next(a[r]);
#pragma GCC unroll 8
  for (int c = 0; c < COLS; ++c) y[c] = next(b[c]);
  // One loop, as in lane_sums: arrays that nested loops index stay in memory (GCC 12).
#pragma GCC unroll 16
  for (int i = 0; i < ROWS * COLS; ++i) acc[i] = fma<T>(x[i / COLS], y[i % COLS], acc[i]);
}

// c rows [at, at + rows), columns [first, first + cols) = init + sums (rows, COLS).  `bias` is the row
// of initial values once for each row of sums, and c's rows follow one another, where `contiguous`.
template <class T, int COLS>
SHALLOWCORE_INLINE void put_sums(const GemmArgs<T>& args, ptrdiff_t at, ptrdiff_t rows,
                                 ptrdiff_t first, ptrdiff_t cols, Vec<T> sums, Vec<T> bias,
                                 bool contiguous) {
  constexpr ptrdiff_t width = kWidth<T>;
  T* out = args.c + at * args.c_row + first;
  if (contiguous && rows * COLS == width) return store<T>(out, sums + bias);
  if (contiguous) return store_partial<T>(out, sums + bias, rows * COLS);
  T sum[width];
  store<T>(sum, sums);
  const T* init = args.init == nullptr ? nullptr : args.init + at * args.init_row + first;
  for (ptrdiff_t r = 0; r < rows; ++r) {
    for (ptrdiff_t c = 0; c < cols; ++c) {
      const T initial = init == nullptr ? T{0} : init[r * args.init_row + c];
      out[r * args.c_row + c] = initial + sum[r * COLS + c];
    }
  }
}

// c (m, cols) = init + a b for columns [first, first + cols) of b.  Where there are fewer rows or
// columns than a tile has, the last is taken again.
template <class T, int COLS>
SHALLOWCORE_NOINLINE void dot_columns(const GemmArgs<T>& args, ptrdiff_t first, ptrdiff_t cols) {
  constexpr int width = kWidth<T>, rows_of_vector = width / COLS;
  constexpr int ROWS = kDotVectors<T> * rows_of_vector;
  const ptrdiff_t k = args.k, whole = k / width * width;
  const T* b[COLS];
#pragma GCC unroll 8
  for (int c = 0; c < COLS; ++c) b[c] = args.b + (first + least(c, cols - 1)) * args.b_col;
  T bias[width] = {};
  for (int i = 0; i < rows_of_vector * COLS && args.init != nullptr; ++i) {
    bias[i] = args.init[first + least(i % COLS, cols - 1)];
  }
  const bool contiguous =
      (args.init == nullptr || args.init_row == 0) && args.c_row == COLS && args.n == COLS;
  for (ptrdiff_t row = 0; row < args.m; row += ROWS) {
    const ptrdiff_t rows = least(ROWS, args.m - row);
    const T* a[ROWS];
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r) a[r] = args.a + (row + least(r, rows - 1)) * args.a_row;
    Vec<T> acc[ROWS * COLS];
#pragma GCC unroll 16
    for (int i = 0; i < ROWS * COLS; ++i) acc[i] = Vec<T>{};
    // What is no whole vector comes first: behind the loop the compiler would spill all sums for it.
    add_depths<T, ROWS, COLS>(a, b, acc,
                              [=](const T* x) { return load_partial<T>(x + whole, k - whole); });
    for (ptrdiff_t p = 0; p < whole; p += width) {
      add_depths<T, ROWS, COLS>(a, b, acc, [p](const T* x) { return load<T>(x + p); });
    }
#pragma GCC unroll 2
    for (int v = 0; v < kDotVectors<T>; ++v) {
      Vec<T> mine[width] = {};
#pragma GCC unroll 16
      for (int i = 0; i < rows_of_vector * COLS; ++i) mine[i] = acc[v * rows_of_vector * COLS + i];
      const Vec<T> sums = lane_sums<T>(mine);
      const ptrdiff_t at = row + v * rows_of_vector, count = least(rows_of_vector, args.m - at);
      if (count > 0) {
        put_sums<T, COLS>(args, at, count, first, cols, sums, load<T>(bias), contiguous);
      }
    }
  }
}

// n of few columns: all at once.
template <class T, int COLS = kWidth<T> / 2>
SHALLOWCORE_INLINE void dot_few_columns(const GemmArgs<T>& args) {
  if constexpr (COLS > 1) {
    if (args.n != COLS) return dot_few_columns<T, COLS - 1>(args);
  }
  dot_columns<T, COLS>(args, 0, args.n);
}

// Rows of a and columns of b contiguous.
template <class T>
void dot_products(const GemmArgs<T>& args) {
  constexpr int width = kWidth<T>, square = width >= 8 ? 4 : 2;
  if (2 * args.n <= width) return dot_few_columns<T>(args);
  const ptrdiff_t most = args.m <= 2 ? width / 2 : square;
  for (ptrdiff_t j = 0, cols = 0; j < args.n; j += cols) {
    cols = least(most, args.n - j);
    if (most == square) {
      dot_columns<T, square>(args, j, cols);
    } else {
      dot_columns<T, width / 2>(args, j, cols);
    }
  }
}

}  // namespace shallowcore::SHALLOWCORE_ISA
