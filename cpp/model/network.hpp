// A network of one element type: its stages and its parameters.
//
// Layers become stages: an activation that follows a linear dense layer is fused into it, rescalings
// in front and a normalization after them are folded into the reading of inputs, a dropout joins the
// elementwise stage before it.  All parameters live in one allocation, each tensor on a cache line,
// kernels (n_in, n_out) row-major; the padding between tensors stays zero.
#pragma once

#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "core/arena.hpp"
#include "core/errors.hpp"
#include "kernels/table.hpp"
#include "model/spec.hpp"

namespace shallowcore {

template <class T>
struct Activation {
  const ActivationKernels<T>* kernels = nullptr;
  T parameters[2] = {};

  Activation() : Activation(ActivationSpec{}) {}
  explicit Activation(const ActivationSpec& spec);
  bool is(const char* name) const { return std::strcmp(kernels->name, name) == 0; }
};

// One tensor of parameters: where it stands, and what is added to the loss for it.
struct Tensor {
  Index offset = 0;
  Index rows = 0;  // 1 for a bias
  Index cols = 0;
  bool is_bias = false;
  Penalty penalty;
  Index size() const { return rows * cols; }
};

// Of a stage's outputs, in training: unit by unit set to 0 with probability `rate`, else divided by
// 1 - rate.
struct Dropout {
  double rate = 0;
  std::uint64_t seed = 0;
  std::uint32_t layer = 0;  // its number among the network's
};

template <class T>
struct Stage {
  LayerSpec::Kind kind = LayerSpec::Kind::dense;
  Index n_in = 0;
  Index n_out = 0;
  Index kernel = 0;  // offset of the kernel
  Index bias = -1;   // offset of the bias, -1 without one
  Activation<T> activation;
  T scale = 1;  // rescaling
  T offset = 0;
  Dropout dropout;

  // The backward pass needs a slope that does not follow from the output.
  bool stores_slope() const { return activation.kernels->stores_slope || dropout.rate > 0; }
};

template <class T>
class Network {
 public:
  Network(Index n_features, const std::vector<LayerSpec>& layers);

  Index n_features() const { return n_features_; }
  Index n_outputs() const { return stages_.empty() ? n_features_ : stages_.back().n_out; }
  const std::vector<Stage<T>>& stages() const { return stages_; }
  const std::vector<Tensor>& tensors() const { return tensors_; }
  bool has_dropout() const;
  // Length of the parameter vector, padding included; gradients are laid out like it.
  Index size() const { return size_; }
  T* parameters() { return parameters_.data(); }
  const T* parameters() const { return parameters_.data(); }
  // What is made of inputs as they are read; valid as long as the network.
  const InputMap& input_map() const { return input_map_; }
  // New figures for the normalization, n_features() each; InvalidArgument where the network has none.
  void normalize_inputs(const std::vector<double>& means, const std::vector<double>& factors);
  // What is made of outputs where they are predictions: output * factors[j] + offsets[j]; nothing
  // where empty.  Losses know nothing of it; errors in metrics are multiplied by the factors.
  void scale_outputs(const std::vector<double>& factors, const std::vector<double>& offsets);
  // n_outputs() factors, null where outputs are predictions as they are.
  const double* output_factors() const {
    return scales_outputs_ ? output_factors_.data() : nullptr;
  }
  void to_predictions(T* outputs, Index rows) const;
  // FNV-1a over the bits of the parameters, in order.
  std::uint64_t digest() const;

  // Held while the network is trained: a second training at the same time is refused.
  class TrainingLock {
   public:
    explicit TrainingLock(Network& network);
    ~TrainingLock() { network_.training_ = false; }
    TrainingLock(const TrainingLock&) = delete;
    TrainingLock& operator=(const TrainingLock&) = delete;

   private:
    Network& network_;
  };

 private:
  void add_dense(const LayerSpec& layer, Index n_in);
  bool fold_into_reading(const LayerSpec& layer);
  void add_dropout(const Dropout& dropout);
  Index add_tensor(Index rows, Index cols, bool is_bias, const Penalty& penalty);

  Index n_features_;
  std::vector<Stage<T>> stages_;
  std::vector<Tensor> tensors_;
  Index size_ = 0;
  Arena<T> parameters_;
  InputMap input_map_;
  std::vector<double> means_, factors_;                  // of the normalization
  std::vector<double> output_factors_, output_offsets_;  // may be read while they are written
  std::atomic<bool> scales_outputs_{false};
  std::atomic<bool> training_{false};
};

}  // namespace shallowcore
