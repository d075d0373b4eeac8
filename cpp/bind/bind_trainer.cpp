// Optimizers and trainers.
#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "bind/tensors.hpp"

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
    case StopReason::at_limit:
      return "mu at its limit";
    case StopReason::epochs:
      return "maximum epochs";
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

using Notes = std::map<std::string, std::vector<double>>;

// f(optimizer, network) for both of either type.
template <class F>
auto of_pair(const AnyOptimizer& optimizer, const AnyNetwork& network, F f) {
  return std::visit(
      [&](const auto& n) {
        using T = ElementOf<decltype(n)>;
        const auto* own = std::get_if<std::unique_ptr<Optimizer<T>>>(&optimizer.optimizer);
        if (own == nullptr) throw InvalidArgument("optimizer", "another dtype", "the network's");
        require_equal("parameters of the optimizer", (*own)->size(), n->size());
        return f(**own, *n);
      },
      network.network);
}

// (iterations, state vectors as lists of arrays, notes), all copies.
py::tuple state_of(const AnyOptimizer& self, const AnyNetwork& network) {
  return of_pair(self, network, [](auto& optimizer, auto& n) {
    optimizer.require_state();
    py::list slots;
    for (int i = 0; i < optimizer.slots(); ++i) slots.append(tensors_of(n, optimizer.slot(i)));
    py::dict notes;
    for (const auto& [name, values] : optimizer.notes()) {
      notes[py::str(name)] = py::array_t<double>(std::ssize(values), values.data());
    }
    return py::make_tuple(optimizer.iterations(), slots, notes);
  });
}

void resume(AnyOptimizer& self, const AnyNetwork& network, std::int64_t iterations,
            const py::list& slots, const Notes& notes) {
  of_pair(self, network, [&](auto& optimizer, auto& n) {
    optimizer.require_state();
    require_equal("state vectors", std::ssize(slots), optimizer.slots());
    if (iterations < 0) {
      throw InvalidArgument("iterations", std::to_string(iterations), "at least 0");
    }
    for (int i = 0; i < optimizer.slots(); ++i) {
      copy_tensors(n, slots[static_cast<std::size_t>(i)].template cast<py::list>(),
                   optimizer.slot(i));
    }
    optimizer.notes() = notes;
    optimizer.resume(iterations);
  });
}

AnyTrainer make_trainer(const AnyNetwork& network, const AnyOptimizer& optimizer,
                        const LossSpec& loss, const std::vector<std::string>& metrics,
                        const BoundDataset& data, const BoundDataset* validation, Index batch_size,
                        bool shuffle, std::uint64_t seed, std::uint32_t epoch_counter,
                        Index epochs) {
  const TrainingOptions options{batch_size, shuffle, seed, epoch_counter, epochs};
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
      .def(
          "set_schedule",
          [](AnyOptimizer& self, const std::optional<Schedule>& schedule) {
            std::visit([&](auto& o) { o->set_schedule(schedule); }, self.optimizer);
          },
          py::arg("schedule").none(true))
      .def("state", &state_of, py::arg("network"))
      .def("resume", &resume, py::arg("network"), py::arg("iterations"), py::arg("slots"),
           py::arg("notes"))
      .def("clear",
           [](AnyOptimizer& self) { std::visit([](auto& o) { o->clear(); }, self.optimizer); });
  py::class_<AnyTrainer>(m, "Trainer")
      .def(py::init(&make_trainer), py::arg("network"), py::arg("optimizer"), py::arg("loss"),
           py::arg("metrics"), py::arg("data"), py::arg("validation") = nullptr, py::kw_only(),
           py::arg("batch_size") = 32, py::arg("shuffle") = true, py::arg("seed") = 0,
           py::arg("epoch_counter") = 0, py::arg("epochs") = 1, py::keep_alive<1, 2>(),
           py::keep_alive<1, 3>(), py::keep_alive<1, 6>(), py::keep_alive<1, 7>())
      .def("run", &run, py::arg("until_epoch"), py::arg("seconds"))
      .def("pause", [](AnyTrainer& self) { std::visit([](auto& t) { t->pause(); }, self.trainer); })
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
