// newton_cg: every step is an outer iteration on all samples.
#include <cmath>
#include <cstring>
#include <optional>

#include "model/newton_cg.hpp"
#include "model/plans.hpp"

namespace shallowcore {
namespace {

template <class T>
class NewtonPlan : public Plan<T> {
 public:
  explicit NewtonPlan(const Problem<T>& problem)
      : Plan<T>(problem),
        solver_(problem.network, problem.optimizer, problem.objective, problem.data),
        last_(problem.network.size()) {
    if (!problem.objective.metrics().empty()) {
      means_.emplace(problem.objective, problem.network, problem.data);
    }
  }

  int threads() const override {
    return threads_for(problem_.network, block_rows(problem_.network, problem_.data.rows()));
  }

  std::string summary() const override {
    return "plan: " + problem_.optimizer.name() + ", all samples in each step\n";
  }

  void begin() override {
    const Network<T>& network = problem_.network;
    if (std::memcmp(last_.data(), network.parameters(), bytes()) != 0) solver_.restart();
  }

  Outcome step(const std::int64_t*, Index, Index rows, Sums& sums, const Poll& poll) override {
    const Outcome outcome = solver_.step(poll);
    if (!std::isfinite(solver_.loss())) return Outcome::diverged;
    const double samples = static_cast<double>(rows);
    if (means_) {
      const std::vector<double> means = (*means_)(poll);
      for (std::size_t i = 0; i < sums.metrics.size(); ++i)
        sums.metrics[i] = means[i + 1] * samples;
    }
    sums.loss = solver_.loss() * samples;
    sums.samples = samples;
    return outcome;
  }

  void publish() override { std::memcpy(last_.data(), problem_.network.parameters(), bytes()); }
  double gradient_norm() const override { return solver_.gradient_norm(); }

 private:
  using Plan<T>::problem_;
  std::size_t bytes() const {
    return static_cast<std::size_t>(problem_.network.size()) * sizeof(T);
  }

  NewtonCG<T> solver_;
  Arena<T> last_;                      // parameters when the last run ended
  std::optional<Evaluator<T>> means_;  // of the metrics
};

}  // namespace

template <class T>
PlanKind<T> newton_plan() {
  return {"newton",
          [](const Problem<T>& problem) -> std::string {
            return problem.optimizer.full_batch() ? "" : "the optimizer is a first-order method";
          },
          [](const Problem<T>&) { return true; },
          [](const Problem<T>& problem) -> std::unique_ptr<Plan<T>> {
            return std::make_unique<NewtonPlan<T>>(problem);
          }};
}

template PlanKind<float> newton_plan();
template PlanKind<double> newton_plan();

}  // namespace shallowcore
