#include "model/levenberg_marquardt.hpp"

#include <algorithm>

namespace shallowcore {
namespace {

constexpr double kLeastMu = 1e-20;

// The problem, once it is known that the method suits.
template <class T>
const Problem<T>& checked(const Problem<T>& problem) {
  const std::string loss = problem.objective.loss().name;
  if (loss != "mean_squared_error") {
    throw InvalidArgument("loss", loss + " with levenberg_marquardt", "mean_squared_error");
  }
  const Index size = GaussNewton<T>::size_of(problem.network);
  if (size > LevenbergMarquardt<T>::kMostParameters) {
    throw InvalidArgument("optimizer",
                          "levenberg_marquardt for " + std::to_string(size) + " parameters",
                          "at most " + std::to_string(LevenbergMarquardt<T>::kMostParameters) +
                              ": it keeps matrices of that many rows and columns; lbfgs does not");
  }
  if (!(problem.optimizer.get("mu_inc") > 1)) {
    throw InvalidArgument("mu_inc", std::to_string(problem.optimizer.get("mu_inc")), "above 1");
  }
  return problem;
}

}  // namespace

OptimizerInfo levenberg_marquardt_info() {
  return {"levenberg_marquardt",
          "w -= (J^T J + mu I)^-1 J^T e; mu x mu_dec where the loss falls, else x mu_inc, again",
          {{"mu", 1e-3}, {"mu_dec", 0.1}, {"mu_inc", 10}, {"mu_max", 1e10}, {"min_grad", 1e-7}},
          true};
}

template <class T>
LevenbergMarquardt<T>::LevenbergMarquardt(const Problem<T>& problem)
    : Solver<T>(checked(problem), 1),
      gauss_newton_(problem),
      n_(gauss_newton_.size()),
      cholesky_(n_),
      arena_(2 * padded<T>(n_ * n_) + padded<T>(n_) + problem.network.size()) {
  for (T** piece : {&matrix_, &factor_}) *piece = arena_.take(n_ * n_);
  packed_ = arena_.take(n_);
  direction_ = arena_.take(problem.network.size());
}

// Solves (G + damping I) p = -gradient, G the Gauss-Newton matrix.
template <class T>
bool LevenbergMarquardt<T>::set_direction(double damping, const Poll& poll) {
  for (Index i = 0; i < n_; ++i) {
    std::copy_n(matrix_ + i * n_, i + 1, factor_ + i * n_);
    factor_[i * n_ + i] += static_cast<T>(damping);
  }
  if (!cholesky_.factor(factor_, poll)) return false;
  gauss_newton_.pack(gradient_, packed_);
  for (Index i = 0; i < n_; ++i) packed_[i] = -packed_[i];
  cholesky_.solve(factor_, packed_);
  gauss_newton_.unpack(packed_, direction_);
  return true;
}

// G is 2 J^T J and the gradient 2 J^T e, with the errors e scaled so that the loss is their sum of
// squares: mu I stands beside J^T J, so 2 mu I beside G.
template <class T>
Outcome LevenbergMarquardt<T>::iterate(const Poll& poll) {
  double damping = std::max(number(mu) > 0 ? number(mu) : setting("mu"), kLeastMu);
  const double most = setting("mu_max");
  gauss_newton_(matrix_, poll);
  for (; damping <= most; damping *= setting("mu_inc")) {
    if (!set_direction(2 * damping, poll)) continue;
    const double loss = this->try_step(1, direction_, poll);
    if (!(loss < loss_)) continue;
    this->accept(loss);
    number(mu) = std::max(damping * setting("mu_dec"), kLeastMu);
    return Outcome::stepped;
  }
  this->back_to_start();
  return Outcome::at_limit;
}

template class LevenbergMarquardt<float>;
template class LevenbergMarquardt<double>;

}  // namespace shallowcore
