// Without the GIL in long computations, and Ctrl-C there: a Poll that asks Python for pending signals, 20 times a second at most.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>

#include "bind/bind.hpp"

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace shallowcore::bind {

// f(), which takes the GIL.  When the interpreter goes down, Python before 3.14 ends a daemon thread that
// asks for the GIL by unwinding it, through Python's objects and past whoever catches all; such a thread
// stays here instead, until the process has ended, as later Pythons have it.
template <class F>
void or_stay(F&& f) {
#if defined(__GLIBCXX__)
  try {
    f();
  } catch (abi::__forced_unwind&) {
    const std::atomic<bool> ended{false};  // this thread never sees it
    for (;;) ended.wait(false);
  }
#else
  f();
#endif
}

// Called on the thread that released the GIL; throws what the signal handler raised.
class SignalPoll {
 public:
  void operator()() {
    const auto now = Clock::now();
    if (now < next_) return;
    or_stay([] {
      const py::gil_scoped_acquire held;
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    });
    next_ = Clock::now() + std::chrono::milliseconds(50);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point next_ = Clock::now() + std::chrono::milliseconds(50);
};

// f() without the GIL.
template <class F>
void without_gil(F&& f) {
  PyThreadState* state = PyEval_SaveThread();
  std::exception_ptr failure;
  try {
    f();
  } catch (...) {
    failure = std::current_exception();
  }
  or_stay([&] { PyEval_RestoreThread(state); });
  if (failure) std::rethrow_exception(failure);
}

// The same, but with the GIL where f takes less time (so many operations) than giving it back does good.
template <class F>
void without_gil_if_long(double flops, F&& f) {
  if (flops < 1e5) return f();
  without_gil(f);
}

}  // namespace shallowcore::bind
