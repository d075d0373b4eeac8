// What a user asks for, before it is resolved for one element type: layers, losses, data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/types.hpp"
#include "core/view.hpp"

namespace shallowcore {

struct ActivationSpec {
  std::string name = "identity";
  std::map<std::string, double> parameters;
};

// l1 sum|w| + l2 sum w^2, added to the loss
struct Penalty {
  double l1 = 0;
  double l2 = 0;
  bool any() const { return l1 != 0 || l2 != 0; }
};

struct LayerSpec {
  enum class Kind { dense, activation, rescaling, normalization, dropout };
  Kind kind = Kind::dense;
  Index units = 0;  // dense
  bool use_bias = true;
  ActivationSpec activation;  // dense, activation
  Penalty kernel_penalty;
  Penalty bias_penalty;
  double scale = 1;  // rescaling: x * scale + offset
  double offset = 0;
  std::vector<double> means, factors;  // normalization: (x - means) * factors, of each feature
  double rate = 0;                     // dropout
  std::uint64_t seed = 0;
};

struct LossSpec {
  std::string name;
  bool from_logits = false;
  double label_smoothing = 0;
  double scale = 1;
  std::map<std::string, std::vector<double>> parameters;  // one value, or one for each output
};

// Inputs in compressed form, of the network's element type: row r has values[p] in columns[p] for p from
// starts[r] to starts[r + 1].
struct CompressedRows {
  const void* values = nullptr;
  const std::int32_t* columns = nullptr;
  const std::int64_t* starts = nullptr;
};

// Borrowed samples.  Inputs are compressed where they have starts; x then says their shape and type only.
// y is a matrix (rows, n_outputs), or int32 labels, or neither; weights may be null.
struct Dataset {
  AnyMatrix x;
  CompressedRows compressed;
  AnyMatrix y;
  const std::int32_t* labels = nullptr;
  AnyMatrix weights;  // (rows, 1)
  // x is a mapped file: pages that were read are given back to the system.
  bool mapped = false;
  // The arrays are replaced before each step, never by other types or more rows than at first; whoever
  // does so has checked the labels.
  bool fed = false;

  Index rows() const { return x.rows; }
  bool is_compressed() const { return compressed.starts != nullptr; }
  bool has_targets() const { return y.data != nullptr || labels != nullptr; }
};

}  // namespace shallowcore
