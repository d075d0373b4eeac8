#include "model/newton_cg.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/arena.hpp"

namespace shallowcore {

OptimizerInfo newton_cg_info() {
  return {"newton_cg",
          "w += t p, H p = -g by conjugate gradients, t by backtracking",
          {{"tolerance", 1e-8}, {"max_cg_iterations", 250}},
          true};
}

template <class T>
NewtonCG<T>::NewtonCG(Network<T>& network, Optimizer<T>& optimizer, const Objective<T>& objective,
                      const Dataset& data)
    : network_(network),
      optimizer_(optimizer),
      objective_(objective),
      data_(data),
      hessian_(objective, network, data),
      arena_(6 * network.size()) {
  for (const Tensor& tensor : network.tensors()) {
    if (tensor.penalty.l1 != 0) {
      throw InvalidArgument("l1", "a penalty with newton_cg", "none: it has no second derivative");
    }
  }
  for (T** piece : {&gradient_, &direction_, &residual_, &conjugate_, &product_, &start_}) {
    *piece = arena_.take(network.size());
  }
}

template <class T>
double NewtonCG<T>::norm(const T* v) const {
  return std::sqrt(kernels<T>().dot(v, v, network_.size()));
}

template <class T>
bool NewtonCG<T>::reached_tolerance() const {
  return gradient_norm_ <= optimizer_.get("tolerance") * std::max(1.0, first_norm_);
}

// An earlier training that ended where this one starts, on the same objective, goes on.
template <class T>
double NewtonCG<T>::noted_first_norm() const {
  const std::vector<double>& note = optimizer_.notes()["newton_cg"];
  const bool same = note.size() == 3 && note[0] == loss_ && note[1] == gradient_norm_;
  return same ? note[2] : gradient_norm_;
}

template <class T>
Outcome NewtonCG<T>::step(const Poll& poll) {
  if (!started_) {
    loss_ = loss_and_gradient(objective_, network_, data_, gradient_, poll);
    gradient_norm_ = norm(gradient_);
    first_norm_ = noted_first_norm();
    started_ = true;
    if (reached_tolerance()) return Outcome::converged;
  }
  if (!std::isfinite(loss_) || !std::isfinite(gradient_norm_)) return Outcome::stuck;
  solve(poll);
  if (!search(poll)) return Outcome::stuck;
  optimizer_.count_iteration();
  optimizer_.notes()["newton_cg"] = {loss_, gradient_norm_, first_norm_};
  return reached_tolerance() ? Outcome::converged : Outcome::stepped;
}

// direction = about -H^-1 gradient: conjugate gradients until the residual is small against the
// gradient (Eisenstat and Walker's forcing term, so that convergence becomes superlinear), the budget
// is spent, or curvature is not positive (then the direction so far, at worst the steepest descent).
template <class T>
void NewtonCG<T>::solve(const Poll& poll) {
  const KernelTable<T>& k = kernels<T>();
  const Index n = network_.size();
  std::fill_n(direction_, n, T{0});
  for (Index i = 0; i < n; ++i) conjugate_[i] = residual_[i] = -gradient_[i];
  const double forcing = std::min(0.1, std::sqrt(gradient_norm_ / first_norm_));
  const double target = forcing * gradient_norm_;
  const double budget = optimizer_.get("max_cg_iterations");
  double residual_squared = k.dot(residual_, residual_, n);
  for (Index i = 0; static_cast<double>(i) < budget && std::sqrt(residual_squared) > target; ++i) {
    hessian_(conjugate_, product_, poll);
    const double curvature = k.dot(conjugate_, product_, n);
    const double smallest =
        std::numeric_limits<T>::epsilon() * k.dot(conjugate_, conjugate_, n) * 1e-3;
    if (!(curvature > smallest)) {
      if (i == 0) std::copy_n(conjugate_, n, direction_);
      return;
    }
    const double length = residual_squared / curvature;
    k.axpy(static_cast<T>(length), conjugate_, direction_, n);
    k.axpy(static_cast<T>(-length), product_, residual_, n);
    const double next = k.dot(residual_, residual_, n);
    const T ratio = static_cast<T>(next / residual_squared);
    for (Index j = 0; j < n; ++j) conjugate_[j] = residual_[j] + ratio * conjugate_[j];
    residual_squared = next;
  }
}

// Halves the step until the loss falls enough (Armijo) or, where the loss no longer resolves the
// difference, until the gradient gets smaller.  False: no step helps, the parameters are as before.
template <class T>
bool NewtonCG<T>::search(const Poll& poll) {
  const KernelTable<T>& k = kernels<T>();
  const Index n = network_.size();
  T* w = network_.parameters();
  std::copy_n(w, n, start_);
  const double slope = k.dot(gradient_, direction_, n);
  const double noise = 8 * static_cast<double>(std::numeric_limits<T>::epsilon()) * std::abs(loss_);
  double length = 1;
  for (int halvings = 0; halvings < 40; ++halvings, length /= 2) {
    for (Index i = 0; i < n; ++i) w[i] = start_[i] + static_cast<T>(length) * direction_[i];
    double loss = 0;
    try {
      loss = loss_and_gradient(objective_, network_, data_, residual_, poll);
    } catch (...) {
      std::copy_n(start_, n, w);
      throw;
    }
    const double gradient_norm = norm(residual_);
    const bool falls = loss <= loss_ + 1e-4 * length * slope;
    const bool flat = loss <= loss_ + noise && gradient_norm < gradient_norm_;
    if (std::isfinite(gradient_norm) && slope < 0 && (falls || flat)) {
      std::swap(gradient_, residual_);
      loss_ = loss;
      gradient_norm_ = gradient_norm;
      return true;
    }
  }
  std::copy_n(start_, n, w);
  return false;
}

template class NewtonCG<float>;
template class NewtonCG<double>;

}  // namespace shallowcore
