#include "core/pages.hpp"

#include <algorithm>
#include <cstdint>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace shallowcore {
namespace {

// Pages that lie wholly within some bytes.
void release(std::uintptr_t begin, std::uintptr_t end) {
#if defined(__unix__) || defined(__APPLE__)
  static const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  begin = (begin + page - 1) / page * page;
  end = end / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
#else
  static_cast<void>(begin);
  static_cast<void>(end);
#endif
}

}  // namespace

void release_rows(const AnyMatrix& matrix, Index first, Index count) {
  const Index rows = matrix.rows, cols = matrix.cols;
  if (rows < 1 || cols < 1 || matrix.row_bytes < 0 || matrix.col_bytes < 0) return;
  const bool row_by_row = matrix.col_bytes * (cols - 1) < matrix.row_bytes;
  if (!row_by_row) {
    first = 0;
    count = rows;
  }
  const auto data = reinterpret_cast<std::uintptr_t>(matrix.data);
  const Index from = first * matrix.row_bytes;
  const Index to = (first + count - 1) * matrix.row_bytes + cols * matrix.col_bytes;
  if (count > 0)
    release(data + static_cast<std::uintptr_t>(from), data + static_cast<std::uintptr_t>(to));
}

}  // namespace shallowcore
