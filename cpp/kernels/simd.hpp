// The SIMD seam: everything the kernels ask of an instruction set, in one page.
//
// Vec<T> is a GCC/Clang vector of `kVectorBytes` bytes, so + - * / and comparisons are the language's
// own; only what the language lacks (fused multiply-add, min/max, square root, reductions) is spelled
// per instruction set below.  Comparisons give IntVec<T> masks (all bits set = true) for `select`.
//
// Included only by the kernel translation unit, which is compiled once per instruction set with
// SHALLOWCORE_ISA naming it.  Everything here lives in that namespace: an inline function shared
// between instruction sets could be kept by the linker in its AVX-512 copy and kill older machines.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define SHALLOWCORE_INLINE [[gnu::always_inline]] inline
#define SHALLOWCORE_NOINLINE [[gnu::noinline]]

namespace shallowcore::SHALLOWCORE_ISA {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kVectorRegisters = 32;
#else
inline constexpr int kVectorRegisters = 16;
#endif

template <class T>
struct VecOf;
template <>
struct VecOf<float> {
  typedef float Type __attribute__((vector_size(kVectorBytes)));
  typedef int32_t Int __attribute__((vector_size(kVectorBytes)));
};
template <>
struct VecOf<double> {
  typedef double Type __attribute__((vector_size(kVectorBytes)));
  typedef int64_t Int __attribute__((vector_size(kVectorBytes)));
};

template <class T>
using Vec = typename VecOf<T>::Type;
template <class T>
using IntVec = typename VecOf<T>::Int;
template <class T>
inline constexpr int kWidth = kVectorBytes / static_cast<int>(sizeof(T));

SHALLOWCORE_INLINE ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

// Size of the next part where `left` are cut into parts of at most `most`: whole ones, and the last two
// as equal as can be, since a small part keeps few chains of additions busy.
SHALLOWCORE_INLINE ptrdiff_t next_part(ptrdiff_t left, ptrdiff_t most) {
  return left >= 2 * most ? most : left > most ? (left + 1) / 2 : left;
}

// --- memory -----------------------------------------------------------------------------------

template <class T>
SHALLOWCORE_INLINE Vec<T> load(const T* p) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
SHALLOWCORE_INLINE void store(T* p, Vec<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// True in the first n lanes.
template <class T>
SHALLOWCORE_INLINE IntVec<T> first_lanes_mask(ptrdiff_t n) {
  IntVec<T> lane;
#pragma GCC unroll 16
  for (int i = 0; i < kWidth<T>; ++i) lane[i] = i;
  return lane < IntVec<T>{} + static_cast<decltype(lane[0] + 0)>(n);
}

// The first n (0 <= n <= kWidth) lanes; the others are 0 on load and left alone on store.
template <class T>
SHALLOWCORE_INLINE Vec<T> load_partial(const T* p, ptrdiff_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p);
  } else {
    return (Vec<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1u), p);
  }
#elif defined(__AVX2__)
  if (n == kWidth<T>) return load<T>(p);
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm256_maskload_ps(p, (__m256i)first_lanes_mask<T>(n));
  } else {
    return (Vec<T>)_mm256_maskload_pd(p, (__m256i)first_lanes_mask<T>(n));
  }
#else
  if (n == kWidth<T>) return load<T>(p);
  Vec<T> v = {};
  for (ptrdiff_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
#endif
}

template <class T>
SHALLOWCORE_INLINE void store_partial(T* p, Vec<T> v, ptrdiff_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), (__m512)v);
  } else {
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1u), (__m512d)v);
  }
#elif defined(__AVX2__)
  if (n == kWidth<T>) return store<T>(p, v);  // masked stores are slow where they are not needed
  if constexpr (sizeof(T) == 4) {
    _mm256_maskstore_ps(p, (__m256i)first_lanes_mask<T>(n), (__m256)v);
  } else {
    _mm256_maskstore_pd(p, (__m256i)first_lanes_mask<T>(n), (__m256d)v);
  }
#else
  if (n == kWidth<T>) return store<T>(p, v);
  for (ptrdiff_t i = 0; i < n; ++i) p[i] = v[i];
#endif
}

// x in every lane.  x - 0 is x, which compilers know; x + 0 is not (-0 + 0 = 0), and costs an addition.
template <class T>
SHALLOWCORE_INLINE Vec<T> broadcast(T x) {
  return x - Vec<T>{};
}

// --- bits and selection -----------------------------------------------------------------------

template <class T>
SHALLOWCORE_INLINE IntVec<T> bits(Vec<T> v) {
  return (IntVec<T>)v;
}

template <class T>
SHALLOWCORE_INLINE Vec<T> from_bits(IntVec<T> v) {
  return (Vec<T>)v;
}

// mask ? a : b, lane by lane.
template <class T>
SHALLOWCORE_INLINE Vec<T> select(IntVec<T> mask, Vec<T> a, Vec<T> b) {
  return mask ? a : b;
}

template <class T>
SHALLOWCORE_INLINE Vec<T> abs(Vec<T> v) {
  constexpr auto all_but_sign = ~(decltype(IntVec<T>{}[0] + 0){1} << (sizeof(T) * 8 - 1));
  return from_bits<T>(bits<T>(v) & static_cast<decltype(IntVec<T>{}[0] + 0)>(all_but_sign));
}

// Bit i: whether lane i of the mask is true.
template <class T>
SHALLOWCORE_INLINE uint64_t lane_bits(IntVec<T> mask) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return _mm512_movepi32_mask((__m512i)mask);
  } else {
    return _mm512_movepi64_mask((__m512i)mask);
  }
#elif defined(__AVX__)
  if constexpr (sizeof(T) == 4) {
    return static_cast<uint64_t>(_mm256_movemask_ps((__m256)mask));
  } else {
    return static_cast<uint64_t>(_mm256_movemask_pd((__m256d)mask));
  }
#else
  uint64_t result = 0;
#pragma GCC unroll 4
  for (int i = 0; i < kWidth<T>; ++i) result |= static_cast<uint64_t>(mask[i] != 0) << i;
  return result;
#endif
}

// Whether all of some vectors are finite: x * 0 has bits below its sign unless x is.  Bits, because a
// sum of them would make each vector wait for the one before.
template <class T>
struct FiniteSoFar {
  IntVec<T> found = {};
  SHALLOWCORE_INLINE void look(Vec<T> x) { found |= bits<T>(x * T{0}); }
  SHALLOWCORE_INLINE bool all() const { return lane_bits<T>(found << 1 != IntVec<T>{}) == 0; }
};

// --- arithmetic the language has no operator for ------------------------------------------------

// a * b + c: one rounding where the instruction set has it, two on the x86 baseline.
template <class T>
SHALLOWCORE_INLINE Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
  } else {
    return (Vec<T>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
  }
#elif defined(__FMA__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
  } else {
    return (Vec<T>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
  }
#elif defined(__aarch64__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
  } else {
    return (Vec<T>)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
  }
#else
  return a * b + c;
#endif
}

// NaN in the first argument is passed on: max(x, 0) of a NaN is a NaN.  The x86 instructions give
// their second operand for a NaN and for equals, hence (b, a): exactly select(a < b, b, a).
template <class T>
SHALLOWCORE_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm512_maskz_max_ps(0xffff, (__m512)b, (__m512)a);
  } else {
    return (Vec<T>)_mm512_maskz_max_pd(0xff, (__m512d)b, (__m512d)a);
  }
#elif defined(__AVX__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm256_max_ps((__m256)b, (__m256)a);
  } else {
    return (Vec<T>)_mm256_max_pd((__m256d)b, (__m256d)a);
  }
#elif defined(__SSE2__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm_max_ps((__m128)b, (__m128)a);
  } else {
    return (Vec<T>)_mm_max_pd((__m128d)b, (__m128d)a);
  }
#else
  return select<T>(a < b, b, a);
#endif
}

template <class T>
SHALLOWCORE_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm512_maskz_min_ps(0xffff, (__m512)b, (__m512)a);
  } else {
    return (Vec<T>)_mm512_maskz_min_pd(0xff, (__m512d)b, (__m512d)a);
  }
#elif defined(__AVX__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm256_min_ps((__m256)b, (__m256)a);
  } else {
    return (Vec<T>)_mm256_min_pd((__m256d)b, (__m256d)a);
  }
#elif defined(__SSE2__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm_min_ps((__m128)b, (__m128)a);
  } else {
    return (Vec<T>)_mm_min_pd((__m128d)b, (__m128d)a);
  }
#else
  return select<T>(a > b, b, a);
#endif
}

template <class T>
SHALLOWCORE_INLINE Vec<T> sqrt(Vec<T> v) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm512_maskz_sqrt_ps(0xffff, (__m512)v);
  } else {
    return (Vec<T>)_mm512_maskz_sqrt_pd(0xff, (__m512d)v);
  }
#elif defined(__AVX__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm256_sqrt_ps((__m256)v);
  } else {
    return (Vec<T>)_mm256_sqrt_pd((__m256d)v);
  }
#elif defined(__SSE2__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm_sqrt_ps((__m128)v);
  } else {
    return (Vec<T>)_mm_sqrt_pd((__m128d)v);
  }
#elif defined(__aarch64__)
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)vsqrtq_f32((float32x4_t)v);
  } else {
    return (Vec<T>)vsqrtq_f64((float64x2_t)v);
  }
#else
#error "no square root for this instruction set"
#endif
}

// Lanes of 64 bits.
typedef uint64_t U64Vec __attribute__((vector_size(kVectorBytes)));

// Products of the lower halves of the lanes.
SHALLOWCORE_INLINE U64Vec multiply_low_halves(U64Vec a, U64Vec b) {
#if defined(__AVX512F__)
  return (U64Vec)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (U64Vec)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (U64Vec)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

// --- reductions over lanes: always the same tree, so the same bits ------------------------------

template <class T>
SHALLOWCORE_INLINE T reduce_add(Vec<T> v) {
  T lane[kWidth<T>];
  store<T>(lane, v);
#pragma GCC unroll 8
  for (int half = kWidth<T> / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return lane[0];
}

template <class T>
SHALLOWCORE_INLINE T reduce_max(Vec<T> v) {
  T result = v[0];
  for (int i = 1; i < kWidth<T>; ++i) result = v[i] > result ? v[i] : result;
  return result;
}

}  // namespace shallowcore::SHALLOWCORE_ISA
