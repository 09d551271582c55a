#include <algorithm>

#include "nn/layer.h"

/// Linear and convolution layers: y = W x + b at every position of a window that slides over the zero-padded image.
/// A linear layer is the window of one pixel over an image of one pixel. Both gradients are products of the same two
/// kernels: dW sums dy x over positions, and dx is the correlation of the spread-out dy (stride - 1 zeros between, kernel
/// - 1 - padding around) with the weights turned by 180 degrees.
namespace ohmic::nn {
namespace {

std::int32_t lane_offset(Index pixel) { return static_cast<std::int32_t>(pixel * kLanes); }

/// Offsets of what a window of `kernel` x `kernel` reads in an image of that height and width, channel by channel.
std::vector<std::int32_t> window_offsets(Index channels, Index kernel, Index height, Index width) {
  std::vector<std::int32_t> offsets;
  for (Index c = 0; c < channels; ++c)
    for (Index ky = 0; ky < kernel; ++ky)
      for (Index kx = 0; kx < kernel; ++kx) offsets.push_back(lane_offset((c * height + ky) * width + kx));
  return offsets;
}

template <class T>
T lane_sum(const T* x, Index rows) {
  T sum[kLanes] = {};
  for (Index r = 0; r < rows; ++r)
    for (Index lane = 0; lane < kLanes; ++lane) sum[lane] += x[r * kLanes + lane];
  for (Index half = kLanes / 2; half >= 1; half /= 2)
    for (Index i = 0; i < half; ++i) sum[i] += sum[i + half];
  return sum[0];
}

template <class T>
class MacLayer final : public Layer<T> {
 public:
  explicit MacLayer(LayerStructure s)
      : Layer<T>(std::move(s)),
        outputs_(this->structure().mac->outputs),
        g_(this->structure().mac->patch),
        padded_height_(g_.height + 2 * g_.padding),
        padded_width_(g_.width + 2 * g_.padding),
        row_offset_(window_offsets(g_.channels, g_.kernel, padded_height_, padded_width_)),
        spread_height_(g_.height + g_.kernel - 1),
        spread_width_(g_.width + g_.kernel - 1),
        spread_offset_(window_offsets(outputs_, g_.kernel, spread_height_, spread_width_)) {
    for (Index row = 0; row < g_.out_height(); ++row)
      for (Index column = 0; column < g_.out_width(); ++column)
        position_offset_.push_back(lane_offset((row * padded_width_ + column) * g_.stride));
  }

  void forward(const ForwardArguments<T>& a) const override {
    const T* x = a.x[0];
    if (g_.padding > 0) {
      copy_image(x, a.state);
      x = a.state;
    }
    const Matrix<T>& weight = a.parameters[0].value;
    const T* bias = a.parameters.size() > 1 ? a.parameters[1].value.data() : nullptr;
    const Index positions = g_.positions();
    for (Index p = 0; p < positions; ++p) {
      T* y = a.y + p * kLanes;
      kernels_of<T>().lane_product(outputs_, weight.columns(), weight.data(), weight.columns(),
                                   x + position_offset_[static_cast<std::size_t>(p)], row_offset_.data(), y,
                                   positions * kLanes);
      if (!bias) continue;
      for (Index o = 0; o < outputs_; ++o)
        for (Index lane = 0; lane < kLanes; ++lane) y[o * positions * kLanes + lane] += bias[o];
    }
  }

  void backward(const BackwardArguments<T>& a) const override {
    const Index positions = g_.positions();
    const T* x = g_.padding > 0 ? a.state : a.x[0];
    Matrix<T>& dw = a.gradient[0].value;
    kernels_of<T>().lane_gradient(outputs_, dw.columns(), positions, a.dy, positions * kLanes, x, row_offset_.data(),
                                  position_offset_.data(), dw.data(), dw.columns());
    if (a.gradient.size() > 1)
      for (Index o = 0; o < outputs_; ++o)
        a.gradient[1].value(0, o) += lane_sum(a.dy + o * positions * kLanes, positions);
    if (!a.dx[0]) return;

    T* turned = a.work;
    turn(a.parameters[0].value, turned);
    const T* dy = a.dy;
    if (g_.kernel > 1 || g_.stride > 1) {
      T* spread = a.work + a.parameters[0].value.size();
      spread_out(a.dy, spread);
      dy = spread;
    }
    const Index rows = outputs_ * g_.kernel * g_.kernel;
    for (Index row = 0; row < g_.height; ++row)
      for (Index column = 0; column < g_.width; ++column)
        kernels_of<T>().lane_product(g_.channels, rows, turned, rows, dy + lane_offset(row * spread_width_ + column),
                                     spread_offset_.data(), a.dx[0] + lane_offset(row * g_.width + column),
                                     g_.height * g_.width * kLanes);
  }

 private:
  /// The image into the middle of the padded one, whose border stays zero.
  void copy_image(const T* x, T* padded) const {
    for (Index c = 0; c < g_.channels; ++c)
      for (Index row = 0; row < g_.height; ++row)
        std::copy_n(x + (c * g_.height + row) * g_.width * kLanes, g_.width * kLanes,
                    padded + ((c * padded_height_ + row + g_.padding) * padded_width_ + g_.padding) * kLanes);
  }

  /// channels x (output, kernel row, kernel column), the window turned by 180 degrees.
  void turn(const Matrix<T>& weight, T* turned) const {
    const Index window = g_.kernel * g_.kernel;
    for (Index c = 0; c < g_.channels; ++c)
      for (Index o = 0; o < outputs_; ++o)
        for (Index k = 0; k < window; ++k) *turned++ = weight.row(o)[c * window + window - 1 - k];
  }

  void spread_out(const T* dy, T* spread) const {
    const Index first = g_.kernel - 1 - g_.padding;
    for (Index o = 0; o < outputs_; ++o)
      for (Index row = 0; row < g_.out_height(); ++row)
        for (Index column = 0; column < g_.out_width(); ++column, dy += kLanes)
          std::copy_n(dy, kLanes,
                      spread + ((o * spread_height_ + first + row * g_.stride) * spread_width_ + first +
                                column * g_.stride) *
                                   kLanes);
  }

  Index outputs_;
  PatchView g_;
  Index padded_height_, padded_width_;
  std::vector<std::int32_t> row_offset_, position_offset_;
  Index spread_height_, spread_width_;
  std::vector<std::int32_t> spread_offset_;
};

PatchView window_of(const LayerSpec& spec, const Shape& input) {
  PatchView g;
  if (spec.type == "linear") {
    g.channels = input.features();
  } else {
    g.channels = input.channels;
    g.height = input.height;
    g.width = input.width;
    g.kernel = spec.kernel;
    g.stride = spec.stride == 0 ? 1 : spec.stride;
    g.padding = spec.padding;
    if (g.kernel < 1) fail(spec, "needs a kernel");
    if (g.padding >= g.kernel) fail(spec, "padding " + std::to_string(g.padding) + " is not below the kernel's " + std::to_string(g.kernel));
    if (g.kernel > std::min(g.height, g.width) + 2 * g.padding)
      fail(spec, "kernel " + std::to_string(g.kernel) + " is larger than its input " + text(input) + " with padding " +
                     std::to_string(g.padding));
  }
  g.sample_stride = 1;
  g.column_stride = kLanes;
  g.row_stride = g.width * kLanes;
  g.channel_stride = g.height * g.row_stride;
  return g;
}

}  // namespace

template <class T>
std::unique_ptr<Layer<T>> make_mac_layer(const LayerSpec& spec, const Shape& input) {
  if (spec.outputs < 1) fail(spec, spec.type == "conv" ? "needs filters" : "needs outputs");
  const PatchView g = window_of(spec, input);
  LayerStructure s;
  s.inputs = {input};
  s.output = {spec.outputs, g.out_height(), g.out_width()};
  s.parameters = {{.name = "weight", .rows = spec.outputs, .columns = g.inputs(), .fan_in = g.inputs()}};
  if (spec.bias) s.parameters.push_back({.name = "bias", .rows = 1, .columns = spec.outputs, .fan_in = g.inputs()});
  s.mac = Mac{spec.outputs, g};
  if (g.padding > 0) s.state = g.channels * (g.height + 2 * g.padding) * (g.width + 2 * g.padding) * kLanes;
  s.work = spec.outputs * g.inputs();
  if (g.kernel > 1 || g.stride > 1)
    s.work += spec.outputs * (g.height + g.kernel - 1) * (g.width + g.kernel - 1) * kLanes;
  return std::make_unique<MacLayer<T>>(std::move(s));
}

template std::unique_ptr<Layer<float>> make_mac_layer(const LayerSpec&, const Shape&);
template std::unique_ptr<Layer<double>> make_mac_layer(const LayerSpec&, const Shape&);

}  // namespace ohmic::nn
