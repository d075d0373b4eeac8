// The thread team: the only part of the core that knows OpenMP or decides how many threads work.
//
// No chunk of work adds to another's result, and no result depends on where chunks begin: any thread
// count gives the same bits.
#pragma once

#include <type_traits>

#include "core/types.hpp"

namespace shallowcore {

// Processors this process may use: affinity mask and container quota considered; at least 1.
int available_cpus();

// Threads that work may be spread over.  At first SHALLOWCORE_NUM_THREADS, else OMP_NUM_THREADS,
// else available_cpus().
int num_threads();
void set_num_threads(int n);

// OpenMP's version date ("201511", ...), "none" in a serial build.
const char* openmp_version();

// Threads worth using for `flops` operations: waking a sleeping team costs some
// ten microseconds, so small work stays on the calling thread.
int team_size(double flops);

using ChunkTask = void (*)(void* context, Index chunk, int thread);
void run_chunks(Index n_chunks, int n_threads, ChunkTask task, void* context);

// task(chunk, thread) for every chunk in [0, n_chunks), dealt out in contiguous runs; allocates
// nothing.  An exception of a task is rethrown on the calling thread once the others are done.
template <class F>
void for_chunks(Index n_chunks, int n_threads, F&& task) {
  run_chunks(
      n_chunks, n_threads,
      [](void* context, Index chunk, int thread) {
        (*static_cast<std::remove_reference_t<F>*>(context))(chunk, thread);
      },
      &task);
}

}  // namespace shallowcore
