// Accuracy of the vector functions of math.inl.hpp and normal.inl.hpp in cpp/kernels, for the
// instruction set this program is compiled for (flags + SHALLOWCORE_ISA).  Prints the largest error in ULP of every
// function and type and where it is; exits 1 when one exceeds its bound below, 77 when this CPU
// cannot run it.
//
//   math_accuracy         float: every 1999th bit pattern; double: dense samples and hard corners
//   math_accuracy --all   float: all 2^32 inputs; double: 64 times as many samples
//
// References: double for float, long double (64 bits of mantissa on x86) for double.  An ULP is the
// distance of neighbouring numbers of T at the reference's magnitude, a denormal's below that.
// docs/accuracy.md keeps the figures of a full run.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <numbers>
#include <type_traits>
#include <vector>

#include "math.inl.hpp"
#include "normal.inl.hpp"

namespace simd = shallowcore::SHALLOWCORE_ISA;

namespace {

template <class T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double, long double>;

// |difference| in ULP of T at the magnitude of `value`.
template <class T>
double in_ulp(Wide<T> difference, Wide<T> value) {
  using Limits = std::numeric_limits<T>;
  constexpr int least = Limits::min_exponent - 1, most = Limits::max_exponent - 1;
  constexpr int places = Limits::digits - 1;
  if constexpr (sizeof(T) == 4) {  // from the bits: a full sweep comes here 2^32 times a function
    const int exponent = int(std::bit_cast<uint64_t>(value) >> 52 & 0x7ff) - 1023;
    const int scale = places - std::clamp(exponent, least, most);
    return std::abs(difference) * std::bit_cast<double>(uint64_t(1023 + scale) << 52);
  } else {
    const int scale = places - std::clamp(std::ilogb(value), least, most);
    return double(std::ldexp(std::abs(difference), scale));
  }
}

// |got - want| in ULP of T; infinite for a NaN, an infinity or a sign of zero that should not be.
template <class T>
double ulp_error(T got, Wide<T> want) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(got) || std::isnan(want))
    return std::isnan(got) && std::isnan(want) ? 0 : INFINITY;
  if (got == 0 && std::signbit(got) != std::signbit(want)) return INFINITY;
  if (got == want) return 0;
  // An overflow counts as the first number beyond the range.
  const Wide<T> beyond = Wide<T>(Limits::max()) * (1 + Wide<T>(Limits::epsilon()) / 2);
  const Wide<T> value = std::isinf(got) ? std::copysign(beyond, Wide<T>(got)) : Wide<T>(got);
  want = std::clamp(want, -beyond, beyond);
  return in_ulp<T>(value - want, want);
}

// Runs a vector function over blocks of the inputs it is given and keeps the worst error.
template <class T, class Function, class Reference>
class Sweep {
 public:
  Sweep(Function function, Reference reference) : function_(function), reference_(reference) {}
  void add(T x) {
    x_[count_++] = x;
    if (count_ == kBlock) flush();
  }
  void flush() {
    std::fill(x_ + count_, x_ + kBlock, T(1));
    for (size_t i = 0; i < kBlock; i += simd::kWidth<T>) {
      simd::store<T>(y_ + i, function_(simd::load<T>(x_ + i)));
    }
    for (size_t i = 0; i < count_; ++i) {
      double error = ulp_error<T>(y_[i], reference_(Wide<T>(x_[i])));
      // At zeros and infinities (saturation) nothing but the reference, rounded, will do.
      if ((x_[i] == 0 || std::isinf(x_[i])) && error >= 0.5) error = INFINITY;
      if (error > worst) worst = error, where = double(x_[i]);
    }
    inputs += count_;
    count_ = 0;
  }
  double worst = 0, where = 0;
  uint64_t inputs = 0;

 private:
  static constexpr size_t kBlock = 256;
  Function function_;
  Reference reference_;
  T x_[kBlock], y_[kBlock];
  size_t count_ = 0;
};

// Both signs of: limits of the type, the ends of every function's range, and the neighbours of all.
template <class T>
std::vector<T> corners() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> list{Limits::denorm_min(), Limits::max(), Limits::infinity(), Limits::quiet_NaN()};
  for (int x : {0, 1, 10, 20, 40, 89, 105, 710, 746}) list.push_back(T(x));
  for (int k = Limits::min_exponent - Limits::digits; k <= Limits::max_exponent; ++k) {
    list.push_back(T(k * M_LN2));          // exp is a power of two; overflow, underflow
    list.push_back(T((k + 0.5) * M_LN2));  // the reduced argument changes sign
    list.push_back(std::ldexp(T(1), k));   // log is a multiple of ln 2
    list.push_back(std::ldexp(T(M_SQRT1_2), k));
  }
  for (size_t i = 0, n = list.size(); i < n; ++i) {
    for (T end : {-Limits::infinity(), Limits::infinity()}) {
      T x = list[i];
      for (int step = 0; step < 40; ++step) list.push_back(x = std::nextafter(x, end));
    }
  }
  for (size_t i = 0, n = list.size(); i < n; ++i) list.push_back(-list[i]);
  return list;
}

// A lane among others gives the bits that copies of its input give in the first lane (any NaN is
// as good as another: compilers may swap the terms of a sum).
template <class T, class Function>
bool lanes_independent(const std::vector<T>& list, Function function) {
  constexpr size_t width = simd::kWidth<T>;
  for (size_t i = 0; i + width <= list.size(); i += width) {
    const simd::Vec<T> mixed = function(simd::load<T>(&list[i]));
    for (size_t lane = 0; lane < width; ++lane) {
      T copies[width];
      std::fill(copies, copies + width, list[i + lane]);
      const T among = mixed[lane], alone = function(simd::load<T>(copies))[0];
      if (std::isnan(among) && std::isnan(alone)) continue;
      if (std::memcmp(&among, &alone, sizeof(T)) != 0) return false;
    }
  }
  return true;
}

// Gives `add` the inputs of a sweep: float bit patterns; doubles spread over the bit patterns, and
// evenly over intervals.
template <class T, class Add>
void for_inputs(bool all, Add add) {
  if constexpr (sizeof(T) == 4) {
    for (uint64_t word = 0; word >> 32 == 0; word += all ? 1 : 1999) {
      add(std::bit_cast<float>(uint32_t(word)));
    }
  } else {
    const int density = all ? 64 : 1;
    const uint64_t stride = 0x19e3779b97f5 / density;  // some 650,000 over all doubles, or 64 times
    for (uint64_t word = 0; word < ~stride; word += stride) add(std::bit_cast<double>(word));
    const int n = 100003 * density;
    for (double span : {1.0, 4.0, 40.0, 750.0}) {
      for (int i = -n; i <= n; ++i) add(span * (i + 0.1234567 * (i % 7)) / n);
    }
  }
}

template <class T, class Function, class Reference>
bool check(const char* name, bool all, double bound, Function function, Reference reference) {
  Sweep<T, Function, Reference> sweep(function, reference);
  const std::vector<T> hard = corners<T>();
  for (T x : hard) sweep.add(x);
  for_inputs<T>(all, [&](T x) { sweep.add(x); });
  sweep.flush();
  // Where long double is no wider than double, the reference has an error of its own.
  constexpr bool wide = std::numeric_limits<Wide<T>>::digits > std::numeric_limits<T>::digits;
  const bool independent = lanes_independent<T>(hard, function);
  const bool good = sweep.worst <= bound + (wide ? 0 : 1) && independent;
  std::printf("%-9s %-6s %10llu inputs %8.3f ULP at %-24.*g bound %.2f  %s\n", name,
              sizeof(T) == 4 ? "float" : "double", static_cast<unsigned long long>(sweep.inputs),
              sweep.worst, std::numeric_limits<T>::max_digits10, sweep.where, bound,
              good          ? "ok"
              : independent ? "EXCEEDED"
                            : "LANES DIFFER");
  std::fflush(stdout);
  return good;
}

// erfc(-x / sqrt 2) / 2.  The quotient's own rounding would cost x^2 ULP of the reference: it is made
// good by the derivative.
template <class W>
W normal_reference(W x) {
  constexpr W inverse = std::numbers::sqrt2_v<W> / 2,
              root_pi = W(1.7724538509055160272981674833411452L);
  const W q = -x * inverse, square = x * x, low = std::fma(x, x, -square);
  const W excess = (std::fma(q, q, -square / 2) - low / 2) / (2 * q);  // of q
  const W value = std::erfc(q) / 2;
  return std::isfinite(excess) ? value + std::exp(-q * q) / root_pi * excess : value;
}

// Bounds in ULP, {float, double}; they hold with fused multiply-add and without.
template <class T>
bool check_all(bool all) {
  using V = simd::Vec<T>;
  using W = Wide<T>;
  constexpr int d = sizeof(T) == 8;
  const auto exp = [](W x) { return std::exp(x); };
  const auto expm1 = [](W x) { return std::expm1(x); };
  const auto log = [](W x) { return std::log(x); };
  const auto log1p = [](W x) { return std::log1p(x); };
  const auto tanh = [](W x) { return std::tanh(x); };
  const auto sigmoid = [](W x) {
    return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
  };
  const auto softplus = [](W x) { return (x > 0 ? x : W(0)) + std::log1p(std::exp(-std::abs(x))); };
  using Bound = double[2];
  int failed = 0;
  failed += !check<T>("exp", all, Bound{1.2, 1.2}[d], [](V x) { return simd::exp<T>(x); }, exp);
  failed +=
      !check<T>("expm1", all, Bound{1.8, 2.2}[d], [](V x) { return simd::expm1<T>(x); }, expm1);
  failed += !check<T>("log", all, Bound{0.9, 0.9}[d], [](V x) { return simd::log<T>(x); }, log);
  failed +=
      !check<T>("log1p", all, Bound{1.5, 1.5}[d], [](V x) { return simd::log1p<T>(x); }, log1p);
  failed += !check<T>("tanh", all, Bound{2.8, 2.8}[d], [](V x) { return simd::tanh<T>(x); }, tanh);
  failed += !check<T>(
      "sigmoid", all, Bound{2.5, 2.5}[d], [](V x) { return simd::sigmoid<T>(x); }, sigmoid);
  failed += !check<T>(
      "softplus", all, Bound{1.8, 1.8}[d], [](V x) { return simd::softplus<T>(x); }, softplus);
  failed += !check<T>(
      "normal_cdf", all, Bound{4.5, 6.5}[d], [](V x) { return simd::normal_cdf<T>(x); },
      normal_reference<W>);
  return failed == 0;
}

bool cpu_can_run() {
#if defined(__AVX512F__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#elif defined(__AVX2__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

}  // namespace

int main(int argc, char** argv) {
  if (!cpu_can_run()) {
    std::puts("skipped: this CPU lacks the instruction set this program is built for");
    return 77;
  }
  const bool all = argc > 1 && std::strcmp(argv[1], "--all") == 0;
  const bool good_float = check_all<float>(all);
  return check_all<double>(all) && good_float ? 0 : 1;
}
