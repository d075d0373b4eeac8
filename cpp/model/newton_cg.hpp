// Newton's method with conjugate gradients on all samples: exact Hessian-vector products.
#pragma once

#include "model/preconditioner.hpp"
#include "model/solver.hpp"

namespace shallowcore {

OptimizerInfo newton_cg_info();

// Hessian of the objective times a direction: Pearlmutter, "Fast exact multiplication by the Hessian",
// 1994 (the R-operator: every quantity of the forward and backward pass is differentiated along the
// direction).
template <class T>
class HessianProduct {
 public:
  HessianProduct(const Objective<T>& objective, const Network<T>& network, const Dataset& data);
  // result = H direction at the network's parameters; both laid out like them.
  void operator()(const T* direction, T* result, const Poll& poll);

 private:
  void add_block(const Block<T>& block, const T* direction, T* result);
  void forward(const Block<T>& block, const T* direction);
  void output_tangents(const Block<T>& block);
  void backward_stage(std::size_t s, const InputRows<T>& input,
                      const MatrixView<const T>* input_tangent, const T* direction, T* result);

  const Objective<T>& objective_;
  const Network<T>& network_;
  Index n_samples_;
  Index most_rows_;
  BatchReader<T> reader_;
  Arena<T> arena_;
  std::vector<T*> a_, ra_, slope_, curvature_, rz_;  // of each stage
  T *d_ = nullptr, *rd_ = nullptr, *d_below_ = nullptr, *rd_below_ = nullptr, *spare_ = nullptr;
  Workspace<T> workspace_;
};

// Damped Newton steps, each of them as far as conjugate gradients know it.
template <class T>
class NewtonCG : public Solver<T> {
 public:
  explicit NewtonCG(const Problem<T>& problem);

 protected:
  Outcome iterate(const Poll& poll) override;

 private:
  using Base = Solver<T>;
  using Base::gradient_, Base::loss_, Base::gradient_norm_;
  using Base::size, Base::dot, Base::norm, Base::number, Base::setting;

  void solve(const Poll& poll);
  bool search(const Poll& poll);
  double precondition();

  HessianProduct<T> hessian_;
  Preconditioner<T> preconditioner_;
  Arena<T> arena_;
  T *direction_, *residual_, *preconditioned_, *conjugate_, *product_;
};

}  // namespace shallowcore
