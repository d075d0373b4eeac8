#include "model/watch.hpp"

#include <algorithm>

namespace shallowcore {

template <class T>
bool Watch<T>::improves(double figure, double reference) const {
  return rule_.maximize ? figure - rule_.min_delta > reference
                        : figure + rule_.min_delta < reference;
}

template <class T>
void Watch<T>::keep(Index epoch, const Network<T>& network, Plan<T>& plan) {
  best_epoch_ = epoch;
  if (!rule_.restore_best) return;
  plan.show();
  std::copy_n(network.parameters(), network.size(), best_parameters_.data());
}

template <class T>
bool Watch<T>::stops_after(Index epoch, double figure, const Network<T>& network, Plan<T>& plan) {
  if (epoch < rule_.start_from_epoch) return false;
  ++wait_;
  if (!best_ || improves(figure, *best_)) {
    best_ = figure;
    keep(epoch, network, plan);
    if (!rule_.baseline || improves(figure, *rule_.baseline)) wait_ = 0;
    return false;
  }
  if (wait_ < rule_.patience || epoch == 0) return false;
  stopped_epoch_ = epoch;
  return true;
}

template class Watch<float>;
template class Watch<double>;

}  // namespace shallowcore
