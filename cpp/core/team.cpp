#include "core/team.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif
#if defined(_OPENMP)
#include <omp.h>
#endif

namespace shallowcore {
namespace {

// A number above 0 in an environment variable; 0 where it is unset or anything else (OpenMP allows a
// list: its first entry counts).
int number_from_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  const bool whole = end != text && (*end == '\0' || *end == ',');
  return whole && value > 0 && value <= 4096 ? static_cast<int>(value) : 0;
}

int cpus_in_affinity_mask() {
#if defined(__linux__)
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) return std::max(1, CPU_COUNT(&mask));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Processors granted by a control group's quota, rounded up; 0 where there is none.
int cpus_in_container_quota() {
  std::ifstream unified("/sys/fs/cgroup/cpu.max");
  std::string quota_text;
  double quota = 0, period = 0;
  if (unified >> quota_text >> period && quota_text != "max") {
    quota = std::strtod(quota_text.c_str(), nullptr);
  } else {
    std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    std::ifstream period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (!(quota_file >> quota) || !(period_file >> period)) return 0;
  }
  if (quota <= 0 || period <= 0) return 0;
  return std::max(1, static_cast<int>((quota + period - 1) / period));
}

int initial_threads() {
  if (const int n = number_from_environment("SHALLOWCORE_NUM_THREADS")) return n;
  if (const int n = number_from_environment("OMP_NUM_THREADS")) return n;
  return available_cpus();
}

std::atomic<int>& thread_count() {
  static std::atomic<int> count{initial_threads()};
  return count;
}

// OpenMP threads do not survive a fork: a child's first parallel region would wait for them for ever.
// So the pool is given back before a fork, and parent and child start fresh ones when they need them;
// where the runtime refuses, the child stays serial.
std::atomic<bool> pool_lost{false};
#if defined(_OPENMP) && defined(__linux__)
std::atomic<bool> pool_started{false};

void before_fork() {
  if (pool_started && omp_pause_resource_all(omp_pause_hard) != 0) pool_lost = true;
}

void in_parent() { pool_lost = false; }

[[maybe_unused]] const int fork_handlers = pthread_atfork(before_fork, in_parent, nullptr);

void note_pool_started() { pool_started = true; }
#elif defined(_OPENMP)
void note_pool_started() {}
#endif

}  // namespace

int available_cpus() {
  const int mask = cpus_in_affinity_mask();
  const int quota = cpus_in_container_quota();
  return quota > 0 ? std::min(mask, quota) : mask;
}

int num_threads() { return thread_count(); }

void set_num_threads(int n) { thread_count() = std::max(1, n); }

const char* openmp_version() {
#if defined(_OPENMP)
#define SHALLOWCORE_TEXT_OF(x) #x
#define SHALLOWCORE_TEXT(x) SHALLOWCORE_TEXT_OF(x)
  return SHALLOWCORE_TEXT(_OPENMP);
#else
  return "none";
#endif
}

int team_size(double flops) {
  constexpr double worth_a_thread = 1.5e6;  // about 25 us of arithmetic on one core
  const double wanted = flops / worth_a_thread;
  const int available = num_threads();
  return wanted >= available ? available : std::max(1, static_cast<int>(wanted));
}

void run_chunks(Index n_chunks, int n_threads, ChunkTask task, void* context) {
  const int threads = static_cast<int>(std::min<Index>(n_threads, n_chunks));
#if defined(_OPENMP)
  if (threads > 1 && !pool_lost && !omp_in_parallel()) {
    note_pool_started();
    std::exception_ptr failure;
    std::atomic<bool> failed{false};
#pragma omp parallel for num_threads(threads) schedule(static)
    for (Index chunk = 0; chunk < n_chunks; ++chunk) {
      if (failed.load(std::memory_order_relaxed)) continue;
      try {
        task(context, chunk, omp_get_thread_num());
      } catch (...) {
        if (!failed.exchange(true)) failure = std::current_exception();
      }
    }
    if (failed) std::rethrow_exception(failure);
    return;
  }
#endif
  for (Index chunk = 0; chunk < n_chunks; ++chunk) task(context, chunk, 0);
}

}  // namespace shallowcore
