#include "model/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "core/team.hpp"

namespace shallowcore {
namespace {

TrainingOptions checked(TrainingOptions options, const Dataset& data, bool full_batch) {
  if (data.rows() < 1) throw InvalidArgument("x", "no samples", "at least 1");
  if (options.batch_size < 1) {
    throw InvalidArgument("batch_size", std::to_string(options.batch_size), "at least 1");
  }
  if (full_batch) options.batch_size = data.rows();
  options.batch_size = std::min(options.batch_size, data.rows());
  if (data.fed) options.shuffle = false;
  // One batch holds every sample: their order changes nothing but rounding.
  if (options.batch_size == data.rows()) options.shuffle = false;
  return options;
}

// The end of a run.  Steps may be so short that asking the clock after each would show: after short
// ones it is asked twice as rarely the next time, up to a limit; after a long one, at once.
class Deadline {
 public:
  explicit Deadline(double seconds)
      : asked_(Clock::now()), due_(asked_ + std::chrono::duration<double>(seconds)) {}

  // Called after each step.
  bool passed() {
    looked_ = --left_ <= 0;
    if (!looked_) return false;
    const auto now = Clock::now();
    interval_ = now - asked_ < std::chrono::microseconds(100) ? std::min(2 * interval_, 64) : 1;
    left_ = interval_;
    asked_ = now;
    return now >= due_;
  }
  // Whether the clock was asked in the last call: then it is time for what is as rare.
  bool looked() const { return looked_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point asked_;
  std::chrono::time_point<Clock, std::chrono::duration<double>> due_;
  int interval_ = 1, left_ = 1;  // steps between questions, and until the next one
  bool looked_ = false;
};

// For one more value: all columns of a history grow, or none.
void make_room(std::vector<double>& values) {
  if (values.size() == values.capacity()) values.reserve(2 * values.size() + 1);
}

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
      order_(data, options_),
      history_((1 + metrics.size()) * (validation == nullptr ? 1 : 2)) {
  if (optimizer.full_batch() && network.has_dropout()) {
    throw InvalidArgument("optimizer", "'" + optimizer.name() + "' with dropout",
                          "a first-order method: a loss that changes from step to step has no "
                          "minimum to search for");
  }
  if (options.by_weight && (validation != nullptr || data.fed)) {
    throw InvalidArgument("by_weight", "true", "false with validation data and for single batches");
  }
  require_equal("parameters of the optimizer", optimizer.size(), network.size());
  objective_.check_targets(data);
  if (validation != nullptr) validation_means_.emplace(objective_, network, *validation);
  make_plan_for(options_.batch_size);
  sums_.metrics.resize(metrics.size());
}

template <class T>
void Trainer<T>::make_plan_for(Index batch_size) {
  TrainingOptions options = options_;
  options.batch_size = batch_size;
  plan_ = make_plan<T>({network_, optimizer_, objective_, data_, options});
  options_ = options;
  planned_for_ = optimizer_.demands();
  thread_choice_ = ThreadChoice(plan_->threads());
}

template <class T>
void Trainer<T>::watch(const std::vector<StopRule>& rules, Index initial_epoch) {
  initial_epoch_ = initial_epoch;
  const std::vector<std::string> known = columns();
  for (const StopRule& rule : rules) {
    const auto at = std::find(known.begin(), known.end(), rule.monitor);
    if (at == known.end()) {
      throw InvalidArgument("monitor", "'" + rule.monitor + "'", "a column of the history");
    }
    watched_.push_back(static_cast<std::size_t>(at - known.begin()));
    watches_.emplace_back(rule, network_);
  }
}

template <class T>
bool Trainer<T>::run(Index until_epoch, double seconds, const Poll& poll, Index batches) {
  const typename Network<T>::TrainingLock lock(network_);
  Deadline deadline(seconds);
  Index left = batches;
  if (epoch_ >= until_epoch || finished()) return true;
  if (!in_epoch_ && planned_for_ != optimizer_.demands()) {
    make_plan_for(options_.batch_size);  // settings have changed
  }
  try {
    take_charge();
    const Team team(plan_->threads());
    bool over = false;
    while (!over) {
      if (!in_epoch_) begin_epoch();
      if (batch_ < n_batches_) {
        run_batch(poll);
        --left;
      }
      if (in_epoch_ && batch_ == n_batches_ && (left != 0 || finished())) count_epoch(poll);
      over = left == 0 || epoch_ >= until_epoch || finished() || deadline.passed();
      if (poll && deadline.looked()) poll();
    }
  } catch (...) {
    release_charge();
    throw;
  }
  if (!in_epoch_ || batches >= 0) release_charge();
  return finished() || epoch_ >= until_epoch;
}

template <class T>
void Trainer<T>::feed(const Poll& poll, bool at_once) {
  const typename Network<T>::TrainingLock lock(network_);
  if (finished()) return;
  if (data_.labels != nullptr) check_labels(data_.labels, data_.rows(), network_.n_outputs());
  try {
    take_charge();
    if (data_.rows() > options_.batch_size) {
      grow();
      if (finished()) return;
    }
    const Team team(plan_->threads());
    if (!in_epoch_) begin_epoch();
    run_batch(poll);
  } catch (...) {
    release_charge();
    throw;
  }
  if (!in_epoch_ || at_once) release_charge();
}

// A plan for larger batches, within an epoch; from here on divergence goes back to this point.
template <class T>
void Trainer<T>::grow() {
  if (!plan_->keep()) {
    diverge();
    return release_charge();
  }
  release_charge();
  make_plan_for(data_.rows());
  plan_->begin();
  optimizer_.lend(in_charge_ = true);
  plan_->keep();
}

template <class T>
void Trainer<T>::end_epoch(const Poll& poll) {
  if (!in_epoch_) return;
  const typename Network<T>::TrainingLock lock(network_);
  try {
    take_charge();
    const Team team(plan_->threads());
    count_epoch(poll);
  } catch (...) {
    release_charge();
    throw;
  }
  release_charge();
}

template <class T>
void Trainer<T>::leave() {
  if (in_epoch_) {
    take_charge();
    if (!plan_->keep()) diverge();
  }
  release_charge();
}

template <class T>
Trainer<T>::~Trainer() {
  release_charge();
}

template <class T>
void Trainer<T>::take_charge() {
  if (in_charge_) return;
  // Whatever memory steps and publish() need, before anything changes.
  for (int i = 0; i < optimizer_.slots() && !optimizer_.full_batch(); ++i) optimizer_.slot(i);
  plan_->begin();
  optimizer_.lend(in_charge_ = true);
  if (!in_epoch_) plan_->keep();
}

template <class T>
void Trainer<T>::release_charge() {
  if (!in_charge_) return;
  plan_->publish();
  optimizer_.lend(in_charge_ = false);
}

template <class T>
void Trainer<T>::begin_epoch() {
  order_.begin(options_.seed, options_.epoch_counter);
  ++options_.epoch_counter;
  sums_.clear();
  batch_ = 0;
  in_epoch_ = true;
}

template <class T>
void Trainer<T>::run_batch(const Poll& poll) {
  const Index first = data_.fed ? 0 : batch_ * options_.batch_size;
  const Index rows = std::min(options_.batch_size, data_.rows() - first);
  if (options_.by_weight) objective_.divide_by_weight(rows, weight_of(first, rows));
  const Outcome outcome = step(first, rows, poll);
  if (outcome == Outcome::diverged) return diverge();
  ++batch_;
  order_.read_until(first + rows);
  if (outcome == Outcome::converged) stop_reason_ = StopReason::converged;
  if (outcome == Outcome::stuck) stop_reason_ = StopReason::stuck;
  if (outcome == Outcome::at_limit) stop_reason_ = StopReason::at_limit;
  if (outcome == Outcome::spent) stop_reason_ = StopReason::spent;
}

// Sum of the weights of a batch.
template <class T>
double Trainer<T>::weight_of(Index first, Index rows) const {
  const AnyMatrix& weights = data_.weights;
  if (weights.data == nullptr) return static_cast<double>(rows);
  const char* data = static_cast<const char*>(weights.data);
  const std::int64_t* order = order_.data();
  double sum = 0;
  for (Index i = first; i < first + rows; ++i) {
    const Index row = order == nullptr ? i : order[i];
    T weight;
    std::memcpy(&weight, data + row * weights.row_bytes, sizeof weight);
    sum += static_cast<double>(weight);
  }
  return sum;
}

// The plan's step, timed where there is a choice of threads; a short last batch would not compare.
template <class T>
Outcome Trainer<T>::step(Index first, Index rows, const Poll& poll) {
  const std::int64_t* order = order_.data();
  if (!thread_choice_.is_open()) return plan_->step(order, first, rows, sums_, poll);
  using Clock = std::chrono::steady_clock;
  const ThreadLimit limit(thread_choice_.threads());
  const Clock::time_point start = Clock::now();
  const Outcome outcome = plan_->step(order, first, rows, sums_, poll);
  if (rows == options_.batch_size) {
    thread_choice_.took(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return outcome;
}

template <class T>
void Trainer<T>::count_epoch(const Poll& poll) {
  if (!plan_->keep()) return diverge();
  std::vector<double> seen;
  if (validation_means_) {
    plan_->show();
    seen = (*validation_means_)(poll);
  }
  for (std::vector<double>& column : history_) make_room(column);
  make_room(learning_rates_);
  const std::size_t own = 1 + sums_.metrics.size();
  for (std::size_t i = 0; i < own; ++i) history_[i].push_back(sums_.mean(i));
  for (std::size_t i = 0; i < seen.size(); ++i) history_[own + i].push_back(seen[i]);
  if (!optimizer_.full_batch()) learning_rates_.push_back(optimizer_.learning_rate());
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const double figure = history_[watched_[i]].back();
    if (watches_[i].stops_after(initial_epoch_ + epoch_, figure, network_, *plan_)) {
      stop_reason_ = StopReason::early;
    }
  }
  ++epoch_;
  in_epoch_ = false;
  batch_ = 0;
}

// Names of the history's columns.
template <class T>
std::vector<std::string> Trainer<T>::columns() const {
  std::vector<std::string> names{"loss"};
  names.insert(names.end(), objective_.metrics().begin(), objective_.metrics().end());
  for (std::size_t i = 0; names.size() < history_.size(); ++i) names.push_back("val_" + names[i]);
  return names;
}

// A loss or parameter is not finite: back to the last epoch that ended well.
template <class T>
void Trainer<T>::diverge() {
  plan_->restore();
  in_epoch_ = false;
  stop_reason_ = StopReason::diverged;
}

template <class T>
StopReason Trainer<T>::stop_reason() const {
  const bool all_done = optimizer_.full_batch() && epoch_ >= options_.epochs;
  return all_done && !finished() ? StopReason::epochs : stop_reason_;
}

template <class T>
std::map<std::string, std::vector<double>> Trainer<T>::history(Index first) const {
  const std::vector<std::string> names = columns();
  std::map<std::string, std::vector<double>> result;
  const auto add = [&](const std::string& name, const std::vector<double>& values) {
    const Index skip = std::clamp<Index>(first, 0, static_cast<Index>(values.size()));
    result[name] = {values.begin() + skip, values.end()};
  };
  for (std::size_t i = 0; i < history_.size(); ++i) add(names[i], history_[i]);
  if (!optimizer_.full_batch()) add("lr", learning_rates_);
  return result;
}

template <class T>
std::string Trainer<T>::plan_summary() const {
  std::string text = std::string("kernels: ") + kernels<T>().isa + ", " +
                     (sizeof(T) == 4 ? "float32" : "float64") + "\n";
  text += "steps: " + std::to_string(n_batches_) + " an epoch, batches of " +
          std::to_string(options_.batch_size) +
          (!options_.shuffle ? ", in order"
           : options_.shuffle_blocks
               ? ", shuffled in blocks of " + std::to_string(shuffle_block_rows(data_.x)) + " rows"
               : ", shuffled");
  text += '\n';
  text += plan_->summary();
  const int threads = plan_->threads();
  text += "threads: " + std::to_string(threads);
  if (threads > 1) {
    text += ", or one while that is faster (now " + std::to_string(thread_choice_.threads()) + ")";
  } else if (num_threads() > 1) {
    text += ", more would cost time on steps this small";
  }
  text += '\n';
  text += "loss: " + std::string(objective_.loss().name) +
          (objective_.fused() ? ", fused with the last activation\n" : "\n");
  return text;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace shallowcore
