// Activations: one struct each, and one name in the list of isa.cpp.  Nothing else in the project
// lists them: Python asks the table.
//
// An elementwise activation gives, on vectors,
//   forward(z)        a = g(z)
//   derivative(z)     g'(z), without cancellation
//   slope(a)          g'(z) from the output a, as the backward pass uses it
//   curvature(a, s)   g''(z) from the output and the slope
// A row-wise one gives forward and backward on whole rows.  p points to its parameters.
#pragma once

#include "kernels/math.inl.hpp"
#include "kernels/simd.hpp"
#include "kernels/table.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

struct Identity {
  static constexpr const char* name = "identity";
  static constexpr const char* formula = "z";
  static constexpr Parameter parameters[2] = {};
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> forward(Vec<T> z, const T*) {
    return z;
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> derivative(Vec<T>, const T*) {
    return broadcast<T>(1);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T>, const T*) {
    return broadcast<T>(1);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> curvature(Vec<T>, Vec<T>, const T*) {
    return Vec<T>{};
  }
};

// s(z) s(-z) = e / (1 + e)^2, e = exp(-|z|), with s the sigmoid: its derivative.
template <class T>
SHALLOWCORE_INLINE Vec<T> sigmoid_derivative(Vec<T> z) {
  const Vec<T> e = exp_minus_abs<T>(z), larger = T{1} / (T{1} + e);
  return e * larger * larger;
}

struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static constexpr const char* formula = "1 / (1 + exp(-z))";
  static constexpr Parameter parameters[2] = {};
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> forward(Vec<T> z, const T*) {
    return sigmoid<T>(z);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> derivative(Vec<T> z, const T*) {
    return sigmoid_derivative<T>(z);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T> a, const T*) {
    return a * (T{1} - a);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> curvature(Vec<T> a, Vec<T> slope, const T*) {
    return slope * (T{1} - T{2} * a);
  }
};

struct Tanh {
  static constexpr const char* name = "tanh";
  static constexpr const char* formula = "tanh(z)";
  static constexpr Parameter parameters[2] = {};
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> forward(Vec<T> z, const T*) {
    return tanh<T>(z);
  }
  // 1 - tanh^2 z = 4 s(2z) s(-2z)
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> derivative(Vec<T> z, const T*) {
    return T{4} * sigmoid_derivative<T>(z + z);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T> a, const T*) {
    return (T{1} - a) * (T{1} + a);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> curvature(Vec<T> a, Vec<T> slope, const T*) {
    return T{-2} * a * slope;
  }
};

struct Relu {
  static constexpr const char* name = "relu";
  static constexpr const char* formula = "max(0, z)";
  static constexpr Parameter parameters[2] = {};
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> forward(Vec<T> z, const T*) {
    return max<T>(z, Vec<T>{});
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> derivative(Vec<T> z, const T*) {
    return select<T>(z > Vec<T>{}, broadcast<T>(1), Vec<T>{});
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T> a, const T* p) {
    return derivative<T>(a, p);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> curvature(Vec<T>, Vec<T>, const T*) {
    return Vec<T>{};
  }
};

struct LeakyRelu {
  static constexpr const char* name = "leaky_relu";
  static constexpr const char* formula = "z if z > 0 else negative_slope * z";
  static constexpr Parameter parameters[2] = {{"negative_slope", 0.01}};
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> forward(Vec<T> z, const T* p) {
    return select<T>(z > Vec<T>{}, z, z * p[0]);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> derivative(Vec<T> z, const T* p) {
    return select<T>(z > Vec<T>{}, broadcast<T>(1), broadcast<T>(p[0]));
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T> a, const T* p) {
    return derivative<T>(a, p);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> curvature(Vec<T>, Vec<T>, const T*) {
    return Vec<T>{};
  }
};

// lambda (z if z > 0 else alpha (e^z - 1)): what elu (lambda = 1) and selu share.  From the output,
// lambda alpha e^z = a + lambda alpha.
template <class T>
SHALLOWCORE_INLINE Vec<T> elu_forward(Vec<T> z, T alpha, T lambda) {
  return lambda * select<T>(z > Vec<T>{}, z, alpha * expm1<T>(min<T>(z, Vec<T>{})));
}
template <class T>
SHALLOWCORE_INLINE Vec<T> elu_derivative(Vec<T> z, T alpha, T lambda) {
  return lambda * select<T>(z > Vec<T>{}, broadcast<T>(1), alpha * exp<T>(min<T>(z, Vec<T>{})));
}
template <class T>
SHALLOWCORE_INLINE Vec<T> elu_slope(Vec<T> a, T alpha, T lambda) {
  return select<T>(a > Vec<T>{}, broadcast<T>(lambda), a + lambda * alpha);
}
template <class T>
SHALLOWCORE_INLINE Vec<T> elu_curvature(Vec<T> a, Vec<T> slope) {
  return select<T>(a > Vec<T>{}, Vec<T>{}, slope);
}

struct Elu {
  static constexpr const char* name = "elu";
  static constexpr const char* formula = "z if z > 0 else alpha * (exp(z) - 1)";
  static constexpr Parameter parameters[2] = {{"alpha", 1.0}};
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> forward(Vec<T> z, const T* p) {
    return elu_forward<T>(z, p[0], 1);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> derivative(Vec<T> z, const T* p) {
    return elu_derivative<T>(z, p[0], 1);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T> a, const T* p) {
    return elu_slope<T>(a, p[0], 1);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> curvature(Vec<T> a, Vec<T> slope, const T*) {
    return elu_curvature<T>(a, slope);
  }
};

// Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks", 2017.
struct Selu {
  static constexpr double alpha = 1.6732632423543772;
  static constexpr double lambda = 1.0507009873554805;
  static constexpr const char* name = "selu";
  static constexpr const char* formula =
      "1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * (exp(z) - 1))";
  static constexpr Parameter parameters[2] = {};
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> forward(Vec<T> z, const T*) {
    return elu_forward<T>(z, T(alpha), T(lambda));
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> derivative(Vec<T> z, const T*) {
    return elu_derivative<T>(z, T(alpha), T(lambda));
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T> a, const T*) {
    return elu_slope<T>(a, T(alpha), T(lambda));
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> curvature(Vec<T> a, Vec<T> slope, const T*) {
    return elu_curvature<T>(a, slope);
  }
};

// --- loops over arrays ----------------------------------------------------------------------------

template <class T, class G>
void forward_elementwise(const T* z, T* a, ptrdiff_t rows, ptrdiff_t cols, const T* p) {
  const ptrdiff_t n = rows * cols;
  ptrdiff_t i = 0;
  for (; i + kWidth<T> <= n; i += kWidth<T>) {
    store<T>(a + i, G::template forward<T>(load<T>(z + i), p));
  }
  if (i < n) {
    store_partial<T>(a + i, G::template forward<T>(load_partial<T>(z + i, n - i), p), n - i);
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
  return map_finite<T>(z, a, rows * cols, [&](Vec<T> v) { return G::template forward<T>(v, p); });
}

template <class T, class G>
bool derivative_finite(const T* z, T* d, ptrdiff_t n, const T* p) {
  return map_finite<T>(z, d, n, [&](Vec<T> v) { return G::template derivative<T>(v, p); });
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
void curvature_elementwise(const T* a, T* d, T* h, ptrdiff_t n, const T* p) {
  for (ptrdiff_t i = 0; i < n; i += kWidth<T>) {
    const ptrdiff_t lanes = n - i < kWidth<T> ? n - i : kWidth<T>;
    const Vec<T> output = load_partial<T>(a + i, lanes);
    const Vec<T> slope = G::template slope<T>(output, p);
    store_partial<T>(d + i, slope, lanes);
    store_partial<T>(h + i, G::template curvature<T>(output, slope, p), lanes);
  }
}

}  // namespace shallowcore::SHALLOWCORE_ISA
