#include "model/gauss_newton.hpp"

#include <algorithm>

namespace shallowcore {
namespace {

constexpr double kMostBytes = 4e6;  // of a block's J
constexpr Index kFewestRows = 64;   // of J: fewer make poor products

// `depth`: rows of J for a sample.
template <class T>
Index rows_of_blocks(const Network<T>& network, Index n_samples, Index depth) {
  const Index size = std::max<Index>(1, GaussNewton<T>::size_of(network));
  const double row = static_cast<double>(size) * sizeof(T);
  const Index rows = std::max(kFewestRows, static_cast<Index>(kMostBytes / row));
  return std::clamp<Index>(rows / depth, 1, n_samples);
}

template <class T>
Index widest(const Network<T>& network) {
  Index most = 0;
  for (const Stage<T>& stage : network.stages()) most = std::max(most, stage.n_out);
  return most;
}

}  // namespace

template <class T>
Index GaussNewton<T>::size_of(const Network<T>& network) {
  Index total = 0;
  for (const Tensor& tensor : network.tensors()) total += tensor.size();
  return total;
}

template <class T>
bool GaussNewton<T>::is_linear(const Problem<T>& problem) {
  const auto& stages = problem.network.stages();
  return stages.size() == 1 && stages[0].kind == LayerSpec::Kind::dense &&
         (problem.objective.fused() || stages[0].activation.is("identity"));
}

template <class T>
GaussNewton<T>::GaussNewton(const Problem<T>& problem)
    : problem_(problem),
      network_(problem.network),
      linear_(is_linear(problem)),
      size_(size_of(problem.network)),
      n_outputs_(problem.network.n_outputs()),
      n_samples_(problem.data.rows()),
      most_rows_(rows_of_blocks(problem.network, problem.data.rows(), linear_ ? 1 : n_outputs_)),
      width_(size_ / n_outputs_),
      pass_(problem.network, most_rows_, Use::train),
      reader_(problem.data, problem.network, most_rows_, false),
      sum_(linear_ ? 1 : size_, most_rows_ * n_outputs_) {
  Index column = 0;
  for (const Stage<T>& stage : network_.stages()) {
    columns_.push_back(column);
    if (stage.kind != LayerSpec::Kind::dense) continue;
    column += (stage.n_in + (stage.bias < 0 ? 0 : 1)) * stage.n_out;
  }
  const Index outputs = most_rows_ * n_outputs_, wide = most_rows_ * widest(network_);
  const Index block = outputs * size_, weighted = linear_ ? most_rows_ * size_ : block;
  const Index jacobian = linear_ ? 0 : block, inputs = linear_ ? most_rows_ * width_ : 0;
  const Index sums = linear_ ? n_sums() : 0;
  workspace_.threads = workspace_threads();
  const Index memory = linear_ ? workspace_size<T>(size_, most_rows_, workspace_.threads) : 0;
  arena_ = Arena<T>(padded<T>(jacobian) + padded<T>(weighted) + padded<T>(inputs) +
                    padded<T>(sums) + padded<T>(memory) + padded<T>(outputs * n_outputs_) +
                    padded<T>(outputs) + 2 * padded<T>(wide));
  jacobian_ = arena_.take(jacobian);
  weighted_ = arena_.take(weighted);
  inputs_ = arena_.take(inputs);
  sums_ = arena_.take(sums);
  workspace_.memory = arena_.take(memory);
  hessian_ = arena_.take(outputs * n_outputs_);
  tangent_ = arena_.take(outputs);
  for (T** piece : {&d_, &d_below_}) *piece = arena_.take(wide);
}

template <class T>
double GaussNewton<T>::flops() const {
  const double n = static_cast<double>(size_), samples = static_cast<double>(n_samples_);
  if (linear_) return samples * n * static_cast<double>(size_ + width_);
  return samples * static_cast<double>(n_outputs_) * n * n;
}

template <class T>
void GaussNewton<T>::pack(const T* parameters, T* packed) const {
  for (const Tensor& tensor : network_.tensors()) {
    packed = std::copy_n(parameters + tensor.offset, tensor.size(), packed);
  }
}

template <class T>
void GaussNewton<T>::unpack(const T* packed, T* parameters) const {
  for (const Tensor& tensor : network_.tensors()) {
    std::copy_n(packed, tensor.size(), parameters + tensor.offset);
    packed += tensor.size();
  }
}

template <class T>
void GaussNewton<T>::operator()(T* matrix, const Poll& poll) {
  std::fill_n(matrix, size_ * size_, T{0});
  if (linear_) std::fill_n(sums_, n_sums(), T{0});
  for_blocks(n_samples_, most_rows_, {}, [&](Index first, Index rows) {
    const Block<T> block = reader_.read(nullptr, first, rows);  // what follows polls
    linear_ ? add_linear_block(block, poll) : add_block(block, matrix, poll);
    reader_.release(first, rows);
  });
  if (linear_) put_linear_sums(matrix);
  T* diagonal = matrix;
  for (const Tensor& tensor : network_.tensors()) {  // penalty l2 w^2
    const T curvature = static_cast<T>(2 * problem_.objective.of_batch(tensor.penalty).l2);
    for (Index i = 0; i < tensor.size(); ++i, diagonal += size_ + 1) *diagonal += curvature;
  }
}

template <class T>
void GaussNewton<T>::add_block(const Block<T>& block, T* matrix, const Poll& poll) {
  const Index rows = block.x.rows() * n_outputs_;
  output_hessian(block, pass_.forward(block.x, problem_.objective.fused()));
  for (Index output = 0; output < n_outputs_; ++output) fill_rows(block, output);
  const auto weighted = row_major<const T>(weighted_rows(block.x.rows()), rows, size_);
  const auto jacobian = row_major<const T>(jacobian_, rows, size_);
  sum_.add(jacobian.transposed(), weighted.transposed(), matrix, size_, poll);
}

// hessian[k] (rows, n_outputs) = column k of every sample's H.
template <class T>
void GaussNewton<T>::output_hessian(const Block<T>& block, T* prediction) {
  const Objective<T>& objective = problem_.objective;
  const LossKernels<T>& loss = objective.loss();
  const Index rows = block.x.rows(), n = rows * n_outputs_;
  for (Index k = 0; k < n_outputs_; ++k) {
    for (Index i = 0; i < n; ++i) tangent_[i] = i % n_outputs_ == k ? T{1} : T{0};
    LossArgs<T> args = objective.loss_args(block, prediction, n_samples_, hessian_ + k * n);
    args.tangent = tangent_;
    (objective.from_logits() ? loss.logits_hessian : loss.outputs_hessian)(args);
  }
}

// Back-propagates one output of every sample: its rows of J.
template <class T>
void GaussNewton<T>::fill_rows(const Block<T>& block, Index output) {
  const auto& stages = network_.stages();
  const Index rows = block.x.rows();
  for (Index i = 0; i < rows * n_outputs_; ++i) d_[i] = i % n_outputs_ == output ? T{1} : T{0};
  for (std::size_t s = stages.size(); s-- > 0;) {
    const Stage<T>& stage = stages[s];
    const bool linked = s + 1 == stages.size() && problem_.objective.fused();
    if (stage.kind == LayerSpec::Kind::rescaling) {
      for (Index i = 0; i < rows * stage.n_out; ++i) d_[i] *= stage.scale;
      continue;
    }
    if (!linked) pass_.multiply_by_slope(s, d_);
    if (stage.kind != LayerSpec::Kind::dense) continue;
    write_rows(s, s == 0 ? block.x : InputRows<T>(pass_.output(s - 1)), output);
    if (columns_[s] == 0) return;  // no parameters below
    const auto w = row_major(network_.parameters() + stage.kernel, stage.n_in, stage.n_out);
    product<T>(row_major<const T>(d_, rows, stage.n_out), MatrixView<const T>(w).transposed(),
               nullptr, 0, row_major(d_below_, rows, stage.n_in), pass_.workspace());
    std::swap(d_, d_below_);
  }
}

namespace {

// out (cols of x, n) = row i of x times d (n,).
template <class T>
void write_row(const InputRows<T>& x, Index i, const T* d, Index n, T* out) {
  if (x.is_compressed()) {
    std::fill_n(out, x.cols() * n, T{0});
    const CsrRows<T>& a = x.compressed;
    const Index row = source_row(a, i);
    for (std::int64_t p = a.starts[row]; p < a.starts[row + 1]; ++p) {
      kernels<T>().axpy(a.values[p], d, out + a.columns[p] * n, n);
    }
    return;
  }
  for (Index p = 0; p < x.cols(); ++p, out += n) {
    const T value = x.dense.data[i * x.dense.row_stride + p * x.dense.col_stride];
    for (Index j = 0; j < n; ++j) out[j] = value * d[j];
  }
}

}  // namespace

// Derivatives in a dense stage's kernel, input times d, and in its bias, d.
template <class T>
void GaussNewton<T>::write_rows(std::size_t s, const InputRows<T>& input, Index output) {
  const Stage<T>& stage = network_.stages()[s];
  const Index kernel_size = stage.n_in * stage.n_out;
  over_rows(input.rows(), static_cast<double>(input.rows() * kernel_size),
            [&](Index first, Index count) {
              for (Index i = first; i < first + count; ++i) {
                const T* d = d_ + i * stage.n_out;
                T* out = jacobian_ + (i * n_outputs_ + output) * size_ + columns_[s];
                write_row(input, i, d, stage.n_out, out);
                if (stage.bias >= 0) std::copy_n(d, stage.n_out, out + kernel_size);
              }
            });
}

// H J of every sample.
template <class T>
const T* GaussNewton<T>::weighted_rows(Index rows) {
  const KernelTable<T>& table = kernels<T>();
  const double work = static_cast<double>(rows * n_outputs_ * n_outputs_ * size_);
  over_rows(rows, work, [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) {
      for (Index j = 0; j < n_outputs_; ++j) {
        T* out = weighted_ + (i * n_outputs_ + j) * size_;
        std::fill_n(out, size_, T{0});
        for (Index k = 0; k < n_outputs_; ++k) {
          const T h = hessian_[(k * rows + i) * n_outputs_ + j];
          if (h != 0) table.axpy(h, jacobian_ + (i * n_outputs_ + k) * size_, out, size_);
        }
      }
    }
  });
  return weighted_;
}

template <class T>
void GaussNewton<T>::add_linear_block(const Block<T>& block, const Poll& poll) {
  const Index rows = block.x.rows(), n_in = network_.n_features();
  output_hessian(block, pass_.forward(block.x, problem_.objective.fused()));
  const T one = 1;
  for (Index i = 0; i < rows; ++i) {
    write_row(block.x, i, &one, 1, inputs_ + i * width_);
    if (width_ > n_in) inputs_[i * width_ + n_in] = one;
  }
  const auto inputs = row_major<const T>(inputs_, rows, width_);
  T* sums = sums_;
  for (Index a = 0; a < n_outputs_; ++a) {
    const Index cols = (a + 1) * width_;
    weigh_inputs(rows, a);
    product<T>(inputs.transposed(), row_major<const T>(weighted_, rows, cols), sums, cols,
               row_major(sums, width_, cols), workspace_);
    sums += width_ * cols;
    if (poll) poll();
  }
}

// weighted (rows, (a + 1) width) = the inputs times H_ab, side by side for b <= a.
template <class T>
void GaussNewton<T>::weigh_inputs(Index rows, Index a) {
  const Index cols = (a + 1) * width_;
  over_rows(rows, static_cast<double>(rows * cols), [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) {
      for (Index b = 0; b <= a; ++b) {
        const T h = hessian_[(a * rows + i) * n_outputs_ + b];
        const T* x = inputs_ + i * width_;
        T* out = weighted_ + i * cols + b * width_;
        for (Index p = 0; p < width_; ++p) out[p] = h * x[p];
      }
    }
  });
}

// Parameter p of output k, its bias last, stands at p n_outputs + k.
template <class T>
void GaussNewton<T>::put_linear_sums(T* matrix) const {
  const T* sums = sums_;
  for (Index a = 0; a < n_outputs_; ++a) {
    for (Index p = 0; p < width_; ++p) {
      const Index i = p * n_outputs_ + a;
      for (Index b = 0; b <= a; ++b) {
        for (Index q = 0; q < width_; ++q) {
          const Index j = q * n_outputs_ + b;
          matrix[std::max(i, j) * size_ + std::min(i, j)] = *sums++;
        }
      }
    }
  }
}

template class GaussNewton<float>;
template class GaussNewton<double>;

}  // namespace shallowcore
