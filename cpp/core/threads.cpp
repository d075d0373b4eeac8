#include "core/threads.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "core/team.hpp"

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

}  // namespace

int available_cpus() {
  const int mask = cpus_in_affinity_mask();
  const int quota = cpus_in_container_quota();
  return quota > 0 ? std::min(mask, quota) : mask;
}

int num_threads() { return thread_count(); }

void set_num_threads(int n) { thread_count() = std::max(1, n); }

int team_size_of_call(double flops) {
  constexpr double worth_waking = 8e6;  // two threads at this took as long as one, awake or asleep
  return has_team() || flops >= worth_waking ? team_size(flops) : 1;
}

int team_size(double flops) {
  constexpr double worth_a_thread = 1.5e6;  // about 25 us of arithmetic on one core
  const double wanted = flops / worth_a_thread;
  const int available = std::min(num_threads(), kMostThreads);
  return wanted >= available ? available : std::max(1, static_cast<int>(wanted));
}

}  // namespace shallowcore
