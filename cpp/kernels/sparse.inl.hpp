// Products with a left factor that holds many zeros: c = init + a b over panels of b, as a dense product
// does, but only where a is not zero.
//
// Where it is not is marked in words of 64 bits, one for 64 columns of a row.  What is left out would
// have added a zero: every element of c is the same chain of multiply-adds in the order of k, and has the
// bits of the dense product.  One element of a meets a row of several panels at once, to pay for the
// search and to keep as many sums as the multipliers need; k is cut into blocks whose rows of b stay in
// the L1 cache, with partial sums going through c.
#pragma once

#include "kernels/gemm.inl.hpp"
#include "kernels/simd.hpp"
#include "kernels/table.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

inline constexpr ptrdiff_t kWordBits = 64;
// Measured: 1 to 4 words are alike, all of k at once is not; panels one by one take almost twice as long.
inline constexpr ptrdiff_t kWordsOfBlock = 2;
inline constexpr int kSparsePanels = 4;

template <class T>
void mark_nonzeros(const T* a, ptrdiff_t a_row, ptrdiff_t m, ptrdiff_t k, uint64_t* words,
                   ptrdiff_t words_row) {
  constexpr ptrdiff_t width = kWidth<T>;
  for (ptrdiff_t i = 0; i < m; ++i, a += a_row, words += words_row) {
    for (ptrdiff_t p = 0; p < k; p += kWordBits) {
      const ptrdiff_t n = least(kWordBits, k - p);
      uint64_t word = 0;
      for (ptrdiff_t j = 0; j < n; j += width) {
        const Vec<T> v = load_partial<T>(a + p + j, least(width, n - j));
        word |= lane_bits<T>(v != Vec<T>{}) << j;
      }
      words[p / kWordBits] = word;
    }
  }
}

// `n_words` words of k from `word` on, PANELS panels from `panel` on.
template <class T, int PANELS>
SHALLOWCORE_NOINLINE void sparse_block(const SparseArgs<T>& args, ptrdiff_t panel, ptrdiff_t word,
                                       ptrdiff_t n_words) {
  constexpr ptrdiff_t width = kWidth<T>;
  const ptrdiff_t b_panel = args.b_panel, c_panel = args.c_panel;
  const T* a = args.a + word * kWordBits;
  const T* b = args.b + panel * b_panel + word * kWordBits * kPanel<T>;
  const T* init = args.init == nullptr ? nullptr : args.init + panel * kPanel<T>;
  const uint64_t* words = args.words + word;
  T* c = args.c + panel * c_panel;
  for (ptrdiff_t i = 0; i < args.m; ++i) {
    Vec<T> sums[PANELS][2] = {};
    const T* from = word == 0 ? init : c;
    const ptrdiff_t from_panel = word == 0 ? kPanel<T> : c_panel;
#pragma GCC unroll 8
    for (int j = 0; j < 2 * PANELS && from != nullptr; ++j) {
      sums[j / 2][j % 2] = load<T>(from + j / 2 * from_panel + j % 2 * width);
    }
    for (ptrdiff_t q = 0; q < n_words; ++q) {
      for (uint64_t left = words[q]; left != 0; left &= left - 1) {
        const ptrdiff_t p = q * kWordBits + __builtin_ctzll(left);
        const Vec<T> factor = broadcast<T>(a[p]);
        const T* row = b + p * kPanel<T>;
#pragma GCC unroll 8
        for (int j = 0; j < 2 * PANELS; ++j) {
          Vec<T>& sum = sums[j / 2][j % 2];
          sum = fma<T>(factor, load<T>(row + j / 2 * b_panel + j % 2 * width), sum);
        }
      }
    }
#pragma GCC unroll 8
    for (int j = 0; j < 2 * PANELS; ++j) {
      store<T>(c + j / 2 * c_panel + j % 2 * width, sums[j / 2][j % 2]);
    }
    a += args.a_row;
    c += kPanel<T>;
    words += args.words_row;
  }
}

template <class T>
void sparse_product(const SparseArgs<T>& args) {
  const ptrdiff_t n_words = (args.k + kWordBits - 1) / kWordBits;
  for (ptrdiff_t j = 0, panels = 0; j < args.panels; j += panels) {
    const ptrdiff_t left = args.panels - j;
    panels = left >= kSparsePanels ? kSparsePanels : left >= 2 ? 2 : 1;
    const auto block = panels == kSparsePanels ? sparse_block<T, kSparsePanels>
                       : panels == 2           ? sparse_block<T, 2>
                                               : sparse_block<T, 1>;
    for (ptrdiff_t word = 0; word < n_words; word += kWordsOfBlock) {
      block(args, j, word, least(kWordsOfBlock, n_words - word));
    }
  }
}

}  // namespace shallowcore::SHALLOWCORE_ISA
