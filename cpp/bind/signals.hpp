// Ctrl-C in long computations: a Poll that asks Python for pending signals, 20 times a second at most.
#pragma once

#include <chrono>

#include "bind/bind.hpp"

namespace shallowcore::bind {

// Called on the thread that released the GIL; throws what the signal handler raised.
class SignalPoll {
 public:
  void operator()() {
    const auto now = Clock::now();
    if (now < next_) return;
    const py::gil_scoped_acquire held;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    next_ = Clock::now() + std::chrono::milliseconds(50);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point next_ = Clock::now() + std::chrono::milliseconds(50);
};

}  // namespace shallowcore::bind
