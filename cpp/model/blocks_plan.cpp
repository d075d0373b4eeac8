// Any network: a batch in blocks of rows, layer by layer, gradients added up, then the update.
#include <algorithm>
#include <cmath>

#include "model/plans.hpp"

namespace shallowcore {
namespace {

template <class T>
class BlocksPlan : public Plan<T> {
 public:
  explicit BlocksPlan(const Problem<T>& problem)
      : Plan<T>(problem),
        pass_(problem.network, block_rows(problem.network, problem.options.batch_size), Use::train),
        reader_(problem.data, problem.network, pass_.most_rows(), problem.options.shuffle),
        gradient_(problem.network.size()) {}

  int threads() const override { return threads_for(problem_.network, pass_.most_rows()); }

  std::string summary() const override {
    return "plan: blocks, layer by layer\nblocks: " + std::to_string(pass_.most_rows()) +
           " rows at a time, inputs " +
           (problem_.data.is_compressed() ? "compressed"
            : reader_.reads_in_place()    ? "read in place"
                                          : "gathered and converted") +
           "\n";
  }

  Outcome step(const std::int64_t* order, Index first, Index rows, Sums& sums,
               const Poll& poll) override {
    const Index most = pass_.most_rows(), size = problem_.network.size();
    T* gradient = gradient_.data();
    std::fill_n(gradient, size, T{0});
    if (rows > most) before_ = sums;
    for (Index done = 0; done < rows; done += most) {
      pass_.train_at({problem_.optimizer.iterations(), done});
      const Block<T> block = reader_.read(order, first + done, std::min(most, rows - done));
      problem_.objective.add_block(pass_, block, rows, gradient, sums);
      if (order == nullptr && rows > most) reader_.release(first + done, block.x.rows());
      if (!poll || done + most >= rows) continue;
      try {
        poll();
      } catch (...) {
        sums = before_;
        throw;
      }
    }
    sums.loss += problem_.objective.add_penalties(gradient) * static_cast<double>(rows);
    if (!std::isfinite(sums.loss)) return Outcome::diverged;
    problem_.optimizer.step(problem_.network.parameters(), gradient);
    return Outcome::stepped;
  }

 private:
  using Plan<T>::problem_;
  Pass<T> pass_;
  BatchReader<T> reader_;
  Arena<T> gradient_;
  Sums before_;  // sums before the batch under way
};

}  // namespace

template <class T>
PlanKind<T> blocks_plan() {
  return {"blocks",
          [](const Problem<T>& problem) -> std::string {
            return problem.optimizer.full_batch() ? "the optimizer is no first-order method" : "";
          },
          [](const Problem<T>&) { return true; },
          [](const Problem<T>& problem) -> std::unique_ptr<Plan<T>> {
            return std::make_unique<BlocksPlan<T>>(problem);
          },
          true};
}

template PlanKind<float> blocks_plan();
template PlanKind<double> blocks_plan();

}  // namespace shallowcore
