#pragma once

#include <cstdint>
#include <vector>

#include "base/matrix.h"

namespace ohmic {

/// What the hardware did during reads: counts only, so that adding them up in any order gives the
/// same. Each block of work has its own, merged by the caller.
struct Activity {
  struct Tile {
    std::int64_t conversions = 0;  ///< of the ADC
    std::int64_t clipped = 0;      ///< beyond the ADC's range by more than half a code
  };
  struct Layer {
    std::int64_t mvms = 0;  ///< matrix-vector multiplications
    std::int64_t dac_conversions = 0;
    std::int64_t dac_clipped = 0;
    std::vector<Tile> tiles;  ///< row tile by row tile
  };
  std::vector<Layer> layers;

  /// The counters of a layer, made on first use.
  Layer& layer(Index index, std::size_t tiles) {
    if (layers.size() <= static_cast<std::size_t>(index))
      layers.resize(static_cast<std::size_t>(index) + 1);
    Layer& found = layers[static_cast<std::size_t>(index)];
    if (found.tiles.size() < tiles) found.tiles.resize(tiles);
    return found;
  }
  void merge(const Activity& other) {
    for (std::size_t l = 0; l < other.layers.size(); ++l) {
      const Layer& from = other.layers[l];
      Layer& to = layer(static_cast<Index>(l), from.tiles.size());
      to.mvms += from.mvms;
      to.dac_conversions += from.dac_conversions;
      to.dac_clipped += from.dac_clipped;
      for (std::size_t t = 0; t < from.tiles.size(); ++t) {
        to.tiles[t].conversions += from.tiles[t].conversions;
        to.tiles[t].clipped += from.tiles[t].clipped;
      }
    }
  }
};

}  // namespace ohmic
