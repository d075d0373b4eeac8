// Products of the panels plan: any left factor, right factors in panels.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/types.hpp"
#include "kernels/table.hpp"

namespace shallowcore {

// A matrix (rows, k) as the left factor of a product; panels as in GemmArgs, words as in SparseArgs.
template <class T>
struct LeftFactor {
  const T* data = nullptr;
  Index row = 0, col = 0, inner = 0, panel = 0;
  const std::uint64_t* words = nullptr;  // null: everything counts
  Index words_row = 0;
};

// c (m, cols) = init + a b, b one panel (k, width); init is a row or null.
template <class T>
void multiply(const LeftFactor<T>& a, Index m, Index k, const T* b, Index width,
              std::type_identity_t<const T*> init, T* c, Index c_row, Index cols) {
  GemmArgs<T> args = {};
  args.m = m;
  args.n = cols;
  args.k = k;
  args.a = a.data;
  args.a_row = a.row;
  args.a_col = a.col;
  args.a_inner = a.inner;
  args.a_panel = a.panel;
  args.b = b;
  args.b_row = width;
  args.packed = true;
  args.init = init;
  args.c = c;
  args.c_row = c_row;
  kernels<T>().gemm(args);
}

// The same for panels of one width: of b b_panel apart, of c (m, width) one after the other.  Where a has
// words, panels are whole.
template <class T>
void multiply_panels(const LeftFactor<T>& a, Index m, Index k, const T* b, Index b_panel,
                     Index panels, Index width, std::type_identity_t<const T*> init, T* c) {
  const Index c_panel = m * width;
  if (a.words != nullptr) {
    return kernels<T>().sparse_product(
        {m, k, panels, a.data, a.row, a.words, a.words_row, b, b_panel, init, c, c_panel});
  }
  for (Index j = 0; j < panels; ++j) {
    multiply(a, m, k, b + j * b_panel, width, init == nullptr ? nullptr : init + j * width,
             c + j * c_panel, width, width);
  }
}

}  // namespace shallowcore
