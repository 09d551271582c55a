#include "nn/layer_compensator.h"

#include <algorithm>

#include "nn/adaptive_pool.h"
#include "nn/layer_kind.h"

/// CorrectNet's error compensation (Eldebiky et al., DATE 2023, arXiv:2211.14917; the details are
/// ours, docs/correctnet.md): behind a layer with input x and erroneous output y~, at every output
/// position
///   g = act(G [xp; y~] + b_G)          generator: m filters, xp = x average-pooled to y's size
///   z = C [y~; g] + b_C                compensator: n filters; residual form z = y~ + C g + b_C
/// G starts random, C = [I | 0], b = 0: transparent at first, and C still has a gradient.
/// With `pooling` p the generator (and the residual form's C) works on squares of p x p output
/// pixels: y~ averaged over each, x average-pooled to the grid of the squares, the result repeated
/// on each pixel.
namespace ohmic::nn {
namespace {

/// Places of a plane of lane blocks: where the rows and the positions of a product lie.
struct Places {
  Index width = 0, positions = 0;
  std::vector<std::int32_t> rows, columns;  ///< offsets of maps and of positions
  Index plane() const { return positions * kLanes; }
};

Places places_of(Index height, Index width, Index maps) {
  Places p{.width = width, .positions = height * width, .rows = {}, .columns = {}};
  for (Index f = 0; f < maps; ++f) p.rows.push_back(static_cast<std::int32_t>(f * p.plane()));
  for (Index i = 0; i < p.positions; ++i)
    p.columns.push_back(static_cast<std::int32_t>(i * kLanes));
  return p;
}

Index pooled(Index length, std::int64_t pooling) { return (length + pooling - 1) / pooling; }

/// to = W from + b at every position.
template <class T>
void product(const Places& at, const Matrix<T>& w, const T* from, const Matrix<T>& bias, T* to) {
  for (Index p = 0; p < at.positions; ++p)
    kernels_of<T>().lane_product(w.rows(), w.columns(), w.data(), w.columns(), from + p * kLanes,
                                 at.rows.data(), to + p * kLanes, at.plane());
  for (Index o = 0; o < w.rows(); ++o)
    for (Index i = 0; i < at.plane(); ++i) to[o * at.plane() + i] += bias(0, o);
}

/// d_from = W^T d_to at every position.
template <class T>
void back_product(const Places& at, const Matrix<T>& w, const T* d_to, T* transposed, T* d_from) {
  for (Index o = 0; o < w.rows(); ++o)
    for (Index r = 0; r < w.columns(); ++r) transposed[r * w.rows() + o] = w(o, r);
  for (Index p = 0; p < at.positions; ++p)
    kernels_of<T>().lane_product(w.columns(), w.rows(), transposed, w.rows(), d_to + p * kLanes,
                                 at.rows.data(), d_from + p * kLanes, at.plane());
}

/// Adds the gradients of W and b.
template <class T>
void add_gradients(const Places& at, const T* from, const T* d_to, Matrix<T>& dw, Matrix<T>& db) {
  kernels_of<T>().lane_gradient(dw.rows(), dw.columns(), at.positions, d_to, at.plane(), from,
                                at.rows.data(), at.columns.data(), dw.data(), dw.columns());
  for (Index o = 0; o < dw.rows(); ++o) {
    T sum[kLanes] = {};
    for (Index i = 0; i < at.plane(); ++i) sum[i % kLanes] += d_to[o * at.plane() + i];
    for (Index half = kLanes / 2; half >= 1; half /= 2)
      for (Index i = 0; i < half; ++i) sum[i] += sum[i + half];
    db(0, o) += sum[0];
  }
}

/// Buffers, each of maps in lane blocks. State: [xp; y; g] on the squares, then with pooling
/// [y; g] on the pixels (else the former serves).
template <class T>
class Compensator final : public Layer<T> {
 public:
  Compensator(LayerStructure s, const CompensatorParams& params)
      : Layer<T>(std::move(s)),
        n_(y_shape().channels),
        l_(x_shape().channels),
        m_(params.filters),
        pooling_(params.pooling),
        is_relu_(params.generator == "relu"),
        is_residual_(params.is_residual),
        pixels_(places_of(y_shape().height, y_shape().width, l_ + n_ + m_)),
        squares_(places_of(pooled(y_shape().height, pooling_), pooled(y_shape().width, pooling_),
                           l_ + n_ + m_)),
        pool_x_(x_shape(), on_squares(l_)) {}

  void forward(const ForwardArguments<T>& a) const override {
    const Index fine = pixels_.plane(), coarse = squares_.plane();
    T *source = a.state, *y = source + l_ * coarse, *g = y + n_ * coarse;
    pool_x_.forward(a.x[1], source);
    if (pooling_ == 1)
      std::copy_n(a.x[0], n_ * fine, y);
    else
      average(n_, a.x[0], y);
    product(squares_, a.parameters[0].value, source, a.parameters[1].value, g);
    if (is_relu_)
      for (Index i = 0; i < m_ * coarse; ++i) g[i] = g[i] > T(0) ? g[i] : T(0);
    T* mixed = g + m_ * coarse;  // of pixels
    if (is_residual_) {
      T* added = pooling_ == 1 ? a.y : mixed;
      product(squares_, a.parameters[2].value, g, a.parameters[3].value, added);
      if (pooling_ > 1) repeat(n_, added, a.y);
      kernels_of<T>().accumulate(n_ * fine, a.x[0], T(1), a.y);
      return;
    }
    if (pooling_ > 1) {
      std::copy_n(a.x[0], n_ * fine, mixed);
      repeat(m_, g, mixed + n_ * fine);
    }
    product(pixels_, a.parameters[2].value, pooling_ == 1 ? y : mixed, a.parameters[3].value, a.y);
  }

  void backward(const BackwardArguments<T>& a) const override {
    const Index fine = pixels_.plane(), coarse = squares_.plane();
    T *source = a.state, *y = source + l_ * coarse, *g = y + n_ * coarse, *mixed = g + m_ * coarse;
    // [d_y; d_g] on the pixels, [d_x; d_y; d_g] on the squares.
    T *d_mixed = a.work, *d_source = d_mixed + (n_ + m_) * fine,
      *d_g = d_source + (l_ + n_) * coarse, *d_added = d_g + m_ * coarse,
      *transposed = d_added + n_ * coarse;
    const Matrix<T>&generator = a.parameters[0].value, &compensator = a.parameters[2].value;
    if (is_residual_) {
      if (pooling_ == 1)
        std::copy_n(a.dy, n_ * fine, d_added);
      else
        gather(n_, a.dy, d_added);
      add_gradients(squares_, g, d_added, a.gradient[2].value, a.gradient[3].value);
      back_product(squares_, compensator, d_added, transposed, d_g);
      std::copy_n(a.dy, n_ * fine, d_mixed);
    } else {
      add_gradients(pixels_, pooling_ == 1 ? y : mixed, a.dy, a.gradient[2].value,
                    a.gradient[3].value);
      back_product(pixels_, compensator, a.dy, transposed, d_mixed);
      if (pooling_ == 1)
        std::copy_n(d_mixed + n_ * fine, m_ * fine, d_g);
      else
        gather(m_, d_mixed + n_ * fine, d_g);
    }
    if (is_relu_)
      for (Index i = 0; i < m_ * coarse; ++i) d_g[i] = g[i] > T(0) ? d_g[i] : T(0);
    add_gradients(squares_, source, d_g, a.gradient[0].value, a.gradient[1].value);
    back_product(squares_, generator, d_g, transposed, d_source);
    if (a.dx[0]) {
      const T* through = d_source + l_ * coarse;  // the generator
      if (pooling_ == 1)
        std::copy_n(through, n_ * fine, a.dx[0]);
      else
        spread(n_, through, a.dx[0]);
      kernels_of<T>().accumulate(n_ * fine, d_mixed, T(1), a.dx[0]);
    }
    if (a.dx[1]) pool_x_.backward(d_source, a.dx[1]);
  }

 private:
  const Shape& y_shape() const { return this->structure().inputs[0]; }
  const Shape& x_shape() const { return this->structure().inputs[1]; }
  Shape on_squares(Index channels) const {
    return {channels, pooled(y_shape().height, pooling_), pooled(y_shape().width, pooling_)};
  }
  /// Calls of(pixel, square) with the places of every pixel and of its square.
  template <class Of>
  void for_each_pixel(Index maps, Of of) const {
    for (Index f = 0; f < maps; ++f)
      for (Index p = 0; p < pixels_.positions; ++p) {
        const Index row = p / pixels_.width / pooling_, column = p % pixels_.width / pooling_;
        of(f * pixels_.plane() + p * kLanes,
           f * squares_.plane() + (row * squares_.width + column) * kLanes);
      }
  }
  /// Every pixel gets its square's values.
  void repeat(Index maps, const T* from, T* to) const {
    for_each_pixel(
        maps, [&](Index pixel, Index square) { std::copy_n(from + square, kLanes, to + pixel); });
  }
  /// Every square gets the sum of its pixels: the gradient of repeat().
  void gather(Index maps, const T* from, T* to) const {
    std::fill_n(to, maps * squares_.plane(), T(0));
    for_each_pixel(maps, [&](Index pixel, Index square) {
      for (Index s = 0; s < kLanes; ++s) to[square + s] += from[pixel + s];
    });
  }
  /// Every square gets the mean of its pixels.
  void average(Index maps, const T* from, T* to) const {
    gather(maps, from, to);
    for (Index f = 0; f < maps; ++f)
      for (Index q = 0; q < squares_.positions; ++q)
        for (Index s = 0; s < kLanes; ++s) to[f * squares_.plane() + q * kLanes + s] *= fraction(q);
  }
  /// The gradient of average().
  void spread(Index maps, const T* from, T* to) const {
    for_each_pixel(maps, [&](Index pixel, Index square) {
      const T factor = fraction(square % squares_.plane() / kLanes);
      for (Index s = 0; s < kLanes; ++s) to[pixel + s] = from[square + s] * factor;
    });
  }
  /// One over the pixels of square q: squares at the far edges may be cut.
  T fraction(Index q) const {
    const Index row = q / squares_.width * pooling_, column = q % squares_.width * pooling_;
    return T(1) / static_cast<T>(std::min<Index>(pooling_, y_shape().height - row) *
                                 std::min<Index>(pooling_, y_shape().width - column));
  }

  Index n_, l_, m_;
  std::int64_t pooling_;
  bool is_relu_, is_residual_;
  Places pixels_, squares_;
  AdaptivePool pool_x_;
};

void compensator_fields(FieldVisitor& f, CompensatorParams& p) {
  f.field({.key = "filters", .meaning = "generated maps", .low = 0, .high = kMostOutputs},
          p.filters);
  f.field({.key = "generator",
           .meaning = "activation of the generated maps",
           .one_of = {"relu", "identity"}},
          p.generator);
  f.field({.key = "residual", .meaning = "whether a compensator adds to its input"}, p.is_residual);
  f.field({.key = "pooling",
           .meaning = "side of the squares of output pixels that share generated maps",
           .unit = "pixels",
           .low = 1,
           .high = 64},
          p.pooling);
}

LayerStructure compensator_structure(const LayerSpec& spec, const CompensatorParams& p,
                                     const std::vector<Shape>& inputs) {
  if (p.filters < 1) fail(spec, "needs filters");
  const Shape &y = inputs[0], &x = inputs[1];
  const Index n = y.channels, l = x.channels, m = p.filters;
  const Index fine = y.height * y.width * kLanes;
  const Index squares = pooled(y.height, p.pooling) * pooled(y.width, p.pooling),
              coarse = squares * kLanes;
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
  s.compensator =
      CompensatorRole{.is_residual = p.is_residual,
                      .macs = m * (l + n) * squares +
                              (p.is_residual ? n * m * squares : n * (n + m) * y.height * y.width)};
  s.state = (l + n + m) * coarse + (p.pooling == 1 ? 0 : (n + m) * fine);
  s.work = (n + m) * fine + (l + n + m + n) * coarse + std::max(m * (l + n), n * (n + m));
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
