#include "model/batches.hpp"

#include <string>

namespace shallowcore {
namespace {

template <class T>
bool has_element_strides(const AnyMatrix& matrix) {
  constexpr Index size = sizeof(T);
  return matrix.dtype == kDTypeOf<T> && matrix.row_bytes % size == 0 &&
         matrix.col_bytes % size == 0;
}

void check_labels(const std::vector<std::int32_t>& labels, Index n_outputs) {
  for (const std::int32_t label : labels) {
    if (label < 0 || label >= n_outputs) {
      throw InvalidArgument("y", "label " + std::to_string(label),
                            "labels from 0 to " + std::to_string(n_outputs - 1));
    }
  }
}

}  // namespace

template <class T>
bool is_contiguous(const AnyMatrix& matrix) {
  constexpr Index size = sizeof(T);
  return matrix.dtype == kDTypeOf<T> && (matrix.cols == 1 || matrix.col_bytes == size) &&
         (matrix.rows <= 1 || matrix.row_bytes == size * matrix.cols);
}

template <class T>
BatchReader<T>::BatchReader(const Dataset& data, const Network<T>& network, Index most_rows,
                            bool shuffled)
    : data_(data),
      scale_(network.input_scale()),
      offset_(network.input_offset()),
      x_in_place_(!shuffled && scale_ == 1 && offset_ == 0 && has_element_strides<T>(data.x)) {
  require_equal("features of x", data.x.cols, network.n_features());
  if (data.y.data != nullptr) {
    require_equal("rows of y", data.y.rows, data.rows());
    require_equal("columns of y", data.y.cols, network.n_outputs());
  }
  if (data.labels != nullptr) {
    labels_.assign(data.labels, data.labels + data.rows());
    check_labels(labels_, network.n_outputs());
  }
  if (data.weights.data != nullptr) {
    require_equal("sample_weight", data.weights.rows, data.rows());
    require_equal("columns of sample_weight", data.weights.cols, 1);
  }

  const Index x_size = x_in_place_ ? 0 : most_rows * data.x.cols;
  const Index y_size = data.y.data == nullptr ? 0 : most_rows * data.y.cols;
  const Index weights_size = data.weights.data == nullptr ? 0 : most_rows;
  arena_ = Arena<T>(padded<T>(x_size) + padded<T>(y_size) + padded<T>(weights_size));
  x_ = arena_.take(x_size);
  y_ = arena_.take(y_size);
  weights_ = arena_.take(weights_size);
  if (data.labels != nullptr && shuffled) {
    block_labels_.resize(static_cast<std::size_t>(most_rows));
  }
}

template <class T>
const T* BatchReader<T>::gathered(const AnyMatrix& source, const std::int64_t* order, Index first,
                                  Index count, double scale, double offset, T* buffer) const {
  kernels<T>().gather[static_cast<int>(source.dtype)]({source.data, source.row_bytes,
                                                       source.col_bytes, order, first, count,
                                                       source.cols, scale, offset, buffer});
  return buffer;
}

template <class T>
Block<T> BatchReader<T>::read(const std::int64_t* order, Index first, Index count) {
  Block<T> block;
  constexpr Index size = sizeof(T);
  if (x_in_place_ && order == nullptr) {
    block.x = {static_cast<const T*>(data_.x.data) + first * (data_.x.row_bytes / size), count,
               data_.x.cols, data_.x.row_bytes / size, data_.x.col_bytes / size};
  } else {
    block.x = row_major<const T>(gathered(data_.x, order, first, count, scale_, offset_, x_), count,
                                 data_.x.cols);
  }
  const auto column_block = [&](const AnyMatrix& source, T* buffer) -> const T* {
    if (source.data == nullptr) return nullptr;
    if (order == nullptr && is_contiguous<T>(source)) {
      return static_cast<const T*>(source.data) + first * source.cols;
    }
    return gathered(source, order, first, count, 1, 0, buffer);
  };
  block.y = column_block(data_.y, y_);
  block.weights = column_block(data_.weights, weights_);
  if (!labels_.empty()) {
    block.labels = labels_.data() + first;
    if (order != nullptr) {
      for (Index i = 0; i < count; ++i) {
        block_labels_[static_cast<std::size_t>(i)] =
            labels_[static_cast<std::size_t>(order[first + i])];
      }
      block.labels = block_labels_.data();
    }
  }
  return block;
}

template bool is_contiguous<float>(const AnyMatrix&);
template bool is_contiguous<double>(const AnyMatrix&);
template class BatchReader<float>;
template class BatchReader<double>;

}  // namespace shallowcore
