// Dense products: c = init + a b, on one thread.
//
// Register tiles of kTileRows x 2 vectors run over panels of b that are two vectors wide; a is read
// where it lies, or packed when it is large.  k is cut into blocks whose partial sums go through c,
// which leaves every element one chain of multiply-adds in the order of k: tiling never shows in the
// bits.  Panels: columns [j, j + panel) of b stand at packed + k * j, row p of a panel at p * width,
// width = 2 vectors, or 1 where no more than one vector of columns is left; missing columns are zeros.
#pragma once

#include "kernels/dots.inl.hpp"
#include "kernels/simd.hpp"
#include "kernels/table.hpp"
#include "kernels/transpose.inl.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

inline constexpr int kTileRows = kVectorRegisters > 16 ? 12 : 6;
inline constexpr int kThinRows = 12;  // of tiles that are one vector wide: as many accumulators
inline constexpr ptrdiff_t kBlockDepth = 256;            // k of one pass over c
inline constexpr ptrdiff_t kBlockRows = 12 * kTileRows;  // rows of a that stay in the L2 cache
inline constexpr ptrdiff_t kPassRows = 2 * kBlockRows;   // rows of one pass over all of b
inline constexpr ptrdiff_t kPackRowsFrom = 32768;        // elements of a from which it is packed
inline constexpr ptrdiff_t kWriteDepth = 32;             // k of products that mostly write
inline constexpr ptrdiff_t kFetchAheadFrom = 1 << 17;    // elements of b: about an L2 cache

template <class T>
inline constexpr ptrdiff_t kPanel = 2 * kWidth<T>;

template <class T>
inline constexpr ptrdiff_t kGemmScratch = kBlockRows * kBlockDepth;

// Width of the panel that starts with `left` columns to go.
template <class T>
SHALLOWCORE_INLINE ptrdiff_t panel_width(ptrdiff_t left) {
  return left > kWidth<T> ? kPanel<T> : kWidth<T>;
}

template <class T>
struct TileArgs {
  ptrdiff_t k;
  const T* a;
  ptrdiff_t a_row, a_col;
  ptrdiff_t a_inner, a_panel;
  const T* b;
  ptrdiff_t b_row;
  const T* init;
  ptrdiff_t init_row;
  T* c;
  ptrdiff_t c_row;
  ptrdiff_t last;  // columns of the last vector that exist
};

// c tile (ROWS, VECTORS * width): accumulators stay in registers over the whole of k.  Not inlined:
// in a function of its own the compiler keeps them there.  AHEAD: b is large and its rows are far
// apart, which no processor foresees, so those of the next tile are fetched.
template <class T, int ROWS, int VECTORS, bool AHEAD>
SHALLOWCORE_NOINLINE void tile(const TileArgs<T>& args) {
  constexpr int width = kWidth<T>;
  Vec<T> acc[ROWS][VECTORS];
  const bool partial = args.last < width;
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; ++i) {
    const T* row = args.init + i * args.init_row;
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; ++v) {
      if (args.init == nullptr) {
        acc[i][v] = Vec<T>{};
      } else if (v == VECTORS - 1 && partial) {
        acc[i][v] = load_partial<T>(row + v * width, args.last);
      } else {
        acc[i][v] = load<T>(row + v * width);
      }
    }
  }
  const T* a = args.a;
  const T* b = args.b;
  const ptrdiff_t a_row = args.a_row, a_col = args.a_col, b_row = args.b_row;
  for (ptrdiff_t left = args.k; left > 0; left -= args.a_inner, a += args.a_panel) {
    const T* x = a;
    for (ptrdiff_t p = least(left, args.a_inner); p > 0; --p, x += a_col, b += b_row) {
      Vec<T> columns[VECTORS];
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; ++v) columns[v] = load<T>(b + v * width);
      if (AHEAD) {
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) __builtin_prefetch(b + (VECTORS + v) * width);
      }
#pragma GCC unroll 16
      for (int i = 0; i < ROWS; ++i) {
        const Vec<T> factor = broadcast<T>(x[i * a_row]);
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) acc[i][v] = fma<T>(factor, columns[v], acc[i][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; ++i) {
    T* row = args.c + i * args.c_row;
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; ++v) {
      if (v == VECTORS - 1 && partial) {
        store_partial<T>(row + v * width, acc[i][v], args.last);
      } else {
        store<T>(row + v * width, acc[i][v]);
      }
    }
  }
}

template <class T>
using Tile = void (*)(const TileArgs<T>&);

template <class T, int VECTORS, bool AHEAD = false, int ROWS = VECTORS == 1 ? kThinRows : kTileRows>
SHALLOWCORE_INLINE Tile<T> tile_of(ptrdiff_t rows) {
  if constexpr (ROWS == 1) {
    return tile<T, 1, VECTORS, AHEAD>;
  } else {
    return rows == ROWS ? tile<T, ROWS, VECTORS, AHEAD>
                        : tile_of<T, VECTORS, AHEAD, ROWS - 1>(rows);
  }
}

template <class T>
ptrdiff_t packed_size(ptrdiff_t k, ptrdiff_t n) {
  return k * ((n + kWidth<T> - 1) / kWidth<T> * kWidth<T>);
}

template <class T>
void pack(const T* b, ptrdiff_t b_row, ptrdiff_t b_col, ptrdiff_t k, ptrdiff_t n, T* packed) {
  for (ptrdiff_t j = 0; j < n; j += kPanel<T>) {
    const ptrdiff_t width = panel_width<T>(n - j);
    const ptrdiff_t cols = least(width, n - j);
    T* panel = packed + k * j;
    const T* from = b + j * b_col;
    if (b_row == 1 && cols == width) {
      transpose<T>(from, b_col, cols, k, panel, width);
      continue;
    }
    if (b_col == 1) {
      const ptrdiff_t last = cols - (width - kWidth<T>);  // columns of the last vector
      for (ptrdiff_t p = 0; p < k; ++p, panel += width, from += b_row) {
        if (width == kPanel<T>) store<T>(panel, load<T>(from));
        store<T>(panel + width - kWidth<T>, load_partial<T>(from + width - kWidth<T>, last));
      }
      continue;
    }
    for (ptrdiff_t p = 0; p < k; ++p, panel += width, from += b_row) {
      for (ptrdiff_t i = 0; i < width; ++i) panel[i] = i < cols ? from[i * b_col] : T{0};
    }
  }
}

// `rows` rows of a, depth after depth: a_row is 1.
template <class T>
void pack_contiguous_rows(const T* a, ptrdiff_t a_col, ptrdiff_t rows, ptrdiff_t k, T* packed) {
  for (ptrdiff_t p = 0; p < k; ++p, a += a_col, packed += rows) {
    for (ptrdiff_t r = 0; r < rows; r += kWidth<T>) {
      const ptrdiff_t count = least(kWidth<T>, rows - r);
      store_partial<T>(packed + r, load_partial<T>(a + r, count), count);
    }
  }
}

// The same where a_col is 1: transposed in squares.
template <class T>
void pack_contiguous_depths(const T* a, ptrdiff_t a_row, ptrdiff_t rows, ptrdiff_t k, T* packed) {
  constexpr ptrdiff_t width = kWidth<T>;
  for (ptrdiff_t r = 0; r < rows; r += width, a += width * a_row) {
    const ptrdiff_t count = least(width, rows - r);
    for (ptrdiff_t p = 0; p < k; p += width) {
      const ptrdiff_t depths = least(width, k - p);
      Vec<T> v[width];
      load_transposed<T>(a + p, a_row, count, depths, v);
#pragma GCC unroll 16
      for (int i = 0; i < width; ++i) {
        if (i < depths) store_partial<T>(packed + (p + i) * rows + r, v[i], count);
      }
    }
  }
}

// Rows of a in groups of a tile's height, depth after depth, as the tile reads them.
template <class T>
void pack_rows(const T* a, ptrdiff_t a_row, ptrdiff_t a_col, ptrdiff_t m, ptrdiff_t k, T* packed) {
  for (ptrdiff_t i = 0, rows = 0; i < m; i += rows) {
    rows = next_part(m - i, kTileRows);
    const T* from = a + i * a_row;
    if (a_row == 1) {
      pack_contiguous_rows<T>(from, a_col, rows, k, packed);
    } else if (a_col == 1) {
      pack_contiguous_depths<T>(from, a_row, rows, k, packed);
    } else {
      for (ptrdiff_t r = 0; r < rows; ++r) {
        for (ptrdiff_t p = 0; p < k; ++p) packed[p * rows + r] = from[r * a_row + p * a_col];
      }
    }
    packed += rows * k;
  }
}

// One block: `rows` rows and `depth` of k, all panels of b.
template <class T>
void gemm_block(const GemmArgs<T>& args, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t p,
                ptrdiff_t depth, bool pack_a) {
  const T* a = args.a + row * args.a_row;
  a += args.a_inner == 0 ? p * args.a_col
                         : p / args.a_inner * args.a_panel + p % args.a_inner * args.a_col;
  if (pack_a) pack_rows<T>(a, args.a_row, args.a_col, rows, depth, args.scratch);
  const bool first = p == 0;
  const bool ahead = !args.packed && args.k * args.n >= kFetchAheadFrom;
  for (ptrdiff_t j = 0; j < args.n; j += kPanel<T>) {
    const ptrdiff_t width = panel_width<T>(args.n - j);
    const ptrdiff_t cols = least(width, args.n - j);
    const int vectors = width == kPanel<T> ? 2 : 1;
    TileArgs<T> tile_args;
    tile_args.k = depth;
    tile_args.a_inner = args.a_inner == 0 ? depth : args.a_inner;
    tile_args.a_panel = args.a_panel;
    tile_args.b_row = args.packed ? width : args.b_row;
    tile_args.b = args.packed ? args.b + args.k * j + p * width : args.b + p * args.b_row + j;
    tile_args.last = cols - (vectors - 1) * kWidth<T>;
    tile_args.c_row = args.c_row;
    tile_args.init_row = first ? args.init_row : args.c_row;
    const ptrdiff_t most = vectors == 1 && !pack_a ? kThinRows : kTileRows;
    for (ptrdiff_t i = 0, height = 0; i < rows; i += height) {
      height = next_part(rows - i, most);
      tile_args.a = pack_a ? args.scratch + i * depth : a + i * args.a_row;
      tile_args.a_row = pack_a ? 1 : args.a_row;
      tile_args.a_col = pack_a ? height : args.a_col;
      tile_args.c = args.c + (row + i) * args.c_row + j;
      const T* init = args.init == nullptr ? nullptr : args.init + (row + i) * args.init_row + j;
      tile_args.init = first ? init : tile_args.c;
      const Tile<T> wide = ahead ? tile_of<T, 2, true>(height) : tile_of<T, 2>(height);
      (vectors == 2 ? wide : tile_of<T, 1>(height))(tile_args);
    }
  }
}

// y[0..n) += sum over R of x[r] * a[r, :], rows contiguous.
template <class T, int ROWS>
SHALLOWCORE_INLINE void add_rows(const T* a, ptrdiff_t a_stride, const T* x, ptrdiff_t x_stride,
                                 T* y, ptrdiff_t n) {
  constexpr int width = kWidth<T>;
  Vec<T> factor[ROWS];
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r) factor[r] = broadcast<T>(x[r * x_stride]);
  ptrdiff_t i = 0;
  for (; i + width <= n; i += width) {
    Vec<T> sum = load<T>(y + i);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) sum = fma<T>(factor[r], load<T>(a + r * a_stride + i), sum);
    store<T>(y + i, sum);
  }
  if (i < n) {
    Vec<T> sum = load_partial<T>(y + i, n - i);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) {
      sum = fma<T>(factor[r], load_partial<T>(a + r * a_stride + i, n - i), sum);
    }
    store_partial<T>(y + i, sum, n - i);
  }
}

// c[0..n) = init + sum over p < k of x[p] * rows[p, :], rows and c contiguous: eight rows a sweep over a
// stretch of c that stays in the L1 cache.
template <class T>
void sum_of_rows(const T* rows, ptrdiff_t row_stride, const T* x, ptrdiff_t x_stride, ptrdiff_t k,
                 const T* init, ptrdiff_t init_stride, T* c, ptrdiff_t n) {
  constexpr ptrdiff_t stretch = 2048;
  for (ptrdiff_t i = 0; i < n; i += stretch) {
    const ptrdiff_t count = least(stretch, n - i);
    if (init != c) {
      for (ptrdiff_t j = i; j < i + count; ++j) {
        c[j] = init == nullptr ? T{0} : init[j * init_stride];
      }
    }
    ptrdiff_t p = 0;
    for (; p + 8 <= k; p += 8) {
      add_rows<T, 8>(rows + p * row_stride + i, row_stride, x + p * x_stride, x_stride, c + i,
                     count);
    }
    for (; p < k; ++p) {
      add_rows<T, 1>(rows + p * row_stride + i, row_stride, x + p * x_stride, x_stride, c + i,
                     count);
    }
  }
}

// n == 1, columns of a contiguous, c contiguous.
template <class T>
void vector_sums(const GemmArgs<T>& args) {
  sum_of_rows<T>(args.a, args.a_col, args.b, args.b_row, args.k, args.init, args.init_row, args.c,
                 args.m);
}

// n == 1 and k == 1, whatever the strides: rounded once, as vector_sums() does.
template <class T>
void scaled_column(const GemmArgs<T>& args) {
  constexpr ptrdiff_t width = kWidth<T>;
  const Vec<T> factor = broadcast<T>(*args.b);
  for (ptrdiff_t i = 0; i < args.m; i += width) {
    const ptrdiff_t count = least(width, args.m - i);
    T a[width] = {}, c[width] = {};
    for (ptrdiff_t r = 0; r < count; ++r) {
      a[r] = args.a[(i + r) * args.a_row];
      if (args.init != nullptr) c[r] = args.init[(i + r) * args.init_row];
    }
    store<T>(c, fma<T>(factor, load<T>(a), load<T>(c)));
    for (ptrdiff_t r = 0; r < count; ++r) args.c[(i + r) * args.c_row] = c[r];
  }
}

// m == 1, b where it lies.
template <class T>
void row_matrix(const GemmArgs<T>& args) {
  sum_of_rows<T>(args.b, args.b_row, args.a, args.a_col, args.k, args.init, 1, args.c, args.n);
}

template <class T>
void gemm(const GemmArgs<T>& args) {
  if (args.dots) return dot_products<T>(args);
  if (args.n == 1 && !args.packed) {
    const bool columns_lie = args.a_row == 1 && args.c_row == 1;
    if (args.k == 1) return columns_lie ? vector_sums<T>(args) : scaled_column<T>(args);
    if (args.a_col == 1 && args.b_row == 1) return matrix_vector<T>(args);
    if (columns_lie) return vector_sums<T>(args);
  }
  if (args.m == 1 && !args.packed && args.a_inner == 0) return row_matrix<T>(args);
  const bool pack_a =
      args.m * args.k >= kPackRowsFrom && args.n > 2 * kPanel<T> && args.a_inner == 0;
  // Where writing c is most of the work, some whole rows of it at a time.
  const bool writes = args.k <= kWriteDepth && args.m >= 4 * args.k && args.n > kPanel<T>;
  const ptrdiff_t most = writes ? kTileRows : kBlockRows;
  // Some rows of c at a time, so that they are still in the cache for the next depths.
  for (ptrdiff_t from = 0; from < args.m; from += kPassRows) {
    const ptrdiff_t to = least(from + kPassRows, args.m);
    ptrdiff_t p = 0;
    do {  // k == 0 still writes init
      const ptrdiff_t depth = least(kBlockDepth, args.k - p);
      for (ptrdiff_t row = from, rows = 0; row < to; row += rows) {
        rows = next_part(to - row, most);
        gemm_block<T>(args, row, rows, p, depth, pack_a);
      }
      p += depth;
    } while (p < args.k);
  }
}

}  // namespace shallowcore::SHALLOWCORE_ISA
