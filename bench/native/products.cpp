// GFLOP/s of the core's dense products at the shapes of the workloads, without Python.
//
//     [SHALLOWCORE_FORCE_ISA=avx2] products [rounds]
//
// float32 and float64, one thread and all, beside the peak of multiply-adds measured in the same
// rounds; medians.  Every product is compared with plain loops in float64 before it is timed.
// Exit status 1 if one is wrong, 2 for a debug build.
#include <algorithm>
#include <chrono>
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
#include "native/peak.hpp"

namespace {

using namespace shallowcore;

constexpr double kSampleSeconds = 5e-3;
constexpr int kDefaultRounds = 7;
constexpr Index kCheckedElements = 5000;  // of each product, evenly spread

// --- shapes ---------------------------------------------------------------------------------------

// c (m, n) = a (m, k) b (k, n), one of the factors being a transposed matrix, or none.
struct Shape {
  std::string name;
  Index m, n, k;
  bool transposed_a, transposed_b;
  double flops() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
};

// The products of one training step of a network with one hidden layer.
void add_network(std::vector<Shape>& shapes, const std::string& name, Index batch, Index n_in,
                 Index n_hidden, Index n_out) {
  shapes.push_back({name + "  z1 = x w1", batch, n_hidden, n_in, false, false});
  shapes.push_back({name + "  z2 = a1 w2", batch, n_out, n_hidden, false, false});
  shapes.push_back({name + "  dw2 = a1' dz2", n_hidden, n_out, batch, true, false});
  shapes.push_back({name + "  da1 = dz2 w2'", batch, n_hidden, n_out, false, true});
  shapes.push_back({name + "  dw1 = x' dz1", n_in, n_hidden, batch, true, false});
}

std::vector<Shape> all_shapes() {
  std::vector<Shape> shapes;
  add_network(shapes, "shallow", 100, 20, 10, 1);
  add_network(shapes, "planar", 400, 2, 4, 1);
  shapes.push_back({"cat  z = x w", 209, 1, 12288, false, false});
  shapes.push_back({"cat  dw = x' dz", 12288, 1, 209, true, false});
  add_network(shapes, "tabular", 256, 54, 256, 7);
  add_network(shapes, "mnist", 128, 784, 512, 10);
  shapes.push_back({"large", 1024, 1024, 1024, false, false});
  return shapes;
}

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
    return shape_.transposed_a ? row_major(a_.data(), shape_.k, shape_.m).transposed()
                               : row_major(a_.data(), shape_.m, shape_.k);
  }
  MatrixView<const T> b() const {
    return shape_.transposed_b ? row_major(b_.data(), shape_.n, shape_.k).transposed()
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

// --- timing ---------------------------------------------------------------------------------------

double now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(time).count();
}

// Operations a second of f, which returns how many it did; called until a sample is long enough.
template <class F>
double rate(F&& f) {
  double operations = 0, seconds = 0;
  const double start = now();
  for (Index calls = 1; seconds < kSampleSeconds; calls *= 2) {
    for (Index i = 0; i < calls; ++i) operations += f();
    seconds = now() - start;
  }
  return operations / seconds;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

template <class T>
double peak_operations(const std::string& isa, Index rounds) {
  T sink = T(1e-3);
#define SHALLOWCORE_TRY(name)                                           \
  if (isa == #name) {                                                   \
    if constexpr (sizeof(T) == 4) return name::peak_f32(rounds, &sink); \
    if constexpr (sizeof(T) == 8) return name::peak_f64(rounds, &sink); \
  }
#ifdef SHALLOWCORE_HAVE_BASELINE
  SHALLOWCORE_TRY(baseline)
#endif
#ifdef SHALLOWCORE_HAVE_AVX2
  SHALLOWCORE_TRY(avx2)
#endif
#ifdef SHALLOWCORE_HAVE_AVX512
  SHALLOWCORE_TRY(avx512)
#endif
#ifdef SHALLOWCORE_HAVE_NEON
  SHALLOWCORE_TRY(neon)
#endif
#undef SHALLOWCORE_TRY
  return 0;
}

// Multiply-adds on so many threads at once.
template <class T>
double peak_rate(int threads) {
  const std::string isa = kernels<T>().isa;
  return rate([&] {
    constexpr Index rounds = 100'000;
    std::vector<double> operations(static_cast<std::size_t>(threads));
    for_chunks(threads, threads, [&](Index chunk, int) {
      operations[static_cast<std::size_t>(chunk)] = peak_operations<T>(isa, rounds);
    });
    double sum = 0;
    for (double part : operations) sum += part;
    return sum;
  });
}

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
        found[i].push_back(rate([&] {
          products[i].run();
          return shapes[i].flops();
        }));
      }
      found.back().push_back(peak_rate<T>(threads));
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
