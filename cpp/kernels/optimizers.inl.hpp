// First-order optimizers: one struct each, and one line in the list of isa.cpp.
//
//   slots(values)              state vectors needed with these parameter values
//   prepare(values, t, c)      constants of step t (1 first), worked out in double and rounded once
//   step(c, w, g, s, slots)    new weights in w and new state in s[0..slots), one vector of each
#pragma once

#include <math.h>

#include "kernels/simd.hpp"
#include "kernels/table.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum", 2013.
struct Sgd {
  static constexpr const char* name = "sgd";
  static constexpr const char* formula =
      "v = momentum v - lr g;  w += v, or momentum v - lr g with nesterov";
  static constexpr Parameter parameters[kMaxParameters] = {
      {"learning_rate", 0.01}, {"momentum", 0.0}, {"nesterov", 0.0}};
  static int slots(const double* values) { return values[1] != 0 ? 1 : 0; }
  template <class T>
  static void prepare(const double* values, int64_t, T* c) {
    c[0] = static_cast<T>(values[0]);
    c[1] = static_cast<T>(values[1]);
    c[2] = static_cast<T>(values[2]);
  }
  template <class T>
  SHALLOWCORE_INLINE static void step(const T* c, Vec<T>& w, Vec<T> g, Vec<T>* s, int slots) {
    const Vec<T> descent = c[0] * g;
    if (slots == 0) {
      w = w - descent;
      return;
    }
    s[0] = c[1] * s[0] - descent;
    w = w + (c[2] != 0 ? c[1] * s[0] - descent : s[0]);
  }
};

// Tieleman, Hinton, "Lecture 6.5 - RMSprop", 2012; epsilon under the root and momentum on the step as
// in Keras 3.
struct RmsProp {
  static constexpr const char* name = "rmsprop";
  static constexpr const char* formula =
      "v = rho v + (1 - rho) g^2;  w -= lr g / sqrt(v + epsilon) "
      "(centered: v - m^2 with m = rho m + (1 - rho) g;  momentum: u = momentum u + step, w -= u)";
  static constexpr Parameter parameters[kMaxParameters] = {{"learning_rate", 0.001},
                                                           {"rho", 0.9},
                                                           {"momentum", 0.0},
                                                           {"epsilon", 1e-7},
                                                           {"centered", 0.0}};
  static int slots(const double* values) { return values[4] != 0 ? 3 : values[2] != 0 ? 2 : 1; }
  template <class T>
  static void prepare(const double* values, int64_t, T* c) {
    c[0] = static_cast<T>(values[0]);
    c[1] = static_cast<T>(values[1]);
    c[2] = static_cast<T>(1 - values[1]);
    c[3] = static_cast<T>(values[2]);
    c[4] = static_cast<T>(values[3]);
  }
  template <class T>
  SHALLOWCORE_INLINE static void step(const T* c, Vec<T>& w, Vec<T> g, Vec<T>* s, int slots) {
    s[0] = c[1] * s[0] + c[2] * (g * g);
    Vec<T> variance = s[0];
    if (slots == 3) {
      s[2] = c[1] * s[2] + c[2] * g;
      variance = max<T>(variance - s[2] * s[2], Vec<T>{});  // rounding may take it below 0
    }
    const Vec<T> descent = c[0] * g / sqrt<T>(variance + c[4]);
    if (slots == 1) {
      w = w - descent;
      return;
    }
    s[1] = c[3] * s[1] + descent;
    w = w - s[1];
  }
};

// Kingma, Ba, "Adam: a method for stochastic optimization", 2015, in the form just before section 2.1;
// amsgrad: Reddi, Kale, Kumar, "On the convergence of Adam and beyond", 2018.
struct Adam {
  static constexpr const char* name = "adam";
  static constexpr const char* formula =
      "m += (1 - beta_1)(g - m);  v += (1 - beta_2)(g^2 - v);  w -= alpha_t m / (sqrt(v) + "
      "epsilon), "
      "alpha_t = lr sqrt(1 - beta_2^t) / (1 - beta_1^t) (amsgrad: the largest v so far)";
  static constexpr Parameter parameters[kMaxParameters] = {{"learning_rate", 0.001},
                                                           {"beta_1", 0.9},
                                                           {"beta_2", 0.999},
                                                           {"epsilon", 1e-7},
                                                           {"amsgrad", 0.0}};
  static int slots(const double* values) { return values[4] != 0 ? 3 : 2; }
  template <class T>
  static void prepare(const double* values, int64_t t, T* c) {
    const double steps = static_cast<double>(t);
    c[0] = static_cast<T>(values[0] * ::sqrt(1 - ::pow(values[2], steps)) /
                          (1 - ::pow(values[1], steps)));
    c[1] = static_cast<T>(1 - values[1]);
    c[2] = static_cast<T>(1 - values[2]);
    c[3] = static_cast<T>(values[3]);
  }
  template <class T>
  SHALLOWCORE_INLINE static void step(const T* c, Vec<T>& w, Vec<T> g, Vec<T>* s, int slots) {
    s[0] = s[0] + c[1] * (g - s[0]);
    s[1] = s[1] + c[2] * (g * g - s[1]);
    Vec<T> v = s[1];
    if (slots == 3) v = s[2] = max<T>(s[2], v);
    w = w - c[0] * s[0] / (sqrt<T>(v) + c[3]);
  }
};

// One sweep of optimizer O over n elements, SLOTS state vectors of it in use.
template <class T, class O, int SLOTS>
void sweep(T* w, const T* g, T* const* slots, ptrdiff_t n, const T* constants) {
  T c[kMaxParameters];
  for (int i = 0; i < kMaxParameters; ++i) c[i] = constants[i];
  for (ptrdiff_t i = 0; i < n; i += kWidth<T>) {
    const ptrdiff_t lanes = n - i < kWidth<T> ? n - i : kWidth<T>;
    Vec<T> s[kMaxSlots] = {};
#pragma GCC unroll 3
    for (int k = 0; k < SLOTS; ++k) s[k] = load_partial<T>(slots[k] + i, lanes);
    Vec<T> weights = load_partial<T>(w + i, lanes);
    O::template step<T>(c, weights, load_partial<T>(g + i, lanes), s, SLOTS);
    store_partial<T>(w + i, weights, lanes);
#pragma GCC unroll 3
    for (int k = 0; k < SLOTS; ++k) store_partial<T>(slots[k] + i, s[k], lanes);
  }
}

template <class T, class O>
void update(T* w, const T* g, T* const* slots, int n_slots, ptrdiff_t n, const T* constants) {
  switch (n_slots) {
    case 0:
      return sweep<T, O, 0>(w, g, slots, n, constants);
    case 1:
      return sweep<T, O, 1>(w, g, slots, n, constants);
    case 2:
      return sweep<T, O, 2>(w, g, slots, n, constants);
    default:
      return sweep<T, O, 3>(w, g, slots, n, constants);
  }
}

}  // namespace shallowcore::SHALLOWCORE_ISA
