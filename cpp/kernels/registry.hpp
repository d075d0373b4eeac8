// Names of instruction sets, and the registries by name, for the layers above the kernels.
#pragma once

#include <string>
#include <vector>

#include "core/errors.hpp"
#include "kernels/table.hpp"

namespace shallowcore {

// Worst first.
std::vector<std::string> compiled_instruction_sets();
std::vector<std::string> supported_instruction_sets();

// The entry of that name in a registry of the table in use; InvalidArgument if there is none.
template <class Entry>
const Entry& entry_named(const Entry* entries, int n, const char* what, const std::string& name) {
  for (int i = 0; i < n; ++i) {
    if (name == entries[i].name) return entries[i];
  }
  std::string known;
  for (int i = 0; i < n; ++i) known += (i == 0 ? "" : ", ") + std::string(entries[i].name);
  throw InvalidArgument(what, "'" + name + "'", "one of " + known);
}

template <class T>
const ActivationKernels<T>& activation_named(const std::string& name) {
  return entry_named(kernels<T>().activations, kernels<T>().n_activations, "activation", name);
}

template <class T>
const LossKernels<T>& loss_named(const std::string& name) {
  return entry_named(kernels<T>().losses, kernels<T>().n_losses, "loss", name);
}

template <class T>
const OptimizerKernels<T>& optimizer_named(const std::string& name) {
  return entry_named(kernels<T>().optimizers, kernels<T>().n_optimizers, "optimizer", name);
}

}  // namespace shallowcore
