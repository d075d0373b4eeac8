// The problems of rivals.cpp: the workloads of bench/*.py with synthetic data of the same sizes, the
// larger ones cut short.  Every process makes the same numbers.
#include <cmath>
#include <random>

#include "native/rivals.hpp"

namespace shallowcore::bench {
namespace {

using Random = std::mt19937;
constexpr double kPi = 3.14159265358979323846;

std::vector<float> uniform(Random& random, Index count, float low, float high) {
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = distribution(random);
  return values;
}

std::vector<float> normal(Random& random, Index count, float deviation) {
  std::normal_distribution<float> distribution(0, deviation);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = distribution(random);
  return values;
}

// Normal samples; the class is whether two of the features have the same sign.
void fill_shallow(Training& t, Random& random) {
  t.x = normal(random, t.n_samples * t.sizes[0], 1);
  for (std::size_t i = 0; i < t.x.size(); i += static_cast<std::size_t>(t.sizes[0])) {
    t.y.push_back(t.x[i] * t.x[i + 1] > 0 ? 1.f : 0.f);
  }
}

// A flower of two classes in the plane.
void fill_planar(Training& t, Random& random) {
  const std::vector<float> noise = normal(random, 2 * t.n_samples, 0.2f);
  for (Index i = 0; i < t.n_samples; ++i) {
    const double angle = 2 * kPi * static_cast<double>(i) / static_cast<double>(t.n_samples);
    const double bent = angle + static_cast<double>(noise[static_cast<std::size_t>(2 * i)]);
    const double radius =
        4 * std::sin(4 * angle) + static_cast<double>(noise[static_cast<std::size_t>(2 * i + 1)]);
    t.x.push_back(static_cast<float>(radius * std::sin(bent)));
    t.x.push_back(static_cast<float>(radius * std::cos(bent)));
    t.y.push_back(2 * i < t.n_samples ? 0.f : 1.f);
  }
}

void fill_cat(Training& t, Random& random) {
  t.x = uniform(random, t.n_samples * t.sizes[0], 0, 1);
  for (std::size_t i = 0; i < t.x.size(); i += static_cast<std::size_t>(t.sizes[0])) {
    t.y.push_back(t.x[i] > 0.5f ? 1.f : 0.f);
  }
}

// A pattern for each class, and noise; values up to `highest`, from 0 or centred.
void fill_patterns(Training& t, Random& random, float lowest, float highest) {
  const Index n_classes = t.sizes.back(), n_features = t.sizes[0];
  const auto patterns = uniform(random, n_classes * n_features, lowest / 2, highest / 2);
  t.x = uniform(random, t.n_samples * n_features, lowest / 2, highest / 2);
  std::uniform_int_distribution<int> any_class(0, static_cast<int>(n_classes) - 1);
  for (Index i = 0; i < t.n_samples; ++i) {
    t.labels.push_back(any_class(random));
    for (Index j = 0; j < n_features; ++j) {
      t.x[static_cast<std::size_t>(i * n_features + j)] +=
          patterns[static_cast<std::size_t>(t.labels.back() * n_features + j)];
    }
  }
}

void fill(Training& t) {
  Random random(1);
  if (t.name == "shallow") fill_shallow(t, random);
  if (t.name == "planar") fill_planar(t, random);
  if (t.name == "cat") fill_cat(t, random);
  if (t.name == "tabular") fill_patterns(t, random, -1, 1);
  if (t.name == "mnist") fill_patterns(t, random, 0, 1);
  for (std::size_t i = 0; i + 1 < t.sizes.size(); ++i) {
    const float deviation = 1 / std::sqrt(static_cast<float>(t.sizes[i]));
    const auto w = normal(random, t.sizes[i] * t.sizes[i + 1], deviation);
    const auto b = normal(random, t.sizes[i + 1], 0.1f);
    t.weights.insert(t.weights.end(), w.begin(), w.end());
    t.weights.insert(t.weights.end(), b.begin(), b.end());
  }
}

// Without data.
std::vector<Training> settings() {
  return {
      {"shallow", {20, 10, 1}, "sgd", 1.0, 100, 4000, false, 2, 4000, {}, {}, {}, {}},
      {"planar", {2, 4, 1}, "sgd", 1.2, 400, 400, false, 100, 400, {}, {}, {}, {}},
      {"cat", {12288, 1}, "sgd", 0.001, 209, 209, false, 50, 209, {}, {}, {}, {}},
      {"tabular", {54, 256, 7}, "adam", 1e-3, 256, 25600, true, 2, 20 * 256, {}, {}, {}, {}},
      {"mnist", {784, 512, 10}, "rmsprop", 1e-3, 128, 6400, true, 2, 5 * 128, {}, {}, {}, {}},
  };
}

}  // namespace

double Training::flops() const {
  double each = 0;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    each += (i == 0 ? 4.0 : 6.0) * static_cast<double>(sizes[i] * sizes[i + 1]);
  }
  return each * static_cast<double>(batch_size);
}

std::vector<std::string> training_names() {
  std::vector<std::string> names;
  for (const Training& training : settings()) names.push_back(training.name);
  return names;
}

Training make_training(const std::string& name, bool check) {
  Training found = {};
  for (const Training& training : settings()) {
    if (training.name == name) found = training;
  }
  if (check) {
    found.n_samples = found.check_samples;
    found.shuffle = false;
  }
  fill(found);
  return found;
}

Layer make_layer(const Shape& shape) {
  Random random(1);
  Layer layer{shape, {}, {}, {}};
  layer.a = uniform(random, shape.m * shape.k, -1, 1);
  layer.b = uniform(random, shape.k * shape.n, -1, 1);
  // Outputs in the range where activations bend.
  if (shape.role == Role::outputs) {
    for (float& w : layer.b) w /= std::sqrt(static_cast<float>(shape.k));
    layer.bias = uniform(random, shape.n, -1, 1);
  }
  return layer;
}

}  // namespace shallowcore::bench
