// Gradient descent on all samples, its steps as long as the curvature met so far allows.
#pragma once

#include "model/solver.hpp"

namespace shallowcore {

OptimizerInfo gradient_descent_info();

template <class T>
class GradientDescent : public Solver<T> {
 public:
  explicit GradientDescent(const Problem<T>& problem);

 protected:
  Outcome iterate(const Poll& poll) override;

 private:
  using Base = Solver<T>;
  using Base::problem_, Base::gradient_, Base::trial_, Base::start_, Base::loss_,
      Base::gradient_norm_;
  using Base::size, Base::number;
  enum Number : std::size_t { length = Base::own_numbers, growth, all };

  bool move(const Poll& poll);
  void set_length();

  Arena<T> arena_;
  T* direction_;
};

}  // namespace shallowcore
