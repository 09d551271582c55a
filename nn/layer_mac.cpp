#include "nn/layer_mac.h"

#include <algorithm>
#include <limits>

#include "nn/layer_kind.h"

/// Linear and convolution layers: y = W x + b at every position of a window that slides over the
/// zero-padded image. A linear layer is the window of one pixel over an image of one pixel. Both
/// gradients are products of the same two kernels: dW sums dy x over positions, and dx is the
/// correlation of the zero-dilated dy (stride - 1 zeros between pixels, kernel - 1 - padding at
/// both sides) with the weights flipped in both directions. There the window is read in the order
/// (kernel row, kernel column, output), so that its rows above and below dy are left out instead of
/// multiplied by zeros.
namespace ohmic::nn {
namespace {

std::int32_t lane_offset(Index pixel) { return static_cast<std::int32_t>(pixel * kLanes); }

/// Offsets of what a window reads, in the order (channel, row, column).
std::vector<std::int32_t> window_offsets(const PatchView& g, Index height, Index width) {
  std::vector<std::int32_t> offsets;
  for (Index c = 0; c < g.channels; ++c)
    for (Index row = 0; row < g.kernel; ++row)
      for (Index column = 0; column < g.kernel; ++column)
        offsets.push_back(lane_offset((c * height + row) * width + column));
  return offsets;
}

/// The same over `outputs` images in the order (row, column, output).
std::vector<std::int32_t> flipped_offsets(Index outputs, const PatchView& g, Index height,
                                          Index width) {
  std::vector<std::int32_t> offsets;
  for (Index row = 0; row < g.kernel; ++row)
    for (Index column = 0; column < g.kernel; ++column)
      for (Index o = 0; o < outputs; ++o)
        offsets.push_back(lane_offset((o * height + row) * width + column));
  return offsets;
}

/// Numbers for flipped weights or matrix_gradient, whichever is more.
Index room(Index outputs, const PatchView& g) {
  return std::max(outputs * g.inputs(), (kLanes + outputs) * kLanes);
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
  MacLayer(LayerStructure s, const MacParams&)
      : Layer<T>(std::move(s)),
        outputs_(this->structure().mac->outputs),
        g_(this->structure().mac->patch),
        padded_height_(g_.height + 2 * g_.padding),
        padded_width_(g_.width + 2 * g_.padding),
        row_offset_(window_offsets(g_, padded_height_, padded_width_)),
        dilated_height_((g_.out_height() - 1) * g_.stride + 1),
        dilated_width_(g_.width + g_.kernel - 1),
        dilated_offset_(flipped_offsets(outputs_, g_, dilated_height_, dilated_width_)) {
    for (Index row = 0; row < g_.out_height(); ++row)
      for (Index column = 0; column < g_.out_width(); ++column)
        position_offset_.push_back(lane_offset((row * padded_width_ + column) * g_.stride));
    for (Index sample = 0; sample < kLanes; ++sample) sample_offset_.push_back(lane_offset(sample));
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
                                   x + position_offset_[static_cast<std::size_t>(p)],
                                   row_offset_.data(), y, positions * kLanes);
      if (!bias) continue;
      for (Index o = 0; o < outputs_; ++o)
        for (Index lane = 0; lane < kLanes; ++lane) y[o * positions * kLanes + lane] += bias[o];
    }
  }

  void backward(const BackwardArguments<T>& a) const override {
    if (!a.is_frozen) parameter_gradients(a);
    if (!a.dx[0]) return;

    T* flipped = a.work;
    flip(a.parameters[0].value, flipped);
    const T* dy = a.dy;
    if (g_.kernel > 1 || g_.stride > 1) {
      T* dilated = a.work + room(outputs_, g_);
      zero_dilate(a.dy, dilated);
      dy = dilated;
    }
    const Index window_row = g_.kernel * outputs_, rows = g_.kernel * window_row;
    const Index pixels = g_.height * g_.width;
    for (Index row = 0; row < g_.height; ++row) {
      const Index top = row + g_.padding - (g_.kernel - 1);  // where the window begins in dy
      const Index first = std::max<Index>(0, -top);
      const Index last = std::min(g_.kernel, dilated_height_ - top);
      T* dx = a.dx[0] + row * g_.width * kLanes;
      for (Index column = 0; column < g_.width; ++column, dx += kLanes)
        kernels_of<T>().lane_product(g_.channels, std::max<Index>(0, last - first) * window_row,
                                     flipped + first * window_row, rows,
                                     dy + ((top + first) * dilated_width_ + column) * kLanes,
                                     dilated_offset_.data(), dx, pixels * kLanes);
    }
  }

 private:
  void parameter_gradients(const BackwardArguments<T>& a) const {
    const Index positions = g_.positions();
    const T* x = g_.padding > 0 ? a.state : a.x[0];
    Matrix<T>& dw = a.gradient[0].value;
    if (positions == 1)
      matrix_gradient(x, a.dy, a.work, dw);
    else
      kernels_of<T>().lane_gradient(outputs_, dw.columns(), positions, a.dy, positions * kLanes, x,
                                    row_offset_.data(), position_offset_.data(), dw.data(),
                                    dw.columns());
    if (a.gradient.size() > 1)
      for (Index o = 0; o < outputs_; ++o)
        a.gradient[1].value(0, o) += lane_sum(a.dy + o * positions * kLanes, positions);
  }

  /// The image into the middle of the padded one, whose border stays zero.
  void copy_image(const T* x, T* padded) const {
    for (Index c = 0; c < g_.channels; ++c)
      for (Index row = 0; row < g_.height; ++row)
        std::copy_n(
            x + (c * g_.height + row) * g_.width * kLanes, g_.width * kLanes,
            padded +
                ((c * padded_height_ + row + g_.padding) * padded_width_ + g_.padding) * kLanes);
  }

  /// dW of a layer with one position, where lane_gradient would spend its time on sums across
  /// lanes: a product over samples, with kLanes inputs in the lanes. `work` holds (kLanes +
  /// outputs) x kLanes numbers.
  void matrix_gradient(const T* x, const T* dy, T* work, Matrix<T>& dw) const {
    T *inputs = work, *product = work + kLanes * kLanes;
    for (Index first = 0; first < dw.columns(); first += kLanes) {
      const Index n = std::min<Index>(kLanes, dw.columns() - first);
      for (Index r = 0; r < n; ++r)
        for (Index sample = 0; sample < kLanes; ++sample)
          inputs[sample * kLanes + r] =
              x[row_offset_[static_cast<std::size_t>(first + r)] + sample];
      kernels_of<T>().lane_product(outputs_, kLanes, dy, kLanes, inputs, sample_offset_.data(),
                                   product, kLanes);
      for (Index o = 0; o < outputs_; ++o)
        for (Index r = 0; r < n; ++r) dw(o, first + r) += product[o * kLanes + r];
    }
  }

  /// channels x (kernel row, kernel column, output), the window flipped in both directions.
  void flip(const Matrix<T>& weight, T* flipped) const {
    // Inputs that are written side by side, so that the reads are of whole cache lines.
    constexpr Index kColumns = 16;
    const Index window = g_.kernel * g_.kernel;
    for (Index first = 0; first < weight.columns(); first += kColumns)
      for (Index o = 0; o < outputs_; ++o)
        for (Index r = first; r < std::min(first + kColumns, weight.columns()); ++r)
          flipped[(r + window - 1 - 2 * (r % window)) * outputs_ + o] = weight.row(o)[r];
  }

  void zero_dilate(const T* dy, T* dilated) const {
    const Index left = g_.kernel - 1 - g_.padding;
    for (Index o = 0; o < outputs_; ++o)
      for (Index row = 0; row < g_.out_height(); ++row)
        for (Index column = 0; column < g_.out_width(); ++column, dy += kLanes)
          std::copy_n(dy, kLanes,
                      dilated + ((o * dilated_height_ + row * g_.stride) * dilated_width_ + left +
                                 column * g_.stride) *
                                    kLanes);
  }

  Index outputs_;
  PatchView g_;
  Index padded_height_, padded_width_;
  std::vector<std::int32_t> row_offset_, position_offset_, sample_offset_;
  Index dilated_height_, dilated_width_;
  std::vector<std::int32_t> dilated_offset_;
};

void linear_fields(FieldVisitor& f, MacParams& p) {
  f.field({.key = "outputs", .meaning = "outputs of the layer", .low = 0, .high = kMostOutputs},
          p.outputs);
  f.field({.key = "bias", .meaning = "whether the layer adds a bias"}, p.bias);
}

void conv_fields(FieldVisitor& f, MacParams& p) {
  f.field({.key = "filters", .meaning = "outputs per position", .low = 0, .high = kMostOutputs},
          p.outputs);
  f.field({.key = "bias", .meaning = "whether the layer adds a bias"}, p.bias);
  window_field(f, "kernel", "side of the square window", p.kernel);
  window_field(f, "stride", "step of the window (0: 1)", p.stride);
  window_field(f, "padding", "zeros around the image", p.padding);
}

PatchView window_of(const LayerSpec& spec, const MacParams& p, const Shape& input) {
  PatchView g;
  g.channels = input.channels;
  g.height = input.height;
  g.width = input.width;
  g.kernel = p.kernel;
  g.stride = p.stride == 0 ? 1 : p.stride;
  g.padding = p.padding;
  if (g.kernel < 1) fail(spec, "needs a kernel");
  if (g.padding >= g.kernel)
    fail(spec, "padding " + std::to_string(g.padding) + " is not below the kernel's " +
                   std::to_string(g.kernel));
  if (g.kernel > std::min(g.height, g.width) + 2 * g.padding)
    fail(spec, "kernel " + std::to_string(g.kernel) + " is larger than its input " + text(input) +
                   " with padding " + std::to_string(g.padding));
  return g;
}

LayerStructure mac_structure(const LayerSpec& spec, const MacParams& p, const Shape& input,
                             PatchView g) {
  g.sample_stride = 1;
  g.column_stride = kLanes;
  g.row_stride = g.width * kLanes;
  g.channel_stride = g.height * g.row_stride;
  LayerStructure s;
  s.inputs = {input};
  s.output = {p.outputs, g.out_height(), g.out_width()};
  s.parameters = {
      {.name = "weight", .rows = p.outputs, .columns = g.inputs(), .fan_in = g.inputs()}};
  if (p.bias)
    s.parameters.push_back({.name = "bias", .rows = 1, .columns = p.outputs, .fan_in = g.inputs()});
  s.mac = Mac{.outputs = p.outputs, .patch = g};
  const Index largest = std::numeric_limits<std::int32_t>::max() / kLanes;
  const Index padded = (g.height + 2 * g.padding) * (g.width + 2 * g.padding);
  const Index dilated = (g.height + g.kernel) * (g.width + g.kernel);
  if (std::max(g.channels * padded, p.outputs * dilated) > largest)
    fail(spec, "an image has more than " + std::to_string(largest) + " numbers in or out of it");
  if (g.padding > 0)
    s.state = g.channels * (g.height + 2 * g.padding) * (g.width + 2 * g.padding) * kLanes;
  s.work = room(p.outputs, g);
  if (g.kernel > 1 || g.stride > 1)
    s.work += p.outputs * ((g.out_height() - 1) * g.stride + 1) * (g.width + g.kernel - 1) * kLanes;
  return s;
}

LayerStructure linear_structure(const LayerSpec& spec, const MacParams& p,
                                const std::vector<Shape>& inputs) {
  if (p.outputs < 1) fail(spec, "needs outputs");
  PatchView all;
  all.channels = inputs.front().features();
  return mac_structure(spec, p, inputs.front(), all);
}

LayerStructure conv_structure(const LayerSpec& spec, const MacParams& p,
                              const std::vector<Shape>& inputs) {
  if (p.outputs < 1) fail(spec, "needs filters");
  const PatchView g = window_of(spec, p, inputs.front());
  LayerStructure s = mac_structure(spec, p, inputs.front(), g);
  s.parameters.front().stored_as = {p.outputs, g.channels, g.kernel, g.kernel};
  s.mac->is_convolution = true;
  return s;
}

}  // namespace

LayerKind linear_kind() { return layer_kind<MacLayer>("linear", linear_fields, linear_structure); }
LayerKind conv_kind() { return layer_kind<MacLayer>("conv", conv_fields, conv_structure); }

}  // namespace ohmic::nn
