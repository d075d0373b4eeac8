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
      pass_(network, block_rows(network, options_.batch_size), Use::train),
      reader_(data, network, pass_.most_rows(), options_.shuffle),
      memory_(2 * padded<T>(network.size())),
      gradient_(memory_.take(network.size())),
      snapshot_(memory_.take(network.size())),
      order_(options_.shuffle ? static_cast<std::size_t>(data.rows()) : 0),
      history_((1 + metrics.size()) * (validation == nullptr ? 1 : 2)) {
  require_equal("parameters of the optimizer", optimizer.size(), network.size());
  objective_.check_targets(data);
  if (validation != nullptr) validation_means_.emplace(objective_, network, *validation);
  if (optimizer.full_batch()) {
    newton_ = std::make_unique<NewtonCG<T>>(network, optimizer, objective_, data);
    if (!metrics.empty()) training_means_.emplace(objective_, network, data);
  }
  sums_.metrics.resize(metrics.size());
  std::copy_n(network.parameters(), network.size(), snapshot_);
}

template <class T>
bool Trainer<T>::run(Index until_epoch, double seconds, const Poll& poll) {
  const typename Network<T>::TrainingLock lock(network_);
  using Clock = std::chrono::steady_clock;
  const auto due = Clock::now() + std::chrono::duration<double>(seconds);
  if (!in_epoch_ && epoch_ < until_epoch && !finished()) {
    // Between calls the caller may have changed the parameters: these are what a divergence restores.
    if (newton_ && !std::equal(snapshot_, snapshot_ + network_.size(), network_.parameters())) {
      newton_->restart();
    }
    std::copy_n(network_.parameters(), network_.size(), snapshot_);
  }
  with_team(threads_for(network_, pass_.most_rows()), [&] {
    while (epoch_ < until_epoch && !finished()) {
      if (!in_epoch_) begin_epoch();
      if (batch_ < n_batches_) newton_ ? run_newton_step(poll) : run_batch(poll);
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

// One step: gradients of the batch's blocks added up, penalties, update.  The parameters change in
// the last line only.
template <class T>
void Trainer<T>::run_batch(const Poll& poll) {
  const Index begin = batch_ * options_.batch_size;
  const Index rows = std::min(options_.batch_size, data_.rows() - begin);
  const Index most = pass_.most_rows();
  std::fill_n(gradient_, network_.size(), T{0});
  if (rows > most) before_ = sums_;
  const std::int64_t* order = options_.shuffle ? order_.data() : nullptr;
  for (Index first = 0; first < rows; first += most) {
    objective_.add_block(pass_, reader_.read(order, begin + first, std::min(most, rows - first)),
                         rows, gradient_, sums_);
    if (!poll || first + most >= rows) continue;
    try {
      poll();
    } catch (...) {
      sums_ = before_;
      throw;
    }
  }
  sums_.loss += objective_.add_penalties(gradient_) * static_cast<double>(rows);
  if (!std::isfinite(sums_.loss)) return diverge();
  optimizer_.step(network_.parameters(), gradient_);
  ++batch_;
}

template <class T>
void Trainer<T>::run_newton_step(const Poll& poll) {
  const auto outcome = newton_->step(poll);
  if (!std::isfinite(newton_->loss())) return diverge();
  const double samples = static_cast<double>(data_.rows());
  if (training_means_) {
    const std::vector<double> means = (*training_means_)(poll);
    for (std::size_t i = 0; i < sums_.metrics.size(); ++i)
      sums_.metrics[i] = means[i + 1] * samples;
  }
  sums_.loss = newton_->loss() * samples;
  sums_.samples = samples;
  ++batch_;
  if (outcome == NewtonCG<T>::Outcome::converged) stop_reason_ = StopReason::converged;
  if (outcome == NewtonCG<T>::Outcome::stuck) stop_reason_ = StopReason::stuck;
}

template <class T>
void Trainer<T>::end_epoch(const Poll& poll) {
  if (!kernels<T>().all_finite(network_.parameters(), network_.size())) return diverge();
  std::vector<double> values = sums_.means();
  if (validation_means_) {
    const std::vector<double> seen = (*validation_means_)(poll);
    values.insert(values.end(), seen.begin(), seen.end());
  }
  for (std::size_t i = 0; i < values.size(); ++i) history_[i].push_back(values[i]);
  std::copy_n(network_.parameters(), network_.size(), snapshot_);
  ++epoch_;
  in_epoch_ = false;
  batch_ = 0;
}

// A loss or parameter is not finite: back to the last epoch that ended well.
template <class T>
void Trainer<T>::diverge() {
  std::copy_n(snapshot_, network_.size(), network_.parameters());
  optimizer_.clear();
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
  if (optimizer_.full_batch()) text += " (" + optimizer_.name() + " uses all samples in each step)";
  text += "\nblocks: " + std::to_string(pass_.most_rows()) + " rows at a time, inputs " +
          (reader_.reads_in_place() ? "read in place" : "gathered and converted") + "\n";
  const int threads = threads_for(network_, pass_.most_rows());
  text +=
      "threads: " + std::to_string(threads) +
      (threads == 1 && num_threads() > 1 ? ", more would cost time on blocks this small\n" : "\n");
  text += "loss: " + std::string(objective_.loss().name) +
          (objective_.fused() ? ", fused with the last activation\n" : "\n");
  return text;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace shallowcore
