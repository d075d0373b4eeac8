// What is minimised and what is reported: the loss of a network on data, its penalties, its metrics.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "model/batches.hpp"
#include "model/pass.hpp"

namespace shallowcore {

// Called now and then in long computations; throws to end them.
using Poll = std::function<void()>;

// Weighted sums over samples; divided by the number of samples at the end.
struct Sums {
  double loss = 0;
  double samples = 0;
  std::vector<double> metrics;

  void clear();
  void add(const Sums& other);
  // [loss, metrics...] means, and number i of them
  std::vector<double> means() const;
  double mean(std::size_t i) const;
};

// A loss's own parameters as LossArgs wants them, for so many outputs; InvalidArgument for names or
// numbers of values that do not fit.
template <class T>
std::vector<T> loss_parameters(const LossSpec& spec, Index n_outputs);

template <class T>
class Objective {
 public:
  Objective(const Network<T>& network, const LossSpec& loss,
            const std::vector<std::string>& metrics);

  const LossKernels<T>& loss() const { return loss_; }
  // The loss is computed from the last stage's logits (its activation is the loss's link).
  bool fused() const { return fused_; }
  bool takes_integer_labels() const { return loss_.integer_labels; }
  const std::vector<std::string>& metrics() const { return metric_names_; }
  void check_targets(const Dataset& data) const;
  // The batches that come have so many samples and so much weight: their losses are means over the
  // weight instead of over the samples, and penalties count one part in it.
  void divide_by_weight(Index samples, double weight);
  Penalty of_batch(const Penalty& penalty) const {
    return {penalty.l1 * penalty_part_, penalty.l2 * penalty_part_};
  }

  // Loss and metrics of a block of a batch of n_samples, from what the network gave for it (logits
  // where fused()); adds to sums, and puts the gradient with respect to it into d unless that is null
  // (d may not be prediction where there are metrics, which overwrite it with the outputs).
  void add_loss(const Block<T>& block, T* prediction, Index n_samples, T* d, Sums& sums) const;

  // Forward pass and loss of a block that belongs to a batch of n_samples; adds to sums, and the
  // parameters' gradient of (loss sum) / n_samples to `gradient` unless that is null.
  void add_block(Pass<T>& pass, const Block<T>& block, Index n_samples, T* gradient,
                 Sums& sums) const;

  // Penalties of the current parameters; their gradient is added unless null.
  double add_penalties(T* gradient) const;

  // gradient of the loss in the prediction, times tangent (Hessian of the loss alone): see LossArgs.
  LossArgs<T> loss_args(const Block<T>& block, const T* prediction, Index n_samples,
                        T* gradient) const;
  bool from_logits() const { return from_logits_; }

 private:
  enum class Metric { binary_accuracy, categorical_accuracy, mse, mae };
  double measure(Metric metric, const Block<T>& block, const T* outputs) const;
  double row_measure(Metric metric, const T* outputs, const T* y) const;

  const Network<T>& network_;
  LossSpec spec_;
  double loss_part_ = 1, penalty_part_ = 1;
  const LossKernels<T>& loss_;
  std::vector<T> parameters_;
  bool fused_;
  bool from_logits_;
  bool is_hinge_;
  std::vector<std::string> metric_names_;
  std::vector<Metric> metrics_;
};

// Rows of a block: as many of `rows` as keep the buffers in cache and a block short in time.
template <class T>
Index block_rows(const Network<T>& network, Index rows);

// Threads worth having at hand for blocks of that many rows.
template <class T>
int threads_for(const Network<T>& network, Index rows);

// The same for one call that goes over `rows` in blocks of `most`, and for which a team must wake.
template <class T>
int threads_of_call(const Network<T>& network, Index rows, Index most);

// f(first, count) over consecutive blocks of at most `most` rows.
template <class F>
void for_blocks(Index rows, Index most, const Poll& poll, F&& f) {
  for (Index first = 0; first < rows; first += most) {
    f(first, std::min(most, rows - first));
    if (poll) poll();
  }
}

// Means over a data set, ready to be taken again and again: [loss with penalties, metrics...].
template <class T>
class Evaluator {
 public:
  Evaluator(const Objective<T>& objective, const Network<T>& network, const Dataset& data);
  std::vector<double> operator()(const Poll& poll);

 private:
  const Objective<T>& objective_;
  const Network<T>& network_;
  Pass<T> pass_;
  BatchReader<T> reader_;
  Sums sums_;
};

// out (rows, n_outputs) = outputs for data.x.  With `look`, x is contiguous and of T, and NaN or infinity
// in it ends the work: false.
template <class T>
bool predict(const Network<T>& network, const Dataset& data, T* out, const Poll& poll, bool look);

// The same bits for one row of finite numbers, at less cost and without threads; false, and nothing
// done, where the network is too large or too special for that.
template <class T>
bool predict_row(const Network<T>& network, const T* x, T* out);

}  // namespace shallowcore
