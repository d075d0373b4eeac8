// Cross-entropies: binary (elementwise) and categorical (one row is one sample).
#pragma once

#include "kernels/losses.inl.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// -(y ln s(z) + (1 - y) ln(1 - s(z))) = max(z, 0) - y z + ln(1 + e^-|z|); y first smoothed to
// y (1 - s) + s / 2.  Slope (1 - y) s(z) - y s(-z): both sigmoids from one exponential.
// A sum takes one logarithm: of the product of all 1 + e^-|z|, less 1 so that small terms count.
template <class T>
struct BinaryLogits {
  struct Sum {
    Vec<T> linear, product;
  };
  T keep, shift;
  explicit BinaryLogits(const LossArgs<T>& args)
      : keep(static_cast<T>(1 - args.label_smoothing)),
        shift(static_cast<T>(args.label_smoothing / 2)) {}
  typedef Vec<T> Part;
  SHALLOWCORE_INLINE static Part part(Vec<T> z) { return exp_minus_abs<T>(z); }
  // The slope, from e = part(z); returns the value less ln(1 + e).
  SHALLOWCORE_INLINE Vec<T> evaluate_part(Vec<T> z, Vec<T> y, Vec<T> e, Vec<T>& slope) const {
    y = y * keep + shift;
    const Vec<T> zero = {}, one = broadcast<T>(1);
    const Vec<T> yes = select<T>(z > zero, one, e), no = select<T>(z > zero, e, one);
    slope = ((T{1} - y) * yes - y * no) / (T{1} + e);
    return max<T>(z, zero) - y * z;
  }
  SHALLOWCORE_INLINE void evaluate(Vec<T> z, Vec<T> y, Vec<T>& value, Vec<T>& slope) const {
    const Vec<T> e = part(z);
    value = evaluate_part(z, y, e, slope) + log1p<T>(e);
  }
  SHALLOWCORE_INLINE void add(Vec<T> z, Vec<T> y, Vec<T> e, IntVec<T> present, Sum& sum,
                              Vec<T>& slope) const {
    const Vec<T> value = evaluate_part(z, y, e, slope);
    e = select<T>(present, e, Vec<T>{});
    sum.linear = sum.linear + select<T>(present, value, Vec<T>{});
    sum.product = fma<T>(sum.product, T{1} + e, e);
  }
  SHALLOWCORE_INLINE static Vec<T> total(const Sum& sum) {
    return sum.linear + log1p<T>(sum.product);
  }
  SHALLOWCORE_INLINE Vec<T> curvature(Vec<T> z, Vec<T>) const {
    const Vec<T> e = exp<T>(-abs<T>(z));
    const Vec<T> big = T{1} / (T{1} + e);
    return big * (e * big);
  }
};

// The same from probabilities p.
template <class T>
struct BinaryOutputs : PlainSum<T, BinaryOutputs<T>> {
  T keep, shift;
  explicit BinaryOutputs(const LossArgs<T>& args)
      : keep(static_cast<T>(1 - args.label_smoothing)),
        shift(static_cast<T>(args.label_smoothing / 2)) {}
  SHALLOWCORE_INLINE void evaluate(Vec<T> p, Vec<T> y, Vec<T>& value, Vec<T>& slope) const {
    y = y * keep + shift;
    const Vec<T> tiny = broadcast<T>(kTiny<T>);
    const Vec<T> yes = max<T>(p, tiny), no = max<T>(T{1} - p, tiny);
    value = -(y * log<T>(yes) + (T{1} - y) * log<T>(no));
    slope = (T{1} - y) / no - y / yes;
  }
  SHALLOWCORE_INLINE Vec<T> curvature(Vec<T> p, Vec<T> y) const {
    y = y * keep + shift;
    const Vec<T> tiny = broadcast<T>(kTiny<T>);
    const Vec<T> yes = max<T>(p, tiny), no = max<T>(T{1} - p, tiny);
    return y / yes / yes + (T{1} - y) / no / no;
  }
};

// --- categorical: one row is one sample -------------------------------------------------------------

// 1 in one lane, which may lie outside, and 0 in the others.
template <class T>
SHALLOWCORE_INLINE Vec<T> one_lane(ptrdiff_t lane) {
  const IntVec<T> here = first_lanes_mask<T>(lane + 1) & ~first_lanes_mask<T>(lane);
  return select<T>(here, broadcast<T>(1), Vec<T>{});
}

// What both forms below compute, rows in lanes.  SPARSE: y_j = 1 for the label, 0 elsewhere.
template <class T, bool SPARSE>
double categorical_lanes(const LossArgs<T>& args) {
  const ptrdiff_t cols = args.cols;
  const T keep = static_cast<T>(1 - args.label_smoothing),
          scale = static_cast<T>(args.gradient_scale);
  const T add = static_cast<T>(args.label_smoothing / static_cast<double>(cols));
  double total = 0;
  over_lanes<T>(args.prediction, args.rows, cols, [&](ptrdiff_t first, ptrdiff_t rows, Vec<T>* z) {
    Vec<T> y[kLaneColumns], a[kLaneColumns];
    if constexpr (SPARSE) {
      IntVec<T> label = IntVec<T>{} - 1;
      for (ptrdiff_t i = 0; i < rows; ++i) label[i] = args.label[first + i];
      for (ptrdiff_t j = 0; j < cols; ++j) {
        const auto class_j = static_cast<decltype(label[0] + 0)>(j);
        y[j] = select<T>(label == class_j, broadcast<T>(1), Vec<T>{});
      }
    } else {
      load_columns<T>(args.target + first * cols, rows, cols, y);
      for (ptrdiff_t j = 0; j < cols; ++j) y[j] = y[j] * keep + add;
    }
    const RowSums<Vec<T>> sums = exp_lanes<T>(z, cols, a);
    Vec<T> cost = {}, mass = {};
    for (ptrdiff_t j = 0; j < cols; ++j) {
      cost += select<T>(y[j] == Vec<T>{}, Vec<T>{}, y[j] * ((sums.max - z[j]) + sums.log_sum));
      mass += y[j];
    }
    Vec<T> weight = broadcast<T>(1);
    if (args.sample_weight != nullptr) weight = load_partial<T>(args.sample_weight + first, rows);
    cost = select<T>(first_lanes_mask<T>(rows), cost * weight, Vec<T>{});
    total += static_cast<double>(reduce_add<T>(cost));
    if (args.gradient == nullptr) return;
    const Vec<T> share = mass / sums.sum;
    weight = weight * scale;
    for (ptrdiff_t j = 0; j < cols; ++j) a[j] = (a[j] * share - y[j]) * weight;
    store_columns<T>(a, rows, cols, args.gradient + first * cols);
  });
  return total;
}

// -sum_j y_j ln softmax(z)_j, y smoothed to y (1 - s) + s / cols; gradient softmax(z) sum_k y_k - y.
// Classes with y_j = 0 cost nothing even where their probability is 0.
template <class T>
double categorical_logits(const LossArgs<T>& args) {
  if (args.cols <= kLaneColumns) return categorical_lanes<T, false>(args);
  const T keep = static_cast<T>(1 - args.label_smoothing);
  const T add = static_cast<T>(args.label_smoothing / static_cast<double>(args.cols));
  double total = 0;
  for (ptrdiff_t i = 0; i < args.rows; ++i) {
    const T* z = args.prediction + i * args.cols;
    const T* target = args.target + i * args.cols;
    T* gradient = args.gradient == nullptr ? nullptr : args.gradient + i * args.cols;
    const RowSums<T> row = exp_row<T>(z, args.cols, static_cast<T*>(nullptr));
    Vec<T> cost = {}, mass = {};
    over_row<T>(z, args.cols, row.max, [&](ptrdiff_t j, Vec<T> v, ptrdiff_t lanes) {
      const Vec<T> y = select<T>(first_lanes_mask<T>(lanes),
                                 load_partial<T>(target + j, lanes) * keep + add, Vec<T>{});
      cost += select<T>(y == Vec<T>{}, Vec<T>{}, y * ((row.max - v) + row.log_sum));
      mass += y;
    });
    const T weight = weight_of<T>(args, i);
    total += static_cast<double>(weight) * static_cast<double>(reduce_add<T>(cost));
    if (gradient == nullptr) continue;
    const T sum_y = reduce_add<T>(mass);
    const T scale = static_cast<T>(args.gradient_scale * static_cast<double>(weight));
    over_row<T>(z, args.cols, row.max, [&](ptrdiff_t j, Vec<T> v, ptrdiff_t lanes) {
      const Vec<T> y = load_partial<T>(target + j, lanes) * keep + add;
      const Vec<T> a = exp<T>(v - row.max) / row.sum;
      store_partial<T>(gradient + j, (a * sum_y - y) * scale, lanes);
    });
  }
  return total;
}

// The same with y_j = 1 for the label, 0 elsewhere.
template <class T>
double sparse_logits(const LossArgs<T>& args) {
  if (args.cols <= kLaneColumns) return categorical_lanes<T, true>(args);
  double total = 0;
  for (ptrdiff_t i = 0; i < args.rows; ++i) {
    const T* z = args.prediction + i * args.cols;
    T* gradient = args.gradient == nullptr ? nullptr : args.gradient + i * args.cols;
    const T z_label = z[args.label[i]];
    const RowSums<T> row = exp_row<T>(z, args.cols, gradient);
    const T weight = weight_of<T>(args, i);
    total += static_cast<double>(weight) * static_cast<double>((row.max - z_label) + row.log_sum);
    if (gradient == nullptr) continue;
    const T scale = static_cast<T>(args.gradient_scale * static_cast<double>(weight));
    over_row<T>(gradient, args.cols, T{0}, [&](ptrdiff_t j, Vec<T> e, ptrdiff_t lanes) {
      const Vec<T> y = one_lane<T>(args.label[i] - j);
      store_partial<T>(gradient + j, (e / row.sum - y) * scale, lanes);
    });
  }
  return total;
}

// gradient = (a (t - sum_k a_k t_k)) sum_k y_k x weight x scale, a = softmax(z), t the tangent.
template <class T>
void categorical_logits_hessian(const LossArgs<T>& args) {
  for (ptrdiff_t i = 0; i < args.rows; ++i) {
    const ptrdiff_t at = i * args.cols;
    T mass = 1;
    if (args.target != nullptr) {
      mass = 0;
      const T keep = static_cast<T>(1 - args.label_smoothing);
      for (ptrdiff_t j = 0; j < args.cols; ++j) mass += args.target[at + j] * keep;
      mass += static_cast<T>(args.label_smoothing);
    }
    const double factor = args.gradient_scale * static_cast<double>(weight_of<T>(args, i) * mass);
    Vec<T> mean = {};
    T* out = args.gradient + at;
    const RowSums<T> row = exp_row<T>(args.prediction + at, args.cols, out);
    over_row<T>(out, args.cols, T{0}, [&](ptrdiff_t j, Vec<T> e, ptrdiff_t lanes) {
      mean = fma<T>(e / row.sum, load_partial<T>(args.tangent + at + j, lanes), mean);
    });
    const T centre = reduce_add<T>(mean);
    over_row<T>(out, args.cols, T{0}, [&](ptrdiff_t j, Vec<T> e, ptrdiff_t lanes) {
      const Vec<T> t = load_partial<T>(args.tangent + at + j, lanes) - centre;
      store_partial<T>(out + j, (e / row.sum) * t * static_cast<T>(factor), lanes);
    });
  }
}

// From outputs p: -sum_j y_j (ln p_j - ln S), S = sum_k p_k; gradient sum_k y_k / S - y_j / p_j.
// SPARSE: y_j = 1 for the label.
template <class T, bool SPARSE>
double categorical_outputs(const LossArgs<T>& args) {
  const T keep = static_cast<T>(SPARSE ? 1 : 1 - args.label_smoothing);
  const T add =
      SPARSE ? T{0} : static_cast<T>(args.label_smoothing / static_cast<double>(args.cols));
  double total = 0;
  for (ptrdiff_t i = 0; i < args.rows; ++i) {
    const T* p = args.prediction + i * args.cols;
    T* gradient = args.gradient == nullptr ? nullptr : args.gradient + i * args.cols;
    const auto target = [&](ptrdiff_t j, ptrdiff_t lanes) {
      if constexpr (SPARSE) return one_lane<T>(args.label[i] - j);
      return select<T>(first_lanes_mask<T>(lanes),
                       load_partial<T>(args.target + i * args.cols + j, lanes) * keep + add,
                       Vec<T>{});
    };
    // Lanes beyond the row hold 1: their logarithm is 0.
    const auto over = [&](auto f) {
      over_row<T>(p, args.cols, T{1}, [&](ptrdiff_t j, Vec<T> v, ptrdiff_t lanes) {
        f(j, max<T>(v, broadcast<T>(kTiny<T>)), target(j, lanes), lanes);
      });
    };
    Vec<T> sums_p = {}, sums_y = {}, cost = {};
    over([&](ptrdiff_t, Vec<T> v, Vec<T> y, ptrdiff_t lanes) {
      sums_p += select<T>(first_lanes_mask<T>(lanes), v, Vec<T>{});
      sums_y += y;
      cost += select<T>(y == Vec<T>{}, Vec<T>{}, y * log<T>(v));
    });
    const T sum_p = reduce_add<T>(sums_p), sum_y = reduce_add<T>(sums_y);
    const T log_sum = log<T>(broadcast<T>(sum_p))[0];
    const T weight = weight_of<T>(args, i);
    total +=
        static_cast<double>(weight) * static_cast<double>(sum_y * log_sum - reduce_add<T>(cost));
    if (gradient == nullptr) continue;
    const T scale = static_cast<T>(args.gradient_scale * static_cast<double>(weight));
    over([&](ptrdiff_t j, Vec<T> v, Vec<T> y, ptrdiff_t lanes) {
      store_partial<T>(gradient + j, (sum_y / sum_p - y / v) * scale, lanes);
    });
  }
  return total;
}

}  // namespace shallowcore::SHALLOWCORE_ISA
