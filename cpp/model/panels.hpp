// Parameters of a network of dense layers in panels: how the panels plan holds them.
//
// Panels are as wide as a register tile: of a kernel (n_in, n_out) the columns [16 j, 16 j + 16) stand
// row after row, and so products and the optimizer read memory straight on.  Hidden layers have whole
// panels only, the last layer's last panel may be one vector wide; missing columns are zeros and stay
// so.
#pragma once

#include <vector>

#include "model/network.hpp"
#include "model/objective.hpp"
#include "model/optimizer.hpp"

namespace shallowcore {

template <class T>
struct PanelLayer {
  Index n_in = 0, n_out = 0;
  Index n_panels = 0;
  Index last_width = 0;  // of the last panel
  Index kernel = 0;      // offsets into the packed parameters
  Index bias = -1;
  const Stage<T>* stage = nullptr;
  bool activated = false;  // the activation is not the identity
  Penalty kernel_penalty, bias_penalty;

  Index width(Index panel) const;
  Index panel(Index panel) const;  // offset of a panel of the kernel
};

template <class T>
class Panels {
 public:
  explicit Panels(const Network<T>& network);

  const std::vector<PanelLayer<T>>& layers() const { return layers_; }
  Index size() const { return size_; }

  void pack(const T* parameters, T* packed) const;
  void unpack(const T* packed, T* parameters) const;

 private:
  std::vector<PanelLayer<T>> layers_;
  Index size_ = 0;
};

// Parameters and optimizer's state in panels, between take_over() and hand_back().  The state stays in the
// optimizer's memory, in the other layout; the network's parameters stay those that were shown last.
// All memory is there from the beginning, so neither call can fail.
template <class T>
class PackedState {
 public:
  PackedState(const Panels<T>& panels, Network<T>& network, Optimizer<T>& optimizer,
              const Objective<T>& objective);

  void take_over();
  void show() { panels_.unpack(parameters_.data(), network_.parameters()); }
  void hand_back();
  // Shows the parameters as those that restore() goes back to; false, and nothing, if one is not finite.
  bool keep();
  // The optimizer's state is cleared.
  void restore();

  const T* parameters() const { return parameters_.data(); }
  // Counts a step of the optimizer, and takes its constants.
  void next_step() {
    optimizer_.next_step(constants_);
    moved_ = true;
  }
  // The step of `count` parameters; their penalty's gradient is added to `gradient`.
  void update(Index offset, T* gradient, Index count, const Penalty& penalty);
  double penalties() const;

 private:
  const Panels<T>& panels_;
  Network<T>& network_;
  Optimizer<T>& optimizer_;
  const Objective<T>& objective_;
  T* slot(int i) { return optimizer_.slot_memory(i).data(); }
  template <class F>
  void rewrite_slots(F&& f);

  Arena<T> kept_;        // used from a hand_back() after a step on: until then the network has them
  bool moved_ = false;   // by a step, from what was kept
  bool copied_ = false;  // to kept_
  Arena<T> parameters_;  // beyond the run: what a state vector is rewritten to, in its place
  T constants_[kMaxConstants] = {};
};

}  // namespace shallowcore
