#include "model/lbfgs.hpp"

#include <limits>

#include "model/line_search.hpp"

namespace shallowcore {

OptimizerInfo lbfgs_info() {
  return {"lbfgs",
          "w += t p, p = -H g from the last pairs of steps and gradient changes, t by strong Wolfe",
          {{"memory", 10}, {"tolerance", 1e-8}, {"max_line_search", 20}, {"max_evaluations", 0}},
          true,
          [](const double* values) { return 2 * static_cast<int>(values[0]); }};
}

template <class T>
Lbfgs<T>::Lbfgs(const Problem<T>& problem)
    : Solver<T>(problem, 2),
      memory_(problem.optimizer.slots() / 2),
      arena_(2 * problem.network.size()),
      direction_(arena_.take(problem.network.size())),
      spare_(arena_.take(problem.network.size())),
      alpha_(static_cast<std::size_t>(memory_)),
      curvature_(static_cast<std::size_t>(memory_)) {}

template <class T>
Index Lbfgs<T>::place(Index age) {
  return (static_cast<Index>(number(newest)) - age + memory_) % memory_;
}

// direction = -H gradient by the two-loop recursion (Nocedal and Wright, algorithm 7.4), H = s^T y /
// y^T y of the newest pair to begin with.
template <class T>
void Lbfgs<T>::set_direction() {
  const KernelTable<T>& k = kernels<T>();
  const Index n = size(), pairs = static_cast<Index>(number(count));
  for (Index i = 0; i < n; ++i) direction_[i] = -gradient_[i];
  for (Index i = 0; i < pairs; ++i) {
    const auto at = static_cast<std::size_t>(i);
    curvature_[at] = dot(s(i), y(i));
    alpha_[at] = dot(s(i), direction_) / curvature_[at];
    k.axpy(static_cast<T>(-alpha_[at]), y(i), direction_, n);
  }
  if (pairs == 0) return;
  const T scale = static_cast<T>(curvature_[0] / dot(y(0), y(0)));
  for (Index i = 0; i < n; ++i) direction_[i] *= scale;
  for (Index i = pairs; i-- > 0;) {
    const auto at = static_cast<std::size_t>(i);
    const double beta = dot(y(i), direction_) / curvature_[at];
    k.axpy(static_cast<T>(alpha_[at] - beta), s(i), direction_, n);
  }
}

// Goes along the direction, if it leads down; false: no step lowers the loss, nothing has changed.
template <class T>
bool Lbfgs<T>::search(const Poll& poll) {
  const LinePoint start{0, loss_, dot(gradient_, direction_)};
  if (!(start.slope < 0)) return false;
  const bool fresh = number(count) == 0;
  const double first_step = fresh ? std::min(1.0, 1 / this->norm(direction_)) : 1.0;
  WolfeRules rules;
  rules.noise = this->noise();
  rules.max_evaluations = static_cast<int>(std::min(setting("max_line_search"), 1e6));
  const LinePoint found = wolfe_search(start, first_step, rules, [&](double step) {
    const double loss = this->try_step(step, direction_, poll);
    return LinePoint{step, loss, dot(trial_, direction_)};
  });
  if (found.step == 0 || !this->progresses(found.loss)) {
    this->back_to_start();
    return false;
  }
  std::copy_n(gradient_, size(), spare_);
  this->accept(found.loss);
  return true;
}

// Memory for the next pair, before anything has changed.
template <class T>
void Lbfgs<T>::reserve_pair() {
  const Index next = number(count) == 0 ? 0 : place(-1);
  for (const Index i : {2 * next, 2 * next + 1}) problem_.optimizer.slot(static_cast<int>(i));
}

// The step and the change of the gradient, unless rounding has the better of their curvature.
template <class T>
void Lbfgs<T>::add_pair() {
  const Index n = size();
  const T* w = problem_.network.parameters();
  for (Index i = 0; i < n; ++i) {
    start_[i] = w[i] - start_[i];
    spare_[i] = gradient_[i] - spare_[i];
  }
  const double least = static_cast<double>(std::numeric_limits<T>::epsilon()) * dot(spare_, spare_);
  if (!(dot(start_, spare_) > least)) return;
  const double pairs = number(count);
  number(newest) = pairs == 0 ? 0 : static_cast<double>(place(-1));
  number(count) = std::min(pairs + 1, static_cast<double>(memory_));
  std::copy_n(start_, n, s(0));
  std::copy_n(spare_, n, y(0));
}

template <class T>
Outcome Lbfgs<T>::iterate(const Poll& poll) {
  const double most = setting("max_evaluations");  // 0: any number
  if (most > 0 && static_cast<double>(this->evaluations()) > most) return Outcome::spent;
  reserve_pair();
  set_direction();
  if (!search(poll)) {
    if (number(count) == 0) return Outcome::stuck;
    number(count) = 0;  // perhaps the memory misleads: once more, straight down
    set_direction();
    if (!search(poll)) return Outcome::stuck;
  }
  add_pair();
  return Outcome::stepped;
}

template class Lbfgs<float>;
template class Lbfgs<double>;

}  // namespace shallowcore
