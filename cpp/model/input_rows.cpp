#include "model/input_rows.hpp"

#include <algorithm>

namespace shallowcore {
namespace {

// Numbers in these rows.
template <class T>
Index stored(const CsrRows<T>& a) {
  if (a.rows == nullptr) return a.starts[a.first + a.count] - a.starts[a.first];
  Index total = 0;
  for (Index i = 0; i < a.count; ++i) {
    const Index row = source_row(a, i);
    total += a.starts[row + 1] - a.starts[row];
  }
  return total;
}

// A number meets memory that is in no cache: it costs more time than the operations say.
template <class T>
double flops_of(const CsrRows<T>& a, Index n) {
  return 4.0 * static_cast<double>(stored(a)) * static_cast<double>(n);
}

}  // namespace

template <class T>
void input_product(const InputRows<T>& x, const MatrixView<const T>& w, const T* bias,
                   const MatrixView<T>& c, const Workspace<T>& workspace) {
  if (!x.is_compressed()) return product<T>(x.dense, w, bias, 0, c, workspace);
  over_rows(x.rows(), flops_of(x.compressed, w.cols), [&](Index first, Index count) {
    CsrRows<T> part = x.compressed;
    part.first += first;
    part.count = count;
    kernels<T>().csr_product(
        {part, w.cols, w.data, w.row_stride, bias, c.data + first * c.row_stride, c.row_stride});
  });
}

template <class T>
void add_input_gradient(const InputRows<T>& x, const MatrixView<const T>& dz,
                        const MatrixView<T>& dw, const Workspace<T>& workspace) {
  if (!x.is_compressed()) {
    return product<T>(x.dense.transposed(), dz, dw.data, dw.row_stride, dw, workspace);
  }
  // Rows share columns of the kernel's gradient: threads share its other side.
  const Index unit = kernels<T>().vector_cols, units = (dw.cols + unit - 1) / unit;
  const int threads = team_size_of_call(flops_of(x.compressed, dw.cols));
  const Index parts = std::min<Index>(units, threads);
  for_chunks(parts, threads, [&](Index part, int) {
    const Index first = units * part / parts * unit;
    const Index last = std::min(units * (part + 1) / parts * unit, dw.cols);
    kernels<T>().csr_gradient({x.compressed, last - first, dz.data + first, dz.row_stride, nullptr,
                               dw.data + first, dw.row_stride});
  });
}

template void input_product(const InputRows<float>&, const MatrixView<const float>&, const float*,
                            const MatrixView<float>&, const Workspace<float>&);
template void input_product(const InputRows<double>&, const MatrixView<const double>&,
                            const double*, const MatrixView<double>&, const Workspace<double>&);
template void add_input_gradient(const InputRows<float>&, const MatrixView<const float>&,
                                 const MatrixView<float>&, const Workspace<float>&);
template void add_input_gradient(const InputRows<double>&, const MatrixView<const double>&,
                                 const MatrixView<double>&, const Workspace<double>&);

}  // namespace shallowcore
