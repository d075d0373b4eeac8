// Trainers without Python: batches that are fed one by one, early stopping, limits of batches.
#include <string>
#include <vector>

#include "checks.hpp"
#include "model/trainer.hpp"

namespace {

using namespace shallowcore;
using namespace shallowcore::testing;

constexpr Index kFeatures = 40, kRows = 90;

// A network with its optimizer, and samples.
template <class T>
struct Scene {
  explicit Scene(Index units) : x(numbers<T>(kRows * kFeatures, 5)), network(make(units)) {
    const auto start = numbers<T>(network.size(), 4);
    for (Index i = 0; i < network.size(); ++i) {
      network.parameters()[i] = start[static_cast<std::size_t>(i)] * T(0.2);
    }
    for (Index i = 0; i < kRows; ++i) labels.push_back(static_cast<std::int32_t>(i * i % 3));
  }

  static Network<T> make(Index units) {
    LayerSpec hidden, output;
    hidden.units = units;
    hidden.activation.name = "tanh";
    output.units = 3;
    output.activation.name = "softmax";
    return {kFeatures, {hidden, output}};
  }

  static Dataset data_of(const T* x, const std::int32_t* labels, Index rows) {
    Dataset data;
    constexpr Index size = sizeof(T);
    data.x = {x, kDTypeOf<T>, rows, kFeatures, kFeatures * size, size};
    data.labels = labels;
    return data;
  }

  Trainer<T> trainer(const Dataset& data, TrainingOptions options) {
    LossSpec loss;
    loss.name = "sparse_categorical_crossentropy";
    return {network, optimizer, loss, {"accuracy"}, data, nullptr, options};
  }

  std::vector<T> x;
  std::vector<std::int32_t> labels;
  Network<T> network;
  Optimizer<T> optimizer{network, "adam", {}};
};

// Batches in memory of their own size (which an address sanitizer guards) give the bits of the whole
// set in order; so do runs of one batch.
template <class T>
void test_feed(Index units) {
  constexpr Index batch = 32, epochs = 3;
  const TrainingOptions options{batch, false, 0, 0, epochs};
  Scene<T> whole(units), fed(units), by_batches(units);
  const Dataset every = Scene<T>::data_of(whole.x.data(), whole.labels.data(), kRows);
  auto trainer = whole.trainer(every, options);
  trainer.run(epochs, 1e9, Poll());

  auto steps = by_batches.trainer(every, options);
  while (!steps.run(epochs, 1e9, Poll(), 1)) {
  }
  check(by_batches.network.digest() == whole.network.digest(), "runs of single batches");
  check(steps.history(0) == trainer.history(0), "their history");

  Dataset current = Scene<T>::data_of(fed.x.data(), fed.labels.data(), batch);
  current.fed = true;
  auto feeder = fed.trainer(current, options);
  for (Index epoch = 0; epoch < epochs; ++epoch) {
    for (Index first = 0; first < kRows; first += batch) {
      const Index rows = std::min(batch, kRows - first);
      const std::vector<T> x(fed.x.begin() + first * kFeatures,
                             fed.x.begin() + (first + rows) * kFeatures);
      const std::vector<std::int32_t> labels(fed.labels.begin() + first,
                                             fed.labels.begin() + first + rows);
      current = Scene<T>::data_of(x.data(), labels.data(), rows);
      current.fed = true;
      feeder.feed(Poll());
    }
    feeder.end_epoch(Poll());
  }
  check(fed.network.digest() == whole.network.digest(), "fed batches");
  check(feeder.history(0) == trainer.history(0), "history of fed batches");
}

// A larger batch makes a new plan; labels out of range are refused and change nothing.
template <class T>
void test_larger_batches() {
  Scene<T> scene(16);
  Dataset current = Scene<T>::data_of(scene.x.data(), scene.labels.data(), 8);
  current.fed = true;
  auto trainer = scene.trainer(current, {8, false, 0, 0, 2});
  for (const Index rows : {Index{8}, kRows, Index{3}}) {
    current.x.rows = rows;
    trainer.feed(Poll());
  }
  trainer.end_epoch(Poll());
  check(trainer.epoch() == 1 && scene.optimizer.iterations() == 3, "larger batches");
  const std::uint64_t before = scene.network.digest();
  scene.labels[1] = 3;
  bool refused = false;
  try {
    trainer.feed(Poll());
  } catch (const InvalidArgument&) {
    refused = true;
  }
  trainer.leave();
  check(refused && scene.network.digest() == before, "labels out of range");
}

// A loss that can only fall stops a rule that wants it to rise.
template <class T>
void test_watch() {
  Scene<T> scene(16), once(16);
  const Dataset data = Scene<T>::data_of(scene.x.data(), scene.labels.data(), kRows);
  auto trainer = scene.trainer(data, {kRows, false, 0, 0, 100});
  trainer.watch({{"loss", true, 0, 4, {}, true, 0}}, 10);
  trainer.run(100, 1e9, Poll());
  const Watch<T>& watch = trainer.watches().front();
  check(trainer.stop_reason() == StopReason::early && trainer.epoch() == 5, "stops early");
  check(watch.best_epoch() == 10 && watch.stopped_epoch() == 14 && watch.wait() == 4, "its state");
  once.trainer(data, {kRows, false, 0, 0, 100}).run(1, 1e9, Poll());
  std::copy_n(watch.best_parameters(), scene.network.size(), scene.network.parameters());
  check(once.network.digest() == scene.network.digest(), "the best parameters");
}

template <class T>
void test_type() {
  for (const Index units : {8, 64, 130}) test_feed<T>(units);
  test_larger_batches<T>();
  test_watch<T>();
}

}  // namespace

int main() {
  test_type<float>();
  test_type<double>();
  return verdict();
}
