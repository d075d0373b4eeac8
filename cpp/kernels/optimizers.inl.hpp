// First-order optimizers: one struct each, and one line in the list of isa.cpp.
//
//   weight_decay               default of the decoupled decay that all of them have
//   kFewest, kMost             state vectors that there may be
//   slots(values)              those needed with these parameter values; zeros before the first step
//   prepare(values, t, c)      constants of step t (1 first), worked out in double and rounded once
//   step(c, w, g, s, slots)    new weights in w and new state in s[0..slots), one vector of each
#pragma once

#include <math.h>

#include "kernels/simd.hpp"
#include "kernels/table.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// An epsilon as T, at least the smallest normal number: where it is 0, no gradient ever seen is no
// step, not 0 / 0, in the padding between tensors too.
template <class T>
SHALLOWCORE_INLINE T epsilon_of(double value) {
  constexpr T least = sizeof(T) == 4 ? T(1.17549435e-38) : T(2.2250738585072014e-308);
  const T epsilon = static_cast<T>(value);
  return epsilon > least ? epsilon : least;
}

// Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum", 2013.
struct Sgd {
  static constexpr const char* name = "sgd";
  static constexpr const char* formula =
      "v = momentum v - lr g;  w += v, or momentum v - lr g with nesterov";
  static constexpr Parameter parameters[kMaxParameters] = {
      {"learning_rate", 0.01}, {"momentum", 0.0}, {"nesterov", 0.0}};
  static constexpr double weight_decay = 0;
  static constexpr int kFewest = 0, kMost = 1;
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
  static constexpr double weight_decay = 0;
  static constexpr int kFewest = 1, kMost = 3;
  static int slots(const double* values) { return values[4] != 0 ? 3 : values[2] != 0 ? 2 : 1; }
  template <class T>
  static void prepare(const double* values, int64_t, T* c) {
    c[0] = static_cast<T>(values[0]);
    c[1] = static_cast<T>(values[1]);
    c[2] = static_cast<T>(1 - values[1]);
    c[3] = static_cast<T>(values[2]);
    c[4] = epsilon_of<T>(values[3]);
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
  static constexpr double weight_decay = 0;
  static constexpr int kFewest = 2, kMost = 3;
  static int slots(const double* values) { return values[4] != 0 ? 3 : 2; }
  template <class T>
  static void prepare(const double* values, int64_t t, T* c) {
    const double steps = static_cast<double>(t);
    c[0] = static_cast<T>(values[0] * ::sqrt(1 - ::pow(values[2], steps)) /
                          (1 - ::pow(values[1], steps)));
    c[1] = static_cast<T>(1 - values[1]);
    c[2] = static_cast<T>(1 - values[2]);
    c[3] = epsilon_of<T>(values[3]);
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

// Loshchilov, Hutter, "Decoupled weight decay regularization", 2019: Adam, with weights that decay.
struct AdamW : Adam {
  static constexpr const char* name = "adamw";
  static constexpr const char* formula = "w -= lr weight_decay w, then as adam";
  static constexpr double weight_decay = 0.004;
};

// Duchi, Hazan, Singer, "Adaptive subgradient methods", 2011; epsilon under the root as in Keras 3.
// The state is the sum without its initial value, so that it starts at zero.
struct Adagrad {
  static constexpr const char* name = "adagrad";
  static constexpr const char* formula =
      "v += g^2, from v = initial_accumulator_value;  w -= lr g / sqrt(v + epsilon)";
  static constexpr Parameter parameters[kMaxParameters] = {
      {"learning_rate", 0.001}, {"initial_accumulator_value", 0.1}, {"epsilon", 1e-7}};
  static constexpr double weight_decay = 0;
  static constexpr int kFewest = 1, kMost = 1;
  static int slots(const double*) { return 1; }
  template <class T>
  static void prepare(const double* values, int64_t, T* c) {
    c[0] = static_cast<T>(values[0]);
    c[1] = epsilon_of<T>(values[1] + values[2]);
  }
  template <class T>
  SHALLOWCORE_INLINE static void step(const T* c, Vec<T>& w, Vec<T> g, Vec<T>* s, int) {
    s[0] = s[0] + g * g;
    w = w - c[0] * g / sqrt<T>(s[0] + c[1]);
  }
};

// Dozat, "Incorporating Nesterov momentum into Adam", 2016, with his schedule of the momentum.
struct Nadam {
  static constexpr const char* name = "nadam";
  static constexpr const char* formula =
      "m and v as adam;  w -= lr (u_t+1 m / (1 - U_t+1) + (1 - u_t) g / (1 - U_t)) / "
      "(sqrt(v / (1 - beta_2^t)) + epsilon), u_t = beta_1 (1 - 0.96^t / 2), U_t = u_1 ... u_t";
  static constexpr Parameter parameters[kMaxParameters] = {
      {"learning_rate", 0.001}, {"beta_1", 0.9}, {"beta_2", 0.999}, {"epsilon", 1e-7}};
  static constexpr double weight_decay = 0;
  static constexpr int kFewest = 2, kMost = 2;
  static int slots(const double*) { return 2; }
  // u_1 ... u_t, whose factors end where the next ones change nothing that 1 - U_t shows.
  static double product(double beta, int64_t t) {
    double product = 1, decay = 1;
    if (::pow(beta, static_cast<double>(t)) < 1e-20) return 0;
    for (int64_t i = 1; i <= t && decay > 1e-20; ++i) {
      decay *= 0.96;
      product *= beta * (1 - 0.5 * decay);
      if (decay <= 1e-20) product *= ::pow(beta, static_cast<double>(t - i));
    }
    return product;
  }
  template <class T>
  static void prepare(const double* values, int64_t t, T* c) {
    const double steps = static_cast<double>(t), beta = values[1];
    const double now = beta * (1 - 0.5 * ::pow(0.96, steps));
    const double next = beta * (1 - 0.5 * ::pow(0.96, steps + 1));
    const double so_far = product(beta, t);
    c[0] = static_cast<T>(values[0] * next / (1 - so_far * next));
    c[1] = static_cast<T>(values[0] * (1 - now) / (1 - so_far));
    c[2] = static_cast<T>(1 - beta);
    c[3] = static_cast<T>(1 - values[2]);
    c[4] = static_cast<T>(1 / ::sqrt(1 - ::pow(values[2], steps)));
    c[5] = epsilon_of<T>(values[3]);
  }
  template <class T>
  SHALLOWCORE_INLINE static void step(const T* c, Vec<T>& w, Vec<T> g, Vec<T>* s, int) {
    s[0] = s[0] + c[2] * (g - s[0]);
    s[1] = s[1] + c[3] * (g * g - s[1]);
    w = w - (c[0] * s[0] + c[1] * g) / (c[4] * sqrt<T>(s[1]) + c[5]);
  }
};

// Riedmiller, Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
// algorithm", 1993, in the form iRprop- of Igel, Huesken, 2000, as PyTorch has it.  State: the last
// gradient, and the size of the step, learning_rate in the first.
struct Rprop {
  static constexpr const char* name = "rprop";
  static constexpr const char* formula =
      "d *= eta_plus or eta_minus where g keeps or changes its sign, step_min <= d <= step_max;  "
      "w -= d sign(g), not where the sign has changed";
  static constexpr Parameter parameters[kMaxParameters] = {{"learning_rate", 0.01},
                                                           {"eta_minus", 0.5},
                                                           {"eta_plus", 1.2},
                                                           {"step_min", 1e-6},
                                                           {"step_max", 50.0}};
  static constexpr double weight_decay = 0;
  static constexpr int kFewest = 2, kMost = 2;
  static int slots(const double*) { return 2; }
  template <class T>
  static void prepare(const double* values, int64_t t, T* c) {
    for (int i = 0; i < 5; ++i) c[i] = static_cast<T>(values[i]);
    c[5] = t == 1 ? T{1} : T{0};
  }
  template <class T>
  SHALLOWCORE_INLINE static void step(const T* c, Vec<T>& w, Vec<T> g, Vec<T>* s, int) {
    const Vec<T> zero = {}, one = broadcast<T>(1);
    // By signs: a product of small gradients may be 0.
    const Vec<T> sign = select<T>(g > zero, one, select<T>(g < zero, -one, g));
    const Vec<T> turn = sign * s[0];
    const Vec<T> size = c[5] != 0 ? broadcast<T>(c[0]) : s[1];
    const Vec<T> factor =
        select<T>(turn > zero, broadcast<T>(c[2]), select<T>(turn < zero, broadcast<T>(c[1]), one));
    s[1] = min<T>(max<T>(size * factor, broadcast<T>(c[3])), broadcast<T>(c[4]));
    s[0] = select<T>(turn < zero, zero, sign);
    w = w - s[1] * s[0];
  }
};

// One sweep of optimizer O over n elements, SLOTS state vectors of it in use.  SHARED: with what all
// methods share.
template <class T, class O, int SLOTS, bool SHARED>
void sweep(T* w, const T* g, T* const* slots, ptrdiff_t n, const T* constants) {
  T c[kMaxConstants];
  for (int i = 0; i < kMaxConstants; ++i) c[i] = constants[i];
  const Vec<T> decay = broadcast<T>(c[kDecay]);
  const Vec<T> limit = broadcast<T>(c[kClip] > 0 ? c[kClip] : T(__builtin_inff()));
  for (ptrdiff_t i = 0; i < n; i += kWidth<T>) {
    const ptrdiff_t lanes = n - i < kWidth<T> ? n - i : kWidth<T>;
    Vec<T> s[kMaxSlots] = {};
#pragma GCC unroll 3
    for (int k = 0; k < SLOTS; ++k) s[k] = load_partial<T>(slots[k] + i, lanes);
    Vec<T> weights = load_partial<T>(w + i, lanes), gradient = load_partial<T>(g + i, lanes);
    if constexpr (SHARED) {
      gradient = min<T>(max<T>(gradient, -limit), limit);
      weights = weights - weights * decay;
    }
    O::template step<T>(c, weights, gradient, s, SLOTS);
    store_partial<T>(w + i, weights, lanes);
#pragma GCC unroll 3
    for (int k = 0; k < SLOTS; ++k) store_partial<T>(slots[k] + i, s[k], lanes);
  }
}

template <class T, class O, bool SHARED, int SLOTS = O::kFewest>
void update_with(T* w, const T* g, T* const* slots, int n_slots, ptrdiff_t n, const T* constants) {
  if constexpr (SLOTS < O::kMost) {
    if (n_slots > SLOTS) {
      return update_with<T, O, SHARED, SLOTS + 1>(w, g, slots, n_slots, n, constants);
    }
  }
  sweep<T, O, SLOTS, SHARED>(w, g, slots, n, constants);
}

template <class T, class O>
void update(T* w, const T* g, T* const* slots, int n_slots, ptrdiff_t n, const T* constants) {
  if (constants[kDecay] != 0 || constants[kClip] > 0) {
    return update_with<T, O, true>(w, g, slots, n_slots, n, constants);
  }
  update_with<T, O, false>(w, g, slots, n_slots, n, constants);
}

}  // namespace shallowcore::SHALLOWCORE_ISA
