#include "model/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/rng.hpp"

namespace shallowcore {
namespace {

TrainingOptions checked(TrainingOptions options, const Dataset& data, bool full_batch) {
  if (data.rows() < 1) throw InvalidArgument("x", "no samples", "at least 1");
  if (options.batch_size < 1) {
    throw InvalidArgument("batch_size", std::to_string(options.batch_size), "at least 1");
  }
  if (full_batch) options.batch_size = data.rows();
  options.batch_size = std::min(options.batch_size, data.rows());
  // One batch holds every sample: their order changes nothing but rounding.
  if (options.batch_size == data.rows()) options.shuffle = false;
  return options;
}

// While it lives the plan may hold parameters and state in its own form.
template <class T>
class PlanInCharge {
 public:
  PlanInCharge(Plan<T>& plan, bool keep) : plan_(plan) {
    plan.begin();
    if (keep) plan.keep();
  }
  ~PlanInCharge() { plan_.publish(); }
  PlanInCharge(const PlanInCharge&) = delete;
  PlanInCharge& operator=(const PlanInCharge&) = delete;

 private:
  Plan<T>& plan_;
};

}  // namespace

template <class T>
Trainer<T>::Trainer(Network<T>& network, Optimizer<T>& optimizer, const LossSpec& loss,
                    const std::vector<std::string>& metrics, const Dataset& data,
                    const Dataset* validation, const TrainingOptions& options)
    : network_(network),
      optimizer_(optimizer),
      objective_(network, loss, metrics),
      data_(data),
      options_(checked(options, data, optimizer.full_batch())),
      n_batches_((data.rows() + options_.batch_size - 1) / options_.batch_size),
      order_(options_.shuffle ? static_cast<std::size_t>(data.rows()) : 0),
      history_((1 + metrics.size()) * (validation == nullptr ? 1 : 2)) {
  require_equal("parameters of the optimizer", optimizer.size(), network.size());
  objective_.check_targets(data);
  if (validation != nullptr) validation_means_.emplace(objective_, network, *validation);
  plan_ = make_plan<T>({network, optimizer, objective_, data, options_});
  sums_.metrics.resize(metrics.size());
}

template <class T>
bool Trainer<T>::run(Index until_epoch, double seconds, const Poll& poll) {
  const typename Network<T>::TrainingLock lock(network_);
  using Clock = std::chrono::steady_clock;
  const auto due = Clock::now() + std::chrono::duration<double>(seconds);
  if (epoch_ >= until_epoch || finished()) return true;
  const PlanInCharge<T> in_charge(*plan_, !in_epoch_);
  with_team(plan_->threads(), [&] {
    while (epoch_ < until_epoch && !finished()) {
      if (!in_epoch_) begin_epoch();
      if (batch_ < n_batches_) run_batch(poll);
      if (in_epoch_ && batch_ == n_batches_) end_epoch(poll);
      if (Clock::now() >= due) break;
    }
  });
  return finished() || epoch_ >= until_epoch;
}

template <class T>
void Trainer<T>::begin_epoch() {
  if (options_.shuffle) {
    shuffle(order_.data(), data_.rows(), options_.seed, options_.epoch_counter);
  }
  ++options_.epoch_counter;
  sums_.clear();
  batch_ = 0;
  in_epoch_ = true;
}

template <class T>
void Trainer<T>::run_batch(const Poll& poll) {
  const Index first = batch_ * options_.batch_size;
  const Index rows = std::min(options_.batch_size, data_.rows() - first);
  const Outcome outcome =
      plan_->step(options_.shuffle ? order_.data() : nullptr, first, rows, sums_, poll);
  if (outcome == Outcome::diverged) return diverge();
  ++batch_;
  if (outcome == Outcome::converged) stop_reason_ = StopReason::converged;
  if (outcome == Outcome::stuck) stop_reason_ = StopReason::stuck;
}

template <class T>
void Trainer<T>::end_epoch(const Poll& poll) {
  if (!plan_->keep()) return diverge();
  std::vector<double> values = sums_.means();
  if (validation_means_) {
    plan_->publish();
    const std::vector<double> seen = (*validation_means_)(poll);
    values.insert(values.end(), seen.begin(), seen.end());
  }
  for (std::size_t i = 0; i < values.size(); ++i) history_[i].push_back(values[i]);
  ++epoch_;
  in_epoch_ = false;
  batch_ = 0;
}

// A loss or parameter is not finite: back to the last epoch that ended well.
template <class T>
void Trainer<T>::diverge() {
  plan_->restore();
  in_epoch_ = false;
  stop_reason_ = StopReason::diverged;
}

template <class T>
std::map<std::string, std::vector<double>> Trainer<T>::history(Index first) const {
  std::vector<std::string> names{"loss"};
  names.insert(names.end(), objective_.metrics().begin(), objective_.metrics().end());
  std::map<std::string, std::vector<double>> result;
  for (std::size_t i = 0; i < history_.size(); ++i) {
    const std::string prefix = i < names.size() ? "" : "val_";
    const auto& values = history_[i];
    const Index skip = std::clamp<Index>(first, 0, static_cast<Index>(values.size()));
    result[prefix + names[i % names.size()]] = {values.begin() + skip, values.end()};
  }
  return result;
}

template <class T>
std::string Trainer<T>::plan_summary() const {
  std::string text = std::string("kernels: ") + kernels<T>().isa + ", " +
                     (sizeof(T) == 4 ? "float32" : "float64") + "\n";
  text += "steps: " + std::to_string(n_batches_) + " an epoch, batches of " +
          std::to_string(options_.batch_size) + (options_.shuffle ? ", shuffled" : ", in order");
  text += '\n';
  text += plan_->summary();
  const int threads = plan_->threads();
  text +=
      "threads: " + std::to_string(threads) +
      (threads == 1 && num_threads() > 1 ? ", more would cost time on steps this small\n" : "\n");
  text += "loss: " + std::string(objective_.loss().name) +
          (objective_.fused() ? ", fused with the last activation\n" : "\n");
  return text;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace shallowcore
