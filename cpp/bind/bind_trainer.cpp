// Optimizers and trainers.
#include "bind/arrays.hpp"
#include "bind/signals.hpp"

namespace shallowcore::bind {
namespace {

const char* text_of(StopReason reason) {
  switch (reason) {
    case StopReason::converged:
      return "converged";
    case StopReason::diverged:
      return "diverged";
    case StopReason::stuck:
      return "line search failed";
    default:
      return "";
  }
}

AnyOptimizer make_optimizer(const AnyNetwork& network, const std::string& name,
                            const std::map<std::string, double>& parameters) {
  return std::visit(
      [&](const auto& n) -> AnyOptimizer {
        using T = ElementOf<decltype(n)>;
        return {std::make_unique<Optimizer<T>>(*n, name, parameters)};
      },
      network.network);
}

AnyTrainer make_trainer(const AnyNetwork& network, const AnyOptimizer& optimizer,
                        const LossSpec& loss, const std::vector<std::string>& metrics,
                        const BoundDataset& data, const BoundDataset* validation, Index batch_size,
                        bool shuffle, std::uint64_t seed, std::uint32_t epoch_counter, Index epochs,
                        bool by_weight) {
  const TrainingOptions options{batch_size, shuffle, seed, epoch_counter, epochs, by_weight};
  return std::visit(
      [&](const auto& n) -> AnyTrainer {
        using T = ElementOf<decltype(n)>;
        const auto* own = std::get_if<std::unique_ptr<Optimizer<T>>>(&optimizer.optimizer);
        if (own == nullptr) throw InvalidArgument("optimizer", "another dtype", "the network's");
        return {std::make_unique<Trainer<T>>(*n, **own, loss, metrics, data.data,
                                             validation == nullptr ? nullptr : &validation->data,
                                             options)};
      },
      network.network);
}

bool run(AnyTrainer& self, Index until_epoch, double seconds) {
  return std::visit(
      [&](auto& trainer) {
        bool done = false;
        without_gil([&] { done = trainer->run(until_epoch, seconds, SignalPoll()); });
        return done;
      },
      self.trainer);
}

// f(trainer) for the trainer of either type.
template <class F>
auto of_trainer(F f) {
  return [f](const AnyTrainer& self) {
    return std::visit([&](const auto& trainer) { return f(*trainer); }, self.trainer);
  };
}

}  // namespace

void register_trainer(py::module_& m) {
  py::class_<AnyOptimizer>(m, "Optimizer")
      .def(py::init(&make_optimizer), py::arg("network"), py::arg("name"), py::arg("parameters"))
      .def_property_readonly("iterations",
                             [](const AnyOptimizer& self) {
                               return std::visit([](auto& o) { return o->iterations(); },
                                                 self.optimizer);
                             })
      .def(
          "get",
          [](const AnyOptimizer& self, const std::string& parameter) {
            return std::visit([&](auto& o) { return o->get(parameter); }, self.optimizer);
          },
          py::arg("parameter"))
      .def(
          "set",
          [](AnyOptimizer& self, const std::string& parameter, double value) {
            std::visit([&](auto& o) { o->set(parameter, value); }, self.optimizer);
          },
          py::arg("parameter"), py::arg("value"))
      .def("clear",
           [](AnyOptimizer& self) { std::visit([](auto& o) { o->clear(); }, self.optimizer); });
  py::class_<AnyTrainer>(m, "Trainer")
      .def(py::init(&make_trainer), py::arg("network"), py::arg("optimizer"), py::arg("loss"),
           py::arg("metrics"), py::arg("data"), py::arg("validation") = nullptr, py::kw_only(),
           py::arg("batch_size") = 32, py::arg("shuffle") = true, py::arg("seed") = 0,
           py::arg("epoch_counter") = 0, py::arg("epochs") = 1, py::arg("by_weight") = false,
           py::keep_alive<1, 2>(), py::keep_alive<1, 3>(), py::keep_alive<1, 6>(),
           py::keep_alive<1, 7>())
      .def("run", &run, py::arg("until_epoch"), py::arg("seconds"))
      .def_property_readonly("epoch", of_trainer([](auto& t) { return t.epoch(); }))
      .def_property_readonly("batch", of_trainer([](auto& t) { return t.batch(); }))
      .def_property_readonly("n_batches", of_trainer([](auto& t) { return t.n_batches(); }))
      .def_property_readonly("epoch_counter", of_trainer([](auto& t) { return t.epoch_counter(); }))
      .def_property_readonly("running", of_trainer([](auto& t) { return t.running(); }))
      .def(
          "history",
          [](const AnyTrainer& self, Index first) {
            return std::visit([&](const auto& trainer) { return trainer->history(first); },
                              self.trainer);
          },
          py::arg("first") = 0)
      .def_property_readonly("stop_reason",
                             of_trainer([](auto& t) { return text_of(t.stop_reason()); }))
      .def_property_readonly("gradient_norm", of_trainer([](auto& t) { return t.gradient_norm(); }))
      .def("plan_summary", of_trainer([](auto& t) { return t.plan_summary(); }));
}

}  // namespace shallowcore::bind
