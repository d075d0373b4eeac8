// Vectors laid out like a network's parameters, as lists of NumPy arrays and back.
#pragma once

#include <algorithm>

#include "bind/arrays.hpp"

namespace shallowcore::bind {

// Copies of tensors laid out like the parameters.
template <class T>
py::list tensors_of(const Network<T>& network, const T* values) {
  py::list list;
  for (const Tensor& tensor : network.tensors()) {
    std::vector<py::ssize_t> shape{tensor.rows, tensor.cols};
    if (tensor.is_bias) shape = {tensor.cols};
    list.append(py::array_t<T>(shape, values + tensor.offset));
  }
  return list;
}

// The other way, into `values`; ValueError unless they are arrays of the network's shapes and dtype.
template <class T>
void copy_tensors(const Network<T>& network, const py::list& list, T* values) {
  const auto& tensors = network.tensors();
  require_equal("arrays of a state vector", std::ssize(list), std::ssize(tensors));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto array = list[i].cast<py::array>();
    const T* from = contiguous<T>("a state vector", array, tensors[i].size());
    std::copy_n(from, tensors[i].size(), values + tensors[i].offset);
  }
}

}  // namespace shallowcore::bind
