#include "model/objective.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/registry.hpp"

namespace shallowcore {

void Sums::clear() {
  loss = samples = 0;
  std::fill(metrics.begin(), metrics.end(), 0.0);
}

void Sums::add(const Sums& other) {
  loss += other.loss;
  samples += other.samples;
  for (std::size_t i = 0; i < metrics.size(); ++i) metrics[i] += other.metrics[i];
}

std::vector<double> Sums::means() const {
  std::vector<double> result;
  for (std::size_t i = 0; i <= metrics.size(); ++i) result.push_back(mean(i));
  return result;
}

double Sums::mean(std::size_t i) const {
  return samples > 0 ? (i == 0 ? loss : metrics[i - 1]) / samples : std::nan("");
}

template <class T>
std::vector<T> loss_parameters(const LossSpec& spec, Index n_outputs) {
  const LossKernels<T>& entry = loss_named<T>(spec.name);
  const bool has_one = entry.parameter.name != nullptr;
  std::vector<double> values(has_one ? 1 : 0, entry.parameter.value);
  for (const auto& [name, given] : spec.parameters) {
    if (!has_one || name != entry.parameter.name) {
      throw InvalidArgument("loss", "a parameter that '" + spec.name + "' does not have",
                            "its own parameters only");
    }
    values = given;
  }
  const auto n = static_cast<Index>(values.size());
  if (n != (has_one ? 1 : 0) && !(entry.by_column && n == n_outputs)) {
    throw InvalidArgument(entry.parameter.name, std::to_string(n) + " values",
                          "one, or one for each output (" + std::to_string(n_outputs) + ")");
  }
  std::vector<T> result(values.begin(), values.end());
  for (Index i = 0; n > 1 && i < kernels<T>().vector_cols; ++i) {
    result.push_back(result[static_cast<std::size_t>(i)]);  // around and around
  }
  return result;
}

template <class T>
Objective<T>::Objective(const Network<T>& network, const LossSpec& loss,
                        const std::vector<std::string>& metrics)
    : network_(network),
      spec_(loss),
      loss_(loss_named<T>(loss.name)),
      parameters_(loss_parameters<T>(loss, network.n_outputs())),
      metric_names_(metrics) {
  const auto& stages = network.stages();
  fused_ = !loss.from_logits && loss_.link != nullptr && !stages.empty() &&
           stages.back().kind != LayerSpec::Kind::rescaling && stages.back().dropout.rate == 0 &&
           stages.back().activation.is(loss_.link);
  from_logits_ = fused_ || loss.from_logits;
  is_hinge_ = std::strcmp(loss_.name, "hinge") == 0;
  if (loss.from_logits && loss_.from_logits == nullptr) {
    throw InvalidArgument("from_logits", "True", "False: " + loss.name + " has no logits");
  }
  for (const std::string& name : metrics) {
    const bool categorical =
        loss_.integer_labels || (network.n_outputs() > 1 && loss.name != "binary_crossentropy");
    if (name == "accuracy") {
      metrics_.push_back(categorical ? Metric::categorical_accuracy : Metric::binary_accuracy);
    } else if (name == "mse") {
      metrics_.push_back(Metric::mse);
    } else if (name == "mae") {
      metrics_.push_back(Metric::mae);
    } else {
      throw InvalidArgument("metrics", "'" + name + "'", "'accuracy', 'mse' or 'mae'");
    }
    if (loss_.integer_labels && name != "accuracy") {
      throw InvalidArgument("metrics", "'" + name + "' with integer labels", "'accuracy'");
    }
  }
}

template <class T>
void Objective<T>::check_targets(const Dataset& data) const {
  const bool right = loss_.integer_labels ? data.labels != nullptr : data.y.data != nullptr;
  if (!right) {
    throw InvalidArgument("y", data.has_targets() ? "targets of the other form" : "none",
                          loss_.integer_labels ? "integer labels" : "a row of targets a sample");
  }
}

template <class T>
void Objective<T>::divide_by_weight(Index samples, double weight) {
  loss_part_ = weight > 0 ? static_cast<double>(samples) / weight : 0;
  penalty_part_ = weight > 0 ? 1 / weight : 0;
}

template <class T>
LossArgs<T> Objective<T>::loss_args(const Block<T>& block, const T* prediction, Index n_samples,
                                    T* gradient) const {
  LossArgs<T> args = {};
  args.rows = block.x.rows();
  args.cols = network_.n_outputs();
  args.prediction = prediction;
  args.target = block.y;
  args.label = block.labels;
  args.sample_weight = block.weights;
  args.gradient_scale = spec_.scale * loss_part_ / static_cast<double>(n_samples);
  args.label_smoothing = spec_.label_smoothing;
  args.parameters = parameters_.data();
  args.n_parameters = parameters_.size() > 1 ? args.cols : static_cast<Index>(parameters_.size());
  args.gradient = gradient;
  return args;
}

template <class T>
void Objective<T>::add_loss(const Block<T>& block, T* prediction, Index n_samples, T* d,
                            Sums& sums) const {
  const LossArgs<T> args = loss_args(block, prediction, n_samples, d);
  sums.loss += spec_.scale * loss_part_ *
               (from_logits_ ? loss_.from_logits(args) : loss_.from_outputs(args));
  sums.samples += static_cast<double>(block.x.rows());
  if (metrics_.empty()) return;
  if (fused_) {
    const Index cols = network_.n_outputs();
    apply_activation(network_.stages().back().activation, prediction, prediction, block.x.rows(),
                     cols);
  }
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    sums.metrics[i] += measure(metrics_[i], block, prediction);
  }
}

template <class T>
void Objective<T>::add_block(Pass<T>& pass, const Block<T>& block, Index n_samples, T* gradient,
                             Sums& sums) const {
  T* prediction = pass.forward(block.x, fused_);
  add_loss(block, prediction, n_samples, gradient == nullptr ? nullptr : pass.output_gradient(),
           sums);
  if (gradient != nullptr) pass.backward(block.x, fused_, gradient);
}

template <class T>
double Objective<T>::measure(Metric metric, const Block<T>& block, const T* outputs) const {
  const Index cols = network_.n_outputs();
  double total = 0;
  for (Index i = 0; i < block.x.rows(); ++i) {
    const T* row = outputs + i * cols;
    if (block.labels != nullptr) {
      total += std::max_element(row, row + cols) - row == block.labels[i] ? 1 : 0;
    } else {
      total += row_measure(metric, row, block.y + i * cols);
    }
  }
  return total;
}

template <class T>
double Objective<T>::row_measure(Metric metric, const T* outputs, const T* y) const {
  const Index cols = network_.n_outputs();
  if (metric == Metric::categorical_accuracy) {
    const Index predicted = std::max_element(outputs, outputs + cols) - outputs;
    return predicted == std::max_element(y, y + cols) - y ? 1 : 0;
  }
  // Logits are cut where their probability is 1/2, margins at their sign.
  const T threshold = spec_.from_logits || is_hinge_ ? T{0} : T{0.5};
  const double* factors = network_.output_factors();  // back to the targets' own units
  double total = 0;
  for (Index j = 0; j < cols; ++j) {
    double error = static_cast<double>(outputs[j]) - static_cast<double>(y[j]);
    if (factors != nullptr) error *= factors[j];
    if (metric == Metric::binary_accuracy) {
      const T label = y[j] < T{0} ? T{0} : y[j];  // hinge's -1 is a 0
      total += (outputs[j] > threshold ? T{1} : T{0}) == label ? 1 : 0;
    } else {
      total += metric == Metric::mse ? error * error : std::abs(error);
    }
  }
  return total / static_cast<double>(cols);
}

template <class T>
double Objective<T>::add_penalties(T* gradient) const {
  double total = 0;
  for (const Tensor& tensor : network_.tensors()) {
    if (!tensor.penalty.any()) continue;
    const Penalty penalty = of_batch(tensor.penalty);
    total += kernels<T>().add_penalty(network_.parameters() + tensor.offset,
                                      gradient == nullptr ? nullptr : gradient + tensor.offset,
                                      tensor.size(), penalty.l1, penalty.l2);
  }
  return total;
}

template <class T>
Index block_rows(const Network<T>& network, Index rows) {
  constexpr double most_bytes = 4e6, most_input_bytes = 1.6e7, most_flops = 4e8;
  double width = 1, parameters = 1;
  for (const Stage<T>& stage : network.stages()) width += static_cast<double>(stage.n_out);
  parameters += static_cast<double>(network.size());
  const double features = static_cast<double>(std::max<Index>(1, network.n_features()));
  const double by_bytes = most_bytes / (width * sizeof(T)),
               by_inputs = most_input_bytes / (features * sizeof(T)),
               by_flops = most_flops / (6 * parameters);
  const double most = std::max(256.0, std::min({by_bytes, by_inputs, by_flops}));
  return std::max<Index>(1, std::min(rows, static_cast<Index>(std::min(most, 1e6))));
}

template <class T>
int threads_for(const Network<T>& network, Index rows) {
  return team_size(2.0 * static_cast<double>(rows) * static_cast<double>(network.size())) > 1
             ? workspace_threads()
             : 1;
}

template <class T>
int threads_of_call(const Network<T>& network, Index rows, Index most) {
  const double flops = 2.0 * static_cast<double>(rows) * static_cast<double>(network.size());
  return team_size_of_call(flops) > 1 ? threads_for(network, most) : 1;
}

namespace {

// for_blocks() with a team at hand.
template <class T, class F>
void over_blocks(const Network<T>& network, Index rows, Index most, const Poll& poll, F&& f) {
  const Team team(threads_of_call(network, rows, most));
  for_blocks(rows, most, poll, f);
}

}  // namespace

template <class T>
Evaluator<T>::Evaluator(const Objective<T>& objective, const Network<T>& network,
                        const Dataset& data)
    : objective_(objective),
      network_(network),
      pass_(network, block_rows(network, data.rows()), Use::predict),
      reader_(data, network, pass_.most_rows(), false) {
  objective.check_targets(data);
  sums_.metrics.resize(objective.metrics().size());
}

template <class T>
std::vector<double> Evaluator<T>::operator()(const Poll& poll) {
  sums_.clear();
  over_blocks(network_, reader_.rows(), pass_.most_rows(), poll, [&](Index first, Index count) {
    objective_.add_block(pass_, reader_.read(nullptr, first, count), reader_.rows(), nullptr,
                         sums_);
    reader_.release(first, count);
  });
  std::vector<double> means = sums_.means();
  means[0] += objective_.add_penalties(nullptr);
  return means;
}

template <class T>
bool predict(const Network<T>& network, const Dataset& data, T* out, const Poll& poll, bool look) {
  // Where reading the inputs is most of the work, they should still be in the cache after the look.
  // Columns, where they have to become rows first, should give more than one line of the cache each.
  constexpr Index kept = (1 << 18) / sizeof(T);
  const bool narrow =
      network.stages().empty() || network.stages()[0].n_out <= kernels<T>().vector_cols;
  Index most = block_rows(network, data.rows());
  const bool turned = needs_rows(data, network);
  if (narrow && (look || turned)) {
    const Index fewest = turned ? 64 : 16;
    most = std::min(most, std::max(fewest, kept / std::max<Index>(1, network.n_features())));
  }
  Pass<T> pass(network, most, Use::predict);
  BatchReader<T> reader(data, network, most, false, Inputs::rows);
  bool finite = true;
  over_blocks(network, data.rows(), most, poll, [&](Index first, Index count) {
    if (!finite) return;
    const InputRows<T> x = reader.read(nullptr, first, count).x;
    finite = !look || kernels<T>().all_finite(x.dense.data, x.rows() * x.cols());
    if (!finite) return;
    const T* outputs = pass.forward(x, false);
    T* to = out + first * network.n_outputs();
    std::copy_n(outputs, count * network.n_outputs(), to);
    network.to_predictions(to, count);
    reader.release(first, count);
  });
  return finite;
}

namespace {

constexpr Index kMostRowWidth = 2048;          // of a layer, for buffers on the stack
constexpr Index kMostRowParameters = 1 << 20;  // for a time that nobody waits for

template <class T>
bool predicts_row(const Network<T>& network) {
  if (network.size() > kMostRowParameters || network.stages().empty()) return false;
  if (!network.input_map().is_identity() && network.n_features() > kMostRowWidth) return false;
  for (const Stage<T>& stage : network.stages()) {
    if (stage.kind != LayerSpec::Kind::dense || stage.n_out > kMostRowWidth) return false;
  }
  return true;
}

}  // namespace

template <class T>
bool predict_row(const Network<T>& network, const T* x, T* out) {
  if (!predicts_row(network)) return false;
  T buffers[2][kMostRowWidth];
  const auto& stages = network.stages();
  if (!network.input_map().is_identity()) {
    const AnyMatrix row = {x, kDTypeOf<T>, 1, network.n_features(), 0, sizeof(T)};
    x = input_block(row, network.input_map(), 0, 1, 0, row.cols, buffers[1]).data;
  }
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const Stage<T>& stage = stages[s];
    const T* w = network.parameters() + stage.kernel;
    const T* bias = stage.bias < 0 ? nullptr : network.parameters() + stage.bias;
    T* a = s + 1 == stages.size() ? out : buffers[s % 2];
    product<T>(row_major(x, 1, stage.n_in), row_major(w, stage.n_in, stage.n_out), bias, 0,
               row_major(a, 1, stage.n_out));
    apply_activation(stage.activation, a, a, 1, stage.n_out);
    x = a;
  }
  network.to_predictions(out, 1);
  return true;
}

template std::vector<float> loss_parameters(const LossSpec&, Index);
template std::vector<double> loss_parameters(const LossSpec&, Index);
template class Objective<float>;
template class Objective<double>;
template int threads_for<float>(const Network<float>&, Index);
template int threads_for<double>(const Network<double>&, Index);
template int threads_of_call<float>(const Network<float>&, Index, Index);
template int threads_of_call<double>(const Network<double>&, Index, Index);
template Index block_rows<float>(const Network<float>&, Index);
template Index block_rows<double>(const Network<double>&, Index);
template class Evaluator<float>;
template class Evaluator<double>;
template bool predict<float>(const Network<float>&, const Dataset&, float*, const Poll&, bool);
template bool predict<double>(const Network<double>&, const Dataset&, double*, const Poll&, bool);
template bool predict_row<float>(const Network<float>&, const float*, float*);
template bool predict_row<double>(const Network<double>&, const double*, double*);

}  // namespace shallowcore
