#include "core/team.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>

#include "core/threads.hpp"

#if defined(__linux__)
#include <pthread.h>
#endif
#if defined(_OPENMP)
#include <omp.h>
#endif

namespace shallowcore {
namespace {

thread_local int thread_limit = kMostThreads;

}  // namespace

ThreadLimit::ThreadLimit(int threads) : before_(thread_limit) { thread_limit = threads; }
ThreadLimit::~ThreadLimit() { thread_limit = before_; }

#if defined(_OPENMP)

namespace {

// Tells the processor that this is a waiting loop.
void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

constexpr int kSpins = 4000;  // of the order of 100 microseconds

// One job at a time.  Its chunks are cut into as many segments as it has threads; a thread takes those of
// its own segment first, and so meets the same data job after job, then what is left of the others'.  A
// segment's ticket holds the job's number (high half) and the next chunk (low half), and a chunk is
// claimed by compare-and-swap on it.  Before a job's fields change all tickets are closed (kClosed for
// the next chunk), so whoever has read a new field with an old ticket fails to claim: a claim that
// succeeds has read the fields of its own job.
class Team {
 public:
  // OpenMP orders this before what the other threads do; for a sanitizer, which may not know it of
  // threads that served another caller before, serve() begins by reading what is written last here.
  explicit Team(int threads) : threads_(std::min(threads, kMostThreads)) {
    closed_.store(false, std::memory_order_release);
  }

  // By the first thread: all chunks done on return.
  void run(Index n_chunks, int n_threads, ChunkTask task, void* context) {
    n_threads = std::min(n_threads, threads_);
    ++job_;
    for (int s = 0; s < threads_; ++s) {
      segments_[s].ticket.store(job_ << 32 | kClosed, std::memory_order_relaxed);
    }
    task_.store(task, std::memory_order_release);
    context_.store(context, std::memory_order_release);
    n_threads_.store(n_threads, std::memory_order_release);
    done_.store(0, std::memory_order_relaxed);
    for (int s = 0; s < n_threads; ++s) {
      const Index first = n_chunks * s / n_threads, end = n_chunks * (s + 1) / n_threads;
      segments_[s].end.store(static_cast<std::uint32_t>(end), std::memory_order_release);
      segments_[s].ticket.store(job_ << 32 | static_cast<std::uint64_t>(first),
                                std::memory_order_release);
    }
    wake();
    while (work(0)) {
    }
    for (int spins = 0; done_.load(std::memory_order_acquire) < n_chunks; ++spins) {
      spins < kSpins ? relax() : std::this_thread::yield();
    }
    if (failed_) {
      failed_ = false;
      std::rethrow_exception(failure_);
    }
  }

  // By the other threads, until the team is closed.
  void serve(int thread) {
    for (int spins = 0; !closed_.load(std::memory_order_acquire); ++spins) {
      if (work(thread)) {
        spins = 0;
      } else if (spins < kSpins) {
        relax();
      } else {
        sleep(thread);
        spins = 0;
      }
    }
  }

  void close() {
    closed_.store(true);
    wake();
  }

 private:
  struct alignas(64) Segment {
    std::atomic<std::uint64_t> ticket{kClosed};
    std::atomic<std::uint32_t> end{0};
  };

  // Claims and does one chunk; false where there is none for this thread.
  bool work(int thread) {
    const int n_threads = n_threads_.load(std::memory_order_acquire);
    for (int i = 0, s = thread; i < n_threads; ++i, s = s + 1 < n_threads ? s + 1 : 0) {
      if (work_in(segments_[s], thread)) return true;
    }
    return false;
  }

  bool work_in(Segment& segment, int thread) {
    std::uint64_t ticket = segment.ticket.load(std::memory_order_acquire);
    const ChunkTask task = task_.load(std::memory_order_acquire);
    void* context = context_.load(std::memory_order_acquire);
    if (!open(segment, ticket, thread)) return false;
    if (!segment.ticket.compare_exchange_strong(ticket, ticket + 1, std::memory_order_acq_rel)) {
      return true;
    }
    try {
      if (!failed_) task(context, static_cast<Index>(ticket & kClosed), thread);
    } catch (...) {
      if (!failed_.exchange(true)) failure_ = std::current_exception();
    }
    done_.fetch_add(1, std::memory_order_release);
    return true;
  }

  bool open(const Segment& segment, std::uint64_t ticket, int thread) const {
    return (ticket & kClosed) < segment.end.load(std::memory_order_acquire) &&
           thread < n_threads_.load(std::memory_order_acquire);
  }

  bool any_open(int thread) const {
    for (int s = 0; s < threads_; ++s) {
      if (open(segments_[s], segments_[s].ticket.load(), thread)) return true;
    }
    return false;
  }

  void wake() {
    signal_.fetch_add(1);
    if (sleepers_.load() > 0) signal_.notify_all();
  }

  void sleep(int thread) {
    const std::uint32_t seen = signal_.load();
    if (closed_.load() || any_open(thread)) return;
    sleepers_.fetch_add(1);
    signal_.wait(seen);
    sleepers_.fetch_sub(1);
  }

  static constexpr std::uint64_t kClosed = 0xffffffffu;

  const int threads_;
  std::uint64_t job_ = 0;  // of the first thread alone
  Segment segments_[kMostThreads];
  alignas(64) std::atomic<int> n_threads_{0};
  std::atomic<ChunkTask> task_{nullptr};
  std::atomic<void*> context_{nullptr};
  alignas(64) std::atomic<Index> done_{0};
  alignas(64) std::atomic<std::uint32_t> signal_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> closed_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
};

thread_local Team* current_team = nullptr;

// While the team does a job, a task that hands out work of its own does it alone.
class Absence {
 public:
  Absence() : team_(current_team) { current_team = nullptr; }
  ~Absence() { current_team = team_; }
  Absence(const Absence&) = delete;
  Absence& operator=(const Absence&) = delete;

 private:
  Team* team_;
};

// OpenMP threads do not survive a fork: a child's first parallel region would wait for them for ever.
// So the pool is given back before a fork, and parent and child start fresh ones when they need them;
// where the runtime refuses, the child stays serial.
std::atomic<bool> pool_started{false};
std::atomic<bool> pool_lost{false};

#if defined(__linux__)
bool lost_before = false;
void before_fork() {
  lost_before = pool_lost;
  if (pool_started && omp_pause_resource_all(omp_pause_hard) != 0) pool_lost = true;
}
void in_parent() { pool_lost = lost_before; }
[[maybe_unused]] const int fork_handlers = pthread_atfork(before_fork, in_parent, nullptr);
#endif

}  // namespace

#define SHALLOWCORE_TEXT_OF(x) #x
#define SHALLOWCORE_TEXT(x) SHALLOWCORE_TEXT_OF(x)
const char* openmp_version() { return SHALLOWCORE_TEXT(_OPENMP); }

bool has_team() { return current_team != nullptr; }

void open_team(int n_threads, TeamBody body, void* context) {
  if (n_threads <= 1 || current_team != nullptr || pool_lost || omp_in_parallel()) {
    return body(context);
  }
  pool_started = true;
  Team team(n_threads);
  std::exception_ptr failure;
#pragma omp parallel num_threads(n_threads)
  if (omp_get_thread_num() == 0) {
    current_team = &team;
    try {
      body(context);
    } catch (...) {
      failure = std::current_exception();
    }
    current_team = nullptr;
    team.close();
  } else {
    team.serve(omp_get_thread_num());
  }
  if (failure) std::rethrow_exception(failure);
}

void run_chunks(Index n_chunks, int n_threads, ChunkTask task, void* context) {
  n_threads = std::min(n_threads, thread_limit);
  if (n_threads > 1 && n_chunks > 1) {
    if (Team* team = current_team; team != nullptr) {
      const Absence absence;
      return team->run(n_chunks, n_threads, task, context);
    }
    if (!pool_lost && !omp_in_parallel()) {
      return with_team(n_threads, [&] { run_chunks(n_chunks, n_threads, task, context); });
    }
  }
  for (Index chunk = 0; chunk < n_chunks; ++chunk) task(context, chunk, 0);
}

#else  // a serial core

const char* openmp_version() { return "none"; }

bool has_team() { return false; }

void open_team(int, TeamBody body, void* context) { body(context); }

void run_chunks(Index n_chunks, int, ChunkTask task, void* context) {
  for (Index chunk = 0; chunk < n_chunks; ++chunk) task(context, chunk, 0);
}

#endif

}  // namespace shallowcore
