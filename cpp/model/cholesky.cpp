#include "model/cholesky.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/table.hpp"

namespace shallowcore {
namespace {

constexpr Index kStripe = 96;  // columns: what lies above the diagonal is computed for nothing
constexpr Index kBlock = 32;   // on the diagonal, one element after another

}  // namespace

template <class T>
SymmetricSum<T>::SymmetricSum(Index n, Index most_depth) {
  workspace_.threads = workspace_threads();
  const Index memory = workspace_size<T>(std::min(n, kStripe), most_depth, workspace_.threads);
  arena_ = Arena<T>(memory, Fill::none);
  workspace_.memory = arena_.data();
}

template <class T>
void SymmetricSum<T>::add(const MatrixView<const T>& a, const MatrixView<const T>& b, T* c,
                          Index c_row, const std::function<void()>& poll) {
  const Index n = a.rows;
  for (Index first = 0; first < n; first += kStripe) {
    const Index width = std::min(kStripe, n - first);
    T* corner = c + first * c_row + first;
    product<T>(a.row_block(first, n - first), b.row_block(first, width).transposed(), corner, c_row,
               MatrixView<T>{corner, n - first, width, c_row, 1}, workspace_);
    if (poll) poll();
  }
}

template <class T>
Cholesky<T>::Cholesky(Index n) : n_(n), sum_(n, kBlock) {
  workspace_.threads = workspace_threads();
  const Index memory = workspace_size<T>(kBlock, kBlock, workspace_.threads);
  arena_ = Arena<T>(padded<T>(kBlock * kBlock) + 2 * padded<T>(n * kBlock) + padded<T>(memory),
                    Fill::none);
  inverse_ = arena_.take(kBlock * kBlock);
  panel_ = arena_.take(n * kBlock);
  negative_ = arena_.take(n * kBlock);
  workspace_.memory = arena_.take(memory);
}

template <class T>
double Cholesky<T>::flops() const {
  const double n = static_cast<double>(n_);
  return n * n * n / 3;
}

// L of a block on the diagonal in place, and its inverse.
template <class T>
bool Cholesky<T>::factor_block(T* a, Index first, Index width) {
  double l[kBlock][kBlock], inverse[kBlock][kBlock] = {};
  for (Index i = 0; i < width; ++i) {
    T* row = a + (first + i) * n_ + first;
    for (Index j = 0; j <= i; ++j) {
      double sum = static_cast<double>(row[j]);
      for (Index k = 0; k < j; ++k) sum -= l[i][k] * l[j][k];
      if (i == j && !(sum > 0 && std::isfinite(sum))) return false;
      l[i][j] = i == j ? std::sqrt(sum) : sum / l[j][j];
      row[j] = static_cast<T>(l[i][j]);
    }
    for (Index j = 0; j <= i; ++j) {
      double sum = i == j ? 1 : 0;
      for (Index k = j; k < i; ++k) sum -= l[i][k] * inverse[k][j];
      inverse[i][j] = sum / l[i][i];
    }
  }
  for (Index i = 0; i < width; ++i) {
    for (Index j = 0; j < width; ++j) inverse_[i * width + j] = static_cast<T>(inverse[i][j]);
  }
  return true;
}

template <class T>
bool Cholesky<T>::factor(T* a, const std::function<void()>& poll) {
  for (Index first = 0; first < n_; first += kBlock) {
    const Index width = std::min(kBlock, n_ - first), below = first + width, rows = n_ - below;
    if (!factor_block(a, first, width)) return false;
    if (rows == 0) break;
    T* under = a + below * n_ + first;
    const auto inverse = row_major<const T>(inverse_, width, width).transposed();
    product<T>(MatrixView<const T>{under, rows, width, n_, 1}, inverse, nullptr, 0,
               row_major(panel_, rows, width), workspace_);
    for (Index i = 0; i < rows; ++i) std::copy_n(panel_ + i * width, width, under + i * n_);
    for (Index i = 0; i < rows * width; ++i) negative_[i] = -panel_[i];
    sum_.add(row_major<const T>(negative_, rows, width), row_major<const T>(panel_, rows, width),
             a + below * n_ + below, n_, poll);
  }
  return true;
}

template <class T>
void Cholesky<T>::solve(const T* factor, T* x) const {
  const KernelTable<T>& k = kernels<T>();
  for (Index i = 0; i < n_; ++i) {
    const T* row = factor + i * n_;
    x[i] = static_cast<T>((static_cast<double>(x[i]) - k.dot(row, x, i)) /
                          static_cast<double>(row[i]));
  }
  for (Index i = n_; i-- > 0;) {
    const T* row = factor + i * n_;
    x[i] /= row[i];
    k.axpy(-x[i], row, x, i);
  }
}

template class SymmetricSum<float>;
template class SymmetricSum<double>;
template class Cholesky<float>;
template class Cholesky<double>;

}  // namespace shallowcore
