// Kernels write what is theirs and not a number beside it, whatever the length: vectors overlap the end of
// an array nowhere.
#include <algorithm>
#include <string>
#include <vector>

#include "checks.hpp"
#include "kernels/table.hpp"

namespace {

using namespace shallowcore;
using namespace shallowcore::testing;

// An array between numbers that have to stay as they are.
template <class T>
class Guarded {
 public:
  Guarded(Index n, std::uint32_t seed) : memory_(numbers<T>(n + 2 * kMargin, seed)) {
    std::fill_n(memory_.begin(), kMargin, kMark);
    std::fill(memory_.end() - kMargin, memory_.end(), kMark);
  }
  T* data() { return memory_.data() + kMargin; }
  T operator[](Index i) const { return memory_[static_cast<std::size_t>(kMargin + i)]; }
  bool is_whole() const {
    const auto marked = [](T value) { return value == kMark; };
    return std::all_of(memory_.begin(), memory_.begin() + kMargin, marked) &&
           std::all_of(memory_.end() - kMargin, memory_.end(), marked);
  }

 private:
  static constexpr Index kMargin = 32;
  static constexpr T kMark = T{-77};
  std::vector<T> memory_;
};

template <class T, class... Arrays>
void check_borders(const std::string& what, Index n, const Arrays&... arrays) {
  check((arrays.is_whole() && ...),
        what + " of " + std::to_string(n) + " numbers writes beside them");
}

template <class T>
void test_activation(const ActivationKernels<T>& kernel, Index n) {
  const std::string name = kernel.name;
  const T parameters[] = {static_cast<T>(kernel.parameters[0].value),
                          static_cast<T>(kernel.parameters[1].value)};
  Guarded<T> z(n, 1), a(n, 2), d(n, 3), slope(n, 4), bend(n, 5);
  kernel.forward(z.data(), a.data(), 1, n, parameters);
  check_borders<T>(name, n, z, a);
  check(kernel.forward_finite(z.data(), a.data(), 1, n, parameters), name + " of finite numbers");
  check_borders<T>(name + ", checked", n, z, a);
  if (kernel.backward != nullptr) {
    kernel.backward(a.data(), d.data(), 1, n, parameters);
    check_borders<T>(name + ", backward", n, a, d);
  }
  if (!kernel.elementwise) return;
  kernel.forward_with_slope(z.data(), a.data(), slope.data(), n, parameters);
  check_borders<T>(name + " with its slope", n, z, a, slope);
  check(kernel.derivative(z.data(), slope.data(), n, parameters), name + "' of finite numbers");
  check_borders<T>(name + ", derivative", n, z, slope);
  kernel.curvature(kernel.stores_slope ? z.data() : a.data(), slope.data(), bend.data(), n,
                   parameters);
  check_borders<T>(name + ", curvature", n, z, a, slope, bend);
}

template <class T>
void test_optimizer(const OptimizerKernels<T>& kernel, Index n) {
  double values[kMaxParameters] = {};
  for (int i = 0; i < kMaxParameters && kernel.parameters[i].name != nullptr; ++i) {
    values[i] = kernel.parameters[i].value;
  }
  T constants[kMaxConstants] = {};
  kernel.prepare(values, 1, constants);
  Guarded<T> w(n, 1), g(n, 2), first(n, 3), second(n, 4), third(n, 5);
  T* slots[] = {first.data(), second.data(), third.data()};
  for (T* slot : slots) std::fill_n(slot, n, T{0});
  kernel.update(w.data(), g.data(), slots, kernel.slots(values), n, constants);
  check_borders<T>(kernel.name, n, w, g, first, second, third);
}

template <class T>
void test_loss(const LossKernels<T>& kernel, Index rows, Index cols) {
  if (kernel.integer_labels) return;
  Guarded<T> prediction(rows * cols, 1), target(rows * cols, 2), gradient(rows * cols, 3);
  const T half{0.5};
  for (Index i = 0; i < rows * cols; ++i) {
    prediction.data()[i] = (prediction[i] + T{2}) / T{4};
    target.data()[i] = T{0.5};
  }
  LossArgs<T> args = {};
  args.rows = rows;
  args.cols = cols;
  args.prediction = prediction.data();
  args.target = target.data();
  args.gradient_scale = 1;
  args.parameters = &half;
  args.n_parameters = 1;
  args.gradient = gradient.data();
  const Index n = rows * cols;
  if (kernel.from_outputs != nullptr) kernel.from_outputs(args);
  check_borders<T>(std::string(kernel.name) + " of outputs", n, prediction, target, gradient);
  if (kernel.from_logits != nullptr) kernel.from_logits(args);
  check_borders<T>(std::string(kernel.name) + " of logits", n, prediction, target, gradient);
}

template <class T>
void test_arrays(const KernelTable<T>& table, Index n) {
  Guarded<T> x(n, 1), y(n, 2), out(n, 3);
  table.axpy(T{2}, x.data(), y.data(), n);
  check_borders<T>("axpy", n, x, y);
  table.scale(T{2}, y.data(), n);
  check_borders<T>("scale", n, y);
  table.multiply(x.data(), y.data(), n);
  check_borders<T>("multiply", n, x, y);
  table.multiply_add(x.data(), y.data(), out.data(), n);
  check_borders<T>("multiply_add", n, x, y, out);
  table.add_penalty(x.data(), out.data(), n, 0.5, 0.25);
  check_borders<T>("add_penalty", n, x, out);
  Guarded<T> rows(3 * n, 4);
  table.add_column_sums(rows.data(), 3, n, out.data());
  check_borders<T>("add_column_sums", n, rows, out);
  Guarded<T> turned(3 * n, 5);
  table.transpose(rows.data(), n, 3, n, turned.data(), 3);
  check_borders<T>("transpose", 3 * n, rows, turned);
}

template <class T>
void test_type() {
  const KernelTable<T>& table = kernels<T>();
  const Index width = table.vector_cols;
  for (Index n = 1; n <= 3 * width + 1; ++n) {
    for (int i = 0; i < table.n_activations; ++i) test_activation(table.activations[i], n);
    for (int i = 0; i < table.n_optimizers; ++i) test_optimizer(table.optimizers[i], n);
    test_arrays(table, n);
    for (int i = 0; i < table.n_losses; ++i) {
      test_loss(table.losses[i], 1, n);
      test_loss(table.losses[i], 3, n);
      test_loss(table.losses[i], n, 1);
    }
  }
}

}  // namespace

int main() {
  std::printf("kernels: %s\n", kernels<float>().isa);
  test_type<float>();
  test_type<double>();
  return verdict();
}
