// Activations z G(z) with a gate G that rises from 0 to 1: gelu and silu.  They fall before they rise,
// so that g' does not follow from the output: it is stored in the forward pass.
//
// G(-z) = 1 - G(z), and so g'(-z) = 1 - g'(z), and g'' is even: everything comes from the small side,
// -y = -|z|, where nothing cancels but what is 0 in the middle.
#pragma once

#include "kernels/normal.inl.hpp"
#include "kernels/table.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// g, g' and g'' at some z.
template <class T>
struct Gated {
  Vec<T> value, slope, curvature;
};

// From y G(-y), and g' and g'' at -y.
template <class T>
SHALLOWCORE_INLINE Gated<T> gated_from_below(Vec<T> z, Gated<T> below) {
  const IntVec<T> negative = z < T(0);
  return {select<T>(negative, -below.value, z - below.value),
          select<T>(negative, below.slope, T(1) - below.slope), below.curvature};
}

// G = s(v(z)) with s the sigmoid and v odd, from v, v', v'' at y: with e = exp(-v), y small enough,
//   G(-y) = e / (1 + e),   g'(-y) = G(-y) (1 - y v' / (1 + e)),
//   g''(y) = e / (1 + e)^2 (2 v' + y (v'' - v'^2 (1 - e) / (1 + e))).
template <class T>
SHALLOWCORE_INLINE Gated<T> sigmoid_gate(Vec<T> z, Vec<T> y, Vec<T> v, Vec<T> dv, Vec<T> ddv) {
  const ExpParts<T> parts =
      exp_parts<T>(max<T>(-v, broadcast<T>(MathConstants<T>::kExpTimesLowest)));
  const Vec<T> one = broadcast<T>(T(1)), e = exp_times<T>(parts, one), share = one / (one + e);
  const Vec<T> bend = T(2) * dv + y * (ddv - dv * dv * (one - e) * share);
  return gated_from_below<T>(
      z, {exp_times<T>(parts, y) * share, exp_times<T>(parts, one - y * dv * share) * share,
          exp_times<T>(parts, bend) * share * share});
}

// Ramachandran, Zoph, Le, "Searching for activation functions", 2017.
struct Silu {
  static constexpr bool stores_slope = true;
  static constexpr const char* name = "silu";
  static constexpr const char* formula = "z / (1 + exp(-z))";
  static constexpr Parameter parameters[2] = {};
  template <class T>
  SHALLOWCORE_INLINE static Gated<T> all(Vec<T> z, const T*) {
    const Vec<T> y = min<T>(abs<T>(z), broadcast<T>(-MathConstants<T>::kExpTimesLowest));
    return sigmoid_gate<T>(z, y, y, broadcast<T>(T(1)), Vec<T>{});
  }
};

// Hendrycks, Gimpel, "Gaussian error linear units", 2016.
struct Gelu {
  static constexpr bool stores_slope = true;
  static constexpr const char* name = "gelu";
  static constexpr const char* formula =
      "z (1 + erf(z / sqrt 2)) / 2; approximate: z (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2";
  static constexpr Parameter parameters[2] = {{"approximate", 0.0}};
  // G the normal distribution function, with density f: g' = G + z f, g'' = f (2 - z^2).
  template <class T>
  SHALLOWCORE_INLINE static Gated<T> exact(Vec<T> z) {
    constexpr T density = T(0.39894228040143267794);  // 1 / sqrt(2 pi)
    const NormalTail<T> tail = normal_tail<T>(z);
    const Vec<T> y = tail.y;
    return gated_from_below<T>(z, {exp_times<T>(tail.bell, y * tail.ratio),
                                   exp_times<T>(tail.bell, tail.ratio - density * y),
                                   exp_times<T>(tail.bell, density * (T(2) - y * y))});
  }
  // (1 + tanh u) / 2 = s(2 u)
  template <class T>
  SHALLOWCORE_INLINE static Gated<T> by_tanh(Vec<T> z) {
    constexpr T twice = T(1.5957691216057307117), cubic = T(0.044715);  // 2 sqrt(2 / pi)
    const Vec<T> y = min<T>(abs<T>(z), broadcast<T>(T(30)));
    const Vec<T> square = cubic * y * y;
    return sigmoid_gate<T>(z, y, twice * y * (T(1) + square), twice * (T(1) + T(3) * square),
                           T(6) * twice * cubic * y);
  }
  template <class T>
  SHALLOWCORE_INLINE static Gated<T> all(Vec<T> z, const T* p) {
    return p[0] != T(0) ? by_tanh<T>(z) : exact<T>(z);
  }
};

}  // namespace shallowcore::SHALLOWCORE_ISA
