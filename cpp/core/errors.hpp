// The exceptions that the core throws.  cpp/bind/errors.cpp is the one place that translates them.
#pragma once

#include <stdexcept>
#include <string>

namespace shallowcore {

// A value the caller gave cannot be worked with: ValueError.
struct InvalidArgument : std::invalid_argument {
  InvalidArgument(const std::string& argument, const std::string& given,
                  const std::string& expected)
      : std::invalid_argument(argument + ": got " + given + ", expected " + expected) {}
};

// The object is in a state in which the call makes no sense: RuntimeError.
struct InvalidState : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require_equal(const char* argument, std::ptrdiff_t given, std::ptrdiff_t expected) {
  if (given != expected) {
    throw InvalidArgument(argument, std::to_string(given), std::to_string(expected));
  }
}

}  // namespace shallowcore
