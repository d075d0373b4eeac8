// Trains one of the five workloads of the benchmark on numbers made from a seed, on one thread.
// tools/check_instructions.py counts its instructions: start-up is the same for any number of epochs,
// so the difference of two runs is the cost of the steps between them.
//
//   steps                    prints the compiler, then the instruction sets that run here
//   steps WORKLOAD EPOCHS    trains; prints the number of steps
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include "core/rng.hpp"
#include "core/threads.hpp"
#include "kernels/registry.hpp"
#include "model/trainer.hpp"

namespace {

using namespace shallowcore;

// As in python/shallowcore/bench/workloads.py, but smaller where counting is slow: few samples an
// epoch, and fewer features for the cats.  `epochs` are those of the whole training: what it is
// planned for, not what is run.
struct Workload {
  const char* name;
  std::vector<Index> sizes;
  std::vector<const char*> activations;
  const char* loss;
  const char* optimizer;
  std::map<std::string, double> settings;
  Index rows, batch_size;
  bool shuffle;
  Index epochs;
  bool images = false;  // four fifths of the inputs are zeros, in runs
};

const std::vector<Workload> kWorkloads = {
    {"shallow",
     {20, 10, 1},
     {"tanh", "sigmoid"},
     "binary_crossentropy",
     "sgd",
     {{"learning_rate", 1}},
     4000,
     100,
     false,
     300},
    {"planar",
     {2, 4, 1},
     {"tanh", "sigmoid"},
     "binary_crossentropy",
     "sgd",
     {{"learning_rate", 1.2}},
     400,
     400,
     false,
     10000},
    {"cat",
     {2048, 1},
     {"sigmoid"},
     "binary_crossentropy",
     "sgd",
     {{"learning_rate", 0.005}},
     209,
     209,
     false,
     2000},
    {"tabular",
     {54, 256, 7},
     {"relu", "softmax"},
     "sparse_categorical_crossentropy",
     "adam",
     {},
     768,
     256,
     true,
     4},
    {"mnist",
     {784, 512, 10},
     {"relu", "softmax"},
     "sparse_categorical_crossentropy",
     "rmsprop",
     {},
     256,
     128,
     true,
     1,
     true},
};

// Numbers in [-1, 1) that depend on the stream alone.
std::vector<float> numbers(Index n, std::uint32_t stream) {
  std::vector<float> values(static_cast<std::size_t>(n));
  PhiloxCounter words = {};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 4 == 0) words = philox4x32({static_cast<std::uint32_t>(i), 0, 0, 0}, {stream, 0});
    values[i] = static_cast<float>(words[i % 4] >> 8) / 8388608 - 1;
  }
  return values;
}

// Zeros in four of five runs of 14, as around the strokes of a digit.
void blank(std::vector<float>& x) {
  constexpr std::size_t run = 14;
  const auto chances = numbers(static_cast<Index>(x.size() / run + 1), 100);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (chances[i / run] < 0.6f) x[i] = 0;
  }
}

// Kernels of standard deviation near 1 / sqrt(n_in), biases zero.
void initialize(Network<float>& network) {
  std::uint32_t stream = 1;
  for (const Tensor& tensor : network.tensors()) {
    if (tensor.is_bias) continue;
    const auto values = numbers(tensor.size(), stream++);
    const float scale = std::sqrt(3.0f / static_cast<float>(tensor.rows));
    for (Index i = 0; i < tensor.size(); ++i) {
      network.parameters()[tensor.offset + i] = scale * values[static_cast<std::size_t>(i)];
    }
  }
}

// Classes of equal width in the first feature.
template <class Y>
std::vector<Y> targets(const std::vector<float>& x, Index rows, Index n_features, Index n_classes) {
  std::vector<Y> y(static_cast<std::size_t>(rows));
  for (Index i = 0; i < rows; ++i) {
    const float share = (x[static_cast<std::size_t>(i * n_features)] + 1) / 2;
    const Index label = static_cast<Index>(share * static_cast<float>(n_classes));
    y[static_cast<std::size_t>(i)] = static_cast<Y>(std::min(label, n_classes - 1));
  }
  return y;
}

// Number of steps; 0 if the training ended early.
Index train(const Workload& workload, Index epochs) {
  set_num_threads(1);
  const Index rows = workload.rows, n_features = workload.sizes.front();
  const Index n_outputs = workload.sizes.back();
  auto x = numbers(rows * n_features, 0);
  const auto y = targets<float>(x, rows, n_features, 2);
  const auto labels = targets<std::int32_t>(x, rows, n_features, n_outputs);
  if (workload.images) blank(x);
  constexpr Index size = sizeof(float);
  Dataset data;
  data.x = {x.data(), DType::f32, rows, n_features, n_features * size, size};
  if (n_outputs == 1) {
    data.y = {y.data(), DType::f32, rows, 1, size, size};
  } else {
    data.labels = labels.data();
  }

  std::vector<LayerSpec> layers(workload.activations.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i].units = workload.sizes[i + 1];
    layers[i].activation.name = workload.activations[i];
  }
  Network<float> network(n_features, layers);
  initialize(network);
  Optimizer<float> optimizer(network, workload.optimizer, workload.settings);
  LossSpec loss;
  loss.name = workload.loss;
  TrainingOptions options;
  options.batch_size = workload.batch_size;
  options.shuffle = workload.shuffle;
  options.epochs = workload.epochs;
  Trainer<float> trainer(network, optimizer, loss, {}, data, nullptr, options);
  trainer.run(epochs, 1e9, Poll());
  return trainer.epoch() == epochs ? epochs * trainer.n_batches() : 0;
}

void print_build() {
#if defined(__clang__)
  std::printf("clang %d\n", __clang_major__);
#else
  std::printf("gcc %d\n", __GNUC__);
#endif
  for (const std::string& isa : supported_instruction_sets()) std::printf("%s\n", isa.c_str());
}

int run(const std::string& name, Index epochs) {
  for (const Workload& workload : kWorkloads) {
    if (name != workload.name) continue;
    const Index steps = train(workload, epochs);
    std::printf("%td\n", steps);
    return steps > 0 ? 0 : 1;
  }
  std::fprintf(stderr, "no workload %s\n", name.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 1) {
    print_build();
    return 0;
  }
  if (argc == 3) return run(argv[1], std::atoll(argv[2]));
  std::fprintf(stderr, "usage: steps [WORKLOAD EPOCHS]\n");
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
