// OpenBLAS as a contender of rivals.cpp: sgemm, or sgemv where one factor is a vector; loops for the
// rest.  Its threads are its own, so those loops stay on one thread.
#include <cblas.h>

#include "native/rivals_training.hpp"

namespace shallowcore::bench {
namespace {

// c (m, n) = a b, row-major; a transposed matrix is given as it lies.
void multiply(const float* a, bool transposed_a, const float* b, bool transposed_b, float* c,
              Index m, Index n, Index k) {
  const int rows = static_cast<int>(m), cols = static_cast<int>(n), depth = static_cast<int>(k);
  if (n == 1) {
    const int a_rows = transposed_a ? depth : rows, a_cols = transposed_a ? rows : depth;
    cblas_sgemv(CblasRowMajor, transposed_a ? CblasTrans : CblasNoTrans, a_rows, a_cols, 1, a,
                a_cols, b, 1, 0, c, 1);
    return;
  }
  cblas_sgemm(CblasRowMajor, transposed_a ? CblasTrans : CblasNoTrans,
              transposed_b ? CblasTrans : CblasNoTrans, rows, cols, depth, 1, a,
              transposed_a ? rows : depth, b, transposed_b ? depth : cols, 0, c, cols);
}

class LayerTask : public Task {
 public:
  explicit LayerTask(const Layer& layer)
      : layer_(layer), c_(static_cast<std::size_t>(layer.shape.m * layer.shape.n)) {}

  void run(int times) override {
    const Shape& s = layer_.shape;
    for (int i = 0; i < times; ++i) {
      multiply(layer_.a.data(), s.transposed_a(), layer_.b.data(), s.transposed_b(), c_.data(), s.m,
               s.n, s.k);
      if (s.role != Role::outputs) continue;
      add_rows(layer_.bias.data(), c_.data(), s.m, s.n);
      activate_in_place(s.activation, c_.data(), s.m * s.n);
    }
  }
  std::vector<float> values() override { return c_; }

 private:
  const Layer& layer_;
  std::vector<float> c_;
};

class TrainingTask : public LibraryTraining {
 public:
  explicit TrainingTask(const Training& training) : LibraryTraining(training) {
    for (const DenseLayer& layer : layers()) {
      const auto size = static_cast<std::size_t>(training.batch_size * layer.n_out);
      outputs_.emplace_back(size);
      gradients_.emplace_back(size);
    }
  }

 private:
  const float* forward(const float* x) override {
    const Index rows = training().batch_size;
    for (std::size_t i = 0; i < layers().size(); ++i) {
      const DenseLayer& layer = layers()[i];
      float* z = outputs_[i].data();
      multiply(x, false, layer.w, false, z, rows, layer.n_out, layer.n_in);
      add_rows(layer.b, z, rows, layer.n_out);
      if (i + 1 < layers().size()) {
        activate_in_place(training().binary() ? "tanh" : "relu", z, rows * layer.n_out);
      }
      x = z;
    }
    return x;
  }

  void backward(const float* x, const float* dz) override {
    const Index rows = training().batch_size;
    for (std::size_t i = layers().size(); i-- > 0;) {
      const DenseLayer& layer = layers()[i];
      const float* input = i == 0 ? x : outputs_[i - 1].data();
      multiply(input, true, dz, false, layer.dw, layer.n_in, layer.n_out, rows);
      sum_rows(dz, layer.db, rows, layer.n_out);
      if (i == 0) return;
      float* da = gradients_[i - 1].data();
      multiply(dz, false, layer.w, true, da, rows, layer.n_in, layer.n_out);
      multiply_by_slope(training().binary(), input, da, rows * layer.n_in);
      dz = da;
    }
  }

  std::vector<std::vector<float>> outputs_, gradients_;
};

}  // namespace

std::string contender_version() { return openblas_get_config(); }

std::unique_ptr<Task> layer_task(const Layer& layer, int threads) {
  openblas_set_num_threads(threads);
  return std::make_unique<LayerTask>(layer);
}

std::unique_ptr<Task> training_task(const Training& training, int threads) {
  openblas_set_num_threads(threads);
  return std::make_unique<TrainingTask>(training);
}

}  // namespace shallowcore::bench
