#include "model/gradient_descent.hpp"

#include <limits>

namespace shallowcore {

OptimizerInfo gradient_descent_info() {
  return {"gradient_descent",
          "w -= t g, t from |change of g| / |change of w|, by at most sqrt(2/3 + t / t_before)",
          {{"tolerance", 1e-8}},
          true};
}

template <class T>
GradientDescent<T>::GradientDescent(const Problem<T>& problem)
    : Solver<T>(problem, std::size_t{Number::all} - std::size_t{Base::own_numbers}),
      arena_(problem.network.size()),
      direction_(arena_.take(problem.network.size())) {}

// Malitsky, Mishchenko, "Adaptive proximal gradient method for convex optimization", 2024: no search
// along the line, the loss may rise for a while, and for convex losses it converges.
template <class T>
Outcome GradientDescent<T>::iterate(const Poll& poll) {
  for (Index i = 0; i < size(); ++i) direction_[i] = -gradient_[i];
  if (!move(poll)) {
    this->back_to_start();
    return Outcome::stuck;
  }
  set_length();
  return Outcome::stepped;
}

// The first step is halved until it lowers the loss by half of what the slope promises, the others
// until the loss is finite.
template <class T>
bool GradientDescent<T>::move(const Poll& poll) {
  const bool first = number(length) == 0;
  double step = first ? 1 / std::max(1.0, gradient_norm_) : number(length);
  for (int halvings = 0; halvings < 60; ++halvings, step /= 2) {
    const double loss = this->try_step(step, direction_, poll);
    const double most = first ? loss_ - step / 2 * gradient_norm_ * gradient_norm_
                              : std::numeric_limits<double>::max();
    if (!(loss <= most)) continue;
    if (first) number(growth) = 1.0 / 3;
    number(length) = step;
    this->accept(loss);
    return !std::equal(start_, start_ + size(), problem_.network.parameters());
  }
  return false;
}

// The next step's length from the last step and the gradients at its ends, which are in trial_ and
// gradient_; direction_ is free by now.
template <class T>
void GradientDescent<T>::set_length() {
  const T* w = problem_.network.parameters();
  for (Index i = 0; i < size(); ++i) direction_[i] = w[i] - start_[i];
  const double moved = this->norm(direction_);
  for (Index i = 0; i < size(); ++i) direction_[i] = gradient_[i] - trial_[i];
  const double turned = number(length) * this->norm(direction_) / moved;
  const double over = 2 * turned * turned - 1;
  const double most = std::sqrt(2.0 / 3 + number(growth));
  number(growth) = over > 0 ? std::min(most, 1 / std::sqrt(over)) : most;
  number(length) *= number(growth);
}

template class GradientDescent<float>;
template class GradientDescent<double>;

}  // namespace shallowcore
