// oneDNN as a contender of rivals.cpp: inner products with the activation as a post-op, eltwise
// slopes; loops for loss and update.
//
// Weights stay in the user's plain layout; where oneDNN prefers another it is reordered each time, as
// in oneDNN's own training example.
#include "native/rivals_onednn_api.hpp"
#include "native/rivals_training.hpp"

namespace shallowcore::bench {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using Arguments = std::unordered_map<int, memory>;

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}
dnnl::stream& stream() {
  static dnnl::stream on_cpu(engine());
  return on_cpu;
}

Desc described(const memory::dims& dims, memory::format_tag tag) {
  return {dims, memory::data_type::f32, tag};
}
Desc plain(Index rows, Index cols) { return described({rows, cols}, memory::format_tag::ab); }
// w (n_in, n_out) row-major, by oneDNN's names (n_out, n_in).
Desc weights(Index n_in, Index n_out) { return described({n_out, n_in}, memory::format_tag::ba); }

memory borrowed(const Desc& desc, const float* data) {
  return {desc, engine(), const_cast<float*>(data)};
}

// A user's matrix and the same in the layout a primitive wants; often they are one.
class Converted {
 public:
  Converted(const Desc& own, const Desc& wanted, const float* data)
      : own_(borrowed(own, data)), wanted_(own == wanted ? own_ : memory(wanted, engine())) {
    if (own == wanted) return;
    in_ = dnnl::reorder(own_, wanted_);
    out_ = dnnl::reorder(wanted_, own_);
  }
  const memory& wanted() const { return wanted_; }
  void in() {
    if (in_) in_.execute(stream(), own_, wanted_);
  }
  void out() {
    if (out_) out_.execute(stream(), wanted_, own_);
  }

 private:
  memory own_, wanted_;
  dnnl::reorder in_, out_;
};

algorithm activation_of(const std::string& name) {
  if (name == "tanh") return algorithm::eltwise_tanh;
  if (name == "sigmoid") return algorithm::eltwise_logistic;
  if (name == "relu") return algorithm::eltwise_relu;
  return algorithm::undef;
}

// Layouts of one layer, the weights' left to oneDNN.
Descs layouts(Index rows, Index n_in, Index n_out) {
  return {plain(rows, n_in), described({n_out, n_in}, memory::format_tag::any),
          described({n_out}, memory::format_tag::a), plain(rows, n_out)};
}

// Where the forward pass takes the user's own layout so does the backward one; left alone it may ask
// for another that is no faster.
BackwardData::primitive_desc input_gradient_desc(Descs d, const Desc& own,
                                                 const Forward::primitive_desc& forward) {
  if (forward.weights_desc() == own) d.w = own;
  return data_desc(engine(), d, forward);
}

// --- one product ----------------------------------------------------------------------------------

class LayerTask : public Task {
 public:
  explicit LayerTask(const Layer& layer) : c_(size(layer.shape)) {
    const Shape& s = layer.shape;
    const float *a = layer.a.data(), *b = layer.b.data();
    if (s.role == Role::outputs) {
      const Descs d = layouts(s.m, s.k, s.n);
      const auto forward = forward_desc(engine(), d, activation_of(s.activation));
      convert(weights(s.k, s.n), forward.weights_desc(), b, true);
      prepare(Forward(forward), {{DNNL_ARG_SRC, borrowed(d.x, a)},
                                 {DNNL_ARG_WEIGHTS, converted_->wanted()},
                                 {DNNL_ARG_BIAS, borrowed(d.b, layer.bias.data())},
                                 {DNNL_ARG_DST, borrowed(d.z, c_.data())}});
    } else if (s.role == Role::kernel_gradient) {
      const Descs d = layouts(s.k, s.m, s.n);
      const auto pd = weights_only_desc(engine(), d, forward_desc(engine(), d, algorithm::undef));
      convert(weights(s.m, s.n), pd.diff_weights_desc(), c_.data(), false);
      prepare(BackwardWeights(pd), {{DNNL_ARG_SRC, borrowed(d.x, a)},
                                    {DNNL_ARG_DIFF_DST, borrowed(d.z, b)},
                                    {DNNL_ARG_DIFF_WEIGHTS, converted_->wanted()}});
    } else {
      const Descs d = layouts(s.m, s.n, s.k);
      const auto pd =
          input_gradient_desc(d, weights(s.n, s.k), forward_desc(engine(), d, algorithm::undef));
      convert(weights(s.n, s.k), pd.weights_desc(), b, true);
      prepare(BackwardData(pd), {{DNNL_ARG_DIFF_DST, borrowed(d.z, a)},
                                 {DNNL_ARG_WEIGHTS, converted_->wanted()},
                                 {DNNL_ARG_DIFF_SRC, borrowed(d.x, c_.data())}});
    }
  }

  void run(int times) override {
    for (int i = 0; i < times; ++i) {
      if (reads_converted_) converted_->in();
      primitive_.execute(stream(), arguments_);
      if (!reads_converted_) converted_->out();
    }
    stream().wait();
  }
  std::vector<float> values() override { return c_; }

 private:
  static std::size_t size(const Shape& shape) {
    return static_cast<std::size_t>(shape.m * shape.n);
  }
  void convert(const Desc& own, const Desc& wanted, const float* data, bool is_read) {
    converted_ = std::make_unique<Converted>(own, wanted, data);
    reads_converted_ = is_read;
  }
  void prepare(const dnnl::primitive& primitive, const Arguments& arguments) {
    primitive_ = primitive;
    arguments_ = arguments;
  }

  std::vector<float> c_;
  std::unique_ptr<Converted> converted_;
  bool reads_converted_ = false;
  dnnl::primitive primitive_;
  Arguments arguments_;
};

// --- a training -----------------------------------------------------------------------------------

// One layer's buffers and primitives.
class LayerSteps {
 public:
  LayerSteps(const DenseLayer& layer, Index rows, algorithm activation, bool first)
      : d_(layouts(rows, layer.n_in, layer.n_out)),
        forward_pd_(forward_desc(engine(), d_, activation)),
        weights_pd_(weights_desc(engine(), d_, forward_pd_)),
        data_pd_(input_gradient_desc(d_, weights(layer.n_in, layer.n_out), forward_pd_)),
        output_(static_cast<std::size_t>(rows * layer.n_out)),
        input_gradient_(static_cast<std::size_t>(first ? 0 : rows * layer.n_in)),
        w_(weights(layer.n_in, layer.n_out), forward_pd_.weights_desc(), layer.w),
        w_backward_(weights(layer.n_in, layer.n_out), data_pd_.weights_desc(), layer.w),
        dw_(weights(layer.n_in, layer.n_out), weights_pd_.diff_weights_desc(), layer.dw),
        x_(borrowed(d_.x, nullptr)),
        a_(borrowed(d_.z, output_.data())),
        dz_(borrowed(d_.z, nullptr)),
        dx_(borrowed(d_.x, input_gradient_.data())),
        b_(borrowed(d_.b, layer.b)),
        db_(borrowed(d_.b, layer.db)),
        forward_(forward_pd_),
        backward_weights_(weights_pd_),
        backward_data_(data_pd_) {}

  const float* forward(const float* x) {
    x_.set_data_handle(const_cast<float*>(x));
    w_.in();
    forward_.execute(stream(), {{DNNL_ARG_SRC, x_},
                                {DNNL_ARG_WEIGHTS, w_.wanted()},
                                {DNNL_ARG_BIAS, b_},
                                {DNNL_ARG_DST, a_}});
    return output_.data();
  }

  void backward(const float* dz) {
    dz_.set_data_handle(const_cast<float*>(dz));
    backward_weights_.execute(stream(), {{DNNL_ARG_SRC, x_},
                                         {DNNL_ARG_DIFF_DST, dz_},
                                         {DNNL_ARG_DIFF_WEIGHTS, dw_.wanted()},
                                         {DNNL_ARG_DIFF_BIAS, db_}});
    dw_.out();
  }

  // Gradient in x, times the slope of the activation that x came from.
  const float* input_gradient(algorithm activation) {
    w_backward_.in();
    backward_data_.execute(stream(), {{DNNL_ARG_DIFF_DST, dz_},
                                      {DNNL_ARG_WEIGHTS, w_backward_.wanted()},
                                      {DNNL_ARG_DIFF_SRC, dx_}});
    if (!slope_) slope_ = Slope(slope_desc(engine(), activation, d_.x));
    slope_.execute(stream(),
                   {{DNNL_ARG_DST, x_}, {DNNL_ARG_DIFF_DST, dx_}, {DNNL_ARG_DIFF_SRC, dx_}});
    return input_gradient_.data();
  }

 private:
  Descs d_;
  Forward::primitive_desc forward_pd_;
  BackwardWeights::primitive_desc weights_pd_;
  BackwardData::primitive_desc data_pd_;
  std::vector<float> output_, input_gradient_;
  Converted w_, w_backward_, dw_;
  memory x_, a_, dz_, dx_, b_, db_;
  dnnl::primitive forward_, backward_weights_, backward_data_, slope_;
};

class TrainingTask : public LibraryTraining {
 public:
  explicit TrainingTask(const Training& training)
      : LibraryTraining(training),
        slope_(training.binary() ? algorithm::eltwise_tanh_use_dst_for_bwd
                                 : algorithm::eltwise_relu_use_dst_for_bwd) {
    const algorithm hidden = activation_of(training.binary() ? "tanh" : "relu");
    for (std::size_t i = 0; i < layers().size(); ++i) {
      const bool last = i + 1 == layers().size();
      steps_.push_back(std::make_unique<LayerSteps>(layers()[i], training.batch_size,
                                                    last ? algorithm::undef : hidden, i == 0));
    }
  }

 private:
  const float* forward(const float* x) override {
    for (const auto& layer : steps_) x = layer->forward(x);
    stream().wait();
    return x;
  }

  void backward(const float*, const float* dz) override {
    for (std::size_t i = steps_.size(); i-- > 0;) {
      steps_[i]->backward(dz);
      if (i > 0) dz = steps_[i]->input_gradient(slope_);
    }
    stream().wait();
  }

  algorithm slope_;
  std::vector<std::unique_ptr<LayerSteps>> steps_;
};

}  // namespace

std::string contender_version() {
  const dnnl_version_t* version = dnnl::version();
  return "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->patch);
}

// The number of threads is OpenMP's, from the environment.
std::unique_ptr<Task> layer_task(const Layer& layer, int) {
  return std::make_unique<LayerTask>(layer);
}

std::unique_ptr<Task> training_task(const Training& training, int) {
  return std::make_unique<TrainingTask>(training);
}

}  // namespace shallowcore::bench
