// Optimizers and trainers.
#include <algorithm>
#include <limits>

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
    case StopReason::early:
      return "early stopping";
    case StopReason::stuck:
      return "line search failed";
    case StopReason::at_limit:
      return "mu at its limit";
    case StopReason::spent:
      return "maximum evaluations";
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
                        bool shuffle, bool shuffle_blocks, bool fed, std::uint64_t seed,
                        std::uint32_t epoch_counter, Index epochs, bool by_weight) {
  const TrainingOptions options{batch_size, shuffle,        seed,     epoch_counter,
                                epochs,     shuffle_blocks, by_weight};
  if (fed && std::visit([](auto& o) { return o->full_batch(); }, optimizer.optimizer)) {
    throw InvalidArgument("optimizer", "a full-batch method",
                          "a first-order one for single batches");
  }
  std::unique_ptr<FedDataset> feed;
  if (fed) feed = std::make_unique<FedDataset>(data.data);
  const Dataset& samples = fed ? feed->data : data.data;
  return std::visit(
      [&](const auto& n) -> AnyTrainer {
        using T = ElementOf<decltype(n)>;
        const auto* own = std::get_if<std::unique_ptr<Optimizer<T>>>(&optimizer.optimizer);
        if (own == nullptr) throw InvalidArgument("optimizer", "another dtype", "the network's");
        auto trainer = std::make_unique<Trainer<T>>(
            *n, **own, loss, metrics, samples, validation == nullptr ? nullptr : &validation->data,
            options);
        return {std::move(feed), std::move(trainer)};
      },
      network.network);
}

bool run(AnyTrainer& self, Index until_epoch, double seconds, Index batches) {
  return std::visit(
      [&](auto& trainer) {
        bool done = false;
        without_gil([&] { done = trainer->run(until_epoch, seconds, SignalPoll(), batches); });
        return done;
      },
      self.trainer);
}

// f(trainer) without the GIL.
template <class F>
void work(AnyTrainer& self, F f) {
  std::visit([&](auto& trainer) { without_gil([&] { f(*trainer); }); }, self.trainer);
}

FedDataset& fed_of(AnyTrainer& self) {
  if (self.fed == nullptr) throw InvalidState("the trainer has all its samples at hand");
  return *self.fed;
}

// A step on a batch that is like the first one, but for its number of rows.
void feed(AnyTrainer& self, const BoundDataset& batch, bool publish) {
  FedDataset& fed = fed_of(self);
  const Dataset& given = batch.data;
  require_equal("features of x", given.x.cols, fed.data.x.cols);
  require_equal("type of x", static_cast<Index>(given.x.dtype),
                static_cast<Index>(fed.data.x.dtype));
  require_equal("columns of y", given.y.cols, fed.data.y.cols);
  require_equal("labels", given.labels != nullptr, fed.data.labels != nullptr);
  fed.take(given);
  work(self, [publish](auto& trainer) { trainer.feed(SignalPoll(), publish); });
}

// The same for arrays as they are; false, and nothing done, where they need a closer look.
bool feed_plain(AnyTrainer& self, py::handle x, py::handle y, double low, double high,
                bool publish) {
  FedDataset& fed = fed_of(self);
  return std::visit(
      [&]<class T>(const std::unique_ptr<Trainer<T>>& trainer) {
        const Index n_features = fed.data.x.cols, n_outputs = fed.data.y.cols;
        Index rows = 0, y_rows = 0;
        if (fed.data.y.data == nullptr || fed.data.x.dtype != kDTypeOf<T>) return false;
        const T* inputs = plain_rows<T>(x, n_features, rows);
        const T* targets = plain_rows<T>(y, n_outputs, y_rows);
        if (inputs == nullptr || targets == nullptr || rows != y_rows) return false;
        const T lowest = std::numeric_limits<T>::lowest(), highest = std::numeric_limits<T>::max();
        const T least = static_cast<T>(std::max<double>(low, lowest));
        const T greatest = static_cast<T>(std::min<double>(high, highest));
        bool fits = false;
        without_gil([&] {
          fits = kernels<T>().all_finite(inputs, rows * n_features) &&
                 kernels<T>().all_within(targets, rows * n_outputs, least, greatest);
          if (!fits) return;
          constexpr Index size = sizeof(T);
          Dataset batch;
          batch.x = {inputs, kDTypeOf<T>, rows, n_features, n_features * size, size};
          batch.y = {targets, kDTypeOf<T>, rows, n_outputs, n_outputs * size, size};
          fed.take(batch);
          trainer->feed(SignalPoll(), publish);
        });
        return fits;
      },
      self.trainer);
}

// What a rule of early stopping has seen.
py::dict state_of_watch(const AnyTrainer& self, std::size_t i) {
  return std::visit(
      [&]<class T>(const std::unique_ptr<Trainer<T>>& trainer) {
        const Watch<T>& watch = trainer->watches().at(i);
        py::dict state;
        state["best"] = watch.best();
        state["best_epoch"] = watch.best_epoch();
        state["stopped_epoch"] = watch.stopped_epoch();
        state["wait"] = watch.wait();
        state["best_weights"] = py::none();
        if (watch.best_parameters() != nullptr) {
          state["best_weights"] = tensors_of<T>(trainer->network(), watch.best_parameters());
        }
        return state;
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
  py::class_<StopRule>(m, "StopRule")
      .def(py::init([](std::string monitor, bool maximize, double min_delta, Index patience,
                       std::optional<double> baseline, bool restore_best, Index start_from_epoch) {
             return StopRule{std::move(monitor), maximize,     min_delta,       patience,
                             baseline,           restore_best, start_from_epoch};
           }),
           py::arg("monitor"), py::kw_only(), py::arg("maximize"), py::arg("min_delta"),
           py::arg("patience"), py::arg("baseline"), py::arg("restore_best"),
           py::arg("start_from_epoch"));
  py::class_<AnyTrainer>(m, "Trainer")
      .def(py::init(&make_trainer), py::arg("network"), py::arg("optimizer"), py::arg("loss"),
           py::arg("metrics"), py::arg("data"), py::arg("validation") = nullptr, py::kw_only(),
           py::arg("batch_size") = 32, py::arg("shuffle") = true, py::arg("shuffle_blocks") = false,
           py::arg("fed") = false, py::arg("seed") = 0, py::arg("epoch_counter") = 0,
           py::arg("epochs") = 1, py::arg("by_weight") = false, py::keep_alive<1, 2>(),
           py::keep_alive<1, 3>(), py::keep_alive<1, 6>(), py::keep_alive<1, 7>())
      .def("run", &run, py::arg("until_epoch"), py::arg("seconds"), py::arg("batches") = -1)
      .def("feed", &feed, py::arg("batch"), py::arg("publish") = false)
      .def("feed_plain", &feed_plain, py::arg("x"), py::arg("y"), py::arg("low"), py::arg("high"),
           py::arg("publish") = false)
      .def("end_epoch",
           [](AnyTrainer& self) { work(self, [](auto& t) { t.end_epoch(SignalPoll()); }); })
      .def("pause", [](AnyTrainer& self) { std::visit([](auto& t) { t->pause(); }, self.trainer); })
      .def("leave", [](AnyTrainer& self) { work(self, [](auto& t) { t.leave(); }); })
      .def(
          "watch",
          [](AnyTrainer& self, const std::vector<StopRule>& rules, Index initial_epoch) {
            std::visit([&](auto& trainer) { trainer->watch(rules, initial_epoch); }, self.trainer);
          },
          py::arg("rules"), py::arg("initial_epoch"))
      .def("watch_state", &state_of_watch, py::arg("index"))
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
