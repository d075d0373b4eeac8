// An optimizer's parameters and state for one network.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/network.hpp"
#include "model/schedule.hpp"

namespace shallowcore {

// What an optimizer is, for those who list them.
struct OptimizerInfo {
  std::string name;
  std::string formula;
  std::vector<Parameter> parameters;
  bool full_batch = false;  // a second-order method: every step uses all samples
  // Of a full-batch method: state vectors it needs with these parameter values; none where null.
  int (*slots)(const double* values) = nullptr;
};

// First-order ones from the kernel table, with the parameters that they share last: weight_decay,
// clipnorm, clipvalue, global_clipnorm (0: none); then the full-batch ones.
std::vector<OptimizerInfo> optimizer_table();

template <class T>
class Optimizer {
 public:
  Optimizer(const Network<T>& network, const std::string& name,
            const std::map<std::string, double>& parameters);

  const std::string& name() const { return info_.name; }
  bool full_batch() const { return info_.full_batch; }
  double get(const std::string& parameter) const;
  void set(const std::string& parameter, double value);
  std::int64_t iterations() const { return iterations_; }
  // The learning rate goes by the number of the step from now on, or by its parameter again.
  void set_schedule(const std::optional<Schedule>& schedule) { schedule_ = schedule; }
  // Of the next step, and of the last one.
  double learning_rate() const { return schedule_ ? (*schedule_)(iterations_) : values_[0]; }
  double last_learning_rate() const { return last_learning_rate_; }

  // Whether a step needs the whole gradient first.
  bool clips_by_norm() const { return shared(kClipNorm) > 0 || shared(kGlobalClipNorm) > 0; }
  // Whether it is more than the method itself.
  bool clips_or_decays() const;
  // What a plan has to do for it: plans are chosen for this.
  int demands() const { return (clips_by_norm() ? 1 : 0) + (clips_or_decays() ? 2 : 0); }

  int slots() const { return static_cast<int>(slots_.size()); }
  // State vector i, laid out like the parameters; made (as zeros) when it is first asked for.
  T* slot(int i);
  // Hands the memory of a state vector to those who keep it in another layout, who hand it back.
  Arena<T>& slot_memory(int i) { return slots_[static_cast<std::size_t>(i)]; }
  Index size() const { return size_; }

  // One step of a first-order method: w from its gradient (size() elements each), which is clipped.
  void step(T* w, T* gradient);
  // For those who do the step themselves: clips the whole gradient by its norms, counts the step, and
  // gives its constants (kMaxConstants) and its sweep.
  void clip(T* gradient);
  void next_step(T* constants);
  const OptimizerKernels<T>& sweep() const { return *kernels_; }
  void count_iteration() { ++iterations_; }
  // State to zero, as before the first step.
  void clear();

  // What a plan or solver wants to find again in the next training, or after a load, beside the state
  // vectors: numbers by name.  Who reads them checks that they fit.
  std::map<std::string, std::vector<double>>& notes() { return notes_; }
  // From the beginning to the end of a run the state may be elsewhere.
  void lend(bool lent) { lent_ = lent; }
  // InvalidState while it is.
  void require_state() const;
  // Goes on as after that many iterations; state vectors are put into slot().
  void resume(std::int64_t iterations) { iterations_ = iterations; }

 private:
  enum Shared : std::size_t { kWeightDecay, kClipNorm, kClipValue, kGlobalClipNorm, kAllShared };
  std::size_t index_of(const std::string& parameter) const;
  void check() const;
  double shared(Shared which) const {
    return kernels_ == nullptr ? 0 : values_[info_.parameters.size() - kAllShared + which];
  }
  double sum_of_squares(const T* values, Index n);
  int slots_with(const double* values) const;

  OptimizerInfo info_;
  const OptimizerKernels<T>* kernels_ = nullptr;  // null for full-batch methods
  std::vector<double> values_;                    // in the order of info_.parameters, padded
  std::optional<Schedule> schedule_;
  double last_learning_rate_ = 0;
  Index size_;
  std::vector<Tensor> tensors_;
  std::vector<double> sums_;  // of the parts of a norm
  std::vector<Arena<T>> slots_;
  std::int64_t iterations_ = 0;
  std::map<std::string, std::vector<double>> notes_;
  bool lent_ = false;
};

}  // namespace shallowcore
