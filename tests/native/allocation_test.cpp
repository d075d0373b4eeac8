// Memory that runs out: the n-th allocation fails, for every n until none does.
//
// Making network, optimizer, data and trainer, training, stopping early, predicting, evaluating: each
// failure comes out as std::bad_alloc, leaves finite weights and no memory behind, and the same training
// tried again with memory has the bits of one that never failed.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#if defined(_WIN32)
#include <malloc.h>
#endif

#include "checks.hpp"
#include "core/threads.hpp"
#include "model/trainer.hpp"

namespace {

std::atomic<long> until_failure{-1};  // allocations that succeed before one fails; below 0: all do
std::atomic<long> alive{0};

void* allocate(std::size_t size, std::size_t alignment) {
  if (until_failure >= 0 && until_failure-- == 0) throw std::bad_alloc();
#if defined(_WIN32)
  void* memory = _aligned_malloc(size, alignment);
#else
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, size) != 0) memory = nullptr;
#endif
  if (memory == nullptr) throw std::bad_alloc();
  ++alive;
  return memory;
}

void deallocate(void* memory) {
  if (memory == nullptr) return;
  --alive;
#if defined(_WIN32)
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

constexpr std::size_t kPlain = alignof(std::max_align_t);

}  // namespace

void* operator new(std::size_t size) { return allocate(size, kPlain); }
void* operator new[](std::size_t size) { return allocate(size, kPlain); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { deallocate(memory); }
void operator delete[](void* memory) noexcept { deallocate(memory); }
void operator delete(void* memory, std::size_t) noexcept { deallocate(memory); }
void operator delete[](void* memory, std::size_t) noexcept { deallocate(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { deallocate(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { deallocate(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { deallocate(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { deallocate(memory); }

namespace {

using namespace shallowcore;
using namespace shallowcore::testing;

// What is trained: the plan that suits it is forced, "" the solver's own.
struct Case {
  const char* plan;
  const char* optimizer;
  std::map<std::string, double> settings;
  Index features, units, outputs;
  const char* activation;
  Index rows, batch;
  bool shuffle = false, fed = false;
};

const std::vector<Case> kCases = {
    {"lanes", "sgd", {{"momentum", 0.9}}, 5, 4, 1, "tanh", 60, 16, true},
    {"lanes", "adam", {{"amsgrad", 1}}, 5, 4, 1, "tanh", 60, 60},
    {"panels", "adam", {}, 30, 40, 3, "relu", 60, 16, true},
    {"panels", "rmsprop", {{"momentum", 0.5}, {"centered", 1}}, 30, 40, 1, "silu", 60, 60},
    {"panels", "adam", {}, 30, 40, 3, "relu", 60, 16, false, true},
    {"blocks", "nadam", {{"clipnorm", 0.1}}, 9, 12, 2, "elu", 60, 16, true},
    {"blocks", "rprop", {}, 9, 12, 2, "gelu", 60, 60},
    {"blocks", "adagrad", {}, 9, 12, 2, "tanh", 60, 16, false, true},
    {"gram", "sgd", {}, 90, 1, 1, "tanh", 20, 20},
    {"tiles", "adam", {}, 90, 1, 1, "tanh", 20, 20},
    {"", "lbfgs", {}, 9, 7, 1, "tanh", 60, 60},
    {"", "newton_cg", {}, 9, 7, 1, "tanh", 60, 60},
    {"", "levenberg_marquardt", {}, 9, 7, 1, "tanh", 60, 60},
};

constexpr Index kEpochs = 3;
long failures_injected = 0;

void force_plan(const char* name) {
#if defined(_WIN32)
  _putenv_s("SHALLOWCORE_FORCE_PLAN", name);
#else
  setenv("SHALLOWCORE_FORCE_PLAN", name, 1);
#endif
}

template <class T>
AnyMatrix matrix(const T* data, Index rows, Index cols) {
  constexpr Index size = sizeof(T);
  return {data, kDTypeOf<T>, rows, cols, cols * size, size};
}

template <class T>
struct Samples {
  explicit Samples(const Case& one)
      : x(numbers<T>(one.rows * one.features, 1)), y(numbers<T>(one.rows * one.outputs, 2)) {}

  Dataset rows(const Case& one, Index first, Index count) const {
    Dataset data;
    data.x = matrix(x.data() + first * one.features, count, one.features);
    data.y = matrix(y.data() + first * one.outputs, count, one.outputs);
    return data;
  }

  std::vector<T> x, y;
};

// A model whose memory is there; what fails is training it.
template <class T>
struct Model {
  explicit Model(const Case& one)
      : network(one.features, layers(one)), optimizer(network, one.optimizer, one.settings) {
    const auto start = numbers<T>(network.size(), 3);
    for (const Tensor& tensor : network.tensors()) {
      for (Index i = 0; i < tensor.size(); ++i) {
        const auto at = static_cast<std::size_t>(tensor.offset + i);
        network.parameters()[tensor.offset + i] = start[at] * T(0.3);
      }
    }
  }

  static std::vector<LayerSpec> layers(const Case& one) {
    LayerSpec hidden, output;
    hidden.units = one.units;
    hidden.activation.name = one.activation;
    output.units = one.outputs;
    return {hidden, output};
  }

  Network<T> network;
  Optimizer<T> optimizer;
};

// Batches of an epoch that is fed: the first is the smallest, so the second makes a new plan.
struct Rows {
  Index first, count;
};
Rows batch_of(const Case& one, Index batch) {
  const Index small = one.batch / 2;
  if (batch == 0) return {0, small};
  const Index first = small + (batch - 1) * one.batch;
  return {first, std::min(one.batch, one.rows - first)};
}

// What a training leaves: weights, losses, figures, predictions.
template <class T>
struct Result {
  std::uint64_t weights = 0;
  std::vector<double> losses, figures;
  std::vector<T> outputs;
  bool operator==(const Result&) const = default;
};

// A training that may be broken off anywhere, and goes on when it is asked to.
template <class T>
class Training {
 public:
  Training(const Case& one, const Samples<T>& samples)
      : one_(one),
        samples_(samples),
        all_(samples.rows(one, 0, one.rows)),
        current_(one.fed ? batch(0) : all_),
        model_(one) {}

  Network<T>& network() { return model_.network; }
  std::int64_t steps() const { return model_.optimizer.iterations(); }

  // To the end of the training, then figures and predictions.  `after_step` is called after each step.
  template <class F>
  Result<T> finish(F&& after_step) {
    if (!trainer_) start();
    while (trainer_->epoch() < kEpochs && trainer_->stop_reason() == StopReason::none) {
      one_.fed ? feed() : static_cast<void>(trainer_->run(kEpochs, 1e9, Poll(), 1));
      after_step();
    }
    LossSpec loss;
    loss.name = "mean_squared_error";
    const Objective<T> objective(network(), loss, {"mse"});
    Result<T> result{network().digest(), trainer_->history(0).at("loss"), {}, {}};
    result.figures = Evaluator<T>(objective, network(), all_)(Poll());
    result.outputs.resize(static_cast<std::size_t>(one_.rows * one_.outputs));
    predict<T>(network(), all_, result.outputs.data(), Poll(), false);
    return result;
  }

 private:
  Dataset batch(Index i) const {
    const Rows rows = batch_of(one_, i);
    Dataset data = samples_.rows(one_, rows.first, rows.count);
    data.fed = true;
    return data;
  }

  void start() {
    LossSpec loss;
    loss.name = "mean_squared_error";
    TrainingOptions options;
    options.batch_size = one_.fed ? current_.rows() : one_.batch;
    options.shuffle = one_.shuffle;
    options.epochs = kEpochs;
    auto made = std::make_unique<Trainer<T>>(model_.network, model_.optimizer, loss,
                                             std::vector<std::string>{"mse"}, current_,
                                             one_.fed ? nullptr : &all_, options);
    made->watch({{"loss", false, 0, 100, {}, true, 0}}, 0);
    trainer_ = std::move(made);
  }

  void feed() {
    if (batch_of(one_, trainer_->batch()).first >= one_.rows) return trainer_->end_epoch(Poll());
    current_ = batch(trainer_->batch());
    trainer_->feed(Poll(), true);
  }

  const Case& one_;
  const Samples<T>& samples_;
  Dataset all_, current_;
  Model<T> model_;
  std::unique_ptr<Trainer<T>> trainer_;
};

template <class T>
void test_case(const Case& one) {
  const std::string name = std::string(one.plan) + " " + one.optimizer + (one.fed ? ", fed" : "");
  force_plan(one.plan);
  const Samples<T> samples(one);
  std::vector<std::uint64_t> weights;  // after 0, 1, ... steps
  Result<T> right;
  {
    Training<T> training(one, samples);
    weights.push_back(training.network().digest());
    right = training.finish([&] {
      if (static_cast<std::size_t>(training.steps()) < weights.size()) return;
      weights.push_back(training.network().digest());
    });
  }
  check(weights.size() > 3 && right.losses.size() == kEpochs, name + ": trains");

  bool failed = true;
  long n = 0;
  for (; failed; ++n) {
    const long before = alive;
    failed = false;
    until_failure = n;
    try {
      auto training = std::make_unique<Training<T>>(one, samples);
      const auto nothing = [] {};
      try {
        const Result<T> found = training->finish(nothing);
        until_failure = -1;
        check(found == right, name + ": bits");
      } catch (const std::bad_alloc&) {
        until_failure = -1;
        failed = true;
        const auto steps = static_cast<std::size_t>(training->steps());
        check(steps < weights.size() && training->network().digest() == weights[steps],
              name + ": weights of a whole step after failure " + std::to_string(n));
        check(training->finish(nothing) == right,
              name + ": another try after failure " + std::to_string(n));
      }
    } catch (const std::bad_alloc&) {
      until_failure = -1;
      failed = true;
    }
    const bool left = alive != before;  // the message, too, allocates
    check(!left, name + ": memory left behind after failure " + std::to_string(n));
  }
  failures_injected += n - 1;
}

}  // namespace

int main() {
  set_num_threads(1);
  for (const Case& one : kCases) {
    test_case<float>(one);
    test_case<double>(one);
  }
  std::printf("%ld allocations failed\n", failures_injected);
  return verdict();
}
