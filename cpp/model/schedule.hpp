// Learning rates that depend on the number of the step.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernels/table.hpp"

namespace shallowcore {

// What a schedule is, for those who list them.
struct ScheduleInfo {
  std::string name;
  std::string formula;
  std::vector<Parameter> parameters;  // NaN: has no default
  bool has_steps = false;             // it has boundaries, and one value more than those
};

std::vector<ScheduleInfo> schedule_table();

// Borrows nothing; evaluating it allocates nothing.
class Schedule {
 public:
  // Parameters that are not given have their defaults.
  Schedule(const std::string& name, const std::map<std::string, double>& parameters,
           std::vector<double> boundaries, std::vector<double> values);
  // The learning rate of step number `step`, 0 first.
  double operator()(std::int64_t step) const;

 private:
  using Rate = double (*)(const Schedule& self, double step);
  friend struct ScheduleRates;

  Rate rate_ = nullptr;
  std::vector<double> parameters_, boundaries_, values_;
};

}  // namespace shallowcore
