#include "native/rivals_training.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace shallowcore::bench {
namespace {

constexpr Index kWorthThreads = 1 << 15;  // elements of an update

// Sum of losses, and dz (n,) = gradient of their mean, from logits.
double sigmoid_cross_entropy(const float* z, const float* y, float* dz, Index n) {
  const float scale = 1 / static_cast<float>(n);
  float sum = 0;
  for (Index i = 0; i < n; ++i) {
    const float tail = std::exp(-std::abs(z[i]));
    const float p = (z[i] >= 0 ? 1 : tail) / (1 + tail);
    sum += std::max(z[i], 0.f) - z[i] * y[i] + std::log(1 + tail);
    dz[i] = (p - y[i]) * scale;
  }
  return static_cast<double>(sum);
}

// Sum of losses, and dz (rows, cols) = gradient of their mean, from logits.
double softmax_cross_entropy(const float* z, const int* labels, float* dz, Index rows, Index cols) {
  const float scale = 1 / static_cast<float>(rows);
  double sum = 0;
  for (Index i = 0; i < rows; ++i, z += cols, dz += cols) {
    const float largest = *std::max_element(z, z + cols);
    float total = 0;
    for (Index j = 0; j < cols; ++j) {
      dz[j] = std::exp(z[j] - largest);
      total += dz[j];
    }
    sum += static_cast<double>(std::log(total) + largest - z[labels[i]]);
    const float factor = scale / total;
    for (Index j = 0; j < cols; ++j) dz[j] *= factor;
    dz[labels[i]] -= scale;
  }
  return sum;
}

void sgd(float* w, const float* g, Index n, float rate) {
#pragma omp parallel for simd if (n >= kWorthThreads)
  for (Index i = 0; i < n; ++i) w[i] -= rate * g[i];
}

void rmsprop(float* w, const float* g, float* v, Index n, float rate) {
  constexpr float rho = 0.9f, epsilon = 1e-7f;
#pragma omp parallel for simd if (n >= kWorthThreads)
  for (Index i = 0; i < n; ++i) {
    v[i] = rho * v[i] + (1 - rho) * g[i] * g[i];
    w[i] -= rate * g[i] / std::sqrt(v[i] + epsilon);
  }
}

void adam(float* w, const float* g, float* m, float* v, Index n, float rate, int iteration) {
  constexpr double beta_1 = 0.9, beta_2 = 0.999;
  constexpr float epsilon = 1e-7f, one_1 = 1 - 0.9f, one_2 = static_cast<float>(1 - beta_2);
  const float corrected =
      static_cast<float>(static_cast<double>(rate) * std::sqrt(1 - std::pow(beta_2, iteration)) /
                         (1 - std::pow(beta_1, iteration)));
#pragma omp parallel for simd if (n >= kWorthThreads)
  for (Index i = 0; i < n; ++i) {
    m[i] += one_1 * (g[i] - m[i]);
    v[i] += one_2 * (g[i] * g[i] - v[i]);
    w[i] -= corrected * m[i] / (std::sqrt(v[i]) + epsilon);
  }
}

}  // namespace

void tanh_in_place(float* z, Index n) {
  for (Index i = 0; i < n; ++i) z[i] = std::tanh(z[i]);
}
void sigmoid_in_place(float* z, Index n) {
  for (Index i = 0; i < n; ++i) z[i] = 1 / (1 + std::exp(-z[i]));
}
void relu_in_place(float* z, Index n) {
  for (Index i = 0; i < n; ++i) z[i] = std::max(z[i], 0.f);
}
void activate_in_place(const std::string& activation, float* z, Index n) {
  if (activation == "tanh") tanh_in_place(z, n);
  if (activation == "sigmoid") sigmoid_in_place(z, n);
  if (activation == "relu") relu_in_place(z, n);
}

void multiply_by_slope(bool tanh, const float* a, float* da, Index n) {
  if (tanh) {
    for (Index i = 0; i < n; ++i) da[i] *= 1 - a[i] * a[i];
  } else {
    for (Index i = 0; i < n; ++i) da[i] = a[i] > 0 ? da[i] : 0;
  }
}

void add_rows(const float* bias, float* z, Index rows, Index cols) {
  for (Index i = 0; i < rows; ++i, z += cols) {
    for (Index j = 0; j < cols; ++j) z[j] += bias[j];
  }
}

void sum_rows(const float* d, float* out, Index rows, Index cols) {
  if (cols == 1) {
    *out = std::accumulate(d, d + rows, 0.f);
    return;
  }
  std::fill_n(out, cols, 0.f);
  for (Index i = 0; i < rows; ++i, d += cols) {
    for (Index j = 0; j < cols; ++j) out[j] += d[j];
  }
}

LibraryTraining::LibraryTraining(const Training& training)
    : training_(training),
      weights_(training.weights),
      gradient_(weights_.size()),
      mean_(training.optimizer == "adam" ? weights_.size() : 0),
      square_(training.optimizer == "sgd" ? 0 : weights_.size()),
      dz_(static_cast<std::size_t>(training.batch_size * training.sizes.back())),
      order_(training.shuffle ? static_cast<std::size_t>(training.n_samples) : 0) {
  std::iota(order_.begin(), order_.end(), Index{0});
  if (training.shuffle) {
    x_.resize(static_cast<std::size_t>(training.batch_size * training.sizes[0]));
    y_.resize(static_cast<std::size_t>(training.batch_size));
    labels_.resize(y_.size());
  }
  float *w = weights_.data(), *dw = gradient_.data();
  for (std::size_t i = 0; i + 1 < training.sizes.size(); ++i) {
    const Index n_in = training.sizes[i], n_out = training.sizes[i + 1], n = n_in * n_out;
    layers_.push_back({n_in, n_out, w, w + n, dw, dw + n});
    w += n + n_out;
    dw += n + n_out;
  }
}

void LibraryTraining::run(int times) {
  for (int epoch = 0; epoch < times; ++epoch) {
    std::shuffle(order_.begin(), order_.end(), random_);
    loss_ = 0;
    for (Index batch = 0; batch < training_.steps(); ++batch) step(batch);
    last_loss_ = loss_ / static_cast<double>(training_.n_samples);
  }
}

void LibraryTraining::step(Index batch) {
  const Index rows = training_.batch_size, cols = training_.sizes[0], first = batch * rows;
  const float *x = training_.x.data() + first * cols, *y = training_.y.data() + first;
  const int* labels = training_.labels.data() + first;
  if (training_.shuffle) {
    for (Index i = 0; i < rows; ++i) {
      const Index row = order_[static_cast<std::size_t>(first + i)];
      const auto to = static_cast<std::size_t>(i), from = static_cast<std::size_t>(row);
      std::copy_n(training_.x.data() + row * cols, cols, x_.data() + i * cols);
      training_.binary() ? void(y_[to] = training_.y[from])
                         : void(labels_[to] = training_.labels[from]);
    }
    x = x_.data();
    y = y_.data();
    labels = labels_.data();
  }
  const float* z = forward(x);
  loss_ += training_.binary()
               ? sigmoid_cross_entropy(z, y, dz_.data(), rows)
               : softmax_cross_entropy(z, labels, dz_.data(), rows, training_.sizes.back());
  backward(x, dz_.data());
  update();
}

void LibraryTraining::update() {
  ++iteration_;
  const Index n = static_cast<Index>(weights_.size());
  const float rate = static_cast<float>(training_.learning_rate);
  float *w = weights_.data(), *g = gradient_.data();
  if (training_.optimizer == "sgd") sgd(w, g, n, rate);
  if (training_.optimizer == "rmsprop") rmsprop(w, g, square_.data(), n, rate);
  if (training_.optimizer == "adam") adam(w, g, mean_.data(), square_.data(), n, rate, iteration_);
}

std::vector<float> LibraryTraining::values() {
  std::vector<float> values{static_cast<float>(last_loss_)};
  values.insert(values.end(), weights_.begin(), weights_.end());
  return values;
}

}  // namespace shallowcore::bench
