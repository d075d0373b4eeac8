#include "model/moments.hpp"

#include <algorithm>

#include "core/arena.hpp"
#include "core/pages.hpp"
#include "kernels/product.hpp"
#include "kernels/registry.hpp"
#include "model/epoch_order.hpp"

namespace shallowcore {
namespace {

constexpr Index kBlockRows = 128;     // with kBlockColumns: a block stays in the L2 cache
constexpr Index kBlockColumns = 128;  // of one thread at a time
constexpr double kFlopsOfElement = 8;

// Sums of one block's columns, merged into the moments of the rows before it; variances hold sums of
// squares until the end.
void merge(const double* block, Index rows, Index cols, double before, double* means,
           double* squares) {
  const double n = static_cast<double>(rows);
  double sums[kBlockColumns] = {}, own[kBlockColumns] = {};
  for (Index i = 1; i < rows; ++i) {  // from the first row: a constant column adds exact zeros
    for (Index j = 0; j < cols; ++j) sums[j] += block[i * cols + j] - block[j];
  }
  for (Index j = 0; j < cols; ++j) sums[j] = block[j] + sums[j] / n;
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) {
      const double d = block[i * cols + j] - sums[j];
      own[j] += d * d;
    }
  }
  for (Index j = 0; j < cols; ++j) {
    const double d = sums[j] - means[j];
    means[j] += d * (n / (before + n));
    squares[j] += own[j] + d * d * (before * n / (before + n));
  }
}

}  // namespace

Moments column_moments(const AnyMatrix& x, bool mapped, const std::function<void()>& poll) {
  const auto columns = static_cast<std::size_t>(x.cols);
  Moments moments{std::vector<double>(columns), std::vector<double>(columns)};
  const Index parts = (x.cols + kBlockColumns - 1) / kBlockColumns;
  Arena<double> buffers(parts * kBlockRows * kBlockColumns, Fill::none);
  const double flops = kFlopsOfElement * static_cast<double>(x.rows) * static_cast<double>(x.cols);
  const int threads = team_size_of_call(flops) > 1 ? workspace_threads() : 1;
  const Index most_kept = shuffle_block_rows(x);
  Index kept = 0;  // the first row that may be resident
  const Team team(threads);
  for (Index row = 0; row < x.rows; row += kBlockRows) {
    const Index rows = std::min(kBlockRows, x.rows - row);
    over_rows(parts, kFlopsOfElement * static_cast<double>(rows * x.cols),
              [&](Index begin, Index count) {
                for (Index part = begin; part < begin + count; ++part) {
                  const Index first = part * kBlockColumns;
                  const Index cols = std::min(kBlockColumns, x.cols - first);
                  double* block = buffers.data() + part * kBlockRows * kBlockColumns;
                  kernels<double>().gather[static_cast<int>(x.dtype)](
                      {static_cast<const char*>(x.data) + first * x.col_bytes,
                       x.row_bytes,
                       x.col_bytes,
                       nullptr,
                       row,
                       rows,
                       cols,
                       {},
                       block});
                  merge(block, rows, cols, static_cast<double>(row), moments.means.data() + first,
                        moments.variances.data() + first);
                }
              });
    if (mapped && (row + rows == x.rows || row + rows - kept >= most_kept)) {
      release_rows(x, kept, row + rows - kept);
      kept = row + rows;
    }
    if (poll) poll();
  }
  for (double& variance : moments.variances) variance /= static_cast<double>(x.rows);
  return moments;
}

}  // namespace shallowcore
