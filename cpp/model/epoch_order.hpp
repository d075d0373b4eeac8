// In which order an epoch visits the samples, and what of a mapped file may go once they are read.
//
// Shuffled in blocks, the blocks of consecutive rows come in random order and the rows within a block,
// too: reads stay within one block at a time.
#pragma once

#include <vector>

#include "model/plan.hpp"

namespace shallowcore {

// Rows of a block: 16 MiB of inputs.
Index shuffle_block_rows(const AnyMatrix& x);

class EpochOrder {
 public:
  EpochOrder(const Dataset& data, const TrainingOptions& options);

  void begin(std::uint64_t seed, std::uint32_t epoch);
  // order[i] is the sample at place i; null: the samples as they lie.
  const std::int64_t* data() const { return order_.empty() ? nullptr : order_.data(); }
  // The samples at places before this one have been read.
  void read_until(Index place);

 private:
  Index block_at(Index place) const;

  const Dataset& data_;
  Index block_;  // rows of a block: of the shuffle, and of what a mapped file gives back
  bool whole_;   // shuffles all rows at once
  std::vector<std::int64_t> order_;
  Index released_ = 0;  // places whose blocks have been given back
};

}  // namespace shallowcore
