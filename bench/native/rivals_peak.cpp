// The peak as a contender of rivals.cpp: as many multiply-adds as the problem's products have, on
// registers only.
#include "kernels/table.hpp"
#include "native/peak_rate.hpp"
#include "native/rivals.hpp"

namespace shallowcore::bench {
namespace {

// Handing work to threads costs time that is no arithmetic, so little of it waits for more.
constexpr double kLeastOperations = 2e7;

class Peak : public Task {
 public:
  Peak(double flops, int threads) : flops_(flops), threads_(threads) {}
  void run(int times) override {
    owed_ += times * flops_;
    if (owed_ >= kLeastOperations) owed_ -= run_at_peak<float>(owed_, threads_);
  }
  std::vector<float> values() override { return {}; }

 private:
  double flops_, owed_ = 0;
  int threads_;
};

}  // namespace

std::string contender_version() {
  return std::string("multiply-adds on ") + kernels<float>().isa + " registers";
}

std::unique_ptr<Task> layer_task(const Layer& layer, int threads) {
  return std::make_unique<Peak>(layer.shape.flops(), threads);
}

std::unique_ptr<Task> training_task(const Training& training, int threads) {
  return std::make_unique<Peak>(training.flops() * static_cast<double>(training.steps()), threads);
}

}  // namespace shallowcore::bench
