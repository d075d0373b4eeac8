// How many threads: quotas of control groups, read from files made for the purpose.
#include "core/threads.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "checks.hpp"

namespace {

using namespace shallowcore;
using namespace shallowcore::testing;
namespace fs = std::filesystem;

// The processors granted where these files, by their paths below the mount, are all there is.
int cpus(const std::string& groups, const std::map<std::string, std::string>& files) {
  const fs::path folder = fs::current_path() / "threads_test_groups";
  fs::remove_all(folder);
  fs::create_directories(folder / "mount");
  std::ofstream(folder / "groups") << groups;
  for (const auto& [path, text] : files) {
    fs::create_directories((folder / "mount" / path).parent_path());
    std::ofstream(folder / "mount" / path) << text;
  }
  const int found = cpus_in_quota((folder / "groups").string(), (folder / "mount").string());
  fs::remove_all(folder);
  return found;
}

void test_unified() {
  check(cpus("0::/\n", {{"cpu.max", "50000 100000\n"}}) == 1, "half a processor is one");
  check(cpus("0::/\n", {{"cpu.max", "150000 100000\n"}}) == 2, "one and a half are two");
  check(cpus("0::/\n", {{"cpu.max", "300000 100000\n"}}) == 3, "three are three");
  check(cpus("", {{"cpu.max", "50000 100000\n"}}) == 1, "the root without a list of groups");
  check(cpus("0::/elsewhere/a\n", {{"cpu.max", "50000 100000\n"}}) == 1, "a path of the host");
  check(cpus("0::/a/b\n", {{"a/b/cpu.max", "200000 100000\n"}}) == 2, "the group's own");
  check(cpus("0::/a/b\n", {{"a/cpu.max", "100000 100000\n"}, {"a/b/cpu.max", "max 100000\n"}}) == 1,
        "that of the group around it");
}

void test_version_1() {
  const std::string groups = "3:memory:/\n2:cpu,cpuacct:/a\n0::/\n";
  const auto files = [](const std::string& folder, const std::string& quota) {
    return std::map<std::string, std::string>{{folder + "/cpu.cfs_quota_us", quota},
                                              {folder + "/cpu.cfs_period_us", "100000\n"}};
  };
  check(cpus(groups, files("cpu", "50000\n")) == 1, "half a processor, version 1");
  check(cpus(groups, files("cpu/a", "210000\n")) == 3, "the group's own, version 1");
  check(cpus(groups, files("cpu/b", "50000\n")) > 1000, "another group's, version 1");
  check(cpus(groups, files("cpu", "-1\n")) > 1000, "no quota, version 1");
}

void test_no_quota() {
  for (const char* text : {"max 100000\n", "", "garbage", "0 0", "-5 100000", "100000"}) {
    check(cpus("0::/\n", {{"cpu.max", text}}) > 1000, "no quota: '" + std::string(text) + "'");
  }
  for (const char* groups : {"", ":", "::", "0::", "garbage\n", "0::a/b\n", "0::/../..\n"}) {
    check(cpus(groups, {}) > 1000, "no files: '" + std::string(groups) + "'");
  }
}

}  // namespace

int main() {
  test_unified();
  test_version_1();
  test_no_quota();
  check(available_cpus() >= 1, "at least one processor");
  return verdict();
}
