// Mean and variance of every column of a matrix of any readable type.
//
// In double, over blocks of rows, each with a mean of its own that is merged into the whole (Chan, Golub
// and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979): large
// numbers that differ little lose nothing, and a constant column has variance 0.
#pragma once

#include <functional>
#include <vector>

#include "core/view.hpp"

namespace shallowcore {

struct Moments {
  std::vector<double> means,
      variances;  // of each column; the variance is of all rows, not of a sample
};

// x has at least one row; of a mapped file, what has been read is given back.  `poll` is called now and
// then, and may throw to end the work.
Moments column_moments(const AnyMatrix& x, bool mapped, const std::function<void()>& poll);

}  // namespace shallowcore
