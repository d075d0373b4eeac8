// The method of Broyden, Fletcher, Goldfarb and Shanno with limited memory, on all samples.
#pragma once

#include "model/solver.hpp"

namespace shallowcore {

OptimizerInfo lbfgs_info();

// State vectors of the optimizer: the last `memory` pairs of s = w_new - w_old and y = g_new - g_old,
// in a ring, s in the even slots and y in the odd ones.
template <class T>
class Lbfgs : public Solver<T> {
 public:
  explicit Lbfgs(const Problem<T>& problem);

 protected:
  Outcome iterate(const Poll& poll) override;

 private:
  using Base = Solver<T>;
  using Base::problem_, Base::gradient_, Base::trial_, Base::start_, Base::loss_;
  using Base::size, Base::number, Base::setting, Base::dot;
  enum Number : std::size_t { count = Base::own_numbers, newest };

  // Pair `age` steps back, 0 the newest.
  T* s(Index age) { return problem_.optimizer.slot(static_cast<int>(2 * place(age))); }
  T* y(Index age) { return problem_.optimizer.slot(static_cast<int>(2 * place(age) + 1)); }
  Index place(Index age);
  void set_direction();
  bool search(const Poll& poll);
  void reserve_pair();
  void add_pair();

  Index memory_;
  Arena<T> arena_;
  T *direction_, *spare_;
  std::vector<double> alpha_, curvature_;  // of each pair, s^T y the latter
};

}  // namespace shallowcore
