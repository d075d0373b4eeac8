#include "model/solver.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/gradient_descent.hpp"
#include "model/lbfgs.hpp"
#include "model/levenberg_marquardt.hpp"
#include "model/newton_cg.hpp"

namespace shallowcore {
namespace {

template <class T>
void check_problem(const Problem<T>& problem) {
  const std::string& name = problem.optimizer.name();
  for (const Tensor& tensor : problem.network.tensors()) {
    if (tensor.penalty.l1 != 0) {
      throw InvalidArgument("l1", "a penalty with " + name, "none: it has no second derivative");
    }
  }
}

}  // namespace

std::vector<OptimizerInfo> solver_table() {
  return {lbfgs_info(), newton_cg_info(), levenberg_marquardt_info(), gradient_descent_info()};
}

template <class T>
Solver<T>::Solver(const Problem<T>& problem, std::size_t n_own)
    : problem_(problem),
      full_batch_(problem.objective, problem.network, problem.data),
      arena_(3 * problem.network.size()),
      metrics_(problem.objective.metrics().size()),
      numbers_(own_numbers + n_own),
      tolerance_(problem.optimizer.name() == levenberg_marquardt_info().name ? "min_grad"
                                                                             : "tolerance") {
  check_problem(problem);
  for (T** piece : {&gradient_, &trial_, &start_}) *piece = arena_.take(size());
}

template <class T>
double Solver<T>::noise() const {
  return 8 * static_cast<double>(std::numeric_limits<T>::epsilon()) * std::abs(loss_);
}

template <class T>
bool Solver<T>::reached_tolerance() {
  return gradient_norm_ <= setting(tolerance_) * std::max(1.0, number(first_norm));
}

// Goes on with what the optimizer kept if loss and gradient have the same bits as then: it is the same
// training.  Otherwise it is another one, and what was kept would mislead.
template <class T>
void Solver<T>::start(const Poll& poll) {
  ++evaluations_;
  accept(full_batch_(trial_, poll));
  std::vector<double>& kept = problem_.optimizer.notes()[problem_.optimizer.name()];
  kept.reserve(numbers_.size());  // before anything changes
  if (kept.size() == numbers_.size() && kept[last_loss] == loss_ &&
      kept[last_norm] == gradient_norm_) {
    numbers_ = kept;
  } else {
    std::fill(numbers_.begin(), numbers_.end(), 0.0);
    number(last_loss) = number(least_loss) = loss_;
    number(first_norm) = number(last_norm) = number(least_norm) = gradient_norm_;
  }
  started_ = true;
}

template <class T>
Outcome Solver<T>::step(const Poll& poll) {
  if (!started_) {
    start(poll);
    if (reached_tolerance()) return Outcome::converged;
  }
  if (!std::isfinite(loss_) || !std::isfinite(gradient_norm_)) return Outcome::stuck;
  keep_start();
  const Outcome outcome = iterate(poll);
  if (outcome != Outcome::stepped) return outcome;
  problem_.optimizer.count_iteration();
  number(last_loss) = loss_;
  number(last_norm) = gradient_norm_;
  number(least_loss) = std::min(number(least_loss), loss_);
  number(least_norm) = std::min(number(least_norm), gradient_norm_);
  problem_.optimizer.notes()[problem_.optimizer.name()] = numbers_;
  return reached_tolerance() ? Outcome::converged : Outcome::stepped;
}

template <class T>
double Solver<T>::try_step(double length, const T* direction, const Poll& poll) {
  T* w = problem_.network.parameters();
  const T step = static_cast<T>(length);
  for (Index i = 0; i < size(); ++i) w[i] = start_[i] + step * direction[i];
  double loss = 0;
  ++evaluations_;
  try {
    loss = full_batch_(trial_, poll);
  } catch (...) {
    back_to_start();
    throw;
  }
  const bool finite = std::isfinite(loss) && kernels<T>().all_finite(trial_, size());
  return finite ? loss : std::numeric_limits<double>::infinity();
}

template <class T>
bool Solver<T>::progresses(double loss) {
  return loss < number(least_loss) ||
         (loss <= number(least_loss) + noise() && norm(trial_) < number(least_norm));
}

template <class T>
void Solver<T>::accept(double loss) {
  std::swap(gradient_, trial_);
  loss_ = loss;
  gradient_norm_ = norm(gradient_);
  for (std::size_t i = 0; i < metrics_.size(); ++i) metrics_[i] = full_batch_.metric(i);
}

template <class T>
std::unique_ptr<Solver<T>> make_solver(const Problem<T>& problem) {
  const std::string& name = problem.optimizer.name();
  if (name == lbfgs_info().name) return std::make_unique<Lbfgs<T>>(problem);
  if (name == newton_cg_info().name) return std::make_unique<NewtonCG<T>>(problem);
  if (name == gradient_descent_info().name) return std::make_unique<GradientDescent<T>>(problem);
  return std::make_unique<LevenbergMarquardt<T>>(problem);
}

template class Solver<float>;
template class Solver<double>;
template std::unique_ptr<Solver<float>> make_solver(const Problem<float>&);
template std::unique_ptr<Solver<double>> make_solver(const Problem<double>&);

}  // namespace shallowcore
