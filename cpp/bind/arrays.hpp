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

// Adds weak references to the array and to those that it shows a part of: while there are any, NumPy
// refuses to resize an array in place, which would take the memory away from under the core.
void hold(const py::array& array, std::vector<py::weakref>& held);

std::string shape_of(const py::array& array);

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

// What follows takes arrays of exactly T as they are, aligned and not empty; null stands for anything
// else, which the public layer has to look at.
template <class T>
const py::detail::PyArray_Proxy* plain_array(py::handle object) {
  using py::detail::npy_api;
  static const npy_api& api = npy_api::get();
  static PyObject* const type = py::dtype::of<T>().release().ptr();
  if (Py_TYPE(object.ptr()) != api.PyArray_Type_) return nullptr;
  const auto* array = py::detail::array_proxy(object.ptr());
  if ((array->flags & npy_api::NPY_ARRAY_ALIGNED_) == 0) return nullptr;
  if (array->descr != type && !api.PyArray_EquivTypes_(array->descr, type)) return nullptr;
  for (int i = 0; i < array->nd; ++i) {
    if (array->dimensions[i] == 0) return nullptr;
  }
  return array;
}

// The same, C-contiguous.
template <class T>
const py::detail::PyArray_Proxy* plain_contiguous(py::handle object) {
  constexpr int wanted = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_;
  const auto* array = plain_array<T>(object);
  return array != nullptr && (array->flags & wanted) != 0 ? array : nullptr;
}

// Data of (rows, cols), 1-D for one column too.
template <class T>
const T* plain_rows(py::handle object, Index cols, Index& rows) {
  const auto* array = plain_contiguous<T>(object);
  if (array == nullptr) return nullptr;
  const bool flat = array->nd == 1 && cols == 1;
  if (!flat && (array->nd != 2 || array->dimensions[1] != cols)) return nullptr;
  rows = array->dimensions[0];
  return reinterpret_cast<const T*>(array->data);
}

// Data of (size,).
template <class T>
const T* plain_vector(py::handle object, Index size) {
  const auto* array = plain_contiguous<T>(object);
  if (array == nullptr || array->nd != 1 || array->dimensions[0] != size) return nullptr;
  return reinterpret_cast<const T*>(array->data);
}

// A 2-D array with any strides of whole elements.
template <class T>
MatrixView<const T> plain_matrix(py::handle object) {
  constexpr Index size = sizeof(T);
  const auto* array = plain_array<T>(object);
  if (array == nullptr || array->nd != 2) return {};
  const Index row = array->strides[0], col = array->strides[1];
  if (row % size != 0 || col % size != 0) return {};
  return {reinterpret_cast<const T*>(array->data), array->dimensions[0], array->dimensions[1],
          row / size, col / size};
}

// A new array; quicker than pybind11's constructors, which make vectors of its shape and strides.
template <class T>
py::array_t<T> new_array(int n_dims, const py::ssize_t* shape) {
  using py::detail::npy_api;
  static const npy_api& api = npy_api::get();
  PyObject* array = api.PyArray_NewFromDescr_(api.PyArray_Type_, py::dtype::of<T>().release().ptr(),
                                              n_dims, reinterpret_cast<const Py_intptr_t*>(shape),
                                              nullptr, nullptr, 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::array_t<T>>(array);
}

template <class T>
py::array_t<T> new_matrix(Index rows, Index cols) {
  const py::ssize_t shape[] = {rows, cols};
  return new_array<T>(2, shape);
}

template <class T>
T* data_of(const py::array& array) {
  return static_cast<T*>(const_cast<void*>(array.data()));
}

}  // namespace shallowcore::bind
