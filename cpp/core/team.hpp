// The thread team: the only part of the core that knows OpenMP.
//
// A team is one OpenMP region: its first thread runs the body, the others serve, taking chunks of work
// as the body hands them out.  Chunks are claimed one by one, so a thread that the system does not let
// run holds nobody up unless it is in the middle of a chunk; idle threads spin shortly, then sleep.
// No chunk adds to another's result, and no result depends on where chunks begin: any thread count
// gives the same bits.
#pragma once

#include <type_traits>

#include "core/types.hpp"

namespace shallowcore {

// OpenMP's version date ("201511", ...), "none" in a serial build.
const char* openmp_version();

using TeamBody = void (*)(void* context);
using ChunkTask = void (*)(void* context, Index chunk, int thread);
void open_team(int n_threads, TeamBody body, void* context);
void run_chunks(Index n_chunks, int n_threads, ChunkTask task, void* context);

// Whether this thread runs the body of a team.
bool has_team();

// body() with n_threads threads at hand for the chunks it hands out; an exception of body comes out
// here.  Within another team, or with one thread, just body().
template <class F>
void with_team(int n_threads, F&& body) {
  using Body = std::remove_reference_t<F>;
  open_team(n_threads, [](void* context) { (*static_cast<Body*>(context))(); }, &body);
}

// While it lives, this thread's for_chunks() use no more than `threads` threads.
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int before_;
};

// task(chunk, thread) for every chunk in [0, n_chunks), on at most n_threads threads; opens a team
// where none is open; allocates nothing.  An exception of a task is rethrown on the calling thread
// once the others are done.
template <class F>
void for_chunks(Index n_chunks, int n_threads, F&& task) {
  using Task = std::remove_reference_t<F>;
  run_chunks(
      n_chunks, n_threads,
      [](void* context, Index chunk, int thread) { (*static_cast<Task*>(context))(chunk, thread); },
      &task);
}

}  // namespace shallowcore
