// Reading samples: blocks of rows of a Dataset as the kernels want them.
//
// Rows in order and of the network's own element type are used where they lie, and so are compressed
// rows in any order; everything else (shuffled rows, integers, inputs to rescale) is gathered and
// converted into buffers made once.
#pragma once

#include <vector>

#include "model/input_rows.hpp"
#include "model/network.hpp"

namespace shallowcore {

template <class T>
struct Block {
  InputRows<T> x;
  const T* y = nullptr;  // (rows, n_outputs)
  const std::int32_t* labels = nullptr;
  const T* weights = nullptr;
};

// How a reader reads inputs: in read(), also ahead of it, or not at all: read_targets() only.  `rows`: in
// read(), as contiguous rows where the sums of the first layer would run in another order otherwise, so
// that outputs do not depend on how the samples lie in memory.
enum class Inputs { read, ahead, left, rows };

template <class T>
class BatchReader {
 public:
  // Checks the shapes and the range of labels.  Does not own data or network.
  BatchReader(const Dataset& data, const Network<T>& network, Index most_rows, bool shuffled,
              Inputs inputs = Inputs::read);

  // Samples order[first .. first + count), or first .. first + count where order is null.
  Block<T> read(const std::int64_t* order, Index first, Index count);
  // The same without the inputs: block.x has no data.
  Block<T> read_targets(const std::int64_t* order, Index first, Index count);

  // Reading ahead: announce() a batch, let any threads take the parts of its inputs, then read() it.
  // Only for readers with Inputs::ahead; false where there is nothing to do.
  bool announce(const std::int64_t* order, Index first, Index count);
  void take_ahead(Index part, Index parts) const;
  // What was read ahead may no longer be what read() would give.
  void forget_ahead() { announced_ = {}; }

  // Samples as they lie that are not needed any more: a mapped file gives their pages back.
  void release(Index first, Index count) const;

  bool reads_in_place() const { return x_in_place_; }
  Index rows() const { return data_.rows(); }

 private:
  struct Batch {
    const std::int64_t* order = nullptr;
    Index first = 0, count = 0;
    bool operator==(const Batch&) const = default;
  };

  const T* gathered(const AnyMatrix& source, const std::int64_t* order, Index first, Index count,
                    const InputMap& map, T* buffer) const;

  const Dataset& data_;
  InputMap map_;
  bool x_in_place_;
  Arena<T> arena_;
  T *x_ = nullptr, *y_ = nullptr, *weights_ = nullptr;
  T* x_ahead_ = nullptr;  // null: reads ahead never
  Batch announced_;
  // Labels become indices: a checked copy, because the caller may write to his own meanwhile.  Labels
  // that are fed are such a copy.
  std::vector<std::int32_t> labels_, block_labels_;
};

// Labels are indices of outputs, or InvalidArgument.
void check_labels(const std::int32_t* labels, Index count, Index n_outputs);

// Whether inputs are T already and are read as they are: they can be used where they lie.
template <class T>
bool can_use_in_place(const AnyMatrix& x, const InputMap& map);

// Whether a reader with Inputs::rows has to gather inputs that could be used in place.
template <class T>
bool needs_rows(const Dataset& data, const Network<T>& network);

// x, mapped, for some rows and columns: where they lie, or converted into `buffer` (n_rows, n_cols).
template <class T>
MatrixView<const T> input_block(const AnyMatrix& x, const InputMap& map, Index first_row,
                                Index n_rows, Index first_col, Index n_cols, T* buffer);

// Whether rows in order can be handed out as contiguous T without a copy.
template <class T>
bool is_contiguous(const AnyMatrix& matrix);

}  // namespace shallowcore
