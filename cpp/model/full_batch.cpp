#include "model/full_batch.hpp"

#include <algorithm>

#include "core/team.hpp"

namespace shallowcore {

template <class T>
FullBatch<T>::FullBatch(const Objective<T>& objective, const Network<T>& network,
                        const Dataset& data)
    : objective_(objective),
      network_(network),
      pass_(network, block_rows(network, data.rows()), Use::train),
      reader_(data, network, pass_.most_rows(), false) {
  objective.check_targets(data);
  sums_.metrics.resize(objective.metrics().size());
}

template <class T>
double FullBatch<T>::operator()(T* gradient, const Poll& poll) {
  std::fill_n(gradient, network_.size(), T{0});
  sums_.clear();
  for_blocks(reader_.rows(), pass_.most_rows(), poll, [&](Index first, Index count) {
    objective_.add_block(pass_, reader_.read(nullptr, first, count), reader_.rows(), gradient,
                         sums_);
    reader_.release(first, count);
  });
  return sums_.mean(0) + objective_.add_penalties(gradient);
}

template <class T>
double loss_and_gradient(const Objective<T>& objective, const Network<T>& network,
                         const Dataset& data, T* gradient, const Poll& poll) {
  FullBatch<T> full_batch(objective, network, data);
  const Team team(threads_of_call(network, data.rows(), block_rows(network, data.rows())));
  return full_batch(gradient, poll);
}

template class FullBatch<float>;
template class FullBatch<double>;
template double loss_and_gradient(const Objective<float>&, const Network<float>&, const Dataset&,
                                  float*, const Poll&);
template double loss_and_gradient(const Objective<double>&, const Network<double>&, const Dataset&,
                                  double*, const Poll&);

}  // namespace shallowcore
