// What a user writes around a library that multiplies matrices: batches, losses, updates.
//
// Plain loops, compiled as such a user would (rivals' flags in CMakeLists.txt: the machine's own
// instructions, -ffast-math, so that they are vectorised, exp, log and tanh included).  Long updates
// run on OpenMP threads in contenders whose library uses OpenMP itself.
#pragma once

#include <random>

#include "native/rivals.hpp"

namespace shallowcore::bench {

// One dense layer: w (n_in, n_out) row-major, b (n_out,), and the gradients of both.
struct DenseLayer {
  Index n_in, n_out;
  float *w, *b, *dw, *db;
};

void tanh_in_place(float* z, Index n);
void sigmoid_in_place(float* z, Index n);
void relu_in_place(float* z, Index n);
void activate_in_place(const std::string& activation, float* z, Index n);
// da *= slope of tanh or relu, from the output a.
void multiply_by_slope(bool tanh, const float* a, float* da, Index n);
// z (rows, cols) += bias
void add_rows(const float* bias, float* z, Index rows, Index cols);
// out (cols) = column sums of d (rows, cols)
void sum_rows(const float* d, float* out, Index rows, Index cols);

class LibraryTraining : public Task {
 public:
  explicit LibraryTraining(const Training& training);
  void run(int times) override;
  std::vector<float> values() override;

 protected:
  // Logits (batch_size, n_outputs) of x (batch_size, n_features).
  virtual const float* forward(const float* x) = 0;
  // Every layer's dw and db, from the loss' gradient in the logits; forward of x came before.
  virtual void backward(const float* x, const float* dz) = 0;

  const Training& training() const { return training_; }
  const std::vector<DenseLayer>& layers() const { return layers_; }

 private:
  void step(Index batch);
  void update();

  const Training& training_;
  std::vector<float> weights_, gradient_, mean_, square_;  // each like Training::weights
  std::vector<DenseLayer> layers_;
  std::vector<float> x_, y_, dz_;
  std::vector<int> labels_;
  std::vector<Index> order_;
  std::mt19937 random_{2};
  double loss_ = 0, last_loss_ = 0;
  int iteration_ = 0;
};

}  // namespace shallowcore::bench
