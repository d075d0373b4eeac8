#include "model/plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "model/plans.hpp"

namespace shallowcore {
namespace {

// In the order of preference: the first that suits and pays is taken.
template <class T>
std::vector<PlanKind<T>> plan_kinds() {
  return {solver_plan<T>(), lanes_plan<T>(),  gram_plan<T>(),
          tiles_plan<T>(),  panels_plan<T>(), blocks_plan<T>()};
}

template <class T>
std::string refusal(const PlanKind<T>& kind, const Problem<T>& problem) {
  if (problem.data.is_compressed() && !kind.takes_compressed_inputs) {
    return "the inputs are compressed rows";
  }
  return kind.refusal(problem);
}

template <class T>
PlanKind<T> forced(const std::string& name, const Problem<T>& problem) {
  std::string known;
  for (const PlanKind<T>& kind : plan_kinds<T>()) {
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
    if (name != kind.name) continue;
    const std::string why = refusal(kind, problem);
    if (why.empty()) return kind;
    throw InvalidState("SHALLOWCORE_FORCE_PLAN=" + name + " does not suit this training: " + why);
  }
  throw InvalidState("SHALLOWCORE_FORCE_PLAN must be one of " + known + ", got '" + name + "'");
}

template <class T>
PlanKind<T> chosen(const Problem<T>& problem) {
  const char* name = std::getenv("SHALLOWCORE_FORCE_PLAN");
  if (name != nullptr && *name != '\0') return forced(name, problem);
  for (const PlanKind<T>& kind : plan_kinds<T>()) {
    if (refusal(kind, problem).empty() && kind.pays(problem)) return kind;
  }
  throw InvalidState("no plan suits this training");
}

}  // namespace

template <class T>
Plan<T>::Plan(const Problem<T>& problem) : problem_(problem) {}

template <class T>
bool Plan<T>::keep() {
  const Network<T>& network = problem_.network;
  if (!kernels<T>().all_finite(network.parameters(), network.size())) return false;
  if (kept_.data() == nullptr) kept_ = Arena<T>(network.size(), Fill::none);
  std::copy_n(network.parameters(), network.size(), kept_.data());
  return true;
}

template <class T>
void Plan<T>::restore() {
  if (kept_.data() != nullptr) {
    std::copy_n(kept_.data(), problem_.network.size(), problem_.network.parameters());
  }
  problem_.optimizer.clear();
}

template <class T>
double Plan<T>::gradient_norm() const {
  return std::nan("");
}

std::vector<std::string> plan_names() {
  std::vector<std::string> names;
  for (const PlanKind<float>& kind : plan_kinds<float>()) names.push_back(kind.name);
  return names;
}

template <class T>
std::unique_ptr<Plan<T>> make_plan(const Problem<T>& problem) {
  return chosen(problem).make(problem);
}

template class Plan<float>;
template class Plan<double>;
template std::unique_ptr<Plan<float>> make_plan(const Problem<float>&);
template std::unique_ptr<Plan<double>> make_plan(const Problem<double>&);

}  // namespace shallowcore
