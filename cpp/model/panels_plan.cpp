// Layers as wide as a register tile or wider: parameters and optimizer's state live in panels during
// the training, the bias starts a product and the activation ends it, and the optimizer runs on
// gradients that have just left the registers.
// A step is a few phases, in each of which the team takes chunks one by one:
//   forward    a hidden layer's panel: z = x w + b, a = g(z)                 one phase a layer
//   loss       some rows: outputs, loss, its gradient dz                     one phase
//   backward   a hidden layer's panel: dz = (dz_next w_next') g'(a), then the rows of w_next that
//              belong to these units are updated, and their biases; in the first layer its own
//              panel of the kernel, too                                       one phase a layer
// The first layer's panels go in groups where its inputs are sparse, the others one by one.
// Every element is one sum in the order of samples or inputs, whatever the chunks: any number of
// threads gives the same bits.
#include <algorithm>
#include <cmath>

#include "core/team.hpp"
#include "core/threads.hpp"
#include "model/panel_inputs.hpp"
#include "model/panels.hpp"
#include "model/plans.hpp"
#include "model/slopes.hpp"

namespace shallowcore {
namespace {

constexpr Index kLossRows = 32;    // rows of a chunk of the loss phase
constexpr Index kUpdateRows = 96;  // rows of a kernel whose gradient is held at a time
constexpr Index kSparseGroup = 4;  // panels that share the search for what is not zero
constexpr Index kMostRows = 4096;  // of a batch: larger ones go in blocks

template <class T>
class PanelsPlan : public Plan<T> {
 public:
  explicit PanelsPlan(const Problem<T>& problem);

  int threads() const override { return threads_; }
  std::string summary() const override;
  void begin() override {
    reader_.forget_ahead();  // the caller may have changed the inputs
    state_.take_over();
  }
  Outcome step(const std::int64_t* order, Index first, Index rows, Sums& sums,
               const Poll& poll) override;
  void show() override { state_.show(); }
  void publish() override { state_.hand_back(); }
  bool keep() override { return state_.keep(); }
  void restore() override { state_.restore(); }

 private:
  using Plan<T>::problem_;
  using Layer = PanelLayer<T>;
  using Left = LeftFactor<T>;
  struct Group {
    Index panel, count;
  };

  void allocate();
  Left input_of(std::size_t l) const;
  Index first_groups() const { return (panels_.layers().front().n_panels + group_ - 1) / group_; }
  Group group(Index i) const;
  void forward(std::size_t l, const Group& group);
  void loss(Index chunk);
  void backward(std::size_t l, Index panel, int thread);
  void update_rows(std::size_t l, Left a_transposed, Index first, Index count, const Group& group,
                   int thread);
  void update_narrow(const T* a, Index first, Index units, int thread);
  void forward_first();
  void first_layer(bool ahead);
  void update_bias(std::size_t l, Index panel);
  T* panel_of(T* base, Index panel) const { return base + panel * wide_ * rows_; }

  const KernelTable<T>& table_ = kernels<T>();
  const Index wide_ = table_.panel_cols;
  Panels<T> panels_;
  PackedState<T> state_;
  BatchReader<T> reader_;
  PanelInputs<T> inputs_;
  Index most_rows_;
  int threads_;
  bool logits_;

  Arena<T> buffers_;
  std::vector<T*> outputs_;        // of hidden layers, in panels
  std::vector<T*> slopes_;         // the same, null where they follow from the outputs
  std::vector<T*> dz_;             // of every layer, in panels
  T *z_ = nullptr, *d_ = nullptr;  // of the last layer, row by row
  std::vector<T*> scratch_;        // of each thread
  Index transposed_size_ = 0;
  std::vector<Sums> chunk_sums_;

  Block<T> block_;  // of the step under way
  Index rows_ = 0;
  Index group_ = 1;  // panels of the first layer that go together
};

template <class T>
PanelsPlan<T>::PanelsPlan(const Problem<T>& problem)
    : Plan<T>(problem),
      panels_(problem.network),
      state_(panels_, problem.network, problem.optimizer, problem.objective),
      reader_(problem.data, problem.network, problem.options.batch_size, problem.options.shuffle,
              Inputs::ahead),
      inputs_(problem, panels_.layers().front().n_panels, panels_.layers().size() > 1),
      most_rows_(problem.options.batch_size),
      threads_(threads_for(problem.network, most_rows_)),
      logits_(problem.objective.fused()) {
  allocate();
}

template <class T>
void PanelsPlan<T>::allocate() {
  const auto& layers = panels_.layers();
  Index total = 0, widest = 0;
  for (const Layer& layer : layers) {
    total += (layer.stage->stores_slope() ? 3 : 2) * padded<T>(layer.n_panels * wide_ * most_rows_);
    widest = std::max(widest, layer.n_panels * wide_);
  }
  transposed_size_ = widest * wide_;
  const Index last = padded<T>(most_rows_ * layers.back().n_out);
  const Index own = padded<T>(transposed_size_) + padded<T>(kUpdateRows * wide_);
  buffers_ = Arena<T>(total + 2 * last + threads_ * own);
  for (const Layer& layer : layers) {
    const Index size = layer.n_panels * wide_ * most_rows_;
    dz_.push_back(buffers_.take(size));
    outputs_.push_back(&layer == &layers.back() ? nullptr : buffers_.take(size));
    slopes_.push_back(layer.stage->stores_slope() ? buffers_.take(size) : nullptr);
  }
  z_ = buffers_.take(last);
  d_ = buffers_.take(last);
  for (int i = 0; i < threads_; ++i) scratch_.push_back(buffers_.take(own));
  const Index chunks = (most_rows_ + kLossRows - 1) / kLossRows;
  chunk_sums_.resize(static_cast<std::size_t>(chunks));
  for (Sums& sums : chunk_sums_) sums.metrics.resize(problem_.objective.metrics().size());
}

template <class T>
std::string PanelsPlan<T>::summary() const {
  return "plan: panels of " + std::to_string(wide_) +
         " columns, optimizer fused with the gradients: layers as wide as register "
         "tiles\ninputs: " +
         (reader_.reads_in_place() ? "read in place" : "gathered and converted ahead") + "\n" +
         inputs_.summary();
}

template <class T>
typename PanelsPlan<T>::Left PanelsPlan<T>::input_of(std::size_t l) const {
  if (l == 0) return inputs_.rows();
  return {outputs_[l - 1], wide_, 1, wide_, wide_ * rows_};
}

// Group i of the first layer's panels.
template <class T>
typename PanelsPlan<T>::Group PanelsPlan<T>::group(Index i) const {
  return {i * group_, std::min(group_, panels_.layers().front().n_panels - i * group_)};
}

template <class T>
void PanelsPlan<T>::forward(std::size_t l, const Group& group) {
  const Layer& layer = panels_.layers()[l];
  const T* bias = layer.bias < 0 ? nullptr : state_.parameters() + layer.bias + group.panel * wide_;
  T* a = panel_of(outputs_[l], group.panel);
  multiply_panels(input_of(l), rows_, layer.n_in, state_.parameters() + layer.panel(group.panel),
                  wide_ * layer.n_in, group.count, wide_, bias, a);
  const Activation<T>& activation = layer.stage->activation;
  if (slopes_[l] != nullptr) {
    for (Index j = 0; j < group.count; ++j, a += wide_ * rows_) {
      forward_with_slope(*layer.stage, {problem_.optimizer.iterations(), 0}, rows_,
                         (group.panel + j) * wide_, wide_, a,
                         panel_of(slopes_[l], group.panel + j));
    }
  } else if (layer.activated) {
    activation.kernels->forward(a, a, group.count * rows_, wide_, activation.parameters);
  }
}

// Outputs, loss and dz of some rows.
template <class T>
void PanelsPlan<T>::loss(Index chunk) {
  const std::size_t l = panels_.layers().size() - 1;
  const Layer& layer = panels_.layers()[l];
  const Index first = chunk * kLossRows, count = std::min(kLossRows, rows_ - first);
  const Index n_out = layer.n_out;
  Left input = input_of(l);
  input.data += first * input.row;
  T *z = z_ + first * n_out, *d = d_ + first * n_out;
  for (Index j = 0; j < layer.n_panels; ++j) {
    const T* bias = layer.bias < 0 ? nullptr : state_.parameters() + layer.bias + j * wide_;
    const Index cols = std::min(layer.width(j), n_out - j * wide_);
    multiply(input, count, layer.n_in, state_.parameters() + layer.panel(j), layer.width(j), bias,
             z + j * wide_, n_out, cols);
  }
  const Activation<T>& activation = layer.stage->activation;
  const bool activated = !logits_ && layer.activated;
  if (activated) activation.kernels->forward(z, z, count, n_out, activation.parameters);
  Block<T> rows;
  rows.x.dense.rows = count;
  rows.y = block_.y == nullptr ? nullptr : block_.y + first * n_out;
  rows.labels = block_.labels == nullptr ? nullptr : block_.labels + first;
  rows.weights = block_.weights == nullptr ? nullptr : block_.weights + first;
  Sums& sums = chunk_sums_[static_cast<std::size_t>(chunk)];
  sums.clear();
  problem_.objective.add_loss(rows, z, rows_, d, sums);
  if (activated) activation.kernels->backward(z, d, count, n_out, activation.parameters);
  for (Index j = 0; j < layer.n_panels; ++j) {
    const Index width = layer.width(j), cols = std::min(width, n_out - j * wide_);
    T* dz = panel_of(dz_[l], j) + first * width;
    for (Index i = 0; i < count; ++i, dz += width) {
      std::fill(std::copy_n(d + i * n_out + j * wide_, cols, dz), dz + width, T{0});
    }
  }
}

// dz of one panel of a hidden layer, and with it the next layer's kernel rows for these units.
template <class T>
void PanelsPlan<T>::backward(std::size_t l, Index panel, int thread) {
  const Layer &layer = panels_.layers()[l], &next = panels_.layers()[l + 1];
  const Index first = panel * wide_, units = std::min(wide_, layer.n_out - first);
  T* transposed = scratch_[static_cast<std::size_t>(thread)];  // (next.n_out, wide)
  if (units < wide_) std::fill_n(transposed, next.n_panels * wide_ * wide_, T{0});
  for (Index j = 0; j < next.n_panels; ++j) {
    const Index width = next.width(j), cols = std::min(width, next.n_out - j * wide_);
    table_.transpose(state_.parameters() + next.panel(j) + first * width, width, units, cols,
                     transposed + j * wide_ * wide_, wide_);
  }
  const bool is_last = l + 2 == panels_.layers().size();
  const Left dz_next = is_last ? Left{d_, next.n_out, 1, next.n_out, 0}
                               : Left{dz_[l + 1], wide_, 1, wide_, wide_ * rows_};
  T *dz = panel_of(dz_[l], panel), *a = panel_of(outputs_[l], panel);
  multiply(dz_next, rows_, next.n_out, transposed, wide_, nullptr, dz, wide_, wide_);
  const Activation<T>& activation = layer.stage->activation;
  if (slopes_[l] != nullptr) {
    table_.multiply(panel_of(slopes_[l], panel), dz, rows_ * wide_);
  } else if (layer.activated) {
    activation.kernels->backward(a, dz, rows_, wide_, activation.parameters);
  }
  if (is_last && next.n_out < next.width(0)) {
    update_narrow(a, first, units, thread);
  } else {
    for (Index j = 0; j < next.n_panels; ++j) {
      update_rows(l + 1, {a, 1, wide_, rows_}, first, units, {j, 1}, thread);
    }
  }
  update_bias(l, panel);
}

// Rows [first, first + count) of some panels of a kernel: gradient a' dz, update.
template <class T>
void PanelsPlan<T>::update_rows(std::size_t l, Left a, Index first, Index count, const Group& group,
                                int thread) {
  const Layer& layer = panels_.layers()[l];
  const Index width = layer.width(group.panel), at_once = kUpdateRows / group.count;
  const T* dz = panel_of(dz_[l], group.panel);
  T* gradient = scratch_[static_cast<std::size_t>(thread)] + padded<T>(transposed_size_);
  for (Index done = 0; done < count; done += at_once) {
    const Index rows = std::min(at_once, count - done);
    multiply_panels(a, rows, rows_, dz, wide_ * rows_, group.count, width, nullptr, gradient);
    for (Index j = 0; j < group.count; ++j) {
      state_.update(layer.panel(group.panel + j) + (first + done) * width,
                    gradient + j * rows * width, rows * width, layer.kernel_penalty);
    }
    a.data += rows * a.row;
    if (a.words != nullptr) a.words += rows * a.words_row;
  }
}

// The rows for some units of a last kernel that does not fill its panel: outputs times units is a
// product without idle lanes, of the same sums.
template <class T>
void PanelsPlan<T>::update_narrow(const T* a, Index first, Index units, int thread) {
  const Layer& layer = panels_.layers().back();
  const Index width = layer.width(0), n_out = layer.n_out;
  T* by_outputs = scratch_[static_cast<std::size_t>(thread)];  // (n_out, wide)
  T* gradient = by_outputs + padded<T>(transposed_size_);
  multiply({d_, 1, n_out, rows_}, n_out, rows_, a, wide_, nullptr, by_outputs, wide_, wide_);
  std::fill_n(gradient, units * width, T{0});
  table_.transpose(by_outputs, wide_, n_out, units, gradient, width);
  state_.update(layer.panel(0) + first * width, gradient, units * width, layer.kernel_penalty);
}

template <class T>
void PanelsPlan<T>::update_bias(std::size_t l, Index panel) {
  const Layer& layer = panels_.layers()[l];
  if (layer.bias < 0) return;
  const Index width = layer.width(panel);
  alignas(kAlignment) T gradient[2 * kAlignment / sizeof(T)] = {};
  table_.add_column_sums(panel_of(dz_[l], panel), rows_, width, gradient);
  state_.update(layer.bias + panel * wide_, gradient, width, layer.bias_penalty);
}

// The first layer's groups, and the columns that its gradient will read.
template <class T>
void PanelsPlan<T>::forward_first() {
  const Index groups = first_groups();
  for_chunks(inputs_.row_parts(), threads_, [&](Index part, int) { inputs_.prepare_rows(part); });
  for_chunks(groups, threads_, [&](Index chunk, int) {
    inputs_.prepare_columns(chunk, groups);
    forward(0, group(chunk));
  });
}

// The last phase of a step: the first kernel, what hangs on its units, and reading ahead.
template <class T>
void PanelsPlan<T>::first_layer(bool ahead) {
  const Layer& layer = panels_.layers().front();
  const bool hidden = panels_.layers().size() > 1;  // else any rows of the kernel make a chunk
  const Index parts = hidden ? 1 : (layer.n_in + kUpdateRows - 1) / kUpdateRows;
  const Index chunks = first_groups() * parts;
  for_chunks(chunks, threads_, [&](Index chunk, int thread) {
    if (ahead) reader_.take_ahead(chunk, chunks);
    const Group panels = group(chunk / parts);
    for (Index j = 0; hidden && j < panels.count; ++j) backward(0, panels.panel + j, thread);
    const Index row = chunk % parts * kUpdateRows;
    const Index rows = hidden ? layer.n_in : std::min(kUpdateRows, layer.n_in - row);
    update_rows(0, inputs_.columns(row), row, rows, panels, thread);
  });
}

template <class T>
Outcome PanelsPlan<T>::step(const std::int64_t* order, Index first, Index rows, Sums& sums,
                            const Poll&) {
  const auto& layers = panels_.layers();
  const std::size_t last = layers.size() - 1;
  block_ = reader_.read(order, first, rows);
  inputs_.take(block_.x.dense);
  rows_ = rows;
  const Index share = (layers.front().n_panels + threads_ - 1) / threads_;
  group_ = inputs_.sparse() ? std::min(kSparseGroup, share) : 1;
  if (last > 0) forward_first();
  for (std::size_t l = 1; l < last; ++l) {
    for_chunks(layers[l].n_panels, threads_, [&](Index panel, int) { forward(l, {panel, 1}); });
  }
  const Index chunks = (rows + kLossRows - 1) / kLossRows;
  for_chunks(chunks, threads_, [&](Index chunk, int) { loss(chunk); });
  for (Index i = 0; i < chunks; ++i) sums.add(chunk_sums_[static_cast<std::size_t>(i)]);
  sums.loss += state_.penalties() * static_cast<double>(rows);
  if (!std::isfinite(sums.loss)) return Outcome::diverged;

  state_.next_step();
  for (Index j = 0; j < layers[last].n_panels; ++j) update_bias(last, j);
  for (std::size_t l = last; l-- > 1;) {
    for_chunks(layers[l].n_panels, threads_,
               [&](Index panel, int thread) { backward(l, panel, thread); });
  }
  const Index next = first + rows, left = problem_.data.rows() - next;
  first_layer(reader_.announce(order, next, std::min(problem_.options.batch_size, left)));
  return Outcome::stepped;
}

template <class T>
std::string refusal(const Problem<T>& problem) {
  if (problem.optimizer.full_batch()) return "the optimizer is no first-order method";
  if (problem.optimizer.clips_by_norm()) return "gradients are clipped by their norm";
  const auto& stages = problem.network.stages();
  if (stages.empty()) return "there is no layer";
  for (const Stage<T>& stage : stages) {
    if (stage.kind != LayerSpec::Kind::dense) return "not all layers are dense";
    if (&stage != &stages.back() && !stage.activation.kernels->elementwise) {
      return "the activation of a hidden layer is not elementwise";
    }
    if (&stage == &stages.back() && stage.stores_slope()) return "the outputs' slopes are stored";
  }
  if (problem.options.batch_size > kMostRows) return "the batch has more than 4096 rows";
  return "";
}

// Panels cost the columns that layers lack, and packing twice.
template <class T>
bool pays(const Problem<T>& problem) {
  constexpr double most_padding = 2;
  constexpr Index fewest_samples = 64;
  const Index steps =
      problem.options.epochs * ((problem.data.rows() - 1) / problem.options.batch_size + 1);
  const Panels<T> panels(problem.network);
  double weights = 0;
  for (const PanelLayer<T>& layer : panels.layers()) {
    weights += static_cast<double>(layer.n_in) * static_cast<double>(layer.n_out);
  }
  return static_cast<double>(panels.size()) <= most_padding * weights && steps > 1 &&
         problem.options.epochs * problem.data.rows() >= fewest_samples;
}

}  // namespace

template <class T>
PlanKind<T> panels_plan() {
  return {"panels", refusal<T>, pays<T>, [](const Problem<T>& problem) -> std::unique_ptr<Plan<T>> {
            return std::make_unique<PanelsPlan<T>>(problem);
          }};
}

template PlanKind<float> panels_plan();
template PlanKind<double> panels_plan();

}  // namespace shallowcore
