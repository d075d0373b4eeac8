// The normal distribution, as the exact gelu needs it: its tail to full relative precision.
//
// "Max ULP" as in math.inl.hpp.
#pragma once

#include "math.inl.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

template <class T>
struct NormalConstants;

template <>
struct NormalConstants<float> {
  static constexpr int32_t kUpperBits = ~0xfff;  // of a number whose square is to be exact
  static constexpr float kCut = 14.5f;           // the tail beyond rounds to 0
  static constexpr float kMiddle = 4.0f;
  // (y + kMiddle) times the ratio below, minimax in t on y <= kCut, error <= 5.6e-8 relative.
  static constexpr float kRatio[] = {
      0x1.82b4bcp-1f,  -0x1.373e38p-1f, 0x1.8c6d9ep-2f,  -0x1.7ep-3f,     0x1.eed40ap-5f,
      -0x1.ed2cfap-8f, -0x1.cc66cep-9f, 0x1.9b89e8p-10f, 0x1.782ed6p-13f, -0x1.14b76ap-13f};
};

template <>
struct NormalConstants<double> {
  static constexpr int64_t kUpperBits = ~0x7ffffff;
  static constexpr double kCut = 38.7;
  static constexpr double kMiddle = 5.0;
  // As above: error <= 3.6e-17 relative.
  static constexpr double kRatio[] = {
      0x1.89d3abe1f95aep-1,   -0x1.54ad03f27ca16p-1, 0x1.fb31653876f98p-2,   -0x1.410ed5f875b36p-2,
      0x1.51f6329f015bdp-3,   -0x1.1b1c254c94455p-4, 0x1.54b4d4f4ca63fp-6,   -0x1.88590eb5bd58ep-9,
      -0x1.a25037dbf4983p-11, 0x1.1daf1ea4f4988p-11, -0x1.f2146139a65b1p-15, -0x1.a1713bc1814c9p-15,
      0x1.17dd0df9e6044p-16,  0x1.0b313054a43eep-18, -0x1.73a9a13381013p-19, -0x1.6aa09bad256e7p-22,
      0x1.d0ab28d39d98dp-22,  0x1.7698a3e87a016p-25, -0x1.18cb84ecbdfa1p-24, -0x1.5f4b8127d0d96p-27,
      0x1.eef1886b8ff5cp-28,  0x1.1602c152fb08bp-29};
};

// Of y = |x|: the distribution function at -y is exp(-y^2 / 2) ratio.
template <class T>
struct NormalTail {
  Vec<T> y;          // no more than kCut
  ExpParts<T> bell;  // exp(-y^2 / 2)
  Vec<T> ratio;      // exp(y^2 / 2) erfc(y / sqrt 2) / 2: from 1/2, slowly down
};

// y^2 as the square of y's upper bits, which is exact, and a rest: rounding it would cost y^2 / 2 ULP.
// The ratio is a polynomial in t = (y - m) / (y + m) = 2 y / (y + m) - 1, divided by y + m (Shepherd
// and Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity", 1981).
template <class T>
SHALLOWCORE_INLINE NormalTail<T> normal_tail(Vec<T> x) {
  using C = MathConstants<T>;
  using N = NormalConstants<T>;
  NormalTail<T> tail;
  const Vec<T> y = min<T>(abs<T>(x), broadcast<T>(N::kCut));
  const Vec<T> upper = from_bits<T>(bits<T>(y) & N::kUpperBits);
  const Vec<T> large = upper * upper * T(-0.5), rest = (y - upper) * (y + upper) * T(-0.5);
  constexpr T shift = C::kRoundShift + T(2 * C::kBias);
  const Vec<T> shifted = fma<T>(large + rest, broadcast<T>(C::kLog2e), broadcast<T>(shift));
  const Vec<T> n = shifted - shift;
  Vec<T> r = fma<T>(n, broadcast<T>(-C::kLn2High), large);
  r = r + fma<T>(n, broadcast<T>(-C::kLn2Low), rest);
  tail.bell = {(WordVec<T>)shifted, fma<T>(r * r, polynomial<T>(r, C::kExp), r)};
  const Vec<T> inverse = T(1) / (y + N::kMiddle), t = T(2) * (y * inverse) - T(1);
  tail.ratio = polynomial<T>(t, N::kRatio) * inverse;
  tail.y = y;
  return tail;
}

// The distribution function, (1 + erf(x / sqrt 2)) / 2.
template <class T>
SHALLOWCORE_INLINE Vec<T> normal_cdf(Vec<T> x) {
  const NormalTail<T> tail = normal_tail<T>(x);
  const Vec<T> below = exp_times<T>(tail.bell, tail.ratio);
  return select<T>(x < T(0), below, T(1) - below);
}

}  // namespace shallowcore::SHALLOWCORE_ISA
