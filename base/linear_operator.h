#pragma once

#include "base/activity.h"
#include "base/matrix.h"
#include "base/random_stream.h"
#include "base/tap.h"

/// The first handshake between networks and hardware: a layer's product, wherever it is done.
namespace ohmic {

/// The input of a product: `samples` images of channels x height x width, and the kernel that
/// slides over them. The data keep their owner's layout (strides, in elements). A plain matrix of
/// vectors is channels = inputs, height = width = kernel = stride = 1, padding = 0. The image is
/// quantised once, not once per kernel position.
struct PatchView {
  const float* data = nullptr;
  Index samples = 0, channels = 0, height = 1, width = 1;
  Index kernel = 1, stride = 1, padding = 0;
  Index sample_stride = 0, channel_stride = 0, row_stride = 0, column_stride = 0;

  Index out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  Index out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
  Index positions() const { return out_height() * out_width(); }
  /// Inputs of one product; their order is (channel, kernel row, kernel column) everywhere.
  Index inputs() const { return channels * kernel * kernel; }
};

/// The rows of `x` as vectors.
inline PatchView vectors(ConstView<float> x) {
  return {.data = x.data(),
          .samples = x.rows(),
          .channels = x.columns(),
          .sample_stride = x.stride(),
          .channel_stride = 1};
}

/// The output of a product: element (sample, output, position), position = output row * out_width +
/// output column.
struct OutputView {
  float* data = nullptr;
  Index sample_stride = 0, output_stride = 0, position_stride = 0;
};

/// Who reads (the addresses of read noise), and the counters. All pointers are borrowed and may
/// be null, except the stream; counters and taps belong to the caller, one per block of work,
/// reduced in block order.
struct ReadContext {
  const RandomStream* stream = nullptr;
  Index chip = 0, programming = 0, read = 0;
  Index first_sample =
      0;  ///< index of sample 0 of the view in the data set: draws do not depend on the batch
  Activity* activity = nullptr;
  Tap* tap = nullptr;
};

/// y = W x for one layer, by ideal arithmetic or by tiles. Immutable; apply() may run on many
/// threads at once.
class LinearOperator {
 public:
  virtual ~LinearOperator() = default;
  virtual Index inputs() const = 0;
  virtual Index outputs() const = 0;
  /// True where the layer's bias is part of the product (a row of cells): the caller then adds
  /// none.
  virtual bool adds_bias() const = 0;
  /// Writes the product of every sample and position. A sample's bits do not depend on the other
  /// samples of the view.
  virtual void apply(const PatchView& x, const ReadContext& context, const OutputView& y) const = 0;
};

}  // namespace ohmic
