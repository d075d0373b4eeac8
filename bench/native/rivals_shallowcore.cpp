// The core as a contender of rivals.cpp: its product and activation kernels; its Trainer.
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "core/team.hpp"
#include "core/threads.hpp"
#include "kernels/product.hpp"
#include "model/pass.hpp"
#include "model/trainer.hpp"
#include "native/rivals.hpp"

namespace shallowcore::bench {
namespace {

Activation<float> activation_of(const std::string& name) {
  ActivationSpec spec;
  if (!name.empty()) spec.name = name;
  return Activation<float>(spec);
}

class LayerTask : public Task {
 public:
  explicit LayerTask(const Layer& layer)
      : layer_(layer),
        shape_(layer.shape),
        activation_(activation_of(shape_.activation)),
        c_(static_cast<std::size_t>(shape_.m * shape_.n)),
        memory_(workspace_size<float>(shape_.n, shape_.k, workspace_threads())),
        workspace_{memory_.data(), workspace_threads()} {}

  void run(int times) override {
    with_team(team_size(shape_.flops()), [&] {
      for (int i = 0; i < times; ++i) run_once();
    });
  }
  std::vector<float> values() override { return c_; }

 private:
  void run_once() {
    const float* bias = layer_.bias.empty() ? nullptr : layer_.bias.data();
    product<float>(a(), b(), bias, 0, row_major(c_.data(), shape_.m, shape_.n), workspace_);
    apply_activation(activation_, c_.data(), c_.data(), shape_.m, shape_.n);
  }
  MatrixView<const float> a() const {
    return shape_.transposed_a() ? row_major(layer_.a.data(), shape_.k, shape_.m).transposed()
                                 : row_major(layer_.a.data(), shape_.m, shape_.k);
  }
  MatrixView<const float> b() const {
    return shape_.transposed_b() ? row_major(layer_.b.data(), shape_.n, shape_.k).transposed()
                                 : row_major(layer_.b.data(), shape_.k, shape_.n);
  }

  const Layer& layer_;
  const Shape& shape_;
  Activation<float> activation_;
  std::vector<float> c_;
  Arena<float> memory_;
  Workspace<float> workspace_;
};

std::vector<LayerSpec> layers_of(const Training& training) {
  std::vector<LayerSpec> layers;
  for (std::size_t i = 1; i < training.sizes.size(); ++i) {
    const bool last = i + 1 == training.sizes.size();
    LayerSpec layer;
    layer.units = training.sizes[i];
    layer.activation.name =
        training.binary() ? (last ? "sigmoid" : "tanh") : (last ? "softmax" : "relu");
    layers.push_back(layer);
  }
  return layers;
}

LossSpec loss_of(const Training& training) {
  LossSpec loss;
  loss.name = training.binary() ? "binary_crossentropy" : "sparse_categorical_crossentropy";
  return loss;
}

Dataset dataset_of(const Training& training) {
  constexpr Index size = sizeof(float);
  const Index rows = training.n_samples, cols = training.sizes[0];
  Dataset data;
  data.x = {training.x.data(), DType::f32, rows, cols, cols * size, size};
  if (training.binary()) {
    data.y = {training.y.data(), DType::f32, rows, 1, size, size};
  } else {
    data.labels = training.labels.data();
  }
  return data;
}

class TrainingTask : public Task {
 public:
  explicit TrainingTask(const Training& training)
      : network_(with_weights(training)),
        optimizer_(*network_, training.optimizer, {{"learning_rate", training.learning_rate}}),
        data_(dataset_of(training)),
        trainer_(*network_, optimizer_, loss_of(training), {}, data_, nullptr,
                 {training.batch_size, training.shuffle, 1, 0}) {}

  void run(int times) override {
    const Index until = trainer_.epoch() + times;
    while (!trainer_.run(until, 3600, Poll())) {
    }
    if (trainer_.epoch() != until) throw std::runtime_error("the training ended early");
  }

  std::vector<float> values() override {
    std::vector<float> values{static_cast<float>(trainer_.history(0)["loss"].back())};
    for (const Tensor& tensor : network_->tensors()) {
      const float* first = network_->parameters() + tensor.offset;
      values.insert(values.end(), first, first + tensor.size());
    }
    return values;
  }

 private:
  static std::unique_ptr<Network<float>> with_weights(const Training& training) {
    auto network = std::make_unique<Network<float>>(training.sizes[0], layers_of(training));
    const float* next = training.weights.data();
    for (const Tensor& tensor : network->tensors()) {
      std::copy_n(next, tensor.size(), network->parameters() + tensor.offset);
      next += tensor.size();
    }
    return network;
  }

  std::unique_ptr<Network<float>> network_;
  Optimizer<float> optimizer_;
  Dataset data_;
  Trainer<float> trainer_;
};

}  // namespace

std::string contender_version() {
  return std::string("instruction set ") + kernels<float>().isa + ", OpenMP " + openmp_version();
}

std::unique_ptr<Task> layer_task(const Layer& layer, int threads) {
  set_num_threads(threads);
  return std::make_unique<LayerTask>(layer);
}

std::unique_ptr<Task> training_task(const Training& training, int threads) {
  set_num_threads(threads);
  return std::make_unique<TrainingTask>(training);
}

}  // namespace shallowcore::bench
