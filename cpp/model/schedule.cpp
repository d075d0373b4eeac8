#include "model/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/errors.hpp"

namespace shallowcore {

namespace {

constexpr double kRequired = std::numeric_limits<double>::quiet_NaN();

}  // namespace

// One function for each schedule; p: its parameters in the order of the table.
struct ScheduleRates {
  // Part of the way from step 0 to `steps`, in whole parts with `staircase`.
  static double parts(double step, double steps, double staircase) {
    return staircase != 0 ? std::floor(step / steps) : step / steps;
  }

  static double cosine(double from, double to, double part) {
    return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * part));
  }

  static double exponential_decay(const Schedule& self, double step) {
    const auto& p = self.parameters_;
    return p[0] * std::pow(p[2], parts(step, p[1], p[3]));
  }

  static double inverse_time_decay(const Schedule& self, double step) {
    const auto& p = self.parameters_;
    return p[0] / (1 + p[2] * parts(step, p[1], p[3]));
  }

  static double piecewise_constant_decay(const Schedule& self, double step) {
    const auto& bounds = self.boundaries_;
    const auto place = std::lower_bound(bounds.begin(), bounds.end(), step) - bounds.begin();
    return self.values_[static_cast<std::size_t>(place)];
  }

  static double cosine_decay(const Schedule& self, double step) {
    const auto& p = self.parameters_;
    const double initial = p[0], steps = p[1], alpha = p[2], target = p[3], warmup = p[4];
    if (step < warmup) return initial + (target - initial) * (step / warmup);
    const double top = warmup > 0 ? target : initial;
    return cosine(top, alpha * top, std::min((step - warmup) / steps, 1.0));
  }

  static double one_cycle(const Schedule& self, double step) {
    const auto& p = self.parameters_;
    const double top = p[0], first = top / p[3], last = first / p[4];
    const double peak = p[2] * p[1] - 1, end = p[1] - 1;
    if (step <= peak) return cosine(first, top, peak > 0 ? step / peak : 1);
    return cosine(top, last, end > peak ? std::min((step - peak) / (end - peak), 1.0) : 1);
  }

  struct Entry {
    ScheduleInfo info;
    Schedule::Rate rate;
  };

  static const std::vector<Entry>& table() {
    static const std::vector<Entry> entries = {
        {{"exponential_decay",
          "initial_learning_rate decay_rate^(t / decay_steps), whole parts with staircase",
          {{"initial_learning_rate", kRequired},
           {"decay_steps", kRequired},
           {"decay_rate", kRequired},
           {"staircase", 0}}},
         exponential_decay},
        {{"piecewise_constant_decay",
          "values[i] for boundaries[i - 1] < t <= boundaries[i]",
          {},
          true},
         piecewise_constant_decay},
        {{"cosine_decay",
          "r (alpha + (1 - alpha) (1 + cos(pi t / decay_steps)) / 2), r = initial_learning_rate; "
          "first warmup_steps on a line to r = warmup_target",
          {{"initial_learning_rate", kRequired},
           {"decay_steps", kRequired},
           {"alpha", 0},
           {"warmup_target", 0},
           {"warmup_steps", 0}}},
         cosine_decay},
        {{"inverse_time_decay",
          "initial_learning_rate / (1 + decay_rate t / decay_steps), whole parts with staircase",
          {{"initial_learning_rate", kRequired},
           {"decay_steps", kRequired},
           {"decay_rate", kRequired},
           {"staircase", 0}}},
         inverse_time_decay},
        {{"one_cycle",
          "half a cosine from max / div_factor to max at t = pct_start total_steps - 1, half a "
          "cosine to max / div_factor / final_div_factor at t = total_steps - 1",
          {{"max_learning_rate", kRequired},
           {"total_steps", kRequired},
           {"pct_start", 0.3},
           {"div_factor", 25},
           {"final_div_factor", 1e4}}},
         one_cycle},
    };
    return entries;
  }
};

std::vector<ScheduleInfo> schedule_table() {
  std::vector<ScheduleInfo> infos;
  for (const ScheduleRates::Entry& entry : ScheduleRates::table()) infos.push_back(entry.info);
  return infos;
}

Schedule::Schedule(const std::string& name, const std::map<std::string, double>& parameters,
                   std::vector<double> boundaries, std::vector<double> values)
    : boundaries_(std::move(boundaries)), values_(std::move(values)) {
  std::size_t known = 0;
  for (const ScheduleRates::Entry& entry : ScheduleRates::table()) {
    if (entry.info.name != name) continue;
    rate_ = entry.rate;
    for (const Parameter& parameter : entry.info.parameters) {
      const auto given = parameters.find(parameter.name);
      known += given == parameters.end() ? 0 : 1;
      parameters_.push_back(given == parameters.end() ? parameter.value : given->second);
      if (std::isnan(parameters_.back())) {
        throw InvalidArgument(name, std::string("nothing for ") + parameter.name, "a number");
      }
    }
    const std::size_t wanted = entry.info.has_steps ? boundaries_.size() + 1 : 0;
    if (values_.size() != wanted) {
      throw InvalidArgument("values", std::to_string(values_.size()), std::to_string(wanted));
    }
  }
  if (rate_ == nullptr) throw InvalidArgument("schedule", "'" + name + "'", "a known name");
  if (known != parameters.size()) {
    throw InvalidArgument("schedule", "a parameter that '" + name + "' does not have",
                          "its own parameters only");
  }
}

double Schedule::operator()(std::int64_t step) const {
  return rate_(*this, static_cast<double>(step));
}

}  // namespace shallowcore
