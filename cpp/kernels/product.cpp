#include "kernels/product.hpp"

#include <algorithm>

#include "core/arena.hpp"
#include "core/blas.hpp"
#include "core/threads.hpp"
#include "kernels/table.hpp"

namespace shallowcore {
namespace {

constexpr double kBlasFromFlops = 2e8;  // smaller products are faster without it
constexpr Index kFewDepths = 8;
constexpr Index kDepthsPerColumn = 8;  // from which on dot products are worth a transposition of b

Index round_up(Index value, Index unit) { return (value + unit - 1) / unit * unit; }

// The product of single-threaded BLAS calls on fixed stripes of rows.
template <class T>
void stripes_by_blas(const MatrixView<const T>& a, const MatrixView<const T>& b, const T* init,
                     Index init_row, const MatrixView<T>& c, int threads) {
  constexpr Index stripe = 256;
  for_chunks((c.rows + stripe - 1) / stripe, threads, [&](Index chunk, int) {
    const Index first = chunk * stripe, rows = std::min(stripe, c.rows - first);
    const MatrixView<T> part = c.row_block(first, rows);
    if (init != nullptr && init != c.data) {
      for (Index i = 0; i < rows; ++i) {
        std::copy_n(init + (first + i) * init_row, c.cols, part.data + i * part.row_stride);
      }
    }
    blas_product(a.row_block(first, rows), b, part, init != nullptr);
  });
}

// What product() does, from shapes and strides alone.
struct Choice {
  bool by_blas, packs;
  bool by_dots;    // rows of a times columns of b, which may have to be made contiguous
  Index in_place;  // columns of b, from the first, that are read where they lie
  int threads;
};

template <class T>
Choice choose(const MatrixView<const T>& a, const MatrixView<const T>& b, const MatrixView<T>& c) {
  const KernelTable<T>& table = kernels<T>();
  const double flops =
      2.0 * static_cast<double>(c.rows) * static_cast<double>(c.cols) * static_cast<double>(a.cols);
  // The kernels for one column read b where it lies; they need contiguous rows or columns of a.
  const bool rows_lie = (a.col_stride == 1 && b.row_stride == 1) || a.cols == 1;
  const bool cols_lie = a.row_stride == 1 && c.row_stride == 1;
  const bool one_column = c.cols == 1 && (rows_lie || cols_lie);
  // Few rows read b but once or twice, and few rows of b lie in the cache: packing would not pay.  The
  // kernels read whole vectors; only one row finds its way through any number of columns.
  const bool few = c.rows <= 2 * table.tile_rows || a.cols <= kFewDepths;
  // Few columns leave most lanes of a tile empty; the depths of a dot product fill them.  Not by the
  // number of rows: a row must come out the same alone and among others.
  const bool deep = a.col_stride == 1 && a.cols >= 2 * table.vector_cols && table.vector_cols >= 8;
  const bool thin = 2 * c.cols <= table.vector_cols && a.cols >= kDepthsPerColumn * c.cols;
  const bool by_dots = deep && c.cols > 1 && (thin || (few && c.rows > 1 && b.row_stride == 1));
  Index in_place = 0;
  if (one_column || by_dots || (b.col_stride == 1 && c.rows == 1)) {
    in_place = c.cols;
  } else if (b.col_stride == 1 && few) {
    in_place = c.cols / table.vector_cols * table.vector_cols;
  }
  return {flops >= kBlasFromFlops && c.cols > 1 && blas_can_multiply(a, b),
          by_dots ? b.row_stride != 1 : in_place < c.cols, by_dots, in_place,
          team_size_of_call(flops)};
}

// The same product for some columns of c.
template <class T>
GemmArgs<T> columns_of(GemmArgs<T> args, Index first, Index count) {
  args.n = count;
  args.b += first * args.b_col;
  args.c += first;
  if (args.init != nullptr) args.init += first;
  return args;
}

}  // namespace

int workspace_threads() { return std::min(num_threads(), kMostThreads); }

template <class T>
Index workspace_size(Index n, Index k, int threads) {
  const KernelTable<T>& table = kernels<T>();
  return padded<T>(table.packed_size(k, n)) + threads * padded<T>(table.gemm_scratch);
}

template <class T>
void product(const MatrixView<const T>& a, const MatrixView<const T>& b, const T* init,
             Index init_row, const MatrixView<T>& c) {
  const KernelTable<T>& table = kernels<T>();
  const Choice choice = choose(a, b, c);
  Index size = 0;
  if (choice.packs && !choice.by_blas) {
    const Index rest = choice.by_dots ? b.cols : b.cols - choice.in_place;
    size += padded<T>(table.packed_size(b.rows, rest));
  }
  if (a.rows * a.cols >= table.pack_rows_from)
    size += choice.threads * padded<T>(table.gemm_scratch);
  if (size == 0) return product(a, b, init, init_row, c, Workspace<T>{nullptr, choice.threads});
  const Arena<T> memory(size, Fill::none);
  product(a, b, init, init_row, c, Workspace<T>{memory.data(), choice.threads});
}

template <class T>
void product(const MatrixView<const T>& a, const MatrixView<const T>& b, const T* init,
             Index init_row, const MatrixView<T>& c, const Workspace<T>& workspace) {
  if (c.rows == 0 || c.cols == 0) return;
  const KernelTable<T>& table = kernels<T>();
  const Choice choice = choose(a, b, c);
  if (c.rows == 1 && c.cols > 1 && b.row_stride == 1 && !choice.by_dots) {  // turned: one column
    return product(b.transposed(), a.transposed(), init, 1, c.transposed(), workspace);
  }
  const int threads = std::min(choice.threads, workspace.threads);
  if (choice.by_blas) return stripes_by_blas(a, b, init, init_row, c, threads);
  if (choice.by_dots && choice.packs) {
    // A kernel for matrices with contiguous rows, each behind the one before.
    if (b.col_stride == 1 && b.row_stride >= b.cols) {
      table.transpose(b.data, b.row_stride, b.rows, b.cols, workspace.memory, b.rows);
    } else {
      copy_rows(b.transposed(), workspace.memory);
    }
    const MatrixView<const T> columns = {workspace.memory, b.rows, b.cols, 1, b.rows};
    return product(a, columns, init, init_row, c, workspace);
  }

  GemmArgs<T> args = {};
  args.k = a.cols;
  args.a_row = a.row_stride;
  args.a_col = a.col_stride;
  args.b_row = b.row_stride;
  args.b_col = b.col_stride;
  args.dots = choice.by_dots;
  args.init_row = init_row;
  args.c_row = c.row_stride;
  T* scratch = workspace.memory;
  if (choice.packs) {
    const Index rest = b.cols - choice.in_place;
    table.pack(b.data + choice.in_place * b.col_stride, b.row_stride, b.col_stride, b.rows, rest,
               workspace.memory);
    scratch += padded<T>(table.packed_size(a.cols, rest));
  }

  const Index parts = threads == 1 ? 1 : 2 * threads;
  const bool by_rows = c.rows >= parts * table.tile_rows || c.cols == 1;
  const Index unit = by_rows ? table.tile_rows : table.panel_cols;
  const Index whole = by_rows ? c.rows : c.cols;
  const Index part = round_up((whole + parts - 1) / parts, unit);
  for_chunks((whole + part - 1) / part, threads, [&](Index chunk, int thread) {
    const Index first = chunk * part, count = std::min(part, whole - first);
    const Index row = by_rows ? first : 0, col = by_rows ? 0 : first;
    GemmArgs<T> mine = args;
    mine.m = by_rows ? count : c.rows;
    mine.n = by_rows ? c.cols : count;
    mine.a = a.data + row * a.row_stride;
    mine.b = b.data + col * b.col_stride;
    mine.init = init == nullptr ? nullptr : init + row * init_row + col;
    mine.c = c.data + row * c.row_stride + col;
    mine.scratch = scratch + thread * padded<T>(table.gemm_scratch);
    const Index lying = std::clamp<Index>(choice.in_place - col, 0, mine.n);
    if (lying > 0) table.gemm(columns_of(mine, 0, lying));
    if (lying == mine.n) return;
    mine = columns_of(mine, lying, mine.n - lying);
    mine.b = workspace.memory + a.cols * (col + lying - choice.in_place);
    mine.packed = true;
    table.gemm(mine);
  });
}

template Index workspace_size<float>(Index, Index, int);
template Index workspace_size<double>(Index, Index, int);
template void product<float>(const MatrixView<const float>&, const MatrixView<const float>&,
                             const float*, Index, const MatrixView<float>&);
template void product<double>(const MatrixView<const double>&, const MatrixView<const double>&,
                              const double*, Index, const MatrixView<double>&);
template void product<float>(const MatrixView<const float>&, const MatrixView<const float>&,
                             const float*, Index, const MatrixView<float>&,
                             const Workspace<float>&);
template void product<double>(const MatrixView<const double>&, const MatrixView<const double>&,
                              const double*, Index, const MatrixView<double>&,
                              const Workspace<double>&);

}  // namespace shallowcore
