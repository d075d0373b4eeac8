// Activations: one struct each, and one name in the list of isa.cpp.  Nothing else in the project
// lists them: Python asks the table.
//
// An elementwise activation gives, on vectors,
//   forward(z)        a = g(z)
//   derivative(z)     g'(z), without cancellation
//   slope(a)          g'(z) from the output a, as the backward pass uses it
//   curvature(a, s)   g''(z) from the output and the slope
// or, where the slope does not follow from the output (gates.inl.hpp),
//   all(z)            all three, of which the compiler drops those that are not used.
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

struct Softplus {
  static constexpr const char* name = "softplus";
  static constexpr const char* formula = "ln(1 + exp(z))";
  static constexpr Parameter parameters[2] = {};
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> forward(Vec<T> z, const T*) {
    return softplus<T>(z);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> derivative(Vec<T> z, const T*) {
    return sigmoid<T>(z);
  }
  // e^z / (1 + e^z) = 1 - e^-a
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T> a, const T*) {
    return -expm1<T>(-a);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> curvature(Vec<T>, Vec<T> slope, const T*) {
    return slope * (T{1} - slope);
  }
};

// Bergstra, Desjardins, Lamblin, Bengio, "Quadratic polynomials learn better image features", 2009.
struct Softsign {
  static constexpr const char* name = "softsign";
  static constexpr const char* formula = "z / (1 + |z|)";
  static constexpr Parameter parameters[2] = {};
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> forward(Vec<T> z, const T*) {
    return z / (T{1} + abs<T>(z));
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> derivative(Vec<T> z, const T*) {
    const Vec<T> share = T{1} / (T{1} + abs<T>(z));
    return share * share;
  }
  // 1 / (1 + |z|) = 1 - |a|
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T> a, const T*) {
    const Vec<T> share = T{1} - abs<T>(a);
    return share * share;
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> curvature(Vec<T> a, Vec<T> slope, const T*) {
    const Vec<T> size = T{-2} * slope * (T{1} - abs<T>(a));
    return select<T>(a < Vec<T>{}, -size, size);
  }
};

struct HardSigmoid {
  static constexpr const char* name = "hard_sigmoid";
  static constexpr const char* formula = "min(max(z + 3, 0), 6) / 6";
  static constexpr Parameter parameters[2] = {};
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> forward(Vec<T> z, const T*) {
    return min<T>(max<T>(z + T{3}, Vec<T>{}), broadcast<T>(6)) / T{6};
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> derivative(Vec<T> z, const T*) {
    return select<T>((z > T{-3}) & (z < T{3}), broadcast<T>(T{1} / T{6}), Vec<T>{});
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T> a, const T*) {
    return select<T>((a > T{0}) & (a < T{1}), broadcast<T>(T{1} / T{6}), Vec<T>{});
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> curvature(Vec<T>, Vec<T>, const T*) {
    return Vec<T>{};
  }
};

struct Exponential {
  static constexpr const char* name = "exponential";
  static constexpr const char* formula = "exp(z)";
  static constexpr Parameter parameters[2] = {};
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> forward(Vec<T> z, const T*) {
    return exp<T>(z);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> derivative(Vec<T> z, const T*) {
    return exp<T>(z);
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T> a, const T*) {
    return a;
  }
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> curvature(Vec<T> a, Vec<T>, const T*) {
    return a;
  }
};

}  // namespace shallowcore::SHALLOWCORE_ISA
