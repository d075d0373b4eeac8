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
// Vectors and matrices of this class have no padding: size() parameters, as many as a user counts.
template <class T>
class GaussNewton {
 public:
  explicit GaussNewton(const Problem<T>& problem);
  static Index size_of(const Network<T>& network);

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
  void output_hessian(const Block<T>& block, T* prediction);
  void fill_rows(const Block<T>& block, Index output);
  void write_rows(std::size_t s, const InputRows<T>& input, Index output);
  const T* weighted_rows(Index rows);

  const Problem<T> problem_;
  const Network<T>& network_;
  Index size_, n_outputs_, n_samples_, most_rows_;
  std::vector<Index> columns_;  // where a stage's kernel begins in a row of J; its bias follows
  Pass<T> pass_;
  BatchReader<T> reader_;
  SymmetricSum<T> sum_;
  Arena<T> arena_;
  T *jacobian_, *weighted_;  // (rows x n_outputs, size): J, H J
  T *hessian_, *tangent_;    // (n_outputs, rows, n_outputs), (rows, n_outputs)
  T *d_, *d_below_;          // (rows, widest)
};

}  // namespace shallowcore
