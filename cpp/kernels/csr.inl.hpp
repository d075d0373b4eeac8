// Products with compressed rows: c = init + a b, and c += a' b, where a has few numbers in a row.
//
// Each number of a meets a row of b (or of c), a part of some vectors at a time, which stays in registers
// while a row's numbers go by.  Every element is one chain of multiply-adds in the order in which the
// numbers are stored: any split of rows or of columns gives the same bits.
#pragma once

#include "kernels/simd.hpp"
#include "kernels/table.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

inline constexpr int kCsrVectors = 8;  // of a part: half of the registers of most instruction sets

// A part of VECTORS vectors; where PARTIAL, of one that has `lanes` lanes.
template <class T, int VECTORS, bool PARTIAL>
struct CsrPart {
  Vec<T> v[VECTORS] = {};
  ptrdiff_t lanes;

  SHALLOWCORE_INLINE explicit CsrPart(ptrdiff_t n) : lanes(n) {}
  SHALLOWCORE_INLINE static Vec<T> read(const T* p, ptrdiff_t n) {
    return PARTIAL ? load_partial<T>(p, n) : load<T>(p);
  }
  SHALLOWCORE_INLINE void load_from(const T* p) {
#pragma GCC unroll 8
    for (int j = 0; j < VECTORS; ++j) v[j] = read(p + j * kWidth<T>, lanes);
  }
  SHALLOWCORE_INLINE void store_to(T* p) const {
#pragma GCC unroll 8
    for (int j = 0; j < VECTORS; ++j) {
      if constexpr (PARTIAL) store_partial<T>(p, v[j], lanes);
      if constexpr (!PARTIAL) store<T>(p + j * kWidth<T>, v[j]);
    }
  }
  // this += factor p
  SHALLOWCORE_INLINE void add(Vec<T> factor, const T* p) {
#pragma GCC unroll 8
    for (int j = 0; j < VECTORS; ++j) {
      v[j] = fma<T>(factor, read(p + j * kWidth<T>, lanes), v[j]);
    }
  }
  // p += factor this
  SHALLOWCORE_INLINE void add_to(T* p, Vec<T> factor) const {
#pragma GCC unroll 8
    for (int j = 0; j < VECTORS; ++j) {
      T* at = p + j * kWidth<T>;
      const Vec<T> sum = fma<T>(factor, v[j], read(at, lanes));
      if constexpr (PARTIAL) store_partial<T>(at, sum, lanes);
      if constexpr (!PARTIAL) store<T>(at, sum);
    }
  }
};

// Source row of row i.
template <class T>
SHALLOWCORE_INLINE ptrdiff_t csr_row(const CsrRows<T>& a, ptrdiff_t i) {
  return a.rows == nullptr ? a.first + i : static_cast<ptrdiff_t>(a.rows[a.first + i]);
}

// Columns from `col` on.
template <class T, int VECTORS, bool PARTIAL>
SHALLOWCORE_NOINLINE void csr_product_part(const CsrArgs<T>& args, ptrdiff_t col, ptrdiff_t lanes) {
  const CsrRows<T>& a = args.a;
  for (ptrdiff_t i = 0; i < a.count; ++i) {
    CsrPart<T, VECTORS, PARTIAL> sums(lanes);
    if (args.init != nullptr) sums.load_from(args.init + col);
    const ptrdiff_t row = csr_row(a, i);
    for (int64_t p = a.starts[row]; p < a.starts[row + 1]; ++p) {
      sums.add(broadcast<T>(a.values[p]), args.b + a.columns[p] * args.b_row + col);
    }
    sums.store_to(args.c + i * args.c_row + col);
  }
}

template <class T, int VECTORS, bool PARTIAL>
SHALLOWCORE_NOINLINE void csr_gradient_part(const CsrArgs<T>& args, ptrdiff_t col,
                                            ptrdiff_t lanes) {
  const CsrRows<T>& a = args.a;
  CsrPart<T, VECTORS, PARTIAL> d(lanes);
  for (ptrdiff_t i = 0; i < a.count; ++i) {
    d.load_from(args.b + i * args.b_row + col);
    const ptrdiff_t row = csr_row(a, i);
    for (int64_t p = a.starts[row]; p < a.starts[row + 1]; ++p) {
      d.add_to(args.c + a.columns[p] * args.c_row + col, broadcast<T>(a.values[p]));
    }
  }
}

template <class T>
using CsrStep = void (*)(const CsrArgs<T>&, ptrdiff_t col, ptrdiff_t lanes);

// All columns: parts of kCsrVectors vectors, of two, of one or less.
template <class T>
SHALLOWCORE_INLINE void csr_parts(const CsrArgs<T>& args, CsrStep<T> wide, CsrStep<T> two,
                                  CsrStep<T> one) {
  constexpr ptrdiff_t width = kWidth<T>;
  ptrdiff_t col = 0;
  for (; col + kCsrVectors * width <= args.n; col += kCsrVectors * width) wide(args, col, width);
  for (; col + 2 * width <= args.n; col += 2 * width) two(args, col, width);
  for (; col < args.n; col += width) one(args, col, least(width, args.n - col));
}

template <class T>
void csr_product(const CsrArgs<T>& args) {
  csr_parts<T>(args, csr_product_part<T, kCsrVectors, false>, csr_product_part<T, 2, false>,
               csr_product_part<T, 1, true>);
}

template <class T>
void csr_gradient(const CsrArgs<T>& args) {
  csr_parts<T>(args, csr_gradient_part<T, kCsrVectors, false>, csr_gradient_part<T, 2, false>,
               csr_gradient_part<T, 1, true>);
}

}  // namespace shallowcore::SHALLOWCORE_ISA
