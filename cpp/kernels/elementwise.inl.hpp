// Elementwise activations over arrays: what the table's entries for them point to.
#pragma once

#include "kernels/simd.hpp"
#include "kernels/table.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

template <class G>
inline constexpr bool kStoresSlope = requires { G::stores_slope; };

// g, and g' from z.
template <class T, class G>
SHALLOWCORE_INLINE Vec<T> value_of(Vec<T> z, const T* p) {
  if constexpr (kStoresSlope<G>) {
    return G::template all<T>(z, p).value;
  } else {
    return G::template forward<T>(z, p);
  }
}
template <class T, class G>
SHALLOWCORE_INLINE Vec<T> derivative_of(Vec<T> z, const T* p) {
  if constexpr (kStoresSlope<G>) {
    return G::template all<T>(z, p).slope;
  } else {
    return G::template derivative<T>(z, p);
  }
}

template <class T, class G>
void forward_elementwise(const T* z, T* a, ptrdiff_t rows, ptrdiff_t cols, const T* p) {
  const ptrdiff_t n = rows * cols;
  ptrdiff_t i = 0;
  for (; i + kWidth<T> <= n; i += kWidth<T>) {
    store<T>(a + i, value_of<T, G>(load<T>(z + i), p));
  }
  if (i < n) {
    store_partial<T>(a + i, value_of<T, G>(load_partial<T>(z + i, n - i), p), n - i);
  }
}

// out = f(z); false where z holds NaN or infinity.  After the first vector from a natural border of
// `out` on, some numbers once more: stores across cache lines take twice the time.
template <class T, class F>
SHALLOWCORE_INLINE bool map_finite(const T* z, T* out, ptrdiff_t n, F f) {
  FiniteSoFar<T> finite;
  ptrdiff_t i = 0;
  if (n >= kWidth<T>) {
    const Vec<T> v = load<T>(z);
    finite.look(v);
    store<T>(out, f(v));
    const ptrdiff_t beyond =
        static_cast<ptrdiff_t>(reinterpret_cast<uintptr_t>(out) % kVectorBytes);
    i = (kVectorBytes - beyond) / static_cast<ptrdiff_t>(sizeof(T));
  }
#pragma GCC unroll 4
  for (; i + kWidth<T> <= n; i += kWidth<T>) {
    const Vec<T> v = load<T>(z + i);
    finite.look(v);
    store<T>(out + i, f(v));
  }
  if (i < n) {
    const Vec<T> v = load_partial<T>(z + i, n - i);
    finite.look(v);
    store_partial<T>(out + i, f(v), n - i);
  }
  return finite.all();
}

template <class T, class G>
bool forward_finite(const T* z, T* a, ptrdiff_t rows, ptrdiff_t cols, const T* p) {
  return map_finite<T>(z, a, rows * cols, [&](Vec<T> v) { return value_of<T, G>(v, p); });
}

template <class T, class G>
bool derivative_finite(const T* z, T* d, ptrdiff_t n, const T* p) {
  return map_finite<T>(z, d, n, [&](Vec<T> v) { return derivative_of<T, G>(v, p); });
}

// The slope as the backward pass would take it.
template <class T, class G>
void forward_with_slope(const T* z, T* a, T* s, ptrdiff_t n, const T* p) {
  for (ptrdiff_t i = 0; i < n; i += kWidth<T>) {
    const ptrdiff_t lanes = least(kWidth<T>, n - i);
    const Vec<T> v = load_partial<T>(z + i, lanes);
    if constexpr (kStoresSlope<G>) {
      const auto all = G::template all<T>(v, p);
      store_partial<T>(a + i, all.value, lanes);
      store_partial<T>(s + i, all.slope, lanes);
    } else {
      const Vec<T> output = G::template forward<T>(v, p);
      store_partial<T>(a + i, output, lanes);
      store_partial<T>(s + i, G::template slope<T>(output, p), lanes);
    }
  }
}

template <class T, class G>
void backward_elementwise(const T* a, T* d, ptrdiff_t rows, ptrdiff_t cols, const T* p) {
  const ptrdiff_t n = rows * cols;
  ptrdiff_t i = 0;
  for (; i + kWidth<T> <= n; i += kWidth<T>) {
    store<T>(d + i, load<T>(d + i) * G::template slope<T>(load<T>(a + i), p));
  }
  if (i < n) {
    const Vec<T> slope = G::template slope<T>(load_partial<T>(a + i, n - i), p);
    store_partial<T>(d + i, load_partial<T>(d + i, n - i) * slope, n - i);
  }
}

template <class T, class G>
void curvature_elementwise(const T* from, T* d, T* h, ptrdiff_t n, const T* p) {
  for (ptrdiff_t i = 0; i < n; i += kWidth<T>) {
    const ptrdiff_t lanes = least(kWidth<T>, n - i);
    const Vec<T> v = load_partial<T>(from + i, lanes);
    if constexpr (kStoresSlope<G>) {
      const auto all = G::template all<T>(v, p);
      store_partial<T>(d + i, all.slope, lanes);
      store_partial<T>(h + i, all.curvature, lanes);
    } else {
      const Vec<T> slope = G::template slope<T>(v, p);
      store_partial<T>(d + i, slope, lanes);
      store_partial<T>(h + i, G::template curvature<T>(v, slope, p), lanes);
    }
  }
}

}  // namespace shallowcore::SHALLOWCORE_ISA
