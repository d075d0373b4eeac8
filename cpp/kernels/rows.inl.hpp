// Row-wise activations: softmax and its logarithm, and the row helpers that losses share with them.
// Sums run in lanes, always in the same order for the same number of columns.
#pragma once

#include "kernels/math.inl.hpp"
#include "kernels/simd.hpp"
#include "kernels/table.hpp"

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

template <class T>
struct RowSums {
  T max;      // of z
  T sum;      // of exp(z - max): at least 1
  T log_sum;  // of its logarithm, to full relative precision near 0
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

// a_j = e^(z_j - max z) / sum
struct Softmax {
  static constexpr const char* name = "softmax";
  static constexpr const char* formula = "exp(z_j - max z) / sum_k exp(z_k - max z)";
  template <class T>
  static void forward(const T* z, T* a, ptrdiff_t rows, ptrdiff_t cols, const T*) {
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

}  // namespace shallowcore::SHALLOWCORE_ISA
