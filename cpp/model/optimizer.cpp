#include "model/optimizer.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/team.hpp"
#include "kernels/product.hpp"
#include "kernels/registry.hpp"
#include "model/solver.hpp"

namespace shallowcore {
namespace {

constexpr Index kNormPart = 1 << 16;                     // elements of a part of a norm
constexpr std::size_t kMostValues = kMaxParameters + 4;  // with those that all share

}  // namespace

std::vector<OptimizerInfo> optimizer_table() {
  std::vector<OptimizerInfo> table;
  for (int i = 0; i < kernels<float>().n_optimizers; ++i) {
    const OptimizerKernels<float>& entry = kernels<float>().optimizers[i];
    OptimizerInfo info{entry.name, entry.formula, {}, false};
    for (const Parameter& parameter : entry.parameters) {
      if (parameter.name != nullptr) info.parameters.push_back(parameter);
    }
    info.parameters.push_back({"weight_decay", entry.weight_decay});
    for (const char* name : {"clipnorm", "clipvalue", "global_clipnorm"}) {
      info.parameters.push_back({name, 0});
    }
    table.push_back(info);
  }
  for (const OptimizerInfo& info : solver_table()) table.push_back(info);
  return table;
}

template <class T>
Optimizer<T>::Optimizer(const Network<T>& network, const std::string& name,
                        const std::map<std::string, double>& parameters)
    : size_(network.size()), tensors_(network.tensors()) {
  for (const OptimizerInfo& info : optimizer_table()) {
    if (info.name == name) info_ = info;
  }
  if (info_.name.empty() || !info_.full_batch) kernels_ = &optimizer_named<T>(name);
  for (const Parameter& parameter : info_.parameters) values_.push_back(parameter.value);
  values_.resize(std::max(values_.size(), kMostValues));
  for (const auto& [parameter, value] : parameters) values_[index_of(parameter)] = value;
  check();
  slots_.resize(static_cast<std::size_t>(slots_with(values_.data())));
  if (kernels_ == nullptr) return;
  sums_.resize(static_cast<std::size_t>((size_ + kNormPart - 1) / kNormPart));
}

template <class T>
void Optimizer<T>::check() const {
  int clips = 0;
  for (const Shared which : {kClipNorm, kClipValue, kGlobalClipNorm}) {
    clips += shared(which) > 0 ? 1 : 0;
  }
  if (clips > 1) {
    throw InvalidArgument("clipping", std::to_string(clips) + " ways",
                          "one of clipnorm, clipvalue and global_clipnorm");
  }
}

template <class T>
bool Optimizer<T>::clips_or_decays() const {
  return clips_by_norm() || shared(kClipValue) > 0 || shared(kWeightDecay) > 0;
}

template <class T>
std::size_t Optimizer<T>::index_of(const std::string& parameter) const {
  for (std::size_t i = 0; i < info_.parameters.size(); ++i) {
    if (parameter == info_.parameters[i].name) return i;
  }
  std::string known;
  for (const Parameter& one : info_.parameters) {
    known += (known.empty() ? "" : ", ") + std::string(one.name);
  }
  throw InvalidArgument("parameter of " + info_.name, "'" + parameter + "'", "one of " + known);
}

template <class T>
int Optimizer<T>::slots_with(const double* values) const {
  if (kernels_ != nullptr) return kernels_->slots(values);
  return info_.slots == nullptr ? 0 : info_.slots(values);
}

template <class T>
double Optimizer<T>::get(const std::string& parameter) const {
  return values_[index_of(parameter)];
}

template <class T>
void Optimizer<T>::set(const std::string& parameter, double value) {
  std::vector<double> values = values_;
  values[index_of(parameter)] = value;
  if (slots_with(values.data()) != slots()) {
    throw InvalidState("'" + parameter + "' decides what state " + info_.name +
                       " keeps: compile the model again to change it");
  }
  values_.swap(values);
  try {
    check();
  } catch (...) {
    values_.swap(values);
    throw;
  }
}

template <class T>
void Optimizer<T>::next_step(T* constants) {
  std::array<double, kMostValues> values;
  std::copy_n(values_.begin(), kMostValues, values.begin());
  values[0] = last_learning_rate_ = learning_rate();
  kernels_->prepare(values.data(), ++iterations_, constants);
  constants[kDecay] = static_cast<T>(values[0] * shared(kWeightDecay));
  constants[kClip] = static_cast<T>(shared(kClipValue));
}

// In parts of a fixed size, which are added in order: the same whatever the threads.
template <class T>
double Optimizer<T>::sum_of_squares(const T* values, Index n) {
  const Index parts = (n + kNormPart - 1) / kNormPart;
  for_chunks(parts, team_size_of_call(2.0 * static_cast<double>(n)), [&](Index part, int) {
    const T* first = values + part * kNormPart;
    sums_[static_cast<std::size_t>(part)] =
        kernels<T>().dot(first, first, std::min(kNormPart, n - part * kNormPart));
  });
  double total = 0;
  for (Index part = 0; part < parts; ++part) total += sums_[static_cast<std::size_t>(part)];
  return total;
}

template <class T>
void Optimizer<T>::clip(T* gradient) {
  const auto cut = [&](T* values, Index n, double most) {
    const double norm = std::sqrt(sum_of_squares(values, n));
    if (norm <= most) return;
    over_rows(n, static_cast<double>(n), [&](Index first, Index count) {
      kernels<T>().scale(static_cast<T>(most / norm), values + first, count);
    });
  };
  if (shared(kGlobalClipNorm) > 0) cut(gradient, size_, shared(kGlobalClipNorm));
  if (shared(kClipNorm) <= 0) return;
  for (const Tensor& tensor : tensors_) {
    cut(gradient + tensor.offset, tensor.size(), shared(kClipNorm));
  }
}

template <class T>
void Optimizer<T>::step(T* w, T* gradient) {
  T constants[kMaxConstants] = {};
  for (int i = 0; i < slots(); ++i) slot(i);  // not by two threads at once, nor in half a step
  clip(gradient);
  next_step(constants);
  over_rows(size_, 10.0 * static_cast<double>(size_), [&](Index first, Index count) {
    T* slots[kMaxSlots] = {};
    for (int i = 0; i < this->slots(); ++i) slots[i] = slot(i) + first;
    kernels_->update(w + first, gradient + first, slots, this->slots(), count, constants);
  });
}

template <class T>
T* Optimizer<T>::slot(int i) {
  Arena<T>& memory = slot_memory(i);
  if (memory.data() == nullptr) memory = Arena<T>(size_);
  return memory.data();
}

template <class T>
void Optimizer<T>::clear() {
  for (Arena<T>& slot : slots_) {
    if (slot.data() != nullptr) std::fill_n(slot.data(), size_, T{0});
  }
  iterations_ = 0;
  notes_.clear();
}

template <class T>
void Optimizer<T>::require_state() const {
  if (lent_) {
    throw InvalidState(
        "the optimizer's state is in use by a training within an epoch: save or copy the model "
        "when "
        "the epoch has ended");
  }
}

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace shallowcore
