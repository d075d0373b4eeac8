#include "model/pass.hpp"

#include <algorithm>

namespace shallowcore {
namespace {

constexpr double kFlopsOfActivation = 20;  // of one element, roughly: for the choice of threads

template <class T>
Index widest(const Network<T>& network) {
  Index most = network.n_features();
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
    for (const Stage<T>& stage : stages) total += padded<T>(most_rows * stage.n_out);
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
  }
  workspace_.memory = arena_.take(workspace);
}

template <class T>
T* Pass<T>::forward(const MatrixView<const T>& x, bool logits) {
  const auto& stages = network_.stages();
  rows_ = x.rows;
  MatrixView<const T> input = x;
  T* out = gradients_[1];  // not where the loss puts its gradient: metrics come after it
  if (stages.empty()) copy_rows(x, out);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const Stage<T>& stage = stages[s];
    out = outputs_[s];
    const bool last = s + 1 == stages.size();
    if (stage.kind == LayerSpec::Kind::dense) {
      const T* bias = stage.bias < 0 ? nullptr : network_.parameters() + stage.bias;
      product<T>(input, row_major(network_.parameters() + stage.kernel, stage.n_in, stage.n_out),
                 bias, 0, row_major(out, rows_, stage.n_out), workspace_);
    } else {
      copy_rows(input, out);
    }
    if (stage.kind == LayerSpec::Kind::rescaling) {
      rescale(out, out, rows_ * stage.n_out, stage.scale, stage.offset);
    } else if (!(last && logits)) {
      apply_activation(stage.activation, out, out, rows_, stage.n_out);
    }
    input = row_major<const T>(out, rows_, stage.n_out);
  }
  return out;
}

template <class T>
void Pass<T>::backward(const MatrixView<const T>& x, bool logits, T* gradient) {
  const auto& stages = network_.stages();
  for (std::size_t s = stages.size(); s-- > 0;) {
    const Stage<T>& stage = stages[s];
    T* d = gradients_[0];
    const bool last = s + 1 == stages.size();
    if (stage.kind == LayerSpec::Kind::rescaling) {
      rescale(d, d, rows_ * stage.n_out, stage.scale, T{0});
      continue;
    }
    if (!(last && logits)) apply_slope(stage.activation, outputs_[s], d, rows_, stage.n_out);
    if (stage.kind != LayerSpec::Kind::dense) continue;

    const MatrixView<const T> input =
        s == 0 ? x : row_major<const T>(outputs_[s - 1], rows_, stage.n_in);
    const MatrixView<const T> dz = row_major<const T>(d, rows_, stage.n_out);
    T* dw = gradient + stage.kernel;
    product<T>(input.transposed(), dz, dw, stage.n_out, row_major(dw, stage.n_in, stage.n_out),
               workspace_);
    if (stage.bias >= 0) {
      kernels<T>().add_column_sums(d, rows_, stage.n_out, gradient + stage.bias);
    }
    if (stage.kernel == 0) return;  // no parameters below
    const MatrixView<const T> w =
        row_major(network_.parameters() + stage.kernel, stage.n_in, stage.n_out);
    product<T>(dz, w.transposed(), nullptr, 0, row_major(gradients_[1], rows_, stage.n_in),
               workspace_);
    std::swap(gradients_[0], gradients_[1]);
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
