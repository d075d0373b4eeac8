#include "model/panels.hpp"

#include <algorithm>

namespace shallowcore {
namespace {

// Columns of a whole panel.
template <class T>
Index widest_panel() {
  return kernels<T>().panel_cols;
}

}  // namespace

template <class T>
Index PanelLayer<T>::width(Index panel) const {
  return panel + 1 == n_panels ? last_width : widest_panel<T>();
}

template <class T>
Index PanelLayer<T>::panel(Index panel) const {
  return kernel + panel * widest_panel<T>() * n_in;
}

template <class T>
Panels<T>::Panels(const Network<T>& network) {
  const auto penalty_of = [&](Index offset) {
    for (const Tensor& tensor : network.tensors()) {
      if (tensor.offset == offset) return tensor.penalty;
    }
    return Penalty{};
  };
  const Index wide = widest_panel<T>(), narrow = kernels<T>().vector_cols;
  for (const Stage<T>& stage : network.stages()) {
    PanelLayer<T> layer;
    layer.stage = &stage;
    layer.activated = !stage.activation.is("identity");
    layer.kernel_penalty = penalty_of(stage.kernel);
    if (stage.bias >= 0) layer.bias_penalty = penalty_of(stage.bias);
    layer.n_in = stage.n_in;
    layer.n_out = stage.n_out;
    layer.n_panels = (stage.n_out + wide - 1) / wide;
    const Index left = stage.n_out - (layer.n_panels - 1) * wide;
    const bool last = &stage == &network.stages().back();
    layer.last_width = last && left <= narrow ? narrow : wide;
    const Index cols = (layer.n_panels - 1) * wide + layer.last_width;
    layer.kernel = size_;
    size_ += padded<T>(stage.n_in * cols);
    if (stage.bias >= 0) {
      layer.bias = size_;
      size_ += padded<T>(cols);
    }
    layers_.push_back(layer);
  }
}

template <class T>
void Panels<T>::pack(const T* parameters, T* packed) const {
  for (const PanelLayer<T>& layer : layers_) {
    for (Index j = 0; j < layer.n_panels; ++j) {
      const Index first = j * widest_panel<T>(), width = layer.width(j);
      const Index cols = std::min(width, layer.n_out - first);
      T* panel = packed + layer.panel(j);
      const T* from = parameters + layer.stage->kernel + first;
      for (Index i = 0; i < layer.n_in; ++i, panel += width, from += layer.n_out) {
        std::fill(std::copy_n(from, cols, panel), panel + width, T{0});
      }
    }
    if (layer.bias < 0) continue;
    const Index width = (layer.n_panels - 1) * widest_panel<T>() + layer.last_width;
    T* bias = packed + layer.bias;
    std::fill(std::copy_n(parameters + layer.stage->bias, layer.n_out, bias), bias + width, T{0});
  }
}

template <class T>
void Panels<T>::unpack(const T* packed, T* parameters) const {
  for (const PanelLayer<T>& layer : layers_) {
    for (Index j = 0; j < layer.n_panels; ++j) {
      const Index first = j * widest_panel<T>(), width = layer.width(j);
      const Index cols = std::min(width, layer.n_out - first);
      const T* panel = packed + layer.panel(j);
      T* to = parameters + layer.stage->kernel + first;
      for (Index i = 0; i < layer.n_in; ++i, panel += width, to += layer.n_out) {
        std::copy_n(panel, cols, to);
      }
    }
    if (layer.bias >= 0) {
      std::copy_n(packed + layer.bias, layer.n_out, parameters + layer.stage->bias);
    }
  }
}

template <class T>
PackedState<T>::PackedState(const Panels<T>& panels, Network<T>& network, Optimizer<T>& optimizer,
                            const Objective<T>& objective)
    : panels_(panels),
      network_(network),
      optimizer_(optimizer),
      objective_(objective),
      kept_(network.size(), Fill::none),
      parameters_(std::max(panels.size(), network.size())) {
  for (int i = 0; i < optimizer.slots(); ++i) {
    optimizer.slot(i);
    Arena<T>& memory = optimizer.slot_memory(i);
    if (memory.size() >= parameters_.size()) continue;
    Arena<T> larger(parameters_.size());
    std::copy_n(memory.data(), network.size(), larger.data());
    memory = std::move(larger);
  }
}

// f(from, to) for every state vector, then what it wrote is the vector.
template <class T>
template <class F>
void PackedState<T>::rewrite_slots(F&& f) {
  for (int i = 0; i < optimizer_.slots(); ++i) {
    std::fill_n(parameters_.data(), parameters_.size(), T{0});
    f(slot(i), parameters_.data());
    std::swap(optimizer_.slot_memory(i), parameters_);
  }
}

template <class T>
void PackedState<T>::take_over() {
  rewrite_slots([&](const T* from, T* to) { panels_.pack(from, to); });
  panels_.pack(network_.parameters(), parameters_.data());
}

template <class T>
void PackedState<T>::hand_back() {
  if (moved_ && !copied_) {
    std::copy_n(network_.parameters(), network_.size(), kept_.data());
    copied_ = true;
  }
  show();
  rewrite_slots([&](const T* from, T* to) { panels_.unpack(from, to); });
}

template <class T>
bool PackedState<T>::keep() {
  if (!kernels<T>().all_finite(parameters_.data(), panels_.size())) return false;
  show();
  moved_ = copied_ = false;
  return true;
}

template <class T>
void PackedState<T>::restore() {
  if (copied_) std::copy_n(kept_.data(), network_.size(), network_.parameters());
  moved_ = copied_ = false;
  panels_.pack(network_.parameters(), parameters_.data());
  for (int i = 0; i < optimizer_.slots(); ++i) std::fill_n(slot(i), panels_.size(), T{0});
  optimizer_.clear();
}

template <class T>
void PackedState<T>::update(Index offset, T* gradient, Index count, const Penalty& whole) {
  const Penalty penalty = objective_.of_batch(whole);
  T* w = parameters_.data() + offset;
  if (penalty.any()) kernels<T>().add_penalty(w, gradient, count, penalty.l1, penalty.l2);
  T* slots[kMaxSlots] = {};
  for (int i = 0; i < optimizer_.slots(); ++i) slots[i] = slot(i) + offset;
  optimizer_.sweep().update(w, gradient, slots, optimizer_.slots(), count, constants_);
}

template <class T>
double PackedState<T>::penalties() const {
  double total = 0;
  const auto add = [&](const Penalty& whole, Index offset, Index count) {
    if (!whole.any()) return;
    const Penalty penalty = objective_.of_batch(whole);
    total += kernels<T>().add_penalty(parameters_.data() + offset, nullptr, count, penalty.l1,
                                      penalty.l2);
  };
  for (const PanelLayer<T>& layer : panels_.layers()) {
    const Index cols = (layer.n_panels - 1) * widest_panel<T>() + layer.last_width;
    add(layer.kernel_penalty, layer.kernel, layer.n_in * cols);
    if (layer.bias >= 0) add(layer.bias_penalty, layer.bias, cols);
  }
  return total;
}

template struct PanelLayer<float>;
template struct PanelLayer<double>;
template class Panels<float>;
template class Panels<double>;
template class PackedState<float>;
template class PackedState<double>;

}  // namespace shallowcore
