// An optimizer's parameters and state for one network.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/network.hpp"

namespace shallowcore {

// What an optimizer is, for those who list them.
struct OptimizerInfo {
  std::string name;
  std::string formula;
  std::vector<Parameter> parameters;
  bool full_batch = false;  // a second-order method: every step uses all samples
  // Of a full-batch method: state vectors it needs with these parameter values; none where null.
  int (*slots)(const double* values) = nullptr;
};

// First-order ones from the kernel table, then the full-batch ones.
std::vector<OptimizerInfo> optimizer_table();

template <class T>
class Optimizer {
 public:
  Optimizer(const Network<T>& network, const std::string& name,
            const std::map<std::string, double>& parameters);

  const std::string& name() const { return info_.name; }
  bool full_batch() const { return info_.full_batch; }
  double get(const std::string& parameter) const;
  void set(const std::string& parameter, double value);
  std::int64_t iterations() const { return iterations_; }

  int slots() const { return static_cast<int>(slots_.size()); }
  // State vector i, laid out like the parameters; made (as zeros) when it is first asked for.
  T* slot(int i);
  // Hands the memory of a state vector to those who keep it in another layout, who hand it back.
  Arena<T>& slot_memory(int i) { return slots_[static_cast<std::size_t>(i)]; }
  Index size() const { return size_; }

  // One step of a first-order method: w from its gradient (size() elements each).
  void step(T* w, const T* gradient);
  // For those who do the step themselves: counts it, and gives its constants and its sweep.
  void next_step(T* constants);
  const OptimizerKernels<T>& sweep() const { return *kernels_; }
  void count_iteration() { ++iterations_; }
  // State to zero, as before the first step.
  void clear();

  // What a plan or solver wants to find again in the next training, or after a load, beside the state
  // vectors: numbers by name.  Who reads them checks that they fit.
  std::map<std::string, std::vector<double>>& notes() { return notes_; }

 private:
  std::size_t index_of(const std::string& parameter) const;
  int slots_with(const double* values) const;

  OptimizerInfo info_;
  const OptimizerKernels<T>* kernels_ = nullptr;  // null for full-batch methods
  std::vector<double> values_;
  Index size_;
  std::vector<Arena<T>> slots_;
  std::int64_t iterations_ = 0;
  std::map<std::string, std::vector<double>> notes_;
};

}  // namespace shallowcore
