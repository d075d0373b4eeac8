// What was compiled, what runs, and how many threads.
#include "bind/bind.hpp"
#include "core/blas.hpp"
#include "core/team.hpp"
#include "core/threads.hpp"
#include "kernels/registry.hpp"
#include "model/plan.hpp"

namespace shallowcore::bind {
namespace {

// Says "debug" where assertions are on: figures of such a build mean nothing.
std::string compiler() {
#if defined(__clang__)
  const std::string name = "clang " __clang_version__;
#else
  const std::string name = "gcc " __VERSION__;
#endif
#if defined(NDEBUG)
  return name;
#else
  return name + " (debug)";
#endif
}

}  // namespace

void register_config(py::module_& m) {
  m.def("isa", [] { return std::string(kernels<float>().isa); });
  m.def("compiled_isas", &compiled_instruction_sets);
  m.def("supported_isas", &supported_instruction_sets);
  m.def("plan_names", &plan_names);
  m.def("blas", [] { return std::string(blas_name()); });
  m.def("openmp", [] { return std::string(openmp_version()); });
  m.def("compiler", &compiler);
  m.def("num_threads", &num_threads);
  m.def("available_cpus", &available_cpus);
  m.def(
      "set_num_threads",
      [](int n) {
        if (n < 1) throw InvalidArgument("n", std::to_string(n), "at least 1");
        set_num_threads(n);
      },
      py::arg("n"));
}

}  // namespace shallowcore::bind
