#include "nn/layer_compensator.h"

#include <algorithm>

#include "nn/adaptive_pool.h"
#include "nn/layer_kind.h"

/// CorrectNet's error compensation (Eldebiky et al., DATE 2023, arXiv:2211.14917; the details are
/// ours, docs/correctnet.md): behind a layer with input x and erroneous output y~, at every output
/// position
///   g = act(G [xp; y~] + b_G)          generator: m filters, xp = x average-pooled to y's size
///   z = C [y~; g] + b_C                compensator: n filters; residual form z = y~ + C g + b_C
/// G starts random, C = [I | 0], b = 0: transparent at first, and C still has a gradient. One
/// buffer holds [xp; y~; g] in lane blocks, so both are plain products.
namespace ohmic::nn {
namespace {

template <class T>
class Compensator final : public Layer<T> {
 public:
  Compensator(LayerStructure s, const CompensatorParams& params)
      : Layer<T>(std::move(s)),
        pool_(this->structure().inputs[1], this->structure().output),
        positions_(this->structure().output.height * this->structure().output.width),
        n_(this->structure().output.channels),
        l_(this->structure().inputs[1].channels),
        m_(params.filters),
        is_relu_(params.generator == "relu"),
        is_residual_(params.is_residual) {
    for (Index f = 0; f < l_ + n_ + m_; ++f)
      row_offset_.push_back(static_cast<std::int32_t>(f * positions_ * kLanes));
    for (Index p = 0; p < positions_; ++p)
      position_offset_.push_back(static_cast<std::int32_t>(p * kLanes));
  }

  void forward(const ForwardArguments<T>& a) const override {
    T *pooled = a.state, *y = pooled + l_ * plane(), *g = y + n_ * plane();
    pool_.forward(a.x[1], pooled);
    std::copy_n(a.x[0], n_ * plane(), y);
    product(a.parameters[0].value, pooled, a.parameters[1].value, g);
    if (is_relu_)
      for (Index i = 0; i < m_ * plane(); ++i) g[i] = g[i] > T(0) ? g[i] : T(0);
    product(a.parameters[2].value, is_residual_ ? g : y, a.parameters[3].value, a.y);
    if (is_residual_) kernels_of<T>().accumulate(n_ * plane(), y, T(1), a.y);
  }

  void backward(const BackwardArguments<T>& a) const override {
    T *pooled = a.state, *y = pooled + l_ * plane(), *g = y + n_ * plane();
    T *d_y = a.work, *d_g = d_y + n_ * plane(), *d_source = d_g + m_ * plane(),
      *transposed = d_source + (l_ + n_) * plane();
    const Matrix<T>&generator = a.parameters[0].value, &compensator = a.parameters[2].value;
    gradients(is_residual_ ? g : y, a.dy, a.gradient[2].value, a.gradient[3].value);
    back_product(compensator, a.dy, transposed, is_residual_ ? d_g : d_y);
    if (is_residual_) std::copy_n(a.dy, n_ * plane(), d_y);
    if (is_relu_)
      for (Index i = 0; i < m_ * plane(); ++i) d_g[i] = g[i] > T(0) ? d_g[i] : T(0);
    gradients(pooled, d_g, a.gradient[0].value, a.gradient[1].value);
    back_product(generator, d_g, transposed, d_source);
    if (a.dx[0]) {
      std::copy_n(d_y, n_ * plane(), a.dx[0]);
      kernels_of<T>().accumulate(n_ * plane(), d_source + l_ * plane(), T(1), a.dx[0]);
    }
    if (a.dx[1]) pool_.backward(d_source, a.dx[1]);
  }

 private:
  Index plane() const { return positions_ * kLanes; }

  /// to = W from + b at every position.
  void product(const Matrix<T>& w, const T* from, const Matrix<T>& bias, T* to) const {
    for (Index p = 0; p < positions_; ++p)
      kernels_of<T>().lane_product(w.rows(), w.columns(), w.data(), w.columns(), from + p * kLanes,
                                   row_offset_.data(), to + p * kLanes, plane());
    for (Index o = 0; o < w.rows(); ++o)
      for (Index i = 0; i < plane(); ++i) to[o * plane() + i] += bias(0, o);
  }

  /// d_from = W^T d_to at every position.
  void back_product(const Matrix<T>& w, const T* d_to, T* transposed, T* d_from) const {
    for (Index o = 0; o < w.rows(); ++o)
      for (Index r = 0; r < w.columns(); ++r) transposed[r * w.rows() + o] = w(o, r);
    for (Index p = 0; p < positions_; ++p)
      kernels_of<T>().lane_product(w.columns(), w.rows(), transposed, w.rows(), d_to + p * kLanes,
                                   row_offset_.data(), d_from + p * kLanes, plane());
  }

  void gradients(const T* from, const T* d_to, Matrix<T>& dw, Matrix<T>& db) const {
    kernels_of<T>().lane_gradient(dw.rows(), dw.columns(), positions_, d_to, plane(), from,
                                  row_offset_.data(), position_offset_.data(), dw.data(),
                                  dw.columns());
    for (Index o = 0; o < dw.rows(); ++o) {
      T sum[kLanes] = {};
      for (Index i = 0; i < plane(); ++i) sum[i % kLanes] += d_to[o * plane() + i];
      for (Index half = kLanes / 2; half >= 1; half /= 2)
        for (Index i = 0; i < half; ++i) sum[i] += sum[i + half];
      db(0, o) += sum[0];
    }
  }

  AdaptivePool pool_;
  Index positions_, n_, l_, m_;
  bool is_relu_, is_residual_;
  std::vector<std::int32_t> row_offset_, position_offset_;
};

void compensator_fields(FieldVisitor& f, CompensatorParams& p) {
  f.field({.key = "filters", .meaning = "generated maps", .low = 0, .high = kMostOutputs},
          p.filters);
  f.field({.key = "generator",
           .meaning = "activation of the generated maps",
           .one_of = {"relu", "identity"}},
          p.generator);
  f.field({.key = "residual", .meaning = "whether a compensator adds to its input"}, p.is_residual);
}

LayerStructure compensator_structure(const LayerSpec& spec, const CompensatorParams& p,
                                     const std::vector<Shape>& inputs) {
  if (p.filters < 1) fail(spec, "needs filters");
  const Shape &y = inputs[0], &x = inputs[1];
  const Index n = y.channels, l = x.channels, m = p.filters;
  const Index plane = y.height * y.width * kLanes;
  LayerStructure s;
  s.inputs = inputs;
  s.output = y;
  s.parameters = {{.name = "generator_weight", .rows = m, .columns = l + n, .fan_in = l + n},
                  {.name = "generator_bias", .rows = 1, .columns = m},
                  {.name = "weight",
                   .rows = n,
                   .columns = p.is_residual ? m : n + m,
                   .starts_as_identity = !p.is_residual},
                  {.name = "bias", .rows = 1, .columns = n}};
  s.compensator = CompensatorRole{.is_residual = p.is_residual};
  s.state = (l + n + m) * plane;
  s.work = (n + m + l + n) * plane + std::max(m * (l + n), n * (n + m));
  return s;
}

}  // namespace

LayerKind compensator_kind() {
  return layer_kind<Compensator>(
      "compensator", compensator_fields, compensator_structure,
      {.least = 2, .most = 2, .meaning = "the layer that it corrects, and that layer's input"});
}

LayerSpec compensator_behind(const std::string& layer, const std::string& input,
                             const CompensatorParams& params) {
  LayerSpec spec;
  spec.type = "compensator";
  spec.name = layer + "_compensator";
  spec.inputs = {layer, input};
  spec.own = params;
  return spec;
}

}  // namespace ohmic::nn
