// The only place where the core's exceptions become Python's.
#include "core/errors.hpp"
#include "bind/bind.hpp"

namespace shallowcore::bind {

void register_errors(py::module_&) {
  py::register_exception_translator([](std::exception_ptr failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const InvalidArgument& error) {
      py::set_error(PyExc_ValueError, error.what());
    } catch (const InvalidState& error) {
      py::set_error(PyExc_RuntimeError, error.what());
    }
  });
}

}  // namespace shallowcore::bind
