// The primitives that rivals_onednn.cpp uses, in the spelling of oneDNN 2 and of oneDNN 3.
//
// Activations are plain (rows, cols); weights (n_out, n_in) may be of format `any`: oneDNN chooses.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

namespace shallowcore::bench {

using Desc = dnnl::memory::desc;
using Forward = dnnl::inner_product_forward;
using BackwardWeights = dnnl::inner_product_backward_weights;
using BackwardData = dnnl::inner_product_backward_data;
using Slope = dnnl::eltwise_backward;

// What surrounds an inner product: x (rows, n_in) -> z (rows, n_out).
struct Descs {
  Desc x, w, b, z;
};

#if DNNL_VERSION_MAJOR >= 3

inline Forward::primitive_desc forward_desc(const dnnl::engine& engine, const Descs& d,
                                            dnnl::algorithm activation) {
  dnnl::primitive_attr attributes;
  if (activation != dnnl::algorithm::undef) {
    dnnl::post_ops after;
    after.append_eltwise(activation, 0, 0);
    attributes.set_post_ops(after);
  }
  return {engine, dnnl::prop_kind::forward_training, d.x, d.w, d.b, d.z, attributes};
}

inline BackwardWeights::primitive_desc weights_desc(const dnnl::engine& engine, const Descs& d,
                                                    const Forward::primitive_desc& forward) {
  return {engine, d.x, d.w, d.b, d.z, forward};
}

inline BackwardWeights::primitive_desc weights_only_desc(const dnnl::engine& engine, const Descs& d,
                                                         const Forward::primitive_desc& forward) {
  return {engine, d.x, d.w, d.z, forward};
}

inline BackwardData::primitive_desc data_desc(const dnnl::engine& engine, const Descs& d,
                                              const Forward::primitive_desc& forward) {
  return {engine, d.x, d.w, d.z, forward};
}

inline Slope::primitive_desc slope_desc(const dnnl::engine& engine, dnnl::algorithm activation,
                                        const Desc& a) {
  const dnnl::eltwise_forward::primitive_desc forward(engine, dnnl::prop_kind::forward_training,
                                                      activation, a, a);
  return {engine, activation, a, a, a, forward};
}

#else

inline Forward::primitive_desc forward_desc(const dnnl::engine& engine, const Descs& d,
                                            dnnl::algorithm activation) {
  dnnl::primitive_attr attributes;
  if (activation != dnnl::algorithm::undef) {
    dnnl::post_ops after;
    after.append_eltwise(1, activation, 0, 0);
    attributes.set_post_ops(after);
  }
  return {{dnnl::prop_kind::forward_training, d.x, d.w, d.b, d.z}, attributes, engine};
}

inline BackwardWeights::primitive_desc weights_desc(const dnnl::engine& engine, const Descs& d,
                                                    const Forward::primitive_desc& forward) {
  return {{d.x, d.w, d.b, d.z}, engine, forward};
}

inline BackwardWeights::primitive_desc weights_only_desc(const dnnl::engine& engine, const Descs& d,
                                                         const Forward::primitive_desc& forward) {
  return {{d.x, d.w, d.z}, engine, forward};
}

inline BackwardData::primitive_desc data_desc(const dnnl::engine& engine, const Descs& d,
                                              const Forward::primitive_desc& forward) {
  return {{d.x, d.w, d.z}, engine, forward};
}

inline Slope::primitive_desc slope_desc(const dnnl::engine& engine, dnnl::algorithm activation,
                                        const Desc& a) {
  const dnnl::eltwise_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, activation, a, 0, 0}, engine);
  return {{activation, a, a, 0, 0}, engine, forward};
}

#endif

}  // namespace shallowcore::bench
