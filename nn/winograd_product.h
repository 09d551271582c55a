#pragma once

#include "base/linear_operator.h"
#include "base/matrix.h"
#include "nn/winograd_tiles.h"

namespace ohmic::nn {

/// The engine for 3 x 3 windows of stride 1 with many channels: Winograd's F(4 x 4, 3 x 3), a
/// quarter of the products of the sum by definition, from which it differs by about 5e-6 of the
/// largest output in single precision. Maps lie in lane blocks.
template <class T>
class WinogradProduct {
 public:
  /// As PanelProduct.
  WinogradProduct(Index outputs, const PatchView& g, bool is_backward);

  /// Whether it is the faster engine for such a layer.
  static bool suits(Index outputs, const PatchView& g);

  /// Numbers of transformed weights, either way.
  static Index prepared_size(Index outputs, const PatchView& g);
  void prepare(const T* weight, T* prepared) const;

  /// Overwrites y (maps x positions x kLanes); `bias`, one a map, may be null.
  void apply(const T* prepared, const T* bias, const T* x, T* y) const;

 private:
  struct Tiles;
  void multiply(const Tiles& at, Index frequency, const T* prepared, const T* v, T* m) const;
  void transform_outputs(const Tiles& at, Index first_map, Index count, const T* bias, const T* m,
                         T* y) const;

  Index maps_, channels_;
  bool is_backward_;
  TiledMaps tiling_;
};

}  // namespace ohmic::nn
