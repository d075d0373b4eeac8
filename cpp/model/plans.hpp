// The plans there are.  Each says why it does not suit a training (empty text: it does), and whether it
// is the one to take if it suits.
#pragma once

#include "model/plan.hpp"

namespace shallowcore {

template <class T>
struct PlanKind {
  const char* name;
  std::string (*refusal)(const Problem<T>& problem);
  bool (*pays)(const Problem<T>& problem);
  std::unique_ptr<Plan<T>> (*make)(const Problem<T>& problem);
  bool takes_compressed_inputs = false;
};

// Full-batch methods, and the only one for these.
template <class T>
PlanKind<T> solver_plan();

// Dense layers narrower than a few vectors: samples in the lanes.
template <class T>
PlanKind<T> lanes_plan();

// Dense layers about as wide as a register tile, or wider.
template <class T>
PlanKind<T> panels_plan();
// Plain gradient descent on all samples, fewer than features: the first kernel as a combination of
// the samples, whose products are made once.
template <class T>
PlanKind<T> gram_plan();

// A first layer with one output, all samples, wide inputs: they are read once a step.
template <class T>
PlanKind<T> tiles_plan();

// Any network, in blocks of rows, layer by layer.
template <class T>
PlanKind<T> blocks_plan();

}  // namespace shallowcore
