// Row-wise activations: softmax and its logarithm, and the row helpers that losses share with them.
//
// Rows of few columns go as many at a time as a vector has lanes, one row to a lane: a column is a
// vector, and nothing has to be summed over lanes.  Longer rows go one by one.  Either way a row's
// results depend on that row alone, and their order of summation on the number of columns.
#pragma once

#include "kernels/arrays.inl.hpp"
#include "kernels/math.inl.hpp"
#include "kernels/simd.hpp"
#include "kernels/table.hpp"
#include "kernels/transpose.inl.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// The first n lanes of p, `fill` in the others.
template <class T>
SHALLOWCORE_INLINE Vec<T> load_filled(const T* p, ptrdiff_t n, T fill) {
  return select<T>(first_lanes_mask<T>(n), load_partial<T>(p, n), broadcast<T>(fill));
}

// f(first element, vector, lanes) over a row; missing lanes of the last vector hold `fill`.
template <class T, class F>
SHALLOWCORE_INLINE void over_row(const T* row, ptrdiff_t cols, T fill, F f) {
  ptrdiff_t j = 0;
  for (; j + kWidth<T> <= cols; j += kWidth<T>) f(j, load<T>(row + j), ptrdiff_t{kWidth<T>});
  if (j < cols) f(j, load_filled<T>(row + j, cols - j, fill), cols - j);
}

// Of one row (V = T), or of a row in each lane (V = Vec<T>).
template <class V>
struct RowSums {
  V max;      // of z
  V sum;      // of exp(z - max): at least 1
  V log_sum;  // its logarithm, to full relative precision near 0
};

// out = exp(z - max z), which is softmax times `sum`; out may be z or null.  The largest element's 1
// is kept apart, so that ln(1 + rest) keeps the digits of a small rest.
template <class T>
SHALLOWCORE_INLINE RowSums<T> exp_row(const T* z, ptrdiff_t cols, T* out) {
  constexpr T lowest = -__builtin_inf();
  Vec<T> most = broadcast<T>(lowest);
  over_row<T>(z, cols, lowest, [&](ptrdiff_t, Vec<T> v, ptrdiff_t) { most = max<T>(v, most); });
  RowSums<T> row;
  row.max = reduce_max<T>(most);
  Vec<T> rest = {}, largest = {};
  over_row<T>(z, cols, lowest, [&](ptrdiff_t j, Vec<T> v, ptrdiff_t lanes) {
    const Vec<T> e = exp<T>(v - row.max);
    const IntVec<T> at_max = v == row.max;
    rest += select<T>(at_max, Vec<T>{}, e);
    largest += select<T>(at_max, e, Vec<T>{});
    if (out != nullptr) store_partial<T>(out + j, e, lanes);
  });
  const T others = reduce_add<T>(rest) + (reduce_add<T>(largest) - T{1});
  row.sum = T{1} + others;
  row.log_sum = log1p<T>(broadcast<T>(others))[0];
  return row;
}

// --- rows in lanes --------------------------------------------------------------------------------

inline constexpr ptrdiff_t kLaneColumns = 64;  // that rows in lanes have at most

// columns[j] = column j of `rows` (at most a vector's width) contiguous rows; zeros in the other lanes.
// A column that is alone is a vector as it lies.
template <class T>
SHALLOWCORE_INLINE void load_columns(const T* z, ptrdiff_t rows, ptrdiff_t cols, Vec<T>* columns) {
  constexpr ptrdiff_t width = kWidth<T>;
  if (cols == 1) {
    columns[0] = load_partial<T>(z, rows);
    return;
  }
  for (ptrdiff_t j = 0; j < cols; j += width) {
    const ptrdiff_t count = least(width, cols - j);
    Vec<T> v[width];
    load_transposed<T>(z + j, cols, rows, count, v);
#pragma GCC unroll 16
    for (int i = 0; i < width; ++i) {
      if (i < count) columns[j + i] = v[i];
    }
  }
}

// The way back.
template <class T>
SHALLOWCORE_INLINE void store_columns(const Vec<T>* columns, ptrdiff_t rows, ptrdiff_t cols, T* a) {
  constexpr ptrdiff_t width = kWidth<T>;
  if (cols == 1) return store_partial<T>(a, columns[0], rows);
  for (ptrdiff_t j = 0; j < cols; j += width) {
    const ptrdiff_t count = least(width, cols - j);
    Vec<T> v[width];
#pragma GCC unroll 16
    for (int i = 0; i < width; ++i) v[i] = i < count ? columns[j + i] : Vec<T>{};
    transpose_rows<T>(v);
#pragma GCC unroll 16
    for (int i = 0; i < width; ++i) {
      if (i < rows) store_partial<T>(a + i * cols + j, v[i], count);
    }
  }
}

// exps[j] = exp(z_j - max z), lane by lane.
template <class T>
SHALLOWCORE_INLINE RowSums<Vec<T>> exp_lanes(const Vec<T>* z, ptrdiff_t cols, Vec<T>* exps) {
  RowSums<Vec<T>> rows;
  rows.max = z[0];
  for (ptrdiff_t j = 1; j < cols; ++j) rows.max = max<T>(z[j], rows.max);
  Vec<T> rest = {}, largest = {};
  for (ptrdiff_t j = 0; j < cols; ++j) {
    exps[j] = exp<T>(z[j] - rows.max);
    const IntVec<T> at_max = z[j] == rows.max;
    rest += select<T>(at_max, Vec<T>{}, exps[j]);
    largest += select<T>(at_max, exps[j], Vec<T>{});
  }
  const Vec<T> others = rest + (largest - T{1});
  rows.sum = others + T{1};
  rows.log_sum = log1p<T>(others);
  return rows;
}

// f(first row, rows, their columns) for rows in lanes; f may write to the columns.
template <class T, class F>
SHALLOWCORE_INLINE void over_lanes(const T* z, ptrdiff_t rows, ptrdiff_t cols, F f) {
  Vec<T> columns[kLaneColumns];
  for (ptrdiff_t i = 0; i < rows; i += kWidth<T>) {
    const ptrdiff_t count = least(kWidth<T>, rows - i);
    load_columns<T>(z + i * cols, count, cols, columns);
    f(i, count, columns);
  }
}

// --- activations ----------------------------------------------------------------------------------

// a_j = e^(z_j - max z) / sum
struct Softmax {
  static constexpr const char* name = "softmax";
  static constexpr const char* formula = "exp(z_j - max z) / sum_k exp(z_k - max z)";
  template <class T>
  static void forward(const T* z, T* a, ptrdiff_t rows, ptrdiff_t cols, const T*) {
    if (cols <= kLaneColumns) {
      return over_lanes<T>(z, rows, cols, [&](ptrdiff_t first, ptrdiff_t count, Vec<T>* columns) {
        const Vec<T> sum = exp_lanes<T>(columns, cols, columns).sum;
        for (ptrdiff_t j = 0; j < cols; ++j) columns[j] = columns[j] / sum;
        store_columns<T>(columns, count, cols, a + first * cols);
      });
    }
    for (ptrdiff_t i = 0; i < rows; ++i, z += cols, a += cols) {
      const RowSums<T> row = exp_row<T>(z, cols, a);
      over_row<T>(a, cols, T{0}, [&](ptrdiff_t j, Vec<T> e, ptrdiff_t lanes) {
        store_partial<T>(a + j, e / row.sum, lanes);
      });
    }
  }
  // d_j = a_j (d_j - sum_k a_k d_k)
  template <class T>
  static void backward(const T* a, T* d, ptrdiff_t rows, ptrdiff_t cols, const T*) {
    for (ptrdiff_t i = 0; i < rows; ++i, a += cols, d += cols) {
      Vec<T> sum = {};
      over_row<T>(a, cols, T{0}, [&](ptrdiff_t j, Vec<T> v, ptrdiff_t lanes) {
        sum = fma<T>(v, load_partial<T>(d + j, lanes), sum);
      });
      const T mean = reduce_add<T>(sum);
      over_row<T>(a, cols, T{0}, [&](ptrdiff_t j, Vec<T> v, ptrdiff_t lanes) {
        store_partial<T>(d + j, v * (load_partial<T>(d + j, lanes) - mean), lanes);
      });
    }
  }
};

// a_j = z_j - max z - ln sum_k e^(z_k - max z)
struct LogSoftmax {
  static constexpr const char* name = "log_softmax";
  static constexpr const char* formula = "z_j - max z - ln sum_k exp(z_k - max z)";
  template <class T>
  static void forward(const T* z, T* a, ptrdiff_t rows, ptrdiff_t cols, const T*) {
    if (cols <= kLaneColumns) {
      return over_lanes<T>(z, rows, cols, [&](ptrdiff_t first, ptrdiff_t count, Vec<T>* columns) {
        Vec<T> exps[kLaneColumns];
        const RowSums<Vec<T>> sums = exp_lanes<T>(columns, cols, exps);
        for (ptrdiff_t j = 0; j < cols; ++j) columns[j] = (columns[j] - sums.max) - sums.log_sum;
        store_columns<T>(columns, count, cols, a + first * cols);
      });
    }
    for (ptrdiff_t i = 0; i < rows; ++i, z += cols, a += cols) {
      const RowSums<T> row = exp_row<T>(z, cols, static_cast<T*>(nullptr));
      over_row<T>(z, cols, T{0}, [&](ptrdiff_t j, Vec<T> v, ptrdiff_t lanes) {
        store_partial<T>(a + j, (v - row.max) - row.log_sum, lanes);
      });
    }
  }
  // d_j = d_j - e^(a_j) sum_k d_k
  template <class T>
  static void backward(const T* a, T* d, ptrdiff_t rows, ptrdiff_t cols, const T*) {
    for (ptrdiff_t i = 0; i < rows; ++i, a += cols, d += cols) {
      Vec<T> sum = {};
      over_row<T>(d, cols, T{0}, [&](ptrdiff_t, Vec<T> v, ptrdiff_t) { sum += v; });
      const T total = reduce_add<T>(sum);
      over_row<T>(a, cols, T{0}, [&](ptrdiff_t j, Vec<T> v, ptrdiff_t lanes) {
        store_partial<T>(d + j, load_partial<T>(d + j, lanes) - exp<T>(v) * total, lanes);
      });
    }
  }
};

// Rows are read again while they are in the cache from the look at them.
template <class T, class G>
bool rows_finite(const T* z, T* a, ptrdiff_t rows, ptrdiff_t cols, const T* p) {
  const ptrdiff_t most = cols < 4096 ? 4096 / cols : 1;
  for (ptrdiff_t i = 0; i < rows; i += most) {
    const ptrdiff_t count = least(most, rows - i);
    if (!all_finite<T>(z + i * cols, count * cols)) return false;
    G::template forward<T>(z + i * cols, a + i * cols, count, cols, p);
  }
  return true;
}

}  // namespace shallowcore::SHALLOWCORE_ISA
