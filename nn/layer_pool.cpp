#include "nn/layer_pool.h"

#include <algorithm>

#include "nn/channel_layer.h"
#include "nn/layer_kind.h"

/// Max- and average-pooling over square windows, without padding; columns and rows that fill no
/// window are left out. Global average pooling: one window, the whole map.
namespace ohmic::nn {
namespace {

void pool_fields(FieldVisitor& f, PoolParams& p) {
  window_field(f, "kernel", "side of the square window", p.kernel);
  window_field(f, "stride", "step of the window (0: the kernel)", p.stride);
}

Index stride_of(const PoolParams& p) { return p.stride == 0 ? p.kernel : p.stride; }

LayerStructure pool_structure(const LayerSpec& spec, const PoolParams& p,
                              const std::vector<Shape>& inputs) {
  const Shape& input = inputs.front();
  if (p.kernel < 1) fail(spec, "needs a kernel");
  if (p.kernel > std::min(input.height, input.width))
    fail(spec, "kernel " + std::to_string(p.kernel) + " is larger than its input " + text(input));
  const Index stride = stride_of(p);
  LayerStructure s;
  s.inputs = inputs;
  s.output = {input.channels, (input.height - p.kernel) / stride + 1,
              (input.width - p.kernel) / stride + 1};
  return s;
}

/// Windows of one pool: calls body(offset of the output pixel, offset of the window's first pixel).
struct Windows {
  Shape in, out;
  Index rows, columns, stride;  ///< of a window; step

  /// Windows of channels first .. last - 1.
  template <class Body>
  void for_each(Index first, Index last, Body body) const {
    for (Index c = first; c < last; ++c)
      for (Index row = 0; row < out.height; ++row)
        for (Index column = 0; column < out.width; ++column)
          body(((c * out.height + row) * out.width + column) * kLanes,
               ((c * in.height + row * stride) * in.width + column * stride) * kLanes);
  }
  /// The gradient by those channels of the input, of no window yet.
  template <class T>
  void clear(Index first, Index last, T* dx) const {
    const Index plane = in.height * in.width * kLanes;
    std::fill_n(dx + first * plane, (last - first) * plane, T(0));
  }
  /// Offset of pixel `k` (row-major) of a window from its first one.
  Index pixel(Index k) const { return ((k / columns) * in.width + k % columns) * kLanes; }
  Index pixels() const { return rows * columns; }
};

Windows windows_of(const PoolParams& p, const LayerStructure& s) {
  return {s.inputs[0], s.output, p.kernel, p.kernel, stride_of(p)};
}

LayerStructure whole_map(const LayerSpec&, const std::vector<Shape>& inputs) {
  LayerStructure s;
  s.inputs = inputs;
  s.output = {inputs.front().channels, 1, 1};
  return s;
}
Windows window_of_map(const LayerStructure& s) {
  return {s.inputs[0], s.output, s.inputs[0].height, s.inputs[0].width, 1};
}

template <class T>
class MaxPool final : public ChannelLayer<T> {
 public:
  MaxPool(LayerStructure s, const PoolParams& p)
      : ChannelLayer<T>(std::move(s)), windows_(windows_of(p, this->structure())) {}

  void forward_channels(const ForwardArguments<T>& a, Index first_channel,
                        Index last_channel) const override {
    windows_.for_each(first_channel, last_channel, [&](Index out, Index in) {
      T* __restrict y = a.y + out;
      const T* first = a.x[0] + in;
      std::copy_n(first, kLanes, y);
      for (Index k = 1; k < windows_.pixels(); ++k) {
        const T* x = first + windows_.pixel(k);
        for (Index lane = 0; lane < kLanes; ++lane)
          y[lane] = x[lane] <= y[lane] ? y[lane] : x[lane];
      }
    });
  }

  /// Of equal largest pixels the first in row-major order takes the whole gradient: what it took is
  /// gone from `rest`.
  void backward_channels(const BackwardArguments<T>& a, Index first_channel,
                         Index last_channel) const override {
    if (!a.dx[0]) return;
    windows_.clear(first_channel, last_channel, a.dx[0]);
    windows_.for_each(first_channel, last_channel, [&](Index out, Index in) {
      T rest[kLanes];
      std::copy_n(a.dy + out, kLanes, rest);
      for (Index k = 0; k < windows_.pixels(); ++k)
        take(a.x[0] + in + windows_.pixel(k), a.y + out, rest, a.dx[0] + in + windows_.pixel(k));
    });
  }

 private:
  static void take(const T* x, const T* y, T* __restrict rest, T* __restrict dx) {
    for (Index lane = 0; lane < kLanes; ++lane) {
      const T taken = static_cast<T>(x[lane] == y[lane]) *
                      rest[lane];  // a product, so that the loop has no branch
      dx[lane] += taken;
      rest[lane] -= taken;
    }
  }
  Windows windows_;
};

template <class T>
class AveragePool final : public ChannelLayer<T> {
 public:
  AveragePool(LayerStructure s, const PoolParams& p)
      : ChannelLayer<T>(std::move(s)), windows_(windows_of(p, this->structure())) {}
  /// Over the whole map.
  explicit AveragePool(LayerStructure s)
      : ChannelLayer<T>(std::move(s)), windows_(window_of_map(this->structure())) {}

  void forward_channels(const ForwardArguments<T>& a, Index first_channel,
                        Index last_channel) const override {
    const T fraction = T(1) / static_cast<T>(windows_.pixels());
    windows_.for_each(first_channel, last_channel, [&](Index out, Index in) {
      T* __restrict y = a.y + out;
      std::fill_n(y, kLanes, T(0));
      for (Index k = 0; k < windows_.pixels(); ++k) {
        const T* x = a.x[0] + in + windows_.pixel(k);
        for (Index lane = 0; lane < kLanes; ++lane) y[lane] += x[lane];
      }
      for (Index lane = 0; lane < kLanes; ++lane) y[lane] *= fraction;
    });
  }

  void backward_channels(const BackwardArguments<T>& a, Index first_channel,
                         Index last_channel) const override {
    if (!a.dx[0]) return;
    const T fraction = T(1) / static_cast<T>(windows_.pixels());
    windows_.clear(first_channel, last_channel, a.dx[0]);
    windows_.for_each(first_channel, last_channel, [&](Index out, Index in) {
      const T* dy = a.dy + out;
      for (Index k = 0; k < windows_.pixels(); ++k) {
        T* __restrict dx = a.dx[0] + in + windows_.pixel(k);
        for (Index lane = 0; lane < kLanes; ++lane) dx[lane] += dy[lane] * fraction;
      }
    });
  }

 private:
  Windows windows_;
};

}  // namespace

LayerKind max_pool_kind() { return layer_kind<MaxPool>("max_pool", pool_fields, pool_structure); }
LayerKind average_pool_kind() {
  return layer_kind<AveragePool>("average_pool", pool_fields, pool_structure);
}
LayerKind global_average_pool_kind() {
  return layer_kind<AveragePool>("global_average_pool", whole_map);
}

}  // namespace ohmic::nn
