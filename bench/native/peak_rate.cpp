#include "native/peak_rate.hpp"

#include <string>
#include <vector>

#include "core/team.hpp"
#include "kernels/table.hpp"

namespace shallowcore::bench {
namespace {

// `rounds` of the loop on one thread: see peak.hpp.
template <class T>
double peak_operations(const std::string& isa, Index rounds) {
  T sink = T(1e-3);
#define SHALLOWCORE_TRY(name)                                           \
  if (isa == #name) {                                                   \
    if constexpr (sizeof(T) == 4) return name::peak_f32(rounds, &sink); \
    if constexpr (sizeof(T) == 8) return name::peak_f64(rounds, &sink); \
  }
#ifdef SHALLOWCORE_HAVE_BASELINE
  SHALLOWCORE_TRY(baseline)
#endif
#ifdef SHALLOWCORE_HAVE_AVX2
  SHALLOWCORE_TRY(avx2)
#endif
#ifdef SHALLOWCORE_HAVE_AVX512
  SHALLOWCORE_TRY(avx512)
#endif
#ifdef SHALLOWCORE_HAVE_NEON
  SHALLOWCORE_TRY(neon)
#endif
#undef SHALLOWCORE_TRY
  return 0;
}

}  // namespace

template <class T>
double run_at_peak(double operations, int threads) {
  const std::string isa = kernels<T>().isa;
  const double share = operations / threads / peak_operations<T>(isa, 1);
  const Index rounds = static_cast<Index>(share) + 1;
  std::vector<double> done(static_cast<std::size_t>(threads));
  for_chunks(threads, threads, [&](Index chunk, int) {
    done[static_cast<std::size_t>(chunk)] = peak_operations<T>(isa, rounds);
  });
  double sum = 0;
  for (const double part : done) sum += part;
  return sum;
}

template double run_at_peak<float>(double, int);
template double run_at_peak<double>(double, int);

}  // namespace shallowcore::bench
