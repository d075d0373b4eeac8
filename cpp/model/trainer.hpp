// The training loop: one call to fit, resumable between batches.
//
// Everything is allocated and decided when the trainer is made; run() then only computes, and comes
// back by the clock so that the caller can show progress and answer signals.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "model/plan.hpp"
#include "model/thread_choice.hpp"

namespace shallowcore {

enum class StopReason { none, converged, diverged, stuck };

template <class T>
class Trainer {
 public:
  Trainer(Network<T>& network, Optimizer<T>& optimizer, const LossSpec& loss,
          const std::vector<std::string>& metrics, const Dataset& data, const Dataset* validation,
          const TrainingOptions& options);

  ~Trainer();

  // Trains until `until_epoch` epochs are done or about `seconds` have passed; true once there is
  // nothing left to do.  An exception from poll leaves the parameters of the last whole step; a run
  // that the clock ends within an epoch leaves those of its beginning, until it goes on or the trainer
  // is gone.
  bool run(Index until_epoch, double seconds, const Poll& poll);

  Index epoch() const { return epoch_; }
  Index batch() const { return batch_; }
  Index n_batches() const { return n_batches_; }
  std::uint32_t epoch_counter() const { return options_.epoch_counter; }
  StopReason stop_reason() const { return stop_reason_; }
  double gradient_norm() const { return plan_->gradient_norm(); }
  std::vector<double> running() const { return sums_.means(); }
  // "loss", the metrics, and "val_..." of both: one value for each finished epoch from `first` on.
  std::map<std::string, std::vector<double>> history(Index first) const;
  std::string plan_summary() const;

 private:
  // The plan may hold the parameters in its own form from begin() to publish().
  void take_charge();
  void release_charge();
  void begin_epoch();
  void run_batch(const Poll& poll);
  double weight_of(Index first, Index rows) const;
  Outcome step(Index first, Index rows, const Poll& poll);
  void end_epoch(const Poll& poll);
  void diverge();
  bool finished() const { return stop_reason_ != StopReason::none; }

  Network<T>& network_;
  Optimizer<T>& optimizer_;
  Objective<T> objective_;
  const Dataset& data_;
  TrainingOptions options_;
  Index n_batches_;
  std::vector<std::int64_t> order_;
  std::unique_ptr<Plan<T>> plan_;
  ThreadChoice thread_choice_{1};
  std::optional<Evaluator<T>> validation_means_;

  Index epoch_ = 0;
  Index batch_ = 0;
  bool in_epoch_ = false;
  bool in_charge_ = false;
  Sums sums_;
  std::vector<std::vector<double>> history_;  // loss, metrics, then validation's
  StopReason stop_reason_ = StopReason::none;
};

}  // namespace shallowcore
