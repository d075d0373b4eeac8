// Losses of real targets, and hinge: elementwise, means over the columns.
#pragma once

#include "kernels/losses.inl.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// (a - y)^2
template <class T>
struct SquaredError : PlainSum<T, SquaredError<T>> {
  explicit SquaredError(const LossArgs<T>&) {}
  SHALLOWCORE_INLINE void evaluate(Vec<T> a, Vec<T> y, Vec<T>& value, Vec<T>& slope) const {
    const Vec<T> error = a - y;
    value = error * error;
    slope = error + error;
  }
  SHALLOWCORE_INLINE Vec<T> curvature(Vec<T>, Vec<T>) const { return broadcast<T>(2); }
};

// |a - y|; slope 0 where they are equal.
template <class T>
struct AbsoluteError : PlainSum<T, AbsoluteError<T>> {
  explicit AbsoluteError(const LossArgs<T>&) {}
  SHALLOWCORE_INLINE void evaluate(Vec<T> a, Vec<T> y, Vec<T>& value, Vec<T>& slope) const {
    const Vec<T> error = a - y, zero = {}, one = broadcast<T>(1);
    value = abs<T>(error);
    slope = select<T>(error > zero, one, select<T>(error < zero, -one, error));
  }
};

// e^2 / 2 for |e| <= delta, else delta |e| - delta^2 / 2; e = a - y.
// Huber, "Robust estimation of a location parameter", 1964.
template <class T>
struct Huber : PlainSum<T, Huber<T>> {
  T delta;
  explicit Huber(const LossArgs<T>& args) : delta(args.parameters[0]) {}
  SHALLOWCORE_INLINE void evaluate(Vec<T> a, Vec<T> y, Vec<T>& value, Vec<T>& slope) const {
    const Vec<T> error = a - y, size = abs<T>(error), most = broadcast<T>(delta);
    const IntVec<T> far = size > most;
    const Vec<T> cut = select<T>(far, most, size);
    value = cut * (size - T(0.5) * cut);
    slope = select<T>(far, select<T>(error > Vec<T>{}, most, -most), error);
  }
  SHALLOWCORE_INLINE Vec<T> curvature(Vec<T> a, Vec<T> y) const {
    return select<T>(abs<T>(a - y) > delta, Vec<T>{}, broadcast<T>(1));
  }
};

// ln cosh e, e = a - y; slope tanh e.  With n = e^-|e| - 1: near 0 it is ln(1 + n^2 / (2 (1 + n))),
// where nothing cancels, else |e| - ln 2 + ln(1 + e^-2|e|), where nothing overflows.
template <class T>
struct LogCosh : PlainSum<T, LogCosh<T>> {
  explicit LogCosh(const LossArgs<T>&) {}
  SHALLOWCORE_INLINE void evaluate(Vec<T> a, Vec<T> y, Vec<T>& value, Vec<T>& slope) const {
    const Vec<T> error = a - y, size = abs<T>(error);
    const Vec<T> n = expm1<T>(-size), e = n + T{1};
    const IntVec<T> near = size < T{1};
    const Vec<T> small = n * n * T(0.5) / select<T>(near, e, broadcast<T>(1));
    const Vec<T> start = select<T>(near, Vec<T>{}, size - T(0.693147180559945309417));
    value = start + log1p<T>(select<T>(near, small, e * e));
    slope = tanh<T>(error);
  }
  SHALLOWCORE_INLINE Vec<T> curvature(Vec<T> a, Vec<T> y) const {
    const Vec<T> e = exp<T>(T(-2) * abs<T>(a - y)), big = T{1} / (T{1} + e);
    return T(4) * e * big * big;
  }
};

// a - y ln(a + epsilon), Keras' epsilon.
template <class T>
struct PoissonOutputs : PlainSum<T, PoissonOutputs<T>> {
  explicit PoissonOutputs(const LossArgs<T>&) {}
  static constexpr T kEpsilon = T(1e-7);
  SHALLOWCORE_INLINE void evaluate(Vec<T> a, Vec<T> y, Vec<T>& value, Vec<T>& slope) const {
    const Vec<T> rate = a + kEpsilon;
    value = a - y * log<T>(rate);
    slope = T{1} - y / rate;
  }
  SHALLOWCORE_INLINE Vec<T> curvature(Vec<T> a, Vec<T> y) const {
    const Vec<T> rate = a + kEpsilon;
    return y / rate / rate;
  }
};

// e^z - y z: the same from logarithms of the rate, where no rate is too small.
template <class T>
struct PoissonLogits : PlainSum<T, PoissonLogits<T>> {
  explicit PoissonLogits(const LossArgs<T>&) {}
  SHALLOWCORE_INLINE void evaluate(Vec<T> z, Vec<T> y, Vec<T>& value, Vec<T>& slope) const {
    const Vec<T> rate = exp<T>(z);
    value = rate - y * z;
    slope = rate - y;
  }
  SHALLOWCORE_INLINE Vec<T> curvature(Vec<T> z, Vec<T>) const { return exp<T>(z); }
};

// max(0, 1 - y a), y = 1 or -1; a target of 0 is -1.
template <class T>
struct Hinge : PlainSum<T, Hinge<T>> {
  explicit Hinge(const LossArgs<T>&) {}
  SHALLOWCORE_INLINE void evaluate(Vec<T> a, Vec<T> y, Vec<T>& value, Vec<T>& slope) const {
    y = select<T>(y == Vec<T>{}, broadcast<T>(-1), y);
    const Vec<T> short_of = T{1} - y * a;
    const IntVec<T> right = short_of <= Vec<T>{};
    value = select<T>(right, Vec<T>{}, short_of);
    slope = select<T>(right, Vec<T>{}, -y);
  }
};

// The pinball loss of quantile q: q e for e = y - a >= 0, (q - 1) e below; slope 0 at e = 0.
template <class T>
SHALLOWCORE_INLINE void pinball(Vec<T> a, Vec<T> y, Vec<T> q, Vec<T>& value, Vec<T>& slope) {
  const Vec<T> error = y - a, zero = {};
  value = select<T>(error > zero, q, q - T{1}) * error;
  slope = select<T>(error > zero, -q, select<T>(error < zero, T{1} - q, error));
}

template <class T>
struct OneQuantile : PlainSum<T, OneQuantile<T>> {
  T quantile;
  explicit OneQuantile(const LossArgs<T>& args) : quantile(args.parameters[0]) {}
  SHALLOWCORE_INLINE void evaluate(Vec<T> a, Vec<T> y, Vec<T>& value, Vec<T>& slope) const {
    pinball<T>(a, y, broadcast<T>(quantile), value, slope);
  }
};

// Sum over n contiguous elements of rows of `cols`, the first of which begins a row; q: the columns'
// quantiles, repeated for a vector more.
template <class T>
double sum_quantiles(const LossArgs<T>& args, ptrdiff_t at, ptrdiff_t n, T scale) {
  double total = 0;
  for (ptrdiff_t j = 0, col = 0; j < n; j += kWidth<T>) {
    const ptrdiff_t lanes = least(n - j, kWidth<T>);
    Vec<T> value, slope;
    pinball<T>(load_partial<T>(args.prediction + at + j, lanes),
               load_partial<T>(args.target + at + j, lanes), load<T>(args.parameters + col), value,
               slope);
    total +=
        static_cast<double>(reduce_add<T>(select<T>(first_lanes_mask<T>(lanes), value, Vec<T>{})));
    if (args.gradient != nullptr) store_partial<T>(args.gradient + at + j, slope * scale, lanes);
    for (col += kWidth<T>; col >= args.cols;) col -= args.cols;
  }
  return total;
}

// One quantile for all columns, or one for each: Koenker, Bassett, "Regression quantiles", 1978.
template <class T>
double quantile_loss(const LossArgs<T>& args) {
  if (args.n_parameters == 1) return elementwise_loss<T, OneQuantile<T>>(args);
  const double cols = static_cast<double>(args.cols), scale = args.gradient_scale / cols;
  if (args.sample_weight == nullptr) {
    return sum_quantiles<T>(args, 0, args.rows * args.cols, static_cast<T>(scale)) / cols;
  }
  double total = 0;
  for (ptrdiff_t i = 0; i < args.rows; ++i) {
    const double weight = static_cast<double>(args.sample_weight[i]);
    total +=
        weight * sum_quantiles<T>(args, i * args.cols, args.cols, static_cast<T>(scale * weight));
  }
  return total / cols;
}

}  // namespace shallowcore::SHALLOWCORE_ISA
