// Optional BLAS for large products.  blas.cpp is the only file that sees a cblas.h.
#pragma once

#include "core/view.hpp"

namespace shallowcore {

// Name of the BLAS compiled in, "none" without one.
const char* blas_name();

// Whether blas_product can take this product at all (a BLAS is there, unit strides on one side).
bool blas_can_multiply(const MatrixView<const float>& a, const MatrixView<const float>& b);
bool blas_can_multiply(const MatrixView<const double>& a, const MatrixView<const double>& b);

// c = a b, or c += a b, on the calling thread; c is row-major with c.col_stride == 1.
void blas_product(const MatrixView<const float>& a, const MatrixView<const float>& b,
                  const MatrixView<float>& c, bool accumulate);
void blas_product(const MatrixView<const double>& a, const MatrixView<const double>& b,
                  const MatrixView<double>& c, bool accumulate);

}  // namespace shallowcore
