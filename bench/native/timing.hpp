// Rates of repeated work, and their medians.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace shallowcore::bench {

inline double now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(time).count();
}

// Work a second of f(times), which returns the work it did; called until a sample is long enough.
template <class F>
double rate(double sample_seconds, F&& f) {
  double work = 0, seconds = 0;
  const double start = now();
  for (int times = 1; seconds < sample_seconds; times *= 2) {
    work += f(times);
    seconds = now() - start;
  }
  return work / seconds;
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

}  // namespace shallowcore::bench
