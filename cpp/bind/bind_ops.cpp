// Kernels in the open: shallowcore.ops on NumPy arrays.  Inputs are borrowed while the GIL is
// released: the caller's references keep them alive, and nothing here writes to them.
#include <algorithm>
#include <cmath>

#include "bind/arrays.hpp"
#include "core/rng.hpp"
#include "kernels/product.hpp"
#include "kernels/registry.hpp"
#include "model/pass.hpp"

namespace shallowcore::bind {
namespace {

// A workspace for one product with b (k, n).
template <class T>
struct OwnWorkspace {
  OwnWorkspace(Index n, Index k)
      : memory(workspace_size<T>(n, k, workspace_threads()), Fill::none),
        view{memory.data(), workspace_threads()} {}
  Arena<T> memory;
  Workspace<T> view;
};

template <class T>
py::array dense(const py::array& x, const py::array& w, const std::optional<py::array>& b,
                const ActivationSpec& spec) {
  const auto xv = matrix<T>("x", x);
  const auto wv = matrix<T>("w", w);
  require_equal("rows of w", wv.rows, xv.cols);
  const T* bias = b ? contiguous<T>("b", *b, wv.cols) : nullptr;
  const Activation<T> activation(spec);
  auto a = new_matrix<T>(xv.rows, wv.cols);
  T* out = a.mutable_data();
  {
    const py::gil_scoped_release released;
    const OwnWorkspace<T> workspace(wv.cols, wv.rows);
    product<T>(xv, wv, bias, 0, row_major(out, xv.rows, wv.cols), workspace.view);
    apply_activation(activation, out, out, xv.rows, wv.cols);
  }
  return a;
}

template <class T>
py::tuple dense_grad(const py::array& x, const py::array& w, const py::array& dz, bool need_dx) {
  const auto xv = matrix<T>("x", x);
  const auto wv = matrix<T>("w", w);
  const auto dzv = matrix<T>("dz", dz);
  require_equal("rows of w", wv.rows, xv.cols);
  require_equal("rows of dz", dzv.rows, xv.rows);
  require_equal("columns of dz", dzv.cols, wv.cols);
  auto dx = need_dx ? new_matrix<T>(xv.rows, xv.cols) : new_matrix<T>(0, 0);
  auto dw = new_matrix<T>(wv.rows, wv.cols);
  py::array_t<T> db(wv.cols);
  T *dx_out = dx.mutable_data(), *dw_out = dw.mutable_data(), *db_out = db.mutable_data();
  {
    const py::gil_scoped_release released;
    if (need_dx) {
      const OwnWorkspace<T> workspace(wv.rows, wv.cols);
      product<T>(dzv, wv.transposed(), nullptr, 0, row_major(dx_out, xv.rows, xv.cols),
                 workspace.view);
    }
    const OwnWorkspace<T> workspace(wv.cols, xv.rows);
    product<T>(xv.transposed(), dzv, nullptr, 0, row_major(dw_out, wv.rows, wv.cols),
               workspace.view);
    Arena<T> copy(dzv.rows * dzv.cols);
    copy_rows(dzv, copy.data());
    std::fill_n(db_out, dzv.cols, T{0});
    kernels<T>().add_column_sums(copy.data(), dzv.rows, dzv.cols, db_out);
  }
  return py::make_tuple(need_dx ? py::object(dx) : py::object(py::none()), dw, db);
}

template <class T>
py::array activation(const py::array& z, const ActivationSpec& spec, bool derivative) {
  const T* in = contiguous<T>("z", z, z.size());
  const Activation<T> activation(spec);
  if (derivative && !activation.kernels->elementwise) {
    throw InvalidArgument(
        "name", "'" + spec.name + "'",
        "an elementwise activation: this one's derivative is a matrix for each row");
  }
  py::array_t<T> a(std::vector<py::ssize_t>(z.shape(), z.shape() + z.ndim()));
  const Index cols = z.ndim() == 0 ? 1 : z.shape(z.ndim() - 1);
  const Index rows = cols == 0 ? 0 : z.size() / cols;
  T* out = a.mutable_data();
  const py::gil_scoped_release released;
  if (derivative) {
    activation.kernels->derivative(in, out, rows * cols, activation.parameters);
  } else {
    apply_activation(activation, in, out, rows, cols);
  }
  return a;
}

template <class T>
py::tuple loss(const LossSpec& spec, const py::array& y_true, const py::array& y_pred,
               const std::optional<py::array>& sample_weight) {
  const LossKernels<T>& entry = loss_named<T>(spec.name);
  const auto prediction = matrix<T>("y_pred", y_pred);
  LossArgs<T> args = {};
  args.rows = prediction.rows;
  args.cols = prediction.cols;
  args.prediction = contiguous<T>("y_pred", y_pred, args.rows * args.cols);
  if (entry.integer_labels) {
    args.label = contiguous<std::int32_t>("y_true", y_true, args.rows);
    for (Index i = 0; i < args.rows; ++i) {
      if (args.label[i] < 0 || args.label[i] >= args.cols) {
        throw InvalidArgument("y_true", "label " + std::to_string(args.label[i]),
                              "labels from 0 to " + std::to_string(args.cols - 1));
      }
    }
  } else {
    args.target = contiguous<T>("y_true", y_true, args.rows * args.cols);
  }
  if (sample_weight) {
    args.sample_weight = contiguous<T>("sample_weight", *sample_weight, args.rows);
  }
  const auto kernel = spec.from_logits ? entry.from_logits : entry.from_outputs;
  if (kernel == nullptr) {
    throw InvalidArgument("from_logits", "True", "False: " + spec.name + " has no logits");
  }
  args.gradient_scale = spec.scale / static_cast<double>(args.rows);
  args.label_smoothing = spec.label_smoothing;
  auto gradient = new_matrix<T>(args.rows, args.cols);
  args.gradient = gradient.mutable_data();
  double value = 0;
  {
    const py::gil_scoped_release released;
    value = spec.scale * kernel(args) / static_cast<double>(args.rows);
  }
  return py::make_tuple(value, gradient);
}

template <class T>
bool all_finite(const py::array& x) {
  const AnyMatrix m = any_matrix(x);
  const auto* data = static_cast<const char*>(m.data);
  const py::gil_scoped_release released;
  constexpr Index size = sizeof(T);
  const bool by_cols = m.col_bytes != size && m.row_bytes == size;
  const Index lines = by_cols ? m.cols : m.rows, length = by_cols ? m.rows : m.cols;
  const Index line_bytes = by_cols ? m.col_bytes : m.row_bytes;
  const Index step = by_cols ? m.row_bytes : m.col_bytes;
  for (Index i = 0; i < lines; ++i) {
    const char* line = data + i * line_bytes;
    if (step == size) {
      if (!kernels<T>().all_finite(reinterpret_cast<const T*>(line), length)) return false;
    } else {
      for (Index j = 0; j < length; ++j) {
        if (!std::isfinite(*reinterpret_cast<const T*>(line + j * step))) return false;
      }
    }
  }
  return true;
}

}  // namespace

void register_ops(py::module_& m) {
  m.def(
      "dense",
      [](const py::array& x, const py::array& w, const std::optional<py::array>& b,
         const ActivationSpec& activation) {
        return is_float32(x) ? dense<float>(x, w, b, activation)
                             : dense<double>(x, w, b, activation);
      },
      py::arg("x"), py::arg("w"), py::arg("b").none(true), py::arg("activation"));
  m.def(
      "dense_grad",
      [](const py::array& x, const py::array& w, const py::array& dz, bool need_dx) {
        return is_float32(x) ? dense_grad<float>(x, w, dz, need_dx)
                             : dense_grad<double>(x, w, dz, need_dx);
      },
      py::arg("x"), py::arg("w"), py::arg("dz"), py::arg("need_dx"));
  m.def(
      "activation",
      [](const py::array& z, const ActivationSpec& spec) {
        return is_float32(z) ? activation<float>(z, spec, false)
                             : activation<double>(z, spec, false);
      },
      py::arg("z"), py::arg("activation"));
  m.def(
      "activation_grad",
      [](const py::array& z, const ActivationSpec& spec) {
        return is_float32(z) ? activation<float>(z, spec, true) : activation<double>(z, spec, true);
      },
      py::arg("z"), py::arg("activation"));
  m.def(
      "loss",
      [](const LossSpec& spec, const py::array& y_true, const py::array& y_pred,
         const std::optional<py::array>& sample_weight) {
        return is_float32(y_pred) ? loss<float>(spec, y_true, y_pred, sample_weight)
                                  : loss<double>(spec, y_true, y_pred, sample_weight);
      },
      py::arg("loss"), py::arg("y_true"), py::arg("y_pred"), py::arg("sample_weight").none(true));
  m.def(
      "all_finite",
      [](const py::array& x) {
        const py::array safe = aligned(x);
        return is_float32(safe) ? all_finite<float>(safe) : all_finite<double>(safe);
      },
      py::arg("x"));
  m.def(
      "permutation",
      [](Index n, std::uint64_t seed, std::uint32_t epoch) {
        if (n < 0) throw InvalidArgument("n", std::to_string(n), "at least 0");
        py::array_t<std::int64_t> order(n);
        shuffle(order.mutable_data(), n, seed, epoch);
        return order;
      },
      py::arg("n"), py::arg("seed"), py::arg("epoch"));
}

}  // namespace shallowcore::bind
