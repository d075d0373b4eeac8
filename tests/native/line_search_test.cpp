// The points at which a line search looks, worked out by hand: a cubic through two points of a
// parabola, with its slopes, is the parabola.
#include "model/line_search.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "checks.hpp"

namespace {

using namespace shallowcore;
using namespace shallowcore::testing;

using Steps = std::vector<double>;

// Whether a search looks at these steps, and returns the last of them; bottom: of the parabola.
void test_parabola(double bottom, double first_step, const Steps& expected) {
  Steps steps;
  const auto at = [&](double t) {
    steps.push_back(t);
    return LinePoint{t, (t - bottom) * (t - bottom), 2 * (t - bottom)};
  };
  WolfeRules rules;
  rules.curvature = 0.1;
  const LinePoint start{0, bottom * bottom, -2 * bottom};
  const LinePoint found = wolfe_search(start, first_step, rules, at);
  bool right = steps.size() == expected.size() && found.step == steps.back();
  for (std::size_t i = 0; right && i < steps.size(); ++i) {
    right = std::abs(steps[i] - expected[i]) <= 1e-9 * expected[i];
  }
  check(right, "a parabola with its bottom at " + std::to_string(bottom) + " from a step of " +
                   std::to_string(first_step));
}

// Where the loss is not finite there is no cubic: the middle of the bracket.
void test_a_wall() {
  Steps steps;
  const auto at = [&](double t) {
    steps.push_back(t);
    const double loss = t < 2 ? (t - 1) * (t - 1) : std::numeric_limits<double>::infinity();
    return LinePoint{t, loss, 2 * (t - 1)};
  };
  const LinePoint found = wolfe_search({0, 1, -2}, 4, WolfeRules{}, at);
  check(steps == Steps{4, 2, 1} && found.step == 1, "a wall halves the bracket");
}

// A slope that promises what the loss does not keep.
void test_no_decrease() {
  int evaluations = 0;
  const auto at = [&](double t) {
    ++evaluations;
    return LinePoint{t, 1 + t, 1};
  };
  WolfeRules rules;
  rules.max_evaluations = 7;
  const LinePoint found = wolfe_search({0, 1, -1}, 1, rules, at);
  check(found.step == 0 && evaluations == 7, "without a decrease there is no step");
}

}  // namespace

int main() {
  test_parabola(1, 1, {1});
  test_parabola(1, 5, {5, 1});
  test_parabola(7, 2, {2, 7});
  // A tenth of the bracket from its end, then within the smaller bracket.
  test_parabola(0.1, 5, {5, 0.5, 0.1});
  test_parabola(4.8, 10, {10, 4.8});
  // Further on by four times the last advance, by one at least; back from beyond the bottom.
  test_parabola(100, 1, {1, 5, 21, 85, 149, 100});
  test_a_wall();
  test_no_decrease();
  return verdict();
}
