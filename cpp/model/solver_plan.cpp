// Full-batch methods: every step is an iteration of a solver on all samples.
#include <cmath>
#include <cstring>

#include "model/plans.hpp"
#include "model/solver.hpp"

namespace shallowcore {
namespace {

template <class T>
class SolverPlan : public Plan<T> {
 public:
  explicit SolverPlan(const Problem<T>& problem)
      : Plan<T>(problem), solver_(make_solver<T>(problem)), last_(problem.network.size()) {}

  int threads() const override {
    if (team_size(solver_->own_flops()) > 1) return workspace_threads();
    return threads_for(problem_.network, block_rows(problem_.network, problem_.data.rows()));
  }

  std::string summary() const override {
    return "plan: solver, " + problem_.optimizer.name() + " on all samples in each step\n";
  }

  void begin() override {
    const Network<T>& network = problem_.network;
    if (std::memcmp(last_.data(), network.parameters(), bytes()) != 0) solver_->restart();
  }

  Outcome step(const std::int64_t*, Index, Index rows, Sums& sums, const Poll& poll) override {
    const Outcome outcome = solver_->step(poll);
    if (!std::isfinite(solver_->loss())) return Outcome::diverged;
    const double samples = static_cast<double>(rows);
    for (std::size_t i = 0; i < sums.metrics.size(); ++i) {
      sums.metrics[i] = solver_->metric(i) * samples;
    }
    sums.loss = solver_->loss() * samples;
    sums.samples = samples;
    return outcome;
  }

  void publish() override { std::memcpy(last_.data(), problem_.network.parameters(), bytes()); }
  double gradient_norm() const override { return solver_->gradient_norm(); }

 private:
  using Plan<T>::problem_;
  std::size_t bytes() const {
    return static_cast<std::size_t>(problem_.network.size()) * sizeof(T);
  }

  std::unique_ptr<Solver<T>> solver_;
  Arena<T> last_;  // parameters when the last run ended
};

}  // namespace

template <class T>
PlanKind<T> solver_plan() {
  return {"solver",
          [](const Problem<T>& problem) -> std::string {
            return problem.optimizer.full_batch() ? "" : "the optimizer is a first-order method";
          },
          [](const Problem<T>&) { return true; },
          [](const Problem<T>& problem) -> std::unique_ptr<Plan<T>> {
            return std::make_unique<SolverPlan<T>>(problem);
          },
          true};
}

template PlanKind<float> solver_plan();
template PlanKind<double> solver_plan();

}  // namespace shallowcore
