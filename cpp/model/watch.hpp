// Early stopping within the core: what a figure of the history must do for training to go on.
//
// The rules and their details are those of Keras' EarlyStopping.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/plan.hpp"

namespace shallowcore {

struct StopRule {
  std::string monitor;  // a column of the history
  bool maximize = false;
  double min_delta = 0;  // >= 0: smaller changes are none
  Index patience = 0;
  std::optional<double> baseline;
  bool restore_best = false;
  Index start_from_epoch = 0;
};

// One rule at work; epochs are counted as the user counts them.
template <class T>
class Watch {
 public:
  Watch(const StopRule& rule, const Network<T>& network) : rule_(rule) {
    if (rule.restore_best) best_parameters_ = Arena<T>(network.size(), Fill::none);
  }

  const StopRule& rule() const { return rule_; }
  // The figure of an epoch that has ended; true if training should stop.  The plan shows its parameters
  // where they are the best so far and are to be kept.
  bool stops_after(Index epoch, double figure, const Network<T>& network, Plan<T>& plan);

  std::optional<double> best() const { return best_; }
  Index best_epoch() const { return best_epoch_; }
  Index stopped_epoch() const { return stopped_epoch_; }
  Index wait() const { return wait_; }
  // Laid out like the parameters; null where none were kept.
  const T* best_parameters() const { return best_ ? best_parameters_.data() : nullptr; }

 private:
  bool improves(double figure, double reference) const;
  void keep(Index epoch, const Network<T>& network, Plan<T>& plan);

  StopRule rule_;
  std::optional<double> best_;
  Index best_epoch_ = 0, stopped_epoch_ = 0, wait_ = 0;
  Arena<T> best_parameters_;
};

}  // namespace shallowcore
