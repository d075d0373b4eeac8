#include "model/pass.hpp"

#include <algorithm>

namespace shallowcore {
namespace {

constexpr double kFlopsOfActivation = 20;  // of one element, roughly: for the choice of threads

template <class T>
Index widest(const Network<T>& network) {
  if (network.stages().empty()) return network.n_features();
  Index most = 0;
  for (const Stage<T>& stage : network.stages()) most = std::max(most, stage.n_out);
  return most;
}

template <class T>
Index largest_workspace(const Network<T>& network, Index most_rows, int threads) {
  Index most = 0;
  for (const Stage<T>& stage : network.stages()) {
    if (stage.kind != LayerSpec::Kind::dense) continue;
    most = std::max({most, workspace_size<T>(stage.n_out, stage.n_in, threads),
                     workspace_size<T>(stage.n_in, stage.n_out, threads),
                     workspace_size<T>(stage.n_out, most_rows, threads)});
  }
  return most;
}

// d *= s on the team.
template <class T>
void multiply_rows(const T* s, T* d, Index rows, Index cols) {
  over_rows(rows, static_cast<double>(rows * cols), [&](Index first, Index count) {
    kernels<T>().multiply(s + first * cols, d + first * cols, count * cols);
  });
}

template <class T>
void rescale(const T* x, T* out, Index n, T scale, T offset) {
  for (Index i = 0; i < n; ++i) out[i] = x[i] * scale + offset;
}

}  // namespace

template <class T>
void apply_activation(const Activation<T>& activation, const T* z, T* a, Index rows, Index cols) {
  if (activation.is("identity")) {
    if (a != z) std::copy_n(z, rows * cols, a);
    return;
  }
  const double work = kFlopsOfActivation * static_cast<double>(rows * cols);
  over_rows(rows, work, [&](Index first, Index count) {
    const Index at = first * cols;
    activation.kernels->forward(z + at, a + at, count, cols, activation.parameters);
  });
}

template <class T>
void apply_slope(const Activation<T>& activation, const T* a, T* d, Index rows, Index cols) {
  if (activation.is("identity")) return;
  over_rows(rows, 3.0 * static_cast<double>(rows * cols), [&](Index first, Index count) {
    const Index at = first * cols;
    activation.kernels->backward(a + at, d + at, count, cols, activation.parameters);
  });
}

template <class T>
Pass<T>::Pass(const Network<T>& network, Index most_rows, Use use)
    : network_(network), most_rows_(most_rows) {
  const auto& stages = network.stages();
  const Index wide = padded<T>(most_rows * widest(network));
  Index total = 0;
  if (use == Use::train) {
    for (const Stage<T>& stage : stages) {
      total += (stage.stores_slope() ? 2 : 1) * padded<T>(most_rows * stage.n_out);
    }
  }
  total += 2 * wide;
  workspace_.threads = workspace_threads();
  const Index workspace =
      largest_workspace(network, use == Use::train ? most_rows : 1, workspace_.threads);
  arena_ = Arena<T>(total + padded<T>(workspace), Fill::none);
  gradients_[0] = arena_.take(wide);
  gradients_[1] = arena_.take(wide);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    outputs_.push_back(use == Use::train ? arena_.take(most_rows * stages[s].n_out)
                                         : gradients_[s % 2]);
    const bool stores = use == Use::train && stages[s].stores_slope();
    slopes_.push_back(stores ? arena_.take(most_rows * stages[s].n_out) : nullptr);
  }
  workspace_.memory = arena_.take(workspace);
}

// Everything of a stage but its activation.
template <class T>
void Pass<T>::enter_stage(std::size_t s, const InputRows<T>& input) {
  const Stage<T>& stage = network_.stages()[s];
  if (stage.kind != LayerSpec::Kind::dense) return copy_rows(input.dense, outputs_[s]);
  const T* w = network_.parameters() + stage.kernel;
  const T* bias = stage.bias < 0 ? nullptr : network_.parameters() + stage.bias;
  input_product(input, row_major(w, stage.n_in, stage.n_out), bias,
                row_major(outputs_[s], rows_, stage.n_out), workspace_);
}

template <class T>
T* Pass<T>::forward(const InputRows<T>& x, bool logits) {
  if (network_.stages().empty()) {
    copy_rows(x.dense,
              gradients_[1]);  // not where the loss puts its gradient: metrics come after it
    return gradients_[1];
  }
  rows_ = x.rows();
  enter_stage(0, x);
  return forward_from_first(x.rows(), logits);
}

template <class T>
T* Pass<T>::forward_from_first(Index rows, bool logits) {
  const auto& stages = network_.stages();
  rows_ = rows;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const Stage<T>& stage = stages[s];
    if (s > 0) enter_stage(s, output(s - 1));
    T* out = outputs_[s];
    const bool last = s + 1 == stages.size();
    if (stage.kind == LayerSpec::Kind::rescaling) {
      rescale(out, out, rows_ * stage.n_out, stage.scale, stage.offset);
    } else if (slopes_[s] != nullptr) {
      activate_with_slope(s);
    } else if (!(last && logits)) {
      apply_activation(stage.activation, out, out, rows_, stage.n_out);
    }
  }
  return outputs_.back();
}

template <class T>
void Pass<T>::activate_with_slope(std::size_t s) {
  const Stage<T>& stage = network_.stages()[s];
  const Index cols = stage.n_out;
  const double work = kFlopsOfActivation * static_cast<double>(rows_ * cols);
  over_rows(rows_, work, [&](Index first, Index count) {
    const Place place = {place_.step, place_.first_row + first};
    const Index at = first * cols;
    forward_with_slope(stage, place, count, 0, cols, outputs_[s] + at, slopes_[s] + at);
  });
}

template <class T>
void Pass<T>::add_kernel_gradient(std::size_t s, const InputRows<T>& input, T* gradient) {
  const Stage<T>& stage = network_.stages()[s];
  add_input_gradient(input, row_major<const T>(gradients_[0], rows_, stage.n_out),
                     row_major(gradient + stage.kernel, stage.n_in, stage.n_out), workspace_);
}

template <class T>
void Pass<T>::multiply_by_slope(std::size_t s, T* d) const {
  const Stage<T>& stage = network_.stages()[s];
  if (slopes_[s] != nullptr) return multiply_rows(slopes_[s], d, rows_, stage.n_out);
  apply_slope(stage.activation, outputs_[s], d, rows_, stage.n_out);
}

template <class T>
const T* Pass<T>::backward_to_first(bool logits, T* gradient) {
  const auto& stages = network_.stages();
  for (std::size_t s = stages.size(); s-- > 0;) {
    const Stage<T>& stage = stages[s];
    T* d = gradients_[0];
    const bool last = s + 1 == stages.size();
    if (stage.kind == LayerSpec::Kind::rescaling) {
      rescale(d, d, rows_ * stage.n_out, stage.scale, T{0});
      continue;
    }
    if (slopes_[s] != nullptr || !(last && logits)) multiply_by_slope(s, d);
    if (stage.kind != LayerSpec::Kind::dense) continue;
    if (stage.bias >= 0) {
      kernels<T>().add_column_sums(d, rows_, stage.n_out, gradient + stage.bias);
    }
    if (stage.kernel == 0) return d;  // no parameters below

    add_kernel_gradient(s, output(s - 1), gradient);
    const MatrixView<const T> dz = row_major<const T>(d, rows_, stage.n_out);
    const MatrixView<const T> w =
        row_major(network_.parameters() + stage.kernel, stage.n_in, stage.n_out);
    product<T>(dz, w.transposed(), nullptr, 0, row_major(gradients_[1], rows_, stage.n_in),
               workspace_);
    std::swap(gradients_[0], gradients_[1]);
  }
  return nullptr;
}

template <class T>
void Pass<T>::backward(const InputRows<T>& x, bool logits, T* gradient) {
  if (backward_to_first(logits, gradient) == nullptr) return;
  const auto& stages = network_.stages();
  for (std::size_t s = 0; s < stages.size(); ++s) {
    if (stages[s].kind != LayerSpec::Kind::dense) continue;
    return add_kernel_gradient(s, s == 0 ? x : InputRows<T>(output(s - 1)), gradient);
  }
}

template void apply_activation<float>(const Activation<float>&, const float*, float*, Index, Index);
template void apply_activation<double>(const Activation<double>&, const double*, double*, Index,
                                       Index);
template void apply_slope<float>(const Activation<float>&, const float*, float*, Index, Index);
template void apply_slope<double>(const Activation<double>&, const double*, double*, Index, Index);
template class Pass<float>;
template class Pass<double>;

}  // namespace shallowcore
