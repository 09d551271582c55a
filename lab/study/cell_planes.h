#pragma once

#include <string>
#include <vector>

#include "sim/crossbar.h"

namespace ohmic::lab {

/// The cells of one matrix on several chips, gathered from tiles:
/// values[chip][polarity][n_out][n_in].
struct CellPlanes {
  Index polarities = 0;
  std::vector<float> target, programmed, after_drift;  ///< [S]
  /// What the device model keeps beside, by name; `broken` holds the conductance [S] of broken
  /// cells and -1 for all others, where there may be any.
  std::vector<std::pair<std::string, std::vector<float>>> state;
};

/// Puts the cells of chip `chip` of `chips` in their places.
void gather_cells(const sim::Crossbar& crossbar, Index outputs, Index inputs, Index chip,
                  Index chips, CellPlanes& planes);

}  // namespace ohmic::lab
