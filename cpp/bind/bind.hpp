// What the binding files share: the erased classes and the registration functions.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

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

// The data set of a trainer that gets its batches one by one: each is lent for one step.
struct FedDataset {
  explicit FedDataset(const Dataset& first) { take(first); }

  void take(const Dataset& batch) {
    labels.assign(batch.labels, batch.labels + (batch.labels == nullptr ? 0 : batch.rows()));
    data = batch;
    data.labels = batch.labels == nullptr ? nullptr : labels.data();
    data.mapped = false;
    data.fed = true;
  }

  Dataset data;
  std::vector<std::int32_t> labels;  // a copy: the caller may write to his own meanwhile
};

struct AnyTrainer {
  std::unique_ptr<FedDataset> fed;  // null: all samples are at hand; outlives the trainer
  Either<Trainer> trainer;
};

// Element type of the network that P, a member of such a variant, points to.
template <class P>
using ElementOf = std::remove_cvref_t<decltype(*std::declval<P&>()->parameters())>;

// Arrays of the caller, kept alive and described for the core; nothing is copied that is aligned.
struct BoundDataset {
  py::array x, y, weights;
  // Of compressed inputs: a checked copy, because the caller may write to his own meanwhile.
  std::vector<std::int32_t> columns;
  std::vector<std::int64_t> starts;
  std::vector<py::weakref> held;
  Dataset data;
};

void register_config(py::module_& m);
void register_registry(py::module_& m);
void register_ops(py::module_& m);
void register_network(py::module_& m);
void register_trainer(py::module_& m);
void register_stepper(py::module_& m);
void register_exclusive(py::module_& m);
void register_errors(py::module_& m);

}  // namespace shallowcore::bind
