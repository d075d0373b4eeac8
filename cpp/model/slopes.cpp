#include "model/slopes.hpp"

#include <algorithm>

#include "core/rng.hpp"

namespace shallowcore {

template <class T>
void drop(const Dropout& dropout, const Place& place, Index rows, Index first_unit, Index cols,
          T* x, T* y) {
  if (dropout.rate == 0 || place.step < 0) return;
  constexpr double words = 4294967296.0;
  DropoutArgs<T> args = {};
  args.key[0] = static_cast<std::uint32_t>(dropout.seed);
  args.key[1] = static_cast<std::uint32_t>(dropout.seed >> 32);
  args.step = static_cast<std::uint32_t>(place.step);
  args.stream = static_cast<std::uint32_t>(Stream::dropout) + (dropout.layer << 8);
  args.threshold = static_cast<std::uint32_t>(std::min(dropout.rate * words, words - 1));
  args.scale = static_cast<T>(1 / (1 - dropout.rate));
  args.first_row = place.first_row;
  args.rows = rows;
  args.first_unit = first_unit;
  args.cols = cols;
  args.x = x;
  args.y = y;
  kernels<T>().drop(args);
}

template <class T>
void forward_with_slope(const Stage<T>& stage, const Place& place, Index rows, Index first_unit,
                        Index cols, T* a, T* s) {
  const Activation<T>& activation = stage.activation;
  activation.kernels->forward_with_slope(a, a, s, rows * cols, activation.parameters);
  drop(stage.dropout, place, rows, first_unit, cols, a, s);
}

template <class T>
LaneSlopes<T>::LaneSlopes(const Network<T>& network, Index most_rows, Index most_stride) {
  Index widest = 0;
  for (const Stage<T>& stage : network.stages()) {
    if (stage.dropout.rate > 0) widest = std::max(widest, stage.n_out);
  }
  arena_ = Arena<T>(padded<T>(widest * most_rows) + padded<T>(widest * most_stride));
  by_rows_ = arena_.take(widest * most_rows);
  in_lanes_ = arena_.take(widest * most_stride);
}

template <class T>
void LaneSlopes<T>::forward(const Stage<T>& stage, const Place& place, Index rows, Index stride,
                            T* a, T* s) {
  const Activation<T>& activation = stage.activation;
  const Index n = stage.n_out;
  activation.kernels->forward_with_slope(a, a, s, n * stride, activation.parameters);
  if (stage.dropout.rate == 0) return;
  std::fill_n(by_rows_, rows * n, T{1});
  drop<T>(stage.dropout, place, rows, 0, n, by_rows_, nullptr);
  kernels<T>().rows_to_lanes({by_rows_, n, nullptr, 0, rows, n, in_lanes_, stride});
  kernels<T>().multiply(in_lanes_, a, n * stride);
  kernels<T>().multiply(in_lanes_, s, n * stride);
}

template void drop<float>(const Dropout&, const Place&, Index, Index, Index, float*, float*);
template void drop<double>(const Dropout&, const Place&, Index, Index, Index, double*, double*);
template void forward_with_slope<float>(const Stage<float>&, const Place&, Index, Index, Index,
                                        float*, float*);
template void forward_with_slope<double>(const Stage<double>&, const Place&, Index, Index, Index,
                                         double*, double*);
template class LaneSlopes<float>;
template class LaneSlopes<double>;

}  // namespace shallowcore
