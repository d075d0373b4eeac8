#include "model/batches.hpp"

#include <string>
#include <utility>

#include "core/pages.hpp"
#include "kernels/product.hpp"

namespace shallowcore {

void check_labels(const std::int32_t* labels, Index count, Index n_outputs) {
  for (Index i = 0; i < count; ++i) {
    if (labels[i] < 0 || labels[i] >= n_outputs) {
      throw InvalidArgument("y", "label " + std::to_string(labels[i]),
                            "labels from 0 to " + std::to_string(n_outputs - 1));
    }
  }
}

namespace {

template <class T>
void check_takes_compressed(const Dataset& data, const Network<T>& network) {
  const auto& stages = network.stages();
  const bool dense = !stages.empty() && stages[0].kind == LayerSpec::Kind::dense;
  if (dense && network.input_map().is_identity() && data.x.dtype == kDTypeOf<T>) return;
  throw InvalidArgument("x", "compressed rows",
                        "a dense matrix, or values of the network's type and a dense first layer");
}

}  // namespace

template <class T>
bool can_use_in_place(const AnyMatrix& x, const InputMap& map) {
  constexpr Index size = sizeof(T);
  return map.is_identity() && x.dtype == kDTypeOf<T> && x.row_bytes % size == 0 &&
         x.col_bytes % size == 0;
}

// Few outputs are sums in lanes where rows are contiguous, and chains elsewhere (kernels/product.cpp).
template <class T>
bool needs_rows(const Dataset& data, const Network<T>& network) {
  const AnyMatrix& x = data.x;
  const bool in_rows = x.cols == 1 || x.col_bytes == static_cast<Index>(sizeof(T));
  return !data.is_compressed() && !in_rows && !network.stages().empty() &&
         network.stages().front().n_out <= kernels<T>().vector_cols;
}

template <class T>
MatrixView<const T> input_block(const AnyMatrix& x, const InputMap& map, Index first_row,
                                Index n_rows, Index first_col, Index n_cols, T* buffer) {
  const char* data =
      static_cast<const char*>(x.data) + first_row * x.row_bytes + first_col * x.col_bytes;
  if (can_use_in_place<T>(x, map)) {
    constexpr Index size = sizeof(T);
    return {reinterpret_cast<const T*>(data), n_rows, n_cols, x.row_bytes / size,
            x.col_bytes / size};
  }
  kernels<T>().gather[static_cast<int>(x.dtype)]({data, x.row_bytes, x.col_bytes, nullptr, 0,
                                                  n_rows, n_cols, map.from_column(first_col),
                                                  buffer});
  return row_major<const T>(buffer, n_rows, n_cols);
}

template <class T>
bool is_contiguous(const AnyMatrix& matrix) {
  constexpr Index size = sizeof(T);
  return matrix.dtype == kDTypeOf<T> && (matrix.cols == 1 || matrix.col_bytes == size) &&
         (matrix.rows <= 1 || matrix.row_bytes == size * matrix.cols);
}

template <class T>
BatchReader<T>::BatchReader(const Dataset& data, const Network<T>& network, Index most_rows,
                            bool shuffled, Inputs inputs)
    : data_(data),
      map_(network.input_map()),
      x_in_place_(data.is_compressed() ||
                  (!shuffled && can_use_in_place<T>(data.x, map_) &&
                   !(inputs == Inputs::rows && needs_rows(data, network)))) {
  require_equal("features of x", data.x.cols, network.n_features());
  if (data.is_compressed()) check_takes_compressed(data, network);
  if (data.y.data != nullptr) {
    require_equal("rows of y", data.y.rows, data.rows());
    require_equal("columns of y", data.y.cols, network.n_outputs());
  }
  if (data.labels != nullptr && !data.fed) {
    labels_.assign(data.labels, data.labels + data.rows());
    check_labels(labels_.data(), data.rows(), network.n_outputs());
  }
  if (data.weights.data != nullptr) {
    require_equal("sample_weight", data.weights.rows, data.rows());
    require_equal("columns of sample_weight", data.weights.cols, 1);
  }

  const Index x_size = x_in_place_ || inputs == Inputs::left ? 0 : most_rows * data.x.cols;
  const Index y_size = data.y.data == nullptr ? 0 : most_rows * data.y.cols;
  const Index weights_size = data.weights.data == nullptr ? 0 : most_rows;
  arena_ = Arena<T>((inputs == Inputs::ahead ? 2 : 1) * padded<T>(x_size) + padded<T>(y_size) +
                    padded<T>(weights_size));
  x_ = arena_.take(x_size);
  if (inputs == Inputs::ahead && x_size > 0) x_ahead_ = arena_.take(x_size);
  y_ = arena_.take(y_size);
  weights_ = arena_.take(weights_size);
  if (data.labels != nullptr && shuffled) {
    block_labels_.resize(static_cast<std::size_t>(most_rows));
  }
}

template <class T>
const T* BatchReader<T>::gathered(const AnyMatrix& source, const std::int64_t* order, Index first,
                                  Index count, const InputMap& map, T* buffer) const {
  // Waiting for memory, an element costs as much time as so many operations.
  constexpr double flops_of_an_element = 20;
  const double elements = static_cast<double>(count) * static_cast<double>(source.cols);
  constexpr Index size = sizeof(T);
  const bool by_columns = order == nullptr && can_use_in_place<T>(source, map) &&
                          source.row_bytes == size && source.col_bytes >= source.rows * size;
  over_rows(count, flops_of_an_element * elements, [&](Index begin, Index rows) {
    if (by_columns) {
      const T* columns = static_cast<const T*>(source.data) + first + begin;
      return kernels<T>().transpose(columns, source.col_bytes / size, source.cols, rows,
                                    buffer + begin * source.cols, source.cols);
    }
    kernels<T>().gather[static_cast<int>(source.dtype)](
        {source.data, source.row_bytes, source.col_bytes, order, first + begin, rows, source.cols,
         map, buffer + begin * source.cols});
  });
  return buffer;
}

template <class T>
Block<T> BatchReader<T>::read(const std::int64_t* order, Index first, Index count) {
  Block<T> block = read_targets(order, first, count);
  if (data_.is_compressed()) {
    const auto& [values, columns, starts] = data_.compressed;
    block.x = {{static_cast<const T*>(values), columns, starts, order, first, count}, data_.x.cols};
  } else if (x_in_place_ && order == nullptr) {
    block.x = input_block<T>(data_.x, map_, first, count, 0, data_.x.cols, x_);
  } else if (announced_ == Batch{order, first, count}) {
    std::swap(x_, x_ahead_);
    announced_ = {};
    block.x = row_major<const T>(x_, count, data_.x.cols);
  } else {
    block.x =
        row_major<const T>(gathered(data_.x, order, first, count, map_, x_), count, data_.x.cols);
  }
  return block;
}

template <class T>
bool BatchReader<T>::announce(const std::int64_t* order, Index first, Index count) {
  if (x_ahead_ == nullptr || count <= 0) return false;
  announced_ = {order, first, count};
  return true;
}

template <class T>
void BatchReader<T>::take_ahead(Index part, Index parts) const {
  const Index begin = announced_.count * part / parts, end = announced_.count * (part + 1) / parts;
  kernels<T>().gather[static_cast<int>(data_.x.dtype)](
      {data_.x.data, data_.x.row_bytes, data_.x.col_bytes, announced_.order,
       announced_.first + begin, end - begin, data_.x.cols, map_, x_ahead_ + begin * data_.x.cols});
}

template <class T>
void BatchReader<T>::release(Index first, Index count) const {
  if (data_.mapped) release_rows(data_.x, first, count);
}

template <class T>
Block<T> BatchReader<T>::read_targets(const std::int64_t* order, Index first, Index count) {
  Block<T> block;
  block.x = row_major<const T>(nullptr, count, data_.x.cols);
  const auto column_block = [&](const AnyMatrix& source, T* buffer) -> const T* {
    if (source.data == nullptr) return nullptr;
    if (order == nullptr && is_contiguous<T>(source)) {
      return static_cast<const T*>(source.data) + first * source.cols;
    }
    return gathered(source, order, first, count, {}, buffer);
  };
  block.y = column_block(data_.y, y_);
  block.weights = column_block(data_.weights, weights_);
  if (data_.labels != nullptr) {
    block.labels = (data_.fed ? data_.labels : labels_.data()) + first;
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

template bool can_use_in_place<float>(const AnyMatrix&, const InputMap&);
template bool can_use_in_place<double>(const AnyMatrix&, const InputMap&);
template bool needs_rows(const Dataset&, const Network<float>&);
template bool needs_rows(const Dataset&, const Network<double>&);
template MatrixView<const float> input_block(const AnyMatrix&, const InputMap&, Index, Index, Index,
                                             Index, float*);
template MatrixView<const double> input_block(const AnyMatrix&, const InputMap&, Index, Index,
                                              Index, Index, double*);
template bool is_contiguous<float>(const AnyMatrix&);
template bool is_contiguous<double>(const AnyMatrix&);
template class BatchReader<float>;
template class BatchReader<double>;

}  // namespace shallowcore
