// Products of the inputs with others, a panel of columns at a time: what the gram plan needs of them.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/product.hpp"
#include "model/batches.hpp"

namespace shallowcore {

inline constexpr Index kPanel = 128;  // columns of X at a time: short sums, which lose little
inline constexpr Index kStripe = 24;  // rows of G that one thread works on

template <class T>
const Stage<T>& first_stage(const Network<T>& network) {
  return network.stages().front();
}

// Products of the inputs with others, a panel of columns at a time, on the team.
template <class T>
class InputProducts {
 public:
  InputProducts(const AnyMatrix& x, const Network<T>& network)
      : x_(x), network_(network), n_(x.rows), threads_(workspace_threads()) {
    const Index units = first_stage(network).n_out;
    panel_size_ = padded<T>(n_ * kPanel);
    workspace_size_ =
        padded<T>(std::max(workspace_size<T>(units, n_, 1), workspace_size<T>(units, kPanel, 1)));
    stripe_size_ = padded<T>(kStripe * n_) + padded<T>(kernels<T>().gemm_scratch);
    packed_size_ = padded<T>(kernels<T>().packed_size(kPanel, n_));
    const Index most = std::max(panel_size_ + workspace_size_, stripe_size_);
    arena_ = Arena<T>(panel_size_ + packed_size_ + threads_ * most, Fill::none);
    panel_ = arena_.take(panel_size_);
    packed_ = arena_.take(packed_size_);
    for (int i = 0; i < threads_; ++i) own_.push_back(arena_.take(most));
  }

  int threads() const { return threads_; }
  Index panels() const { return (x_.cols + kPanel - 1) / kPanel; }

  // g += P P^T for panel P, in the rows' part up to the diagonal, and a little beyond it.
  void add_gram(Index panel, double* g) {
    const MatrixView<const T> p = read(0, n_, panel, panel_);
    const KernelTable<T>& table = kernels<T>();
    table.pack(p.data, p.col_stride, p.row_stride, p.cols, n_, packed_);
    const Index stripes = (n_ + kStripe - 1) / kStripe;
    for_chunks(stripes, team(n_ * p.cols), [&](Index chunk, int thread) {
      const Index first = (stripes - 1 - chunk) * kStripe;  // the longest first
      const MatrixView<const T> rows = p.row_block(first, std::min(kStripe, n_ - first));
      T* sums = own_[static_cast<std::size_t>(thread)];
      GemmArgs<T> args = {};
      args.m = rows.rows;
      args.n = up_to(first + rows.rows);
      args.k = p.cols;
      args.a = rows.data;
      args.a_row = rows.row_stride;
      args.a_col = rows.col_stride;
      args.b = packed_;
      args.packed = true;
      args.c = sums;
      args.c_row = n_;
      args.scratch = sums + padded<T>(kStripe * n_);
      table.gemm(args);
      for (Index i = 0; i < rows.rows; ++i) {
        double* row = g + (first + i) * n_;
        for (Index j = 0; j < args.n; ++j) row[j] += static_cast<double>(sums[i * n_ + j]);
      }
    });
  }

  // z (n, units) += P w[rows of the panel] for panel P.
  void add_outputs(Index panel, const T* w, Index units, T* z) {
    const Index stripes = (n_ + kStripe - 1) / kStripe;
    for_chunks(stripes, team(2 * units), [&](Index chunk, int thread) {
      const Index first = chunk * kStripe, rows = std::min(kStripe, n_ - first);
      const MatrixView<const T> p = read(first, rows, panel, own(thread));
      const MatrixView<const T> b = row_major(w + panel * kPanel * units, p.cols, units);
      T* out = z + first * units;
      product<T>(p, b, out, units, row_major(out, rows, units), workspace(thread));
    });
  }

  // w (n_features, units) = init + X^T c.
  void kernel_from(const T* c, Index units, const T* init, T* w) {
    for_chunks(panels(), team(2 * units * panels()), [&](Index panel, int thread) {
      const MatrixView<const T> p = read(0, n_, panel, own(thread));
      const Index at = panel * kPanel * units;
      product<T>(p.transposed(), row_major(c, n_, units), init + at, units,
                 row_major(w + at, p.cols, units), workspace(thread));
    });
  }

 private:
  MatrixView<const T> read(Index row, Index rows, Index panel, T* buffer) const {
    const Index first = panel * kPanel;
    return input_block(x_, network_.input_map(), row, rows, first,
                       std::min(kPanel, x_.cols - first), buffer);
  }
  // Columns of whole panels of the packed product that reach at least to `col`.
  Index up_to(Index col) const {
    const Index unit = kernels<T>().panel_cols;
    return std::min(n_, (col + unit - 1) / unit * unit);
  }
  int team(Index flops_of_an_input) const {
    return std::min(threads_, team_size(static_cast<double>(flops_of_an_input) *
                                        static_cast<double>(n_ * kPanel)));
  }
  T* own(int thread) const { return own_[static_cast<std::size_t>(thread)]; }
  Workspace<T> workspace(int thread) const { return {own(thread) + panel_size_, 1}; }

  const AnyMatrix& x_;
  const Network<T>& network_;
  Index n_;
  int threads_;
  Index panel_size_, workspace_size_, stripe_size_, packed_size_;
  Arena<T> arena_;
  T *panel_, *packed_;
  std::vector<T*> own_;  // a panel and a workspace, or a stripe of G, of each thread
};

}  // namespace shallowcore
