// The multiply-add loops of peak.cpp, one pair for each instruction set compiled in.
// A loop runs `rounds` times, leaves something in *sink, returns the operations it did.
#pragma once

#include <stddef.h>

#define SHALLOWCORE_PEAK(isa)                 \
  namespace shallowcore::isa {                \
  double peak_f32(ptrdiff_t rounds, float*);  \
  double peak_f64(ptrdiff_t rounds, double*); \
  }

SHALLOWCORE_PEAK(baseline)
SHALLOWCORE_PEAK(avx2)
SHALLOWCORE_PEAK(avx512)
SHALLOWCORE_PEAK(neon)

#undef SHALLOWCORE_PEAK
