// What losses share; the losses are in losses_regression.inl.hpp and losses_crossentropy.inl.hpp, one
// struct or function each, and one line in the list of isa.cpp.
//
// A loss gives value(...) summed over rows (weighted by sample_weight) and, where wanted, the gradient
// with respect to the outputs or the logits, times sample_weight and gradient_scale.  Link and loss are
// fused where a link is named: from logits nothing overflows and a right, saturated prediction costs 0.
// From outputs, probabilities are clipped below at the smallest normal number: x ln x -> 0 holds and a
// wrong, saturated prediction costs a finite, large number.
#pragma once

#include "kernels/rows.inl.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

template <class T>
inline constexpr T kTiny = sizeof(T) == 4 ? T(1.17549435e-38) : T(2.2250738585072014e-308);

template <class T>
SHALLOWCORE_INLINE T weight_of(const LossArgs<T>& args, ptrdiff_t row) {
  return args.sample_weight == nullptr ? T{1} : args.sample_weight[row];
}

// An elementwise loss is a struct PAIR made from LossArgs, with
//   evaluate(prediction, target, value, slope)   the loss and its derivative
//   curvature(prediction, target)                its second derivative
//   Sum, add(prediction, target, part, present, sum, slope), total(sum)
//                                                its sum over vectors, in the lanes that are present
//   Part, part(prediction)                       what add needs and takes long to compute

// How losses are summed unless they know better: as they come.
template <class T, class PAIR>
struct PlainSum {
  typedef Vec<T> Sum;
  struct Part {};  // nothing: vectors of zeros would be stored and loaded again
  SHALLOWCORE_INLINE static Part part(Vec<T>) { return {}; }
  SHALLOWCORE_INLINE void add(Vec<T> prediction, Vec<T> target, Part, IntVec<T> present, Sum& sum,
                              Vec<T>& slope) const {
    Vec<T> value;
    static_cast<const PAIR*>(this)->evaluate(prediction, target, value, slope);
    sum = sum + select<T>(present, value, Vec<T>{});
  }
  SHALLOWCORE_INLINE static Vec<T> total(const Sum& sum) { return sum; }
};

// Sum of PAIR's values over n contiguous elements; gradients times scale into `gradient` unless that
// is null.  Short sums in T, long ones in double.  Two loops over each stretch: in one, a processor
// does not look far enough ahead to begin the next vectors while it waits for this one.
template <class T, class PAIR>
SHALLOWCORE_INLINE double sum_pairs(const PAIR& pair, const T* prediction, const T* target,
                                    ptrdiff_t n, T* gradient, T scale) {
  constexpr ptrdiff_t width = kWidth<T>, stretch = 16 * width;
  double total = 0;
  for (ptrdiff_t first = 0; first < n; first += stretch) {
    const ptrdiff_t last = first + stretch < n ? first + stretch : n;
    const ptrdiff_t whole = first + (last - first) / width * width, left = last - whole;
    typename PAIR::Part parts[17], *part = parts;
    Vec<T> slope;
    for (ptrdiff_t j = first; j < whole; j += width) *part++ = PAIR::part(load<T>(prediction + j));
    if (left > 0) *part = PAIR::part(load_partial<T>(prediction + whole, left));
    part = parts;
    typename PAIR::Sum sum = {};
    for (ptrdiff_t j = first; j < whole; j += width) {
      pair.add(load<T>(prediction + j), load<T>(target + j), *part++, ~IntVec<T>{}, sum, slope);
      if (gradient != nullptr) store<T>(gradient + j, slope * scale);
    }
    if (left > 0) {
      pair.add(load_partial<T>(prediction + whole, left), load_partial<T>(target + whole, left),
               *part, first_lanes_mask<T>(left), sum, slope);
      if (gradient != nullptr) store_partial<T>(gradient + whole, slope * scale, left);
    }
    total += static_cast<double>(reduce_add<T>(PAIR::total(sum)));
  }
  return total;
}

// The same, each element times its weight.
template <class T, class PAIR>
SHALLOWCORE_INLINE double sum_weighted_pairs(const PAIR& pair, const T* prediction, const T* target,
                                             const T* weight, ptrdiff_t n, T* gradient, T scale) {
  double total = 0;
  for (ptrdiff_t first = 0; first < n; first += 16 * kWidth<T>) {
    const ptrdiff_t last = first + 16 * kWidth<T> < n ? first + 16 * kWidth<T> : n;
    Vec<T> sum = {};
    for (ptrdiff_t j = first; j < last; j += kWidth<T>) {
      const ptrdiff_t lanes = last - j < kWidth<T> ? last - j : kWidth<T>;
      Vec<T> value, slope;
      pair.evaluate(load_partial<T>(prediction + j, lanes), load_partial<T>(target + j, lanes),
                    value, slope);
      const Vec<T> w = load_partial<T>(weight + j, lanes);
      sum = sum + select<T>(first_lanes_mask<T>(lanes), value * w, Vec<T>{});
      if (gradient != nullptr) store_partial<T>(gradient + j, slope * w * scale, lanes);
    }
    total += static_cast<double>(reduce_add<T>(sum));
  }
  return total;
}

// Losses that are means over the columns.  Without weights all elements are alike; with weights the
// rows of one column are the vector, otherwise each row is.
template <class T, class PAIR>
double elementwise_loss(const LossArgs<T>& args) {
  const PAIR pair(args);
  const double cols = static_cast<double>(args.cols), scale = args.gradient_scale / cols;
  if (args.sample_weight == nullptr) {
    return sum_pairs<T>(pair, args.prediction, args.target, args.rows * args.cols, args.gradient,
                        static_cast<T>(scale)) /
           cols;
  }
  if (args.cols == 1) {
    return sum_weighted_pairs<T>(pair, args.prediction, args.target, args.sample_weight, args.rows,
                                 args.gradient, static_cast<T>(scale));
  }
  double total = 0;
  for (ptrdiff_t i = 0; i < args.rows; ++i) {
    const ptrdiff_t at = i * args.cols;
    const double weight = static_cast<double>(args.sample_weight[i]);
    T* gradient = args.gradient == nullptr ? nullptr : args.gradient + at;
    total += weight * sum_pairs<T>(pair, args.prediction + at, args.target + at, args.cols,
                                   gradient, static_cast<T>(scale * weight));
  }
  return total / cols;
}

// gradient = curvature x tangent x sample_weight x scale, elementwise.
template <class T, class PAIR>
void elementwise_hessian(const LossArgs<T>& args) {
  const PAIR pair(args);
  const double scale = args.gradient_scale / static_cast<double>(args.cols);
  for (ptrdiff_t i = 0; i < args.rows; ++i) {
    const ptrdiff_t at = i * args.cols;
    const T factor = static_cast<T>(scale * static_cast<double>(weight_of<T>(args, i)));
    for (ptrdiff_t j = 0; j < args.cols; j += kWidth<T>) {
      const ptrdiff_t lanes = args.cols - j < kWidth<T> ? args.cols - j : kWidth<T>;
      const Vec<T> curvature = pair.curvature(load_partial<T>(args.prediction + at + j, lanes),
                                              load_partial<T>(args.target + at + j, lanes));
      const Vec<T> tangent = load_partial<T>(args.tangent + at + j, lanes);
      store_partial<T>(args.gradient + at + j, curvature * tangent * factor, lanes);
    }
  }
}

}  // namespace shallowcore::SHALLOWCORE_ISA
