// The inputs of a step as the panels plan's first layer reads them: rows for the product, columns for
// the gradient of its kernel.
//
// Several panels pay for a transposition, after which columns are read straight on.
// Inputs that are mostly zeros (images, one-hot categories) are searched in each step for what is not
// zero, and both products leave the rest out, which changes no bit of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/panel_products.hpp"
#include "model/plan.hpp"

namespace shallowcore {

template <class T>
class PanelInputs {
 public:
  // For a first layer of n_panels panels; `hidden`: others follow.
  PanelInputs(const Problem<T>& problem, Index n_panels, bool hidden);

  // The inputs of the step under way.
  void take(const MatrixView<const T>& x) { x_ = x; }
  // Whether the products leave zeros out, in this step.
  bool sparse() const { return looks_sparse_ && x_.col_stride == 1; }
  // Work that any threads may share: of marking rows, to be done before rows() is used, and of
  // preparing columns, before columns() is.
  Index row_parts() const { return sparse() ? kRowParts : 0; }
  void prepare_rows(Index part);
  void prepare_columns(Index part, Index parts);

  LeftFactor<T> rows() const;                // (rows of the batch, n_features)
  LeftFactor<T> columns(Index first) const;  // (n_features - first, rows of the batch)
  std::string summary() const;

 private:
  static constexpr Index kRowParts = 4;

  bool transposes() const { return transposed_ != nullptr && x_.col_stride == 1; }

  const KernelTable<T>& table_ = kernels<T>();
  MatrixView<const T> x_;
  double density_ = 1;  // of some rows of the data: what is not zero
  bool looks_sparse_ = false;
  Arena<T> arena_;
  T* transposed_ = nullptr;  // (n_features, stride_)
  Index stride_ = 0;
  std::vector<std::uint64_t> row_words_, column_words_;
  Index row_words_of_one_ = 0, column_words_of_one_ = 0;
};

}  // namespace shallowcore
