// The R-operator through a network.  R{x} is the derivative of x along the direction V:
//   R{z} = R{a_below} W + a_below V + V_b,   R{a} = g'(z) R{z}
//   R{dz_L} = (Hessian of the loss) R{z_L}  (+ g'' terms where link and loss are not fused)
//   R{dW} = R{a_below}^T dz + a_below^T R{dz},   R{da_below} = R{dz} W^T + dz V^T
//   R{dz} = R{da} g'(z) + da g''(z) R{z}
#include <algorithm>

#include "kernels/product.hpp"
#include "model/newton_cg.hpp"

namespace shallowcore {

template <class T>
HessianProduct<T>::HessianProduct(const Objective<T>& objective, const Network<T>& network,
                                  const Dataset& data)
    : objective_(objective),
      network_(network),
      n_samples_(data.rows()),
      most_rows_(block_rows(network, data.rows())),
      reader_(data, network, most_rows_, false) {
  workspace_.threads = workspace_threads();
  const auto& stages = network.stages();
  Index wide = 0, total = 0, workspace = 0;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const Stage<T>& stage = stages[s];
    const bool linked = s + 1 == stages.size() && objective.fused();
    if (stage.kind != LayerSpec::Kind::rescaling && !linked &&
        !stage.activation.kernels->elementwise) {
      throw InvalidArgument("optimizer",
                            "newton_cg with " + std::string(stage.activation.kernels->name),
                            "elementwise activations (or softmax with its cross-entropy)");
    }
    wide = std::max(wide, stage.n_out);
    total += 5 * padded<T>(most_rows_ * stage.n_out);
    workspace = std::max({workspace, workspace_size<T>(stage.n_out, stage.n_in, workspace_.threads),
                          workspace_size<T>(stage.n_in, stage.n_out, workspace_.threads),
                          workspace_size<T>(stage.n_out, most_rows_, workspace_.threads)});
  }
  const auto hessian =
      objective.from_logits() ? objective.loss().logits_hessian : objective.loss().outputs_hessian;
  if (hessian == nullptr) {
    throw InvalidArgument(
        "optimizer", "newton_cg with " + std::string(objective.loss().name),
        "a loss with second derivatives: from logits, or with the activation that goes with "
        "it, where it has logits");
  }
  arena_ = Arena<T>(total + 5 * padded<T>(most_rows_ * wide) + padded<T>(workspace));
  for (const Stage<T>& stage : stages) {
    for (std::vector<T*>* list : {&a_, &ra_, &slope_, &curvature_, &rz_}) {
      list->push_back(arena_.take(most_rows_ * stage.n_out));
    }
  }
  for (T** piece : {&d_, &rd_, &d_below_, &rd_below_, &spare_})
    *piece = arena_.take(most_rows_ * wide);
  workspace_.memory = arena_.take(workspace);
}

template <class T>
void HessianProduct<T>::operator()(const T* direction, T* result, const Poll& poll) {
  std::fill_n(result, network_.size(), T{0});
  for_blocks(n_samples_, most_rows_, poll, [&](Index first, Index rows) {
    add_block(reader_.read(nullptr, first, rows), direction, result);
    reader_.release(first, rows);
  });
  for (const Tensor& tensor : network_.tensors()) {  // penalty l2 w^2
    kernels<T>().axpy(static_cast<T>(2 * objective_.of_batch(tensor.penalty).l2),
                      direction + tensor.offset, result + tensor.offset, tensor.size());
  }
}

template <class T>
void HessianProduct<T>::forward(const Block<T>& block, const T* direction) {
  const auto& stages = network_.stages();
  const Index rows = block.x.rows();
  InputRows<T> input = block.x;
  const T* input_tangent = nullptr;  // of the inputs: zero
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const Stage<T>& stage = stages[s];
    const Index n = rows * stage.n_out;
    const MatrixView<T> a = row_major(a_[s], rows, stage.n_out);
    const MatrixView<T> rz = row_major(rz_[s], rows, stage.n_out);
    if (stage.kind == LayerSpec::Kind::dense) {
      const T* bias = stage.bias < 0 ? nullptr : network_.parameters() + stage.bias;
      const T* v_bias = stage.bias < 0 ? nullptr : direction + stage.bias;
      const auto w = row_major(network_.parameters() + stage.kernel, stage.n_in, stage.n_out);
      input_product(input, w, bias, a, workspace_);
      input_product(input, row_major(direction + stage.kernel, stage.n_in, stage.n_out), v_bias, rz,
                    workspace_);
      if (input_tangent != nullptr) {
        product<T>(row_major(input_tangent, rows, stage.n_in), w, rz.data, stage.n_out, rz,
                   workspace_);
      }
    } else {
      copy_rows(input.dense, a.data);
      if (input_tangent == nullptr) std::fill_n(rz.data, n, T{0});
      if (input_tangent != nullptr) std::copy_n(input_tangent, n, rz.data);
    }
    const bool linked = s + 1 == stages.size() && objective_.fused();
    if (stage.kind == LayerSpec::Kind::rescaling) {
      for (Index i = 0; i < n; ++i) a.data[i] = a.data[i] * stage.scale + stage.offset;
      std::fill_n(slope_[s], n, stage.scale);
      std::fill_n(curvature_[s], n, T{0});
    } else if (!linked) {
      const ActivationKernels<T>& g = *stage.activation.kernels;
      if (g.stores_slope) std::copy_n(a.data, n, spare_);
      apply_activation(stage.activation, a.data, a.data, rows, stage.n_out);
      g.curvature(g.stores_slope ? spare_ : a.data, slope_[s], curvature_[s], n,
                  stage.activation.parameters);
    } else {  // the loss takes the logits
      std::fill_n(slope_[s], n, T{1});
      std::fill_n(curvature_[s], n, T{0});
    }
    std::copy_n(rz.data, n, ra_[s]);
    kernels<T>().multiply(slope_[s], ra_[s], n);
    input = row_major<const T>(a.data, rows, stage.n_out);
    input_tangent = ra_[s];
  }
}

// d = gradient of the loss in the outputs, rd = its tangent.
template <class T>
void HessianProduct<T>::output_tangents(const Block<T>& block) {
  const LossKernels<T>& loss = objective_.loss();
  LossArgs<T> args = objective_.loss_args(block, a_.back(), n_samples_, d_);
  (objective_.from_logits() ? loss.from_logits : loss.from_outputs)(args);
  args.gradient = rd_;
  args.tangent = ra_.back();
  (objective_.from_logits() ? loss.logits_hessian : loss.outputs_hessian)(args);
}

// From d, rd at the stage's outputs: adds the parameters' products, leaves d, rd at its inputs.
template <class T>
void HessianProduct<T>::backward_stage(std::size_t s, const InputRows<T>& input,
                                       const MatrixView<const T>* input_tangent, const T* direction,
                                       T* result) {
  const KernelTable<T>& k = kernels<T>();
  const Stage<T>& stage = network_.stages()[s];
  const Index rows = input.rows(), n = rows * stage.n_out;
  k.multiply(slope_[s], rd_, n);  // R{dz} = R{da} g' + da g'' R{z}
  std::copy_n(d_, n, spare_);
  k.multiply(curvature_[s], spare_, n);
  k.multiply_add(spare_, rz_[s], rd_, n);
  k.multiply(slope_[s], d_, n);
  if (stage.kind != LayerSpec::Kind::dense) return;

  const auto dz = row_major<const T>(d_, rows, stage.n_out);
  const auto rdz = row_major<const T>(rd_, rows, stage.n_out);
  T* rdw = result + stage.kernel;
  const auto rdw_view = row_major(rdw, stage.n_in, stage.n_out);
  add_input_gradient(input, rdz, rdw_view, workspace_);
  if (input_tangent != nullptr) {
    product<T>(input_tangent->transposed(), dz, rdw, stage.n_out, rdw_view, workspace_);
  }
  if (stage.bias >= 0) k.add_column_sums(rd_, rows, stage.n_out, result + stage.bias);
  if (stage.kernel == 0) return;  // no parameters below
  const auto w = row_major(network_.parameters() + stage.kernel, stage.n_in, stage.n_out);
  const auto v = row_major(direction + stage.kernel, stage.n_in, stage.n_out);
  const auto below = row_major(d_below_, rows, stage.n_in);
  const auto tangent_below = row_major(rd_below_, rows, stage.n_in);
  product<T>(dz, MatrixView<const T>(w).transposed(), nullptr, 0, below, workspace_);
  product<T>(rdz, MatrixView<const T>(w).transposed(), nullptr, 0, tangent_below, workspace_);
  product<T>(dz, v.transposed(), rd_below_, stage.n_in, tangent_below, workspace_);
  std::swap(d_, d_below_);
  std::swap(rd_, rd_below_);
}

template <class T>
void HessianProduct<T>::add_block(const Block<T>& block, const T* direction, T* result) {
  forward(block, direction);
  output_tangents(block);
  const auto& stages = network_.stages();
  for (std::size_t s = stages.size(); s-- > 0;) {
    if (s == 0) {
      backward_stage(s, block.x, nullptr, direction, result);
    } else {
      const InputRows<T> input = row_major<const T>(a_[s - 1], block.x.rows(), stages[s].n_in);
      const auto tangent = row_major<const T>(ra_[s - 1], block.x.rows(), stages[s].n_in);
      backward_stage(s, input, &tangent, direction, result);
    }
    if (stages[s].kind == LayerSpec::Kind::dense && stages[s].kernel == 0) return;
  }
}

template class HessianProduct<float>;
template class HessianProduct<double>;

}  // namespace shallowcore
