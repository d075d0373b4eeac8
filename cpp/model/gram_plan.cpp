// A wide, linear first stage under plain gradient descent on all samples: trained in the space of the
// samples.
//
// Every update of its kernel adds a combination of the n rows of X, so W = W_0 + X^T C with C (n,
// units), and a step C -= rate dZ is the step W -= rate X^T dZ.  The stage's output is then
// X W_0 + G C + bias with G = X X^T (n, n): no step reads X.  Everything above runs as ever.  W itself
// is made when somebody may look at it, and W_0 is taken anew where somebody has changed it.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <map>

#include "model/input_products.hpp"
#include "model/plans.hpp"

namespace shallowcore {
namespace {

constexpr Index kMostSamples = 4096;  // G and the time of one piece of it stay small

template <class T>
class GramPlan : public Plan<T> {
 public:
  explicit GramPlan(const Problem<T>& problem)
      : Plan<T>(problem),
        n_(problem.data.rows()),
        units_(first_stage(problem.network).n_out),
        kernel_size_(padded<T>(first_stage(problem.network).n_in * units_)),
        rest_size_(problem.network.size() - kernel_size_),
        pass_(problem.network, block_rows(problem.network, n_), Use::train),
        reader_(problem.data, problem.network, n_, false, Inputs::left),
        products_(problem.data.x, problem.network),
        gradient_(problem.network.size(), Fill::none),
        workspace_size_(workspace_size<double>(units_, n_, workspace_threads())) {
    const Index outputs = n_ * units_;
    doubles_ = Arena<double>(padded<double>(n_ * n_) + 3 * padded<double>(outputs) +
                             padded<double>(workspace_size_));
    gram_ = doubles_.take(n_ * n_);
    c_ = doubles_.take(outputs);
    kept_c_ = doubles_.take(outputs);
    gram_c_ = doubles_.take(outputs);
    workspace_ = doubles_.take(workspace_size_);
    arena_ = Arena<T>(3 * padded<T>(outputs) + 2 * kernel_size_ + rest_size_);
    z0_ = arena_.take(outputs);
    rounded_c_ = arena_.take(outputs);
    dz_ = arena_.take(outputs);
    anchor_ = arena_.take(kernel_size_);
    published_ = arena_.take(kernel_size_);
    kept_rest_ = arena_.take(rest_size_);
  }

  int threads() const override {
    const double flops = 2.0 * static_cast<double>(n_) *
                         (static_cast<double>(n_ * units_) + static_cast<double>(rest_size_));
    return team_size(flops) > 1 ? workspace_threads() : 1;
  }

  std::string summary() const override {
    const Index features = problem_.network.n_features();
    return "plan: gram, the first layer in the space of the samples\ngram: " + std::to_string(n_) +
           " samples, fewer than " + std::to_string(features) +
           " features; a step reads their products (" + std::to_string(n_) + ", " +
           std::to_string(n_) + ") instead of the inputs, twice\n";
  }

  // Weights that nobody has changed since they were published go on from the sums they came from.
  void begin() override {
    if (anchored_ && std::memcmp(published_, kernel(), kernel_bytes()) == 0) return;
    if (!anchored_ && goes_on()) return;
    std::memcpy(anchor_, kernel(), kernel_bytes());
    std::memcpy(published_, kernel(), kernel_bytes());
    std::fill_n(c_, n_ * units_, 0.0);
    if (kept_) keep();
    anchored_ = current_ = true;
    outputs_known_ = false;
  }

  Outcome step(const std::int64_t*, Index, Index rows, Sums& sums, const Poll& poll) override {
    prepare(poll);
    T* gradient = gradient_.data();
    std::fill_n(gradient + kernel_size_, rest_size_, T{0});
    if (rows > pass_.most_rows()) before_ = sums;
    for (Index first = 0; first < rows; first += pass_.most_rows()) {
      if (poll && first > 0) {
        try {
          poll();
        } catch (...) {
          sums = before_;
          throw;
        }
      }
      add_block(first, std::min(pass_.most_rows(), rows - first), sums);
    }
    sums.loss += problem_.objective.add_penalties(gradient) * static_cast<double>(rows);
    if (!std::isfinite(sums.loss)) return Outcome::diverged;
    T constants[kMaxConstants] = {};
    problem_.optimizer.next_step(constants);
    const double rate = problem_.optimizer.last_learning_rate();
    for (Index i = 0; i < rows * units_; ++i) c_[i] -= rate * static_cast<double>(dz_[i]);
    descend(rest(), gradient + kernel_size_, rest_size_, constants);
    current_ = false;
    return Outcome::stepped;
  }

  void show() override {
    if (current_) return;
    write_kernel(kernel());
    std::memcpy(published_, kernel(), kernel_bytes());
    current_ = true;
  }

  void publish() override {
    show();
    std::map<std::string, std::vector<double>>& notes = problem_.optimizer.notes();
    try {
      notes["gram.anchor"].assign(anchor_, anchor_ + kernel_size_);
      notes["gram.sums"].assign(c_, c_ + n_ * units_);
    } catch (const std::bad_alloc&) {  // the next training takes the kernel as it is
      notes.erase("gram.anchor");
      notes.erase("gram.sums");
    }
  }

  bool keep() override {
    if (!is_finite()) return false;
    std::copy_n(c_, n_ * units_, kept_c_);
    std::copy_n(rest(), rest_size_, kept_rest_);
    kept_ = true;
    return true;
  }

  void restore() override {
    if (kept_) {
      std::copy_n(kept_c_, n_ * units_, c_);
      std::copy_n(kept_rest_, rest_size_, rest());
      current_ = false;
    }
    problem_.optimizer.clear();
  }

 private:
  using Plan<T>::problem_;
  T* kernel() { return problem_.network.parameters(); }
  T* rest() { return problem_.network.parameters() + kernel_size_; }
  std::size_t kernel_bytes() const { return static_cast<std::size_t>(kernel_size_) * sizeof(T); }
  void write_kernel(T* w) {
    for (Index i = 0; i < n_ * units_; ++i) rounded_c_[i] = static_cast<T>(c_[i]);
    products_.kernel_from(rounded_c_, units_, anchor_, w);
  }

  // Goes on from the W_0 and C of an earlier training where they make this kernel, bit by bit, of
  // these inputs.
  bool goes_on() {
    std::map<std::string, std::vector<double>>& notes = problem_.optimizer.notes();
    const std::vector<double>&anchor = notes["gram.anchor"], &sums = notes["gram.sums"];
    if (std::ssize(anchor) != kernel_size_ || std::ssize(sums) != n_ * units_) return false;
    for (Index i = 0; i < kernel_size_; ++i) {
      anchor_[i] = static_cast<T>(anchor[static_cast<std::size_t>(i)]);
    }
    std::copy(sums.begin(), sums.end(), c_);
    write_kernel(published_);
    if (std::memcmp(published_, kernel(), kernel_bytes()) != 0) return false;
    anchored_ = current_ = true;
    return true;
  }

  // G, once; X W_0, once for each W_0.  Goes on after an exception of poll where it was.
  void prepare(const Poll& poll) {
    if (outputs_known_) return;
    const Team team(products_.threads());
    while (panels_done_ < products_.panels()) {
      products_.add_gram(panels_done_++, gram_);
      if (poll) poll();
    }
    std::fill_n(z0_, n_ * units_, T{0});
    for (Index panel = 0; panel < products_.panels(); ++panel) {
      products_.add_outputs(panel, anchor_, units_, z0_);
      if (poll) poll();
    }
    for (Index i = 0; i < n_; ++i) {
      for (Index j = 0; j < i; ++j) gram_[j * n_ + i] = gram_[i * n_ + j];
    }
    outputs_known_ = true;
    bound_sums();
  }

  // |W| <= |W_0| + n |x| |C| with |x| the length of the longest row.
  void bound_sums() {
    double longest = 0, largest = 0;
    for (Index i = 0; i < n_; ++i) {
      longest = std::max(longest, std::sqrt(gram_[i * n_ + i]));
    }
    for (Index i = 0; i < kernel_size_; ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(anchor_[i])));
    }
    constexpr double most = std::numeric_limits<T>::max() / 2;
    const double bound = (most - largest) / (static_cast<double>(n_) * longest);
    safe_ = std::min(bound, most);
  }

  // All parameters are: W, too, which is only made where C is so large that it might overflow.
  bool is_finite() {
    if (!kernels<T>().all_finite(rest(), rest_size_)) return false;
    bool safe = true;
    for (Index i = 0; i < n_ * units_; ++i) safe &= std::abs(c_[i]) <= safe_;
    if (safe) return true;
    write_kernel(kernel());
    return kernels<T>().all_finite(kernel(), kernel_size_);
  }

  // Forward and backward for some of the samples; adds to sums and to the gradient of the rest.
  void add_block(Index first, Index rows, Sums& sums) {
    const Stage<T>& stage = first_stage(problem_.network);
    T* z = pass_.first_product();
    // Some rows of G are as many columns of it, which are quicker to add up for a single unit.
    const MatrixView<const double> g = {gram_ + first, rows, n_, 1, n_};
    product<double>(g, row_major<const double>(c_, n_, units_), nullptr, 0,
                    row_major(gram_c_, rows, units_), {workspace_, workspace_threads_});
    const T* bias = stage.bias < 0 ? nullptr : problem_.network.parameters() + stage.bias;
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < units_; ++j) {
        const T rest_of_it = z0_[(first + i) * units_ + j] + (bias == nullptr ? T{0} : bias[j]);
        z[i * units_ + j] =
            static_cast<T>(static_cast<double>(rest_of_it) + gram_c_[i * units_ + j]);
      }
    }
    const Objective<T>& objective = problem_.objective;
    pass_.train_at({problem_.optimizer.iterations(), first});
    T* prediction = pass_.forward_from_first(rows, objective.fused());
    objective.add_loss(reader_.read_targets(nullptr, first, rows), prediction, n_,
                       pass_.output_gradient(), sums);
    const T* dz = pass_.backward_to_first(objective.fused(), gradient_.data());
    std::copy_n(dz, rows * units_, dz_ + first * units_);
  }

  void descend(T* w, const T* gradient, Index size, const T* constants) const {
    const OptimizerKernels<T>& sweep = problem_.optimizer.sweep();
    over_rows(size, 3.0 * static_cast<double>(size), [&](Index first, Index count) {
      sweep.update(w + first, gradient + first, nullptr, 0, count, constants);
    });
  }

  Index n_, units_;
  Index kernel_size_, rest_size_;  // elements of the first kernel, and of everything after it
  Pass<T> pass_;
  BatchReader<T> reader_;
  InputProducts<T> products_;
  Arena<T> gradient_;  // laid out like the parameters; nobody touches the first kernel's part
  int workspace_threads_ = workspace_threads();
  Index workspace_size_;
  // G and C are double for float32, too: z is a small difference of what they add up to.
  Arena<double> doubles_;
  double *gram_, *c_, *kept_c_;  // (n, n); (n, units) and as they were kept
  double *gram_c_, *workspace_;  // G C; memory of that product
  Arena<T> arena_;
  T *z0_, *rounded_c_, *dz_;  // X W_0; C; the first stage's dz (n, units)
  T *anchor_, *published_;    // W_0; the kernel as it was written last
  T* kept_rest_;
  bool anchored_ = false, outputs_known_ = false, current_ = true, kept_ = false;
  Index panels_done_ = 0;  // of G
  double safe_ = 0;        // no |C| up to this makes W overflow
  Sums before_;            // sums before the step under way
};

template <class T>
std::string refusal(const Problem<T>& problem) {
  const Network<T>& network = problem.network;
  const Index samples = problem.data.rows();
  if (problem.optimizer.name() != "sgd" || problem.optimizer.slots() > 0) {
    return "the optimizer is not plain gradient descent";
  }
  if (problem.optimizer.clips_or_decays()) return "gradients are clipped, or weights decay";
  if (!problem.full_batch()) return "a step uses some of the samples only";
  if (network.stages().empty() || first_stage(network).kind != LayerSpec::Kind::dense) {
    return "the first layer has no kernel";
  }
  if (network.tensors().front().penalty.any()) return "the first kernel has a penalty";
  if (samples >= network.n_features()) return "there are as many samples as features";
  if (samples > kMostSamples) {
    return "more than " + std::to_string(kMostSamples) + " samples";
  }
  return "";
}

// n^2 f to make G and 6 n f u to enter and leave it, against 4 n f u less what G costs in each step:
// 2 n^2 u in double, where a float32 step does twice as much in the same time.
template <class T>
bool pays(const Problem<T>& problem) {
  const double n = static_cast<double>(problem.data.rows());
  const double f = static_cast<double>(problem.network.n_features());
  const double u = static_cast<double>(first_stage(problem.network).n_out);
  const double doubles = sizeof(T) == sizeof(double) ? 1 : 2;
  const double saved = 4 * n * f * u - doubles * 2 * n * n * u, once = n * n * f + 6 * n * f * u;
  return static_cast<double>(problem.options.epochs) * saved > once;
}

}  // namespace

template <class T>
PlanKind<T> gram_plan() {
  return {"gram", refusal<T>, pays<T>, [](const Problem<T>& problem) -> std::unique_ptr<Plan<T>> {
            return std::make_unique<GramPlan<T>>(problem);
          }};
}

template PlanKind<float> gram_plan();
template PlanKind<double> gram_plan();

}  // namespace shallowcore
