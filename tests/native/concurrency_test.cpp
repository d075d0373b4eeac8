// Threads of the caller's own, each with a team of the core's: trainings side by side, predictions by
// one network at once, jobs whose end the next one must not meet.  For the thread sanitizer above all.
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "checks.hpp"
#include "core/team.hpp"
#include "core/threads.hpp"
#include "model/pass.hpp"
#include "model/trainer.hpp"

namespace {

using namespace shallowcore;
using namespace shallowcore::testing;

constexpr Index kFeatures = 64, kRows = 600, kUnits = 96;
constexpr int kCallers = 3;

std::vector<LayerSpec> layers() {
  LayerSpec hidden, output;
  hidden.units = kUnits;
  hidden.activation.name = "tanh";
  output.units = 10;
  output.activation.name = "softmax";
  return {hidden, output};
}

template <class T>
void initialize(Network<T>& network, std::uint32_t seed) {
  const auto start = numbers<T>(network.size(), seed);
  for (Index i = 0; i < network.size(); ++i) {
    network.parameters()[i] = start[static_cast<std::size_t>(i)] * T(0.1);
  }
}

// work(caller) on threads of their own, all at once.
template <class F>
void at_once(F&& work) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller)
    callers.emplace_back([&, caller] { work(caller); });
  for (std::thread& caller : callers) caller.join();
}

// The parameters' digest after a training by Adam or by a full-batch method.
template <class T>
std::uint64_t trained(std::uint32_t seed, const std::string& method) {
  Network<T> network(kFeatures, layers());
  initialize(network, seed);
  const auto x = numbers<T>(kRows * kFeatures, seed + 100);
  std::vector<std::int32_t> labels(kRows);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i * i % 10);
  Dataset data;
  constexpr Index size = sizeof(T);
  data.x = {x.data(), kDTypeOf<T>, kRows, kFeatures, kFeatures * size, size};
  data.labels = labels.data();
  LossSpec loss;
  loss.name = "sparse_categorical_crossentropy";
  const bool in_batches = method == "adam";
  Optimizer<T> optimizer(network, method, {});
  const TrainingOptions options{in_batches ? 256 : kRows, in_batches, seed, 0, 2};
  Trainer<T> trainer(network, optimizer, loss, {"accuracy"}, data, &data, options);
  while (!trainer.run(2, 0.001, Poll())) {
  }
  return network.digest();
}

template <class T>
void test_trainings(const std::string& method) {
  set_num_threads(1);
  std::vector<std::uint64_t> alone(kCallers), together(kCallers);
  for (int i = 0; i < kCallers; ++i) {
    alone[static_cast<std::size_t>(i)] = trained<T>(static_cast<std::uint32_t>(i), method);
  }
  set_num_threads(4);
  at_once([&](int i) {
    together[static_cast<std::size_t>(i)] = trained<T>(static_cast<std::uint32_t>(i), method);
  });
  check(alone == together, "trainings side by side by " + method);
}

// One network, read by passes of several callers, while another sets the number of threads.
template <class T>
void test_predictions() {
  Network<T> network(kFeatures, layers());
  initialize(network, 1);
  const auto x = numbers<T>(kRows * kFeatures, 2);
  const auto predicted = [&] {
    Pass<T> pass(network, kRows, Use::predict);
    const T* outputs = pass.forward(row_major<const T>(x.data(), kRows, kFeatures), false);
    return std::vector<T>(outputs, outputs + kRows * network.n_outputs());
  };
  set_num_threads(1);
  const std::vector<T> alone = predicted();
  std::atomic<bool> same{true};
  at_once([&](int caller) {
    for (int round = 0; round < 5; ++round) {
      set_num_threads(1 + (caller + round) % 4);
      if (predicted() != alone) same = false;
    }
  });
  check(same, "predictions by one network at once");
}

// What chunks write without atomics is seen by the body, and by the next job's chunks on any thread;
// failures of chunks come out at the caller whose they are.
void test_jobs() {
  std::atomic<bool> right{true};
  at_once([&](int caller) {
    std::vector<int> values(97);
    {
      const Team team(4);
      for (int job = 1; job <= 100; ++job) {
        for_chunks(97, 1 + (caller + job) % 4, [&](Index chunk, int) {
          const auto i = static_cast<std::size_t>(chunk);
          if (++values[i] != job) right = false;
        });
        for (const int value : values) {
          if (value != job) right = false;
        }
      }
    }
    for (int round = 0; round < 20; ++round) {
      std::string message;
      try {
        for_chunks(50, 4, [&](Index chunk, int) {
          if (chunk % 7 == caller) throw std::runtime_error(std::to_string(caller));
        });
      } catch (const std::runtime_error& error) {
        message = error.what();
      }
      if (message != std::to_string(caller)) right = false;
    }
  });
  check(right, "jobs and failures of several callers");
}

template <class T>
void test_type() {
  for (const char* method : {"adam", "lbfgs", "newton_cg"}) test_trainings<T>(method);
  test_predictions<T>();
}

}  // namespace

int main() {
  test_jobs();
  test_type<float>();
  test_type<double>();
  return verdict();
}
