// What the core knows by name, for those who list it.
#include <pybind11/typing.h>

#include <array>

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
                             [](const LossInfo& i) { return i.entry->label_smoothing; })
      .def_property_readonly("link", [](const LossInfo& i) { return i.entry->link; })
      .def_property_readonly(
          "parameters",
          [](const LossInfo& i) { return named(std::array<Parameter, 1>{i.entry->parameter}); })
      .def_property_readonly("by_output", [](const LossInfo& i) { return i.entry->by_column; });
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
      py::init([](const std::string& name, bool from_logits, double label_smoothing, double scale,
                  const std::map<std::string, std::vector<double>>& parameters) {
        const LossSpec spec{name, from_logits, label_smoothing, scale, parameters};
        const Index n_outputs =
            parameters.empty() ? 1 : static_cast<Index>(parameters.begin()->second.size());
        loss_parameters<double>(spec, n_outputs);  // throws for a name or parameter that is not
        return spec;
      }),
      py::arg("name"), py::kw_only(), py::arg("from_logits") = false,
      py::arg("label_smoothing") = 0.0, py::arg("scale") = 1.0,
      py::arg("parameters") = std::map<std::string, std::vector<double>>{});

  py::class_<ScheduleInfo>(m, "ScheduleInfo")
      .def_readonly("name", &ScheduleInfo::name)
      .def_readonly("formula", &ScheduleInfo::formula)
      .def_property_readonly("parameters",
                             [](const ScheduleInfo& i) { return named(i.parameters); })
      .def_readonly("has_steps", &ScheduleInfo::has_steps);
  m.def("schedule_table", &schedule_table);
  py::class_<Schedule>(m, "Schedule")
      .def(py::init<const std::string&, const std::map<std::string, double>&, std::vector<double>,
                    std::vector<double>>(),
           py::arg("name"), py::arg("parameters") = std::map<std::string, double>{},
           py::arg("boundaries") = std::vector<double>{}, py::arg("values") = std::vector<double>{})
      .def("__call__", &Schedule::operator(), py::arg("step"));
}

}  // namespace shallowcore::bind
