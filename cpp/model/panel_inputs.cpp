#include "model/panel_inputs.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "model/batches.hpp"

namespace shallowcore {
namespace {

constexpr Index kTransposeFrom = 4;   // panels of the first layer that pay for a transposition
constexpr double kSparseBelow = 0.4;  // of inputs that are not zero: products are even at 0.55
constexpr Index kRowsLookedAt = 64;   // to find that out, evenly spread

Index words_of(Index n) { return (n + 63) / 64; }

// The part of the inputs, as the network reads them, that is not zero; from some of the rows.
template <class T>
double density_of(const AnyMatrix& x, const Network<T>& network) {
  const Index rows = std::min(x.rows, kRowsLookedAt);
  Arena<T> row(x.cols, Fill::none);
  std::vector<std::uint64_t> words(static_cast<std::size_t>(words_of(x.cols)));
  Index found = 0;
  for (Index i = 0; i < rows; ++i) {
    kernels<T>().gather[static_cast<int>(x.dtype)]({x.data, x.row_bytes, x.col_bytes, nullptr,
                                                    i * x.rows / rows, 1, x.cols,
                                                    network.input_map(), row.data()});
    kernels<T>().mark_nonzeros(row.data(), x.cols, 1, x.cols, words.data(), 0);
    for (const std::uint64_t word : words) found += std::popcount(word);
  }
  return static_cast<double>(found) / static_cast<double>(rows * x.cols);
}

}  // namespace

template <class T>
PanelInputs<T>::PanelInputs(const Problem<T>& problem, Index n_panels, bool hidden) {
  if (!hidden) return;
  const Index n_features = problem.network.n_features(), most_rows = problem.options.batch_size;
  const AnyMatrix& x = problem.data.x;
  // Columns that are read where they lie are not searched.
  const bool by_columns = !problem.options.shuffle &&
                          x.col_bytes != static_cast<Index>(sizeof(T)) &&
                          can_use_in_place<T>(x, problem.network.input_map());
  if (!by_columns) density_ = density_of(x, problem.network);
  looks_sparse_ = density_ < kSparseBelow;
  if (n_panels < kTransposeFrom && !looks_sparse_) return;
  stride_ = padded<T>(most_rows);
  arena_ = Arena<T>(n_features * stride_);
  transposed_ = arena_.data();
  if (!looks_sparse_) return;
  row_words_of_one_ = words_of(n_features);
  column_words_of_one_ = words_of(most_rows);
  row_words_.resize(static_cast<std::size_t>(most_rows * row_words_of_one_));
  column_words_.resize(static_cast<std::size_t>(n_features * column_words_of_one_));
}

template <class T>
void PanelInputs<T>::prepare_rows(Index part) {
  const Index first = x_.rows * part / kRowParts, last = x_.rows * (part + 1) / kRowParts;
  table_.mark_nonzeros(x_.data + first * x_.row_stride, x_.row_stride, last - first, x_.cols,
                       row_words_.data() + first * row_words_of_one_, row_words_of_one_);
}

template <class T>
void PanelInputs<T>::prepare_columns(Index part, Index parts) {
  if (!transposes()) return;
  const Index units = (x_.cols + table_.vector_cols - 1) / table_.vector_cols;
  const Index first = units * part / parts * table_.vector_cols;
  const Index last = std::min(units * (part + 1) / parts * table_.vector_cols, x_.cols);
  T* columns = transposed_ + first * stride_;
  table_.transpose(x_.data + first, x_.row_stride, x_.rows, last - first, columns, stride_);
  if (!sparse()) return;
  table_.mark_nonzeros(columns, stride_, last - first, x_.rows,
                       column_words_.data() + first * column_words_of_one_, column_words_of_one_);
}

template <class T>
LeftFactor<T> PanelInputs<T>::rows() const {
  LeftFactor<T> left = {x_.data, x_.row_stride, x_.col_stride, x_.cols};
  if (sparse()) {
    left.words = row_words_.data();
    left.words_row = row_words_of_one_;
  }
  return left;
}

template <class T>
LeftFactor<T> PanelInputs<T>::columns(Index first) const {
  if (!transposes()) {
    return {x_.data + first * x_.col_stride, x_.col_stride, x_.row_stride, x_.rows};
  }
  LeftFactor<T> left = {transposed_ + first * stride_, stride_, 1, x_.rows};
  if (sparse()) {
    left.words = column_words_.data() + first * column_words_of_one_;
    left.words_row = column_words_of_one_;
  }
  return left;
}

template <class T>
std::string PanelInputs<T>::summary() const {
  if (!looks_sparse_) return "";
  return "zeros: " + std::to_string(std::lround(100 * (1 - density_))) +
         " % of some rows' inputs, left out of the products\n";
}

template class PanelInputs<float>;
template class PanelInputs<double>;

}  // namespace shallowcore
