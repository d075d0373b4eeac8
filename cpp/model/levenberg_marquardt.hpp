// Levenberg and Marquardt's method for squared errors, on all samples.
#pragma once

#include "model/gauss_newton.hpp"
#include "model/solver.hpp"

namespace shallowcore {

OptimizerInfo levenberg_marquardt_info();

template <class T>
class LevenbergMarquardt : public Solver<T> {
 public:
  // Two matrices of so many rows: 1 GiB in float64.
  static constexpr Index kMostParameters = 8192;

  explicit LevenbergMarquardt(const Problem<T>& problem);
  double own_flops() const override { return gauss_newton_.flops() + cholesky_.flops(); }

 protected:
  Outcome iterate(const Poll& poll) override;

 private:
  using Base = Solver<T>;
  using Base::problem_, Base::gradient_, Base::loss_, Base::number, Base::setting;
  enum Number : std::size_t { mu = Base::own_numbers };

  bool set_direction(double damping, const Poll& poll);

  GaussNewton<T> gauss_newton_;
  Index n_;
  Cholesky<T> cholesky_;
  Arena<T> arena_;
  T *matrix_, *factor_;     // (n, n), lower triangles
  T *packed_, *direction_;  // (n,), and laid out like the parameters
};

}  // namespace shallowcore
