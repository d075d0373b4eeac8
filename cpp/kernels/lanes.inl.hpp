// Samples in lanes: products for layers that are narrower than a vector.
//
// A matrix (units, samples) holds a unit's samples side by side, so that a layer of ten units costs
// ten and not the next whole number of vectors.  `stride` elements lie between units; `samples` is a
// whole number of vectors.  Lanes beyond the batch hold finite numbers in inputs and outputs and zeros
// in gradients: they are computed with everything else and add nothing.
//
// A parameter's gradient is summed in the lanes of one vector; the lanes are then added for a whole
// vector of parameters at a time.
#pragma once

#include "kernels/lane_sums.inl.hpp"
#include "kernels/simd.hpp"
#include "kernels/table.hpp"
#include "kernels/transpose.inl.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

// --- products -------------------------------------------------------------------------------------

// c[u, s] = bias[u] + sum_p w[p, u] a[p, s] for UNITS units and VECTORS vectors of samples.
template <class T, int UNITS, int VECTORS>
SHALLOWCORE_INLINE void lane_product_columns(const LaneProductArgs<T>& args, const T* w,
                                             const T* bias, const T* a, T* c) {
  constexpr int width = kWidth<T>;
  Vec<T> acc[UNITS][VECTORS];
#pragma GCC unroll 8
  for (int u = 0; u < UNITS; ++u) {
    const Vec<T> start = bias == nullptr ? Vec<T>{} : broadcast<T>(bias[u]);
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; ++v) acc[u][v] = start;
  }
  const ptrdiff_t stride = args.stride;
  for (ptrdiff_t p = args.k; p > 0; --p, w += args.n, a += stride) {
    Vec<T> x[VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; ++v) x[v] = load<T>(a + v * width);
#pragma GCC unroll 8
    for (int u = 0; u < UNITS; ++u) {
      const Vec<T> factor = broadcast<T>(w[u]);
#pragma GCC unroll 4
      for (int v = 0; v < VECTORS; ++v) acc[u][v] = fma<T>(factor, x[v], acc[u][v]);
    }
  }
#pragma GCC unroll 8
  for (int u = 0; u < UNITS; ++u) {
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; ++v) store<T>(c + u * stride + v * width, acc[u][v]);
  }
}

// All samples of UNITS units, from unit `first` on.  Not inlined: see gemm.inl.hpp.
template <class T, int UNITS>
SHALLOWCORE_NOINLINE void lane_product_units(const LaneProductArgs<T>& args, ptrdiff_t first) {
  constexpr ptrdiff_t width = kWidth<T>;
  const T* w = args.w + first;
  const T* bias = args.bias == nullptr ? nullptr : args.bias + first;
  T* c = args.c + first * args.stride;
  constexpr int most = kVectorRegisters > 16 ? 4 : 2;
  const ptrdiff_t samples = args.samples;
  for (ptrdiff_t s = 0, vectors = 0; s < samples; s += vectors * width) {
    vectors = next_part((samples - s) / width, most);
    const T* x = args.a + s;
    if constexpr (most > 2) {
      if (vectors == 4) lane_product_columns<T, UNITS, 4>(args, w, bias, x, c + s);
      if (vectors == 3) lane_product_columns<T, UNITS, 3>(args, w, bias, x, c + s);
    }
    if (vectors == 2) lane_product_columns<T, UNITS, 2>(args, w, bias, x, c + s);
    if (vectors == 1) lane_product_columns<T, UNITS, 1>(args, w, bias, x, c + s);
  }
}

template <class T>
using LaneProductPart = void (*)(const LaneProductArgs<T>&, ptrdiff_t);

template <class T, int UNITS>
SHALLOWCORE_INLINE LaneProductPart<T> lane_product_of(ptrdiff_t units) {
  if constexpr (UNITS == 1) {
    return lane_product_units<T, 1>;
  } else {
    return units == UNITS ? lane_product_units<T, UNITS> : lane_product_of<T, UNITS - 1>(units);
  }
}

template <class T>
void lane_product(const LaneProductArgs<T>& args) {
  constexpr int most = 6;
  for (ptrdiff_t first = 0, units = 0; first < args.n; first += units) {
    units = next_part(args.n - first, most);
    lane_product_of<T, most>(units)(args, first);
  }
}

// d[u, s] = g'(z[u, s]) sum_j w[u, j] dz[j, s] for UNITS units and VECTORS vectors of samples, from
// unit u and sample s on.
template <class T, class G, int UNITS, int VECTORS>
SHALLOWCORE_INLINE void lane_backward_tile(const LaneBackwardArgs<T>& args, ptrdiff_t u,
                                           ptrdiff_t s) {
  constexpr int width = kWidth<T>;
  const ptrdiff_t stride = args.stride, n_out = args.n_out;
  const T *w = args.w + u * n_out, *dz = args.dz + s;
  Vec<T> acc[UNITS][VECTORS] = {};
  for (ptrdiff_t j = 0; j < n_out; ++j, dz += stride) {
#pragma GCC unroll 2
    for (int i = 0; i < UNITS; ++i) {
      const Vec<T> factor = broadcast<T>(w[i * n_out + j]);
#pragma GCC unroll 4
      for (int v = 0; v < VECTORS; ++v) {
        acc[i][v] = fma<T>(factor, load<T>(dz + v * width), acc[i][v]);
      }
    }
  }
#pragma GCC unroll 2
  for (int i = 0; i < UNITS; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; ++v) {
      const ptrdiff_t at = (u + i) * stride + s + v * width;
      store<T>(args.d + at,
               acc[i][v] * G::template slope<T>(load<T>(args.a + at), args.parameters));
    }
  }
}

// Where a holds the slopes themselves.
struct StoredSlope {
  template <class T>
  SHALLOWCORE_INLINE static Vec<T> slope(Vec<T> a, const T*) {
    return a;
  }
};

// All samples of UNITS units.
template <class T, class G, int UNITS>
SHALLOWCORE_INLINE void lane_backward_units(const LaneBackwardArgs<T>& args, ptrdiff_t u) {
  constexpr ptrdiff_t width = kWidth<T>;
  for (ptrdiff_t s = 0, vectors = 0; s < args.samples; s += vectors * width) {
    vectors = next_part((args.samples - s) / width, 4);
    if (vectors == 4) lane_backward_tile<T, G, UNITS, 4>(args, u, s);
    if (vectors == 3) lane_backward_tile<T, G, UNITS, 3>(args, u, s);
    if (vectors == 2) lane_backward_tile<T, G, UNITS, 2>(args, u, s);
    if (vectors == 1) lane_backward_tile<T, G, UNITS, 1>(args, u, s);
  }
}

template <class T, class G>
void lane_backward(const LaneBackwardArgs<T>& args) {
  ptrdiff_t u = 0;
  for (; u + 2 <= args.n_in; u += 2) lane_backward_units<T, G, 2>(args, u);
  if (u < args.n_in) lane_backward_units<T, G, 1>(args, u);
}

// --- gradients ------------------------------------------------------------------------------------

// Keeps v in a register: compilers like to read it from memory again for each use, and loads are what
// the loop below has fewest of to spare.
template <class T>
SHALLOWCORE_INLINE void keep_in_register(Vec<T>& v) {
#if defined(__x86_64__)
  asm("" : "+v"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
}

// lanes[i, j] = sum over vectors of samples of a[i, :] dz[j, :], for IN inputs and UNITS units.  In a
// layer of few weights each sum is taken in two chains: additions need not wait for one another.  (The
// layer decides, not the tile: units that are alike must stay so, wherever their tiles begin.)
template <class T, int IN, int UNITS>
SHALLOWCORE_NOINLINE void lane_gradient_tile(const LaneGradientArgs<T>& args, const T* a,
                                             const T* dz, T* lanes) {
  constexpr ptrdiff_t width = kWidth<T>;
  const ptrdiff_t stride = args.stride, samples = args.samples;
  constexpr int chains = IN * UNITS <= 4 ? 2 : 1;
  Vec<T> acc[chains][IN][UNITS] = {};
  const auto add = [&](ptrdiff_t s, Vec<T>(&sum)[IN][UNITS]) {
    Vec<T> d[UNITS];
#pragma GCC unroll 4
    for (int j = 0; j < UNITS; ++j) {
      d[j] = load<T>(dz + j * stride + s);
      if constexpr (IN > 1) keep_in_register<T>(d[j]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < IN; ++i) {
      Vec<T> x = load<T>(a + i * stride + s);
      if constexpr (UNITS > 1) keep_in_register<T>(x);
#pragma GCC unroll 4
      for (int j = 0; j < UNITS; ++j) sum[i][j] = fma<T>(x, d[j], sum[i][j]);
    }
  };
  ptrdiff_t s = 0;
  if constexpr (chains == 2) {
    const bool in_chains = args.n_in * args.n_out <= 4;
    for (; in_chains && s + 2 * width <= samples; s += 2 * width) {
      add(s, acc[0]);
      add(s + width, acc[1]);
    }
  }
  for (; s < samples; s += width) add(s, acc[0]);
#pragma GCC unroll 8
  for (int i = 0; i < IN; ++i, lanes += args.n_out * width) {
#pragma GCC unroll 4
    for (int j = 0; j < UNITS; ++j) {
      if constexpr (chains == 2) acc[0][i][j] = acc[0][i][j] + acc[1][i][j];
      store<T>(lanes + j * width, acc[0][i][j]);
    }
  }
}

template <class T>
using LaneGradientTile = void (*)(const LaneGradientArgs<T>&, const T*, const T*, T*);

template <class T, int IN, int UNITS>
SHALLOWCORE_INLINE LaneGradientTile<T> lane_gradient_of(ptrdiff_t inputs) {
  if constexpr (IN == 1) {
    return lane_gradient_tile<T, 1, UNITS>;
  } else {
    return inputs == IN ? lane_gradient_tile<T, IN, UNITS>
                        : lane_gradient_of<T, IN - 1, UNITS>(inputs);
  }
}

// The sums stay in registers, with dz of all units and the input of one.
template <class T>
LaneGradientTile<T> lane_gradient_of(ptrdiff_t inputs, ptrdiff_t units) {
  constexpr bool many = kVectorRegisters > 16;
  if (units == 4) return lane_gradient_of<T, many ? 6 : 2, 4>(inputs);
  if (units == 3) return lane_gradient_of<T, many ? 6 : 2, 3>(inputs);
  if (units == 2) return lane_gradient_of<T, 6, 2>(inputs);
  return lane_gradient_of<T, 8, 1>(inputs);
}

// w (+)= a dz'.  Row after row of w, as many rows at a time as the buffer of sums takes; of a row that
// is longer, a part.
template <class T>
void lane_gradient_weights(const LaneGradientArgs<T>& args) {
  constexpr ptrdiff_t width = kWidth<T>;
  const ptrdiff_t n_in = args.n_in, n_out = args.n_out;
  const bool few_registers = kVectorRegisters == 16 && n_in > 2;
  const ptrdiff_t most_units = few_registers ? 2 : 4;
  const ptrdiff_t most_inputs = n_out == 1 ? 8 : n_in <= 2 ? 2 : 6;
  const ptrdiff_t row = least(n_out, kLaneSums), most_rows = kLaneSums / row;
  LaneSums<T> sums(args.w, args.accumulate);
  for (ptrdiff_t first = 0, rows = 0; first < n_in; first += rows) {
    rows = least(n_in - first, most_rows);
    for (ptrdiff_t from = 0, to = 0; from < n_out; from = to) {
      to = least(n_out, from + row);
      for (ptrdiff_t i = 0, inputs = 0; i < rows; i += inputs) {
        inputs = next_part(rows - i, most_inputs);
        const T* a = args.a + (first + i) * args.stride;
        for (ptrdiff_t j = from, units = 0; j < to; j += units) {
          units = next_part(to - j, most_units);
          lane_gradient_of<T>(inputs, units)(args, a, args.dz + j * args.stride,
                                             sums.stretch() + (i * n_out + j - from) * width);
          // Beside each tile: products and sums keep different units of the processor busy.
          sums.add_one(i * n_out);
        }
      }
      sums.end_stretch(rows * (to - from), first + rows == n_in && to == n_out);
    }
  }
}

// b[j] (+)= sum over samples of dz[j, :], in two chains.
template <class T>
void lane_gradient_bias(const LaneGradientArgs<T>& args) {
  constexpr ptrdiff_t width = kWidth<T>;
  const ptrdiff_t samples = args.samples;
  LaneSums<T> sums(args.b, args.accumulate);
  const T* dz = args.dz;
  for (ptrdiff_t first = 0; first < args.n_out; first += kLaneSums) {
    const ptrdiff_t units = least(args.n_out - first, kLaneSums);
    for (ptrdiff_t j = 0; j < units; ++j, dz += args.stride) {
      Vec<T> even = {}, odd = {};
      ptrdiff_t s = 0;
      for (; s + 2 * width <= samples; s += 2 * width) {
        even = even + load<T>(dz + s);
        odd = odd + load<T>(dz + s + width);
      }
      if (s < samples) even = even + load<T>(dz + s);
      store<T>(sums.stretch() + j * width, even + odd);
    }
    sums.end_stretch(units, first + units == args.n_out);
  }
}

template <class T>
void lane_gradient(const LaneGradientArgs<T>& args) {
  // First: weights read what was stored last, and the update would wait for these few.
  if (args.b != nullptr) lane_gradient_bias<T>(args);
  lane_gradient_weights<T>(args);
}

// --- between rows and lanes -----------------------------------------------------------------------

// out (cols, stride) = rows of x, transposed; zeros in the lanes from `rows` to the stride.
template <class T>
void rows_to_lanes(const LaneRows<T>& args) {
  constexpr ptrdiff_t width = kWidth<T>;
  for (ptrdiff_t i = 0; i < args.stride; i += width) {
    const T* row[width];
    for (ptrdiff_t r = 0; r < width; ++r) {
      const ptrdiff_t at = args.first + i + r;
      row[r] =
          i + r >= args.rows ? nullptr : args.x + args.x_row * (args.order ? args.order[at] : at);
    }
    for (ptrdiff_t j = 0; j < args.cols; j += width) {
      const ptrdiff_t cols = args.cols - j < width ? args.cols - j : width;
      Vec<T> v[width];
#pragma GCC unroll 16
      for (int r = 0; r < width; ++r) {
        v[r] = row[r] == nullptr ? Vec<T>{} : load_partial<T>(row[r] + j, cols);
      }
      transpose_rows<T>(v);
      T* out = args.out + j * args.stride + i;
#pragma GCC unroll 16
      for (int c = 0; c < width; ++c) {
        if (c < cols) store<T>(out + c * args.stride, v[c]);
      }
    }
  }
}

}  // namespace shallowcore::SHALLOWCORE_ISA
