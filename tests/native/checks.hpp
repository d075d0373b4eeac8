// What native tests share: checks that are counted, and numbers.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "core/rng.hpp"

namespace shallowcore::testing {

inline int failures = 0;

inline void check(bool right, const std::string& what) {
  if (right) return;
  ++failures;
  std::printf("FAILED: %s\n", what.c_str());
}

// What main() returns once the tests have run.
inline int verdict() {
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}

// Numbers in [-1, 1) that depend on the seed alone.
template <class T>
std::vector<T> numbers(Index n, std::uint32_t seed) {
  std::vector<T> values(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto words = philox4x32({static_cast<std::uint32_t>(i), 0, 0, 0}, {seed, 0});
    values[i] = static_cast<T>(words[0] / 2147483648.0 - 1);
  }
  return values;
}

}  // namespace shallowcore::testing
