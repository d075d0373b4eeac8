#include "model/unit_ranges.hpp"

#include <algorithm>
#include <limits>

namespace shallowcore {

template <class T>
std::vector<UnitRanges<T>> unit_ranges(const Network<T>& network, const Dataset& data,
                                       const Poll& poll) {
  std::vector<UnitRanges<T>> ranges;
  for (const Stage<T>& stage : network.stages()) {
    const auto n = static_cast<std::size_t>(stage.n_out);
    ranges.push_back({std::vector<T>(n, std::numeric_limits<T>::infinity()),
                      std::vector<T>(n, -std::numeric_limits<T>::infinity())});
  }
  Pass<T> pass(network, block_rows(network, data.rows()), Use::train);
  BatchReader<T> reader(data, network, pass.most_rows(), false);
  for_blocks(data.rows(), pass.most_rows(), poll, [&](Index first, Index rows) {
    pass.forward(reader.read(nullptr, first, rows).x, false);
    reader.release(first, rows);
    for (std::size_t s = 0; s < ranges.size(); ++s) {
      const T* a = pass.stage_output(s);
      auto& [least, greatest] = ranges[s];
      for (Index i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < least.size(); ++j, ++a) {
          least[j] = std::min(least[j], *a);
          greatest[j] = std::max(greatest[j], *a);
        }
      }
    }
  });
  return ranges;
}

template std::vector<UnitRanges<float>> unit_ranges(const Network<float>&, const Dataset&,
                                                    const Poll&);
template std::vector<UnitRanges<double>> unit_ranges(const Network<double>&, const Dataset&,
                                                     const Poll&);

}  // namespace shallowcore
