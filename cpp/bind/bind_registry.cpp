// What the core knows by name, for those who list it.
#include <pybind11/typing.h>

#include "bind/bind.hpp"
#include "kernels/registry.hpp"
#include "model/optimizer.hpp"

namespace shallowcore::bind {
namespace {

// Names and defaults, in the order of the table.
template <class Parameters>
py::typing::Dict<py::str, double> named(const Parameters& parameters) {
  py::typing::Dict<py::str, double> result;
  for (const Parameter& parameter : parameters) {
    if (parameter.name != nullptr) result[parameter.name] = parameter.value;
  }
  return result;
}

struct ActivationInfo {
  const ActivationKernels<float>* entry;
};

struct LossInfo {
  const LossKernels<float>* entry;
};

}  // namespace

void register_registry(py::module_& m) {
  py::class_<ActivationInfo>(m, "ActivationInfo")
      .def_property_readonly("name", [](const ActivationInfo& i) { return i.entry->name; })
      .def_property_readonly("formula", [](const ActivationInfo& i) { return i.entry->formula; })
      .def_property_readonly("parameters",
                             [](const ActivationInfo& i) { return named(i.entry->parameters); })
      .def_property_readonly("elementwise",
                             [](const ActivationInfo& i) { return i.entry->elementwise; });
  py::class_<LossInfo>(m, "LossInfo")
      .def_property_readonly("name", [](const LossInfo& i) { return i.entry->name; })
      .def_property_readonly("formula", [](const LossInfo& i) { return i.entry->formula; })
      .def_property_readonly("integer_labels",
                             [](const LossInfo& i) { return i.entry->integer_labels; })
      .def_property_readonly("has_logits",
                             [](const LossInfo& i) { return i.entry->from_logits != nullptr; })
      .def_property_readonly("has_label_smoothing",
                             [](const LossInfo& i) { return i.entry->label_smoothing; });
  py::class_<OptimizerInfo>(m, "OptimizerInfo")
      .def_readonly("name", &OptimizerInfo::name)
      .def_readonly("formula", &OptimizerInfo::formula)
      .def_property_readonly("parameters",
                             [](const OptimizerInfo& i) { return named(i.parameters); })
      .def_readonly("full_batch", &OptimizerInfo::full_batch);

  m.def("activation_table", [] {
    std::vector<ActivationInfo> table;
    const auto& all = kernels<float>();
    for (int i = 0; i < all.n_activations; ++i) table.push_back({&all.activations[i]});
    return table;
  });
  m.def("loss_table", [] {
    std::vector<LossInfo> table;
    const auto& all = kernels<float>();
    for (int i = 0; i < all.n_losses; ++i) table.push_back({&all.losses[i]});
    return table;
  });
  m.def("optimizer_table", &optimizer_table);

  py::class_<ActivationSpec>(m, "Activation")
      .def(py::init([](const std::string& name, const std::map<std::string, double>& parameters) {
             const ActivationSpec spec{name, parameters};
             const Activation<double> known(spec);  // throws for a name or parameter that is not
             return spec;
           }),
           py::arg("name"), py::arg("parameters") = std::map<std::string, double>{});
  py::class_<LossSpec>(m, "Loss").def(
      py::init([](const std::string& name, bool from_logits, double label_smoothing, double scale) {
        loss_named<double>(name);
        return LossSpec{name, from_logits, label_smoothing, scale};
      }),
      py::arg("name"), py::kw_only(), py::arg("from_logits") = false,
      py::arg("label_smoothing") = 0.0, py::arg("scale") = 1.0);
}

}  // namespace shallowcore::bind
