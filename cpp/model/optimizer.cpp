#include "model/optimizer.hpp"

#include <algorithm>

#include "kernels/product.hpp"
#include "kernels/registry.hpp"
#include "model/solver.hpp"

namespace shallowcore {

std::vector<OptimizerInfo> optimizer_table() {
  std::vector<OptimizerInfo> table;
  for (int i = 0; i < kernels<float>().n_optimizers; ++i) {
    const OptimizerKernels<float>& entry = kernels<float>().optimizers[i];
    OptimizerInfo info{entry.name, entry.formula, {}, false};
    for (const Parameter& parameter : entry.parameters) {
      if (parameter.name != nullptr) info.parameters.push_back(parameter);
    }
    table.push_back(info);
  }
  for (const OptimizerInfo& info : solver_table()) table.push_back(info);
  return table;
}

template <class T>
Optimizer<T>::Optimizer(const Network<T>& network, const std::string& name,
                        const std::map<std::string, double>& parameters)
    : size_(network.size()) {
  for (const OptimizerInfo& info : optimizer_table()) {
    if (info.name == name) info_ = info;
  }
  if (info_.name.empty() || !info_.full_batch) kernels_ = &optimizer_named<T>(name);
  for (const Parameter& parameter : info_.parameters) values_.push_back(parameter.value);
  values_.resize(kMaxParameters);
  for (const auto& [parameter, value] : parameters) values_[index_of(parameter)] = value;
  slots_.resize(static_cast<std::size_t>(slots_with(values_.data())));
}

template <class T>
std::size_t Optimizer<T>::index_of(const std::string& parameter) const {
  std::string known;
  for (std::size_t i = 0; i < info_.parameters.size(); ++i) {
    if (parameter == info_.parameters[i].name) return i;
    known += (known.empty() ? "" : ", ") + std::string(info_.parameters[i].name);
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
  values_ = values;
}

template <class T>
void Optimizer<T>::next_step(T* constants) {
  kernels_->prepare(values_.data(), ++iterations_, constants);
}

template <class T>
void Optimizer<T>::step(T* w, const T* gradient) {
  T constants[kMaxParameters] = {};
  next_step(constants);
  for (int i = 0; i < slots(); ++i) slot(i);  // none is made by two threads at once
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

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace shallowcore
