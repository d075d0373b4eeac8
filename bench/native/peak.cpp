// What the processor can do at best: independent chains of multiply-adds that touch no memory.
// Compiled once for each instruction set, like the kernels; the count of operations is returned.
#include "native/peak.hpp"

#include "kernels/simd.hpp"

namespace shallowcore::SHALLOWCORE_ISA {
namespace {

// 12 chains cover the latency of two units; with two constants they fit into 16 registers.
constexpr int kChains = 12;

template <class T>
double multiply_add(ptrdiff_t rounds, T* sink) {
  const Vec<T> factor = broadcast<T>(T(0.5));
  const Vec<T> term = broadcast<T>(*sink);
  Vec<T> sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = broadcast<T>(T(i));
  for (ptrdiff_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = fma<T>(sums[i], factor, term);
  }
  Vec<T> total = sums[0];
  for (int i = 1; i < kChains; ++i) total = total + sums[i];
  *sink = reduce_add<T>(total);
  return 2.0 * kChains * kWidth<T> * static_cast<double>(rounds);
}

}  // namespace

double peak_f32(ptrdiff_t rounds, float* sink) { return multiply_add<float>(rounds, sink); }
double peak_f64(ptrdiff_t rounds, double* sink) { return multiply_add<double>(rounds, sink); }

}  // namespace shallowcore::SHALLOWCORE_ISA
