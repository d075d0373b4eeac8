// Vectors laid out like a network's parameters, as arrays of the parameters' shapes.
#pragma once

#include "bind/bind.hpp"

namespace shallowcore::bind {

// Copies of the tensors.
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

}  // namespace shallowcore::bind
