#pragma once

#include <algorithm>

#include "base/kernels.h"
#include "base/linear_operator.h"
#include "base/parallel.h"
#include "nn/layer.h"

/// What Winograd's engines for a 3 x 3 window of stride 1 share: how maps are cut into tiles of
/// 4 x 4 outputs, and how the 6 x 6 inputs of tiles are transformed.
namespace ohmic::nn {

inline constexpr Index kTile = 4, kFrequencies = 36;
/// Lane blocks between neighbouring frequencies, so that their addresses do not fall into one set
/// of a cache.
inline constexpr Index kSkew = 1;

struct TiledMaps {
  Index height, width;          ///< of the input
  Index out_height, out_width;  ///< of the output
  Index padding;

  static TiledMaps of(const PatchView& g) {
    return {g.height, g.width, g.out_height(), g.out_width(), g.padding};
  }
  /// The same with inputs and outputs exchanged: dy to dx.
  TiledMaps backward() const { return {out_height, out_width, height, width, 2 - padding}; }
  Index across() const { return block_count(out_width, kTile); }
  Index tiles() const { return block_count(out_height, kTile) * across(); }
  Index row(Index tile) const { return tile / across() * kTile; }     ///< of its first output
  Index column(Index tile) const { return tile % across() * kTile; }  ///< of its first output
  Index rows(Index tile) const { return std::min(kTile, out_height - row(tile)); }
  Index columns(Index tile) const { return std::min(kTile, out_width - column(tile)); }
};

/// v[f * v_stride + (tile - first_tile) * tile_stride + c * kLanes + lane] of channels `first` to
/// `last` - 1 of x (channel, position, lane).
template <class T>
void transform_inputs(const TiledMaps& maps, Index first_tile, Index tiles, Index first, Index last,
                      const T* x, T* v, Index v_stride, Index tile_stride) {
  const auto inside = [](Index limit) { return static_cast<int>(std::min<Index>(limit, 6)); };
  for (Index c = first; c < last; ++c)
    for (Index tile = 0; tile < tiles; ++tile) {
      const Index row = maps.row(first_tile + tile) - maps.padding,
                  column = maps.column(first_tile + tile) - maps.padding;
      kernels_of<T>().winograd_input(x + ((c * maps.height + row) * maps.width + column) * kLanes,
                                     maps.width * kLanes, inside(-row), inside(maps.height - row),
                                     inside(-column), inside(maps.width - column),
                                     v + tile * tile_stride + c * kLanes, v_stride);
    }
}

}  // namespace ohmic::nn
