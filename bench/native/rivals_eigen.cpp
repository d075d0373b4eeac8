// Eigen as a contender of rivals.cpp: matrix products and array expressions; its OpenMP threads.
#include <Eigen/Core>

#include "native/rivals_training.hpp"

namespace shallowcore::bench {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Input = Eigen::Map<const Matrix>;
using Output = Eigen::Map<Matrix>;
using Row = Eigen::Map<const Eigen::RowVectorXf>;

void activate(const std::string& activation, Matrix& z) {
  if (activation == "tanh") z.array() = z.array().tanh();
  if (activation == "sigmoid") z.array() = z.array().logistic();
  if (activation == "relu") z.array() = z.array().max(0.f);
}

class LayerTask : public Task {
 public:
  explicit LayerTask(const Layer& layer) : layer_(layer), c_(layer.shape.m, layer.shape.n) {}

  void run(int times) override {
    for (int i = 0; i < times; ++i) run_once();
  }
  std::vector<float> values() override { return {c_.data(), c_.data() + c_.size()}; }

 private:
  void run_once() {
    const Shape& s = layer_.shape;
    const float *a = layer_.a.data(), *b = layer_.b.data();
    switch (s.role) {
      case Role::outputs:
        c_.noalias() = Input(a, s.m, s.k) * Input(b, s.k, s.n);
        c_.rowwise() += Row(layer_.bias.data(), s.n);
        return activate(s.activation, c_);
      case Role::kernel_gradient:
        c_.noalias() = Input(a, s.k, s.m).transpose() * Input(b, s.k, s.n);
        return;
      case Role::input_gradient:
        c_.noalias() = Input(a, s.m, s.k) * Input(b, s.n, s.k).transpose();
        return;
    }
  }

  const Layer& layer_;
  Matrix c_;
};

class TrainingTask : public LibraryTraining {
 public:
  explicit TrainingTask(const Training& training) : LibraryTraining(training) {
    for (const DenseLayer& layer : layers()) {
      outputs_.emplace_back(training.batch_size, layer.n_out);
      gradients_.emplace_back(training.batch_size, layer.n_out);
    }
  }

 private:
  const float* forward(const float* x) override {
    for (std::size_t i = 0; i < layers().size(); ++i) {
      const DenseLayer& layer = layers()[i];
      Matrix& z = outputs_[i];
      z.noalias() = Input(x, z.rows(), layer.n_in) * Input(layer.w, layer.n_in, layer.n_out);
      z.rowwise() += Row(layer.b, layer.n_out);
      if (i + 1 < layers().size()) activate(training().binary() ? "tanh" : "relu", z);
      x = z.data();
    }
    return x;
  }

  void backward(const float* x, const float* d) override {
    const Index rows = training().batch_size;
    for (std::size_t i = layers().size(); i-- > 0;) {
      const DenseLayer& layer = layers()[i];
      const Input dz(d, rows, layer.n_out);
      const Input input(i == 0 ? x : outputs_[i - 1].data(), rows, layer.n_in);
      Output(layer.dw, layer.n_in, layer.n_out).noalias() = input.transpose() * dz;
      Eigen::Map<Eigen::RowVectorXf>(layer.db, layer.n_out) = dz.colwise().sum();
      if (i == 0) return;
      Matrix& da = gradients_[i - 1];
      da.noalias() = dz * Input(layer.w, layer.n_in, layer.n_out).transpose();
      if (training().binary()) {
        da.array() *= 1 - input.array().square();
      } else {
        da.array() = (input.array() > 0).select(da.array(), 0);
      }
      d = da.data();
    }
  }

  std::vector<Matrix> outputs_, gradients_;
};

}  // namespace

std::string contender_version() {
  return "Eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." +
         std::to_string(EIGEN_MAJOR_VERSION) + "." + std::to_string(EIGEN_MINOR_VERSION) + ", " +
         Eigen::SimdInstructionSetsInUse();
}

std::unique_ptr<Task> layer_task(const Layer& layer, int threads) {
  Eigen::setNbThreads(threads);
  return std::make_unique<LayerTask>(layer);
}

std::unique_ptr<Task> training_task(const Training& training, int threads) {
  Eigen::setNbThreads(threads);
  return std::make_unique<TrainingTask>(training);
}

}  // namespace shallowcore::bench
