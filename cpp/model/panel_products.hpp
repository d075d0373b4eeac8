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

// The same for whole panels: of b b_panel apart, of c (m, panel_cols) one after the other.
template <class T>
void multiply_panels(const LeftFactor<T>& a, Index m, Index k, const T* b, Index b_panel,
                     Index panels, std::type_identity_t<const T*> init, T* c) {
  const Index wide = kernels<T>().panel_cols, c_panel = m * wide;
  if (a.words != nullptr) {
    return kernels<T>().sparse_product(
        {m, k, panels, a.data, a.row, a.words, a.words_row, b, b_panel, init, c, c_panel});
  }
  for (Index j = 0; j < panels; ++j) {
    multiply(a, m, k, b + j * b_panel, wide, init == nullptr ? nullptr : init + j * wide,
             c + j * c_panel, wide, wide);
  }
}

}  // namespace shallowcore
