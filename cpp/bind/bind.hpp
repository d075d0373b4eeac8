// What the binding files share: the erased classes and the registration functions.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "model/trainer.hpp"

namespace shallowcore::bind {

namespace py = pybind11;

// A class template of the core for either element type.
template <template <class> class C>
using Either = std::variant<std::unique_ptr<C<float>>, std::unique_ptr<C<double>>>;

struct AnyNetwork {
  Either<Network> network;
};

struct AnyOptimizer {
  Either<Optimizer> optimizer;
};

struct AnyTrainer {
  Either<Trainer> trainer;
};

// Element type of the network that P, a member of such a variant, points to.
template <class P>
using ElementOf = std::remove_cvref_t<decltype(*std::declval<P&>()->parameters())>;

// Arrays of the caller, kept alive and described for the core; nothing is copied that is aligned.
struct BoundDataset {
  py::array x, y, weights;
  Dataset data;
};

void register_config(py::module_& m);
void register_registry(py::module_& m);
void register_ops(py::module_& m);
void register_network(py::module_& m);
void register_trainer(py::module_& m);
void register_stepper(py::module_& m);
void register_errors(py::module_& m);

}  // namespace shallowcore::bind
