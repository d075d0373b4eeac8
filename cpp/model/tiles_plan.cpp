// A wide first stage with one output, trained on all samples: gradient, update and the next z of a
// tile of columns while it is in the L1 cache, so that a step reads the inputs once.
//
// The inputs are copied once, by columns, so that samples fill the vectors: as T, or, if they are
// integers of 8 bits, as bfloat16, which holds them exactly.  Partial z's of fixed parts of the
// columns are added in order: the same bits for any number of threads.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "model/plans.hpp"

namespace shallowcore {
namespace {

constexpr Index kParts = 16;         // of the columns, each with its own partial z
constexpr Index kBlock = 64;         // rows and columns that one thread copies at a time
constexpr Index kMostLanes = 256;    // of a group of columns, a vector of samples each
constexpr double kGroupBytes = 2e5;  // of a group of columns: it stays in the L2 cache

bool only_scales(const InputMap& map) { return map.offset == 0 && map.means == nullptr; }

template <class T>
bool fits_bfloat16(const Problem<T>& problem) {
  const DType dtype = problem.data.x.dtype;
  const bool byte = dtype == DType::boolean || dtype == DType::i8 || dtype == DType::u8;
  return sizeof(T) == 4 && byte && only_scales(problem.network.input_map());
}

// The inputs as the kernel reads them: in groups of columns, those in steps of samples, those with a
// vector of samples for each column in turn (see tiles.inl.hpp).  Zeros fill steps and groups.
template <class T>
class HeldColumns {
 public:
  explicit HeldColumns(const Problem<T>& problem)
      : x_(problem.data.x),
        width_(kernels<T>().vector_cols),
        group_(kernels<T>().column_group),
        packed_(fits_bfloat16(problem)),
        step_(packed_ ? 2 * width_ : width_),
        samples_((x_.rows + step_ - 1) / step_ * step_),
        map_(packed_ ? InputMap{} : problem.network.input_map()),
        scale_(packed_ ? static_cast<T>(problem.network.input_map().scale) : T{1}),
        threads_(workspace_threads()),
        held_(padded<T>(x_.cols) * length()),
        buffers_(threads_ * kBlock * kBlock, Fill::none) {}

  bool packed() const { return packed_; }
  Index samples() const { return samples_; }
  T scale() const { return scale_; }  // that the inputs are still to be multiplied by
  // Column j, the first of a group.
  T* column(Index j) const { return held_.data() + j * length(); }

  // Copies what is not copied yet, polling now and then; goes on after an exception of poll.
  void copy(const Poll& poll) {
    constexpr Index at_once = 64 * kBlock;
    while (copied_ < x_.cols) {
      const Index first = copied_, count = std::min(at_once, x_.cols - first);
      const double work = 8 * static_cast<double>(count) * static_cast<double>(x_.rows);
      for_chunks((count + kBlock - 1) / kBlock, std::min(threads_, team_size(work)),
                 [&](Index chunk, int thread) {
                   const Index at = first + chunk * kBlock;
                   copy_columns(at, std::min(kBlock, x_.cols - at), thread);
                 });
      copied_ += count;
      if (poll) poll();
    }
  }

 private:
  Index length() const { return samples_ / step_ * width_; }  // words of a column

  void copy_columns(Index first, Index count, int thread) {
    T* buffer = buffers_.data() + thread * kBlock * kBlock;
    for (Index row = 0; row < x_.rows; row += kBlock) {
      const Index rows = std::min(kBlock, x_.rows - row);
      const MatrixView<const T> block = input_block(x_, map_, row, rows, first, count, buffer);
      for (Index j = 0; j < count; j += group_) {
        MatrixView<const T> part = block;
        part.data += j * block.col_stride;
        part.cols = std::min(group_, count - j);
        for (Index i = 0; i < rows; i += step_) {
          T* out = column(first + j) + (row + i) / step_ * width_ * group_;
          hold(part.row_block(i, std::min(step_, rows - i)), out);
        }
      }
    }
  }

  // One step of samples of one group of columns.
  void hold(const MatrixView<const T>& rows, T* out) const {
    if (!packed_) return to_lanes(rows, out);
    T lower[kMostLanes], upper[kMostLanes];
    std::fill_n(lower, group_ * width_, T{0});
    std::fill_n(upper, group_ * width_, T{0});
    to_lanes(rows.row_block(0, std::min(width_, rows.rows)), lower);
    if (rows.rows > width_) to_lanes(rows.row_block(width_, rows.rows - width_), upper);
    for (Index i = 0; i < group_ * width_; ++i) {
      out[i] = std::bit_cast<float>(bits(upper[i]) | bits(lower[i]) >> 16);
    }
  }
  static std::uint32_t bits(T value) {
    return std::bit_cast<std::uint32_t>(static_cast<float>(value));
  }

  void to_lanes(const MatrixView<const T>& rows, T* out) const {
    if (rows.col_stride == 1) {
      return kernels<T>().transpose(rows.data, rows.row_stride, rows.rows, rows.cols, out, width_);
    }
    for (Index j = 0; j < rows.cols; ++j) {
      for (Index i = 0; i < rows.rows; ++i) {
        out[j * width_ + i] = rows.data[i * rows.row_stride + j * rows.col_stride];
      }
    }
  }

  const AnyMatrix& x_;
  Index width_, group_;  // samples in a vector, columns in a group
  bool packed_;
  Index step_, samples_;
  InputMap map_;
  T scale_;
  int threads_;
  Arena<T> held_, buffers_;
  Index copied_ = 0;
};

template <class T>
class TilesPlan : public Plan<T> {
 public:
  explicit TilesPlan(const Problem<T>& problem)
      : Plan<T>(problem),
        n_(problem.data.rows()),
        kernel_size_(padded<T>(problem.network.n_features())),
        penalised_(problem.network.tensors().front().penalty.any()),
        pass_(problem.network, n_, Use::train),
        reader_(problem.data, problem.network, n_, false, Inputs::left),
        x_(problem),
        gradient_(problem.network.size(), Fill::none),
        arena_((kParts + 1) * padded<T>(x_.samples()) + kernel_size_) {
    for (T*& z : parts_) z = arena_.take(x_.samples());
    dz_ = arena_.take(x_.samples());
    last_ = arena_.take(kernel_size_);
  }

  int threads() const override { return team() > 1 ? workspace_threads() : 1; }

  std::string summary() const override {
    return "plan: tiles, gradient, update and next output of some columns at a time\ntiles: inputs "
           "copied by columns" +
           std::string(x_.packed() ? " as bfloat16, which holds 8-bit integers exactly" : "") +
           "; a step reads them once\n";
  }

  void begin() override {
    if (outputs_known_ && std::memcmp(last_, kernel(), kernel_bytes()) == 0) return;
    outputs_known_ = false;
  }

  Outcome step(const std::int64_t*, Index, Index rows, Sums& sums, const Poll& poll) override {
    x_.copy(poll);
    if (!outputs_known_) sweep(nullptr, nullptr);
    outputs_known_ = true;
    T* gradient = gradient_.data();
    const Index from = penalised_ ? 0 : kernel_size_, size = problem_.network.size();
    std::fill(gradient + from, gradient + size, T{0});

    const Objective<T>& objective = problem_.objective;
    add_parts(pass_.first_product());
    pass_.train_at({problem_.optimizer.iterations(), 0});
    T* prediction = pass_.forward_from_first(rows, objective.fused());
    objective.add_loss(reader_.read_targets(nullptr, 0, rows), prediction, rows,
                       pass_.output_gradient(), sums);
    const T* dz = pass_.backward_to_first(objective.fused(), gradient);
    sums.loss += objective.add_penalties(gradient) * static_cast<double>(rows);
    if (!std::isfinite(sums.loss)) return Outcome::diverged;

    for (Index i = 0; i < rows; ++i) dz_[i] = x_.scale() * dz[i];
    T constants[kMaxConstants] = {};
    problem_.optimizer.next_step(constants);
    sweep(dz_, constants);
    update_rest(constants);
    return Outcome::stepped;
  }

  void show() override {
    if (outputs_known_) std::memcpy(last_, kernel(), kernel_bytes());
  }

 private:
  using Plan<T>::problem_;
  T* kernel() { return problem_.network.parameters(); }
  std::size_t kernel_bytes() const { return static_cast<std::size_t>(kernel_size_) * sizeof(T); }
  int team() const { return team_size(4.0 * static_cast<double>(n_ * kernel_size_)); }

  // A step with dz (null: none), then the parts of z of the new weights.
  void sweep(const T* dz, const T* constants) {
    const KernelTable<T>& table = kernels<T>();
    const Index unit = table.column_group;
    const Index part = (kernel_size_ + kParts * unit - 1) / (kParts * unit) * unit;
    ColumnsArgs<T> args = {};
    args.samples = x_.samples();
    args.dz = dz;
    args.constants = constants;
    args.n_slots = problem_.optimizer.slots();
    args.update = problem_.optimizer.sweep().update;
    T* slots[kMaxSlots] = {};
    for (int s = 0; s < args.n_slots; ++s) slots[s] = problem_.optimizer.slot(s);
    for_chunks(kParts, std::min(team(), workspace_threads()), [&](Index chunk, int) {
      const Index first = std::min(chunk * part, kernel_size_);
      ColumnsArgs<T> mine = args;
      mine.columns = std::min(part, kernel_size_ - first);
      mine.x = x_.column(first);
      mine.penalty = penalised_ ? gradient_.data() + first : nullptr;
      mine.w = kernel() + first;
      for (int s = 0; s < args.n_slots; ++s) mine.slots[s] = slots[s] + first;
      mine.z = parts_[chunk];
      (x_.packed() ? table.sweep_packed_columns : table.sweep_columns)(mine);
    });
  }

  void add_parts(T* z) const {
    const Stage<T>& stage = problem_.network.stages().front();
    const T bias = stage.bias < 0 ? T{0} : problem_.network.parameters()[stage.bias];
    for (Index i = 0; i < n_; ++i) z[i] = parts_[0][i];
    for (Index part = 1; part < kParts; ++part) {
      for (Index i = 0; i < n_; ++i) z[i] += parts_[part][i];
    }
    for (Index i = 0; i < n_; ++i) z[i] = z[i] * x_.scale() + bias;
  }

  void update_rest(const T* constants) {
    Optimizer<T>& optimizer = problem_.optimizer;
    T* slots[kMaxSlots] = {};
    for (int s = 0; s < optimizer.slots(); ++s) slots[s] = optimizer.slot(s) + kernel_size_;
    optimizer.sweep().update(kernel() + kernel_size_, gradient_.data() + kernel_size_, slots,
                             optimizer.slots(), problem_.network.size() - kernel_size_, constants);
  }

  Index n_;
  Index kernel_size_;  // elements of the first kernel, padding included
  bool penalised_;     // that kernel is
  Pass<T> pass_;
  BatchReader<T> reader_;
  HeldColumns<T> x_;
  Arena<T> gradient_;  // laid out like the parameters; the first kernel's part: of penalties only
  Arena<T> arena_;
  T* parts_[kParts];  // of z = x w, of parts of the columns
  T *dz_, *last_;     // padded dz; the kernel that the parts belong to, when a run ended
  bool outputs_known_ = false;
};

template <class T>
std::string refusal(const Problem<T>& problem) {
  const Network<T>& network = problem.network;
  if (problem.optimizer.full_batch()) return "the optimizer is no first-order method";
  if (problem.optimizer.clips_by_norm()) return "gradients are clipped by their norm";
  if (!problem.full_batch()) return "a step uses some of the samples only";
  const bool one = !network.stages().empty() &&
                   network.stages().front().kind == LayerSpec::Kind::dense &&
                   network.stages().front().n_out == 1;
  if (!one) return "the first layer has not one output";
  const double group = static_cast<double>(problem.data.rows() * kernels<T>().column_group) *
                       static_cast<double>(sizeof(T));
  return group > kGroupBytes ? "a few columns of so many samples fill the cache" : "";
}

// The copy is paid for by inputs that leave the cache between two steps, and by enough of these: each
// reads a half or less of the bytes where 8-bit inputs are held as bfloat16, and saves little elsewhere.
template <class T>
bool pays(const Problem<T>& problem) {
  const Index enough_epochs = fits_bfloat16(problem) ? 4 : 200;
  constexpr double cache_bytes = 256e3;
  const double inputs = static_cast<double>(problem.data.rows() * problem.network.n_features());
  return problem.options.epochs >= enough_epochs && inputs * sizeof(T) > cache_bytes;
}

}  // namespace

template <class T>
PlanKind<T> tiles_plan() {
  return {"tiles", refusal<T>, pays<T>, [](const Problem<T>& problem) -> std::unique_ptr<Plan<T>> {
            return std::make_unique<TilesPlan<T>>(problem);
          }};
}

template PlanKind<float> tiles_plan();
template PlanKind<double> tiles_plan();

}  // namespace shallowcore
