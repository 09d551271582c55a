#include "nn/layer_mac.h"

#include <algorithm>
#include <limits>

#include "base/parallel.h"
#include "nn/layer_kind.h"
#include "nn/panel_product.h"
#include "nn/window_product.h"
#include "nn/winograd_gradient.h"
#include "nn/winograd_product.h"

/// Linear and convolution layers: y = W x + b at every position of a window that slides over the
/// zero-padded image. A linear layer is the window of one pixel over an image of one pixel. The
/// shape of a layer chooses its engine, so that no bit depends on anything else.
namespace ohmic::nn {
namespace {

template <class T>
T lane_sum(const T* x, Index rows) {
  T sum[kLanes] = {};
  for (Index r = 0; r < rows; ++r)
    for (Index lane = 0; lane < kLanes; ++lane) sum[lane] += x[r * kLanes + lane];
  for (Index half = kLanes / 2; half >= 1; half /= 2)
    for (Index i = 0; i < half; ++i) sum[i] += sum[i + half];
  return sum[0];
}

enum class Engine { window, panel, winograd };

Engine engine_for(Index outputs, const PatchView& g) {
  if (WinogradProduct<float>::suits(outputs, g)) return Engine::winograd;
  // A panel is gathered once for all outputs: it takes some to be worth it.
  return g.positions() == 1 || outputs > 16 ? Engine::panel : Engine::window;
}

template <class T>
class MacLayer final : public Layer<T> {
 public:
  MacLayer(LayerStructure s, const MacParams&)
      : Layer<T>(std::move(s)),
        outputs_(this->structure().mac->outputs),
        positions_(this->structure().mac->patch.positions()) {
    const PatchView& g = this->structure().mac->patch;
    const Engine engine = engine_for(outputs_, g);
    if (engine == Engine::window) {
      window_.emplace(outputs_, g);
      return;
    }
    if (engine == Engine::panel) {
      panel_.emplace(outputs_, g, false);
      panel_back_.emplace(outputs_, g, true);
      return;
    }
    winograd_.emplace(outputs_, g, false);
    winograd_back_.emplace(outputs_, g, true);
    winograd_gradient_.emplace(outputs_, g);
  }

  void prepare(const LayerParameters<T>& parameters, T* prepared) const override {
    if (winograd_) winograd_->prepare(parameters[0].value.data(), prepared);
  }

  void forward(const ForwardArguments<T>& a) const override {
    const T* weight = a.parameters[0].value.data();
    const T* bias = a.parameters.size() > 1 ? a.parameters[1].value.data() : nullptr;
    if (window_) return window_->apply(weight, bias, a.x[0], a.state, a.y);
    if (panel_) return panel_->apply(weight, bias, a.x[0], a.y);
    if (!a.prepared) prepare(a.parameters, a.scratch);
    winograd_->apply(a.prepared ? a.prepared : a.scratch, bias, a.x[0], a.y);
  }

  void backward(const BackwardArguments<T>& a) const override {
    if (!a.is_frozen) parameter_gradients(a);
    if (!a.dx[0]) return;
    const T* weight = a.parameters[0].value.data();
    if (window_) return window_->apply_backward(weight, a.dy, a.work, a.dx[0]);
    if (panel_back_) return panel_back_->apply(weight, nullptr, a.dy, a.dx[0]);
    winograd_back_->prepare(weight, a.scratch);
    winograd_back_->apply(a.scratch, nullptr, a.dy, a.dx[0]);
  }

 private:
  void parameter_gradients(const BackwardArguments<T>& a) const {
    T* dw = a.gradient[0].value.data();
    if (window_)
      window_->add_gradient(a.x[0], a.state, a.dy, dw);
    else if (panel_)
      panel_->add_gradient(a.x[0], a.dy, a.scratch, dw);
    else
      winograd_gradient_->add(a.x[0], a.dy, a.scratch, dw);
    if (a.gradient.size() < 2) return;
    T* db = a.gradient[1].value.data();
    for_each_part(outputs_, positions_ * kLanes, [&](Index first, Index last) {
      for (Index o = first; o < last; ++o)
        db[o] += lane_sum(a.dy + o * positions_ * kLanes, positions_);
    });
  }

  Index outputs_, positions_;
  std::optional<WindowProduct<T>> window_;
  std::optional<PanelProduct<T>> panel_, panel_back_;
  std::optional<WinogradProduct<T>> winograd_, winograd_back_;
  std::optional<WinogradGradient<T>> winograd_gradient_;
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
  // Enough for either precision.
  switch (engine_for(p.outputs, g)) {
    case Engine::window: {
      const WindowProduct<double> window(p.outputs, g);
      s.state = window.state_size();
      s.work = window.work_size();
      break;
    }
    case Engine::winograd:
      s.prepared = WinogradProduct<double>::prepared_size(p.outputs, g);
      s.scratch = std::max({s.prepared, WinogradGradient<float>(p.outputs, g).work_size(),
                            WinogradGradient<double>(p.outputs, g).work_size()});
      break;
    case Engine::panel:
      s.scratch = std::max(PanelProduct<float>::gradient_work(p.outputs, g),
                           PanelProduct<double>::gradient_work(p.outputs, g));
  }
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
