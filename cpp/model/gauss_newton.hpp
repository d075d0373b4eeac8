// The Gauss-Newton matrix: the Hessian of the objective without the second derivatives of the network.
#pragma once

#include "model/cholesky.hpp"
#include "model/plan.hpp"

namespace shallowcore {

// G = sum over samples of J^T H J + 2 l2, where J (n_outputs, n_parameters) holds the derivatives of
// what the loss is computed from, one row an output by back-propagation, and H (n_outputs, n_outputs)
// the second derivatives of the sample's part of the loss.  Equal to the Hessian where the outputs are
// linear in the parameters; 2 J^T J for squared errors.  Schraudolph, "Fast curvature matrix-vector
// products for second-order gradient descent", 2002.
//
// J's rows are made for blocks of samples, so that memory depends on the number of parameters alone.
// Where the outputs are linear in the parameters, J has the inputs at each output's own parameters and
// zeros elsewhere: G is made of X^T diag(H_ab) X for the pairs of outputs a >= b.
// Vectors and matrices of this class have no padding: size() parameters, as many as a user counts.
template <class T>
class GaussNewton {
 public:
  explicit GaussNewton(const Problem<T>& problem);
  static Index size_of(const Network<T>& network);
  // One dense layer, with no activation between it and what the loss is computed from.
  static bool is_linear(const Problem<T>& problem);

  Index size() const { return size_; }
  // Lower triangle of the row-major matrix (size, size), at the network's parameters.
  void operator()(T* matrix, const Poll& poll);
  // From the layout of the network's parameters, and into it.
  void pack(const T* parameters, T* packed) const;
  void unpack(const T* packed, T* parameters) const;
  // Operations of one call, roughly.
  double flops() const;

 private:
  void add_block(const Block<T>& block, T* matrix, const Poll& poll);
  void add_linear_block(const Block<T>& block, const Poll& poll);
  Index n_sums() const { return size_ * (size_ + width_) / 2; }
  void weigh_inputs(Index rows, Index output);
  void put_linear_sums(T* matrix) const;
  void output_hessian(const Block<T>& block, T* prediction);
  void fill_rows(const Block<T>& block, Index output);
  void write_rows(std::size_t s, const InputRows<T>& input, Index output);
  const T* weighted_rows(Index rows);

  const Problem<T> problem_;
  const Network<T>& network_;
  bool linear_;
  Index size_, n_outputs_, n_samples_, most_rows_;
  Index width_;                 // parameters of one output, where linear
  std::vector<Index> columns_;  // where a stage's kernel begins in a row of J; its bias follows
  Pass<T> pass_;
  BatchReader<T> reader_;
  SymmetricSum<T> sum_;
  Arena<T> arena_;
  T *jacobian_, *weighted_;  // (rows x n_outputs, size): J, H J
  T *hessian_, *tangent_;    // (n_outputs, rows, n_outputs), (rows, n_outputs)
  T *d_, *d_below_;          // (rows, widest)
  // Where linear: inputs (rows, width), and for each output a the sums (width, (a + 1) width).
  T *inputs_ = nullptr, *sums_ = nullptr;
  Workspace<T> workspace_;
};

}  // namespace shallowcore
