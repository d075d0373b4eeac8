// The thread team: the only part of the core that knows OpenMP.
//
// Whoever holds a Team hands out work in chunks, does some of them itself, and the team's other threads
// take the rest.  Chunks are claimed one by one, so a thread that the system does not let run holds
// nobody up unless it is in the middle of a chunk, and nobody waits for threads at the end.  Idle threads
// spin shortly, then sleep.  No chunk adds to another's result, and no result depends on where chunks
// begin: any thread count gives the same bits.
#pragma once

#include <memory>
#include <type_traits>

#include "core/types.hpp"

namespace shallowcore {

// OpenMP's version date ("201511", ...), "none" in a serial build.
const char* openmp_version();

using ChunkTask = void (*)(void* context, Index chunk, int thread);
void run_chunks(Index n_chunks, int n_threads, ChunkTask task, void* context);

// Whether this thread holds a team.
bool has_team();

class Crew;

// While it lives, this thread has n_threads threads at hand for its for_chunks().  Within another team,
// for one thread, or where the system grants no threads: just this thread.
class Team {
 public:
  explicit Team(int n_threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

 private:
  std::shared_ptr<Crew> crew_;
};

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

// task(chunk, thread) for every chunk in [0, n_chunks), on at most n_threads threads: the team's, or
// those of one for this call; allocates nothing within a team.  An exception of a task is rethrown on
// the calling thread once the others are done.
template <class F>
void for_chunks(Index n_chunks, int n_threads, F&& task) {
  using Task = std::remove_reference_t<F>;
  run_chunks(
      n_chunks, n_threads,
      [](void* context, Index chunk, int thread) { (*static_cast<Task*>(context))(chunk, thread); },
      &task);
}

}  // namespace shallowcore
