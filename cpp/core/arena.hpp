// One aligned allocation, handed out in pieces.
//
// A plan first counts what it needs, allocates once, then takes pointers: the
// training loop itself never allocates.  Every piece starts on a cache line; memory starts as zeros
// unless Fill::none says that everything is written before it is read.
#pragma once

#include <cstring>
#include <limits>
#include <new>

#include "core/types.hpp"

namespace shallowcore {

inline constexpr std::size_t kAlignment = 64;

// Elements of T, rounded up so that the next piece starts on a cache line.
template <class T>
Index padded(Index count) {
  constexpr Index unit = static_cast<Index>(kAlignment / sizeof(T));
  return (count + unit - 1) / unit * unit;
}

enum class Fill { zeros, none };

template <class T>
class Arena {
 public:
  Arena() = default;
  explicit Arena(Index count, Fill fill = Fill::zeros) : size_(padded<T>(count < 1 ? 1 : count)) {
    if (size_ > std::numeric_limits<Index>::max() / static_cast<Index>(sizeof(T))) {
      throw std::bad_alloc();
    }
    const std::size_t bytes = static_cast<std::size_t>(size_) * sizeof(T);
    data_ = static_cast<T*>(::operator new(bytes, std::align_val_t{kAlignment}));
    if (fill == Fill::zeros) std::memset(data_, 0, bytes);
  }
  Arena(Arena&& other) noexcept : data_(other.data_), size_(other.size_), used_(other.used_) {
    other.data_ = nullptr;
    other.size_ = other.used_ = 0;
  }
  Arena& operator=(Arena&& other) noexcept {
    Arena moved(static_cast<Arena&&>(other));
    T* data = data_;
    data_ = moved.data_;
    moved.data_ = data;
    size_ = moved.size_;
    used_ = moved.used_;
    return *this;
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { ::operator delete(data_, std::align_val_t{kAlignment}); }

  T* data() const { return data_; }
  Index size() const { return size_; }

  // The next `count` elements; the caller has counted padded<T>(count) for them.
  T* take(Index count) {
    T* piece = data_ + used_;
    used_ += padded<T>(count);
    if (used_ > size_) throw std::bad_alloc();
    return piece;
  }

 private:
  T* data_ = nullptr;
  Index size_ = 0;
  Index used_ = 0;
};

}  // namespace shallowcore
