// Reading samples: blocks of rows of a Dataset as the kernels want them.
//
// Rows in order and of the network's own element type are used where they lie; everything else
// (shuffled rows, integers, inputs to rescale) is gathered and converted into buffers made once.
#pragma once

#include <vector>

#include "model/network.hpp"

namespace shallowcore {

template <class T>
struct Block {
  MatrixView<const T> x;
  const T* y = nullptr;  // (rows, n_outputs)
  const std::int32_t* labels = nullptr;
  const T* weights = nullptr;
};

template <class T>
class BatchReader {
 public:
  // Checks the shapes and the range of labels.  Does not own data or network.
  BatchReader(const Dataset& data, const Network<T>& network, Index most_rows, bool shuffled);

  // Samples order[first .. first + count), or first .. first + count where order is null.
  Block<T> read(const std::int64_t* order, Index first, Index count);

  bool reads_in_place() const { return x_in_place_; }
  Index rows() const { return data_.rows(); }

 private:
  const T* gathered(const AnyMatrix& source, const std::int64_t* order, Index first, Index count,
                    double scale, double offset, T* buffer) const;

  const Dataset& data_;
  double scale_, offset_;
  bool x_in_place_;
  Arena<T> arena_;
  T *x_ = nullptr, *y_ = nullptr, *weights_ = nullptr;
  // Labels become indices: a checked copy, because the caller may write to his own meanwhile.
  std::vector<std::int32_t> labels_, block_labels_;
};

// Whether rows in order can be handed out as contiguous T without a copy.
template <class T>
bool is_contiguous(const AnyMatrix& matrix);

}  // namespace shallowcore
