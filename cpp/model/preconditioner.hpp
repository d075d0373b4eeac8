// For conjugate gradients on a network of one dense layer: its Hessian, factored now and then.
#pragma once

#include <optional>

#include "model/gauss_newton.hpp"

namespace shallowcore {

// Features of scales from 1e-3 to 1e4, far from centred, leave conjugate gradients without a hope in
// double precision.  The outputs of one layer are linear in its parameters, so the Gauss-Newton matrix is
// the Hessian, and its factor an exact inverse while the parameters are near those it was made for.
template <class T>
class Preconditioner {
 public:
  explicit Preconditioner(const Problem<T>& problem);

  // Called before a system is solved: makes the factor where it is not there, or so old that the
  // last system took longer than a new one would.
  void prepare(const Poll& poll);
  // The last system took so many products with the Hessian; `solved` or given up.
  void took(Index products, bool solved);
  bool is_ready() const { return ready_; }
  // z = about H^-1 r, laid out like the parameters
  void operator()(const T* r, T* z);

 private:
  bool factor(T shift, const Poll& poll);

  std::optional<GaussNewton<T>> gauss_newton_;  // none where it does not suit
  Index n_ = 0;
  std::optional<Cholesky<T>> cholesky_;
  Arena<T> arena_;
  T *matrix_ = nullptr, *factor_ = nullptr, *scale_ = nullptr, *packed_ = nullptr;
  double product_flops_ = 0, spent_ = 0;
  bool ready_ = false;
};

}  // namespace shallowcore
