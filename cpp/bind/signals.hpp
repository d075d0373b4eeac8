// Without the GIL in long computations, and Ctrl-C there: a Poll that asks Python for pending signals, 20 times a second at most.
#pragma once

#include <chrono>
#include <exception>

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

// f() without the GIL.  Not gil_scoped_release: when the interpreter is going down, taking the GIL back
// ends a daemon thread by unwinding it, which a destructor would turn into std::terminate.
template <class F>
void without_gil(F&& f) {
  PyThreadState* state = PyEval_SaveThread();
  std::exception_ptr failure;
  try {
    f();
  } catch (...) {
    failure = std::current_exception();
  }
  PyEval_RestoreThread(state);
  if (failure) std::rethrow_exception(failure);
}

// The same, but with the GIL where f takes less time (so many operations) than giving it back does good.
template <class F>
void without_gil_if_long(double flops, F&& f) {
  if (flops < 1e5) return f();
  without_gil(f);
}

}  // namespace shallowcore::bind
