// A plan: how the steps of one training are computed.
//
// The trainer says what happens (epochs, order of samples, history, divergence); its plan does the
// steps, and may hold parameters and the optimizer's state in a form of its own during a run.  Which
// plan a training gets is decided once, from shapes and measured thresholds, in plan.cpp.
#pragma once

#include <memory>
#include <string>

#include "model/objective.hpp"
#include "model/optimizer.hpp"

namespace shallowcore {

struct TrainingOptions {
  Index batch_size = 32;
  bool shuffle = true;
  std::uint64_t seed = 0;
  std::uint32_t epoch_counter = 0;  // epochs this model has started before
  Index epochs = 1;                 // that are expected: some plans pay for their preparation late
  bool shuffle_blocks = false;      // shuffles in blocks of consecutive rows
  bool by_weight = false;  // means of a batch are over its weights, penalties one part of them
};

// A training as plans see it: borrowed, and valid as long as the plan.
template <class T>
struct Problem {
  Network<T>& network;
  Optimizer<T>& optimizer;
  const Objective<T>& objective;
  const Dataset& data;
  TrainingOptions options;

  bool full_batch() const { return !data.fed && options.batch_size >= data.rows(); }
};

enum class Outcome { stepped, converged, diverged, stuck, at_limit, spent };

template <class T>
class Plan {
 public:
  explicit Plan(const Problem<T>& problem);
  virtual ~Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // For people: what was chosen, and why; whole lines.
  virtual std::string summary() const = 0;
  // Threads worth having at hand during a run.
  virtual int threads() const { return 1; }

  // Takes over the network's parameters and the optimizer's state as they are now.  From then until
  // publish() nobody else changes them; afterwards the caller may.
  virtual void begin() {}
  // One step on the `rows` samples order[first ...], or first ... where order is null; adds to sums.
  // Outcome::diverged: the loss is not finite, and no parameter has changed.  An exception leaves
  // parameters and sums as they were.
  virtual Outcome step(const std::int64_t* order, Index first, Index rows, Sums& sums,
                       const Poll& poll) = 0;
  // Makes the network's parameters those after the last step, for those who read them meanwhile.
  virtual void show() {}
  // The same, and hands back the optimizer's state: ends what begin() began.  Fails never, for it is what
  // is done after a failure.
  virtual void publish() { show(); }

  // Keeps the current parameters as those that restore() goes back to; false, and keeps nothing new,
  // if one is not finite.
  virtual bool keep();
  // Back to the parameters kept last, if any were; the optimizer's state is cleared.
  virtual void restore();

  virtual double gradient_norm() const;  // NaN where the plan knows none

 protected:
  Problem<T> problem_;

 private:
  Arena<T> kept_;
};

// Names of the plans, in the order in which they are considered.
std::vector<std::string> plan_names();

// The plan for a training: the one that SHALLOWCORE_FORCE_PLAN names, else the fastest that suits.
// InvalidState if the forced one is unknown or does not suit.
template <class T>
std::unique_ptr<Plan<T>> make_plan(const Problem<T>& problem);

}  // namespace shallowcore
