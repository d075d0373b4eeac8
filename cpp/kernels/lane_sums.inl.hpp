// Sums over the lanes of many vectors: a whole vector of sums at a time.
//
// Each sum is the same tree over the lanes of its vector, wherever that stands among the others.
#pragma once

#include "kernels/simd.hpp"

namespace shallowcore::SHALLOWCORE_ISA {

template <int... I>
struct LaneList {};
template <int N, int... I>
struct FirstLanes : FirstLanes<N - 1, N - 1, I...> {};
template <int... I>
struct FirstLanes<0, I...> {
  using Type = LaneList<I...>;
};

// Of vectors a and b seen as groups of GROUP lanes: every second group of a's segments of SEGMENT
// lanes, then of b's, starting with the first group (ODD = 0) or the second.
template <class T, int GROUP, int SEGMENT, int ODD>
constexpr int every_second(int lane) {
  constexpr int groups = SEGMENT / GROUP;
  const int segment = lane / SEGMENT, group = lane % SEGMENT / GROUP;
  const int of_b = group >= groups / 2;
  return of_b * kWidth<T> + segment * SEGMENT + (2 * (group - of_b * groups / 2) + ODD) * GROUP +
         lane % GROUP;
}

// Neighbouring groups added up.
template <class T, int GROUP, int SEGMENT, int... I>
SHALLOWCORE_INLINE Vec<T> add_groups(Vec<T> a, Vec<T> b, LaneList<I...>) {
  return __builtin_shufflevector(a, b, every_second<T, GROUP, SEGMENT, 0>(I)...) +
         __builtin_shufflevector(a, b, every_second<T, GROUP, SEGMENT, 1>(I)...);
}

// Lane i is the sum of the lanes of vector i at `lanes`; N of the vectors are added here.  Neighbours
// within 16 bytes first: x86 shuffles those in one instruction.
template <class T, int N = kWidth<T>>
SHALLOWCORE_INLINE Vec<T> lane_sums_of(const T* lanes) {
  constexpr int narrow = 16 / static_cast<int>(sizeof(T));
  if constexpr (N == 1) {
    return load<T>(lanes);
  } else {
    const Vec<T> a = lane_sums_of<T, N / 2>(lanes);
    const Vec<T> b = lane_sums_of<T, N / 2>(lanes + N / 2 * kWidth<T>);
    constexpr int group = N <= narrow ? 1 : narrow, segment = N <= narrow ? narrow : kWidth<T>;
    return add_groups<T, group, segment>(a, b, typename FirstLanes<kWidth<T>>::Type{});
  }
}

inline constexpr ptrdiff_t kLaneSums = 256;  // vectors whose lanes are added from one buffer

// g (+)= the sums of the lanes of a row of vectors, a whole vector of sums at a time: g has room for
// that, and gets zeros behind the last sum.  The vectors are put into a buffer, stretch by stretch.
template <class T>
struct LaneSums {
  static constexpr ptrdiff_t width = kWidth<T>;
  alignas(kVectorBytes) T lanes[(kLaneSums + width) * width];
  T* g;
  bool accumulate;
  ptrdiff_t held = 0, done = 0;  // vectors left from the last stretch; vectors added

  SHALLOWCORE_INLINE LaneSums(T* gradient, bool add) : g(gradient), accumulate(add) {}
  SHALLOWCORE_INLINE T* stretch() { return lanes + held * width; }
  // Adds one vector of sums if the first n vectors of the stretch contain it.
  SHALLOWCORE_INLINE bool add_one(ptrdiff_t n) {
    if (done + width > held + n) return false;
    const Vec<T> sums = lane_sums_of<T>(lanes + done * width);
    store<T>(g + done, accumulate ? load<T>(g + done) + sums : sums);
    done += width;
    return true;
  }
  // Ends a stretch of n vectors, after which another comes or none.
  SHALLOWCORE_INLINE void end_stretch(ptrdiff_t n, bool last) {
    if (last) {
      for (; (held + n) % width != 0; ++n) store<T>(stretch() + n * width, Vec<T>{});
    }
    while (add_one(n)) {
    }
    g += done;
    held += n - done;
    for (ptrdiff_t i = 0; i < held; ++i) {
      store<T>(lanes + i * width, load<T>(lanes + (done + i) * width));
    }
    done = 0;
  }
};

}  // namespace shallowcore::SHALLOWCORE_ISA
