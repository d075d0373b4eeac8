// The few types that every part of the core speaks: sizes, element types of borrowed arrays.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shallowcore {

using Index = std::ptrdiff_t;

// Element types that inputs are read in; a model computes in f32 or f64 only.
enum class DType : std::uint8_t { boolean, i8, u8, i16, u16, i32, u32, i64, u64, f32, f64 };

// Bytes of an element.
constexpr Index size_of(DType dtype) {
  constexpr Index sizes[] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
  return sizes[static_cast<int>(dtype)];
}

template <class T>
inline constexpr DType kDTypeOf = sizeof(T) == 4 ? DType::f32 : DType::f64;

}  // namespace shallowcore
