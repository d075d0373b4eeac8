#include "core/blas.hpp"

// The build defines SHALLOWCORE_BLAS_NAME where it found a BLAS, SHALLOWCORE_BLAS_SCIPY for the
// OpenBLAS build whose symbols carry the prefix scipy_.
#if defined(SHALLOWCORE_BLAS_ACCELERATE)
#include <Accelerate/Accelerate.h>
#elif defined(SHALLOWCORE_BLAS_NAME)
#include <cblas.h>
#endif

#include <limits>

namespace shallowcore {

#if !defined(SHALLOWCORE_BLAS_NAME)

const char* blas_name() { return "none"; }

bool blas_can_multiply(const MatrixView<const float>&, const MatrixView<const float>&) {
  return false;
}
bool blas_can_multiply(const MatrixView<const double>&, const MatrixView<const double>&) {
  return false;
}
void blas_product(const MatrixView<const float>&, const MatrixView<const float>&,
                  const MatrixView<float>&, bool) {}
void blas_product(const MatrixView<const double>&, const MatrixView<const double>&,
                  const MatrixView<double>&, bool) {}

#else

namespace {

#if defined(SHALLOWCORE_BLAS_SCIPY)
constexpr auto sgemm = scipy_cblas_sgemm;
constexpr auto dgemm = scipy_cblas_dgemm;
// The core's own team calls from its threads, and a threaded BLAS inside them would fight it.  A user
// may raise the count behind our back, so it is set again on entry.
void keep_single_threaded() { scipy_openblas_set_num_threads(1); }
#else
constexpr auto sgemm = cblas_sgemm;
constexpr auto dgemm = cblas_dgemm;
void keep_single_threaded() {}
#endif

template <class T>
bool has_unit_stride(const MatrixView<const T>& m) {
  constexpr Index most = std::numeric_limits<int>::max();
  const bool by_rows = m.col_stride == 1 && m.row_stride >= m.cols && m.row_stride <= most;
  const bool by_cols = m.row_stride == 1 && m.col_stride >= m.rows && m.col_stride <= most;
  return (by_rows || by_cols) && m.rows <= most && m.cols <= most;
}

template <class T, class Gemm>
void multiply(Gemm gemm, const MatrixView<const T>& a, const MatrixView<const T>& b,
              const MatrixView<T>& c, bool accumulate) {
  keep_single_threaded();
  const auto order = [](const MatrixView<const T>& m) {
    return m.col_stride == 1 ? CblasNoTrans : CblasTrans;
  };
  const auto leading = [](const MatrixView<const T>& m) {
    return static_cast<int>(m.col_stride == 1 ? m.row_stride : m.col_stride);
  };
  gemm(CblasRowMajor, order(a), order(b), static_cast<int>(a.rows), static_cast<int>(b.cols),
       static_cast<int>(a.cols), T{1}, a.data, leading(a), b.data, leading(b),
       accumulate ? T{1} : T{0}, c.data, static_cast<int>(c.row_stride));
}

}  // namespace

const char* blas_name() { return SHALLOWCORE_BLAS_NAME; }

bool blas_can_multiply(const MatrixView<const float>& a, const MatrixView<const float>& b) {
  return has_unit_stride(a) && has_unit_stride(b);
}
bool blas_can_multiply(const MatrixView<const double>& a, const MatrixView<const double>& b) {
  return has_unit_stride(a) && has_unit_stride(b);
}
void blas_product(const MatrixView<const float>& a, const MatrixView<const float>& b,
                  const MatrixView<float>& c, bool accumulate) {
  multiply<float>(sgemm, a, b, c, accumulate);
}
void blas_product(const MatrixView<const double>& a, const MatrixView<const double>& b,
                  const MatrixView<double>& c, bool accumulate) {
  multiply<double>(dgemm, a, b, c, accumulate);
}

#endif

}  // namespace shallowcore
