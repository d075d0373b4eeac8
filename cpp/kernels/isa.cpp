// The kernels of one instruction set.  Compiled once for each, with SHALLOWCORE_ISA naming it and the
// compiler flags to match; everything but the final InstructionSet lives in that namespace.
#include "kernels/activations.inl.hpp"
#include "kernels/arrays.inl.hpp"
#include "kernels/csr.inl.hpp"
#include "kernels/dropout.inl.hpp"
#include "kernels/elementwise.inl.hpp"
#include "kernels/gates.inl.hpp"
#include "kernels/gemm.inl.hpp"
#include "kernels/lanes.inl.hpp"
#include "kernels/losses_crossentropy.inl.hpp"
#include "kernels/losses_regression.inl.hpp"
#include "kernels/optimizers.inl.hpp"
#include "kernels/rows.inl.hpp"
#include "kernels/sparse.inl.hpp"
#include "kernels/tiles.inl.hpp"
#include "kernels/transpose.inl.hpp"

#define SHALLOWCORE_TEXT_OF(x) #x
#define SHALLOWCORE_TEXT(x) SHALLOWCORE_TEXT_OF(x)

namespace shallowcore::SHALLOWCORE_ISA {
namespace {

template <class... Entries>
struct List {};

// The registries: what is listed here exists, under its own name, everywhere.
using ElementwiseActivations = List<Identity, Sigmoid, Tanh, Relu, LeakyRelu, Elu, Selu, Gelu, Silu,
                                    Softplus, Softsign, HardSigmoid, Exponential>;
using RowActivations = List<Softmax, LogSoftmax>;
using Optimizers = List<Sgd, RmsProp, Adam, AdamW, Adagrad, Nadam, Rprop>;

constexpr Parameter kNoParameter = {nullptr, 0};

template <class T>
constexpr LossKernels<T> kLosses[] = {
    {"mean_squared_error", "mean_j (a_j - y_j)^2", false, false, nullptr, kNoParameter, false,
     elementwise_loss<T, SquaredError<T>>, nullptr, elementwise_hessian<T, SquaredError<T>>,
     nullptr},
    {"mean_absolute_error", "mean_j |a_j - y_j|", false, false, nullptr, kNoParameter, false,
     elementwise_loss<T, AbsoluteError<T>>, nullptr, nullptr, nullptr},
    {"huber",
     "mean_j e_j^2 / 2 where |e_j| <= delta, else delta |e_j| - delta^2 / 2; e = a - y",
     false,
     false,
     nullptr,
     {"delta", 1.0},
     false,
     elementwise_loss<T, Huber<T>>,
     nullptr,
     elementwise_hessian<T, Huber<T>>,
     nullptr},
    {"log_cosh", "mean_j ln cosh(a_j - y_j)", false, false, nullptr, kNoParameter, false,
     elementwise_loss<T, LogCosh<T>>, nullptr, elementwise_hessian<T, LogCosh<T>>, nullptr},
    {"quantile",
     "mean_j max(q_j e_j, (q_j - 1) e_j), e = y - a; one quantile q, or one an output",
     false,
     false,
     nullptr,
     {"quantile", 0.5},
     true,
     quantile_loss<T>,
     nullptr,
     nullptr,
     nullptr},
    {"poisson", "mean_j a_j - y_j ln(a_j + 1e-7); from logits e^z_j - y_j z_j", false, false,
     "exponential", kNoParameter, false, elementwise_loss<T, PoissonOutputs<T>>,
     elementwise_loss<T, PoissonLogits<T>>, elementwise_hessian<T, PoissonOutputs<T>>,
     elementwise_hessian<T, PoissonLogits<T>>},
    {"hinge", "mean_j max(0, 1 - y_j a_j), y = 1 or -1 (0 is -1)", false, false, nullptr,
     kNoParameter, false, elementwise_loss<T, Hinge<T>>, nullptr, nullptr, nullptr},
    {"binary_crossentropy", "mean_j -(y_j ln a_j + (1 - y_j) ln(1 - a_j))", false, true, "sigmoid",
     kNoParameter, false, elementwise_loss<T, BinaryOutputs<T>>,
     elementwise_loss<T, BinaryLogits<T>>, elementwise_hessian<T, BinaryOutputs<T>>,
     elementwise_hessian<T, BinaryLogits<T>>},
    {"categorical_crossentropy", "-sum_j y_j ln a_j", false, true, "softmax", kNoParameter, false,
     categorical_outputs<T, false>, categorical_logits<T>, nullptr, categorical_logits_hessian<T>},
    {"sparse_categorical_crossentropy", "-ln a_y", true, false, "softmax", kNoParameter, false,
     categorical_outputs<T, true>, sparse_logits<T>, nullptr, categorical_logits_hessian<T>},
};

template <class T, class G>
constexpr ActivationKernels<T> elementwise_entry() {
  ActivationKernels<T> entry = {};
  entry.name = G::name;
  entry.formula = G::formula;
  for (int i = 0; i < 2; ++i) entry.parameters[i] = G::parameters[i];
  entry.elementwise = true;
  entry.stores_slope = kStoresSlope<G>;
  entry.forward = forward_elementwise<T, G>;
  entry.forward_finite = forward_finite<T, G>;
  entry.forward_with_slope = forward_with_slope<T, G>;
  if constexpr (!kStoresSlope<G>) {
    entry.backward = backward_elementwise<T, G>;
    entry.lane_backward = lane_backward<T, G>;
  }
  entry.derivative = derivative_finite<T, G>;
  entry.curvature = curvature_elementwise<T, G>;
  return entry;
}

template <class T, class G>
constexpr ActivationKernels<T> row_entry() {
  ActivationKernels<T> entry = {};
  entry.name = G::name;
  entry.formula = G::formula;
  entry.forward = G::template forward<T>;
  entry.forward_finite = rows_finite<T, G>;
  entry.backward = G::template backward<T>;
  return entry;
}

template <class T, class O>
constexpr OptimizerKernels<T> optimizer_entry() {
  OptimizerKernels<T> entry = {};
  entry.name = O::name;
  entry.formula = O::formula;
  for (int i = 0; i < kMaxParameters; ++i) entry.parameters[i] = O::parameters[i];
  entry.weight_decay = O::weight_decay;
  entry.slots = O::slots;
  entry.prepare = O::template prepare<T>;
  entry.update = update<T, O>;
  return entry;
}

template <class T, class... E, class... R>
constexpr void add_activations(KernelTable<T>& table, List<E...>, List<R...>) {
  ((table.activations[table.n_activations++] = elementwise_entry<T, E>()), ...);
  ((table.activations[table.n_activations++] = row_entry<T, R>()), ...);
}

template <class T, class... O>
constexpr void add_optimizers(KernelTable<T>& table, List<O...>) {
  ((table.optimizers[table.n_optimizers++] = optimizer_entry<T, O>()), ...);
}

template <class T, class... S>
constexpr void add_readers(KernelTable<T>& table, List<S...>) {
  int type = 0;
  ((table.gather[type++] = gather<T, S>), ...);
}

template <class T>
constexpr KernelTable<T> make_table() {
  KernelTable<T> table = {};
  table.isa = SHALLOWCORE_TEXT(SHALLOWCORE_ISA);
  table.tile_rows = kTileRows;
  table.panel_cols = kPanel<T>;
  table.vector_cols = kWidth<T>;
  table.gemm_scratch = kGemmScratch<T>;
  table.pack_rows_from = kPackRowsFrom;
  table.packed_size = packed_size<T>;
  table.pack = pack<T>;
  table.gemm = gemm<T>;
  table.mark_nonzeros = mark_nonzeros<T>;
  table.sparse_product = sparse_product<T>;
  table.csr_product = csr_product<T>;
  table.csr_gradient = csr_gradient<T>;
  table.transpose = transpose<T>;
  table.lane_product = lane_product<T>;
  table.lane_backward = lane_backward<T, StoredSlope>;
  table.lane_gradient = lane_gradient<T>;
  table.rows_to_lanes = rows_to_lanes<T>;
  table.column_group = kGroup<T>;
  table.sweep_columns = sweep_columns<T, T>;
  if constexpr (sizeof(T) == 4) table.sweep_packed_columns = sweep_columns<T, uint32_t>;
  add_activations<T>(table, ElementwiseActivations{}, RowActivations{});
  for (const LossKernels<T>& loss : kLosses<T>) table.losses[table.n_losses++] = loss;
  add_optimizers<T>(table, Optimizers{});
  table.drop = drop<T>;
  add_readers<T>(table, List<Boolean, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t,
                             int64_t, uint64_t, float, double>{});
  table.add_column_sums = add_column_sums<T>;
  table.dot = dot<T>;
  table.axpy = axpy<T>;
  table.scale = scale<T>;
  table.multiply = multiply<T>;
  table.multiply_add = multiply_add<T>;
  table.add_penalty = add_penalty<T>;
  table.all_finite = all_finite<T>;
  table.all_within = all_within<T>;
  return table;
}

constexpr KernelTable<float> kTableF32 = make_table<float>();
constexpr KernelTable<double> kTableF64 = make_table<double>();

}  // namespace

extern const InstructionSet instruction_set;
const InstructionSet instruction_set = {SHALLOWCORE_TEXT(SHALLOWCORE_ISA), &kTableF32, &kTableF64};

}  // namespace shallowcore::SHALLOWCORE_ISA
