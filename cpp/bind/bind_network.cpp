// Networks, their layers, and the data they are given.
#include <algorithm>
#include <cstdio>
#include <limits>

#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "bind/tensors.hpp"
#include "model/full_batch.hpp"
#include "model/moments.hpp"
#include "model/unit_ranges.hpp"

namespace shallowcore::bind {
namespace {

void bind_targets(BoundDataset& bound, const std::optional<py::array>& y,
                  const std::optional<py::array>& weights) {
  if (y) {
    bound.y = aligned(*y);
    if (bound.y.ndim() == 1 && dtype_of(bound.y) == DType::i32) {
      bound.data.labels = contiguous<std::int32_t>("y", bound.y, bound.data.x.rows);
    } else {
      bound.data.y = any_matrix(bound.y);
      require_equal("rows of y", bound.data.y.rows, bound.data.x.rows);
    }
  }
  if (weights) {
    bound.weights = aligned(*weights);
    bound.data.weights = any_matrix(bound.weights);
    require_equal("sample_weight", bound.data.weights.rows, bound.data.x.rows);
  }
}

// Integers of either type from 0 to `high`, copied.
template <class T>
std::vector<T> checked_indices(const char* name, const py::array& array, Index high) {
  const DType dtype = dtype_of(array);
  if (array.ndim() != 1 || (dtype != DType::i32 && dtype != DType::i64)) {
    throw InvalidArgument(name, shape_of(array) + " of " + std::string(py::str(array.dtype())),
                          "(n,) of int32 or int64");
  }
  high = std::min<Index>(high, std::numeric_limits<T>::max());
  std::vector<T> copy;
  copy.reserve(static_cast<std::size_t>(array.size()));
  const auto add = [&]<class S>(S) {
    const auto values = py::array_t<S, py::array::c_style>::ensure(array);
    for (Index i = 0; i < values.size(); ++i) {
      const S value = values.data()[i];
      if (value < 0 || value > high) {
        throw InvalidArgument(name, std::to_string(value), "from 0 to " + std::to_string(high));
      }
      copy.push_back(static_cast<T>(value));
    }
  };
  dtype == DType::i32 ? add(std::int32_t{}) : add(std::int64_t{});
  return copy;
}

// Of scipy's CSR matrices and arrays.
void bind_compressed(BoundDataset& bound, const py::object& x) {
  const auto n_features = x.attr("shape").cast<std::pair<Index, Index>>().second;
  bound.x = aligned(x.attr("data"));
  const AnyMatrix values = any_matrix(bound.x);
  bound.columns = checked_indices<std::int32_t>("indices", x.attr("indices"), n_features - 1);
  bound.starts = checked_indices<std::int64_t>("indptr", x.attr("indptr"), values.rows);
  require_equal("indices", std::ssize(bound.columns), values.rows);
  if (bound.x.ndim() != 1 || values.row_bytes != size_of(values.dtype) || bound.starts.empty() ||
      !std::is_sorted(bound.starts.begin(), bound.starts.end())) {
    throw InvalidArgument("x", "a CSR matrix of another form",
                          "contiguous data, and indptr that does not fall");
  }
  bound.data.x = {values.data, values.dtype, std::ssize(bound.starts) - 1, n_features, 0, 0};
  bound.data.compressed = {values.data, bound.columns.data(), bound.starts.data()};
}

BoundDataset bind_dataset(const py::object& x, const std::optional<py::array>& y,
                          const std::optional<py::array>& weights, bool mapped) {
  BoundDataset bound;
  if (py::hasattr(x, "indptr")) {
    bind_compressed(bound, x);
  } else {
    bound.x = aligned(x.cast<py::array>());
    bound.data.x = any_matrix(bound.x);
    bound.data.mapped = mapped && bound.x.is(x);
  }
  bind_targets(bound, y, weights);
  for (const py::array* array : {&bound.x, &bound.y, &bound.weights}) hold(*array, bound.held);
  return bound;
}

AnyNetwork make_network(Index n_features, const std::vector<LayerSpec>& layers,
                        const std::string& dtype) {
  if (dtype == "float32") return {std::make_unique<Network<float>>(n_features, layers)};
  if (dtype == "float64") return {std::make_unique<Network<double>>(n_features, layers)};
  throw InvalidArgument("dtype", "'" + dtype + "'", "'float32' or 'float64'");
}

// Writable views on the parameters; `owner` keeps the network alive.
py::list parameter_views(const py::object& owner) {
  return std::visit(
      [&](auto& network) {
        using T = ElementOf<decltype(network)>;
        py::list list;
        for (const Tensor& tensor : network->tensors()) {
          std::vector<py::ssize_t> shape{tensor.rows, tensor.cols};
          if (tensor.is_bias) shape = {tensor.cols};
          list.append(py::array_t<T>(shape, network->parameters() + tensor.offset, owner));
        }
        return list;
      },
      owner.cast<AnyNetwork&>().network);
}

py::array predict_outputs(const AnyNetwork& self, const BoundDataset& data) {
  return std::visit(
      [&](const auto& network) -> py::array {
        using T = ElementOf<decltype(network)>;
        auto out = new_matrix<T>(data.data.rows(), network->n_outputs());
        T* values = out.mutable_data();
        without_gil([&] { predict<T>(*network, data.data, values, SignalPoll(), false); });
        return out;
      },
      self.network);
}

// Of an array as it is; None where it needs a closer look.
py::object predict_plain(const AnyNetwork& self, const py::handle& x) {
  return std::visit(
      [&](const auto& network) -> py::object {
        using T = ElementOf<decltype(network)>;
        constexpr Index size = sizeof(T);
        const Index cols = network->n_features();
        Index rows = 0;
        const T* inputs = plain_rows<T>(x, cols, rows);
        if (inputs == nullptr) return py::none();
        auto out = new_matrix<T>(rows, network->n_outputs());
        T* outputs = out.mutable_data();
        if (rows == 1) {
          if (!kernels<T>().all_finite(inputs, cols)) return py::none();
          if (predict_row<T>(*network, inputs, outputs)) return out;
        }
        Dataset data;
        data.x = {inputs, kDTypeOf<T>, rows, cols, cols * size, size};
        bool finite = false;
        without_gil([&] { finite = predict<T>(*network, data, outputs, SignalPoll(), true); });
        return finite ? py::object(out) : py::none();
      },
      self.network);
}

std::vector<double> evaluate_means(const AnyNetwork& self, const BoundDataset& data,
                                   const LossSpec& loss, const std::vector<std::string>& metrics) {
  return std::visit(
      [&](const auto& network) {
        using T = ElementOf<decltype(network)>;
        std::vector<double> means;
        without_gil([&] {
          const Objective<T> objective(*network, loss, metrics);
          means = Evaluator<T>(objective, *network, data.data)(SignalPoll());
        });
        return means;
      },
      self.network);
}

py::tuple gradients(const AnyNetwork& self, const BoundDataset& data, const LossSpec& loss) {
  return std::visit(
      [&](const auto& network) {
        using T = ElementOf<decltype(network)>;
        Arena<T> gradient(network->size());
        double value = 0;
        without_gil([&] {
          const Objective<T> objective(*network, loss, {});
          value =
              loss_and_gradient<T>(objective, *network, data.data, gradient.data(), SignalPoll());
        });
        return py::make_tuple(value, tensors_of<T>(*network, gradient.data()));
      },
      self.network);
}

// (whether it is a layer of units, activation, least and greatest output of every unit) of each stage.
py::list ranges_of_units(const AnyNetwork& self, const BoundDataset& data) {
  return std::visit(
      [&](const auto& network) {
        using T = ElementOf<decltype(network)>;
        std::vector<UnitRanges<T>> ranges;
        without_gil([&] { ranges = unit_ranges<T>(*network, data.data, SignalPoll()); });
        py::list list;
        for (std::size_t s = 0; s < ranges.size(); ++s) {
          const Stage<T>& stage = network->stages()[s];
          const auto size = static_cast<py::ssize_t>(ranges[s].least.size());
          list.append(py::make_tuple(stage.kind == LayerSpec::Kind::dense,
                                     stage.activation.kernels->name,
                                     py::array_t<T>(size, ranges[s].least.data()),
                                     py::array_t<T>(size, ranges[s].greatest.data())));
        }
        return list;
      },
      self.network);
}

std::string digest(const AnyNetwork& self) {
  const auto hash = std::visit([](const auto& network) { return network->digest(); }, self.network);
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

LayerSpec normalization_layer(std::vector<double> means, std::vector<double> factors) {
  LayerSpec layer;
  layer.kind = LayerSpec::Kind::normalization;
  layer.means = std::move(means);
  layer.factors = std::move(factors);
  return layer;
}

py::tuple moments_of(const py::array& x, bool mapped) {
  const py::array held = aligned(x);
  const AnyMatrix matrix = any_matrix(held);
  if (matrix.rows < 1) throw InvalidArgument("x", "no samples", "at least 1");
  Moments moments;
  without_gil([&] { moments = column_moments(matrix, mapped && held.is(x), SignalPoll()); });
  return py::make_tuple(py::array_t<double>(py::cast(moments.means)),
                        py::array_t<double>(py::cast(moments.variances)));
}

LayerSpec dense_layer(Index units, bool use_bias, const ActivationSpec& activation,
                      double kernel_l1, double kernel_l2, double bias_l1, double bias_l2) {
  LayerSpec layer;
  layer.units = units;
  layer.use_bias = use_bias;
  layer.activation = activation;
  layer.kernel_penalty = {kernel_l1, kernel_l2};
  layer.bias_penalty = {bias_l1, bias_l2};
  return layer;
}

}  // namespace

void register_network(py::module_& m) {
  py::class_<LayerSpec>(m, "Layer")
      .def_static("dense", &dense_layer, py::arg("units"), py::kw_only(),
                  py::arg("use_bias") = true, py::arg("activation") = ActivationSpec{},
                  py::arg("kernel_l1") = 0.0, py::arg("kernel_l2") = 0.0, py::arg("bias_l1") = 0.0,
                  py::arg("bias_l2") = 0.0)
      .def_static(
          "activation",
          [](const ActivationSpec& activation) {
            LayerSpec layer;
            layer.kind = LayerSpec::Kind::activation;
            layer.activation = activation;
            return layer;
          },
          py::arg("activation"))
      .def_static(
          "rescaling",
          [](double scale, double offset) {
            LayerSpec layer;
            layer.kind = LayerSpec::Kind::rescaling;
            layer.scale = scale;
            layer.offset = offset;
            return layer;
          },
          py::arg("scale"), py::arg("offset"))
      .def_static("normalization", &normalization_layer, py::arg("means"), py::arg("factors"))
      .def_static(
          "dropout",
          [](double rate, std::uint64_t seed) {
            LayerSpec layer;
            layer.kind = LayerSpec::Kind::dropout;
            layer.rate = rate;
            layer.seed = seed;
            return layer;
          },
          py::arg("rate"), py::arg("seed"));
  m.def("column_moments", &moments_of, py::arg("x"), py::arg("mapped") = false);
  py::class_<BoundDataset>(m, "Dataset")
      .def(py::init(&bind_dataset), py::arg("x"), py::arg("y") = py::none(),
           py::arg("sample_weight") = py::none(), py::arg("mapped") = false);
  py::class_<AnyNetwork>(m, "Network")
      .def(py::init(&make_network), py::arg("n_features"), py::arg("layers"), py::arg("dtype"))
      .def_property_readonly("n_features",
                             [](const AnyNetwork& self) {
                               return std::visit([](auto& n) { return n->n_features(); },
                                                 self.network);
                             })
      .def_property_readonly("n_outputs",
                             [](const AnyNetwork& self) {
                               return std::visit([](auto& n) { return n->n_outputs(); },
                                                 self.network);
                             })
      .def_property_readonly(
          "dtype",
          [](const AnyNetwork& self) { return self.network.index() == 0 ? "float32" : "float64"; })
      .def("parameters", &parameter_views)
      .def(
          "normalize_inputs",
          [](AnyNetwork& self, const std::vector<double>& means,
             const std::vector<double>& factors) {
            std::visit([&](auto& n) { n->normalize_inputs(means, factors); }, self.network);
          },
          py::arg("means"), py::arg("factors"))
      .def(
          "scale_outputs",
          [](AnyNetwork& self, const std::vector<double>& factors,
             const std::vector<double>& offsets) {
            std::visit([&](auto& n) { n->scale_outputs(factors, offsets); }, self.network);
          },
          py::arg("factors"), py::arg("offsets"))
      .def("predict", &predict_outputs, py::arg("data"))
      .def("predict_plain", &predict_plain, py::arg("x"))
      .def("evaluate", &evaluate_means, py::arg("data"), py::arg("loss"), py::arg("metrics"))
      .def("gradients", &gradients, py::arg("data"), py::arg("loss"))
      .def("unit_ranges", &ranges_of_units, py::arg("data"))
      .def("digest", &digest);
}

}  // namespace shallowcore::bind
