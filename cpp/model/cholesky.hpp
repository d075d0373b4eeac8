// Symmetric matrices of the size of a small network's parameters: sums of products, factors, solutions.
//
// They are row-major (n, n); only their lower triangles are read, and only these hold results.
#pragma once

#include <functional>

#include "core/arena.hpp"
#include "kernels/product.hpp"

namespace shallowcore {

// Lower triangle of c += a b^T, where that is symmetric; a, b (n, k).  In stripes of columns; `poll`
// is called between them.
template <class T>
class SymmetricSum {
 public:
  SymmetricSum(Index n, Index most_depth);
  void add(const MatrixView<const T>& a, const MatrixView<const T>& b, T* c, Index c_row,
           const std::function<void()>& poll);

 private:
  Arena<T> arena_;
  Workspace<T> workspace_;
};

// L L^T = a, blocked: all but small blocks on the diagonal is products.
template <class T>
class Cholesky {
 public:
  explicit Cholesky(Index n);
  double flops() const;
  // Overwrites the lower triangle of a with L.  False, and nothing to use, if a is not positive definite.
  bool factor(T* a, const std::function<void()>& poll);
  // x = a^-1 x, from the factor.
  void solve(const T* factor, T* x) const;

 private:
  bool factor_block(T* a, Index first, Index width);

  Index n_;
  SymmetricSum<T> sum_;
  Arena<T> arena_;
  T *inverse_, *panel_,
      *negative_;  // of a block's factor; a panel of L below the block, and minus it
  Workspace<T> workspace_;
};

}  // namespace shallowcore
