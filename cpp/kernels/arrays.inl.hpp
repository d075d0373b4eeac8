// Loops over arrays that are neither products nor activations: reading inputs of any type, sums,
// penalties, finiteness.  Plain loops where the compiler vectorises them itself.
#pragma once

#include "kernels/simd.hpp"
#include "kernels/table.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// A byte that is false where it is 0: NumPy's bool may hold any byte, the language's may not.
struct Boolean {
  uint8_t byte;
  explicit operator float() const { return byte != 0; }
  explicit operator double() const { return byte != 0; }
};

// As gather() with means and factors, in double: large numbers that differ little keep their digits.
template <class T, class S>
void gather_normalized(const GatherArgs<T>& args) {
  const double scale = args.map.scale, offset = args.map.offset;
  const double* __restrict means = args.map.means;
  const double* __restrict factors = args.map.factors;
  const char* data = static_cast<const char*>(args.data);
  for (ptrdiff_t i = 0; i < args.count; ++i) {
    const ptrdiff_t row = args.rows == nullptr ? args.first + i : args.rows[args.first + i];
    const char* from = data + row * args.row_bytes;
    T* __restrict out = args.out + i * args.cols;
    if (args.col_bytes == static_cast<ptrdiff_t>(sizeof(S))) {
      const S* __restrict values = reinterpret_cast<const S*>(from);
      for (ptrdiff_t j = 0; j < args.cols; ++j) {
        const double x = static_cast<double>(values[j]) * scale + offset;
        out[j] = static_cast<T>((x - means[j]) * factors[j]);
      }
    } else {
      for (ptrdiff_t j = 0; j < args.cols; ++j) {
        S value;
        __builtin_memcpy(&value, from + j * args.col_bytes, sizeof value);
        const double x = static_cast<double>(value) * scale + offset;
        out[j] = static_cast<T>((x - means[j]) * factors[j]);
      }
    }
  }
}

// out[i, j] = source[rows[first + i], j] mapped, converted from S.
template <class T, class S>
void gather(const GatherArgs<T>& args) {
  if (args.map.means != nullptr) return gather_normalized<T, S>(args);
  const T scale = static_cast<T>(args.map.scale), offset = static_cast<T>(args.map.offset);
  const char* data = static_cast<const char*>(args.data);
  const bool plain = args.map.scale == 1 && args.map.offset == 0;
  for (ptrdiff_t i = 0; i < args.count; ++i) {
    const ptrdiff_t row = args.rows == nullptr ? args.first + i : args.rows[args.first + i];
    const char* from = data + row * args.row_bytes;
    T* out = args.out + i * args.cols;
    if (args.col_bytes == static_cast<ptrdiff_t>(sizeof(S))) {
      const S* values = reinterpret_cast<const S*>(from);
      if (plain) {
        for (ptrdiff_t j = 0; j < args.cols; ++j) out[j] = static_cast<T>(values[j]);
      } else {
        for (ptrdiff_t j = 0; j < args.cols; ++j)
          out[j] = static_cast<T>(values[j]) * scale + offset;
      }
    } else {
      for (ptrdiff_t j = 0; j < args.cols; ++j) {
        S value;
        __builtin_memcpy(&value, from + j * args.col_bytes, sizeof value);
        out[j] = static_cast<T>(value) * scale + offset;
      }
    }
  }
}

// out (VECTORS * width) += column sums of a (rows, VECTORS * width), in registers.
template <class T, int VECTORS>
SHALLOWCORE_INLINE void add_narrow_sums(const T* d, ptrdiff_t rows, T* out) {
  constexpr int width = kWidth<T>;
  Vec<T> sum[VECTORS];
#pragma GCC unroll 2
  for (int v = 0; v < VECTORS; ++v) sum[v] = load<T>(out + v * width);
  for (ptrdiff_t i = 0; i < rows; ++i, d += VECTORS * width) {
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; ++v) sum[v] = sum[v] + load<T>(d + v * width);
  }
#pragma GCC unroll 2
  for (int v = 0; v < VECTORS; ++v) store<T>(out + v * width, sum[v]);
}

template <class T>
void add_column_sums(const T* d, ptrdiff_t rows, ptrdiff_t cols, T* out) {
  if (cols == 1) {  // one column: its sum in lanes
    Vec<T> sum = {};
    for (ptrdiff_t i = 0; i < rows; i += kWidth<T>) {
      sum = sum + load_partial<T>(d + i, rows - i < kWidth<T> ? rows - i : kWidth<T>);
    }
    out[0] += reduce_add<T>(sum);
    return;
  }
  if (cols == kWidth<T>) return add_narrow_sums<T, 1>(d, rows, out);
  if (cols == 2 * kWidth<T>) return add_narrow_sums<T, 2>(d, rows, out);
  for (ptrdiff_t i = 0; i < rows; ++i, d += cols) {
    for (ptrdiff_t j = 0; j < cols; ++j) out[j] += d[j];
  }
}

// Double sums of short sums of products, four chains of additions at a time.
template <class T>
double dot(const T* x, const T* y, ptrdiff_t n) {
  constexpr ptrdiff_t width = kWidth<T>, block = 16 * width;
  double total = 0;
  for (; n >= block; n -= block, x += block, y += block) {
    Vec<T> sums[4] = {};
#pragma GCC unroll 16
    for (int j = 0; j < 16; ++j) {
      sums[j % 4] = fma<T>(load<T>(x + j * width), load<T>(y + j * width), sums[j % 4]);
    }
    total += static_cast<double>(reduce_add<T>((sums[0] + sums[1]) + (sums[2] + sums[3])));
  }
  Vec<T> sum = {};
  for (ptrdiff_t i = 0; i < n; i += width) {
    const ptrdiff_t lanes = least(width, n - i);
    sum = fma<T>(load_partial<T>(x + i, lanes), load_partial<T>(y + i, lanes), sum);
  }
  return total + static_cast<double>(reduce_add<T>(sum));
}

template <class T>
void axpy(T alpha, const T* x, T* y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; ++i) y[i] += alpha * x[i];
}

template <class T>
void scale(T alpha, T* y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; ++i) y[i] *= alpha;
}

template <class T>
void multiply(const T* x, T* y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; ++i) y[i] *= x[i];
}

template <class T>
void multiply_add(const T* x, const T* y, T* out, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; ++i) out[i] += x[i] * y[i];
}

// Penalty l1 sum|w| + l2 sum w^2; g += l1 sign(w) + 2 l2 w, with sign(0) = 0, unless g is null.
template <class T>
double add_penalty(const T* w, T* g, ptrdiff_t n, double l1, double l2) {
  const T slope = static_cast<T>(l1);
  double sum_abs = 0;
  for (ptrdiff_t i = 0; l1 != 0 && i < n; ++i) {
    sum_abs += static_cast<double>(w[i] < 0 ? -w[i] : w[i]);
    if (g != nullptr) g[i] += slope * static_cast<T>((w[i] > 0) - (w[i] < 0));
  }
  if (l2 != 0 && g != nullptr) axpy(static_cast<T>(2 * l2), w, g, n);
  return l1 * sum_abs + (l2 != 0 ? l2 * dot(w, w, n) : 0.0);
}

template <class T>
bool all_finite(const T* x, ptrdiff_t n) {
  FiniteSoFar<T> finite;
  ptrdiff_t i = 0;
  for (; i + kWidth<T> <= n; i += kWidth<T>) finite.look(load<T>(x + i));
  if (i < n) finite.look(load_partial<T>(x + i, n - i));
  return finite.all();
}

// low <= x <= high for all x.
template <class T>
bool all_within(const T* x, ptrdiff_t n, T low, T high) {
  IntVec<T> within = ~IntVec<T>{};
  ptrdiff_t i = 0;
  for (; i + kWidth<T> <= n; i += kWidth<T>) {
    const Vec<T> v = load<T>(x + i);
    within &= (v >= low) & (v <= high);
  }
  if (i < n) {
    const Vec<T> v = load_partial<T>(x + i, n - i);
    within &= ((v >= low) & (v <= high)) | ~first_lanes_mask<T>(n - i);
  }
  return lane_bits<T>(~within) == 0;
}

}  // namespace shallowcore::SHALLOWCORE_ISA
