// The dense products of the workloads: what products.cpp and rivals.cpp measure.
#pragma once

#include <string>
#include <vector>

#include "core/types.hpp"

namespace shallowcore::bench {

// What a product is in a training step, which says how its factors lie in memory (row-major all).
//   outputs          a = g(x w + bias):  x (batch, n_in), w (n_in, n_out)
//   kernel_gradient  dw = x' dz:         x (batch, n_in), dz (batch, n_out)
//   input_gradient   da = dz w':         dz (batch, n_out), w (n_in, n_out)
enum class Role { outputs, kernel_gradient, input_gradient };

// c (m, n) = a (m, k) b (k, n)
struct Shape {
  std::string name;
  Role role;
  Index m, n, k;
  std::string activation;  // of outputs, where products.cpp leaves it out

  bool transposed_a() const { return role == Role::kernel_gradient; }
  bool transposed_b() const { return role == Role::input_gradient; }
  double flops() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
};

// The products of one training step of a network with one hidden layer.
inline void add_network(std::vector<Shape>& shapes, const std::string& name, Index batch,
                        Index n_in, Index n_hidden, Index n_out, const std::string& hidden,
                        const std::string& output) {
  shapes.push_back({name + "  z1 = x w1", Role::outputs, batch, n_hidden, n_in, hidden});
  shapes.push_back({name + "  z2 = a1 w2", Role::outputs, batch, n_out, n_hidden, output});
  shapes.push_back({name + "  dw2 = a1' dz2", Role::kernel_gradient, n_hidden, n_out, batch, ""});
  shapes.push_back({name + "  da1 = dz2 w2'", Role::input_gradient, batch, n_hidden, n_out, ""});
  shapes.push_back({name + "  dw1 = x' dz1", Role::kernel_gradient, n_in, n_hidden, batch, ""});
}

inline std::vector<Shape> all_shapes() {
  std::vector<Shape> shapes;
  add_network(shapes, "shallow", 100, 20, 10, 1, "tanh", "sigmoid");
  add_network(shapes, "planar", 400, 2, 4, 1, "tanh", "sigmoid");
  shapes.push_back({"cat  z = x w", Role::outputs, 209, 1, 12288, "sigmoid"});
  shapes.push_back({"cat  dw = x' dz", Role::kernel_gradient, 12288, 1, 209, ""});
  // Softmax belongs to the loss: training takes it from the logits.
  add_network(shapes, "tabular", 256, 54, 256, 7, "relu", "identity");
  add_network(shapes, "mnist", 128, 784, 512, 10, "relu", "identity");
  shapes.push_back({"large  z = x w", Role::outputs, 1024, 1024, 1024, "identity"});
  return shapes;
}

}  // namespace shallowcore::bench
