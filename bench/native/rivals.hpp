// What the contenders of rivals.cpp have in common: the problems, and the work on them.
//
// Each contender is a program of its own, rival_<name>: rivals_contender.cpp and one file that
// defines the three functions at the end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "native/shapes.hpp"

namespace shallowcore::bench {

// One product of all_shapes() with numbers in it, stored as its role says.
struct Layer {
  Shape shape;
  std::vector<float> a, b, bias;  // bias (n,), for outputs only
};

// A network and its data.  sizes: n_features, units of the hidden layers (or none), n_outputs.
// One output: tanh, sigmoid, binary cross-entropy; several: relu, softmax, integer labels.
// n_samples is a multiple of batch_size.
struct Training {
  std::string name;
  std::vector<Index> sizes;
  std::string optimizer;  // sgd, adam or rmsprop, with Keras' defaults but for the learning rate
  double learning_rate;
  Index batch_size, n_samples;
  bool shuffle;
  int check_epochs;            // of the short training whose results are compared
  Index check_samples;         // its samples
  std::vector<float> x, y;     // (n_samples, n_features); (n_samples,), for one output
  std::vector<int> labels;     // (n_samples,), for several outputs
  std::vector<float> weights;  // to start from: w1, b1, w2, b2, ...; w (n_in, n_out)

  bool binary() const { return sizes.back() == 1; }
  Index steps() const { return n_samples / batch_size; }
  // Operations in the dense products of a step: for z, for dw, and for da but in the first layer.
  double flops() const;
};

std::vector<std::string> training_names();
Layer make_layer(const Shape& shape);
// For a check: the first check_samples samples, in order.
Training make_training(const std::string& name, bool check);

// Up to this many of n values, evenly spread: what contenders report and what is compared.
inline constexpr Index kReported = 400;
inline std::vector<Index> reported(Index n) {
  std::vector<Index> places;
  for (Index i = 0; i < n; i += 1 + (n - 1) / kReported) places.push_back(i);
  return places;
}

// Work that can be repeated: a layer's product, or an epoch of a training that goes on.
class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;
  virtual void run(int times) = 0;
  // The product's elements; or the mean loss of the last epoch, then the weights.
  virtual std::vector<float> values() = 0;
};

// --- defined by each contender --------------------------------------------------------------------

std::string contender_version();
// Null where the library cannot do it.  The problem outlives the task.
std::unique_ptr<Task> layer_task(const Layer& layer, int threads);
std::unique_ptr<Task> training_task(const Training& training, int threads);

}  // namespace shallowcore::bench
