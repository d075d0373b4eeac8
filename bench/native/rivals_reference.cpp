#include "native/rivals_reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace shallowcore::bench {
namespace {

using Doubles = std::vector<double>;

struct Dense {
  Index n_in, n_out;
  Doubles w, b, dw, db, a;  // a (batch, n_out): what came out last
};

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

double activated(const std::string& name, double z) {
  if (name == "tanh") return std::tanh(z);
  if (name == "sigmoid") return 1 / (1 + std::exp(-z));
  if (name == "relu") return std::max(z, 0.0);
  return z;
}

// The training of rivals.hpp, one plain loop after another.
class Reference {
 public:
  Reference(const Training& training, Objective objective)
      : training_(training), objective_(objective) {
    const float* next = training.weights.data();
    for (std::size_t i = 0; i + 1 < training.sizes.size(); ++i) {
      const Index n_in = training.sizes[i], n_out = training.sizes[i + 1];
      Dense layer{n_in, n_out, Doubles(next, next + n_in * n_out), {}, {}, {}, {}};
      next += n_in * n_out;
      layer.b.assign(next, next + n_out);
      next += n_out;
      layers_.push_back(layer);
    }
    means_.resize(training.weights.size());
    squares_.resize(training.weights.size());
  }

  Doubles train() {
    for (int epoch = 0; epoch < training_.check_epochs; ++epoch) {
      loss_ = 0;
      for (Index batch = 0; batch < training_.steps(); ++batch) step(batch * training_.batch_size);
    }
    Doubles values{loss_ / static_cast<double>(training_.n_samples)};
    for (const Dense& layer : layers_) {
      values.insert(values.end(), layer.w.begin(), layer.w.end());
      values.insert(values.end(), layer.b.begin(), layer.b.end());
    }
    return values;
  }

 private:
  void step(Index first) {
    const Index cols = training_.sizes[0];
    const float* rows = training_.x.data() + first * cols;
    const Doubles x(rows, rows + training_.batch_size * cols);
    const Doubles* input = &x;
    for (Dense& layer : layers_) {
      forward(layer, *input, &layer == &layers_.back());
      input = &layer.a;
    }
    Doubles dz = training_.binary() ? sigmoid_loss(first) : softmax_loss(first);
    for (std::size_t i = layers_.size(); i-- > 0;) {
      dz = backward(layers_[i], i == 0 ? x : layers_[i - 1].a, dz);
    }
    update();
  }

  void forward(Dense& layer, const Doubles& x, bool last) const {
    const std::string hidden = training_.binary() ? "tanh" : "relu";
    layer.a.resize(at(training_.batch_size * layer.n_out));
    for (Index row = 0; row < training_.batch_size; ++row) {
      double* z = layer.a.data() + row * layer.n_out;
      std::copy(layer.b.begin(), layer.b.end(), z);
      for (Index i = 0; i < layer.n_in; ++i) {
        const double factor = x[at(row * layer.n_in + i)];
        const double* w = layer.w.data() + i * layer.n_out;
        for (Index j = 0; j < layer.n_out; ++j) z[j] += factor * w[j];
      }
      for (Index j = 0; j < layer.n_out && !last; ++j) z[j] = activated(hidden, z[j]);
    }
  }

  // Gradient of the mean loss in the logits; adds the losses.
  Doubles sigmoid_loss(Index first) {
    Doubles d = layers_.back().a;
    for (std::size_t i = 0; i < d.size(); ++i) {
      const double z = d[i], y = static_cast<double>(training_.y[at(first) + i]);
      const double p = activated("sigmoid", z), clipped = std::clamp(p, 0.01, 0.99);
      if (objective_ == Objective::fann) {
        loss_ += (p - y) * (p - y);
        d[i] = (p - y) * clipped * (1 - clipped) / static_cast<double>(d.size());
      } else {
        loss_ += std::max(z, 0.0) - z * y + std::log1p(std::exp(-std::abs(z)));
        d[i] = (p - y) / static_cast<double>(d.size());
      }
    }
    return d;
  }

  Doubles softmax_loss(Index first) {
    const Index rows = training_.batch_size, cols = training_.sizes.back();
    Doubles d = layers_.back().a;
    for (Index row = 0; row < rows; ++row) {
      double* z = d.data() + row * cols;
      const int label = training_.labels[at(first + row)];
      const double largest = *std::max_element(z, z + cols), right = z[label] - largest;
      double sum = 0;
      for (Index j = 0; j < cols; ++j) sum += z[j] = std::exp(z[j] - largest);
      loss_ += std::log(sum) - right;
      for (Index j = 0; j < cols; ++j) {
        z[j] = (z[j] / sum - (j == label ? 1 : 0)) / static_cast<double>(rows);
      }
    }
    return d;
  }

  // Fills dw and db; returns the gradient in the logits of the layer below, whose output x is.
  Doubles backward(Dense& layer, const Doubles& x, const Doubles& dz) const {
    layer.dw.assign(layer.w.size(), 0);
    layer.db.assign(layer.b.size(), 0);
    Doubles dx(x.size());
    for (Index row = 0; row < training_.batch_size; ++row) {
      const double* d = dz.data() + row * layer.n_out;
      for (Index j = 0; j < layer.n_out; ++j) layer.db[at(j)] += d[j];
      for (Index i = 0; i < layer.n_in; ++i) {
        const double a = x[at(row * layer.n_in + i)];
        const double* w = layer.w.data() + i * layer.n_out;
        double *dw = layer.dw.data() + i * layer.n_out, sum = 0;
        for (Index j = 0; j < layer.n_out; ++j) {
          dw[j] += a * d[j];
          sum += w[j] * d[j];
        }
        dx[at(row * layer.n_in + i)] = sum * slope(a);
      }
    }
    return dx;
  }

  double slope(double a) const {
    if (!training_.binary()) return a > 0 ? 1 : 0;
    if (objective_ == Objective::fann) a = std::clamp(a, -0.98, 0.98);
    return 1 - a * a;
  }

  void update() {
    ++iteration_;
    std::size_t first = 0;
    for (Dense& layer : layers_) {
      first = update(layer.w, layer.dw, first);
      first = update(layer.b, layer.db, first);
    }
  }

  // The optimizer on one tensor, whose state begins at `first`; returns where the next one's begins.
  std::size_t update(Doubles& w, const Doubles& gradient, std::size_t first) {
    const double rate = training_.learning_rate, epsilon = 1e-7;
    const double corrected =
        rate * std::sqrt(1 - std::pow(0.999, iteration_)) / (1 - std::pow(0.9, iteration_));
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double g = gradient[i];
      double &m = means_[first + i], &v = squares_[first + i];
      if (training_.optimizer == "sgd") w[i] -= rate * g;
      if (training_.optimizer == "rmsprop") {
        v = 0.9 * v + 0.1 * g * g;
        w[i] -= rate * g / std::sqrt(v + epsilon);
      }
      if (training_.optimizer == "adam") {
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        w[i] -= corrected * m / (std::sqrt(v) + epsilon);
      }
    }
    return first + w.size();
  }

  const Training& training_;
  Objective objective_;
  std::vector<Dense> layers_;
  Doubles means_, squares_;
  double loss_ = 0;
  int iteration_ = 0;
};

}  // namespace

Expected expected_element(const Layer& layer, Index element) {
  const Shape& s = layer.shape;
  const Index i = element / s.n, j = element % s.n;
  double sum = layer.bias.empty() ? 0 : static_cast<double>(layer.bias[at(j)]);
  double size = std::abs(sum);
  for (Index p = 0; p < s.k; ++p) {
    const double a = static_cast<double>(layer.a[at(s.transposed_a() ? p * s.m + i : i * s.k + p)]);
    const double b = static_cast<double>(layer.b[at(s.transposed_b() ? j * s.k + p : p * s.n + j)]);
    sum += a * b;
    size += std::abs(a * b);
  }
  // Rounding errors of a sum add like the root of its length; the libraries' activations, none of
  // which is steeper than 1, are good to some 1e-6.
  const double epsilon = static_cast<double>(std::numeric_limits<float>::epsilon());
  const double of_sum = epsilon * (4 + std::sqrt(static_cast<double>(s.k))) * size;
  return {activated(s.activation, sum), of_sum + 16 * epsilon};
}

std::vector<double> reference_training(const Training& training, Objective objective) {
  return Reference(training, objective).train();
}

}  // namespace shallowcore::bench
