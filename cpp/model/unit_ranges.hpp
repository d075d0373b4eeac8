// What the units of a network do on some data: for reports on units that have stopped learning.
#pragma once

#include <vector>

#include "model/objective.hpp"

namespace shallowcore {

// Least and greatest output of every unit of one stage.
template <class T>
struct UnitRanges {
  std::vector<T> least, greatest;
};

// Of all stages, over all samples of data.x.
template <class T>
std::vector<UnitRanges<T>> unit_ranges(const Network<T>& network, const Dataset& data,
                                       const Poll& poll);

}  // namespace shallowcore
