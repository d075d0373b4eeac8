// What the contenders of rivals.cpp should find, by plain loops in float64.
#pragma once

#include "native/rivals.hpp"

namespace shallowcore::bench {

// A value, and how far float32 arithmetic in any order may be from it.
struct Expected {
  double value;
  double tolerance;
};

// FANN's objective is half the squared error, its slopes taken with outputs clipped.
enum class Objective { cross_entropy, fann };

// Element i of the layer's product, activation included.
Expected expected_element(const Layer& layer, Index i);

// [mean loss of the last epoch, weights...] after check_epochs epochs.
std::vector<double> reference_training(const Training& training, Objective objective);

}  // namespace shallowcore::bench
