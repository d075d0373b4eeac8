// The native module: registration only, one binding file a topic.
#include "bind/bind.hpp"
#include "kernels/table.hpp"

PYBIND11_MODULE(_core, m) {
  using namespace shallowcore::bind;
  m.doc() = "The native core of shallowcore; use the package's public modules instead.";
  register_errors(m);
  shallowcore::kernels<float>();  // an instruction set that cannot be had fails the import
  register_config(m);
  register_registry(m);
  register_ops(m);
  register_network(m);
  register_trainer(m);
  register_stepper(m);
  register_exclusive(m);
}
