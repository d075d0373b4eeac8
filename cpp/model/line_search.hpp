// A step along a direction of descent that satisfies the strong Wolfe conditions.
#pragma once

#include <functional>

namespace shallowcore {

// A step, the loss there and its slope along the direction; an infinite loss where one is not finite.
struct LinePoint {
  double step = 0;
  double loss = 0;
  double slope = 0;
};

struct WolfeRules {
  double decrease = 1e-4;  // c1: loss <= loss(0) + c1 step slope(0)
  double curvature = 0.9;  // c2: |slope| <= c2 |slope(0)|
  double noise = 0;        // differences of the loss that mean nothing
  int max_evaluations = 20;
};

// Nocedal and Wright, Numerical Optimization, 2006, algorithms 3.5 and 3.6, with cubic interpolation
// kept away from the ends of the bracket.  Where the loss no longer resolves the decrease, its slope
// decides (Hager and Zhang's approximate Wolfe condition, 2005).  `at` evaluates a step; the last one
// it was asked for is the one returned.  Out of evaluations, the best step that lowers the loss will do; step
// 0 if there is none.
LinePoint wolfe_search(const LinePoint& start, double first_step, const WolfeRules& rules,
                       const std::function<LinePoint(double)>& at);

}  // namespace shallowcore
