#pragma once

#include <cstdint>
#include <vector>

#include "base/linear_operator.h"
#include "base/matrix.h"

namespace ohmic::nn {

/// The engine for products with many outputs. At every position p of maps in a lane block
///   y_o(p) = sum over channels c and taps t of w(o, c, t) x_c(pixel(p, t)),
/// without the taps that lie in the padding. What a position reads is gathered into a panel, a few
/// channels at a time (an order of the sum that belongs to the shape alone), so that all products
/// read the first cache; some positions share each pass over the weights.
template <class T>
class PanelProduct {
 public:
  /// y = W x of a layer with `outputs` maps and window `g`, or (`is_backward`) dx = W^T dy of the
  /// same layer. Both read the layer's weights, outputs x (channel, kernel row, kernel column).
  PanelProduct(Index outputs, const PatchView& g, bool is_backward);

  /// Overwrites y (maps x positions x kLanes); `bias`, one a map, may be null.
  void apply(const T* weight, const T* bias, const T* x, T* y) const;

  /// dw += sum over positions and lanes of dy x: of a forward product. `work` holds gradient_work()
  /// numbers of such a layer.
  void add_gradient(const T* x, const T* dy, T* work, T* dw) const;
  static Index gradient_work(Index outputs, const PatchView& g);

 private:
  struct Position {
    std::vector<std::int32_t> taps;    ///< that lie inside
    std::vector<std::int32_t> pixels;  ///< that they read
  };
  void gather(const Position& at, Index first, Index count, const T* x, T* panel) const;
  void gather_window(Index begin, Index first, Index count, const T* x, T* panel) const;
  void apply_chunk(Index chunk, Index first_output, Index outputs, const T* weight, const T* bias,
                   const T* x, T* y) const;
  void gradient_task(Index part, Index group, const T* x, const T* dy, T* dw) const;
  void add_block(Index begin, Index pairs, Index first, Index tile, Index tiles, const T* x,
                 const T* slopes, T* panel, T* dw) const;

  Index maps_, channels_;  ///< out, in
  Index taps_ = 0, in_pixels_ = 0;
  Index map_step_ = 0, channel_step_ = 0;          ///< of weights
  Index block_ = 0;                                ///< channels of a panel
  Index kernel_, padding_, in_width_, out_width_;  ///< [pixels]
  bool shares_window_ = false;        ///< a gradient's positions read one window, padding and all
  std::vector<std::int32_t> pixels_;  ///< 0, 1, ... of the input
  std::vector<Position> positions_;
};

}  // namespace ohmic::nn
