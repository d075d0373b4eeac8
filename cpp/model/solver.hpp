// Full-batch methods: every step is an iteration on all samples, which may end the training.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include "model/full_batch.hpp"
#include "model/plan.hpp"

namespace shallowcore {

// All of them, for those who list them.
std::vector<OptimizerInfo> solver_table();

// What they have in common: loss and gradient where the parameters stand, when to stop, and what goes
// on in the next training.
template <class T>
class Solver {
 public:
  // With so many numbers of its own.
  Solver(const Problem<T>& problem, std::size_t n_own);
  virtual ~Solver() = default;
  Solver(const Solver&) = delete;
  Solver& operator=(const Solver&) = delete;

  // One iteration.  The network's parameters change at the end only; an exception leaves them as they
  // were, and so does an outcome that is not `stepped` or `converged`.
  Outcome step(const Poll& poll);
  // The parameters were changed from outside: the next step starts from them.
  void restart() { started_ = false; }
  // After the last step.
  double loss() const { return loss_; }
  double gradient_norm() const { return gradient_norm_; }
  double metric(std::size_t i) const { return metrics_[i]; }
  // Operations of an iteration beside passes over the samples: for the choice of threads.
  virtual double own_flops() const { return 0; }

 protected:
  // The first of the numbers that the next training finds again; a method's own come after them.
  enum Number : std::size_t {
    first_norm,
    last_loss,
    last_norm,
    least_loss,
    least_norm,
    own_numbers
  };

  virtual Outcome iterate(const Poll& poll) = 0;

  Index size() const { return problem_.network.size(); }
  double setting(const char* name) const { return problem_.optimizer.get(name); }
  double& number(std::size_t i) { return numbers_[i]; }
  double dot(const T* a, const T* b) const { return kernels<T>().dot(a, b, size()); }
  double norm(const T* v) const { return std::sqrt(dot(v, v)); }
  // Differences of the loss that are rounding.
  double noise() const;
  // Of loss and gradient in this training so far.
  std::int64_t evaluations() const { return evaluations_; }

  // Loss at start_ + length x direction, where the parameters are then; its gradient is in trial_.
  // Infinite where loss or gradient are not finite.  An exception puts the parameters back to start_.
  double try_step(double length, const T* direction, const Poll& poll);
  void keep_start() { std::copy_n(problem_.network.parameters(), size(), start_); }
  void back_to_start() { std::copy_n(start_, size(), problem_.network.parameters()); }
  // Whether the last try, with that loss, is worth staying at: a loss lower than ever, or where the
  // loss no longer resolves differences, a gradient smaller than ever.  So no method goes on for ever.
  bool progresses(double loss);
  // Stays where the last try was; its gradient becomes gradient_.
  void accept(double loss);

  Problem<T> problem_;
  T *gradient_, *trial_, *start_;
  double loss_ = 0, gradient_norm_ = 0;

 private:
  void start(const Poll& poll);
  bool reached_tolerance();

  FullBatch<T> full_batch_;
  Arena<T> arena_;
  std::vector<double> metrics_, numbers_;
  const char* tolerance_;  // name of the setting
  std::int64_t evaluations_ = 0;
  bool started_ = false;
};

// The solver that the optimizer names.
template <class T>
std::unique_ptr<Solver<T>> make_solver(const Problem<T>& problem);

}  // namespace shallowcore
