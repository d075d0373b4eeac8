#include "model/newton_cg.hpp"

#include <algorithm>
#include <limits>

namespace shallowcore {

OptimizerInfo newton_cg_info() {
  return {"newton_cg",
          "w += t p, H p = -g by conjugate gradients, t by backtracking",
          {{"tolerance", 1e-8}, {"max_cg_iterations", 250}},
          true};
}

template <class T>
NewtonCG<T>::NewtonCG(const Problem<T>& problem)
    : Solver<T>(problem, 0),
      hessian_(problem.objective, problem.network, problem.data),
      preconditioner_(problem),
      arena_(5 * problem.network.size()) {
  for (T** piece : {&direction_, &residual_, &preconditioned_, &conjugate_, &product_}) {
    *piece = arena_.take(size());
  }
}

template <class T>
Outcome NewtonCG<T>::iterate(const Poll& poll) {
  solve(poll);
  if (search(poll)) return Outcome::stepped;
  // Curvature that is hardly positive makes directions far too long: once more, straight down.
  for (Index i = 0; i < size(); ++i) direction_[i] = -gradient_[i];
  return search(poll) ? Outcome::stepped : Outcome::stuck;
}

// Puts the residual, preconditioned, into preconditioned_; their product.
template <class T>
double NewtonCG<T>::precondition() {
  if (preconditioner_.is_ready()) {
    preconditioner_(residual_, preconditioned_);
  } else {
    std::copy_n(residual_, size(), preconditioned_);
  }
  return dot(residual_, preconditioned_);
}

// direction = about -H^-1 gradient: preconditioned conjugate gradients until the residual is small
// against the gradient (Eisenstat and Walker's forcing term, so that convergence becomes superlinear),
// the budget is spent, or curvature is not positive (then the direction so far, at worst the first).
template <class T>
void NewtonCG<T>::solve(const Poll& poll) {
  const KernelTable<T>& k = kernels<T>();
  const Index n = size();
  preconditioner_.prepare(poll);
  std::fill_n(direction_, n, T{0});
  for (Index i = 0; i < n; ++i) residual_[i] = -gradient_[i];
  double square = precondition();
  std::copy_n(preconditioned_, n, conjugate_);
  const double forcing = std::min(0.1, std::sqrt(gradient_norm_ / number(Base::first_norm)));
  const double target = forcing * forcing * square;
  const double budget = setting("max_cg_iterations");
  Index i = 0;
  for (; static_cast<double>(i) < budget && square > target; ++i) {
    hessian_(conjugate_, product_, poll);
    const double curvature = dot(conjugate_, product_);
    const double smallest = std::numeric_limits<T>::epsilon() * dot(conjugate_, conjugate_) * 1e-3;
    if (!(curvature > (preconditioner_.is_ready() ? 0 : smallest))) {
      if (i == 0) std::copy_n(conjugate_, n, direction_);
      break;
    }
    const double length = square / curvature;
    k.axpy(static_cast<T>(length), conjugate_, direction_, n);
    k.axpy(static_cast<T>(-length), product_, residual_, n);
    const double next = precondition();
    const T ratio = static_cast<T>(next / square);
    for (Index j = 0; j < n; ++j) conjugate_[j] = preconditioned_[j] + ratio * conjugate_[j];
    square = next;
  }
  preconditioner_.took(i, square <= target);
}

// Halves the step until the loss falls enough (Armijo) or, where the loss no longer resolves the
// difference, until the gradient gets smaller.  False: no step helps, the parameters are as before.
template <class T>
bool NewtonCG<T>::search(const Poll& poll) {
  const double slope = dot(gradient_, direction_);
  double length = 1;
  for (int halvings = 0; slope < 0 && halvings < 40; ++halvings, length /= 2) {
    const double loss = this->try_step(length, direction_, poll);
    const bool falls = loss < loss_ && loss <= loss_ + 1e-4 * length * slope;
    const bool flat = loss <= loss_ + this->noise() && norm(this->trial_) < gradient_norm_;
    if ((falls || flat) && this->progresses(loss)) {
      this->accept(loss);
      return true;
    }
  }
  this->back_to_start();
  return false;
}

template class NewtonCG<float>;
template class NewtonCG<double>;

}  // namespace shallowcore
