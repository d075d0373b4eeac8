// Loss and gradient of all samples as one batch, again and again: nothing is allocated in between.
#pragma once

#include "model/objective.hpp"

namespace shallowcore {

template <class T>
class FullBatch {
 public:
  FullBatch(const Objective<T>& objective, const Network<T>& network, const Dataset& data);

  // Loss with penalties at the network's parameters; gradient (network.size()) is overwritten.
  double operator()(T* gradient, const Poll& poll);
  // Means of the last call.
  double metric(std::size_t i) const { return sums_.mean(i + 1); }

 private:
  const Objective<T>& objective_;
  const Network<T>& network_;
  Pass<T> pass_;
  BatchReader<T> reader_;
  Sums sums_;
};

// The same once, with a team at hand; a FullBatch uses that of its caller.
template <class T>
double loss_and_gradient(const Objective<T>& objective, const Network<T>& network,
                         const Dataset& data, T* gradient, const Poll& poll);

}  // namespace shallowcore
