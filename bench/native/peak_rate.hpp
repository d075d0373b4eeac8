// The peak of multiply-adds on the instruction set in use, on so many threads at once.
#pragma once

#include "native/peak.hpp"

namespace shallowcore::bench {

// At least `operations` multiply-adds (each counts as two) spread over the threads; how many it was.
template <class T>
double run_at_peak(double operations, int threads);

}  // namespace shallowcore::bench
