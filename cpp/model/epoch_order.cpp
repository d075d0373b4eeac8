#include "model/epoch_order.hpp"

#include <algorithm>

#include "core/pages.hpp"
#include "core/rng.hpp"

namespace shallowcore {

Index shuffle_block_rows(const AnyMatrix& x) {
  constexpr Index block_bytes = 1 << 24;
  return std::max<Index>(1, block_bytes / std::max<Index>(1, x.cols * size_of(x.dtype)));
}

EpochOrder::EpochOrder(const Dataset& data, const TrainingOptions& options)
    : data_(data),
      block_(shuffle_block_rows(data.x)),
      whole_(!options.shuffle_blocks),
      order_(options.shuffle ? static_cast<std::size_t>(data.rows()) : 0) {}

void EpochOrder::begin(std::uint64_t seed, std::uint32_t epoch) {
  released_ = 0;
  if (order_.empty()) return;
  const Index rows = data_.rows();
  shuffle_blocks(order_.data(), rows, whole_ ? rows : block_, seed, epoch);
}

Index EpochOrder::block_at(Index place) const {
  const Index row =
      order_.empty() ? place : static_cast<Index>(order_[static_cast<std::size_t>(place)]);
  return row / block_;
}

void EpochOrder::read_until(Index place) {
  if (!data_.mapped) return;
  if (whole_ && !order_.empty()) {
    if (place == data_.rows()) release_rows(data_.x, 0, data_.rows());
    return;
  }
  while (released_ < place) {
    const Index first = block_at(released_) * block_;
    const Index count = std::min(block_, data_.rows() - first);
    if (released_ + count > place) return;
    release_rows(data_.x, first, count);
    released_ += count;
  }
}

}  // namespace shallowcore
