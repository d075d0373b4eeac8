// NumPy arrays as the core sees them.
#pragma once

#include <string>

#include "bind/bind.hpp"
#include "core/errors.hpp"

namespace shallowcore::bind {

// The element type that the core reads; throws for any other.
DType dtype_of(const py::array& array);

// A 1-D (one column) or 2-D array of any readable type, as it lies in memory.
AnyMatrix any_matrix(const py::array& array);

// The same array, or an aligned copy where an element may stand across its natural border.
py::array aligned(py::array array);

std::string shape_of(const py::array& array);

inline bool is_float32(const py::array& array) {
  return array.dtype().equal(py::dtype::of<float>());
}

// A view of a 2-D array of T with any strides.
template <class T>
MatrixView<const T> matrix(const char* name, const py::array& array) {
  if (array.ndim() != 2 || !array.dtype().equal(py::dtype::of<T>())) {
    throw InvalidArgument(name, shape_of(array) + " of " + std::string(py::str(array.dtype())),
                          std::string("2-D ") + (sizeof(T) == 4 ? "float32" : "float64"));
  }
  constexpr Index size = sizeof(T);
  if (array.strides(0) % size != 0 || array.strides(1) % size != 0) {
    throw InvalidArgument(name, "strides across elements", "strides of whole elements");
  }
  return {static_cast<const T*>(array.data()), array.shape(0), array.shape(1),
          array.strides(0) / size, array.strides(1) / size};
}

// Contiguous data of an array of T with `size` elements.
template <class T>
const T* contiguous(const char* name, const py::array& array, Index size) {
  if (!array.dtype().equal(py::dtype::of<T>()) || !(array.flags() & py::array::c_style) ||
      array.size() != size) {
    throw InvalidArgument(name, shape_of(array) + " of " + std::string(py::str(array.dtype())),
                          std::to_string(size) + " contiguous elements of the other arrays' dtype");
  }
  return static_cast<const T*>(array.data());
}

// Data of what is an array of exactly T, aligned, C-contiguous, (rows, cols), 1-D for one column too;
// null for anything else, which the public layer has to look at.
template <class T>
const T* plain_rows(py::handle object, Index cols, Index& rows) {
  using py::detail::npy_api;
  static const npy_api& api = npy_api::get();
  if (Py_TYPE(object.ptr()) != api.PyArray_Type_) return nullptr;
  const auto* array = py::detail::array_proxy(object.ptr());
  constexpr int wanted = npy_api::NPY_ARRAY_C_CONTIGUOUS_ | npy_api::NPY_ARRAY_ALIGNED_;
  if ((array->flags & wanted) != wanted || array->descr != py::dtype::of<T>().ptr()) return nullptr;
  const bool flat = array->nd == 1 && cols == 1;
  if (!flat && (array->nd != 2 || array->dimensions[1] != cols)) return nullptr;
  rows = array->dimensions[0];
  return rows == 0 ? nullptr : reinterpret_cast<const T*>(array->data);
}

template <class T>
py::array_t<T> new_matrix(Index rows, Index cols) {
  return py::array_t<T>({rows, cols});
}

template <class T>
T* data_of(const py::array& array) {
  return static_cast<T*>(const_cast<void*>(array.data()));
}

}  // namespace shallowcore::bind
