// Stages whose slope is stored in the forward pass: those with dropout, and those whose activation's
// slope does not follow from its output.
#pragma once

#include "model/network.hpp"

namespace shallowcore {

// Where in a training a pass stands: what masks depend on besides seed, layer and unit.
struct Place {
  std::int64_t step = -1;  // of the optimizer; -1: nothing is dropped
  Index first_row = 0;     // of the pass, in the step's batch
};

// Units [first_unit, first_unit + cols) of some rows of a place, (rows, cols): drops x, and y alike
// unless that is null.
template <class T>
void drop(const Dropout& dropout, const Place& place, Index rows, Index first_unit, Index cols,
          T* x, T* y);

// a = g(a), s = g'; then both are dropped.
template <class T>
void forward_with_slope(const Stage<T>& stage, const Place& place, Index rows, Index first_unit,
                        Index cols, T* a, T* s);

// The same for samples in lanes, (n_out, stride): masks are made row by row and transposed.
template <class T>
class LaneSlopes {
 public:
  // Blocks of at most that many rows.
  LaneSlopes(const Network<T>& network, Index most_rows, Index most_stride);
  void forward(const Stage<T>& stage, const Place& place, Index rows, Index stride, T* a, T* s);

 private:
  Arena<T> arena_;
  T *by_rows_ = nullptr, *in_lanes_ = nullptr;  // (rows, n_out), (n_out, stride)
};

}  // namespace shallowcore
