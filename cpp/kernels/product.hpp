// Dense products over the thread team: packing, splitting and the choice of a BLAS, from shapes alone.
#pragma once

#include "core/team.hpp"
#include "core/threads.hpp"
#include "core/view.hpp"

namespace shallowcore {

// Memory that product() packs into, and the number of threads it has room for.
template <class T>
struct Workspace {
  T* memory = nullptr;
  int threads = 1;
};

// Threads that a new workspace should have room for, and elements it needs for b (k, n).
int workspace_threads();
template <class T>
Index workspace_size(Index n, Index k, int threads);

// c = init + a b.  init: null (zeros), a row added to every row (init_row 0), or a matrix with row
// stride init_row, which may be c itself.  c.col_stride is 1.  Same bits for any number of threads.
template <class T>
void product(const MatrixView<const T>& a, const MatrixView<const T>& b, const T* init,
             Index init_row, const MatrixView<T>& c, const Workspace<T>& workspace);
// The same with memory of its own, where it needs any.
template <class T>
void product(const MatrixView<const T>& a, const MatrixView<const T>& b, const T* init,
             Index init_row, const MatrixView<T>& c);

// f(first_row, n_rows) over all rows, on the team where the work makes it worth while.
template <class F>
void over_rows(Index rows, double flops, F&& f) {
  const int threads = team_size_of_call(flops);
  const Index part = (rows + threads - 1) / threads;
  for_chunks(threads, threads, [&](Index chunk, int) {
    const Index first = chunk * part;
    if (first < rows) f(first, first + part < rows ? part : rows - first);
  });
}

}  // namespace shallowcore
