// The training loop: one call to fit, resumable between batches.
//
// Either the samples of an epoch are all at hand and run() goes through them, or they come batch by
// batch: whoever has them puts each into the data set and calls feed(), and end_epoch() when he likes.
// Everything is allocated and decided when the trainer is made; run() then only computes, and comes
// back by the clock so that the caller can show progress and answer signals.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "model/epoch_order.hpp"
#include "model/plan.hpp"
#include "model/thread_choice.hpp"
#include "model/watch.hpp"

namespace shallowcore {

enum class StopReason { none, converged, diverged, stuck, at_limit, spent, epochs, early };

template <class T>
class Trainer {
 public:
  Trainer(Network<T>& network, Optimizer<T>& optimizer, const LossSpec& loss,
          const std::vector<std::string>& metrics, const Dataset& data, const Dataset* validation,
          const TrainingOptions& options);

  ~Trainer();

  // Early stopping: the figures of epochs that end from now on must obey the rules.
  void watch(const std::vector<StopRule>& rules, Index initial_epoch);
  const std::vector<Watch<T>>& watches() const { return watches_; }

  // Trains until `until_epoch` epochs are done or about `seconds` have passed; true once there is
  // nothing left to do.  An exception from poll leaves the parameters of the last whole step; a run
  // that the clock ends within an epoch leaves those of its beginning, until it goes on or the trainer
  // is left or gone.  A limit of batches (none below 0) leaves those of the last one, and the end of
  // their epoch to the next run.
  bool run(Index until_epoch, double seconds, const Poll& poll, Index batches = -1);
  // One step on the data as they are now, where Dataset::fed allows to replace them; more rows than
  // ever before make a new plan.  Parameters come to their place at the end of the epoch, or at once.
  void feed(const Poll& poll, bool at_once = false);
  // Ends the epoch under way, if there is one, as if it had no more batches.
  void end_epoch(const Poll& poll);
  // Ends the training here: the parameters are those of the last whole step, if they are finite.
  void leave();

  // Hands parameters and state back as of the last step, also within an epoch.
  void pause() { release_charge(); }

  const Network<T>& network() const { return network_; }
  Index epoch() const { return epoch_; }
  Index batch() const { return batch_; }
  Index n_batches() const { return n_batches_; }
  std::uint32_t epoch_counter() const { return options_.epoch_counter; }
  // `epochs` where a full-batch method did all that were expected: the others never end by themselves.
  StopReason stop_reason() const;
  double gradient_norm() const { return plan_->gradient_norm(); }
  std::vector<double> running() const { return sums_.means(); }
  // "loss", the metrics, "val_..." of both, and "lr" of first-order methods, the learning rate at the
  // end: one value for each finished epoch from `first` on.
  std::map<std::string, std::vector<double>> history(Index first) const;
  std::string plan_summary() const;

 private:
  // The plan may hold the parameters in its own form from begin() to publish().
  void make_plan_for(Index batch_size);
  void grow();
  void take_charge();
  void release_charge();
  void begin_epoch();
  void run_batch(const Poll& poll);
  double weight_of(Index first, Index rows) const;
  Outcome step(Index first, Index rows, const Poll& poll);
  void count_epoch(const Poll& poll);
  std::vector<std::string> columns() const;
  void diverge();
  bool finished() const { return stop_reason_ != StopReason::none; }

  Network<T>& network_;
  Optimizer<T>& optimizer_;
  Objective<T> objective_;
  const Dataset& data_;
  TrainingOptions options_;
  Index n_batches_;
  EpochOrder order_;
  std::unique_ptr<Plan<T>> plan_;
  int planned_for_ = 0;  // demands of the optimizer
  ThreadChoice thread_choice_{1};
  std::optional<Evaluator<T>> validation_means_;

  Index epoch_ = 0;
  Index batch_ = 0;
  bool in_epoch_ = false;
  bool in_charge_ = false;
  Sums sums_;
  std::vector<std::vector<double>> history_;  // loss, metrics, then validation's
  std::vector<double> learning_rates_;
  StopReason stop_reason_ = StopReason::none;
  std::vector<Watch<T>> watches_;
  std::vector<std::size_t> watched_;  // their columns
  Index initial_epoch_ = 0;
};

}  // namespace shallowcore
