// The kernel table: every arithmetic routine of the core as a function pointer, one table for each
// instruction set and element type; `kernels<T>()` is the one in use; nothing else dispatches.
//
// Plain structs of pointers only: the translation units compiled for wider instruction sets include
// this file, so it must define no inline function and no template function.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace shallowcore {

inline constexpr int kMaxParameters = 8;
inline constexpr int kMaxSlots = 3;
// Constants of an optimizer's sweep: those of the method, then two that all methods share.
inline constexpr int kDecay = kMaxParameters;     // learning rate times weight decay
inline constexpr int kClip = kMaxParameters + 1;  // largest |gradient|, 0 for any
inline constexpr int kMaxConstants = kMaxParameters + 2;
inline constexpr int kMaxEntries = 32;
inline constexpr int kReadableTypes = 11;  // the order of DType

// A named number that an activation, loss or optimizer takes, with its default; name null ends a list.
struct Parameter {
  const char* name;
  double value;
};

// c (m, n) = init + a (m, k) b (k, n).  c is row-major; init is null (zeros), a row (init_row 0: the
// bias) or a matrix like c (often c itself: accumulate).  Each element is one chain of multiply-adds
// in the order of k, whatever the tiling, so any split of rows and columns gives the same bits.  Two
// cases sum in lanes: n == 1 where a's rows are contiguous (any split of rows gives the same bits), and
// `dots` (any split).
template <class T>
struct GemmArgs {
  ptrdiff_t m, n, k;
  const T* a;
  ptrdiff_t a_row, a_col;
  // a in panels of so many columns, a_panel elements apart: element (i, p) is
  // a[i a_row + p % a_inner a_col + p / a_inner a_panel].  a_inner 0: one panel.
  ptrdiff_t a_inner, a_panel;
  const T* b;  // strided (b_row, b_col), or what `pack` made of it where packed is set
  ptrdiff_t b_row, b_col;
  bool packed;
  bool dots;  // sum in lanes, for any n: rows of a and columns of b are contiguous, a in one panel
  const T* init;
  ptrdiff_t init_row;
  T* c;
  ptrdiff_t c_row;
  T* scratch;  // gemm_scratch elements of this thread
};

// c (m, n) = init + a b like GemmArgs, where a's columns are contiguous and n a whole number of panels:
// panels of b (k, panel_cols) lie b_panel apart, those of c (m, panel_cols) c_panel; init is a row or
// null.  Bit p % 64 of words[i words_row + p / 64] says whether a[i, p] counts.
template <class T>
struct SparseArgs {
  ptrdiff_t m, k, panels;
  const T* a;
  ptrdiff_t a_row;
  const uint64_t* words;
  ptrdiff_t words_row;
  const T* b;
  ptrdiff_t b_panel;
  const T* init;
  T* c;
  ptrdiff_t c_panel;
};

// Rows of a matrix in compressed form: row i is source row rows[first + i] (first + i where rows is
// null), and source row r has values[p] in columns[p] for p from starts[r] to starts[r + 1]; values of one
// column add up.
template <class T>
struct CsrRows {
  const T* values;
  const int32_t* columns;
  const int64_t* starts;
  const int64_t* rows;
  ptrdiff_t first, count;
};

// Products with a (count, k) in that form; matrices have contiguous rows.
template <class T>
struct CsrArgs {
  CsrRows<T> a;
  ptrdiff_t n;  // columns of b and c
  const T* b;   // (k, n), or (count, n) for the transposed product
  ptrdiff_t b_row;
  const T* init;  // (n,), or null
  T* c;           // (count, n), or (k, n)
  ptrdiff_t c_row;
};

// Samples in lanes (lanes.inl.hpp): matrices (units, samples), units `stride` apart, samples a whole
// number of vectors.  c (n, samples) = bias + w' a.
template <class T>
struct LaneProductArgs {
  ptrdiff_t n, k, samples, stride;
  const T* w;     // (k, n)
  const T* bias;  // (n,), or null
  const T* a;     // (k, samples)
  T* c;
};

// d (n_in, samples) = w dz, times the slope of the activation whose outputs are a, or times a itself
// where a has slopes.
template <class T>
struct LaneBackwardArgs {
  ptrdiff_t n_in, n_out, samples, stride;
  const T* w;   // (n_in, n_out)
  const T* dz;  // (n_out, samples)
  const T* a;   // (n_in, samples)
  const T* parameters;
  T* d;
};

// Forward and derivatives.  Matrices are contiguous (rows, cols).
template <class T>
struct ActivationKernels {
  const char* name;
  const char* formula;
  Parameter parameters[2];
  bool elementwise;
  // g' does not follow from the output: a training keeps it from the forward pass.
  bool stores_slope;
  // a = g(z); a may be z.
  void (*forward)(const T* z, T* a, ptrdiff_t rows, ptrdiff_t cols, const T* parameters);
  // The same of numbers that may be anything, a not z: false, and nothing else promised, for NaN or
  // infinity.
  bool (*forward_finite)(const T* z, T* a, ptrdiff_t rows, ptrdiff_t cols, const T* parameters);
  // a = g(z), s = g'(z); a may be z.  Null unless elementwise.
  void (*forward_with_slope)(const T* z, T* a, T* s, ptrdiff_t n, const T* parameters);
  // d = d * g'(z), from the output a (softmax: each row times the Jacobian); null where the slope is
  // stored.
  void (*backward)(const T* a, T* d, ptrdiff_t rows, ptrdiff_t cols, const T* parameters);
  // Samples in lanes, back through a layer's weights and through g; null unless elementwise and where
  // the slope is stored.
  void (*lane_backward)(const LaneBackwardArgs<T>&);
  // d = g'(z), from z and without cancellation, checked like forward_finite; null unless elementwise.
  bool (*derivative)(const T* z, T* d, ptrdiff_t n, const T* parameters);
  // d = g'(z), h = g''(z), from the output a, or from z where the slope is stored; null unless
  // elementwise.
  void (*curvature)(const T* from, T* d, T* h, ptrdiff_t n, const T* parameters);
};

template <class T>
struct LossArgs {
  ptrdiff_t rows, cols;
  const T* prediction;     // (rows, cols): outputs, or logits where the kernel takes logits
  const T* target;         // (rows, cols), or null where labels are given
  const int32_t* label;    // (rows,), or null
  const T* sample_weight;  // (rows,), or null for ones
  double gradient_scale;   // multiplies the gradient of a sample's loss: loss scale / n_samples
  double label_smoothing;
  const T* parameters;     // the loss's own, those of each column repeated for a vector more
  ptrdiff_t n_parameters;  // 1, or cols where there is one for each column
  T* gradient;             // (rows, cols), or null; may be prediction
  const T* tangent;        // (rows, cols): direction of the second derivative
};

template <class T>
struct LossKernels {
  const char* name;
  const char* formula;
  bool integer_labels;
  bool label_smoothing;
  const char* link;     // activation whose outputs' loss is computed from logits; null if none
  Parameter parameter;  // name null: none
  bool by_column;       // the parameter may have a value for each column
  // Sum over rows of sample_weight x loss; fills gradient where it is not null.
  double (*from_outputs)(const LossArgs<T>&);
  double (*from_logits)(const LossArgs<T>&);  // null where link is
  // gradient = Hessian of the loss times tangent; null where not provided.
  void (*outputs_hessian)(const LossArgs<T>&);
  void (*logits_hessian)(const LossArgs<T>&);
};

template <class T>
struct OptimizerKernels {
  const char* name;
  const char* formula;
  Parameter parameters[kMaxParameters];
  // State vectors needed with these parameter values.
  int (*slots)(const double* values);
  double weight_decay;  // default of the decoupled decay, which all methods have
  // From the parameters' values and the step number (1 first), the method's constants of one sweep.
  void (*prepare)(const double* values, int64_t step, T* constants);
  // One sweep over n weights, their gradients and state vectors: gradients are cut off at +-
  // constants[kClip] where that is not 0, weights shrink by constants[kDecay], then the method does its step.
  void (*update)(T* w, const T* g, T* const* slots, int n_slots, ptrdiff_t n, const T* constants);
};

// What a network makes of the numbers that it reads: x * scale + offset, then, where `means` is not null,
// (that - means[j]) * factors[j] in column j.
struct InputMap {
  double scale = 1, offset = 0;
  const double* means = nullptr;
  const double* factors = nullptr;

  bool is_identity() const { return scale == 1 && offset == 0 && means == nullptr; }
  InputMap from_column(ptrdiff_t first) const {
    if (means == nullptr) return *this;
    return {scale, offset, means + first, factors + first};
  }
};

// Rows of a matrix of any readable type: byte strides; row i of the result is source row
// rows[first + i] (or first + i where rows is null), its values mapped.
template <class T>
struct GatherArgs {
  const void* data;
  ptrdiff_t row_bytes, col_bytes;
  const int64_t* rows;
  ptrdiff_t first, count, cols;
  InputMap map;
  T* out;  // (count, cols)
};

// Dropout (dropout.inl.hpp) of a part of a layer's outputs: x = keep ? x scale : 0 for both arrays
// (rows, cols).  Whether unit u in row i of a step is kept depends on key, step, stream, i and u alone.
template <class T>
struct DropoutArgs {
  uint32_t key[2];
  uint32_t step, stream;
  uint32_t threshold;  // a unit is kept where its random word is no less
  T scale;
  ptrdiff_t first_row, rows, first_unit, cols;
  T* x;
  T* y;  // or null
};

// w (n_in, n_out) = a dz', b (n_out,) = sum of dz over the samples.  Both have room for whole
// vectors, and get zeros there.
template <class T>
struct LaneGradientArgs {
  ptrdiff_t n_in, n_out, samples, stride;
  const T* a;   // (n_in, samples)
  const T* dz;  // (n_out, samples)
  T* w;
  T* b;             // null without biases
  bool accumulate;  // add to w and b
};

// Rows order[first + i] of x, or first + i where order is null, contiguous and x_row apart.
template <class T>
struct LaneRows {
  const T* x;
  ptrdiff_t x_row;
  const int64_t* order;
  ptrdiff_t first, rows, cols;
  T* out;  // (cols, stride)
  ptrdiff_t stride;
};

// One step on some columns of a kernel (n_in, 1), all samples at once: the gradient penalty + x dz and
// the update (dz null: neither), then z = x^T w of the new weights.
template <class T>
struct ColumnsArgs {
  ptrdiff_t samples;  // a multiple of vector_cols, of 2 vector_cols where two are in a word
  ptrdiff_t columns;  // a multiple of column_group
  const void* x;      // T, or two bfloat16 to a word, laid out as tiles.inl.hpp says
  const T* dz;        // (samples)
  const T* penalty;   // (columns), or null
  T* w;               // (columns), and its state vectors
  T* slots[kMaxSlots];
  int n_slots;
  void (*update)(T* w, const T* g, T* const* slots, int n_slots, ptrdiff_t n, const T* constants);
  const T* constants;
  T* z;  // (samples), overwritten
};

template <class T>
struct KernelTable {
  const char* isa;

  ptrdiff_t tile_rows, panel_cols, vector_cols;
  ptrdiff_t gemm_scratch;    // elements,
  ptrdiff_t pack_rows_from;  // used where a has so many or more
  // packed (k, n padded to whole vectors): elements needed, and the copy into panels
  ptrdiff_t (*packed_size)(ptrdiff_t k, ptrdiff_t n);
  void (*pack)(const T* b, ptrdiff_t b_row, ptrdiff_t b_col, ptrdiff_t k, ptrdiff_t n, T* packed);
  void (*gemm)(const GemmArgs<T>&);
  // Marks in words what of a (m, k) is not zero, and the product that leaves the rest out.
  void (*mark_nonzeros)(const T* a, ptrdiff_t a_row, ptrdiff_t m, ptrdiff_t k, uint64_t* words,
                        ptrdiff_t words_row);
  void (*sparse_product)(const SparseArgs<T>&);
  void (*csr_product)(const CsrArgs<T>&);   // c = init + a b
  void (*csr_gradient)(const CsrArgs<T>&);  // c += a' b
  // out (cols, rows) = a (rows, cols) transposed; out[j] begins at out + j * out_row
  void (*transpose)(const T* a, ptrdiff_t a_row, ptrdiff_t rows, ptrdiff_t cols, T* out,
                    ptrdiff_t out_row);

  void (*lane_product)(const LaneProductArgs<T>&);
  // For slopes that are stored.
  void (*lane_backward)(const LaneBackwardArgs<T>&);
  void (*lane_gradient)(const LaneGradientArgs<T>&);
  // out = the rows transposed, with zeros in the lanes from `rows` to the stride
  void (*rows_to_lanes)(const LaneRows<T>&);
  // Steps on columns of inputs that are held as T, and as bfloat16 (null for double).
  ptrdiff_t column_group;
  void (*sweep_columns)(const ColumnsArgs<T>&);
  void (*sweep_packed_columns)(const ColumnsArgs<T>&);

  int n_activations, n_losses, n_optimizers;
  ActivationKernels<T> activations[kMaxEntries];
  LossKernels<T> losses[kMaxEntries];
  OptimizerKernels<T> optimizers[kMaxEntries];

  void (*drop)(const DropoutArgs<T>&);

  void (*gather[kReadableTypes])(const GatherArgs<T>&);

  // out (cols) += column sums of a contiguous (rows, cols), row after row
  void (*add_column_sums)(const T* d, ptrdiff_t rows, ptrdiff_t cols, T* out);
  double (*dot)(const T* x, const T* y, ptrdiff_t n);
  void (*axpy)(T alpha, const T* x, T* y, ptrdiff_t n);               // y += alpha x
  void (*scale)(T alpha, T* y, ptrdiff_t n);                          // y *= alpha
  void (*multiply)(const T* x, T* y, ptrdiff_t n);                    // y *= x
  void (*multiply_add)(const T* x, const T* y, T* out, ptrdiff_t n);  // out += x y
  // g += gradient of l1 sum|w| + l2 sum w^2 (g may be null); returns that penalty
  double (*add_penalty)(const T* w, T* g, ptrdiff_t n, double l1, double l2);
  bool (*all_finite)(const T* x, ptrdiff_t n);
  bool (*all_within)(const T* x, ptrdiff_t n, T low, T high);  // false for NaN
};

// Tables of one instruction set, defined by its own translation unit.
struct InstructionSet {
  const char* name;
  const KernelTable<float>* f32;
  const KernelTable<double>* f64;
};

// The table in use, chosen once: the best this processor runs, or SHALLOWCORE_FORCE_ISA (an unknown
// or unsupported name there throws InvalidState).
template <class T>
const KernelTable<T>& kernels();

}  // namespace shallowcore
