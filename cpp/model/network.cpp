#include "model/network.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

#include "kernels/registry.hpp"

namespace shallowcore {

template <class T>
Activation<T>::Activation(const ActivationSpec& spec) : kernels(&activation_named<T>(spec.name)) {
  std::size_t known = 0;
  for (int i = 0; i < 2 && kernels->parameters[i].name != nullptr; ++i) {
    const auto given = spec.parameters.find(kernels->parameters[i].name);
    if (given != spec.parameters.end()) ++known;
    parameters[i] = static_cast<T>(given == spec.parameters.end() ? kernels->parameters[i].value
                                                                  : given->second);
  }
  for (const T value : parameters) {  // g' is taken from the output, whose sign must follow z's
    if (!(value >= 0)) {
      throw InvalidArgument("activation", spec.name + " with " + std::to_string(value),
                            "parameters of at least 0");
    }
  }
  if (known != spec.parameters.size()) {
    throw InvalidArgument("activation", "a parameter that '" + spec.name + "' does not have",
                          "its own parameters only");
  }
}

template <class T>
Network<T>::Network(Index n_features, const std::vector<LayerSpec>& layers)
    : n_features_(n_features) {
  if (n_features < 1) {
    throw InvalidArgument("n_features", std::to_string(n_features), "at least 1");
  }
  std::uint32_t dropouts = 0;
  for (const LayerSpec& layer : layers) {
    const Index width = n_outputs();
    if (layer.kind == LayerSpec::Kind::dropout) {
      add_dropout({layer.rate, layer.seed, dropouts++});
      continue;
    }
    if (layer.kind == LayerSpec::Kind::dense) {
      add_dense(layer, width);
      continue;
    }
    if (fold_into_reading(layer)) continue;
    const Activation<T> activation(layer.activation);
    if (layer.kind == LayerSpec::Kind::activation && !stages_.empty() &&
        stages_.back().kind == LayerSpec::Kind::dense && stages_.back().activation.is("identity") &&
        stages_.back().dropout.rate == 0) {
      stages_.back().activation = activation;
      continue;
    }
    Stage<T> stage;
    stage.kind = layer.kind;
    stage.n_in = stage.n_out = width;
    stage.activation = activation;
    stage.scale = static_cast<T>(layer.scale);
    stage.offset = static_cast<T>(layer.offset);
    stages_.push_back(stage);
  }
  parameters_ = Arena<T>(size_);
  output_factors_.resize(static_cast<std::size_t>(n_outputs()));
  output_offsets_.resize(static_cast<std::size_t>(n_outputs()));
}

// Whether the layer needs no stage: rescalings before a normalization, and one of those.
template <class T>
bool Network<T>::fold_into_reading(const LayerSpec& layer) {
  const bool first = stages_.empty() && input_map_.means == nullptr;
  if (layer.kind == LayerSpec::Kind::rescaling && first) {
    input_map_.scale *= layer.scale;
    input_map_.offset = input_map_.offset * layer.scale + layer.offset;
    return true;
  }
  if (layer.kind != LayerSpec::Kind::normalization) return false;
  if (!first) {
    throw InvalidArgument("layers", "a normalization after other layers",
                          "one before all that is computed but rescalings");
  }
  require_equal("means of the normalization", std::ssize(layer.means), n_features_);
  require_equal("factors of the normalization", std::ssize(layer.factors), n_features_);
  means_ = layer.means;
  factors_ = layer.factors;
  input_map_.means = means_.data();
  input_map_.factors = factors_.data();
  return true;
}

// In place: readers of a training that goes on later hold the addresses.
template <class T>
void Network<T>::normalize_inputs(const std::vector<double>& means,
                                  const std::vector<double>& factors) {
  const TrainingLock lock(*this);
  require_equal("means of the normalization", std::ssize(means), std::ssize(means_));
  require_equal("factors of the normalization", std::ssize(factors), std::ssize(factors_));
  std::copy(means.begin(), means.end(), means_.begin());
  std::copy(factors.begin(), factors.end(), factors_.begin());
}

template <class T>
void Network<T>::scale_outputs(const std::vector<double>& factors,
                               const std::vector<double>& offsets) {
  const TrainingLock lock(*this);
  require_equal("offsets of the outputs", std::ssize(offsets), std::ssize(factors));
  if (!factors.empty()) require_equal("factors of the outputs", std::ssize(factors), n_outputs());
  std::copy(factors.begin(), factors.end(), output_factors_.begin());
  std::copy(offsets.begin(), offsets.end(), output_offsets_.begin());
  scales_outputs_ = !factors.empty();
}

template <class T>
void Network<T>::to_predictions(T* outputs, Index rows) const {
  const double* factors = output_factors();
  if (factors == nullptr) return;
  const double* offsets = output_offsets_.data();
  const Index cols = n_outputs();
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) {
      const double a = static_cast<double>(outputs[i * cols + j]);
      outputs[i * cols + j] = static_cast<T>(a * factors[j] + offsets[j]);
    }
  }
}

template <class T>
void Network<T>::add_dense(const LayerSpec& layer, Index n_in) {
  constexpr Index most = std::numeric_limits<Index>::max() / 64;
  if (layer.units < 1 || layer.units > most / n_in) {
    throw InvalidArgument("units", std::to_string(layer.units),
                          "at least 1, and a kernel that fits into memory");
  }
  Stage<T> stage;
  stage.n_in = n_in;
  stage.n_out = layer.units;
  stage.activation = Activation<T>(layer.activation);
  stage.kernel = add_tensor(n_in, layer.units, false, layer.kernel_penalty);
  if (layer.use_bias) stage.bias = add_tensor(1, layer.units, true, layer.bias_penalty);
  stages_.push_back(stage);
}

// To the stage before it, where that is elementwise and has none; else as a stage of its own.
template <class T>
void Network<T>::add_dropout(const Dropout& dropout) {
  if (!(dropout.rate >= 0 && dropout.rate < 1)) {
    throw InvalidArgument("rate", std::to_string(dropout.rate), "at least 0 and less than 1");
  }
  if (dropout.rate == 0) return;
  const bool joins = !stages_.empty() && stages_.back().kind != LayerSpec::Kind::rescaling &&
                     stages_.back().activation.kernels->elementwise &&
                     stages_.back().dropout.rate == 0;
  if (!joins) {
    Stage<T> stage;
    stage.kind = LayerSpec::Kind::activation;
    stage.n_in = stage.n_out = n_outputs();
    stages_.push_back(stage);
  }
  stages_.back().dropout = dropout;
}

template <class T>
bool Network<T>::has_dropout() const {
  for (const Stage<T>& stage : stages_) {
    if (stage.dropout.rate > 0) return true;
  }
  return false;
}

template <class T>
Index Network<T>::add_tensor(Index rows, Index cols, bool is_bias, const Penalty& penalty) {
  const Index offset = size_;
  tensors_.push_back({offset, rows, cols, is_bias, penalty});
  size_ += padded<T>(rows * cols);
  return offset;
}

template <class T>
std::uint64_t Network<T>::digest() const {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const Tensor& tensor : tensors_) {
    const T* values = parameters_.data() + tensor.offset;
    for (Index i = 0; i < tensor.size(); ++i) {
      unsigned char bytes[sizeof(T)];
      std::memcpy(bytes, values + i, sizeof(T));
      for (const unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
    }
  }
  return hash;
}

template <class T>
Network<T>::TrainingLock::TrainingLock(Network& network) : network_(network) {
  if (network.training_.exchange(true)) {
    throw InvalidState("this model is being trained by another thread");
  }
}

template struct Activation<float>;
template struct Activation<double>;
template class Network<float>;
template class Network<double>;

}  // namespace shallowcore
