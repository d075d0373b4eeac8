#include "model/preconditioner.hpp"

#include <cmath>
#include <limits>

namespace shallowcore {
namespace {

constexpr Index kMostParameters = 2048;  // two matrices of 32 MiB in float64
constexpr double kLikelyProducts = 20;   // that the first system takes without

template <class T>
bool suits(const Problem<T>& problem) {
  return GaussNewton<T>::is_linear(problem) &&
         GaussNewton<T>::size_of(problem.network) <= kMostParameters;
}

}  // namespace

template <class T>
Preconditioner<T>::Preconditioner(const Problem<T>& problem) {
  if (!suits(problem)) return;
  gauss_newton_.emplace(problem);
  n_ = gauss_newton_->size();
  cholesky_.emplace(n_);
  product_flops_ = 8 * static_cast<double>(problem.data.rows()) * static_cast<double>(n_);
  spent_ = kLikelyProducts * product_flops_;
}

template <class T>
void Preconditioner<T>::took(Index products, bool solved) {
  spent_ = solved ? static_cast<double>(products) * product_flops_
                  : std::numeric_limits<double>::infinity();
}

template <class T>
void Preconditioner<T>::prepare(const Poll& poll) {
  if (!gauss_newton_ || spent_ < gauss_newton_->flops() + cholesky_->flops()) return;
  if (matrix_ == nullptr) {
    arena_ = Arena<T>(2 * padded<T>(n_ * n_) + 2 * padded<T>(n_));
    for (T** piece : {&matrix_, &factor_}) *piece = arena_.take(n_ * n_);
    for (T** piece : {&scale_, &packed_}) *piece = arena_.take(n_);
  }
  (*gauss_newton_)(matrix_, poll);
  for (Index i = 0; i < n_; ++i) {
    const T diagonal = matrix_[i * n_ + i];
    scale_[i] = diagonal > 0 ? 1 / std::sqrt(diagonal) : T{1};
  }
  // Directions that the loss does not depend on have no curvature but what rounding makes of it, of either
  // sign, which the factor would turn into long steps.  Directions with less than the shift are left to
  // the conjugate gradients.
  T shift = T{10} * std::sqrt(std::numeric_limits<T>::epsilon());
  ready_ = false;
  for (int tries = 0; tries < 4 && !ready_; ++tries, shift *= 100) ready_ = factor(shift, poll);
}

// The factor of the matrix with ones (and the shift) on its diagonal.
template <class T>
bool Preconditioner<T>::factor(T shift, const Poll& poll) {
  for (Index i = 0; i < n_; ++i) {
    for (Index j = 0; j <= i; ++j) {
      factor_[i * n_ + j] = matrix_[i * n_ + j] * scale_[i] * scale_[j];
    }
    factor_[i * n_ + i] = 1 + shift;
  }
  return cholesky_->factor(factor_, poll);
}

template <class T>
void Preconditioner<T>::operator()(const T* r, T* z) {
  gauss_newton_->pack(r, packed_);
  for (Index i = 0; i < n_; ++i) packed_[i] *= scale_[i];
  cholesky_->solve(factor_, packed_);
  for (Index i = 0; i < n_; ++i) packed_[i] *= scale_[i];
  gauss_newton_->unpack(packed_, z);
}

template class Preconditioner<float>;
template class Preconditioner<double>;

}  // namespace shallowcore
