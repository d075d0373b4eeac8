// Tiny networks: the samples stand in the vector lanes, so that a layer of ten units costs ten units.
//
// Inputs, outputs and their gradients are held unit by unit, a unit's samples side by side; everything
// that a block of samples needs stays in the L1 cache, and where the samples come in the same order
// again and again their inputs are transposed once.  One sweep updates all parameters.
// One thread: a step is over in the time that two threads take to meet.
#include <algorithm>
#include <cmath>

#include "model/plans.hpp"
#include "model/slopes.hpp"

namespace shallowcore {
namespace {

constexpr double kBlockBytes = 2e5;         // of a block: its buffers stay in the L2 cache
constexpr Index kFewRows = 64;              // a block is no smaller, for the sake of its gradients
constexpr Index kMostRows = 512;            // and no larger
constexpr double kMostKeptBytes = 1 << 20;  // of inputs that are kept transposed

// Rows of contiguous T, which need no conversion before they are transposed.
template <class T>
bool has_plain_rows(const AnyMatrix& x) {
  constexpr Index size = sizeof(T);
  return x.dtype == kDTypeOf<T> && x.col_bytes == size && x.row_bytes % size == 0;
}

template <class T>
class LanesPlan : public Plan<T> {
 public:
  explicit LanesPlan(const Problem<T>& problem);

  std::string summary() const override;
  void begin() override;
  Outcome step(const std::int64_t* order, Index first, Index rows, Sums& sums,
               const Poll& poll) override;

 private:
  using Plan<T>::problem_;

  struct Layer {
    Stage<T> stage;
    bool activates;  // between layers: the last one's activation is applied row by row
    T* outputs;      // (n_out, stride)
    T* slopes;       // the same, or null where they follow from the outputs
  };

  Index stride_of(Index rows) const;
  Index most_stride() const { return whole_vectors(block_rows_) + padded<T>(1); }
  void allocate(Index widest);
  T* kept_inputs(Index first, Index done);
  Block<T> read(const std::int64_t* order, Index first, Index rows, Index stride, T* x);
  void add_block(const std::int64_t* order, Index first, Index done, Index rows, Index batch_rows,
                 Sums& sums);
  void forward(const T* x, const Place& place, Index rows, Index stride);
  T* loss(const Block<T>& block, Index batch_rows, Index stride, Sums& sums);
  void backward(const T* x, T* dz, Index rows, Index stride, bool accumulate);
  void update();
  Index whole_vectors(Index n) const {
    return (n + table_.vector_cols - 1) / table_.vector_cols * table_.vector_cols;
  }

  const KernelTable<T>& table_ = kernels<T>();
  std::vector<Layer> layers_;
  Index block_rows_;
  Index blocks_;     // of a batch
  Index kept_size_;  // of the inputs of one block, where they are kept
  bool keeps_inputs_;
  bool plain_rows_;
  BatchReader<T> reader_;
  LaneSlopes<T> lane_slopes_;

  Arena<T> buffers_;
  T *x_ = nullptr, *dz_[2] = {};                 // (units, stride)
  T *prediction_ = nullptr, *d_rows_ = nullptr;  // (rows, n_outputs)
  T* gradient_ = nullptr;
  Arena<T> kept_;
  std::vector<char> kept_is_filled_;
  T* slots_[kMaxSlots] = {};
  Sums before_;  // sums before the batch under way
};

// Units' rows of a whole number of vectors, and not a multiple of 1 KiB apart: those would share few
// sets of the L1 cache.
template <class T>
Index LanesPlan<T>::stride_of(Index rows) const {
  constexpr Index size = sizeof(T);
  const Index stride = whole_vectors(rows);
  return stride * size % 1024 == 0 ? stride + padded<T>(1) : stride;
}

template <class T>
Index rows_of_blocks(const Network<T>& network, Index batch_rows) {
  Index units = network.n_features(), widest = 0;
  for (const Stage<T>& stage : network.stages()) {
    units += stage.n_out;
    widest = std::max(widest, stage.n_out);
  }
  const double bytes = static_cast<double>(units + 2 * widest) * sizeof(T);
  const Index most = std::clamp(static_cast<Index>(kBlockBytes / bytes), kFewRows, kMostRows);
  const Index blocks = (batch_rows + most - 1) / most;
  return (batch_rows + blocks - 1) / blocks;
}

template <class T>
LanesPlan<T>::LanesPlan(const Problem<T>& problem)
    : Plan<T>(problem),
      block_rows_(
          std::min(problem.options.batch_size,
                   whole_vectors(rows_of_blocks(problem.network, problem.options.batch_size)))),
      blocks_((problem.options.batch_size + block_rows_ - 1) / block_rows_),
      kept_size_(problem.network.n_features() * most_stride()),
      plain_rows_(has_plain_rows<T>(problem.data.x) && problem.network.input_map().is_identity()),
      reader_(problem.data, problem.network, block_rows_, problem.options.shuffle),
      lane_slopes_(problem.network, block_rows_, most_stride()) {
  const Index batch_size = problem.options.batch_size;
  const Index n_kept = (problem.data.rows() + batch_size - 1) / batch_size * blocks_;
  keeps_inputs_ = !problem.options.shuffle && !problem.data.fed && problem.options.epochs > 1 &&
                  static_cast<double>(n_kept * kept_size_) * sizeof(T) <= kMostKeptBytes;
  if (keeps_inputs_) {
    kept_ = Arena<T>(n_kept * kept_size_, Fill::none);
    kept_is_filled_.resize(static_cast<std::size_t>(n_kept));
  }
  Index widest = 0;
  for (const Stage<T>& stage : problem.network.stages()) {
    layers_.push_back({stage, !stage.activation.is("identity"), nullptr, nullptr});
    widest = std::max(widest, stage.n_out);
  }
  allocate(widest);
}

template <class T>
void LanesPlan<T>::allocate(Index widest) {
  const Network<T>& network = problem_.network;
  const Index stride = most_stride(), n_outputs = network.n_outputs();
  const Index rows_size = n_outputs == 1 ? 0 : block_rows_ * n_outputs;
  Index total = padded<T>(keeps_inputs_ ? 0 : kept_size_) + 2 * padded<T>(widest * stride) +
                2 * padded<T>(rows_size) + network.size();
  for (const Layer& layer : layers_) {
    total += (layer.stage.stores_slope() ? 2 : 1) * padded<T>(layer.stage.n_out * stride);
  }
  buffers_ = Arena<T>(total);
  x_ = buffers_.take(keeps_inputs_ ? 0 : kept_size_);
  for (Layer& layer : layers_) {
    layer.outputs = buffers_.take(layer.stage.n_out * stride);
    if (layer.stage.stores_slope()) layer.slopes = buffers_.take(layer.stage.n_out * stride);
  }
  for (T*& dz : dz_) dz = buffers_.take(widest * stride);
  prediction_ = n_outputs == 1 ? layers_.back().outputs : buffers_.take(rows_size);
  d_rows_ = n_outputs == 1 ? dz_[0] : buffers_.take(rows_size);
  gradient_ = buffers_.take(network.size());
}

template <class T>
std::string LanesPlan<T>::summary() const {
  return "plan: lanes, samples side by side in the vectors: layers as narrow as these leave "
         "vectors "
         "half empty otherwise\nblocks: up to " +
         std::to_string(block_rows_) + " rows at a time, inputs transposed " +
         (keeps_inputs_ ? "once" : "in each step") + "\n";
}

template <class T>
void LanesPlan<T>::begin() {
  for (int i = 0; i < problem_.optimizer.slots(); ++i) slots_[i] = problem_.optimizer.slot(i);
  // Between runs the caller may write to his inputs.
  std::fill(kept_is_filled_.begin(), kept_is_filled_.end(), char{0});
}

template <class T>
Outcome LanesPlan<T>::step(const std::int64_t* order, Index first, Index rows, Sums& sums,
                           const Poll& poll) {
  if (rows > block_rows_) before_ = sums;
  for (Index done = 0; done < rows; done += block_rows_) {
    add_block(order, first, done, std::min(block_rows_, rows - done), rows, sums);
    if (!poll || done + block_rows_ >= rows) continue;
    try {
      poll();
    } catch (...) {
      sums = before_;
      throw;
    }
  }
  sums.loss += problem_.objective.add_penalties(gradient_) * static_cast<double>(rows);
  if (!std::isfinite(sums.loss)) return Outcome::diverged;
  update();
  return Outcome::stepped;
}

template <class T>
void LanesPlan<T>::add_block(const std::int64_t* order, Index first, Index done, Index rows,
                             Index batch_rows, Sums& sums) {
  const Index stride = stride_of(rows);
  T* x = x_;
  bool filled = false;
  if (keeps_inputs_) {
    const Index at = first / problem_.options.batch_size * blocks_ + done / block_rows_;
    x = kept_.data() + at * kept_size_;
    char& flag = kept_is_filled_[static_cast<std::size_t>(at)];
    filled = flag != 0;
    flag = 1;
  }
  const Block<T> block = filled ? reader_.read_targets(order, first + done, rows)
                                : read(order, first + done, rows, stride, x);
  if (order == nullptr && !filled && batch_rows > rows) reader_.release(first + done, rows);
  forward(x, {problem_.optimizer.iterations(), done}, rows, stride);
  T* dz = loss(block, batch_rows, stride, sums);
  backward(x, dz, rows, stride, done > 0);
}

// x (n_features, stride) = the samples' inputs.
template <class T>
Block<T> LanesPlan<T>::read(const std::int64_t* order, Index first, Index rows, Index stride,
                            T* x) {
  const AnyMatrix& data = problem_.data.x;
  if (plain_rows_) {
    table_.rows_to_lanes({static_cast<const T*>(data.data),
                          data.row_bytes / static_cast<Index>(sizeof(T)), order, first, rows,
                          data.cols, x, stride});
    return reader_.read_targets(order, first, rows);
  }
  const Block<T> block = reader_.read(order, first, rows);
  const MatrixView<const T>& source = block.x.dense;
  if (source.col_stride == 1) {
    table_.rows_to_lanes(
        {source.data, source.row_stride, nullptr, 0, rows, source.cols, x, stride});
    return block;
  }
  for (Index j = 0; j < source.cols; ++j, x += stride) {
    const T* column = source.data + j * source.col_stride;
    for (Index i = 0; i < rows; ++i) x[i] = column[i * source.row_stride];
    std::fill(x + rows, x + stride, T{0});
  }
  return block;
}

template <class T>
void LanesPlan<T>::forward(const T* x, const Place& place, Index rows, Index stride) {
  const T* parameters = problem_.network.parameters();
  const T* input = x;
  for (const Layer& layer : layers_) {
    const Stage<T>& stage = layer.stage;
    table_.lane_product({stage.n_out, stage.n_in, whole_vectors(rows), stride,
                         parameters + stage.kernel,
                         stage.bias < 0 ? nullptr : parameters + stage.bias, input, layer.outputs});
    if (layer.slopes != nullptr) {
      lane_slopes_.forward(stage, place, rows, stride, layer.outputs, layer.slopes);
    } else if (layer.activates && &layer != &layers_.back()) {
      stage.activation.kernels->forward(layer.outputs, layer.outputs, stage.n_out, stride,
                                        stage.activation.parameters);
    }
    input = layer.outputs;
  }
}

// Adds the loss to sums; returns its gradient in the last layer's z (n_outputs, stride), with zeros in
// the lanes beyond the block.
template <class T>
T* LanesPlan<T>::loss(const Block<T>& block, Index batch_rows, Index stride, Sums& sums) {
  const Layer& last = layers_.back();
  const Activation<T>& activation = last.stage.activation;
  const Index rows = block.x.rows(), n_outputs = last.stage.n_out;
  const bool activates = last.activates && !problem_.objective.fused();
  if (n_outputs > 1) {
    table_.transpose(last.outputs, stride, n_outputs, rows, prediction_, n_outputs);
  }
  if (activates) {
    activation.kernels->forward(prediction_, prediction_, rows, n_outputs, activation.parameters);
  }
  problem_.objective.add_loss(block, prediction_, batch_rows, d_rows_, sums);
  if (activates) {
    activation.kernels->backward(prediction_, d_rows_, rows, n_outputs, activation.parameters);
  }
  if (n_outputs > 1) {
    table_.rows_to_lanes({d_rows_, n_outputs, nullptr, 0, rows, n_outputs, dz_[0], stride});
  } else {
    std::fill(d_rows_ + rows, d_rows_ + stride, T{0});
  }
  return dz_[0];
}

template <class T>
void LanesPlan<T>::backward(const T* x, T* dz, Index rows, Index stride, bool accumulate) {
  const Index samples = whole_vectors(rows);
  for (std::size_t l = layers_.size(); l-- > 0;) {
    const Stage<T>& stage = layers_[l].stage;
    const T* input = l == 0 ? x : layers_[l - 1].outputs;
    T* bias = stage.bias < 0 ? nullptr : gradient_ + stage.bias;
    table_.lane_gradient({stage.n_in, stage.n_out, samples, stride, input, dz,
                          gradient_ + stage.kernel, bias, accumulate});
    if (l == 0) return;
    T* dz_below = dz == dz_[0] ? dz_[1] : dz_[0];
    const Activation<T>& below = layers_[l - 1].stage.activation;
    const T* slopes = layers_[l - 1].slopes;
    const auto through = slopes == nullptr ? below.kernels->lane_backward : table_.lane_backward;
    through({stage.n_in, stage.n_out, samples, stride, problem_.network.parameters() + stage.kernel,
             dz, slopes == nullptr ? input : slopes, below.parameters, dz_below});
    dz = dz_below;
  }
}

template <class T>
void LanesPlan<T>::update() {
  Optimizer<T>& optimizer = problem_.optimizer;
  T constants[kMaxConstants] = {};
  optimizer.clip(gradient_);
  optimizer.next_step(constants);
  optimizer.sweep().update(problem_.network.parameters(), gradient_, slots_, optimizer.slots(),
                           problem_.network.size(), constants);
}

template <class T>
std::string lanes_refusal(const Problem<T>& problem) {
  if (problem.optimizer.full_batch()) return "the optimizer is no first-order method";
  const auto& stages = problem.network.stages();
  if (stages.empty()) return "the network has no layers";
  for (const Stage<T>& stage : stages) {
    if (stage.kind != LayerSpec::Kind::dense) return "a layer is not dense";
    if (&stage != &stages.back() && !stage.activation.kernels->elementwise) {
      return std::string(stage.activation.kernels->name) + " within the network";
    }
    if (&stage == &stages.back() && stage.stores_slope()) return "the outputs' slopes are stored";
  }
  return "";
}

// Whether a layer is narrow, or as good as that: few units on one side leave register tiles half empty,
// however many stand on the other.  Measured with batches of 32 to 256: 48 x 48 takes 0.8 of the time of
// the next best plan, 784 x 10 0.5 to 0.9, 200 x 16 as long, 784 x 32 more.
bool is_narrow(Index n_in, Index n_out) {
  constexpr Index both = 48, one = 12;
  return std::max(n_in, n_out) <= both || std::min(n_in, n_out) <= one;
}

template <class T>
bool lanes_pay(const Problem<T>& problem) {
  constexpr Index tiny = 32;  // of every layer: even few samples are better off in lanes
  constexpr Index enough_samples = 32;
  constexpr Index most_features = 64;  // of a first layer with one output, which takes dots of rows
  constexpr double most_flops = 3e6;   // of a step, forward
  const Network<T>& network = problem.network;
  Index most = network.n_features();
  bool narrow = true;
  for (const Stage<T>& stage : network.stages()) {
    most = std::max(most, stage.n_out);
    narrow = narrow && is_narrow(stage.n_in, stage.n_out);
  }
  const Index batch_size = problem.options.batch_size;
  if (most <= tiny) return batch_size >= kernels<T>().vector_cols;
  const bool by_dots = network.stages().front().n_out == 1 && network.n_features() > most_features;
  const bool other_space = problem.full_batch() && problem.data.rows() < network.n_features();
  // Longer steps are worth more threads than one (the plan must not depend on how many there are).
  const double flops = 2 * static_cast<double>(batch_size) * static_cast<double>(network.size());
  return narrow && !by_dots && !other_space && batch_size >= enough_samples && flops <= most_flops;
}

}  // namespace

template <class T>
PlanKind<T> lanes_plan() {
  return {"lanes", lanes_refusal<T>, lanes_pay<T>,
          [](const Problem<T>& problem) -> std::unique_ptr<Plan<T>> {
            return std::make_unique<LanesPlan<T>>(problem);
          }};
}

template PlanKind<float> lanes_plan();
template PlanKind<double> lanes_plan();

}  // namespace shallowcore
