// Vector exp, expm1, log, log1p, tanh, sigmoid and softplus for float and double.
//
// One body serves every instruction set: it asks only for what simd.hpp offers, and takes fma() as
// one rounding or two.  A lane's result depends on that lane alone.  NaN gives NaN; infinities,
// signed zeros and denormals come out as IEEE arithmetic wants them: no flushing, and underflow is
// gradual.
//
// "Max ULP" in the comments is what tests/native/math_accuracy.cpp measured, for float (all 2^32
// inputs) / double (dense samples and hard corners), with fused multiply-add or without, whichever
// is larger; docs/accuracy.md has both.  The polynomials are this file's own: minimax (Remez exchange
// at 50 digits), then rounded to T; the errors stated for them are those after rounding.
#pragma once

#include "simd.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// --- layout of the types, and their constants ---------------------------------------------------

template <class T>
struct MathConstants;

template <>
struct MathConstants<float> {
  typedef uint32_t Word;
  static constexpr int kMantissaBits = 23;
  static constexpr Word kBias = 127;
  static constexpr Word kSqrtHalfBits = 0x3f3504f3;
  static constexpr float kMinNormal = 0x1p-126f;
  static constexpr float kDenormalScale = 0x1p24f;
  static constexpr float kDenormalShift = 24;
  static constexpr float kRoundShift = 0x1.8p23f;  // the low bits of n + this are the integer n
  // ln 2 in two pieces; the upper one has 10 bits, so its product with any exponent is exact.
  static constexpr float kLog2e = 0x1.715476p+0f;
  static constexpr float kHalfLn2 = 0x1.62e43p-2f;
  static constexpr float kLn2High = 0x1.63p-1f;
  static constexpr float kLn2Low = -0x1.bd0106p-13f;
  // Below the lower bound exp rounds to 0, above the upper one it overflows.
  static constexpr float kExpLowest = -105.0f;
  static constexpr float kExpHighest = 89.0f;
  // Where even a hundred exp round to 0.
  static constexpr float kExpTimesLowest = -118.0f;
  // Beyond these expm1(-x) rounds to -1, and tanh(x) to 1.
  static constexpr float kExpm1Saturates = 20.0f;
  static constexpr float kTanhSaturates = 10.0f;
  // (exp(r) - 1 - r) / r^2, minimax on |r| <= 0.3468, error of expm1(r) <= 1.7e-8 relative.
  static constexpr float kExp[] = {0x1.fffffep-2f, 0x1.5554b0p-3f, 0x1.555674p-5f, 0x1.1227b0p-7f,
                                   0x1.6bec08p-10f};
  // (log((1+s)/(1-s)) - 2s) / s^3 in z = s^2, minimax on [0, 0.0295], error of log <= 8.3e-10.
  static constexpr float kLog[] = {0x1.55557ap-1f, 0x1.995ec2p-2f, 0x1.31e3fep-2f};
  // (tanh(r) - r) / r^3 in r^2, minimax on |r| <= 0.1734, error of tanh(r) <= 1.6e-10 relative.
  static constexpr float kTanh[] = {-0x1.55554ep-2f, 0x1.1105c8p-3f, -0x1.afef34p-5f};
};

template <>
struct MathConstants<double> {
  typedef uint64_t Word;
  static constexpr int kMantissaBits = 52;
  static constexpr Word kBias = 1023;
  static constexpr Word kSqrtHalfBits = 0x3fe6a09e667f3bcd;
  static constexpr double kMinNormal = 0x1p-1022;
  static constexpr double kDenormalScale = 0x1p54;
  static constexpr double kDenormalShift = 54;
  static constexpr double kRoundShift = 0x1.8p52;
  static constexpr double kLog2e = 0x1.71547652b82fep+0;
  static constexpr double kHalfLn2 = 0x1.62e42fefa39efp-2;
  static constexpr double kLn2High = 0x1.62e42feep-1;
  static constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  static constexpr double kExpLowest = -746.0;
  static constexpr double kExpHighest = 710.0;
  static constexpr double kExpTimesLowest = -758.0;
  static constexpr double kExpm1Saturates = 40.0;
  static constexpr double kTanhSaturates = 20.0;
  // As above: error of expm1(r) <= 3.8e-17 relative.
  static constexpr double kExp[] = {
      0x1.0000000000002p-1,  0x1.555555555553cp-3,  0x1.5555555552e64p-5,  0x1.1111111118e74p-7,
      0x1.6c16c17c96a08p-10, 0x1.a01a01738619dp-13, 0x1.a019ad01ee7fbp-16, 0x1.71de8efcba97fp-19,
      0x1.289d279c6961dp-22, 0x1.ae5c3795df0d8p-26};
  // As above: error of log <= 1.3e-18 relative.
  static constexpr double kLog[] = {
      0x1.5555555555593p-1, 0x1.999999997f98bp-2, 0x1.249249423422ep-2, 0x1.c71c51cd7aae1p-3,
      0x1.74664c3084b46p-3, 0x1.39a04c76d6641p-3, 0x1.2f14ab4f180e7p-3};
  // As above: error of tanh(r) <= 4.2e-18 relative.
  static constexpr double kTanh[] = {-0x1.55555555554bcp-2, 0x1.11111110e0983p-3,
                                     -0x1.ba1ba116b8b17p-5, 0x1.664ec9cc2e364p-6,
                                     -0x1.223c70330c8dap-7, 0x1.c382f91375f21p-9};
};

template <class T>
struct WordVecOf {
  typedef typename MathConstants<T>::Word Type __attribute__((vector_size(kVectorBytes)));
};
// Unsigned words as wide as T: shifts right bring in zeros, and sums may wrap.
template <class T>
using WordVec = typename WordVecOf<T>::Type;

template <class T>
SHALLOWCORE_INLINE T infinity() {
  return static_cast<T>(__builtin_inff());
}

// The polynomial c[First] + c[First + Step] x + c[First + 2 Step] x^2 + ... by Horner's rule.
template <class T, int First, int Step, int N>
SHALLOWCORE_INLINE Vec<T> horner(Vec<T> x, const T (&c)[N]) {
  constexpr int last = First + (N - 1 - First) / Step * Step;
  Vec<T> sum = broadcast<T>(c[last]);
#pragma GCC unroll 16
  for (int i = last - Step; i >= First; i -= Step) sum = fma<T>(sum, x, broadcast<T>(c[i]));
  return sum;
}

// The polynomial with coefficients c; long ones as even + x * odd, to halve the chain of waits.
template <class T, int N>
SHALLOWCORE_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[N]) {
  if constexpr (N < 6) {
    return horner<T, 0, 1>(x, c);
  } else {
    const Vec<T> square = x * x;
    return fma<T>(horner<T, 1, 2>(square, c), x, horner<T, 0, 2>(square, c));
  }
}

// --- exp and its kin ----------------------------------------------------------------------------

// exp(x) = 2^n (1 + p), n = round(x / ln 2), p = expm1(x - n ln 2), |x - n ln 2| <= 0.3468.  The
// low bits of the word `biased` are the integer n + 2 bias.
template <class T>
struct ExpParts {
  WordVec<T> biased;
  Vec<T> p;
};

template <class T>
SHALLOWCORE_INLINE ExpParts<T> exp_parts(Vec<T> x) {
  using C = MathConstants<T>;
  constexpr T shift = C::kRoundShift + T(2 * C::kBias);
  const Vec<T> shifted = fma<T>(x, broadcast<T>(C::kLog2e), broadcast<T>(shift));
  const Vec<T> n = shifted - shift;
  Vec<T> r = fma<T>(n, broadcast<T>(-C::kLn2High), x);
  r = fma<T>(n, broadcast<T>(-C::kLn2Low), r);
  return {(WordVec<T>)shifted, fma<T>(r * r, polynomial<T>(r, C::kExp), r)};
}

// 2^n for -bias < n <= bias, from n + bias in the low bits of `word` (the others are shifted out).
template <class T>
SHALLOWCORE_INLINE Vec<T> power_of_two(WordVec<T> word) {
  return (Vec<T>)(word << MathConstants<T>::kMantissaBits);
}

// exp(x) for kExpLowest <= x <= kExpHighest.  2^n is applied in two halves: only the last product
// can overflow or round to a denormal.
template <class T>
SHALLOWCORE_INLINE Vec<T> exp_bounded(Vec<T> x) {
  const ExpParts<T> e = exp_parts<T>(x);
  const WordVec<T> half = e.biased >> 1;  // n / 2 + bias in the low bits
  return (e.p + T(1)) * power_of_two<T>(half) * power_of_two<T>(e.biased - half);
}

// factor exp, with exp in its parts, from exp(kExpTimesLowest) on: small exponentials under a large
// factor lose nothing, since the last product alone can overflow or round to a denormal.
template <class T>
SHALLOWCORE_INLINE Vec<T> exp_times(const ExpParts<T>& e, Vec<T> factor) {
  const WordVec<T> half = e.biased >> 1;
  return (e.p + T(1)) * factor * power_of_two<T>(half) * power_of_two<T>(e.biased - half);
}

// exp(x), any x.  Max ULP: 1.05 / 1.10.
template <class T>
SHALLOWCORE_INLINE Vec<T> exp(Vec<T> x) {
  using C = MathConstants<T>;
  x = max<T>(x, broadcast<T>(C::kExpLowest));
  return exp_bounded<T>(min<T>(x, broadcast<T>(C::kExpHighest)));
}

// exp(-|x|), any x: the part of sigmoid and softplus that cannot overflow.
template <class T>
SHALLOWCORE_INLINE Vec<T> exp_minus_abs(Vec<T> x) {
  return exp_bounded<T>(max<T>(-abs<T>(x), broadcast<T>(MathConstants<T>::kExpLowest)));
}

// expm1(x) = 2 (2^(n-1) p + (2^(n-1) - 1/2)): the half keeps 2^n in range up to overflow.  Where x
// is so small that halving it could lose bits, x is the result, sign of zero included.
// Max ULP: 1.72 / 2.12.
template <class T>
SHALLOWCORE_INLINE Vec<T> expm1(Vec<T> x) {
  using C = MathConstants<T>;
  const Vec<T> bounded =
      min<T>(max<T>(x, broadcast<T>(-C::kExpm1Saturates)), broadcast<T>(C::kExpHighest));
  const ExpParts<T> e = exp_parts<T>(bounded);
  const Vec<T> half = power_of_two<T>(e.biased - (C::kBias + 1));
  const Vec<T> result = fma<T>(half, e.p, half - T(0.5)) * T(2);
  return select<T>(abs<T>(x) < C::kMinNormal * 4, x, result);
}

// sigmoid(x) = 1 / (1 + e) for x >= 0, e / (1 + e) for x < 0, with e = exp(-|x|) <= 1: nothing
// overflows, and small results keep their relative accuracy.  Max ULP: 2.40 / 2.35.
template <class T>
SHALLOWCORE_INLINE Vec<T> sigmoid(Vec<T> x) {
  const Vec<T> e = exp_minus_abs<T>(x);
  return select<T>(x < T(0), e, broadcast<T>(T(1))) / (e + T(1));
}

// tanh(x) = (e - 1) / (e + 1), e = exp(2 |x|), given the sign of x.  With |x| = n ln 2 / 2 + r and
// w = tanh(r), |r| <= 0.1734, e is 2^n (1 + w) / (1 - w): the quotient is that of (h + 1/2) w + h - 1/2
// and (h - 1/2) w + h + 1/2, h = 2^n / 2.  w is an odd polynomial of few terms; n ln 2 / 2 in one piece
// is good enough, since n is small.  |x| is cut where the result has rounded to 1.
// Max ULP: 2.50 / 2.60.
template <class T>
SHALLOWCORE_INLINE Vec<T> tanh(Vec<T> x) {
  using C = MathConstants<T>;
  constexpr T shift = C::kRoundShift + T(C::kBias - 1);
  const Vec<T> magnitude = abs<T>(x);
  const Vec<T> cut = min<T>(magnitude, broadcast<T>(C::kTanhSaturates));
  const Vec<T> shifted = fma<T>(cut, broadcast<T>(2 * C::kLog2e), broadcast<T>(shift));
  const Vec<T> half = power_of_two<T>((WordVec<T>)shifted);
  const Vec<T> less = half - T(0.5), more = half + T(0.5);
  const Vec<T> r = fma<T>(shifted - shift, broadcast<T>(-C::kHalfLn2), cut), square = r * r;
  const Vec<T> w = fma<T>(square * r, polynomial<T>(square, C::kTanh), r);
  const Vec<T> result = fma<T>(more, w, less) / fma<T>(less, w, more);
  return from_bits<T>(bits<T>(result) | (bits<T>(x) ^ bits<T>(magnitude)));
}

// --- log and its kin ----------------------------------------------------------------------------

// k ln 2 + log(1 + f) for integer-valued k and 1 + f in [sqrt 1/2, sqrt 2].  With s = f / (2 + f)
// and R = (log((1+s)/(1-s)) - 2s) / s, a series in s^2, log(1 + f) = f - (f^2/2 - s (f^2/2 + R)):
// the large term is exact and the rest small (the arrangement of fdlibm's e_log.c).
template <class T>
SHALLOWCORE_INLINE Vec<T> log_from_parts(Vec<T> k, Vec<T> f) {
  using C = MathConstants<T>;
  const Vec<T> s = f / (f + T(2));
  const Vec<T> z = s * s;
  const Vec<T> r = z * polynomial<T>(z, C::kLog);
  const Vec<T> half_square = f * f * T(0.5);
  const Vec<T> small = fma<T>(s, half_square + r, k * C::kLn2Low);
  return fma<T>(k, broadcast<T>(C::kLn2High), f - (half_square - small));
}

// A positive normal u as 2^k m, m in [sqrt 1/2, sqrt 2).  `biased` has k + bias in its exponent
// field, and below it the bits of m less those of sqrt 1/2.
template <class T>
struct LogParts {
  WordVec<T> biased;
  Vec<T> k;
};

template <class T>
SHALLOWCORE_INLINE LogParts<T> log_parts(Vec<T> u) {
  using C = MathConstants<T>;
  typedef typename C::Word Word;
  constexpr Word one = C::kBias << C::kMantissaBits;
  // The integer k + bias becomes a T by sitting in the low bits of 2^mantissa.
  constexpr T base = static_cast<T>(Word(1) << C::kMantissaBits);
  constexpr Word base_bits = (C::kBias + C::kMantissaBits) << C::kMantissaBits;
  const WordVec<T> biased = (WordVec<T>)u + (one - C::kSqrtHalfBits);
  const Vec<T> k = (Vec<T>)((biased >> C::kMantissaBits) | base_bits) - (base + T(C::kBias));
  return {biased, k};
}

// `result` for x > 0; +inf at +inf, -inf at 0, NaN below 0 and for NaN.
template <class T>
SHALLOWCORE_INLINE Vec<T> log_limits(Vec<T> x, Vec<T> result) {
  const Vec<T> at_zero_or_nan =
      select<T>(x == T(0), broadcast<T>(-infinity<T>()), broadcast<T>(T(__builtin_nanf(""))));
  result = select<T>(x > T(0), result, at_zero_or_nan);
  return select<T>(x == infinity<T>(), x, result);
}

// log(x) = k ln 2 + log(m), x = 2^k m; denormals are scaled up first.  Max ULP: 0.84 / 0.83.
template <class T>
SHALLOWCORE_INLINE Vec<T> log(Vec<T> x) {
  using C = MathConstants<T>;
  constexpr auto mantissa = (typename C::Word(1) << C::kMantissaBits) - 1;
  const IntVec<T> denormal = x < C::kMinNormal;
  const LogParts<T> parts = log_parts<T>(select<T>(denormal, x * C::kDenormalScale, x));
  const Vec<T> m = (Vec<T>)((parts.biased & mantissa) + C::kSqrtHalfBits);
  const Vec<T> k = select<T>(denormal, parts.k - C::kDenormalShift, parts.k);
  return log_limits<T>(x, log_from_parts<T>(k, m - T(1)));
}

// log1p(x), any x, with k from 1 + x = 2^k m.  f = 2^-k x + (2^-k - 1) is taken from x itself, so
// what 1 + x lost does not matter; where k = 0, f is x.  (Both terms are scaled by 1/4: 2^(2-k) is
// a normal number for every k.)  Max ULP: 1.39 / 1.39.
template <class T>
SHALLOWCORE_INLINE Vec<T> log1p(Vec<T> x) {
  using C = MathConstants<T>;
  constexpr auto mantissa = (typename C::Word(1) << C::kMantissaBits) - 1;
  const Vec<T> u = x + T(1);
  const LogParts<T> parts = log_parts<T>(u);
  const Vec<T> scale =
      (Vec<T>)(((2 * C::kBias + 2) << C::kMantissaBits) - (parts.biased & ~mantissa));
  const Vec<T> f = fma<T>(x * T(0.25), scale, scale * T(0.25) - T(1));
  const Vec<T> result = log_limits<T>(u, log_from_parts<T>(parts.k, f));
  return select<T>(abs<T>(x) < C::kMinNormal * 4, x, result);
}

// softplus(x) = log(1 + exp(x)) = max(x, 0) + log1p(e), e = exp(-|x|) <= 1: never overflows, and
// for very negative x falls to 0 as exp(x) does.  1 + e = 2^k (1 + f), k = 0 or 1.
// Max ULP: 1.68 / 1.68.
template <class T>
SHALLOWCORE_INLINE Vec<T> softplus(Vec<T> x) {
  const Vec<T> zero = {}, one = broadcast<T>(T(1)), half = broadcast<T>(T(0.5));
  const Vec<T> e = exp_minus_abs<T>(x);
  const IntVec<T> upper = e > T(0.4142135623730950);  // sqrt 2 - 1
  const Vec<T> k = select<T>(upper, one, zero);
  const Vec<T> f = select<T>(upper, fma<T>(e, half, -half), e);
  return max<T>(x, zero) + log_from_parts<T>(k, f);
}

}  // namespace shallowcore::SHALLOWCORE_ISA
