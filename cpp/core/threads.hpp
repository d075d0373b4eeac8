// How many threads: the one place that decides it.
#pragma once

#include <string>

namespace shallowcore {

// Processors this process may use: affinity mask and container quota considered; at least 1.
int available_cpus();

// Processors that control groups grant, rounded up: the least quota of the process's group, which the
// file `groups` names as /proc/self/cgroup does, and of those it lies in, below the folder `mount`.
int cpus_in_quota(const std::string& groups, const std::string& mount);

// Threads that work may be spread over.  At first SHALLOWCORE_NUM_THREADS, else OMP_NUM_THREADS,
// else available_cpus().
int num_threads();
inline constexpr int kMostThreads = 64;  // that work is ever spread over, whatever was asked for
void set_num_threads(int n);

// Threads worth using for `flops` operations: handing work over costs time, so small work stays on
// the calling thread.
int team_size(double flops);

// The same for a single call, which has to wake the others first unless a team is at hand.
int team_size_of_call(double flops);

}  // namespace shallowcore
