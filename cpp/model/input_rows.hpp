// The inputs of a block of samples, dense or compressed, and the two products that a layer has with them.
#pragma once

#include "kernels/product.hpp"
#include "kernels/table.hpp"

namespace shallowcore {

// Source row of row i.
template <class T>
Index source_row(const CsrRows<T>& a, Index i) {
  return a.rows == nullptr ? a.first + i : static_cast<Index>(a.rows[a.first + i]);
}

// A matrix, or rows in compressed form where they have starts; the matrix then has a shape only.
template <class T>
struct InputRows {
  MatrixView<const T> dense = {};
  CsrRows<T> compressed = {};

  InputRows() = default;
  InputRows(const MatrixView<const T>& matrix) : dense(matrix) {}
  InputRows(const CsrRows<T>& part, Index cols)
      : dense(row_major<const T>(nullptr, part.count, cols)), compressed(part) {}
  bool is_compressed() const { return compressed.starts != nullptr; }
  Index rows() const { return dense.rows; }
  Index cols() const { return dense.cols; }
};

// c (rows, n) = bias + x w; a null bias is zero.
template <class T>
void input_product(const InputRows<T>& x, const MatrixView<const T>& w, const T* bias,
                   const MatrixView<T>& c, const Workspace<T>& workspace);

// dw (n_features, n) += x' dz
template <class T>
void add_input_gradient(const InputRows<T>& x, const MatrixView<const T>& dz,
                        const MatrixView<T>& dw, const Workspace<T>& workspace);

}  // namespace shallowcore
