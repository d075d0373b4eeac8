// Kernels in the open: shallowcore.ops on NumPy arrays.  The functions take arrays as they are, check
// them where it costs least, and return None where an array needs a closer look:
// another type, rank or size, NaN, infinity, numbers out of range.  Then the public layer says what is
// wrong, or converts and calls again.  Inputs are borrowed while the GIL is released: the caller's
// references keep them alive, and nothing here writes to them.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>

#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "core/pages.hpp"
#include "core/rng.hpp"
#include "kernels/product.hpp"
#include "kernels/registry.hpp"
#include "model/epoch_order.hpp"
#include "model/pass.hpp"

namespace shallowcore::bind {
namespace {

template <class T>
bool all_finite(const MatrixView<const T>& m) {
  const bool by_cols = m.col_stride != 1 && m.row_stride == 1;
  const MatrixView<const T> lines = by_cols ? m.transposed() : m;
  if (lines.col_stride == 1 && lines.row_stride == lines.cols) {
    return kernels<T>().all_finite(lines.data, lines.rows * lines.cols);
  }
  for (Index i = 0; i < lines.rows; ++i) {
    const T* line = lines.data + i * lines.row_stride;
    if (lines.col_stride == 1) {
      if (!kernels<T>().all_finite(line, lines.cols)) return false;
    } else {
      for (Index j = 0; j < lines.cols; ++j) {
        if (!std::isfinite(line[j * lines.col_stride])) return false;
      }
    }
  }
  return true;
}

// An object of the core, or a name of its table, which stands for the default parameters; nothing for
// anything else.
template <class T>
std::optional<Activation<T>> activation_of(py::handle object) {
  if (PyUnicode_CheckExact(object.ptr())) {
    const char* name = PyUnicode_AsUTF8(object.ptr());
    if (name == nullptr) {  // a lone surrogate: no name of anything
      PyErr_Clear();
      return std::nullopt;
    }
    const KernelTable<T>& table = kernels<T>();
    for (int i = 0; i < table.n_activations; ++i) {
      if (std::strcmp(name, table.activations[i].name) == 0) {
        return Activation<T>(ActivationSpec{name, {}});
      }
    }
    return std::nullopt;
  }
  if (!py::isinstance<ActivationSpec>(object)) return std::nullopt;
  return Activation<T>(object.cast<const ActivationSpec&>());
}

template <class T>
Index size_of(const MatrixView<T>& m) {
  return m.rows * m.cols;
}

// c = init + a b; false where a or b holds NaN or infinity.  A product leaves no factor out, not even
// where the other one is 0: whatever is not finite in a shows in its row of c, and what is not in b in
// its column.  So the smaller side is looked at; the factors too where c may have overflowed.
template <class T>
bool finite_product(const MatrixView<const T>& a, const MatrixView<const T>& b, const T* init,
                    T* c) {
  const auto factors = [&] { return all_finite(a) && all_finite(b); };
  const bool by_result = a.rows * b.cols < size_of(a) + size_of(b);
  if (!by_result && !factors()) return false;
  product<T>(a, b, init, 0, row_major(c, a.rows, b.cols));
  return !by_result || kernels<T>().all_finite(c, a.rows * b.cols) || factors();
}

template <class T>
py::object dense(py::handle x, py::handle w, py::handle b, py::handle name) {
  const auto xv = plain_matrix<T>(x), wv = plain_matrix<T>(w);
  if (xv.data == nullptr || wv.data == nullptr || wv.rows != xv.cols) return py::none();
  const T* bias = b.is_none() ? nullptr : plain_vector<T>(b, wv.cols);
  if (bias == nullptr && !b.is_none()) return py::none();
  const auto activation = activation_of<T>(name);
  if (!activation) return py::none();
  auto a = new_matrix<T>(xv.rows, wv.cols);
  T* out = a.mutable_data();
  bool finite = false;
  without_gil([&] {
    finite = (bias == nullptr || kernels<T>().all_finite(bias, wv.cols)) &&
             finite_product(xv, wv, bias, out);
    if (finite) apply_activation(*activation, out, out, xv.rows, wv.cols);
  });
  return finite ? py::object(a) : py::none();
}

// db = sums of dz's columns; `copy` has room for dz where it is not row after row.
template <class T>
void column_sums(const MatrixView<const T>& dz, T* copy, T* db) {
  std::fill_n(db, dz.cols, T{0});
  if (copy != nullptr) copy_rows(dz, copy);
  kernels<T>().add_column_sums(copy != nullptr ? copy : dz.data, dz.rows, dz.cols, db);
}

template <class T>
py::object dense_grad(py::handle x, py::handle w, py::handle dz, bool need_dx) {
  const auto xv = plain_matrix<T>(x), wv = plain_matrix<T>(w), dzv = plain_matrix<T>(dz);
  if (xv.data == nullptr || wv.data == nullptr || dzv.data == nullptr) return py::none();
  if (wv.rows != xv.cols || dzv.rows != xv.rows || dzv.cols != wv.cols) return py::none();
  py::object dx = py::none();
  T* dx_out = nullptr;
  if (need_dx) {
    auto made = new_matrix<T>(xv.rows, xv.cols);
    dx_out = made.mutable_data();
    dx = std::move(made);
  }
  auto dw = new_matrix<T>(wv.rows, wv.cols);
  auto db = new_array<T>(1, &dw.shape()[1]);
  // Before any work: a broadcast dz may claim more rows than there are memory and time for.
  py::array_t<T> copied;
  T* copy = nullptr;
  if (dzv.col_stride != 1 || dzv.row_stride != dzv.cols) {
    copied = new_matrix<T>(dzv.rows, dzv.cols);
    copy = copied.mutable_data();
  }
  T *dw_out = dw.mutable_data(), *db_out = db.mutable_data();
  bool finite = false;
  without_gil([&] {
    finite = (!need_dx || finite_product<T>(dzv, wv.transposed(), nullptr, dx_out)) &&
             finite_product<T>(xv.transposed(), dzv, nullptr, dw_out);
    if (finite) column_sums(dzv, copy, db_out);
  });
  return finite ? py::object(py::make_tuple(dx, dw, db)) : py::none();
}

template <class T>
py::object activation(py::handle z, py::handle name, bool derivative) {
  const auto* array = plain_contiguous<T>(z);
  const auto activation = activation_of<T>(name);
  if (array == nullptr || !activation) return py::none();
  const ActivationKernels<T>& entry = *activation->kernels;
  const bool elementwise = entry.elementwise;
  if (!elementwise && (derivative || array->nd == 0)) return py::none();
  Index rows = 1;
  for (int i = 0; i < array->nd; ++i) rows *= array->dimensions[i];
  const Index cols = elementwise ? 1 : array->dimensions[array->nd - 1];
  rows /= cols;
  const T* in = reinterpret_cast<const T*>(array->data);
  auto a = new_array<T>(array->nd, reinterpret_cast<const py::ssize_t*>(array->dimensions));
  T* out = a.mutable_data();
  std::atomic<bool> finite{true};
  constexpr double flops_of_an_element = 20;  // roughly: for the choice of threads
  const double work = flops_of_an_element * static_cast<double>(rows * cols);
  without_gil_if_long(work, [&] {
    over_rows(rows, work, [&](Index first, Index count) {
      const Index at = first * cols;
      const T* p = activation->parameters;
      if (!(derivative ? entry.derivative(in + at, out + at, count, p)
                       : entry.forward_finite(in + at, out + at, count, cols, p))) {
        finite = false;
      }
    });
  });
  return finite ? py::object(a) : py::none();
}

// Labels from 0 to below `classes` as int32: those of the caller, or copied; null where one is not.
template <class Integer>
const std::int32_t* labels_of(py::handle y, Index rows, Index classes,
                              std::vector<std::int32_t>& copy) {
  Index found = 0;
  const Integer* label = plain_rows<Integer>(y, 1, found);
  if (label == nullptr || found != rows) return nullptr;
  bool within = true;
  for (Index i = 0; i < rows; ++i) within &= label[i] >= 0 && label[i] < classes;
  if (!within) return nullptr;
  copy.assign(label, label + rows);
  return copy.data();
}

// Least and greatest target, least and greatest prediction; may be infinite, which the numbers are not.
using Limits = std::array<double, 4>;

template <class T>
bool all_within(const T* values, Index n, double low, double high) {
  constexpr double most = std::numeric_limits<T>::max();
  return kernels<T>().all_within(values, n, static_cast<T>(std::max(low, -most)),
                                 static_cast<T>(std::min(high, most)));
}

template <class T>
bool loss_takes(const LossArgs<T>& args, const Limits& limits) {
  const Index n = args.rows * args.cols;
  return all_within(args.prediction, n, limits[2], limits[3]) &&
         (args.target == nullptr || all_within(args.target, n, limits[0], limits[1])) &&
         (args.sample_weight == nullptr ||
          all_within(args.sample_weight, args.rows, 0, std::numeric_limits<double>::max()));
}

// Sum of the losses, some rows at a time so that they are still in the cache when they were looked at;
// nothing where numbers are out of range.
template <class T>
std::optional<double> sum_of_losses(LossArgs<T> args, double (*kernel)(const LossArgs<T>&),
                                    const Limits& limits) {
  constexpr Index kept = 32768 / sizeof(T);
  const Index all_rows = args.rows, part = std::max<Index>(1, kept / args.cols);
  double sum = 0;
  for (Index first = 0; first < all_rows; first += args.rows) {
    args.rows = std::min(part, all_rows - first);
    if (!loss_takes(args, limits)) return std::nullopt;
    sum += kernel(args);
    args.prediction += args.rows * args.cols;
    args.gradient += args.rows * args.cols;
    if (args.target != nullptr) args.target += args.rows * args.cols;
    if (args.label != nullptr) args.label += args.rows;
    if (args.sample_weight != nullptr) args.sample_weight += args.rows;
  }
  return sum;
}

template <class T>
py::object loss(const LossSpec& spec, py::handle y_true, py::handle y_pred,
                py::handle sample_weight, const Limits& limits) {
  const auto* array = plain_contiguous<T>(y_pred);
  if (array == nullptr || (array->nd != 1 && array->nd != 2)) return py::none();
  const LossKernels<T>& entry = loss_named<T>(spec.name);
  const auto kernel = spec.from_logits ? entry.from_logits : entry.from_outputs;
  if (kernel == nullptr) {
    throw InvalidArgument("from_logits", "True", "False: " + spec.name + " has no logits");
  }
  LossArgs<T> args = {};
  args.rows = array->dimensions[0];
  args.cols = array->nd == 1 ? 1 : array->dimensions[1];
  args.prediction = reinterpret_cast<const T*>(array->data);
  std::vector<std::int32_t> labels;
  if (entry.integer_labels) {
    args.label = labels_of<std::int64_t>(y_true, args.rows, args.cols, labels);
    if (args.label == nullptr) {
      args.label = labels_of<std::int32_t>(y_true, args.rows, args.cols, labels);
    }
    if (args.label == nullptr) return py::none();
  } else {
    Index rows = 0;
    args.target = plain_rows<T>(y_true, args.cols, rows);
    if (args.target == nullptr || rows != args.rows) return py::none();
  }
  if (!sample_weight.is_none()) {
    args.sample_weight = plain_vector<T>(sample_weight, args.rows);
    if (args.sample_weight == nullptr) return py::none();
  }
  args.gradient_scale = spec.scale / static_cast<double>(args.rows);
  args.label_smoothing = spec.label_smoothing;
  const std::vector<T> parameters = loss_parameters<T>(spec, args.cols);
  args.parameters = parameters.data();
  args.n_parameters = parameters.size() > 1 ? args.cols : static_cast<Index>(parameters.size());
  auto gradient = new_array<T>(array->nd, reinterpret_cast<const py::ssize_t*>(array->dimensions));
  args.gradient = gradient.mutable_data();
  std::optional<double> sum;
  without_gil([&] { sum = sum_of_losses(args, kernel, limits); });
  if (!sum) return py::none();
  const double value = spec.scale * *sum / static_cast<double>(args.rows);
  return py::make_tuple(value, gradient);
}

// Block by block, between which signals are answered; those of a mapped file are given back.
bool all_finite_array(const py::array& x, bool mapped) {
  const py::array safe = aligned(x);
  AnyMatrix m = any_matrix(safe);
  if (std::abs(m.row_bytes) < std::abs(m.col_bytes)) {
    m = {m.data, m.dtype, m.cols, m.rows, m.col_bytes, m.row_bytes};
  }
  const Index most = shuffle_block_rows(m);
  const auto fine = [&]<class T>(T, Index first, Index count) {
    constexpr Index size = sizeof(T);
    const char* data = static_cast<const char*>(m.data) + first * m.row_bytes;
    return all_finite(MatrixView<const T>{reinterpret_cast<const T*>(data), count, m.cols,
                                          m.row_bytes / size, m.col_bytes / size});
  };
  bool finite = true;
  without_gil([&] {
    SignalPoll poll;
    for (Index first = 0; first < m.rows && finite; first += most) {
      const Index count = std::min(most, m.rows - first);
      finite = m.dtype == DType::f32 ? fine(float{}, first, count) : fine(double{}, first, count);
      if (mapped) release_rows(m, first, count);
      poll();
    }
  });
  return finite;
}

}  // namespace

void register_ops(py::module_& m) {
  m.def(
      "dense",
      [](py::handle x, py::handle w, py::handle b, py::handle activation) {
        return plain_array<float>(x) != nullptr ? dense<float>(x, w, b, activation)
                                                : dense<double>(x, w, b, activation);
      },
      py::arg("x"), py::arg("w"), py::arg("b").none(true), py::arg("activation"));
  m.def(
      "dense_grad",
      [](py::handle x, py::handle w, py::handle dz, bool need_dx) {
        return plain_array<float>(x) != nullptr ? dense_grad<float>(x, w, dz, need_dx)
                                                : dense_grad<double>(x, w, dz, need_dx);
      },
      py::arg("x"), py::arg("w"), py::arg("dz"), py::arg("need_dx"));
  const auto def_activation = [&](const char* name, bool derivative) {
    m.def(
        name,
        [derivative](py::handle z, py::handle name) {
          return plain_array<float>(z) != nullptr ? activation<float>(z, name, derivative)
                                                  : activation<double>(z, name, derivative);
        },
        py::arg("z"), py::arg("activation"));
  };
  def_activation("activation", false);
  def_activation("activation_grad", true);
  m.def(
      "loss",
      [](const LossSpec& spec, py::handle y_true, py::handle y_pred, py::handle sample_weight,
         const Limits& limits) {
        return plain_array<float>(y_pred) != nullptr
                   ? loss<float>(spec, y_true, y_pred, sample_weight, limits)
                   : loss<double>(spec, y_true, y_pred, sample_weight, limits);
      },
      py::arg("loss"), py::arg("y_true"), py::arg("y_pred"), py::arg("sample_weight").none(true),
      py::arg("limits"));
  m.def("all_finite", &all_finite_array, py::arg("x"), py::arg("mapped") = false);
  m.def(
      "permutation",
      [](Index n, std::uint64_t seed, std::uint32_t epoch, std::optional<Index> block) {
        if (n < 0) throw InvalidArgument("n", std::to_string(n), "at least 0");
        if (block && *block < 1) {
          throw InvalidArgument("block", std::to_string(*block), "at least 1");
        }
        py::array_t<std::int64_t> order(n);
        shuffle_blocks(order.mutable_data(), n, block.value_or(std::max<Index>(1, n)), seed, epoch);
        return order;
      },
      py::arg("n"), py::arg("seed"), py::arg("epoch"), py::arg("block") = py::none());
}

}  // namespace shallowcore::bind
