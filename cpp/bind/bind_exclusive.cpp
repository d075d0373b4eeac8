// What keeps other threads from training a model while one does.
//
// Here and not in Python: Ctrl-C is raised between Python's instructions, and may fall into a lock's own
// __enter__ or __exit__ there, which would leave it locked for ever.
#include <atomic>
#include <cstdint>

#include "bind/bind.hpp"

namespace shallowcore::bind {
namespace {

class Exclusive {
 public:
  // Again and again by the thread that has it.
  void enter() {
    thread_local char mark = 0;
    const auto self = reinterpret_cast<std::uintptr_t>(&mark);
    std::uintptr_t owner = 0;
    if (!owner_.compare_exchange_strong(owner, self) && owner != self) {
      throw InvalidState(
          "the model is being trained by another thread: train it from one thread at a time");
    }
    ++depth_;
  }
  void exit() {
    if (--depth_ == 0) owner_ = 0;
  }
  bool nested() const { return depth_ > 1; }

 private:
  std::atomic<std::uintptr_t> owner_{0};
  int depth_ = 0;  // the owner's
};

}  // namespace

void register_exclusive(py::module_& m) {
  py::class_<Exclusive>(m, "Exclusive")
      .def(py::init<>())
      .def("__enter__", &Exclusive::enter)
      .def("__exit__", [](Exclusive& self, const py::args&) { self.exit(); })
      .def("nested", &Exclusive::nested);
}

}  // namespace shallowcore::bind
