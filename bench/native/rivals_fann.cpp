// FANN as a contender of rivals.cpp: fann_run for the outputs of a layer, fann_train_epoch in batch
// mode for a training, each batch a set of its own.
//
// FANN has tanh and sigmoid, squared error and plain gradient descent only, takes one sample at a time
// on one thread, and keeps outputs away from 0 and 1 when it takes slopes.
#include <floatfann.h>

#include <algorithm>
#include <stdexcept>

#include "native/rivals.hpp"

namespace shallowcore::bench {
namespace {

struct Free {
  void operator()(fann* net) const { fann_destroy(net); }
  void operator()(fann_train_data* data) const { fann_destroy_train(data); }
};
using Net = std::unique_ptr<fann, Free>;
using Samples = std::unique_ptr<fann_train_data, Free>;

template <class T>
T* checked(T* made) {
  if (made == nullptr) throw std::runtime_error("FANN could not allocate");
  return made;
}

// FANN's sigmoid is 1 / (1 + exp(-2 s z)), its symmetric one tanh(s z), s the steepness.
void set_activation(fann* net, int layer, bool tanh) {
  fann_set_activation_function_layer(net, tanh ? FANN_SIGMOID_SYMMETRIC : FANN_SIGMOID, layer);
  fann_set_activation_steepness_layer(net, tanh ? 1.f : 0.5f, layer);
}

// FANN keeps, for each unit, the weights of its inputs and then its bias; w is (n_in, n_out).
// Both return the number of weights copied.
Index transpose_in(const float* w, const float* b, float* own, Index n_in, Index n_out) {
  for (Index j = 0; j < n_out; ++j) {
    for (Index i = 0; i < n_in; ++i) *own++ = w[i * n_out + j];
    *own++ = b[j];
  }
  return (n_in + 1) * n_out;
}

Index transpose_out(const float* own, float* w, float* b, Index n_in, Index n_out) {
  for (Index j = 0; j < n_out; ++j) {
    for (Index i = 0; i < n_in; ++i) w[i * n_out + j] = *own++;
    b[j] = *own++;
  }
  return (n_in + 1) * n_out;
}

class LayerTask : public Task {
 public:
  explicit LayerTask(const Layer& layer)
      : layer_(layer), c_(static_cast<std::size_t>(layer.shape.m * layer.shape.n)) {
    const Shape& s = layer.shape;
    const unsigned sizes[2] = {static_cast<unsigned>(s.k), static_cast<unsigned>(s.n)};
    net_.reset(checked(fann_create_standard_array(2, sizes)));
    set_activation(net_.get(), 1, s.activation == "tanh");
    transpose_in(layer.b.data(), layer.bias.data(), net_->weights, s.k, s.n);
  }

  void run(int times) override {
    const Shape& s = layer_.shape;
    for (int i = 0; i < times; ++i) {
      for (Index row = 0; row < s.m; ++row) {
        float* x = const_cast<float*>(layer_.a.data()) + row * s.k;  // fann_run only reads it
        std::copy_n(fann_run(net_.get(), x), s.n, c_.data() + row * s.n);
      }
    }
  }
  std::vector<float> values() override { return c_; }

 private:
  const Layer& layer_;
  Net net_;
  std::vector<float> c_;
};

class TrainingTask : public Task {
 public:
  explicit TrainingTask(const Training& training) : training_(training) {
    std::vector<unsigned> sizes;
    for (const Index size : training.sizes) sizes.push_back(static_cast<unsigned>(size));
    const auto n_layers = static_cast<unsigned>(sizes.size());
    net_.reset(checked(fann_create_standard_array(n_layers, sizes.data())));
    for (unsigned i = 1; i < n_layers; ++i) {
      set_activation(net_.get(), static_cast<int>(i), i + 1 < n_layers);
    }
    fann_set_training_algorithm(net_.get(), FANN_TRAIN_BATCH);
    fann_set_train_error_function(net_.get(), FANN_ERRORFUNC_LINEAR);
    fann_set_learning_rate(net_.get(), static_cast<float>(training.learning_rate));
    fann_set_learning_momentum(net_.get(), 0);
    load_weights();
    for (Index batch = 0; batch < training.steps(); ++batch) load_batch(batch);
  }

  void run(int times) override {
    for (int epoch = 0; epoch < times; ++epoch) {
      loss_ = 0;
      for (const Samples& batch : batches_) {
        loss_ += static_cast<double>(fann_train_epoch(net_.get(), batch.get()));
      }
    }
  }

  std::vector<float> values() override {
    std::vector<float> values(1 + training_.weights.size());
    values[0] = static_cast<float>(loss_ / static_cast<double>(batches_.size()));
    float* w = values.data() + 1;
    const float* own = net_->weights;
    for (std::size_t i = 0; i + 1 < training_.sizes.size(); ++i) {
      const Index n_in = training_.sizes[i], n_out = training_.sizes[i + 1];
      own += transpose_out(own, w, w + n_in * n_out, n_in, n_out);
      w += (n_in + 1) * n_out;
    }
    return values;
  }

 private:
  void load_weights() {
    const float* w = training_.weights.data();
    float* own = net_->weights;
    for (std::size_t i = 0; i + 1 < training_.sizes.size(); ++i) {
      const Index n_in = training_.sizes[i], n_out = training_.sizes[i + 1];
      own += transpose_in(w, w + n_in * n_out, own, n_in, n_out);
      w += (n_in + 1) * n_out;
    }
  }

  void load_batch(Index batch) {
    const Index rows = training_.batch_size, cols = training_.sizes[0], first = batch * rows;
    batches_.emplace_back(
        checked(fann_create_train(static_cast<unsigned>(rows), static_cast<unsigned>(cols), 1)));
    for (Index i = 0; i < rows; ++i) {
      std::copy_n(training_.x.data() + (first + i) * cols, cols, batches_.back()->input[i]);
      batches_.back()->output[i][0] = training_.y[static_cast<std::size_t>(first + i)];
    }
  }

  const Training& training_;
  Net net_;
  std::vector<Samples> batches_;
  double loss_ = 0;
};

}  // namespace

std::string contender_version() {
  return "FANN: squared error in place of cross-entropy, slopes from clipped outputs, one thread";
}

std::unique_ptr<Task> layer_task(const Layer& layer, int threads) {
  const std::string& activation = layer.shape.activation;
  if (threads > 1 || (activation != "tanh" && activation != "sigmoid")) return nullptr;
  return std::make_unique<LayerTask>(layer);
}

std::unique_ptr<Task> training_task(const Training& training, int threads) {
  if (threads > 1 || !training.binary()) return nullptr;
  return std::make_unique<TrainingTask>(training);
}

}  // namespace shallowcore::bench
