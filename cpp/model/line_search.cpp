#include "model/line_search.hpp"

#include <algorithm>
#include <cmath>

namespace shallowcore {
namespace {

// Minimum of the cubic through both points with their slopes (Nocedal and Wright, 3.59); NaN where it
// has none.
double cubic_minimum(const LinePoint& a, const LinePoint& b) {
  const double width = b.step - a.step;
  const double d1 = a.slope + b.slope - 3 * (b.loss - a.loss) / width;
  const double d2 = std::copysign(std::sqrt(d1 * d1 - a.slope * b.slope), width);
  return b.step - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
}

// The cubic's minimum if it is at least a tenth of the bracket away from its ends, else what of that
// is nearest; the middle where there is no minimum.
double between(const LinePoint& low, const LinePoint& high) {
  const double width = high.step - low.step, step = cubic_minimum(low, high);
  if (!std::isfinite(step)) return low.step + width / 2;
  const double one = low.step + 0.1 * width, other = high.step - 0.1 * width;
  return std::clamp(step, std::min(one, other), std::max(one, other));
}

// Further on: where the cubic has its minimum, but by one to four times the last advance.
double beyond(const LinePoint& before, const LinePoint& point) {
  const double advance = point.step - before.step, step = cubic_minimum(before, point);
  const double least = point.step + advance, most = point.step + 4 * advance;
  return std::isfinite(step) ? std::clamp(step, least, most) : most;
}

class Search {
 public:
  Search(const LinePoint& start, const WolfeRules& rules,
         const std::function<LinePoint(double)>& at)
      : start_(start), rules_(rules), at_(at), left_(rules.max_evaluations) {}

  LinePoint bracket(double step) {
    LinePoint before = start_;
    while (left_ > 0) {
      const LinePoint point = evaluate(step);
      const bool first = before.step == 0;
      if (!decreases(point) || (!first && higher(point, before))) return zoom(before, point);
      if (is_flat(point)) return point;
      if (point.slope >= 0) return zoom(point, before);
      step = beyond(before, point);
      before = point;
    }
    return settle();
  }

 private:
  // low has the lower loss, and slopes towards high.
  LinePoint zoom(LinePoint low, LinePoint high) {
    while (left_ > 0) {
      const LinePoint point = evaluate(between(low, high));
      if (!decreases(point) || higher(point, low)) {
        high = point;
        continue;
      }
      if (is_flat(point)) return point;
      if (point.slope * (high.step - low.step) >= 0) high = low;
      low = point;
    }
    return settle();
  }

  LinePoint evaluate(double step) {
    --left_;
    last_ = at_(step);
    const double lowest = best_.step == 0 ? start_.loss : best_.loss;
    if (decreases(last_) && last_.loss < lowest) best_ = last_;
    return last_;
  }

  // The best of all, evaluated last.
  LinePoint settle() {
    return best_.step == last_.step || best_.step == 0 ? best_ : at_(best_.step);
  }

  bool decreases(const LinePoint& p) const {
    const double decrease = -rules_.decrease * p.step * start_.slope;
    if (p.loss < start_.loss && p.loss <= start_.loss - decrease) return true;
    const bool level = p.loss <= start_.loss + rules_.noise && decrease <= rules_.noise;
    return level && p.slope <= (2 * rules_.decrease - 1) * start_.slope;
  }
  bool higher(const LinePoint& p, const LinePoint& q) const {
    return p.loss > q.loss + rules_.noise;
  }
  bool is_flat(const LinePoint& p) const {
    return std::abs(p.slope) <= -rules_.curvature * start_.slope;
  }

  const LinePoint start_;
  const WolfeRules rules_;
  const std::function<LinePoint(double)>& at_;
  int left_;
  LinePoint best_, last_;
};

}  // namespace

LinePoint wolfe_search(const LinePoint& start, double first_step, const WolfeRules& rules,
                       const std::function<LinePoint(double)>& at) {
  return Search(start, rules, at).bracket(first_step);
}

}  // namespace shallowcore
