#include "core/team.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "core/threads.hpp"

#if defined(__unix__) || defined(__APPLE__)
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

}  // namespace

// The threads of a team; they stay when the team ends, asleep, and serve the next one.
//
// One job at a time.  Its chunks are cut into as many segments as it has threads; a thread takes those of
// its own segment first, and so meets the same data job after job, then what is left of the others'.  A
// segment's ticket holds the job's number (high half) and the next chunk (low half), and a chunk is
// claimed by compare-and-swap on it.  Before a job's fields change all tickets are closed (kClosed for
// the next chunk), so whoever has read a new field with an old ticket fails to claim: a claim that
// succeeds has read the fields of its own job.
class Crew {
 public:
  explicit Crew(int threads) : threads_(threads), most_(threads) {}

  int threads() const { return threads_; }

  // By the team's holder, as all but what the threads do: no more than so many are used from here on.
  void use(int threads) { most_ = std::min(threads, threads_); }

  // All chunks are done on return; the holder is thread 0.
  void run(Index n_chunks, int n_threads, ChunkTask task, void* context) {
    n_threads = std::min(n_threads, most_);
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
    std::atomic_thread_fence(std::memory_order_seq_cst);  // tickets first, then who sleeps
    for (int s = 1; s < n_threads; ++s) wake(segments_[s]);
    while (work(0)) {
    }
    for (int spins = 0; done_.load(std::memory_order_acquire) < n_chunks; ++spins) {
      spins < kSpins ? relax() : std::this_thread::yield();
    }
    if (failed_) {
      failed_ = false;
      std::rethrow_exception(std::exchange(failure_, nullptr));
    }
  }

  // By the other threads, until the crew is dismissed.
  void serve(int thread) {
    for (int spins = 0; !dismissed_.load(std::memory_order_acquire); ++spins) {
      if (work(thread)) {
        spins = 0;
      } else if (spins < kSpins) {
        relax();
      } else {
        sleep(segments_[thread], thread);
        spins = 0;
      }
    }
  }

  void dismiss() {
    dismissed_.store(true);
    dismissed_.notify_all();
    for (Segment& segment : segments_) wake(segment);
  }
  void wait_for_dismissal() { dismissed_.wait(false); }

  std::shared_ptr<Crew> next_idle;  // while no team uses this one

 private:
  struct alignas(64) Segment {
    std::atomic<std::uint64_t> ticket{kClosed};
    std::atomic<std::uint32_t> end{0};
    std::atomic<int> asleep{0};  // whether the thread of this segment is, or about to be
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

  static void wake(Segment& segment) {
    if (segment.asleep.load() == 0) return;
    segment.asleep.store(0);
    segment.asleep.notify_one();
  }

  void sleep(Segment& own, int thread) {
    own.asleep.store(1);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // the other way round than in run()
    if (!dismissed_.load() && !any_open(thread)) own.asleep.wait(1);
    own.asleep.store(0);
  }

  static constexpr std::uint64_t kClosed = 0xffffffffu;

  const int threads_;
  int most_;
  std::uint64_t job_ = 0;
  Segment segments_[kMostThreads];
  alignas(64) std::atomic<int> n_threads_{0};
  std::atomic<ChunkTask> task_{nullptr};
  std::atomic<void*> context_{nullptr};
  alignas(64) std::atomic<Index> done_{0};
  alignas(64) std::atomic<bool> dismissed_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
};

namespace {

thread_local Crew* current_crew = nullptr;

// OpenMP ends the process where the system has no thread for it: this throws std::system_error instead.
void ask_for_threads(int n) {
  std::atomic<bool> over{false};
  std::vector<std::thread> asked;
  const auto end = [&] {
    over = true;
    over.notify_all();
    for (std::thread& thread : asked) thread.join();
  };
  try {
    for (int i = 0; i < n; ++i) asked.emplace_back([&] { over.wait(false); });
  } catch (...) {
    end();
    throw;
  }
  end();
}

// OpenMP's threads spin for milliseconds where a region ends, which is what makes libraries with OpenMP
// runtimes of their own slow beside each other.  So a crew is one region that does not end: a thread of
// the core's own enters it and sleeps in it, in OpenMP's first place, where the caller is.
void start(const std::shared_ptr<Crew>& crew) {
  ask_for_threads(crew->threads());
  std::thread([crew] {
#pragma omp parallel num_threads(crew->threads())
    if (omp_get_thread_num() == 0) {
      crew->wait_for_dismissal();
    } else {
      crew->serve(omp_get_thread_num());
    }
  }).detach();
}

// The crews that no team uses now.  Never destroyed, as their threads outlive static objects.
struct Idle {
  std::mutex mutex;
  std::shared_ptr<Crew> first;
};
Idle& idle() {
  static Idle* const crews = new Idle;
  return *crews;
}

void give_back(std::shared_ptr<Crew> crew) {
  const std::lock_guard lock(idle().mutex);
  crew->next_idle = std::move(idle().first);
  idle().first = std::move(crew);
}

std::shared_ptr<Crew> take_idle() {
  const std::lock_guard lock(idle().mutex);
  std::shared_ptr<Crew> crew = std::move(idle().first);
  if (crew != nullptr) idle().first = std::move(crew->next_idle);
  return crew;
}

// An idle one; a new one in its place where that is too small.
std::shared_ptr<Crew> take_crew(int threads) {
  std::shared_ptr<Crew> crew = take_idle();
  if (crew == nullptr || crew->threads() < threads) {
    if (crew != nullptr) crew->dismiss();
    crew = std::make_shared<Crew>(threads);
    start(crew);
  }
  crew->use(threads);
  return crew;
}

// Threads do not survive a fork: the child starts crews of its own.  The parent's are left as they are,
// for their threads, which the child does not have, still own them.
#if defined(__unix__) || defined(__APPLE__)
void before_fork() { idle().mutex.lock(); }
void in_parent() { idle().mutex.unlock(); }
void in_child() {
  current_crew = nullptr;
  idle().first.reset();
  idle().mutex.unlock();
}
[[maybe_unused]] const int fork_handlers = pthread_atfork(before_fork, in_parent, in_child);
#endif

}  // namespace

#define SHALLOWCORE_TEXT_OF(x) #x
#define SHALLOWCORE_TEXT(x) SHALLOWCORE_TEXT_OF(x)
const char* openmp_version() { return SHALLOWCORE_TEXT(_OPENMP); }

bool has_team() { return current_crew != nullptr; }

Team::Team(int n_threads) {
  if (n_threads <= 1 || current_crew != nullptr || omp_in_parallel()) return;
  try {
    crew_ = take_crew(std::min(n_threads, kMostThreads));
  } catch (const std::system_error&) {
    return;  // no more threads
  }
  current_crew = crew_.get();
}

Team::~Team() {
  // A child forked meanwhile holds no crew any more.
  if (crew_ == nullptr || current_crew == nullptr) return;
  current_crew = nullptr;
  give_back(std::move(crew_));
}

void run_chunks(Index n_chunks, int n_threads, ChunkTask task, void* context) {
  n_threads = std::min(n_threads, thread_limit);
  if (n_threads > 1 && n_chunks > 1) {
    const Team team(n_threads);
    if (Crew* crew = current_crew; crew != nullptr) {
      const ThreadLimit alone(1);  // for tasks that hand out work of their own
      return crew->run(n_chunks, n_threads, task, context);
    }
  }
  for (Index chunk = 0; chunk < n_chunks; ++chunk) task(context, chunk, 0);
}

#else  // a serial core

const char* openmp_version() { return "none"; }

bool has_team() { return false; }

class Crew {};
Team::Team(int) {}
Team::~Team() = default;

void run_chunks(Index n_chunks, int, ChunkTask task, void* context) {
  for (Index chunk = 0; chunk < n_chunks; ++chunk) task(context, chunk, 0);
}

#endif

}  // namespace shallowcore
