// Borrowed matrices.  A view owns nothing; whoever makes one keeps the memory alive.
#pragma once

#include "core/types.hpp"

namespace shallowcore {

// Element (i, j) is data[i * row_stride + j * col_stride]; strides count elements, any sign.
template <class T>
struct MatrixView {
  T* data = nullptr;
  Index rows = 0;
  Index cols = 0;
  Index row_stride = 0;
  Index col_stride = 1;

  MatrixView transposed() const { return {data, cols, rows, col_stride, row_stride}; }
  MatrixView row_block(Index first, Index count) const {
    return {data + first * row_stride, count, cols, row_stride, col_stride};
  }
};

template <class T>
MatrixView<T> row_major(T* data, Index rows, Index cols) {
  return {data, rows, cols, cols, 1};
}

// out (rows, cols), contiguous, = m.
template <class T>
void copy_rows(const MatrixView<const T>& m, T* out) {
  for (Index i = 0; i < m.rows; ++i) {
    for (Index j = 0; j < m.cols; ++j) {
      out[i * m.cols + j] = m.data[i * m.row_stride + j * m.col_stride];
    }
  }
}

// A matrix of any readable element type; strides count bytes.
struct AnyMatrix {
  const void* data = nullptr;
  DType dtype = DType::f32;
  Index rows = 0;
  Index cols = 0;
  Index row_bytes = 0;
  Index col_bytes = 0;
};

}  // namespace shallowcore
