#include "bind/arrays.hpp"

#include <bit>

namespace shallowcore::bind {

DType dtype_of(const py::array& array) {
  const py::dtype dtype = array.dtype();
  const char kind = dtype.kind();
  const auto size = dtype.itemsize();
  constexpr char this_order = std::endian::native == std::endian::little ? '<' : '>';
  const char order = dtype.byteorder();  // NumPy may spell the machine's own out
  const bool native = order == '=' || order == '|' || order == this_order;
  if (native) {
    if (kind == 'b') return DType::boolean;
    if (kind == 'f' && size == 4) return DType::f32;
    if (kind == 'f' && size == 8) return DType::f64;
    if (kind == 'i' || kind == 'u') {
      const bool is_signed = kind == 'i';
      if (size == 1) return is_signed ? DType::i8 : DType::u8;
      if (size == 2) return is_signed ? DType::i16 : DType::u16;
      if (size == 4) return is_signed ? DType::i32 : DType::u32;
      if (size == 8) return is_signed ? DType::i64 : DType::u64;
    }
  }
  throw InvalidArgument("array", std::string(py::str(dtype)),
                        "float32, float64, bool or an integer type in native byte order");
}

AnyMatrix any_matrix(const py::array& array) {
  if (array.ndim() != 1 && array.ndim() != 2) {
    throw InvalidArgument("array", shape_of(array), "1 or 2 dimensions");
  }
  const bool flat = array.ndim() == 1;
  return {array.data(),     dtype_of(array),
          array.shape(0),   flat ? 1 : array.shape(1),
          array.strides(0), flat ? array.itemsize() : array.strides(1)};
}

py::array aligned(py::array array) {
  constexpr int is_aligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  if (array.flags() & is_aligned) return array;
  return array.attr("copy")();
}

void hold(const py::array& array, std::vector<py::weakref>& held) {
  for (py::object one = array; py::isinstance<py::array>(one); one = one.attr("base")) {
    held.emplace_back(one);
  }
}

std::string shape_of(const py::array& array) {
  return "shape " + std::string(py::str(array.attr("shape")));
}

}  // namespace shallowcore::bind
