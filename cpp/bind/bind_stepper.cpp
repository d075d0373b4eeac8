// Single steps, one call after another: what train_on_batch repeats on batches of one shape.
#include <algorithm>
#include <limits>

#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "core/threads.hpp"

namespace shallowcore::bind {
namespace {

constexpr double kMostWork = 1 << 22;  // rows times parameters: a step of a millisecond
constexpr Index kMostSteps = 1 << 16;  // of one trainer, which keeps the figures of each
constexpr double kNoLimit = 1e9;       // seconds

// A trainer whose every epoch is one step, on whatever arrays of the same shape the call brings.
template <class T>
class Stepper {
 public:
  Stepper(Network<T>& network, Optimizer<T>& optimizer, LossSpec loss,
          std::vector<std::string> metrics, bool takes_labels, double low, double high)
      : network_(network),
        optimizer_(optimizer),
        loss_(std::move(loss)),
        metrics_(std::move(metrics)),
        takes_labels_(takes_labels),
        low_(static_cast<T>(std::max<double>(low, std::numeric_limits<T>::lowest()))),
        high_(static_cast<T>(std::min<double>(high, std::numeric_limits<T>::max()))) {}

  // [loss, metrics...] before the step, nothing where it diverged; None, and nothing done, where the
  // arrays need a closer look or the step is long enough to pay for one.
  py::object step(const py::handle& x, const py::handle& y) {
    Index rows = 0;
    const T* inputs = plain_rows<T>(x, network_.n_features(), rows);
    if (inputs == nullptr || !suits(rows)) return py::none();
    const T* targets = takes_labels_ ? nullptr : targets_of<T>(y, rows);
    if (targets == nullptr) {
      if (!take_whole<std::int64_t>(y, rows) && !take_whole<std::int32_t>(y, rows) &&
          !take_whole<std::uint8_t>(y, rows)) {
        return py::none();
      }
      targets = numbers_.data();
    }
    std::optional<std::vector<double>> figures;
    without_gil([&] {
      if (all_fit(inputs, targets, rows)) figures = step_on(inputs, targets, rows);
    });
    return py::cast(figures);
  }

 private:
  bool suits(Index rows) const {
    const double work = static_cast<double>(rows) * static_cast<double>(network_.size());
    return work <= kMostWork && !optimizer_.full_batch();
  }

  template <class U>
  const U* targets_of(const py::handle& y, Index rows) const {
    Index given = 0;
    const U* data = plain_rows<U>(y, takes_labels_ ? 1 : network_.n_outputs(), given);
    return given == rows ? data : nullptr;
  }

  // Whole numbers as labels, or as targets of the network's type; false for others.
  template <class U>
  bool take_whole(const py::handle& y, Index rows) {
    const U* data = targets_of<U>(y, rows);
    if (data == nullptr) return false;
    const auto convert = [data](auto& to, Index count) {
      using V = typename std::remove_reference_t<decltype(to)>::value_type;
      to.resize(static_cast<std::size_t>(count));
      std::transform(data, data + count, to.begin(), [](U value) { return static_cast<V>(value); });
    };
    if (!takes_labels_) {
      convert(numbers_, rows * network_.n_outputs());
      return true;
    }
    const auto is_label = [this](U value) {
      return value >= 0 && static_cast<Index>(value) < network_.n_outputs();
    };
    if (!std::all_of(data, data + rows, is_label)) return false;
    convert(labels_, rows);
    return true;
  }

  // The parameters too: a trainer that goes on would fall back on those of an earlier step.
  bool all_fit(const T* inputs, const T* targets, Index rows) const {
    const KernelTable<T>& table = kernels<T>();
    return table.all_finite(inputs, rows * network_.n_features()) &&
           (takes_labels_ || table.all_within(targets, rows * network_.n_outputs(), low_, high_)) &&
           table.all_finite(network_.parameters(), network_.size());
  }

  std::vector<double> step_on(const T* inputs, const T* targets, Index rows) {
    prepare(inputs, targets, rows);
    trainer_->run(trainer_->epoch() + 1, kNoLimit, {});
    std::vector<double> figures;
    if (trainer_->stop_reason() == StopReason::none) figures = trainer_->running();
    if (figures.empty() || trainer_->epoch() >= kMostSteps) trainer_.reset();
    return figures;
  }

  void prepare(const T* inputs, const T* targets, Index rows) {
    const bool another = trainer_ == nullptr || rows != data_.rows() || threads_ != num_threads();
    if (another) trainer_.reset();
    const auto matrix = [rows](const T* data, Index cols) -> AnyMatrix {
      constexpr Index size = sizeof(T);
      return {data, kDTypeOf<T>, rows, cols, cols * size, size};
    };
    data_.x = matrix(inputs, network_.n_features());
    data_.fed = takes_labels_;  // other labels in each step: none may keep a copy
    if (takes_labels_) {
      data_.labels = labels_.data();
    } else {
      data_.y = matrix(targets, network_.n_outputs());
    }
    if (!another) return;
    threads_ = num_threads();
    TrainingOptions options;
    options.batch_size = rows;
    options.shuffle = false;
    trainer_ = std::make_unique<Trainer<T>>(network_, optimizer_, loss_, metrics_, data_, nullptr,
                                            options);
  }

  Network<T>& network_;
  Optimizer<T>& optimizer_;
  LossSpec loss_;
  std::vector<std::string> metrics_;
  bool takes_labels_;
  T low_, high_;
  std::vector<std::int32_t> labels_;  // of the step under way
  std::vector<T> numbers_;            // its targets, where they came as whole numbers
  int threads_ = 0;
  Dataset data_;
  std::unique_ptr<Trainer<T>> trainer_;
};

struct AnyStepper {
  Either<Stepper> stepper;
};

AnyStepper make_stepper(const AnyNetwork& network, const AnyOptimizer& optimizer,
                        const LossSpec& loss, const std::vector<std::string>& metrics,
                        bool takes_labels, double low, double high) {
  return std::visit(
      [&](const auto& n) -> AnyStepper {
        using T = ElementOf<decltype(n)>;
        const auto* own = std::get_if<std::unique_ptr<Optimizer<T>>>(&optimizer.optimizer);
        if (own == nullptr) throw InvalidArgument("optimizer", "another dtype", "the network's");
        return {std::make_unique<Stepper<T>>(*n, **own, loss, metrics, takes_labels, low, high)};
      },
      network.network);
}

}  // namespace

void register_stepper(py::module_& m) {
  py::class_<AnyStepper>(m, "Stepper")
      .def(py::init(&make_stepper), py::arg("network"), py::arg("optimizer"), py::arg("loss"),
           py::arg("metrics"), py::arg("takes_labels"), py::arg("low"), py::arg("high"),
           py::keep_alive<1, 2>(), py::keep_alive<1, 3>())
      .def(
          "step",
          [](AnyStepper& self, const py::handle& x, const py::handle& y) {
            return std::visit([&](auto& stepper) { return stepper->step(x, y); }, self.stepper);
          },
          py::arg("x"), py::arg("y"));
}

}  // namespace shallowcore::bind
