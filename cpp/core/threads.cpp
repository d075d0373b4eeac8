#include "core/threads.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "core/team.hpp"

namespace shallowcore {
namespace {

constexpr int kMostCpus = 4096;  // more than that is a mistake

// A number above 0 in an environment variable; 0 where it is unset or anything else (OpenMP allows a
// list: its first entry counts).
int number_from_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  const bool whole = end != text && (*end == '\0' || *end == ',');
  return whole && value > 0 && value <= kMostCpus ? static_cast<int>(value) : 0;
}

int cpus_in_affinity_mask() {
#if defined(__linux__)
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) return std::max(1, CPU_COUNT(&mask));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Processors that one control group grants, of either version of the interface.
double granted_by(const std::string& folder) {
  long quota = 0, period = 0;
  std::ifstream unified(folder + "/cpu.max");
  if (!(unified >> quota >> period)) {  // "max" is no number: no quota
    std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  }
  const bool limited = quota > 0 && period > 0;
  return limited ? static_cast<double>(quota) / static_cast<double>(period)
                 : std::numeric_limits<double>::infinity();
}

// Whether a comma-separated list has it.
bool has_entry(const std::string& list, const char* entry) {
  std::istringstream entries(list);
  for (std::string one; std::getline(entries, one, ',');) {
    if (one == entry) return true;
  }
  return false;
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

int cpus_in_quota(const std::string& groups, const std::string& mount) {
  // A container sees its own group as the root, whatever path it is told.
  double granted = std::min(granted_by(mount), granted_by(mount + "/cpu"));
  std::ifstream file(groups);
  for (std::string line; std::getline(file, line);) {  // number:controllers:path
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && !has_entry(controllers, "cpu")) continue;
    const std::string root = unified ? mount : mount + "/cpu";
    std::string path = line.substr(second + 1);
    while (!path.empty() && path[0] == '/') {  // the group and those it lies in
      granted = std::min(granted, granted_by(root + path));
      path.erase(path.rfind('/'));
    }
  }
  return static_cast<int>(std::ceil(std::min(granted, double(kMostCpus))));
}

int available_cpus() {
  return std::min(cpus_in_affinity_mask(), cpus_in_quota("/proc/self/cgroup", "/sys/fs/cgroup"));
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
