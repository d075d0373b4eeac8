// Newton's method with conjugate gradients on all samples: exact Hessian-vector products.
#pragma once

#include "model/plan.hpp"

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
  void backward_stage(std::size_t s, const MatrixView<const T>& input,
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

// One solver run on one network and data set; step() is one outer iteration.
template <class T>
class NewtonCG {
 public:
  NewtonCG(Network<T>& network, Optimizer<T>& optimizer, const Objective<T>& objective,
           const Dataset& data);

  // Moves the network's parameters by one damped Newton step; they change at the end only.
  Outcome step(const Poll& poll);
  // The parameters were changed from outside: the next step starts from them.
  void restart() { started_ = false; }
  double loss() const { return loss_; }  // after the last step
  double gradient_norm() const { return gradient_norm_; }

 private:
  void solve(const Poll& poll);
  bool search(const Poll& poll);
  double norm(const T* v) const;
  bool reached_tolerance() const;
  double noted_first_norm() const;

  Network<T>& network_;
  Optimizer<T>& optimizer_;
  const Objective<T>& objective_;
  const Dataset& data_;
  HessianProduct<T> hessian_;
  Arena<T> arena_;
  T *gradient_, *direction_, *residual_, *conjugate_, *product_, *start_;
  double loss_ = 0;
  double gradient_norm_ = 0;
  double first_norm_ = 0;
  bool started_ = false;
};

}  // namespace shallowcore
