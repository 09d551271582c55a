#pragma once

#include "base/linear_operator.h"
#include "nn/winograd_tiles.h"

namespace ohmic::nn {

/// Gradients by the weights of the layers that WinogradProduct computes, in its domain: with
/// V = B^T x B and D = A dy A^T of each tile, dw = G^T (sum over tiles and samples of V D, element
/// by element) G, a quarter of the products of the sum by definition.
template <class T>
class WinogradGradient {
 public:
  WinogradGradient(Index outputs, const PatchView& g);

  /// dw += sum over positions and lanes of dy x. `work` holds work_size() numbers of such a layer.
  void add(const T* x, const T* dy, T* work, T* dw) const;
  Index work_size() const;

 private:
  struct Run;
  Index block_size() const;  ///< sums of a block of channels and a tile of outputs
  void transform_slopes(const Run& run, Index slope_tile, const T* dy, T* d) const;
  void add_products(const Run& run, Index block, const T* v, const T* d, T* sums) const;
  void add_weights(Index block, const T* sums, T* dw) const;

  Index maps_, channels_;
  TiledMaps tiling_;
  Index slope_tile_, slope_tiles_;  ///< outputs in the lanes of a product
  Index row_blocks_;                ///< blocks of channels
  Index shared_;                    ///< tiles that are transformed together
  Index parts_, part_;              ///< sums of their own, and their tiles
};

}  // namespace ohmic::nn
