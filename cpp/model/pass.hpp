// Forward and backward through a network, on blocks of samples; owns the buffers between the stages.
//
// Buffers are contiguous (rows, width).  A training pass keeps every stage's output for the backward
// pass, and the slopes that do not follow from it; a predicting one uses two buffers in turn.
// Nothing is allocated after construction.
#pragma once

#include <vector>

#include "model/input_rows.hpp"
#include "model/network.hpp"
#include "model/slopes.hpp"

namespace shallowcore {

enum class Use { predict, train };

template <class T>
class Pass {
 public:
  Pass(const Network<T>& network, Index most_rows, Use use);

  Index most_rows() const { return most_rows_; }

  // Outputs (rows, n_outputs) of x (rows, n_features); with `logits` the last stage's activation is
  // left out.
  T* forward(const InputRows<T>& x, bool logits);
  // The same for those who have the product of a first, dense stage from elsewhere: they put it,
  // bias included, into first_product() (rows, n_out), then go on from there.
  T* first_product() { return outputs_[0]; }
  const Workspace<T>& workspace() const { return workspace_; }
  T* forward_from_first(Index rows, bool logits);
  // Of a stage in the last forward pass; for training passes.
  MatrixView<const T> output(std::size_t s) const {
    return row_major<const T>(outputs_[s], rows_, network_.stages()[s].n_out);
  }

  // The forward passes from now on belong to a training: its dropout is theirs.
  void train_at(const Place& place) { place_ = place; }

  // What stage s gave for the last block, (rows, n_out); of a training pass only.
  const T* stage_output(std::size_t s) const { return outputs_[s]; }

  // Where the loss puts its gradient with respect to what forward returned.
  T* output_gradient() { return gradients_[0]; }

  // d (rows, n_out) *= slope of a stage's activation in the last forward pass.
  void multiply_by_slope(std::size_t s, T* d) const;

  // Adds the parameters' gradients of that block to `gradient`, laid out like the parameters.  The
  // inputs' gradient is never computed.  Overwrites the buffers.
  void backward(const InputRows<T>& x, bool logits, T* gradient);
  // The same but for the gradient of the lowest kernel: returns its stage's dz (rows, n_out); null if
  // the network has no kernel.
  const T* backward_to_first(bool logits, T* gradient);

 private:
  void enter_stage(std::size_t s, const InputRows<T>& input);
  void activate_with_slope(std::size_t s);
  void add_kernel_gradient(std::size_t s, const InputRows<T>& input, T* gradient);
  const Network<T>& network_;
  Index most_rows_;
  Index rows_ = 0;
  Arena<T> arena_;
  std::vector<T*> outputs_;  // one for each stage
  std::vector<T*> slopes_;   // null where the slope is not stored
  Place place_;
  T* gradients_[2] = {};
  Workspace<T> workspace_;
};

// a = g(z) on the team; a may be z.
template <class T>
void apply_activation(const Activation<T>& activation, const T* z, T* a, Index rows, Index cols);

// d = d * g'(z), from the output a.
template <class T>
void apply_slope(const Activation<T>& activation, const T* a, T* d, Index rows, Index cols);

}  // namespace shallowcore
