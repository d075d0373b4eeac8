// The core without Python: numbers, the team, products against plain loops, one training.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "checks.hpp"
#include "core/rng.hpp"
#include "core/team.hpp"
#include "core/threads.hpp"
#include "kernels/product.hpp"
#include "kernels/registry.hpp"
#include "model/slopes.hpp"
#include "model/trainer.hpp"

namespace {

using namespace shallowcore;
using namespace shallowcore::testing;

// Known answers of the Random123 library.
void test_philox() {
  check(philox4x32({0, 0, 0, 0}, {0, 0}) ==
            PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        "philox of zeros");
  constexpr std::uint32_t ones = 0xffffffff;
  check(philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
            PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        "philox of ones");
}

void test_shuffle() {
  std::vector<std::int64_t> order(1000);
  shuffle(order.data(), 1000, 7, 3);
  std::vector<int> seen(1000);
  for (const auto i : order) ++seen[static_cast<std::size_t>(i)];
  bool once = true;
  for (const int count : seen) once = once && count == 1;
  check(once, "a shuffle is a permutation");
}

// Every chunk exactly once, whatever the number of threads: jobs long and short one after another in
// one team, so that late threads meet the next job.
void test_team() {
  for (const int threads : {1, 2, 5, 3}) {  // the last with threads of the one before
    std::vector<std::atomic<int>> done(501);
    std::atomic<bool> right{true};
    {
      const Team team(threads);
      for (int job = 0; job < 2000; ++job) {
        const Index chunks = job % 3 == 0 ? 501 : 1 + job % 7;
        const int wanted = threads > 1 && job % 2 == 0 ? 8 : threads;  // no more than the team has
        for_chunks(chunks, wanted, [&](Index chunk, int thread) {
          if (thread < 0 || thread >= threads) right = false;
          done[static_cast<std::size_t>(chunk)].fetch_add(1, std::memory_order_relaxed);
        });
        for (Index i = 0; i < 501; ++i) {
          right = right && done[static_cast<std::size_t>(i)].exchange(0) == (i < chunks ? 1 : 0);
        }
      }
    }
    check(right, "every chunk once a job with " + std::to_string(threads) + " threads");

    std::atomic<int> inner{0};
    for_chunks(4, threads, [&](Index, int) {
      for_chunks(3, threads, [&](Index, int) { inner.fetch_add(1); });
    });
    check(inner == 12, "chunks within chunks");
  }
}

void test_team_exceptions() {
  for (const int threads : {1, 3}) {
    for (int round = 0; round < 20; ++round) {
      bool caught = false;
      try {
        for_chunks(100, threads, [](Index chunk, int) {
          if (chunk == 57) throw std::runtime_error("chunk 57");
        });
      } catch (const std::runtime_error& error) {
        caught = std::string(error.what()) == "chunk 57";
      }
      check(caught, "an exception of a chunk comes out");
      std::atomic<int> after{0};
      for_chunks(10, threads, [&](Index, int) { after.fetch_add(1); });
      check(after == 10, "the team works after an exception");
    }
  }
}

// Products with compressed rows against sums in double: rows that are empty and full, in another order,
// columns around the vectors, part by part.
template <class T>
void test_compressed_rows(Index n) {
  const Index k = 23, m = 9;
  const std::int64_t order[] = {4, 0, 8, 8, 2, 1, 7};
  std::vector<T> values;
  std::vector<std::int32_t> columns;
  std::vector<std::int64_t> starts = {0};
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < k; j += i == 0 ? k : 1 + i % 4) {
      if (i == 2) break;
      columns.push_back(static_cast<std::int32_t>((j * 7 + i) % k));
    }
    starts.push_back(std::ssize(columns));
  }
  values = numbers<T>(std::ssize(columns), 5);
  const auto w = numbers<T>(k * n, 6), bias = numbers<T>(n, 7), dz = numbers<T>(m * n, 8);
  for (const std::int64_t* rows : {static_cast<const std::int64_t*>(nullptr), order}) {
    const Index first = 1, count = rows == nullptr ? m - 1 : 6;
    std::vector<double> c, dw(w.begin(), w.end());
    for (Index i = 0; i < count; ++i) c.insert(c.end(), bias.begin(), bias.end());
    for (Index i = 0; i < count; ++i) {
      const auto row = static_cast<std::size_t>(rows == nullptr ? first + i : rows[first + i]);
      for (std::int64_t at = starts[row]; at < starts[row + 1]; ++at) {
        const auto p = static_cast<std::size_t>(at);
        for (Index j = 0; j < n; ++j) {
          const auto in_row = [n, j](Index r) { return static_cast<std::size_t>(r * n + j); };
          c[in_row(i)] += double{values[p]} * double{w[in_row(columns[p])]};
          dw[in_row(columns[p])] += double{values[p]} * double{dz[in_row(i)]};
        }
      }
    }
    const CsrRows<T> a = {values.data(), columns.data(), starts.data(), rows, first, count};
    std::vector<T> out(static_cast<std::size_t>(count * n)), gradient = w;
    const auto& table = kernels<T>();
    table.csr_product({a, n, w.data(), n, bias.data(), out.data(), n});
    table.csr_gradient({a, n, dz.data(), n, nullptr, gradient.data(), n});
    const auto near = [](const std::vector<T>& got, const std::vector<double>& expected) {
      bool right = true;
      for (std::size_t i = 0; i < got.size(); ++i) {
        const double off = std::abs(double{got[i]} - expected[i]);
        right = right && off < 40 * double{std::numeric_limits<T>::epsilon()};
      }
      return right;
    };
    check(near(out, c), "compressed rows times " + std::to_string(n) + " columns");
    check(near(gradient, dw), "gradient of " + std::to_string(n) + " columns");
  }
}

// The product that leaves zeros out has the bits of the one that does not: rows that are empty, full and
// in between, panels in every group, k around the words.
template <class T>
void test_sparse_product(Index m, Index k, Index panels) {
  const KernelTable<T>& table = kernels<T>();
  const Index wide = table.panel_cols, n_words = (k + 63) / 64;
  auto a = numbers<T>(m * k, 1);
  for (Index i = 0; i < m * k; ++i) {
    if (numbers<T>(1, static_cast<std::uint32_t>(i))[0] < (i / k) % 4 * 0.5 - 1 + 0.1) {
      a[static_cast<std::size_t>(i)] = 0;
    }
  }
  const auto b = numbers<T>(k * wide * panels, 2), init = numbers<T>(wide * panels, 3);
  std::vector<std::uint64_t> words(static_cast<std::size_t>(m * n_words));
  table.mark_nonzeros(a.data(), k, m, k, words.data(), n_words);
  for (const T* start : {init.data(), static_cast<const T*>(nullptr)}) {
    std::vector<T> sparse(static_cast<std::size_t>(m * wide * panels), T{9}), dense = sparse;
    table.sparse_product({m, k, panels, a.data(), k, words.data(), n_words, b.data(), k * wide,
                          start, sparse.data(), m * wide});
    for (Index j = 0; j < panels; ++j) {
      GemmArgs<T> args = {};
      args.m = m;
      args.n = wide;
      args.k = k;
      args.a = a.data();
      args.a_row = k;
      args.a_col = 1;
      args.b = b.data() + j * k * wide;
      args.b_row = wide;
      args.packed = true;
      args.init = start == nullptr ? nullptr : start + j * wide;
      args.c = dense.data() + j * m * wide;
      args.c_row = wide;
      table.gemm(args);
    }
    check(sparse == dense, "zeros left out of " + std::to_string(m) + " x " + std::to_string(k) +
                               ", " + std::to_string(panels) + " panels");
  }
}

// Units of a part of a step's batch, dropped as the generator's words say one by one.
template <class T>
void test_drop(Index first_row, Index rows, Index first_unit, Index cols) {
  const Dropout dropout = {0.4, 0x0123456789abcdefu, 2};
  const PhiloxKey key = {0x89abcdefu, 0x01234567u};
  const auto size = static_cast<std::size_t>(rows * cols);
  std::vector<T> x = numbers<T>(rows * cols, 1), y(size, T{1}), expected = x;
  std::size_t at = 0;
  for (Index i = first_row; i < first_row + rows; ++i) {
    for (Index u = first_unit; u < first_unit + cols; ++u, ++at) {
      const PhiloxCounter words = philox4x32(
          {static_cast<std::uint32_t>(u / 16 * 4 + u % 8 / 2), static_cast<std::uint32_t>(i), 7,
           static_cast<std::uint32_t>(Stream::dropout) + (dropout.layer << 8)},
          key);
      const std::uint32_t word = words[static_cast<std::size_t>(u % 16 / 8 * 2 + u % 2)];
      expected[at] =
          word / 4294967296.0 < 0.4 ? T{0} : expected[at] * static_cast<T>(1 / (1 - 0.4));
    }
  }
  drop<T>(dropout, {7, first_row}, rows, first_unit, cols, x.data(), y.data());
  check(x == expected,
        "units dropped, " + std::to_string(cols) + " from " + std::to_string(first_unit) + " on");
  for (std::size_t i = 0; i < size; ++i) {
    check((y[i] == 0) == (expected[i] == 0), "both arrays dropped alike");
  }
}

// Steps of a made-up pace: `together` and `alone` seconds.  Returns the share of steps that were taken
// by the team.
double share_of_team(ThreadChoice& choice, double together, double alone, double seconds) {
  double steps = 0, by_team = 0;
  for (double now = 0; now < seconds; ++steps) {
    const double took = choice.threads() > 1 ? together : alone;
    by_team += choice.threads() > 1;
    choice.took(took);
    now += took;
  }
  return by_team / steps;
}

void test_thread_choice() {
  check(!ThreadChoice(1).is_open() && ThreadChoice(2).is_open(), "one thread is no choice");
  for (const double step : {2e-6, 5e-5, 1e-3, 0.05}) {
    const std::string text = " with steps of " + std::to_string(step) + " s";
    ThreadChoice choice(4);
    check(choice.threads() == 4, "the team comes first");
    check(share_of_team(choice, step, 2 * step, 1000 * step + 4) > 0.96,
          "the team is faster" + text);
    share_of_team(choice, 3 * step, step, 400 * step + 1.2);  // another job comes
    check(share_of_team(choice, 3 * step, step, 1000 * step + 4) < 0.04, "alone is faster" + text);
    share_of_team(choice, step, 2 * step, 400 * step + 1.2);  // and goes
    check(share_of_team(choice, step, 2 * step, 1000 * step + 4) > 0.96, "the team again" + text);
  }
}

// product() against plain loops in double, a as rows or columns, with each kind of init; `gap` numbers
// behind each row of the result, which stay.
template <class T>
void test_product(Index m, Index n, Index k, bool by_columns, Index gap) {
  const auto a = numbers<T>(m * k, 1), b = numbers<T>(k * n, 2), bias = numbers<T>(n, 3);
  const Index row = n + gap;
  std::vector<T> c(static_cast<std::size_t>(m * row), T{7}), memory;
  const MatrixView<T> cv{c.data(), m, n, row, 1};
  const int threads = workspace_threads();
  memory.resize(static_cast<std::size_t>(workspace_size<T>(n, k, threads)));
  const MatrixView<const T> av =
      by_columns ? MatrixView<const T>{a.data(), m, k, 1, m} : row_major(a.data(), m, k);
  product<T>(av, row_major(b.data(), k, n), bias.data(), 0, cv, {memory.data(), threads});
  product<T>(av, row_major(b.data(), k, n), c.data(), row, cv, {memory.data(), threads});
  double worst = 0;
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < n; ++j) {
      double sum = 0;
      for (Index p = 0; p < k; ++p) {
        sum += static_cast<double>(av.data[i * av.row_stride + p * av.col_stride]) *
               static_cast<double>(b[static_cast<std::size_t>(p * n + j)]);
      }
      sum = 2 * sum + static_cast<double>(bias[static_cast<std::size_t>(j)]);
      worst = std::max(worst, std::abs(sum - static_cast<double>(cv.data[i * row + j])));
    }
    for (Index j = n; j < row; ++j)
      worst += std::abs(static_cast<double>(cv.data[i * row + j]) - 7);
  }
  const double bound = 4 * std::sqrt(static_cast<double>(k) + 4) *
                       (sizeof(T) == 4 ? 1.2e-7 : 2.3e-16) * std::sqrt(static_cast<double>(k) + 4);
  check(worst <= bound, "product " + std::to_string(m) + " x " + std::to_string(k) + " x " +
                            std::to_string(n) + (by_columns ? " by columns" : "") + ", gaps of " +
                            std::to_string(gap));
}

// One output column, and neither rows nor columns of a contiguous: nothing past the end of b is read
// (which an address sanitizer sees), and the sums are right.
template <class T>
void test_strided_column() {
  const auto a = numbers<T>(2 * 5 * 2 * 9, 6), b = numbers<T>(9, 7);
  std::vector<T> c(5), memory(static_cast<std::size_t>(workspace_size<T>(1, 9, 1)));
  const MatrixView<const T> av{a.data(), 5, 9, 36, 2};
  product<T>(av, row_major(b.data(), 9, 1), nullptr, 0, row_major(c.data(), 5, 1),
             {memory.data(), 1});
  double worst = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    double sum = 0;
    for (std::size_t p = 0; p < 9; ++p) sum += double(a[i * 36 + p * 2]) * double(b[p]);
    worst = std::max(worst, std::abs(sum - double(c[i])));
  }
  check(worst < 1e-5, "a column from strided rows");
}

// Narrow matrices whose rows follow, run backwards, overlap or are all the same: nothing beyond the
// numbers is read (which an address sanitizer sees), and they are transposed.
template <class T>
void test_transpose(Index cols, Index stride) {
  constexpr Index rows = 21;
  const auto a = numbers<T>((rows - 1) * std::abs(stride) + cols, 8);
  const T* first = a.data() + (stride < 0 ? -stride * (rows - 1) : 0);
  std::vector<T> out(static_cast<std::size_t>(cols * rows));
  kernels<T>().transpose(first, stride, rows, cols, out.data(), rows);
  bool right = true;
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) {
      right = right && out[static_cast<std::size_t>(j * rows + i)] == first[i * stride + j];
    }
  }
  check(right, std::to_string(cols) + " columns, rows " + std::to_string(stride) + " apart");
}

// A line is learned, in the same bits with one thread and with two.
template <class T>
void test_training() {
  std::uint64_t digest[2] = {};
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    LayerSpec hidden, output;
    hidden.units = 256;
    hidden.activation.name = "tanh";
    output.units = 1;
    Network<T> network(64, {hidden, output});
    const auto start = numbers<T>(network.size(), 4);
    for (Index i = 0; i < network.size(); ++i) {
      network.parameters()[i] = start[static_cast<std::size_t>(i)] * T(0.1);
    }
    const auto x = numbers<T>(500 * 64, 5);
    std::vector<T> y(500);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i * 64] - x[i * 64 + 1];
    constexpr Index size = sizeof(T);
    Dataset data;
    data.x = {x.data(), kDTypeOf<T>, 500, 64, 64 * size, size};
    data.y = {y.data(), kDTypeOf<T>, 500, 1, size, size};
    Optimizer<T> optimizer(network, "adam", {});
    LossSpec loss;
    loss.name = "mean_squared_error";
    Trainer<T> trainer(network, optimizer, loss, {}, data, nullptr, {100, true, 9, 0});
    while (!trainer.run(30, 0.001, Poll())) {
    }
    check(trainer.epoch() == 30, "thirty epochs");
    check(trainer.history(0)["loss"].back() < 0.01, "the line is learned");
    digest[threads - 1] = network.digest();
  }
  check(digest[0] == digest[1], "one and two threads give the same bits");
}

template <class T>
void test_type() {
  for (const bool by_columns : {false, true}) {
    for (const Index m : {1, 7, 13, 200}) {
      for (const Index n : {1, 2, 4, 8, 10, 33, 130}) {
        for (const Index k : {1, 20, 300}) {
          for (const Index gap : {0, 3}) test_product<T>(m, n, k, by_columns, gap);
        }
      }
    }
  }
  for (const Index k : {1, 63, 64, 65, 300}) {
    for (const Index panels : {1, 2, 3, 4, 7}) test_sparse_product<T>(9, k, panels);
  }
  const Index width = kernels<T>().vector_cols;
  for (const Index n : {1, 3, 8, 10, 33, 70, 130}) test_compressed_rows<T>(n);
  for (const Index vectors : {1, 2, 8, 11}) test_compressed_rows<T>(vectors * width);
  for (const Index cols : {1, 3, 16, 17, 40}) {
    for (const Index first : {0, 4, 16, 21}) test_drop<T>(5, 3, first, cols);
  }
  test_strided_column<T>();
  for (const Index cols : {1, 2, 3, 5, 9, 17}) {
    for (const Index stride : {cols, cols + 2, -cols, -cols - 2, Index{1}, Index{0}}) {
      test_transpose<T>(cols, stride);
    }
  }
  test_training<T>();
}

}  // namespace

int main() {
  std::printf("kernels: %s, OpenMP: %s\n", kernels<float>().isa, openmp_version());
  test_philox();
  test_shuffle();
  test_team();
  test_team_exceptions();
  test_thread_choice();
  test_type<float>();
  test_type<double>();
  return verdict();
}
