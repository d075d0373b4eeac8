// GFLOP/s of the core's dense products at the shapes of the workloads, without Python.
//
//     [SHALLOWCORE_FORCE_ISA=avx2] products [rounds]
//
// float32 and float64, one thread and all, beside the peak of multiply-adds measured in the same
// rounds; medians.  Every product is compared with plain loops in float64 before it is timed.
// Exit status 1 if one is wrong, 2 for a debug build.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "core/arena.hpp"
#include "core/blas.hpp"
#include "core/team.hpp"
#include "core/threads.hpp"
#include "kernels/product.hpp"
#include "kernels/table.hpp"
#include "native/peak_rate.hpp"
#include "native/shapes.hpp"
#include "native/timing.hpp"

namespace {

using namespace shallowcore;
using namespace shallowcore::bench;

constexpr double kSampleSeconds = 5e-3;
constexpr double kPeakOperations = 2e7;  // of one call
constexpr int kDefaultRounds = 7;
constexpr Index kCheckedElements = 5000;  // of each product, evenly spread

// --- one product ----------------------------------------------------------------------------------

template <class T>
class Product {
 public:
  explicit Product(const Shape& shape)
      : shape_(shape),
        a_(random(shape.m * shape.k)),
        b_(random(shape.k * shape.n)),
        c_(static_cast<std::size_t>(shape.m * shape.n)),
        memory_(workspace_size<T>(shape.n, shape.k, workspace_threads()), Fill::zeros),
        workspace_{memory_.data(), workspace_threads()} {}

  void run() {
    product<T>(a(), b(), nullptr, 0, row_major(c_.data(), shape_.m, shape_.n), workspace_);
  }

  // Largest error of some elements over the sizes of the terms that were summed, in epsilons.
  double error() {
    run();
    double worst = 0;
    const Index elements = shape_.m * shape_.n, step = 1 + elements / kCheckedElements;
    for (Index e = 0; e < elements; e += step) {
      worst = std::max(worst, error_at(e / shape_.n, e % shape_.n));
    }
    return worst / static_cast<double>(std::numeric_limits<T>::epsilon());
  }

 private:
  MatrixView<const T> a() const {
    return shape_.transposed_a() ? row_major(a_.data(), shape_.k, shape_.m).transposed()
                                 : row_major(a_.data(), shape_.m, shape_.k);
  }
  MatrixView<const T> b() const {
    return shape_.transposed_b() ? row_major(b_.data(), shape_.n, shape_.k).transposed()
                                 : row_major(b_.data(), shape_.k, shape_.n);
  }

  static std::vector<T> random(Index count) {
    std::mt19937 bits(1);
    std::uniform_real_distribution<T> uniform(-1, 1);
    std::vector<T> values(static_cast<std::size_t>(count));
    for (T& value : values) value = uniform(bits);
    return values;
  }

  double error_at(Index i, Index j) const {
    const MatrixView<const T> left = a(), right = b();
    long double sum = 0, size = 0;
    for (Index p = 0; p < shape_.k; ++p) {
      const long double term =
          static_cast<long double>(left.data[i * left.row_stride + p * left.col_stride]) *
          right.data[p * right.row_stride + j * right.col_stride];
      sum += term;
      size += std::fabs(term);
    }
    const T actual = c_[static_cast<std::size_t>(i * shape_.n + j)];
    return std::isfinite(actual) ? static_cast<double>(std::fabs(sum - actual) / size)
                                 : std::numeric_limits<double>::infinity();
  }

  Shape shape_;
  std::vector<T> a_, b_, c_;
  Arena<T> memory_;
  Workspace<T> workspace_;
};

// --- the table ------------------------------------------------------------------------------------

// Rates in rounds: of every shape, and of the peak as the last entry.
template <class T>
std::vector<double> rates(std::vector<Product<T>>& products, const std::vector<Shape>& shapes,
                          int threads, int rounds) {
  set_num_threads(threads);
  std::vector<std::vector<double>> found(products.size() + 1);
  for (int round = 0; round < rounds; ++round) {
    with_team(threads, [&] {
      for (std::size_t i = 0; i < products.size(); ++i) {
        found[i].push_back(rate(kSampleSeconds, [&](int times) {
          for (int k = 0; k < times; ++k) products[i].run();
          return times * shapes[i].flops();
        }));
      }
      found.back().push_back(rate(kSampleSeconds, [&](int times) {
        return run_at_peak<T>(times * kPeakOperations, threads);
      }));
    });
  }
  std::vector<double> medians;
  for (std::vector<double>& values : found) medians.push_back(median(values));
  return medians;
}

// Prints the table of one type; returns the number of wrong products.
template <class T>
int benchmark(const char* type, int threads, int rounds) {
  const std::vector<Shape> shapes = all_shapes();
  std::vector<Product<T>> products;
  int wrong = 0;
  for (const Shape& shape : shapes) {
    products.emplace_back(shape);
    const double error = products.back().error();
    // The bound of a sum of k products in any order is about k; rounding errors add like its root.
    if (!(error <= 4 + std::sqrt(static_cast<double>(shape.k)))) {
      std::printf("WRONG  %s: error %.3g epsilon\n", shape.name.c_str(), error);
      ++wrong;
    }
  }
  if (wrong > 0) return wrong;
  const std::vector<double> one = rates(products, shapes, 1, rounds);
  const std::vector<double> all = rates(products, shapes, threads, rounds);
  std::printf("\n%-24s %6s %6s %6s   %s, GFLOP/s   1 thread        %d threads\n", "product", "m",
              "n", "k", type, threads);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    std::printf("%-24s %6td %6td %6td %23.2f %4.0f%% %11.2f %4.0f%%\n", shapes[i].name.c_str(),
                shapes[i].m, shapes[i].n, shapes[i].k, one[i] / 1e9, 100 * one[i] / one.back(),
                all[i] / 1e9, 100 * all[i] / all.back());
  }
  std::printf("%-24s %6s %6s %6s %23.2f %4.0f%% %11.2f %4.0f%%\n", "peak of multiply-adds", "", "",
              "", one.back() / 1e9, 100.0, all.back() / 1e9, 100.0);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
#ifndef NDEBUG
  std::fprintf(stderr, "products: built for debugging, its times say nothing\n");
  return 2;
#endif
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : kDefaultRounds;
  const int threads = num_threads();
  std::printf("instruction set %s, BLAS %s, OpenMP %s, %d threads, %d rounds\n",
              kernels<float>().isa, blas_name(), openmp_version(), threads, rounds);
  return benchmark<float>("float32", threads, rounds) +
                 benchmark<double>("float64", threads, rounds)
             ? 1
             : 0;
}
